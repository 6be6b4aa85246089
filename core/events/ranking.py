"""Leaderboards."""

from __future__ import annotations

from typing import ClassVar

from core.events.base import Event, Number, Part, described


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
    calls: int | None = described("judge calls that they came out of; their share is the coverage", default=None)
    resample: str = described("what the bootstrap resamples: questions, rankings or clauses")
    units: int | None = described("how many of these there are", default=None)
    resamples: int = described("number of resamples")
    confidence: float = described("coverage of the percentile intervals")
    rows: list[LeaderboardRow] = described("conditions, best first")
    detail: dict[str, Number] = described("what else the method estimates (Mallows φ, …)", default_factory=dict)
    rule: int | None = described("rule that orders the rows (absent: 1); `docs/ranking.md` lists them", default=None)
    note: str | None = described("the notes in words, in early records; nothing checks them", default=None)


class DiagnosticsComputed(Event):
    """Agreement of the judges and their biases."""

    kind: ClassVar[str] = "diagnostics.computed"
    values: dict[str, Number] = described("mean pairwise Kendall τ, Fleiss κ, position bias, …")
