"""Rows of a query as the frozen dataclasses that name their columns, and those of views with the columns that are read.

Which views there are says `schema`. Where a view shows fields of one kind of event, the class of its rows is checked
against that of the event when it is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from core.events import ConditionPlanned, DrawCommitted, Event, LotteryDiagnosed, RecoveryMeasured, TrainStep
from storage.record.reader import Reader
from storage.record.views.sql_parts import private_of

Row = TypeVar("Row")

VIEW_OF: dict[type, str] = {}
"""The view of each class of rows."""


def typed_rows(reader: Reader, kind: type[Row], sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> list[Row]:
    """Each row as a `kind`: its fields have the names of the columns, in any order.

    A stranger's record may hold any value of SQLite in any column; what is shown of it is made harmless there.
    """
    return as_rows(kind, reader.query(sql, parameters))


def as_rows(kind: type[Row], rows: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Rows by the names of their columns, each as a `kind`."""
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    return [kind(**{n: v for n, v in row.items() if n in names}) for row in rows]


def of_view(view: str, event: type[Event] | None = None) -> Callable[[type[Row]], type[Row]]:
    """Names the view of a class of rows, and the event whose fields it shows, where it shows no other.

    Raises:
        TypeError: a column is no field of the event.
    """

    def named(kind: type[Row]) -> type[Row]:
        columns = {field.name for field in fields(kind)}  # type: ignore[arg-type]
        others = columns - event.model_fields.keys() if event is not None else set()
        if event is not None and others:
            raise TypeError(f"{kind.__name__}: {', '.join(sorted(others))}: no fields of {event.kind}")
        VIEW_OF[kind] = view
        return kind

    return named


def view_rows(
    reader: Reader, kind: type[Row], condition: str = "", parameters: Sequence[Any] | dict[str, Any] = ()
) -> list[Row]:
    """Rows of the view of a class; `condition` is what follows the view in the query, as `WHERE lottery IS ?`."""
    return typed_rows(reader, kind, f"SELECT * FROM {VIEW_OF[kind]} {condition}", parameters)


@of_view("stages")
@dataclass(frozen=True)
class StageRow:
    """A stage, and how far its units are."""

    stage: Any
    status: Any
    units: Any
    completed: Any
    seconds: Any
    replay: Any
    reason: Any


@of_view("quotas")
@dataclass(frozen=True)
class CategoryRow:
    """A category of a lottery with its bounds."""

    attribute: Any
    category: Any
    target: Any
    lower: Any
    upper: Any
    slack: Any
    in_pool: Any


@of_view("lotteries")
@dataclass(frozen=True)
class LotteryRow:
    """A lottery that was solved."""

    algorithm: Any
    method: Any
    estimated: Any
    panels: Any
    max_difference: Any
    denominator: Any


@of_view("levels")
@dataclass(frozen=True)
class LevelRow:
    """A level of LEXIMIN; types and binding are JSON."""

    lottery: Any
    level: Any
    probability: Any
    types: Any
    binding: Any
    proof: Any
    gap: Any


@of_view("lottery_diagnostics", LotteryDiagnosed)
@dataclass(frozen=True)
class DiagnosticsRow:
    """How unequal the probabilities of a lottery are; empty_categories is JSON."""

    smallest: Any
    largest: Any
    equal: Any
    gini: Any
    max_min_ratio: Any
    coefficient_of_variation: Any
    without_chance: Any
    certain: Any
    empty_categories: Any


@of_view("draws")
@dataclass(frozen=True)
class DrawRow:
    """A round of a draw."""

    draw: Any
    lottery: Any
    panel: Any
    seed: Any
    origin: Any
    outcome: Any
    reason: Any
    round: Any
    commitment: Any
    value: Any


@of_view("draw_commitments", DrawCommitted)
@dataclass(frozen=True)
class CommitmentRow:
    """The public source that a round of a draw was committed to."""

    round: Any
    source: Any


@of_view("panel_composition")
@dataclass(frozen=True)
class CompositionRow(CategoryRow):
    """A category of a lottery beside the panel of a draw."""

    members: Any
    deviation: Any


@of_view("locale_composition")
@dataclass(frozen=True)
class LocaleRow:
    """How many members of a panel are from one place."""

    locale: Any
    members: Any


@of_view("conditions", ConditionPlanned)
@dataclass(frozen=True)
class ConditionRow:
    """A condition, its estimator, how many optimizer steps were planned for it, of how many pairs, and their source."""

    condition: Any
    estimator: Any
    steps: Any
    batch: Any
    source: Any


