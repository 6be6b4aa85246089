"""Every leaderboard from the rankings again, with its intervals, by the standard library alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import permutations
from typing import ClassVar

from core.facts.ranking.intervals import PERCENTILE, interval_kind, tail_of
from core.facts.ranking.methods import resample_of
from core.facts.ranking.positions import positions_by
from storage.verifier.judges.agreement import diagnostics_of
from storage.verifier.ranking.best_orders import BestOrders, best_orders, dispersion_at, distance_to, log_likelihood_at
from storage.verifier.ranking.choices import Published, bradley_terry_of, plackett_luce_of, separable
from storage.verifier.ranking.majorities import Preferred, halves_won, majorities_summed, votes_by_question
from storage.verifier.ranking.places import (
    places_of_orders,
    places_of_scores,
    same_order_by_scores,
    same_order_of_best,
)
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

    best are the best orders of the data and of each resample, where the method looks for them.
    """

    score: Sequence[float]
    samples: Sequence[Sequence[float]]
    detail: Mapping[str, float] = field(default_factory=dict)
    best: Sequence[BestOrders] = ()


@dataclass(frozen=True)
class Leaderboards:
    """The rankings and their sums, from which each method derives its leaderboard; resamples are drawn once.

    `published_intervals` asks for those of the published Plackett-Luce, however many conditions there are; `plain`
    intervals are those of the first version of the stage, which were never expanded.
    """

    names: Sequence[str]
    ballots: Sequence[Ballot]
    resample: str
    resamples: int
    confidence: float
    seed: int
    published_intervals: bool = False
    plain: bool = False
    most_products: ClassVar[int] = MOST_PRODUCTS

    def units(self, method: str) -> int:
        """How many questions, rankings or clauses are resampled for the intervals of a method."""
        return 1 + max(units_of(self.ballots, resample_of(method, self.resample)))

    @cached_property
    def sums(self) -> list[Sums]:
        """Of the data as given, then of the resamples."""
        return summed(self.ballots, self.resample, self.resamples, self.seed)

    @cached_property
    def votes(self) -> dict[int, Preferred]:
        """The votes of each question."""
        return votes_by_question(self.ballots)

    @cached_property
    def majorities(self) -> Matrix:
        """In how many questions each condition is before each other in most rankings; a tie counts half."""
        wins = [[0.0] * len(self.names) for _ in self.names]
        for i, j in permutations(range(len(self.names)), 2):
            wins[i][j] = sum(halves_won(votes, i, j) for votes in self.votes.values()) / 2
        return wins

    @cached_property
    def resampled_majorities(self) -> list[Matrix]:
        """The same of the data, then of the resamples."""
        return majorities_summed(self.ballots, self.resample, self.resamples, self.seed)

    @cached_property
    def _estimates(self) -> dict[str, Estimate]:
        return {}

    def estimate(self, method: str) -> Estimate:
        """What a method says; made once. Raises TooMuch, as `derived`."""
        if method not in self._estimates:
            self._estimates[method] = BY_METHOD[method](self)
        return self._estimates[method]

    def scores(self, method: str) -> tuple[Sequence[float], Sequence[Sequence[float]]]:
        """A method's scores of the data, and of each resample. Raises TooMuch, as `derived`."""
        estimate = self.estimate(method)
        return estimate.score, estimate.samples

    @property
    def tail(self) -> float:
        """The share of resamples beyond each end of an interval."""
        return self.tail_over(1 + max(units_of(self.ballots, self.resample)))

    def tail_over(self, units: int) -> float:
        """The same where so many units are resampled."""
        return tail_of(self.confidence, units, self.plain)

    def interval_kind(self, method: str) -> str:
        """How a board says that its intervals were made."""
        if self.plain:
            return PERCENTILE
        return interval_kind(method, len(self.names), self.units(method), self.published_intervals)

    def derived(self, method: str) -> dict[str, float]:
        """The numbers of a method's leaderboard, each under a name of its own.

        Raises:
            TooMuch: it takes more time or memory than this file spends.
        """
        estimate = self.estimate(method)
        intervals = interval(estimate.samples, self.tail_over(self.units(method)))
        numbers: dict[str, float] = {}
        rows = zip(self.names, estimate.score, intervals, _positions_on(estimate), _shares_of(estimate), strict=True)
        for name, score, (low, high), position, shares in rows:
            numbers |= {f"{name}: score": score, f"{name}: low": low, f"{name}: high": high}
            numbers |= {f"{name}: position": position} | numbered_places(name, shares)
        numbers |= {f"{name}: mean": mean for name, mean in self.means(method).items()}
        return numbers | dict(estimate.detail) | {"exact_match": _same_order(estimate)}

    def pairwise(self) -> dict[str, float]:
        """What is recorded of every ordered pair of conditions, each number under a name of its own.

        Raises:
            TooMuch: it takes more time or memory than this file spends.
        """
        pairs = list(permutations(range(len(self.names)), 2))
        rates = [_rates_of(sums.wins, pairs) for sums in self.sums]
        majority = [_rates_of(won, pairs) for won in self.resampled_majorities]
        tail_of_majorities = self.tail_over(self.units("bradley_terry_majority"))
        ends = zip(interval(rates[1:], self.tail), interval(majority[1:], tail_of_majorities), strict=True)
        numbers: dict[str, float] = {}
        for k, ((i, j), ((low, high), (majority_low, majority_high))) in enumerate(zip(pairs, ends, strict=True)):
            margins = [(v[i, j] - v[j, i]) / (v[i, j] + v[j, i]) for v in self.votes.values()]
            own = {
                "votes": self.sums[0].wins[i][j],
                "votes_against": self.sums[0].wins[j][i],
                "win_rate": rates[0][k],
                "low": low,
                "high": high,
                "majority_win_rate": majority[0][k],
                "majority_low": majority_low,
                "majority_high": majority_high,
                "mean_margin": math.fsum(margins) / len(margins),
            }
            numbers |= named_pair(self.names[i], self.names[j], own)
        return numbers

    def means(self, method: str) -> dict[str, float]:
        """The mean of each condition's score over the resamples.

        Raises:
            TooMuch: as `derived`.
        """
        columns = zip(*self.estimate(method).samples, strict=True)
        return {name: sum(own) / len(own) for name, own in zip(self.names, map(list, columns), strict=True)}

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


