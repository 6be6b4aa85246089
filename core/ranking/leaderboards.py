"""Leaderboards: each aggregation method with bootstrap intervals.

Every method is computed on 1 + B weighted sums at once: row 0 is the data as given, the others are the resamples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from core.facts.randomness import RandomStream
from core.facts.ranking.intervals import NO_INTERVAL, PERCENTILE, interval_kind, tail_of
from core.facts.ranking.methods import Method, resample_of
from core.facts.ranking.notes import notes_of
from core.facts.ranking.positions import positions_by
from core.ranking import bootstrap
from core.ranking.bootstrap import Progress
from core.ranking.counts import (
    Ballots,
    Choices,
    Floats,
    Ints,
    choices_by_unit,
    encode,
    majorities_of,
    strongly_connected,
    wins_by_unit,
)
from core.ranking.methods.borda import borda
from core.ranking.methods.bradley_terry import bradley_terry
from core.ranking.methods.copeland import copeland, copeland_majority, win_rate
from core.ranking.methods.kemeny import Consensus, OptimalOrders, kemeny, kemeny_batch, same_orders
from core.ranking.methods.mallows import dispersion, distances, held_out, log_likelihood
from core.ranking.methods.plackett_luce import plackett_luce
from core.ranking.methods.plackett_luce_published import fixed_point, plackett_luce_published
from core.ranking.methods.schulze import schulze
from core.ranking.places import Places, places_by_order, places_by_score
from core.ranking.votes import Votes
from core.sections.who_judges import RankSection
from core.types import Ranking


@dataclass(frozen=True)
class Score:
    """One row of a leaderboard; position 1 is best. low and high bound the bootstrap interval."""

    condition: str
    score: float
    low: float
    high: float
    position: int


@dataclass(frozen=True)
class Leaderboard:
    """One method over all rankings; rows are best first, those of equal position in order of their names.

    places holds of each condition the share of the resamples in which it has the first place, the second, …; means the
    mean of its score over them.
    """

    method: Method
    rankings: int
    resample: str
    units: int
    resamples: int
    confidence: float
    rows: tuple[Score, ...]
    detail: Mapping[str, float]
    places: Mapping[str, tuple[float, ...]]
    means: Mapping[str, float]
    interval: str = PERCENTILE

    @property
    def notes(self) -> list[str]:
        """What is said beside the numbers."""
        places = {row.condition: row.position for row in self.rows}
        return notes_of(self.method, self.resample, self.units, places, self.detail, interval=self.interval)


@dataclass(frozen=True)
class Estimate:
    """What a method says: scores of the data (m,), of the resamples (B, m), and what else it found.

    The conditions are ordered by the consensus where there is one, by their score otherwise, higher ones first; their
    places in the resamples come with the consensus, else they follow from the samples.
    """

    score: Floats
    samples: Floats
    detail: Mapping[str, float] = field(default_factory=dict)
    consensus: Consensus | None = None
    places: Places | None = None


def leaderboards(
    rankings: Sequence[Ranking],
    config: RankSection,
    stream: RandomStream,
    progress: Progress = lambda done, total, detail: None,
) -> tuple[Leaderboard, ...]:
    """The leaderboard of every method of the configuration, in its order.

    Args:
        rankings: complete rankings of the same conditions. Their order decides which are held out for Mallows and
            which unit a resample draws, nothing else.
        stream: its child "bootstrap" gives the resamples, so the same stream gives the same intervals; a run
            uses `RandomStream(seed, "rank")`.
        progress: called with (done, total, what) during long work.

    Raises:
        InputError: there are no rankings, or they don't all order the same conditions.
    """
    aggregation = Aggregation(rankings, config, stream, progress)
    return tuple(aggregation.leaderboard(method) for method in config.methods)


class Aggregation:
    """Rankings or votes, their resamples and the sums that methods share; each is computed when first needed.

    Of votes there are win matrices alone: those of `OF_WHOLE_RANKINGS` have no leaderboard then.
    """

    def __init__(
        self,
        rankings: Sequence[Ranking] | Votes,
        config: RankSection,
        stream: RandomStream,
        progress: Progress,
        like: Aggregation | None = None,
        plain: bool = False,
    ) -> None:
        """
        Args:
            like: of the same configuration but for the methods, and the same stream. Where it resamples as many units,
                its resamples are taken, which are the same.
            plain: intervals are those of the first version of the stage, never expanded and never left out.
        """
        self.plain = plain
        self.like = like
        self.given: Ballots | Votes = rankings if isinstance(rankings, Votes) else encode(rankings)
        self.conditions = self.given.conditions
        self.config = config
        self.stream = stream
        self.progress = progress
        each = np.arange(len(self.given), dtype=np.int64)
        self.unit = {"questions": self.given.question, "rankings": each, "clauses": self.given.clause}[config.resample]
        self.units = int(self.unit.max()) + 1
        self._estimates: dict[Method, Estimate] = {}
        self.questions = len(self.given.asked)
        self._drawn: dict[int, NDArray[np.uint32]] = {}

    @property
    def ballots(self) -> Ballots:
        """The rankings as arrays.

        Raises:
            TypeError: there are only votes between two.
        """
        if isinstance(self.given, Votes):
            raise TypeError("votes between two conditions are no rankings of all of them")
        return self.given

    @property
    def weights(self) -> NDArray[np.uint32]:
        """How often each unit counts, shape (1 + B, U); row 0 is the data as given."""
        return self.drawn(self.units)

    def drawn(self, units: int) -> NDArray[np.uint32]:
        """How often each of so many units counts, drawn when first asked for. Shape (1 + B, units)."""
        if self.like is not None and units in (self.like.units, self.like.questions):
            return self.like.drawn(units)
        if units not in self._drawn:
            self._drawn[units] = bootstrap.draw_weights(units, self.config.resamples, self.stream, self.progress)
        return self._drawn[units]

    @cached_property
    def wins(self) -> Floats:
        """Win matrices, shape (1 + B, m, m)."""
        return bootstrap.weighted_wins(self.weights, self.given.wins_by(self.unit, self.units))

    @cached_property
    def wins_by_question(self) -> Floats:
        """Win matrices of the questions, shape (Q, m, m)."""
        return self.given.wins_by(self.given.question, self.questions)

    @cached_property
    def wins_by_majority(self) -> Floats:
        """Questions in which i is before j in most rankings, ties as halves. Shape (m, m)."""
        won: Floats = majorities_of(self.wins_by_question).sum(axis=0)
        return won

    @cached_property
    def majorities(self) -> Floats:
        """The same of the data and the resamples, of which `resample_of` says what they draw. Shape (1 + B, m, m)."""
        won = majorities_of(self.wins_by_question)
        if self.config.resample != "clauses":
            return bootstrap.weighted_wins(self.drawn(self.questions), won)
        clause, of_clause = np.empty(self.questions, dtype=np.int64), np.zeros((self.units, *won.shape[1:]))
        clause[self.given.question] = self.given.clause
        np.add.at(of_clause, clause, won)
        return bootstrap.weighted_wins(self.weights, of_clause)

    @cached_property
    def choices(self) -> Choices:
        """Choices per unit."""
        return choices_by_unit(self.ballots.orders, self.unit, self.units, self.ballots.weight)

    def estimate(self, method: Method) -> Estimate:
        """What a method says of the data and of each resample; made once."""
        if method not in self._estimates:
            self._estimates[method] = _ESTIMATORS[method](self)
        return self._estimates[method]

    def units_of(self, method: Method) -> int:
        """How many questions, rankings or clauses a method's resamples draw."""
        return self.units if resample_of(method, self.config.resample) == self.config.resample else self.questions

    def leaderboard(self, method: Method) -> Leaderboard:
        """The leaderboard of one method."""
        estimate = self.estimate(method)
        low, high = bootstrap.percentile_interval(estimate.samples, self.tail_over(self.units_of(method)))
        position = positions_by(_cost(estimate).tolist())
        rows = [
            Score(condition, float(estimate.score[i]), float(low[i]), float(high[i]), position[i])
            for i, condition in enumerate(self.conditions)
        ]
        places = estimate.places
        if places is None and len(estimate.samples):
            places = places_by_score(estimate.score, estimate.samples)
        resample = resample_of(method, self.config.resample)
        return Leaderboard(
            method=method,
            rankings=len(self.given),
            resample=resample,
            units=self.units_of(method),
            resamples=self.config.resamples,
            confidence=self.config.confidence,
            rows=tuple(sorted(rows, key=lambda row: (row.position, row.condition))),
            detail={**estimate.detail, **({"exact_match": places.exact_match} if places else {})},
            places=dict(zip(self.conditions, map(tuple, places.shares.tolist()), strict=True)) if places else {},
            means=self.means(method),
            interval=self.interval_kind(method),
        )

    def interval_kind(self, method: Method) -> str:
        """Which intervals the board of a method has."""
        if self.plain:
            return PERCENTILE
        asked = bool(self.config.published_intervals)
        return interval_kind(method, len(self.conditions), self.units_of(method), asked)

    @property
    def tail(self) -> float:
        """The share of resamples beyond each end of an interval."""
        return self.tail_over(self.units)

    def tail_over(self, units: int) -> float:
        """The same where so many units are resampled."""
        return tail_of(self.config.confidence, units, self.plain)

    def means(self, method: Method) -> dict[str, float]:
        """The mean of each condition's score over the resamples; NaN where there are none."""
        samples = self.estimate(method).samples
        means = samples.mean(axis=0) if len(samples) else np.full(len(self.conditions), np.nan)
        return {condition: float(means[i]) for i, condition in enumerate(self.conditions)}

    def kemeny_progress(self, done: int, total: int) -> None:
        """Reports resamples of which the Kemeny order is known."""
        self.progress(done, total, "Kemeny orders of resamples")

    def plackett_luce_progress(self, done: int) -> None:
        """Reports resamples that the Plackett–Luce model is fitted to."""
        self.progress(done, len(self.weights), "Plackett–Luce of resamples")

    def tallies(self, weights: NDArray[np.uint32], what: str) -> Iterator[tuple[slice, Floats]]:
        """How often each choice occurs in samples, in batches of rows, with progress."""
        width = max(len(self.choices.chosen), self.choices.sets.size)
        for rows, tally in bootstrap.weighted_batches(weights, self.choices.counts, width):
            yield rows, tally
            self.progress(rows.stop, len(weights), f"{what} of resamples")

    def named(self, prefix: str, values: Floats) -> dict[str, float]:
        """One detail per condition, `prefix:condition`."""
        return {f"{prefix}:{name}": float(x) for name, x in zip(self.conditions, values, strict=True)}


