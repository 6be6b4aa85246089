"""`dempo rank`: leaderboards of rankings in a file, without a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from core.errors import InputError
from core.events import named_number
from core.facts.ranking.juries import MOST_WEIGHT, label_of
from core.facts.ranking.shown_places import habits_of
from core.sections.who_judges import RankSection
from storage.findings.judges_found import JudgesFound
from storage.judging.jury import JuryFound
from storage.record.rows import JuryBoardRow, MeasureRow

if TYPE_CHECKING:
    from core.ranking.leaderboards import Aggregation, Leaderboard
    from core.types import Ranking


@dataclass(frozen=True)
class Ranked:
    """Rows of the `leaderboards` view, with a note, and what is found about the judges.

    habits are sentences about judges that rank by the shown place; notes say what was left out.
    """

    rows: list[dict[str, Any]]
    jury: JuryFound
    judges: JudgesFound
    habits: Sequence[str]
    notes: Sequence[str]


def rank_file(path: Path, resamples: int, resample: str, seed: int, weights: Sequence[str] = ()) -> Ranked:
    """The leaderboards of the rankings in a JSON Lines file, and of its judges where there are several.

    Args:
        weights: "label=n", how many times each ranking of a judge counts.

    Raises:
        InputError: the file or an option is wrong; the message names the line.
    """
    from core.facts.randomness import RandomStream
    from core.ranking.file_extras import with_extras
    from core.ranking.files import read_rankings
    from core.ranking.judges.findings import findings
    from core.ranking.leaderboards import Aggregation

    try:
        section = RankSection.model_validate({"resamples": resamples, "resample": resample})
    except ValidationError as error:
        raise InputError(f"--resample {resample!r}: choose questions, rankings or clauses") from error
    rankings, given = _weighted(read_rankings(path), weights)
    whole = Aggregation(rankings, section, RandomStream(seed, "rank"), lambda done, total, detail: None)
    boards = [whole.leaderboard(method) for method in section.methods]
    rows = [
        {
            "method": board.method,
            "condition": row.condition,
            "score": named_number(row.score),
            "low": named_number(row.low),
            "high": named_number(row.high),
            "position": row.position,
            "rankings": board.rankings,
            "note": "; ".join(board.notes),
        }
        for board in boards
        for row in board.rows
    ]
    beside = with_extras(path, rankings)
    about = JudgesFound.of_events(findings(beside.judged, whole.ballots).values())
    shown = zip(rankings, beside.judged.shown, strict=True)
    habits = habits_of((one.judge, order, one.order) for one, order in shown if order)
    return Ranked(rows, _jury(rankings, whole, boards, given), about, habits, beside.notes)


def _weighted(rankings: Sequence[Ranking], weights: Sequence[str]) -> tuple[list[Ranking], dict[str, int]]:
    """The rankings with the weights of their judges, and these.

    Raises:
        InputError: a weight is none, or of a judge that the file does not have.
    """
    labels = list(dict.fromkeys(label_of(ranking.judge) for ranking in rankings))
    given: dict[str, int] = {}
    for text in weights:
        label, _, number = text.rpartition("=")
        if label not in labels:
            raise InputError(f"--weight {text!r}: write JUDGE=NUMBER; the file's judges are {', '.join(labels[:20])}")
        if not number.isascii() or not number.isdigit() or not 1 <= int(number) <= MOST_WEIGHT:
            raise InputError(f"--weight {text!r}: a judge's rankings count 1 to {MOST_WEIGHT} times, as a whole number")
        given[label] = int(number)
    return [replace(ranking, weight=given.get(label_of(ranking.judge), 1)) for ranking in rankings], given


def _jury(
    rankings: Sequence[Ranking], whole: Aggregation, boards: Sequence[Leaderboard], weights: dict[str, int]
) -> JuryFound:
    from core.ranking.juries import Jury, first_of

    jury = Jury(rankings, whole)
    some = jury.boards({board.method: first_of(board.rows) for board in boards})
    placed = [
        JuryBoardRow(
            one.board.method,
            one.judge,
            int(one.without),
            row.condition,
            named_number(row.score),
            named_number(row.low),
            named_number(row.high),
            row.position,
            one.board.rankings,
            one.board.units,
            int(one.changes_winner),
        )
        for one in some
        for row in one.board.rows
    ]
    agreement = [MeasureRow(row.name, row.value, row.low, row.high) for row in jury.agreement()]
    return JuryFound(placed, agreement, (), weights)
