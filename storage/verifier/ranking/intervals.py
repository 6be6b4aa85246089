"""Every leaderboard from the rankings again, with its intervals, by the standard library alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import combinations
from typing import ClassVar

from core.facts.ranking.positions import positions_by
from storage.verifier.judges.agreement import diagnostics_of
from storage.verifier.ranking.best_orders import BestOrders, best_orders, dispersion_at, distance_to, log_likelihood_at
from storage.verifier.ranking.choices import Published, bradley_terry_of, plackett_luce_of, separable
from storage.verifier.ranking.resamples import (
    MOST_ALL_ORDERS,
    Ballot,
    Matrix,
    Sums,
    TooMuch,
    Votes,
    held_out_of,
    summed,
    units_of,
)

MOST_ORDERS = 20_000_000
"""Orders of the conditions over all resamples: some ten seconds."""

MOST_PRODUCTS = 320_000_000
"""Of a set and a condition, over all steps of the published iteration: some fifteen seconds, and all that 1,000
resamples of five conditions can take."""

MOST_FITTED = 16
"""Conditions of a Bradley–Terry model."""


@dataclass(frozen=True)
class Estimate:
    """What a method says: the scores of the data, of each resample, and what else it found.

    best are the best orders of the data, where the method looks for them.
    """

    score: Sequence[float]
    samples: Sequence[Sequence[float]]
    detail: Mapping[str, float] = field(default_factory=dict)
    best: BestOrders | None = None


@dataclass(frozen=True)
class Leaderboards:
    """The rankings and their sums, from which each method derives its leaderboard; resamples are drawn once."""

    names: Sequence[str]
    ballots: Sequence[Ballot]
    resample: str
    resamples: int
    confidence: float
    seed: int
    most_products: ClassVar[int] = MOST_PRODUCTS

    @property
    def units(self) -> int:
        """How many questions, rankings or clauses are resampled."""
        return 1 + max(units_of(self.ballots, self.resample))

    @cached_property
    def sums(self) -> list[Sums]:
        """Of the data as given, then of the resamples."""
        return summed(self.ballots, self.resample, self.resamples, self.seed)

    @cached_property
    def majorities(self) -> Matrix:
        """In how many questions each condition is before each other in most rankings; a tie counts half."""
        by_question: dict[int, dict[tuple[int, int], int]] = {}
        for ballot in self.ballots:
            votes = by_question.setdefault(ballot.question, {})
            for i, j in combinations(ballot.order, 2):
                votes[i, j] = votes.get((i, j), 0) + ballot.weight
                votes.setdefault((j, i), 0)
        wins = [[0.0] * len(self.names) for _ in self.names]
        for votes in by_question.values():
            for (i, j), times in votes.items():
                wins[i][j] += (times > votes[j, i]) + 0.5 * (times == votes[j, i])
        return wins

    def derived(self, method: str) -> dict[str, float]:
        """The numbers of a method's leaderboard, each under a name of its own.

        Raises:
            TooMuch: it takes more time or memory than this file spends.
        """
        estimate = BY_METHOD[method](self)
        intervals = interval(estimate.samples, self.confidence)
        places = _places(estimate)
        numbers: dict[str, float] = {}
        for name, score, (low, high), place in zip(self.names, estimate.score, intervals, places, strict=True):
            numbers |= {f"{name}: score": score, f"{name}: low": low, f"{name}: high": high, f"{name}: position": place}
        return numbers | dict(estimate.detail)

    def diagnostics(self) -> dict[str, float]:
        """All diagnostics by their names."""
        return diagnostics_of(self.ballots)

    def named(self, prefix: str, values: Sequence[float]) -> dict[str, float]:
        """A detail of each condition."""
        return {f"{prefix}:{name}": value for name, value in zip(self.names, values, strict=True)}

    def require_few_conditions(self, most: int) -> None:
        """Ends a method that would take too long with more conditions."""
        if len(self.names) > most:
            raise TooMuch(f"{len(self.names)} conditions are too many for it here")


def interval(samples: Sequence[Sequence[float]], confidence: float) -> list[tuple[float, float]]:
    """Percentiles (1 − c)/2 and (1 + c)/2 of each condition's samples, interpolated linearly.

    Where any sample is infinite, which cannot be interpolated: the smallest sample that reaches the share.
    """
    finite = all(math.isfinite(value) for sample in samples for value in sample)
    found = []
    for values in map(sorted, zip(*samples, strict=True)):
        ends = [_percentile(values, share, finite) for share in ((1 - confidence) / 2, (1 + confidence) / 2)]
        found.append((ends[0], ends[1]))
    return found


def _percentile(values: Sequence[float], share: float, finite: bool) -> float:
    if not finite:
        return values[max(0, math.ceil(len(values) * share - 1))]
    place = (len(values) - 1) * share
    below = math.floor(place)
    above = min(below + 1, len(values) - 1)
    return values[below] + (values[above] - values[below]) * (place - below)


def _places(estimate: Estimate) -> list[int]:
    return positions_by([-own for own in estimate.score] if estimate.best is None else estimate.best.places)


# ------------------------------------------------------------ methods that count pairs


def _borda(wins: Matrix) -> list[float]:
    """Mean number of conditions ranked below."""
    rankings = wins[0][1] + wins[1][0] if len(wins) > 1 else 1
    return [sum(own) / rankings for own in wins]


def _copeland(wins: Matrix) -> list[float]:
    """Votes won minus votes lost."""
    return [won - lost for won, lost in _won_and_lost(wins)]


def _copeland_majority(wins: Matrix) -> list[float]:
    """Conditions beaten minus conditions lost to."""
    columns = zip(*wins, strict=True)
    return [
        float(sum((won > lost) - (won < lost) for won, lost in zip(own, column, strict=True)))
        for own, column in zip(wins, columns, strict=True)
    ]


def _schulze(wins: Matrix) -> list[float]:
    """Conditions beaten minus conditions lost to, by the strongest chain of majorities each way."""
    every = range(len(wins))
    chain = {(i, j): wins[i][j] if wins[i][j] > wins[j][i] else 0 for i in every for j in every}
    for via in every:
        for i, j in chain:
            chain[i, j] = max(chain[i, j], min(chain[i, via], chain[via, j]))
    return [float(sum((chain[i, j] > chain[j, i]) - (chain[i, j] < chain[j, i]) for j in every)) for i in every]


OF_PAIRS: dict[str, Callable[[Matrix], list[float]]] = {
    "borda": _borda,
    "copeland": _copeland,
    "copeland_majority": _copeland_majority,
    "schulze": _schulze,
}
"""Scores that take nothing but counting who is before whom."""


def _of_pairs(method: str, data: Leaderboards) -> Estimate:
    scores = [OF_PAIRS[method](sums.wins) for sums in data.sums]
    return Estimate(scores[0], scores[1:], _rates(data) if method == "copeland" else {})


def _rates(data: Leaderboards) -> dict[str, float]:
    """Shares of votes won, on all votes and on the majority of each question."""
    rates = data.named("win_rate", _win_rates(data.sums[0].wins))
    return rates | data.named("majority_win_rate", _win_rates(data.majorities))


def _won_and_lost(wins: Matrix) -> list[tuple[float, float]]:
    return [(sum(own), sum(column)) for own, column in zip(wins, zip(*wins, strict=True), strict=True)]


def _win_rates(wins: Matrix) -> list[float]:
    return [won / (won + lost) if won + lost else 0.5 for won, lost in _won_and_lost(wins)]


# ------------------------------------------------------------ methods that look for the best order


def _kemeny(data: Leaderboards) -> Estimate:
    """Mean place in the best orders, over the resamples."""
    best = _best_in_each(data, lambda sums: sums.wins)
    return _by_places(data, best, {"agreement": float(best[0].agreement)})


def _mallows(data: Leaderboards) -> Estimate:
    """The same from the rankings that are not held out, and φ; the others' likelihood."""
    best = _best_in_each(data, lambda sums: sums.train)
    out = held_out_of(len(data.ballots))
    lost = sum(data.ballots[number].weight for number in out)
    every = sum(ballot.weight for ballot in data.ballots)
    detail = {"train_rankings": float(every - lost), "held_out_rankings": float(lost)}
    if len(data.names) > 1:
        distances = [_mean_distance(sums.train, found.first) for sums, found in zip(data.sums, best, strict=True)]
        phi = [math.nan if math.isnan(d) else dispersion_at(d, len(data.names)) for d in distances]
        detail |= {"phi": phi[0], "mean_distance": distances[0]}
        known = [[value] for value in phi[1:] if not math.isnan(value)]
        for low, high in interval(known, data.confidence):
            detail |= {"phi_low": low, "phi_high": high}
        if out:
            detail["held_out_log_likelihood"] = _held_out_likelihood(data, lost, best[0].first, phi[0])
    return _by_places(data, best, detail)


