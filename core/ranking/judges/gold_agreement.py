"""How far each judge agrees with people who ranked the same answers.

Each measure is a mean over the questions that the judge and people ranked, of the mean over the judge's rankings:

- `kendall_tau`: mean τ with the people's rankings of the question, in [−1, 1]; orders at random reach 0.
- `pairs`: of the pairs of conditions that more people order one way than the other, the share that the judge orders
  so; at random 1/2. Questions without such a pair are left out.
- `first`: whether the judge's first condition is the one with the people's best mean rank; at random 1/m. Questions
  where two conditions share that are left out.

Intervals are percentiles over resamples of these questions, expanded where they are few.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np

from core.events import GoldRanking, GoldRow
from core.facts.randomness import RandomStream
from core.facts.ranking.intervals import tail_of
from core.facts.ranking.juries import label_of
from core.ranking.bootstrap import draw_weights
from core.ranking.counts import Floats
from core.ranking.judges.jury_agreement import interval_of
from core.sections.who_judges import RankSection
from core.types import Ranking

Orders = Sequence[Sequence[str]]

_Measure = Callable[[Orders, Orders], float]
"""Of a judge's rankings of a question and the people's; NaN where there is nothing to compare."""


def gold_agreement(
    rankings: Sequence[Ranking], people: Sequence[GoldRanking], config: RankSection, stream: RandomStream
) -> list[GoldRow]:
    """Every judge with rankings of questions that people ranked, by all measures."""
    by_people = _by_question([(one.question_id, one.ranking) for one in people])
    chance = {"kendall_tau": 0.0, "pairs": 0.5, "first": 1 / len(people[0].ranking)}
    rows = []
    for label in dict.fromkeys(label_of(one.judge) for one in rankings):
        own = _by_question([(one.question_id, one.order) for one in rankings if label_of(one.judge) == label])
        common = [question for question in by_people if question in own]
        if not common:
            continue
        weights = draw_weights(len(common), config.resamples, stream, lambda done, total, detail: None)
        for name, measure in _MEASURES.items():
            values = np.array([measure(own[question], by_people[question]) for question in common])
            means = _means(weights.astype(np.float64), values)
            low, high = interval_of(means[1:], tail_of(config.confidence, len(common)))
            known = int((~np.isnan(values)).sum())
            rows.append(
                GoldRow(
                    judge=label,
                    measure=name,
                    value=float(means[0]),
                    low=low,
                    high=high,
                    chance=chance[name],
                    questions=known,
                )
            )
    return rows


def _by_question(listed: Sequence[tuple[str, Sequence[str]]]) -> dict[str, list[Sequence[str]]]:
    found: dict[str, list[Sequence[str]]] = {}
    for question, order in listed:
        found.setdefault(question, []).append(order)
    return found


def _means(weights: Floats, values: Floats) -> Floats:
    """Weighted means of the values that are known; NaN where none has weight. weights (1 + B, U), values (U,)."""
    known = ~np.isnan(values)
    weight = weights @ known
    means: Floats = np.divide(
        weights @ np.where(known, values, 0.0), weight, out=np.full(len(weights), np.nan), where=weight > 0
    )
    return means


def _tau(own: Orders, people: Orders) -> float:
    pairs = len(own[0]) * (len(own[0]) - 1) // 2
    if not pairs:
        return float("nan")
    agreeing = sum(len(_pairs(one) & _pairs(other)) for one in own for other in people)
    return 2 * agreeing / (pairs * len(own) * len(people)) - 1


def _pairs(order: Sequence[str]) -> set[tuple[str, str]]:
    """Who is before whom."""
    return set(combinations(order, 2))


def _majority_pairs(own: Orders, people: Orders) -> float:
    votes: dict[tuple[str, str], int] = {}
    for order in people:
        for pair in combinations(order, 2):
            votes[pair] = votes.get(pair, 0) + 1
    wanted = {(i, j) for (i, j), times in votes.items() if times > votes.get((j, i), 0)}
    if not wanted:
        return float("nan")
    return sum(len(wanted & _pairs(order)) for order in own) / (len(wanted) * len(own))


def _first_right(own: Orders, people: Orders) -> float:
    places = {condition: sum(order.index(condition) for order in people) for condition in people[0]}
    best = [condition for condition, place in places.items() if place == min(places.values())]
    return float("nan") if len(best) > 1 else sum(order[0] == best[0] for order in own) / len(own)


_MEASURES: dict[str, _Measure] = {"kendall_tau": _tau, "pairs": _majority_pairs, "first": _first_right}
