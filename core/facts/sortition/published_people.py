"""A published panel, published π and published weights beside a run's own lottery; by engine and verifier.

Whoever publishes π by LEXIMIN says: no lottery over panels within the quotas gives the worst-off more, nor the next,
and so on. That optimum is one vector, so a run that computes it on the same pool and quotas can say whether it was
found. Weights of training are f(π_r)/N_r, scaled to any mean: what a rater has in all, weight · N_r, is f(π_r) but for
one factor.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from core.facts.ranking.published.score_files import PublishedNumber
from core.facts.ranking.published.verdicts import ComparedNumber
from core.facts.training.transforms import NAMED, transformed

_EQUAL_WITHIN = 1e-6
"""Two π are equal, and so are two weights in proportion, where they differ by no more."""

_MOST_ALLOWED = 1e-3
"""The largest deviation of weights from a transform of π that rounding may explain, however small a π is."""

_EVERYBODY_EQUAL, _UNWEIGHTED = "equal", "unweighted"
"""Every rater of the file has the same weight in all (as on one drawn panel); every pair has the same weight."""


@dataclass(frozen=True)
class PeopleGiven:
    """What a file says of the people of the pool, by their place in it.

    people is how many it names, others included; pi_sum is the sum of π over all of them. weights[i] are the number of
    pairs of a rater and the smallest and largest weight among them.
    """

    what: str
    people: int
    pi_sum: float = 0.0
    pi: Mapping[int, float] = field(default_factory=dict)
    members: Sequence[int] = ()
    weights: Mapping[int, tuple[int, float, float]] = field(default_factory=dict)

    @property
    def known(self) -> Sequence[int]:
        """Places of those who are in the pool."""
        return sorted(self.pi or self.weights or self.members)


@dataclass(frozen=True)
class OwnLottery:
    """A run's lottery: k, the π of each person of the pool (of LEXIMIN the optimum), types, and N_r of each.

    quotas have attribute, category, lower, upper and slack; types[t] holds a category for each attribute.
    """

    name: str
    size: int
    optimal: bool
    pi: Sequence[float]
    type_of: Sequence[int]
    pairs: Sequence[int]
    attributes: Sequence[str]
    types: Sequence[Sequence[str]]
    quotas: Sequence[Mapping[str, Any]]


def compared_people(file: PeopleGiven, beside: Sequence[PeopleGiven], own: OwnLottery) -> list[ComparedNumber]:
    """The numbers of a file beside those of the run's lottery.

    Args:
        beside: all files of the folder: weights are compared with published π too.
    """
    rows = _Rows(file.what, own.name)
    if file.what == "pi":
        _compare_pi(rows, file, own)
    elif file.what == "panel":
        _compare_panel(rows, file, own)
    else:
        _compare_weights(rows, file, beside, own)
    return rows.found


class _Rows:
    """Gathers numbers of one file and lottery."""

    def __init__(self, method: str, lottery: str) -> None:
        self._method, self._lottery = method, lottery
        self.found: list[ComparedNumber] = []

    def add(
        self,
        measure: str,
        published: float,
        own: float,
        reason: str,
        allowed: float = 0.0,
        other: str = "",
        bounds: tuple[float, float] | None = None,
    ) -> None:
        """A number that is equal where it differs by no more than `allowed`; else it differs, for a reason."""
        low, high = bounds or (None, None)
        number = PublishedNumber(self._method, measure, self._lottery, other, published, low, high)
        equal = abs(own - published) <= allowed
        verdict, why = ("equal", "") if equal else ("differs", reason)
        self.found.append(ComparedNumber(number, own, own - published, verdict, why))

    def add_alone(self, measure: str, published: float) -> None:
        """A number that the run has none to compare with."""
        number = PublishedNumber(self._method, measure, self._lottery, "", published)
        self.found.append(ComparedNumber(number, None, None, "not_computed", "not_computed"))


# ------------------------------------------------------------ π


def _compare_pi(rows: _Rows, file: PeopleGiven, own: OwnLottery) -> None:
    known = file.known
    theirs, ours = [file.pi[i] for i in known], [own.pi[i] for i in known]
    rows.add("people", file.people, len(own.pi), "other_people")
    rows.add("people_unknown", file.people - len(known), 0, "other_people")
    rows.add("sum", file.pi_sum, own.size, "other_size", _EQUAL_WITHIN * max(1, file.people))
    if not known:
        return
    rows.add("spread_in_type", _spread(known, theirs, own.type_of), 0.0, "unequal_types", _EQUAL_WITHIN)
    place = _first_apart(sorted(theirs), sorted(ours))
    why = _why_other(file, own, sorted(theirs), sorted(ours), place)
    rows.add("smallest", min(theirs), min(ours), why, _EQUAL_WITHIN)
    if not own.optimal:
        rows.add_alone("leximin", min(theirs))
    elif place is None:
        rows.add("leximin", min(theirs), min(ours), why, _EQUAL_WITHIN)
    else:
        level = f"level {_clusters(sorted(ours))[place] + 1}"
        rows.add("leximin", sorted(theirs)[place], sorted(ours)[place], why, other=level)
    correlation = _spearman(theirs, ours)
    if correlation is not None:
        rows.add("rank_correlation", correlation, 1.0, why, _EQUAL_WITHIN)
    rows.add("largest_difference", max(abs(a - b) for a, b in zip(theirs, ours, strict=True)), 0.0, why, _EQUAL_WITHIN)


def _spread(known: Sequence[int], pi: Sequence[float], type_of: Sequence[int]) -> float:
    """The largest difference of π between two people with equal attributes."""
    groups: dict[int, list[float]] = {}
    for i, value in zip(known, pi, strict=True):
        groups.setdefault(type_of[i], []).append(value)
    return max(max(values) - min(values) for values in groups.values())


def _first_apart(theirs: Sequence[float], ours: Sequence[float]) -> int | None:
    """The first place at which two ascending lists differ; None where they are the same."""
    return next((i for i, (a, b) in enumerate(zip(theirs, ours, strict=True)) if abs(a - b) > _EQUAL_WITHIN), None)


def _why_other(
    file: PeopleGiven, own: OwnLottery, theirs: Sequence[float], ours: Sequence[float], place: int | None
) -> str:
    if len(file.known) != file.people or file.people != len(own.pi):
        return "other_people"
    if not own.optimal:
        return "no_optimum"
    if place is None:
        return "other_order"
    return "not_optimal" if theirs[place] < ours[place] else "beyond_optimum"


def _clusters(ordered: Sequence[float]) -> list[int]:
    """The number of the level of each value of an ascending list: it rises where a value is not that before it."""
    found = [0] * len(ordered)
    for i in range(1, len(ordered)):
        found[i] = found[i - 1] + (ordered[i] - ordered[i - 1] > _EQUAL_WITHIN)
    return found


def _ranks(values: Sequence[float]) -> list[float]:
    """Ranks from 0; those of values that are equal but for rounding are their mean."""
    order = sorted(range(len(values)), key=values.__getitem__)
    level = _clusters([values[i] for i in order])
    ranks, begin = [0.0] * len(values), 0
    for end in range(1, len(order) + 1):
        if end == len(order) or level[end] != level[begin]:
            for place in range(begin, end):
                ranks[order[place]] = (begin + end - 1) / 2
            begin = end
    return ranks


def _spearman(theirs: Sequence[float], ours: Sequence[float]) -> float | None:
    """Spearman's ρ; None where all values of one side are equal."""
    one, other = _ranks(theirs), _ranks(ours)
    middle = (len(one) - 1) / 2
    squares = [math.fsum((rank - middle) ** 2 for rank in side) for side in (one, other)]
    if not all(squares):
        return None
    return math.fsum((a - middle) * (b - middle) for a, b in zip(one, other, strict=True)) / math.sqrt(
        squares[0] * squares[1]
    )