def _best_in_each(data: Leaderboards, votes: Callable[[Sums], Votes]) -> list[BestOrders]:
    """The best orders of the data and of each resample, by some of their votes."""
    data.require_few_conditions(MOST_ALL_ORDERS)
    if math.factorial(len(data.names)) * data.resamples > MOST_ORDERS:
        raise TooMuch(f"{data.resamples} resamples of {len(data.names)} conditions have too many orders to try here")
    return [best_orders(votes(sums)) for sums in data.sums]


def _by_places(data: Leaderboards, best: Sequence[BestOrders], detail: Mapping[str, float]) -> Estimate:
    """Scores are mean places in the best orders of the resamples."""
    samples = [found.places for found in best[1:]]
    means = [math.fsum(places) / len(samples) for places in zip(*samples, strict=True)]
    told = {"orders": float(best[0].orders), "orders_counted": 1.0, **detail}
    return Estimate(means, samples, told | data.named("consensus", best[0].places), best[0])


def _mean_distance(wins: Matrix, order: Sequence[int]) -> float:
    """Of the rankings behind the votes; not a number where there is none."""
    rankings = wins[0][1] + wins[1][0]
    return distance_to(wins, order) / rankings if rankings else math.nan


def _held_out_likelihood(data: Leaderboards, rankings: int, order: Sequence[int], phi: float) -> float:
    """Mean log-likelihood of a ranking that was held out, of which there are so many."""
    every, train = data.sums[0].wins, data.sums[0].train
    distance = distance_to(every, order) - distance_to(train, order)
    return log_likelihood_at(phi, distance, rankings, len(data.names)) / rankings


