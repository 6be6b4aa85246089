"""Leaderboards."""

from __future__ import annotations

from typing import ClassVar, Literal

from core.events.base import Event, Number, Part, Sha256, Text, described
from core.events.data import FileRead


class LeaderboardRow(Part):
    """One condition's place."""

    condition: str
    score: Number
    low: Number
    high: Number
    position: int


class LeaderboardComputed(Event):
    """One aggregation method over all rankings."""

    kind: ClassVar[str] = "leaderboard.computed"
    method: str = described("aggregation method")
    rankings: int = described("rankings aggregated")
    calls: int = described("judge calls that they came out of; their share is the coverage")
    resample: str = described("what the bootstrap resamples: questions, rankings or clauses")
    units: int = described("how many of these there are")
    resamples: int = described("number of resamples")
    confidence: float = described("coverage of the intervals")
    rows: list[LeaderboardRow] = described("conditions, best first")
    detail: dict[str, Number] = described("what else the method estimates (Mallows φ, …)", default_factory=dict)
    rule: int = described("number of the rule that orders the rows (`docs/ranking.md`)")
    means: dict[str, Number] | None = described(
        "of each condition, the mean of its score over the resamples, which the paper prints as score", default=None
    )
    interval: Literal["percentile", "expanded percentile", "none"] = described(
        "how `low` and `high` follow from the resamples; none: both are nan", default="percentile"
    )
    places: dict[str, list[float]] | None = described(
        "of each condition, the share of the resamples in which it has the first place, the second, …", default=None
    )


class PairwiseRow(Part):
    """How often one condition is preferred to another: on votes, on majorities of questions, and by which margin."""

    condition: str
    other: str
    votes: int
    votes_against: int
    win_rate: float
    low: float
    high: float
    majority_win_rate: float
    majority_low: float
    majority_high: float
    mean_margin: float


class PairwiseComputed(Event):
    """How often each condition is preferred to each other one, with percentile intervals over the resamples."""

    kind: ClassVar[str] = "pairwise.computed"
    questions: int = described("questions that rankings are of; each has one majority, ties count half")
    resample: str = described("what the bootstrap resamples for shares of votes: questions, rankings or clauses")
    majority_resample: str = described("what it resamples for shares of majorities: questions or clauses")
    rows: list[PairwiseRow] = described(
        "every ordered pair, by their names; mean_margin is the mean over questions of the votes for it less those for "
        "the other, over both"
    )


class JuryBoard(Event):
    """One aggregation method over the rankings of one judge alone, or of all judges but one."""

    kind: ClassVar[str] = "jury.board"
    judge: str = described("label of the judge")
    without: bool = described("true: all judges but this one; false: this one alone")
    method: str = described("aggregation method")
    rankings: int = described("rankings aggregated")
    units: int = described("how many questions, rankings or clauses the bootstrap resamples")
    rows: list[LeaderboardRow] = described("conditions, best first")
    detail: dict[str, Number] = described("what else the method estimates", default_factory=dict)
    changes_winner: bool = described("whether other conditions are first than in the leaderboard of all judges")
    rule: int = described("number of the rule that orders the rows (`docs/ranking.md`)")


class AgreementRow(Part):
    """One measure of agreement, with an interval over questions where it has one."""

    name: str
    value: Number
    low: Number | None = None
    high: Number | None = None


class AgreementComputed(Event):
    """How far judges agree with each other, and each with itself; every call counts once, whatever its judge weighs."""

    kind: ClassVar[str] = "agreement.computed"
    rows: list[AgreementRow] = described("Krippendorff's α, Kendall τ within and between judges, … (`docs/ranking.md`)")


class GoldRanking(Part):
    """A ranking by a person, who is numbered from 1 in the file's order."""

    question_id: str
    person: int
    ranking: list[str]


class GoldRead(Event):
    """Rankings by people, with which the judges are compared."""

    kind: ClassVar[str] = "gold.read"
    sha256: Sha256 = described("SHA-256 of the file")
    rankings: list[GoldRanking] = described("its rankings, in its order, best first")


class GoldRow(Part):
    """How far one judge agrees with people, by one measure."""

    judge: str
    measure: Literal["kendall_tau", "pairs", "first"]
    value: Number
    low: Number
    high: Number
    chance: Number
    questions: int


class GoldCompared(Event):
    """Each judge's agreement with rankings by people, with intervals over questions."""

    kind: ClassVar[str] = "gold.compared"
    rows: list[GoldRow] = described("judges, by three measures; chance is what orders at random would reach")


class OrderAnalysis(Part):
    """One analysis of the order: the conditions, best first, those of one position together."""

    analysis: Literal["clause", "judge", "majority", "method"]
    left_out: str | None = None
    method: str
    order: list[list[str]]


class PairApart(Part):
    """A pair of conditions: in how many analyses it stands as by the primary method, and its difference in Borda."""

    condition: str
    other: str
    agree: int
    difference: Number
    error_questions: Number | None = None
    error_rankings: Number | None = None
    separated_questions: bool
    separated_rankings: bool