# ------------------------------------------------------------ a panel


def _compare_panel(rows: _Rows, file: PeopleGiven, own: OwnLottery) -> None:
    rows.add("people", file.people, own.size, "other_size")
    rows.add("people_unknown", file.people - len(file.members), 0, "other_people")
    seats: dict[tuple[str, str], int] = {}
    for i in file.members:
        for cell in zip(own.attributes, own.types[own.type_of[i]], strict=True):
            seats[cell] = seats.get(cell, 0) + 1
    for quota in own.quotas:
        if not quota["slack"]:
            taken, low, high = seats.get((quota["attribute"], quota["category"]), 0), quota["lower"], quota["upper"]
            named = f"{quota['attribute']}: {quota['category']}"
            rows.add("seats", taken, min(max(taken, low), high), "quota_broken", other=named, bounds=(low, high))


# ------------------------------------------------------------ weights


def _compare_weights(rows: _Rows, file: PeopleGiven, beside: Sequence[PeopleGiven], own: OwnLottery) -> None:
    known = file.known
    rows.add("people_unknown", file.people - len(known), 0, "other_people")
    if not known:
        return
    if any(own.pairs):
        other = sum(file.weights[i][0] != own.pairs[i] for i in known)
        rows.add("people_with_other_pairs", other, 0, "other_pairs")
    within = max(_out_of_proportion(file.weights[i][1:]) for i in known)
    rows.add("spread_within_person", within, 0.0, "unequal_within", _EQUAL_WITHIN)
    published = next((one.pi for one in beside if one.what == "pi"), None)
    sources = [("of_own_pi", dict(enumerate(own.pi)))]
    sources[:0] = [("of_published_pi", dict(published))] if published else []
    fits = []
    for measure, pi in sources:
        name, deviation, allowed = _best_fit(file, pi)
        fits.append(name)
        rows.add(measure, deviation, 0.0, "other_weights", allowed, other=name)
    dropped = len(own.pi) - len(known)
    panel = next((one for one in beside if one.what == "panel"), None)
    if fits[0] in NAMED:
        positive = [pi > 0 for pi in (published or dict(enumerate(own.pi))).values()]
        rows.add("people_dropped", dropped, len(own.pi) - sum(positive), "other_people")
    elif fits[0] == _EVERYBODY_EQUAL and panel is not None:
        rows.add("people_dropped", dropped, len(own.pi) - len(panel.members), "other_people")
    else:
        rows.add_alone("people_dropped", dropped)