# ------------------------------------------------------------ methods that fit abilities


def _bradley_terry(data: Leaderboards) -> Estimate:
    data.require_few_conditions(MOST_FITTED)
    scores = [bradley_terry_of(sums.wins) for sums in data.sums]
    detail = _where_separable(data) | data.named("majority", bradley_terry_of(data.majorities))
    return Estimate(scores[0], scores[1:], detail | {"majority_separable": float(separable(data.majorities))})


def _plackett_luce(data: Leaderboards) -> Estimate:
    data.require_few_conditions(MOST_ALL_ORDERS)
    scores = [plackett_luce_of(sums.wins, sums.choices) for sums in data.sums]
    return Estimate(scores[0], scores[1:], _where_separable(data))


def _where_separable(data: Leaderboards) -> dict[str, float]:
    """Where no finite estimate exists: in the data, and in how many resamples."""
    first, *others = (separable(sums.wins) for sums in data.sums)
    return {"separable": float(first), "separable_resamples": float(sum(others))}


def _plackett_luce_published(data: Leaderboards) -> Estimate:
    data.require_few_conditions(MOST_ALL_ORDERS)
    published = Published(data.most_products)
    found = [published.scores(sums.choices, len(data.names)) for sums in data.sums]
    scores = [score for score, _ in found]
    vanished, *gone = (sum(map(math.isinf, score)) for score in scores)
    settled, *others = (done for _, done in found)
    lost, unsettled = sum(map(bool, gone)), others.count(False)
    detail = {"vanished": float(vanished), "vanished_resamples": float(lost)}
    detail |= {"settled": float(settled), "unsettled_resamples": float(unsettled)}
    return Estimate(scores[0], scores[1:], detail)


BY_METHOD: dict[str, Callable[[Leaderboards], Estimate]] = {
    **{method: partial(_of_pairs, method) for method in OF_PAIRS},
    "kemeny": _kemeny,
    "bradley_terry": _bradley_terry,
    "plackett_luce": _plackett_luce,
    "plackett_luce_published": _plackett_luce_published,
    "mallows": _mallows,
}
