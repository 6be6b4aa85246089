"""The pools of the sortition benchmark: each has a panel, so that none of its lines measures a refusal."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from bench_sortition import DATA, GROWTH, Case, grown, panel_of, prism_pool, shared_pools


def base_with_rare_categories() -> Case:
    """1,000 people with categories of a few, all of whom a panel of 145 needs: a draw with replacement misses some."""
    rng = np.random.default_rng(1)
    people = [(f"c{min(9, rng.geometric(0.3) - 1)}", f"d{rng.integers(4)}") for _ in range(990)]
    people += [(f"rare{i % 5}", "d0") for i in range(10)]
    quotas = [(a, c, 0, 145) for a, place in (("a", 0), ("b", 1)) for c in sorted({p[place] for p in people})]
    needed = [(a, c, 2 if c.startswith("rare") else low, high) for a, c, low, high in quotas]
    return Case("base", 145, ("a", "b"), tuple(people), tuple(needed))


def meets_quotas(case: Case, people: tuple[tuple[str, ...], ...]) -> bool:
    """By counting alone."""
    counts = Counter((a, c) for person in people for a, c in zip(case.attributes, person, strict=True))
    return all(low <= counts[attribute, category] <= high for attribute, category, low, high in case.quotas)


@pytest.mark.parametrize("people", GROWTH)
def test_each_grown_pool_holds_a_panel(people: int) -> None:
    base = base_with_rare_categories()
    pool = grown(base, people)
    assert len(pool.people) == people
    assert meets_quotas(pool, pool.people[: pool.size])


@pytest.mark.long
@pytest.mark.skipif(not DATA.is_dir(), reason="the shared pools are not beside this checkout")
def test_each_pool_of_the_benchmark_has_a_panel() -> None:
    prism = prism_pool()
    for case in (*shared_pools(), prism, grown(prism, min(GROWTH))):
        assert len(panel_of(case)) == case.size, case.name
