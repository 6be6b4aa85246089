"""Leaderboards with their intervals, and the diagnostics of the judges, computed again with numpy.

The stand-alone verifier derives the same with the standard library (`storage.verifier.ranking.estimates`), slower and
within narrower limits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.config import RankSection
from core.errors import DempoError
from core.types import Judged, Ranking
from storage.verifier.ground.finding import broken
from storage.verifier.ground.record import Record
from storage.verifier.ranking.estimates import Said, compared
from storage.verifier.ranking.resamples import TooMuch


def estimate_again(record: Record) -> str:
    """Every score, interval and detail of every leaderboard, and every diagnostic.

    Raises:
        Finding: a number is another one, or what it was computed from is not here.
    """
    try:
        return compared(record, _Numerical)
    except DempoError as error:
        raise broken(f"the rankings cannot be aggregated: {error}") from None


class _Numerical:
    """Computes as the stage `rank` does."""

    def __init__(self, said: Said) -> None:
        from core.facts.randomness import RandomStream
        from core.ranking.leaderboards import Aggregation

        self.judged = _judged(said)
        settings = RankSection.model_validate(
            {"resample": said.resample, "resamples": said.resamples, "confidence": said.confidence}
        )
        stream = RandomStream(said.seed, "rank")
        self.aggregation = Aggregation(self.judged.rankings, settings, stream, lambda done, total, detail: None)

    def derived(self, method: Any, rule: int) -> dict[str, float]:
        """A method's leaderboard; raises TooMuch where its estimate does not settle."""
        try:
            board = self.aggregation.leaderboard(method, rule)
        except RuntimeError as error:
            raise TooMuch(str(error)) from None
        names = ("score", "low", "high", "position")
        numbers = {f"{row.condition}: {name}": getattr(row, name) for row in board.rows for name in names}
        return numbers | dict(board.detail)

    def diagnostics(self) -> Mapping[str, float]:
        """All diagnostics by their names."""
        from core.ranking.about_judges import diagnostics

        return diagnostics(self.judged)


def _judged(said: Said) -> Judged:
    return Judged(
        rankings=tuple(
            Ranking(call["question_id"], call["clause_id"], call["judge"], tuple(call["ranking"]))
            for call in said.calls
        ),
        shown=tuple(tuple(call["shown_order"]) for call in said.calls),
        lengths=said.lengths,
    )
