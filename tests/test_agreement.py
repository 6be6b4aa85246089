"""Agreement of judges against a textbook table and SciPy."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import kendalltau

from core.ranking.counts import encode
from core.ranking.judges.agreement import agreement, fleiss_kappa_first
from core.types import Ranking

# Fleiss (1971) as reproduced in Wikipedia, "Fleiss' kappa": 14 raters, 10 subjects, 5 categories; κ = 0.210.
FLEISS = [
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
]


def rankings_with_firsts(table: list[list[int]]) -> list[Ranking]:
    names = "abcde"
    return [
        Ranking(f"q{q}", 1, f"j#{i}{k}", (names[i], *(n for n in names if n != names[i])))
        for q, row in enumerate(table)
        for i, count in enumerate(row)
        for k in range(count)
    ]


def test_fleiss_kappa_of_the_textbook_table() -> None:
    assert fleiss_kappa_first(encode(rankings_with_firsts(FLEISS))) == pytest.approx(0.210, abs=5e-4)


def test_kendall_tau_is_the_mean_over_pairs_of_judges() -> None:
    rng = np.random.default_rng(0)
    sizes = [2, 5, 3, 1]
    rankings = [
        Ranking(f"q{q}", 1, f"j#{j}", tuple("abcdef"[i] for i in rng.permutation(6)))
        for q, size in enumerate(sizes)
        for j in range(size)
    ]
    expected = []
    for q in range(3):
        places = [[r.order.index(c) for c in "abcdef"] for r in rankings if r.question_id == f"q{q}"]
        expected.append(np.mean([kendalltau(a, b).statistic for a, b in combinations(places, 2)]))
    assert agreement(encode(rankings))["kendall_tau"] == pytest.approx(np.mean(expected))
    assert agreement(encode(rankings))["questions_with_agreement"] == 3


def test_judges_who_agree_and_judges_who_oppose() -> None:
    same = [Ranking(f"q{q}", 1, f"j#{j}", ("a", "b") if q else ("b", "a")) for q in range(2) for j in range(3)]
    opposed = [Ranking("q", 1, "j#0", ("a", "b", "c")), Ranking("q", 1, "j#1", ("c", "b", "a"))]
    assert agreement(encode(same))["kendall_tau"] == 1
    assert fleiss_kappa_first(encode(same)) == 1
    assert agreement(encode(opposed))["kendall_tau"] == -1


def test_undefined_agreement_is_nan_not_a_number_that_looks_fine() -> None:
    single = [Ranking("q1", 1, "j", ("a", "b")), Ranking("q2", 1, "j", ("b", "a"))]
    assert np.isnan(agreement(encode(single))["kendall_tau"])
    assert np.isnan(agreement(encode(single))["fleiss_kappa_first"])
    always_first = [Ranking("q1", 1, f"j#{j}", ("a", "b")) for j in range(3)]
    assert np.isnan(agreement(encode(always_first))["fleiss_kappa_first"]), "chance agreement is complete"
    alone = [Ranking("q1", 1, f"j#{j}", ("a",)) for j in range(2)]
    assert np.isnan(agreement(encode(alone))["kendall_tau"])
