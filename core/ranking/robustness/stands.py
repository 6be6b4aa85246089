"""Whether the order of the leaderboards stands: one event from the rankings and the boards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import cast

import numpy as np

from core.events import LeaderboardComputed, LeaderboardRow, PairApart, PairFlip, RobustnessComputed
from core.facts.ranking.methods import Method, primary_method
from core.facts.ranking.robustness import (
    PREFERRED,
    ROBUSTNESS_RULE,
    ROBUSTNESS_UNIT,
    flip_rows,
    in_order,
    neighbours,
    pair_rows,
)
from core.ranking.counts import Ballots, Floats, positions_of, wins_by_unit
from core.ranking.leaderboards import Aggregation, Leaderboard, Score
from core.ranking.robustness.analyses import analyses
from core.stage import Context
from core.types import Ranking


def record_robustness(
    ctx: Context, rankings: Sequence[Ranking], whole: Aggregation, boards: Sequence[LeaderboardComputed]
) -> None:
    """Records whether the order holds, as a unit of its own."""
    planned = None if ctx.config.plan is None else ctx.config.plan.primary
    ctx.unit(ROBUSTNESS_UNIT, lambda unit: unit.add(robustness(rankings, whole, boards, planned)))


def robustness(
    rankings: Sequence[Ranking],
    whole: Aggregation,
    boards: Sequence[LeaderboardComputed | Leaderboard],
    planned: str | None = None,
) -> RobustnessComputed:
    """The orders of all analyses, the pairs, and what turns neighbours round.

    Args:
        whole: of these rankings.
        boards: the leaderboards of all of them, in the order of the methods.
        planned: the primary method of the run's plan, None without a plan.
    """
    orders = {str(board.method): in_order(_places(board.rows)) for board in boards}
    primary = cast(Method, primary_method(list(orders), planned, PREFERRED))
    order, ballots = orders[primary], whole.ballots
    found = list(analyses(rankings, whole, primary, orders))
    questions = len(ballots.asked)
    wins = wins_by_unit(ballots.orders, ballots.question, questions, ballots.weight)
    pairs = pair_rows(
        order,
        [one.order for one in found],
        _by_question(ballots, wins),
        _by_ranking(ballots),
        whole.config.confidence,
    )
    flips = flip_rows(order, ballots.asked, _contributions(order, ballots, wins))
    return RobustnessComputed(
        method=primary,
        order=order,
        analyses=found,
        pairs=[PairApart(**row) for row in pairs],
        flips=[PairFlip(**row) for row in flips],
        questions=questions,
        confidence=whole.config.confidence,
        rule=None if planned is None else ROBUSTNESS_RULE,
    )


def _places(rows: Sequence[LeaderboardRow] | Sequence[Score]) -> dict[str, int]:
    return {row.condition: row.position for row in rows}


def _by_question(ballots: Ballots, wins: Floats) -> list[tuple[tuple[int, ...], int]]:
    """Points of each condition over a question's rankings, and how many these are. wins (Q, m, m)."""
    points = wins.sum(axis=2).astype(np.int64).tolist()
    sizes = np.bincount(ballots.question, weights=ballots.weight.astype(np.float64)).astype(np.int64).tolist()
    return [(tuple(own), size) for own, size in zip(points, sizes, strict=True)]


def _by_ranking(ballots: Ballots) -> Counter[tuple[tuple[int, ...], int]]:
    """The same of single rankings, and how often each occurs."""
    points = (len(ballots.conditions) - 1 - positions_of(ballots.orders)) * ballots.weight[:, None]
    return Counter((tuple(own), times) for own, times in zip(points.tolist(), ballots.weight.tolist(), strict=True))


def _contributions(
    order: Sequence[Sequence[str]], ballots: Ballots, wins: Floats
) -> dict[tuple[str, str], dict[str, list[int]]]:
    """What each question adds to the lead of the first of two neighbours."""
    points = wins.sum(axis=2)
    found = {}
    for pair in neighbours(order):
        i, j = (ballots.conditions.index(name) for name in pair)
        found[pair] = {
            "borda": (points[:, i] - points[:, j]).astype(np.int64).tolist(),
            "votes": (wins[:, i, j] - wins[:, j, i]).astype(np.int64).tolist(),
        }
    return found
