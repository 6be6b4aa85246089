"""Leaderboards."""

from __future__ import annotations

from typing import ClassVar, Literal

from core.events.base import Event, Number, Part, Sha256, described


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
    interval: Literal["percentile", "expanded percentile", "none"] = described(
        "how `low` and `high` follow from the resamples; none: both are nan", default="percentile"
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


class DiagnosticsComputed(Event):
    """Agreement of the judges and their biases."""

    kind: ClassVar[str] = "diagnostics.computed"
    values: dict[str, Number] = described("mean pairwise Kendall τ, Fleiss κ, position bias, …")
