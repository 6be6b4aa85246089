"""Leaderboards with their intervals, and the diagnostics of the judges, derived again as `verify.py` derives them.

That is a second implementation, of the standard library alone, and slower. What would take it too long is computed as
the stage `rank` does, with numpy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from core.errors import DempoError
from core.facts.randomness import RandomStream
from core.sections.who_judges import RankSection
from core.types import Ranking
from storage.verifier.ground.finding import broken
from storage.verifier.ground.record import Record
from storage.verifier.judges.judge_findings import findings_compared
from storage.verifier.judges.length_model import LengthModel, length_model
from storage.verifier.ranking.estimates import compared
from storage.verifier.ranking.intervals import Leaderboards, named_pair, numbered_places
from storage.verifier.ranking.juries import juries_compared
from storage.verifier.ranking.published_numbers import published_compared
from storage.verifier.ranking.resamples import Ballot, TooMuch

if TYPE_CHECKING:
    from core.ranking.leaderboards import Aggregation, Estimate


def estimate_again(record: Record) -> str:
    """Every score, interval and detail of every leaderboard, and every diagnostic.

    Raises:
        Finding: a number is another one, or what it was computed from is not here.
    """
    return _aggregated(compared, record)


def juries_again(record: Record) -> str:
    """Every board of some judges, and their agreement.

    Raises:
        Finding: as `estimate_again`.
    """
    return _aggregated(juries_compared, record)


def published_again(record: Record) -> str:
    """Every published number, and what stands beside it.

    Raises:
        Finding: as `estimate_again`.
    """
    return _aggregated(published_compared, record)


def _aggregated(derived: Callable[[Record, type[Leaderboards]], str], record: Record) -> str:
    """What is derived from the rankings, a "failed" finding where they cannot be aggregated."""
    try:
        return derived(record, _OrWithNumpy)
    except DempoError as error:
        raise broken(f"the rankings cannot be aggregated: {error}") from None


def findings_again(record: Record) -> str:
    """Agreement by question, scores by clause, and abilities with lengths held fixed.

    Raises:
        Finding: as `estimate_again`.
    """
    return findings_compared(record, _length_model)


def _length_model(ballots: Sequence[Ballot]) -> LengthModel:
    """By plain Python where that takes seconds, else as the stage does it."""
    try:
        return length_model(ballots)
    except TooMuch:
        return _length_model_by_numpy(ballots)


def _length_model_by_numpy(ballots: Sequence[Ballot]) -> LengthModel:
    from core.ranking.counts import encode
    from core.ranking.judges.length_controlled import length_controlled

    width = len(str(len(ballots[0].order)))
    names = [f"{i:0{width}}" for i in range(len(ballots[0].order))]
    rankings = [
        Ranking(str(ballot.question), ballot.clause, "", tuple(names[i] for i in ballot.order), ballot.weight)
        for ballot in ballots
    ]
    lengths = {(names[i], str(b.question)): length for b in ballots for i, length in enumerate(b.lengths)}
    found = length_controlled(encode(rankings), lengths)
    if not found.rows:
        return LengthModel(found.votes, found.questions, found.problem)
    return LengthModel(
        votes=found.votes,
        questions=found.questions,
        abilities=[float(row.ability) for row in found.rows],
        errors=[float(row.error) for row in found.rows],
        win_rates=[float(row.win_rate) for row in found.rows],
        raw_win_rates=[float(row.raw_win_rate) for row in found.rows],
        length=float(found.length or 0.0),
        length_error=float(found.length_error or 0.0),
        scale=float(found.scale or 0.0),
    )


class _OrWithNumpy(Leaderboards):
    """Derives what it can in seconds, the published Plackett–Luce in a tenth of one; numpy does the rest."""

    most_products = 1_000_000

    def derived(self, method: Any) -> dict[str, float]:
        """A method's leaderboard; raises TooMuch where its estimate does not settle with numpy either."""
        try:
            return super().derived(method)
        except TooMuch:
            return self._by_numpy(method)

    def means(self, method: Any) -> dict[str, float]:
        """Means over the resamples, as `derived`."""
        try:
            return super().means(method)
        except TooMuch:
            return self._aggregation.means(method)

    def scores(self, method: Any) -> tuple[Sequence[float], Sequence[Sequence[float]]]:
        """A method's scores; raises TooMuch as `derived`."""
        try:
            return super().scores(method)
        except TooMuch:
            estimate = self._estimate_by_numpy(method)
            return estimate.score.tolist(), estimate.samples.tolist()

    def _by_numpy(self, method: Any) -> dict[str, float]:
        self._estimate_by_numpy(method)
        board = self._aggregation.leaderboard(method)
        names = ("score", "low", "high", "position")
        numbers = {f"{row.condition}: {name}": getattr(row, name) for row in board.rows for name in names}
        for condition, shares in board.places.items():
            numbers |= numbered_places(condition, shares)
        numbers |= {f"{condition}: mean": mean for condition, mean in board.means.items()}
        return numbers | dict(board.detail)

    def _estimate_by_numpy(self, method: Any) -> Estimate:
        try:
            return self._aggregation.estimate(method)
        except RuntimeError as error:
            raise TooMuch(str(error)) from None

    def pairwise(self) -> dict[str, float]:
        """What is recorded of every pair of conditions."""
        try:
            return super().pairwise()
        except TooMuch:
            return self._pairwise_by_numpy()

    def _pairwise_by_numpy(self) -> dict[str, float]:
        from core.ranking.pairwise import pairwise

        numbers: dict[str, float] = {}
        for row in pairwise(self._aggregation).rows:
            numbers |= named_pair(row.condition, row.other, row.model_dump(exclude={"condition", "other"}))
        return numbers

    @cached_property
    def _aggregation(self) -> Aggregation:
        from core.ranking.leaderboards import Aggregation

        rankings = [
            Ranking(str(ballot.question), ballot.clause, "", tuple(self.names[i] for i in ballot.order), ballot.weight)
            for ballot in self.ballots
        ]
        settings = RankSection.model_validate(
            {name: getattr(self, name) for name in ("resample", "resamples", "confidence", "published_intervals")}
        )
        stream = RandomStream(self.seed, "rank")
        return Aggregation(rankings, settings, stream, lambda done, total, detail: None, plain=self.plain)