def _cost(estimate: Estimate) -> Floats:
    """What the conditions are ordered by, the smallest first."""
    return -estimate.score if estimate.consensus is None else estimate.consensus.position


def costs_of_samples(estimate: Estimate) -> Floats:
    """The same of each resample, shape (B, m): its mean places in the best orders, or its scores."""
    return -estimate.samples if estimate.consensus is None else estimate.samples


def _of_wins(method: Callable[[Floats], Floats]) -> Callable[[Aggregation], Estimate]:
    """A method that makes nothing but scores (…, m) of win matrices (…, m, m)."""

    def estimate(data: Aggregation) -> Estimate:
        scores = method(data.wins)
        return Estimate(scores[0], scores[1:])

    return estimate


def _copeland(data: Aggregation) -> Estimate:
    scores = copeland(data.wins)
    detail = data.named("win_rate", win_rate(data.wins[0]))
    detail |= data.named("majority_win_rate", win_rate(data.wins_by_majority))
    return Estimate(scores[0], scores[1:], detail)


def _bradley_terry(data: Aggregation) -> Estimate:
    scores, separable = bradley_terry(data.wins)
    by_majority, majority_separable = bradley_terry(data.wins_by_majority[None])
    detail = data.named("majority", by_majority[0]) | {"majority_separable": float(majority_separable[0])}
    return Estimate(scores[0], scores[1:], detail | _separable_detail(separable))