class PairFlip(Part):
    """The fewest questions whose removal has the other condition ahead, and the first of them."""

    condition: str
    other: str
    measure: Literal["borda", "votes"]
    questions: int | None = None
    share: Number | None = None
    removed: list[str]


class RobustnessComputed(Event):
    """Whether the order of the conditions holds under other analyses, and which questions it hangs on."""

    kind: ClassVar[str] = "robustness.computed"
    method: str = described("the primary method, whose order is compared with those of the analyses")
    order: list[list[str]] = described("its order, best first; conditions of one position stand together")
    analyses: list[OrderAnalysis] = described(
        "without one clause or judge (`left_out`) after another, on majorities of questions, and every other method"
    )
    pairs: list[PairApart] = described(
        "standard errors with questions, or single rankings, as independent; separated: the interval leaves out 0"
    )
    flips: list[PairFlip] = described("neighbours in the order, by Borda and by their votes; none: nothing turns them")
    questions: int = described("how many questions there are")
    confidence: float = described("coverage of the intervals that separate pairs")
    rule: int | None = described(
        "with a plan: number of the rule by which the plan's primary method is the one; none: no plan was asked",
        default=None,
    )


class PublishedRead(Event):
    """One file of published artefacts: made by others, and imported as it was."""

    kind: ClassVar[str] = "published.read"
    what: str = described("what it is: rankings, answers, questions, constitution, or the scores of a method")
    origin: Literal["imported"] = described("nothing in it was made by this program", default="imported")
    file: FileRead = described("the file, with size, SHA-256 and number of rows")
    text: Text | None = described("what it holds, of files of scores", default=None)
    answers_differ: int | None = described(
        "of rankings: how many answers beside them are not those that were read from files of answers", default=None
    )


class ComparedRow(Part):
    """A published number beside this run's; `other` is the second condition of a pair, or a place."""

    method: str
    measure: str
    condition: str
    other: str
    published: Number
    low: Number | None = None
    high: Number | None = None
    recomputed: Number | None = None
    difference: float | None = None
    verdict: Literal["equal", "inside", "differs", "not_computed"]
    reason: str


class PublishedCompared(Event):
    """Every number of one file of published scores beside what this run computes."""

    kind: ClassVar[str] = "published.compared"
    what: str = described("which file, as `published.read` says")
    sha256: Sha256 = described("SHA-256 of the file")
    rows: list[ComparedRow] = described("published, recomputed, difference, verdict, and a key of the reason")


class DiagnosticsComputed(Event):
    """Agreement of the judges and their biases."""

    kind: ClassVar[str] = "diagnostics.computed"
    values: dict[str, Number] = described("mean pairwise Kendall τ, Fleiss κ, position bias, …")


class QuestionAgreementRow(Part):
    """How far the rankings of one question agree."""

    question_id: str
    clause_id: int
    rankings: int
    kendall_tau: Number
    top1_agreement: Number
    top1_margin: Number


class QuestionAgreementComputed(Event):
    """How far the rankings of each question agree; every call counts once, whatever its judge weighs."""

    kind: ClassVar[str] = "question_agreement.computed"
    rows: list[QuestionAgreementRow] = described(
        "questions that have at least two rankings: mean τ over pairs of them, the share that names the most frequent "
        "first, and how far that is above the share of the second"
    )


class ClauseCell(Part):
    """One condition on one clause."""

    condition: str
    borda: Number
    firsts: int


class ClauseRow(Part):
    """One clause; numbers of rankings are sums of their weights."""

    clause_id: int
    rankings: int
    leaders: list[str]
    difficulty: Number
    kendall_tau: Number
    conditions: list[ClauseCell]


class ClausesScored(Event):
    """What the rankings say clause by clause."""

    kind: ClassVar[str] = "clauses.scored"
    rows: list[ClauseRow] = described(
        "clauses: conditions of the highest Borda score, entropy of firsts as a share of that of equal ones, mean τ "
        "over questions, and each condition's Borda score and firsts"
    )


class LengthControlledRow(Part):
    """One condition with the length of answers held fixed; win rates are shares of pairwise votes."""

    condition: str
    ability: Number
    error: Number
    win_rate: Number
    raw_win_rate: Number


LengthProblem = Literal["no_lengths", "equal_lengths", "inseparable", "no_maximum"]
"""Why there is no estimate with lengths held fixed."""


class LengthControlledComputed(Event):
    """A Bradley–Terry model of pairwise votes with the difference in length as a covariate."""

    kind: ClassVar[str] = "length_controlled.computed"
    rows: list[LengthControlledRow] = described("conditions by name; none where there is a problem")
    length: Number | None = described("log-odds of one standard deviation more of length", default=None)
    length_error: Number | None = described("its standard error, clustered by question as all of them", default=None)
    scale: Number | None = described("that standard deviation, of (ℓ_i − ℓ_j)/(ℓ_i + ℓ_j) in characters", default=None)
    votes: int = described("pairwise votes; a ranking of m conditions has m(m − 1)/2, times its weight")
    questions: int = described("questions, which errors are clustered by")
    problem: LengthProblem | None = described("why there is no estimate", default=None)