@of_view("weight_shares")
@dataclass(frozen=True)
class ShareRow:
    """A tenth of the raters of a Soft condition: what they are due of its weight, and what they get."""

    condition: Any
    decile: Any
    pairs: Any
    due: Any
    realised: Any


@of_view("train_steps", TrainStep)
@dataclass(frozen=True)
class StepRow:
    """An optimizer step."""

    condition: Any
    step: Any
    loss: Any
    margin: Any
    learning_rate: Any
    seconds: Any
    effective_pairs: Any
    tokens: Any
    memory: Any


@of_view("heldout")
@dataclass(frozen=True)
class HeldOutValueRow:
    """A metric of held-out pairs after a step of a condition."""

    condition: Any
    step: Any
    metric: Any
    scope: Any
    attribute: Any
    category: Any
    value: Any
    low: Any
    high: Any
    raters: Any
    pairs: Any


@of_view("updates")
@dataclass(frozen=True)
class UpdateOfLayer:
    """How far a condition moved a layer of the model, or all of it."""

    condition: Any
    layer: Any
    relative: Any


@of_view("recovery", RecoveryMeasured)
@dataclass(frozen=True)
class RecoveryRow:
    """How well a condition predicts a planted population."""

    condition: Any
    population_log_loss: Any
    margin_agreement: Any
    pairs: Any


@of_view("families")
@dataclass(frozen=True)
class FamilyRow:
    """The scores of the conditions of a family, as one over several draws, in the leaderboard of a method."""

    method: Any
    family: Any
    members: Any
    mean: Any
    smallest: Any
    largest: Any
    variance: Any
    width: Any


@of_view("leaderboards")
@dataclass(frozen=True)
class BoardRow:
    """A condition's place in the leaderboard of a method; draws are all that the run made, in words."""

    method: Any
    condition: Any
    score: Any
    low: Any
    high: Any
    position: Any
    rankings: Any
    resample: Any
    draws: Any
    resamples: Any
    confidence: Any
    units: Any
    interval: Any
    mean: Any


@of_view("leaderboard_details")
@dataclass(frozen=True)
class BoardDetailRow:
    """What a method found beside the scores."""

    method: Any
    name: Any
    value: Any


@of_view("places")
@dataclass(frozen=True)
class PlaceRow:
    """In which share of the resamples a condition has a place, by a method."""

    method: Any
    condition: Any
    place: Any
    share: Any


@of_view("pairwise")
@dataclass(frozen=True)
class PairRow:
    """How often a condition is preferred to another, on votes and on majorities of questions."""

    condition: Any
    other: Any
    votes: Any
    votes_against: Any
    win_rate: Any
    low: Any
    high: Any
    majority_win_rate: Any
    majority_low: Any
    majority_high: Any
    mean_margin: Any


@of_view("judge_diagnostics")
@dataclass(frozen=True)
class JudgesRow:
    """What was measured about the judges."""

    name: Any
    value: Any


@of_view("robustness")
@dataclass(frozen=True)
class AnalysisRow:
    """An analysis of the order beside the primary method's; `ranked` is JSON, those of one position together."""

    analysis: Any
    left_out: Any
    method: Any
    winner: Any
    same_winner: Any
    same_order: Any
    ranked: Any
    primary_method: Any
    primary_ranked: Any


@of_view("pair_robustness")
@dataclass(frozen=True)
class PairStandsRow:
    """A pair of conditions: how many analyses have it as the primary method does, and how far it is apart."""

    condition: Any
    other: Any
    agree: Any
    analyses: Any
    difference: Any
    error_questions: Any
    error_rankings: Any
    separated_questions: Any
    separated_rankings: Any
    confidence: Any


@of_view("flips")
@dataclass(frozen=True)
class FlipRow:
    """The fewest questions whose removal turns two neighbours of the order round; `removed` is JSON."""

    condition: Any
    other: Any
    questions: Any
    share: Any
    removed: Any
    measure: Any


@of_view("question_agreement")
@dataclass(frozen=True)
class QuestionRow:
    """How far the rankings of a question agree."""

    question_id: Any
    clause_id: Any
    rankings: Any
    kendall_tau: Any
    top1_agreement: Any
    top1_margin: Any


@of_view("clause_scores")
@dataclass(frozen=True)
class ClauseScoreRow:
    """A condition's score on a clause."""

    clause_id: Any
    condition: Any
    borda: Any
    firsts: Any
    rankings: Any


@of_view("clause_leaders")
@dataclass(frozen=True)
class ClauseLeaderRow:
    """Who leads on a clause, and how far it parts the judges."""

    clause_id: Any
    leader: Any
    difficulty: Any
    kendall_tau: Any


