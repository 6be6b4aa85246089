"""Whether the order of the conditions holds: which analyses are made of it, how far pairs lie apart, and the fewest
questions that an order hangs on.

The primary method's order of the data is compared with that of each analysis: the primary method without one clause
after another, without one judge after another, on the majority of each question in place of votes, and every other
method. All numbers here are sums of integers over rankings, so that whoever adds them up finds the same ones.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import NormalDist
from typing import Any

ROBUSTNESS_UNIT = "robustness"
"""The unit of the stage `rank` that all of this is recorded in."""

ROBUSTNESS_RULE = 1
"""The number of the rule by which a run with a plan compares with the order by the plan's primary method. Events
without a number were computed before, when no plan was asked; those of runs without a plan have none."""

PREFERRED = "bradley_terry"
"""The primary method of a run without a plan, where it is among the methods; else the first of them is."""

OF_MAJORITIES = "bradley_terry_majority"
"""The preferred method on the majorities of questions, where that is a method of its own."""

ON_PAIRS = {"plackett_luce": PREFERRED, "plackett_luce_published": PREFERRED, "mallows": "kemeny"}
"""What stands for a method that needs whole rankings where there are majorities of pairs alone."""

SAYING_THE_SAME = {("borda", "copeland"), ("copeland", "borda"), (PREFERRED, OF_MAJORITIES)}
"""(method, other): the other's order of complete rankings is that of the method, or is that of its analysis of
majorities, so that it would be counted twice."""

FLIPS_NAMED = 10
"""Questions of a smallest set that are named."""

MEASURES = ("borda", "votes")
"""By what a pair is turned round: the difference in Borda, or the votes of the one against the other alone."""

Order = Sequence[Sequence[str]]
"""Conditions, best first; those that share a place stand together, in order of their names."""

Scored = tuple[tuple[int, ...], int]
"""Of a question or a ranking: the Borda points of each condition, and how many rankings gave them."""


def majority_method(primary: str) -> str:
    """The method that orders the conditions by the majorities of questions."""
    return ON_PAIRS.get(primary, primary)


def majorities_differ(primary: str, rankings: int, questions: int) -> bool:
    """Whether majorities of questions can say anything else: not where each question has one ranking."""
    return primary != OF_MAJORITIES and rankings > questions


def other_methods(methods: Iterable[str], primary: str) -> list[str]:
    """The methods that are analyses of their own beside the primary one, in their order."""
    found: list[str] = []
    for method in methods:
        if method != primary and not any((known, method) in SAYING_THE_SAME for known in (primary, *found)):
            found.append(method)
    return found


def in_order(places: Mapping[str, int]) -> list[list[str]]:
    """The conditions by their positions, best first; those of one position together."""
    together: dict[int, list[str]] = {}
    for condition in sorted(places):
        together.setdefault(places[condition], []).append(condition)
    return [together[place] for place in sorted(together)]


def pair_rows(
    order: Order,
    analyses: Sequence[Order],
    by_question: Sequence[Scored],
    by_ranking: Mapping[Scored, int],
    confidence: float,
) -> Iterator[dict[str, Any]]:
    """Each pair, the one that the order has before first: in how many analyses it stands so, and how far it is apart.

    `difference` is that of the mean Borda scores, Σ d / Σ n over units with differences d and n rankings each. Its
    standard error takes questions, or single rankings, as independent: that of a ratio estimator,
    √(U/(U − 1) · Σ (d − difference · n)²) / Σ n over U units (Cochran 1977, Sampling Techniques, chapter 6), to
    which that of a bootstrap of these units tends. A pair is separated where the normal interval does not hold 0.

    Args:
        by_question: points in the order of the conditions' names.
        by_ranking: the same of rankings, and how often each occurs.
    """
    names = sorted(name for group in order for name in group)
    reach = NormalDist().inv_cdf((1 + confidence) / 2)
    questions = Counter(by_question)
    placed = [_places_in(one) for one in (order, *analyses)]
    listed = [name for group in order for name in group]
    for k, condition in enumerate(listed):
        for other in listed[k + 1 :]:
            i, j = names.index(condition), names.index(other)
            stands = _side(placed[0], condition, other)
            difference, error_questions = _mean_difference(questions, i, j)
            _, error_rankings = _mean_difference(by_ranking, i, j)
            yield {
                "condition": condition,
                "other": other,
                "agree": sum(_side(places, condition, other) == stands for places in placed[1:]),
                "difference": difference,
                "error_questions": error_questions,
                "error_rankings": error_rankings,
                "separated_questions": error_questions is not None and abs(difference) > reach * error_questions,
                "separated_rankings": error_rankings is not None and abs(difference) > reach * error_rankings,
            }


def _places_in(order: Order) -> dict[str, int]:
    return {name: place for place, group in enumerate(order) for name in group}


def _side(places: Mapping[str, int], one: str, other: str) -> int:
    return (places[one] < places[other]) - (places[one] > places[other])


def _mean_difference(units: Mapping[Scored, int], i: int, j: int) -> tuple[float, float | None]:
    """Mean difference of two conditions and its standard error; none of a single unit."""
    number = total = size = squares = products = sizes = 0
    for (points, n), times in units.items():
        d = points[i] - points[j]
        number, total, size = number + times, total + times * d, size + times * n
        squares, products, sizes = squares + times * d * d, products + times * d * n, sizes + times * n * n
    # Σ (d − n·total/size)² times size², in integers: nothing is lost where the differences are all but equal.
    apart = squares * size**2 - 2 * total * size * products + total**2 * sizes
    error = math.sqrt(apart * number / (number - 1)) / size**2 if number > 1 else None
    return total / size, error


def smallest_set(contributions: Sequence[int]) -> list[int] | None:
    """The fewest questions without which a sum falls below 0, by their numbers; none where it never does.

    Sums are additive: without a set S of questions the sum is total − Σ_{q ∈ S} d_q. Among the sets of k questions
    that of the k largest d takes the most away. So if any set of k questions turns the sign, that one does, and the
    first k at which it does is the smallest. Questions of equal contributions are taken as they were asked. A sum of
    exactly 0 is a tie and not turned round.
    """
    largest_first = sorted(range(len(contributions)), key=lambda question: (-contributions[question], question))
    left = sum(contributions)
    for k, question in enumerate(largest_first):
        if left < 0:
            return largest_first[:k]
        left -= contributions[question]
    return None


def flip_rows(
    order: Order, asked: Sequence[str], contributions: Mapping[tuple[str, str], Mapping[str, Sequence[int]]]
) -> Iterator[dict[str, Any]]:
    """Of each pair of neighbours in the order, by each measure: the fewest questions whose removal has the lower one
    ahead; none where the higher one stays ahead or level whatever is left, 0 where the other is ahead already.

    It is exact with unequal numbers of rankings a question too: whatever is left, both conditions' Borda scores are
    sums over the same rankings, so the sign of their difference is that of the difference of the sums.

    Args:
        asked: ids of the questions.
        contributions: of each such pair, what every question adds to its first one's lead, by measure.
    """
    for pair in neighbours(order):
        for measure in MEASURES:
            removed = smallest_set(contributions[pair][measure])
            yield {
                "condition": pair[0],
                "other": pair[1],
                "measure": measure,
                "questions": None if removed is None else len(removed),
                "share": None if removed is None else len(removed) / len(asked),
                "removed": [asked[question] for question in (removed or ())[:FLIPS_NAMED]],
            }


def neighbours(order: Order) -> list[tuple[str, str]]:
    """Each condition with the next one of the order."""
    listed = [name for group in order for name in group]
    return [(listed[k], listed[k + 1]) for k in range(len(listed) - 1)]