def _bradley_terry_majority(data: Aggregation) -> Estimate:
    scores, separable = bradley_terry(data.majorities)
    won = data.named("wins", data.majorities[0].sum(axis=1))
    return Estimate(scores[0], scores[1:], won | _separable_detail(separable))


def _plackett_luce(data: Aggregation) -> Estimate:
    separable = ~strongly_connected(data.wins)
    scores = plackett_luce(data.choices, data.weights, separable, data.plackett_luce_progress)
    return Estimate(scores[0], scores[1:], _separable_detail(separable))


def _plackett_luce_published(data: Aggregation) -> Estimate:
    alone = data.interval_kind("plackett_luce_published") == NO_INTERVAL
    weights = data.weights[:1] if alone else data.weights
    scores = np.empty((len(weights), len(data.conditions)))
    settled = np.empty(len(scores), dtype=bool)
    near = None
    for rows, tally in data.tallies(weights, "published Plackett–Luce"):
        near = near if rows.start else fixed_point(data.choices, tally[:1])
        scores[rows], settled[rows] = plackett_luce_published(data.choices, tally, near)
    vanished = np.asarray(np.isinf(scores).any(axis=1))
    detail = {"vanished": float(np.isinf(scores[0]).sum()), "settled": float(settled[0])}
    if not alone:
        detail["vanished_resamples"] = float(vanished[1:].sum())
        detail["unsettled_resamples"] = float((~settled[1:]).sum())
    return Estimate(scores[0], scores[1:], detail)