@of_view("length_controlled")
@dataclass(frozen=True)
class LengthRow:
    """A condition with the length of answers held fixed, beside what length is worth, or why there is no estimate."""

    condition: Any
    ability: Any
    error: Any
    win_rate: Any
    raw_win_rate: Any
    length: Any
    length_error: Any
    problem: Any


@of_view("jury_leaderboards")
@dataclass(frozen=True)
class JuryBoardRow:
    """A condition's place by one judge alone, or without it."""

    method: Any
    judge: Any
    without: Any
    condition: Any
    score: Any
    low: Any
    high: Any
    position: Any
    rankings: Any
    units: Any
    changes_winner: Any


@of_view("judge_agreement")
@dataclass(frozen=True)
class MeasureRow:
    """A measure of the judges' agreement, with an interval where it has one."""

    name: Any
    value: Any
    low: Any
    high: Any


@of_view("gold_agreement")
@dataclass(frozen=True)
class PeopleRow:
    """How far a judge agrees with people, by one measure."""

    judge: Any
    measure: Any
    value: Any
    low: Any
    high: Any
    chance: Any
    questions: Any


@of_view("hypotheses")
@dataclass(frozen=True)
class HypothesisRow:
    """What was expected of two conditions, what the rankings say of it, and whether it was tested as planned."""

    hypothesis: Any
    better: Any
    than: Any
    by: Any
    method: Any
    difference: Any
    low: Any
    high: Any
    holds: Any
    p: Any
    adjusted: Any
    verdict: Any
    status: Any
    reason: Any
    note: Any
    event: Any


@of_view("published_artefacts")
@dataclass(frozen=True)
class ArtefactRow:
    """A file of published artefacts."""

    what: Any
    name: Any
    rows: Any
    bytes: Any
    sha256: Any
    origin: Any
    answers_differ: Any


@of_view("published")
@dataclass(frozen=True)
class PublishedRow:
    """A published number beside the run's own."""

    file: Any
    method: Any
    measure: Any
    condition: Any
    other: Any
    published: Any
    recomputed: Any
    difference: Any
    low: Any
    high: Any
    verdict: Any
    reason: Any


_UNDER_WAY = f"""WITH m AS MATERIALIZED (SELECT seq, payload AS p FROM events WHERE kind = 'train.step'),
last AS MATERIALIZED (
  SELECT max(seq) AS seq, min(seq) AS first FROM m GROUP BY p->>'$.condition', p->>'$.step'
),
counted AS MATERIALIZED (SELECT p, first, {private_of("p")} AS own FROM last JOIN m USING (seq))
SELECT p->>'$.condition' AS condition, p->>'$.step' AS step, p->>'$.loss' AS loss,
  p->>'$.margin' AS margin, p->>'$.learning_rate' AS learning_rate, p->>'$.seconds' AS seconds,
  own->>'$.effective_pairs' AS effective_pairs, own->>'$.tokens' AS tokens, p->>'$.memory' AS memory
FROM counted ORDER BY first"""


def steps_under_way(reader: Reader) -> list[StepRow]:
    """Optimizer steps recorded so far, those of a condition that isn't finished included.

    Where a step was redone, the last record of it counts.
    """
    return typed_rows(reader, StepRow, _UNDER_WAY)


@dataclass(frozen=True)
class HeldOutPoint:
    """The mean log-loss over held-out pairs after a step, and how often the margin's sign is the rater's choice."""

    condition: Any
    step: Any
    log_loss: Any
    accuracy: Any


_MEASURED_SO_FAR = """WITH m AS MATERIALIZED (SELECT seq, payload AS p FROM events WHERE kind = 'heldout.measured')
SELECT p->>'$.condition' AS condition, p->>'$.step' AS step,
  (SELECT r.value->>'$.value' FROM json_each(p, '$.rows') r
    WHERE r.value->>'$.scope' = 'micro' AND r.value->>'$.metric' = 'log_loss') AS log_loss,
  (SELECT r.value->>'$.value' FROM json_each(p, '$.rows') r
    WHERE r.value->>'$.scope' = 'micro' AND r.value->>'$.metric' = 'accuracy') AS accuracy, max(seq)
FROM m GROUP BY 1, 2 ORDER BY min(seq)"""


def held_out_so_far(reader: Reader) -> list[HeldOutPoint]:
    """Measurements of held-out pairs recorded so far, those of a condition that isn't finished included."""
    return typed_rows(reader, HeldOutPoint, _MEASURED_SO_FAR)