def interval(samples: Sequence[Sequence[float]], tail: float) -> list[tuple[float, float]]:
    """Percentiles of each condition's samples beyond which that share of them lies on each side, interpolated linearly.

    Where any sample is infinite, which cannot be interpolated: the smallest sample that reaches the share.
    """
    finite = all(math.isfinite(value) for sample in samples for value in sample)
    found = []
    for values in map(sorted, zip(*samples, strict=True)):
        ends = [_percentile(values, share, finite) for share in (tail, 1 - tail)]
        found.append((ends[0], ends[1]))
    return found


def _percentile(values: Sequence[float], share: float, finite: bool) -> float:
    if not finite:
        return values[max(0, math.ceil(len(values) * share - 1))]
    place = (len(values) - 1) * share
    below = math.floor(place)
    above = min(below + 1, len(values) - 1)
    return values[below] + (values[above] - values[below]) * (place - below)


def _positions_on(estimate: Estimate) -> list[int]:
    return positions_by(estimate.best[0].places if estimate.best else [-own for own in estimate.score])


def _shares_of(estimate: Estimate) -> list[list[float]]:
    """Of each condition, the share of the resamples in which it has each place."""
    return places_of_orders(estimate.best[1:]) if estimate.best else places_of_scores(estimate.samples)


def _same_order(estimate: Estimate) -> float:
    """The share of the resamples that have the order of the data."""
    if estimate.best:
        return same_order_of_best(estimate.best[0], estimate.best[1:])
    return same_order_by_scores(estimate.score, estimate.samples)


def numbered_places(name: str, shares: Sequence[float]) -> dict[str, float]:
    """Shares of a condition by place, each under a name of its own."""
    return {f"{name}: place {place}": share for place, share in enumerate(shares, 1)}


def named_pair(name: str, other: str, numbers: Mapping[str, float]) -> dict[str, float]:
    """The numbers of two conditions, each under a name of its own."""
    return {f"{name} and {other}: {key}": value for key, value in numbers.items()}


def _rates_of(wins: Matrix, pairs: Sequence[tuple[int, int]]) -> list[float]:
    """Of both conditions' wins, the share of the first's."""
    return [wins[i][j] / (wins[i][j] + wins[j][i]) for i, j in pairs]


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
        for low, high in interval(known, data.tail):
            detail |= {"phi_low": low, "phi_high": high}
        if out:
            total = _held_out_likelihood(data, lost, best[0].first, phi[0])
            detail |= {"held_out_log_likelihood": total / lost, "held_out_log_likelihood_total": total}
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
    return Estimate(means, samples, told | data.named("consensus", best[0].places), best)


def _mean_distance(wins: Matrix, order: Sequence[int]) -> float:
    """Of the rankings behind the votes; not a number where there is none."""
    rankings = wins[0][1] + wins[1][0]
    return distance_to(wins, order) / rankings if rankings else math.nan


def _held_out_likelihood(data: Leaderboards, rankings: int, order: Sequence[int], phi: float) -> float:
    """Log-likelihood of the rankings that were held out, of which there are so many."""
    every, train = data.sums[0].wins, data.sums[0].train
    distance = distance_to(every, order) - distance_to(train, order)
    return log_likelihood_at(phi, distance, rankings, len(data.names))


# ------------------------------------------------------------ methods that fit abilities


def _bradley_terry(data: Leaderboards) -> Estimate:
    data.require_few_conditions(MOST_FITTED)
    scores = [bradley_terry_of(sums.wins) for sums in data.sums]
    detail = _where_separable(_every_wins(data)) | data.named("majority", bradley_terry_of(data.majorities))
    return Estimate(scores[0], scores[1:], detail | {"majority_separable": float(separable(data.majorities))})


def _bradley_terry_majority(data: Leaderboards) -> Estimate:
    data.require_few_conditions(MOST_FITTED)
    won = data.resampled_majorities
    scores = [bradley_terry_of(wins) for wins in won]
    detail = data.named("wins", [sum(own) for own in won[0]]) | _where_separable(won)
    return Estimate(scores[0], scores[1:], detail)


def _plackett_luce(data: Leaderboards) -> Estimate:
    data.require_few_conditions(MOST_ALL_ORDERS)
    scores = [plackett_luce_of(sums.wins, sums.choices) for sums in data.sums]
    return Estimate(scores[0], scores[1:], _where_separable(_every_wins(data)))


def _every_wins(data: Leaderboards) -> list[Votes]:
    return [sums.wins for sums in data.sums]


def _where_separable(every: Sequence[Matrix]) -> dict[str, float]:
    """Where no finite estimate exists: in the data, and in how many resamples."""
    first, *others = map(separable, every)
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
    "bradley_terry_majority": _bradley_terry_majority,
    "plackett_luce": _plackett_luce,
    "plackett_luce_published": _plackett_luce_published,
    "mallows": _mallows,
}
