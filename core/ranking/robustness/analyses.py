"""The order of the conditions under every other analysis of the same rankings.

What leaves something out is a resample whose weights are chosen and not drawn, so each method computes it as it does
its resamples.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import cast

import numpy as np
from numpy.typing import NDArray

from core.events import OrderAnalysis
from core.facts.ranking.juries import label_of
from core.facts.ranking.methods import Method
from core.facts.ranking.positions import positions_by
from core.facts.ranking.robustness import (
    in_order,
    majorities_differ,
    majority_method,
    other_methods,
    primary_method,
)
from core.ranking.counts import Floats
from core.ranking.leaderboards import Aggregation, costs_of_samples
from core.types import Ranking

Orders = Mapping[str, list[list[str]]]
"""The order of the data by each method; conditions of one position stand together."""


class Kept(Aggregation):
    """Rankings of which some units alone are kept: kept (K, U) has a row for each analysis, ones and zeros."""

    def __init__(
        self, rankings: Sequence[Ranking], whole: Aggregation, resample: str, kept: NDArray[np.uint32]
    ) -> None:
        section = whole.config.model_copy(update={"resample": resample, "resamples": len(kept)})
        super().__init__(rankings, section, whole.stream, whole.progress)
        self.kept = kept

    @cached_property
    def weights(self) -> NDArray[np.uint32]:
        """All units, then those that each analysis keeps; nothing is drawn. Shape (1 + K, U)."""
        return np.concatenate([np.ones((1, self.units), dtype=np.uint32), self.kept])

    def orders(self, method: Method) -> list[list[list[str]]]:
        """The order of each analysis by a method."""
        costs = costs_of_samples(self.estimate(method))
        names = self.ballots.conditions
        return [in_order(dict(zip(names, positions_by(row), strict=True))) for row in costs.tolist()]


class OfMajorities(Kept):
    """Every question counts once for each pair: for the condition that most of its rankings have before, or half."""

    @cached_property
    def wins(self) -> Floats:
        """The majorities for the data and the one analysis, shape (2, m, m)."""
        return np.stack([self.wins_by_majority, self.wins_by_majority])


def analyses(rankings: Sequence[Ranking], whole: Aggregation, boards: Orders) -> Iterator[OrderAnalysis]:
    """Every analysis beside the primary method's of all rankings.

    Args:
        boards: the orders of the leaderboards of all rankings, in the order of their methods.
    """
    primary = cast(Method, primary_method(list(boards)))
    yield from _without_clauses(rankings, whole, primary)
    yield from _without_judges(rankings, whole, primary)
    yield from _on_majorities(rankings, whole, cast(Method, majority_method(primary)))
    for method in other_methods(boards, primary):
        yield OrderAnalysis(analysis="method", method=method, order=boards[method])


def _without_clauses(rankings: Sequence[Ranking], whole: Aggregation, method: Method) -> Iterator[OrderAnalysis]:
    clauses = list(dict.fromkeys(ranking.clause_id for ranking in rankings))
    if len(clauses) < 2:
        return
    kept = (1 - np.eye(len(clauses))).astype(np.uint32)
    for clause, order in zip(clauses, Kept(rankings, whole, "clauses", kept).orders(method), strict=True):
        yield OrderAnalysis(analysis="clause", left_out=str(clause), method=method, order=order)


def _without_judges(rankings: Sequence[Ranking], whole: Aggregation, method: Method) -> Iterator[OrderAnalysis]:
    """Each is what the other judges' rankings alone would give, as the boards of a jury are."""
    labels = list(dict.fromkeys(label_of(ranking.judge) for ranking in rankings))
    for label in labels if len(labels) > 1 else ():
        others = [ranking for ranking in rankings if label_of(ranking.judge) != label]
        questions = len({(ranking.clause_id, ranking.question_id) for ranking in others})
        (order,) = Kept(others, whole, "questions", np.ones((1, questions), dtype=np.uint32)).orders(method)
        yield OrderAnalysis(analysis="judge", left_out=label, method=method, order=order)


def _on_majorities(rankings: Sequence[Ranking], whole: Aggregation, method: Method) -> Iterator[OrderAnalysis]:
    questions = len(whole.ballots.asked)
    if majorities_differ(len(rankings), questions):
        (order,) = OfMajorities(rankings, whole, "questions", np.ones((1, questions), dtype=np.uint32)).orders(method)
        yield OrderAnalysis(analysis="majority", method=method, order=order)
