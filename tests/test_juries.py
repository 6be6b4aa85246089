"""Juries: what a judge weighs, the boards of some of the judges, and how far they agree."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest

from core.config import RankSection
from core.facts.randomness import RandomStream
from core.facts.ranking.methods import METHODS, Method
from core.ranking.leaderboards import Leaderboard, leaderboards
from core.types import Ranking

WEIGHTS = {"strict": 3, "kind": 1, "odd": 2}


def rankings(questions: int = 12, conditions: str = "abcd") -> list[Ranking]:
    """Three judges, two calls each, in planned order; "odd" prefers the other end of the alphabet."""
    generator = random.Random(7)

    def order(judge: str) -> tuple[str, ...]:
        spread = -1.0 if judge == "odd" else 0.7
        heard = {c: spread * k - math.log(-math.log(generator.random())) for k, c in enumerate(conditions)}
        return tuple(sorted(conditions, key=lambda c: -heard[c]))

    return [
        Ranking(f"{q % 3}:{q}", q % 3, f"{judge}#{call}", order(judge))
        for judge in WEIGHTS
        for call in range(2)
        for q in range(questions)
    ]


def weighed(listed: list[Ranking]) -> list[Ranking]:
    return [replace(one, weight=WEIGHTS[one.judge.partition("#")[0]]) for one in listed]


def boards(listed: list[Ranking], methods: tuple[Method, ...] = METHODS) -> list[Leaderboard]:
    section = RankSection(methods=methods, resamples=20)
    return list(leaderboards(listed, section, RandomStream(5, "rank")))


@pytest.mark.parametrize("method", [method for method in METHODS if method != "mallows"])
def test_a_weight_counts_each_ranking_so_many_times(method: Method) -> None:
    """But for what Mallows holds out, which is a share of the rankings as they are."""
    listed = rankings()
    repeated = [one for ranking in listed for one in [ranking] * WEIGHTS[ranking.judge.partition("#")[0]]]
    (by_weight,), (by_repeating,) = boards(weighed(listed), (method,)), boards(repeated, (method,))
    assert by_weight.rows == by_repeating.rows
    assert by_weight.detail == by_repeating.detail
    assert by_weight.rows != boards(listed, (method,))[0].rows
