"""What the demo claims, over several seeds and through the pipeline's own stages (LEXIMIN, TRL and all).

The seed is the unit of replication: each has its own world, pool, panel, base model and schedules. `make test-long`
tries full and soft with one seed, always the same: what holds in the mean need not hold for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from night import NIGHT, size
from planted_runs import excess_of_seeds

SEEDS = range(21, 21 + size(1, 3))
CONDITIONS = ("base", "full", "hard", "soft") if NIGHT else ("full", "soft")


def column(runs: Sequence[dict[str, float]], condition: str) -> np.ndarray:
    """Population log-loss above the floor of one condition, by seed."""
    return np.array([run[condition] for run in runs])


@pytest.mark.long
@pytest.mark.night
@pytest.mark.timeout(7200)
def test_sortition_recovers_a_planted_population_and_full_data_does_not(tmp_path: Path) -> None:
    runs = excess_of_seeds("planted", SEEDS, tmp_path, CONDITIONS)
    full, soft = (column(runs, name) for name in ("full", "soft"))
    assert np.all(soft < full), runs
    if "hard" in CONDITIONS:
        assert column(runs, "hard").mean() < full.mean(), runs


@pytest.mark.night
@pytest.mark.timeout(7200)
def test_where_everyone_shares_one_taste_all_the_data_is_best(tmp_path: Path) -> None:
    runs = excess_of_seeds("null", SEEDS, tmp_path, CONDITIONS)
    full = column(runs, "full")
    assert full.mean() < column(runs, "hard").mean(), runs
    assert full.mean() < column(runs, "soft").mean(), runs
    assert np.all(full < column(runs, "base")), runs