def _out_of_proportion(values: Sequence[float]) -> float:
    """How far values are from being one, in proportion: (largest − smallest)/(largest + smallest), 0 to 1. No factor
    brings all of them closer to 1 than that."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    return (high - low) / (high + low) if high > 0 and math.isfinite(high) else float(high > 0)


def _best_fit(file: PeopleGiven, pi: Mapping[int, float]) -> tuple[str, float, float]:
    """The f for which weight · N_r is f(π_r), its largest relative deviation from that, and what is allowed.

    The first that fits of the transforms of π, of one weight for everybody, and of one for every pair; else the
    closest.
    """
    given = {i: file.weights[i] for i in file.known if i in pi}
    if not given:
        return NAMED[0], 1.0, 0.0
    smallest = min((value for value in pi.values() if value > 0), default=1.0)
    allowed = min(max(_EQUAL_WITHIN, 2 * _EQUAL_WITHIN / smallest), _MOST_ALLOWED)
    mean = {i: (low + high) / 2 for i, (_, low, high) in given.items()}
    totals = {i: mean[i] * given[i][0] for i in given}
    tried: list[tuple[str, float, float]] = []
    for name in NAMED:
        values = dict(zip(pi, transformed([Fraction(value) for value in pi.values()], name), strict=True))
        tried.append((name, _out_of_proportion(_ratios(totals, values)), allowed))
    tried.append((_EVERYBODY_EQUAL, _out_of_proportion(list(totals.values())), _EQUAL_WITHIN))
    tried.append((_UNWEIGHTED, _out_of_proportion(list(mean.values())), _EQUAL_WITHIN))
    return next((fit for fit in tried if fit[1] <= fit[2]), min(tried, key=lambda fit: fit[1]))


def _ratios(totals: Mapping[int, float], values: Mapping[int, float]) -> list[float]:
    """What each rater has over f(π); infinite where f(π) is 0 and the weight is not, left out where both are."""
    return [
        total / values[i] if values[i] > 0 else math.inf for i, total in totals.items() if total > 0 or values[i] > 0
    ]
