"""The nearest mixture: a wrong minimum would stall lotteries or pass for one that is reached."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import nnls

from core.sortition.leximin.gram_factor import GramFactor
from core.sortition.leximin.projection import NearestMixture


@pytest.mark.parametrize("seed", range(5))
def test_distance_agrees_with_scipy_as_panels_are_added(seed: int) -> None:
    rng = np.random.default_rng(seed)
    target = rng.uniform(0, 1, 30)
    mixture = NearestMixture(target)
    panels: list[tuple[int, ...]] = []
    for _ in range(12):
        fresh = [tuple(row) for row in rng.integers(0, 2, (6, 30)).tolist()]
        panels.extend(fresh)
        mixture.add(fresh)
        mixture.solve()
        _, distance = nnls(np.array(panels, dtype=float).T, target)
        assert mixture.weights.min() >= 0
        assert np.linalg.norm(mixture.residual) == pytest.approx(distance, abs=1e-9)
        assert mixture.residual == pytest.approx(target - mixture.weights @ np.array(panels), abs=1e-12)


def test_factor_follows_a_set_that_grows_and_shrinks() -> None:
    """Against a fresh solution of every subset, through corrections, appended blocks and new factors."""
    rng = np.random.default_rng(1)
    columns = rng.normal(size=(120, 150))
    gram, factor, passive = columns @ columns.T, GramFactor(), np.zeros(120, dtype=bool)
    for step in range(80):
        flipped = rng.choice(120, size=1 + step % 9, replace=False)
        passive[flipped] = ~passive[flipped]
        right = rng.normal(size=120)
        assert factor.cover(gram, passive)
        expected = np.zeros(120)
        expected[passive] = np.linalg.solve(gram[np.ix_(passive, passive)], right[passive])
        assert factor.solve(right) == pytest.approx(expected, abs=1e-8)


def test_dependent_columns_are_told_and_forgotten() -> None:
    columns = np.array([[1.0, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1]])
    gram, factor = columns @ columns.T, GramFactor()
    assert factor.cover(gram, np.array([True, True, False, False]))
    assert not factor.cover(gram, np.array([True, True, True, False]))
    assert factor.cover(gram, np.array([True, False, True, True]))
    assert factor.solve(gram @ np.array([2.0, 0, 3, 4])) == pytest.approx([2, 0, 3, 4])
