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
    OF_MAJORITIES,
    PREFERRED,
    in_order,
    majorities_differ,
    majority_method,
    other_methods,
)
from core.ranking.counts import Floats
from core.ranking.leaderboards import Aggregation, costs_of_samples
from core.types import Ranking

Orders = Mapping[str, list[list[str]]]
"""The order of the data by each method; conditions of one position stand together."""


class Kept(Aggregation):
    """Rankings of which one clause after another is left out, or which are taken once as they are."""

    def __init__(self, rankings: Sequence[Ranking], whole: Aggregation, each: bool) -> None:
        section = whole.config.model_copy(update={"resample": "clauses"})
        super().__init__(rankings, section, whole.stream, whole.progress)
        self.each = each

    @cached_property
    def weights(self) -> NDArray[np.uint32]:
        """All clauses, then those that each analysis keeps; nothing is drawn. Shape (1 + analyses, clauses)."""
        kept = 1 - np.eye(self.units) if self.each else np.ones((1, self.units))
        return np.concatenate([np.ones((1, self.units)), kept]).astype(np.uint32)

    def orders(self, method: Method) -> list[list[list[str]]]:
        """The order of each analysis by a method."""
        costs = costs_of_samples(self.estimate(method))
        names = self.ballots.conditions
        return [in_order(dict(zip(names, positions_by(row), strict=True))) for row in costs.tolist()]


class OfMajorities(Kept):
    """Every question counts once for each pair: for the condition that most of its rankings have before, or half."""

    @cached_property
    def wins(self) -> Floats:
        """Questions won, shape (1 + analyses, m, m)."""
        return self.majorities


def analyses(
    rankings: Sequence[Ranking], whole: Aggregation, primary: Method, boards: Orders
) -> Iterator[OrderAnalysis]:
    """Every analysis beside the primary method's of all rankings.

    Args:
        primary: the method whose order the others are compared with.
        boards: the orders of the leaderboards of all rankings, in the order of their methods.
    """
    clauses = list(dict.fromkeys(ranking.clause_id for ranking in rankings))
    without_each = _orders(rankings, whole, primary, True) if len(clauses) > 1 else []
    for clause, order in zip(clauses, without_each, strict=False):
        yield OrderAnalysis(analysis="clause", left_out=str(clause), method=primary, order=order)
    labels = list(dict.fromkeys(label_of(ranking.judge) for ranking in rankings))
    for label in labels if len(labels) > 1 else ():
        # What the other judges' rankings alone would give, as the boards of a jury are.
        others = [ranking for ranking in rankings if label_of(ranking.judge) != label]
        (order,) = _orders(others, whole, primary, False)
        yield OrderAnalysis(analysis="judge", left_out=label, method=primary, order=order)
    if majorities_differ(primary, len(rankings), len(whole.ballots.asked)):
        method = cast(Method, majority_method(primary))
        (order,) = OfMajorities(rankings, whole, False).orders(method)
        yield OrderAnalysis(analysis="majority", method=method, order=order)
    for name in other_methods(boards, primary):
        yield OrderAnalysis(analysis="method", method=name, order=boards[name])


def _orders(rankings: Sequence[Ranking], whole: Aggregation, method: Method, each: bool) -> list[list[list[str]]]:
    if str(method) == OF_MAJORITIES:
        return OfMajorities(rankings, whole, each).orders(cast(Method, PREFERRED))
    return Kept(rankings, whole, each).orders(method)
