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
    calls: int = described("judge calls that they came out of; their share is the coverage")
    resample: str = described("what the bootstrap resamples: questions, rankings or clauses")
    units: int = described("how many of these there are")
    resamples: int = described("number of resamples")
    confidence: float = described("coverage of the percentile intervals")
    rows: list[LeaderboardRow] = described("conditions, best first")
    detail: dict[str, Number] = described("what else the method estimates (Mallows φ, …)", default_factory=dict)
    rule: int = described("number of the rule that orders the rows (`docs/ranking.md`)")


class DiagnosticsComputed(Event):
    """Agreement of the judges and their biases."""

    kind: ClassVar[str] = "diagnostics.computed"
    values: dict[str, Number] = described("mean pairwise Kendall τ, Fleiss κ, position bias, …")