def _separable_detail(separable: NDArray[np.bool_]) -> dict[str, float]:
    return {"separable": float(separable[0]), "separable_resamples": float(separable[1:].sum())}


def _kemeny(data: Aggregation) -> Estimate:
    consensus = kemeny(data.wins[0])
    found = kemeny_batch(data.wins[1:], data.kemeny_progress)
    detail = _orders_detail(consensus, found) | {"agreement": consensus.agreement}
    return _in_order(data, data.wins, consensus, found, detail)


def _mallows(data: Aggregation) -> Estimate:
    """Consensus and φ from the rankings that are not held out; resamples draw from the same units.

    Rankings are held out whole, whatever they weigh; numbers of rankings are sums of their weights.
    """
    m = len(data.conditions)
    out = held_out(len(data.ballots))
    weight = data.ballots.weight
    train = wins_by_unit(data.ballots.orders[~out], data.unit[~out], data.units, weight[~out])
    wins = bootstrap.weighted_wins(data.weights, train)
    of_unit = np.bincount(data.unit[~out], weights=weight[~out].astype(np.float64), minlength=data.units)
    rankings = data.weights.astype(np.float64) @ of_unit
    consensus = kemeny(wins[0])
    found = kemeny_batch(wins[1:], data.kemeny_progress)
    detail = _orders_detail(consensus, found) | {"train_rankings": float(rankings[0])}
    detail["held_out_rankings"] = float(weight[out].sum())
    if m > 1:
        distance = wins.sum(axis=(1, 2)) - np.concatenate([[consensus.agreement], found.agreement])
        known = rankings > 0
        mean_distance = np.divide(distance, rankings, out=np.full(len(distance), np.nan), where=known)
        phi = dispersion(mean_distance, m)
        detail |= {"phi": float(phi[0]), "mean_distance": float(mean_distance[0])}
        detail |= _phi_interval(phi[1:], data.tail)
        detail |= _held_out_likelihood(data.ballots.orders[out], weight[out], consensus, float(phi[0]))
    return _in_order(data, wins, consensus, found, detail)


def _in_order(
    data: Aggregation, wins: Floats, consensus: Consensus, found: OptimalOrders, detail: Mapping[str, float]
) -> Estimate:
    """Conditions in the order of the consensus, and what the resamples make of it; wins are of both, (1 + B, m, m)."""
    places = places_by_order(found.places, same_orders(wins[0], consensus, wins[1:], found))
    told = {**detail, **data.named("consensus", consensus.position)}
    return Estimate(found.position.mean(axis=0), found.position, told, consensus, places)


def _orders_detail(consensus: Consensus, resampled: OptimalOrders) -> dict[str, float]:
    """How many orders are equally good, at least so many where they were not all counted.

    And what is not proven: by how many votes another order may be better, and of how many resamples the order is not
    proven the best.
    """
    found = {"orders": float(consensus.orders), "orders_counted": float(consensus.counted)}
    if consensus.gap:
        found["gap"] = consensus.gap
    if not resampled.proven.all():
        found["unproven_resamples"] = float((~resampled.proven).sum())
    return found


def _held_out_likelihood(orders: Ints, weight: Ints, consensus: Consensus, phi: float) -> dict[str, float]:
    """Log-likelihood of the held-out rankings, of one on average and of all, in nats; nothing where none is."""
    if not len(orders):
        return {}
    wins = wins_by_unit(orders, np.zeros(len(orders), dtype=np.int64), 1, weight)[0]
    rankings = int(weight.sum())
    total = log_likelihood(float(distances(wins, consensus.order)), rankings, phi, orders.shape[1])
    return {"held_out_log_likelihood": total / rankings, "held_out_log_likelihood_total": total}


def _phi_interval(phi: Floats, tail: float) -> dict[str, float]:
    """Percentiles of φ, without resamples that hold no train ranking."""
    known = phi[~np.isnan(phi)]
    if not len(known):
        return {}
    low, high = bootstrap.percentile_interval(known, tail)
    return {"phi_low": float(low), "phi_high": float(high)}


_ESTIMATORS: Mapping[Method, Callable[[Aggregation], Estimate]] = {
    "borda": _of_wins(borda),
    "copeland": _copeland,
    "copeland_majority": _of_wins(copeland_majority),
    "schulze": _of_wins(schulze),
    "kemeny": _kemeny,
    "bradley_terry": _bradley_terry,
    "bradley_terry_majority": _bradley_terry_majority,
    "plackett_luce": _plackett_luce,
    "plackett_luce_published": _plackett_luce_published,
    "mallows": _mallows,
}
