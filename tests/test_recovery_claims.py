"""What the demo claims, over several seeds and through the pipeline's own stages (LEXIMIN, TRL and all).

The seed is the unit of replication: each has its own world, pool, panel, base model and schedules. `make test-long`
tries one of the seeds, another one every day, and what holds with each of them: soft below full where the world is
planted, full below the base where everyone shares one taste. What is said of means, the night alone says.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from night import NIGHT, of_the_day
from planted_runs import excess_of_seeds

SEEDS = of_the_day(range(21, 24), 1)
ALL = ("base", "full", "hard", "soft")


def column(runs: Sequence[dict[str, float]], condition: str) -> np.ndarray:
    """Population log-loss above the floor of one condition, by seed."""
    return np.array([run[condition] for run in runs])


@pytest.mark.long
@pytest.mark.night
@pytest.mark.timeout(7200)
def test_sortition_recovers_a_planted_population_and_full_data_does_not(tmp_path: Path) -> None:
    runs = excess_of_seeds("planted", SEEDS, tmp_path, ALL if NIGHT else ("full", "soft"))
    full, soft = (column(runs, name) for name in ("full", "soft"))
    assert np.all(soft < full), runs
    if NIGHT:
        assert column(runs, "hard").mean() < full.mean(), runs


@pytest.mark.long
@pytest.mark.night
@pytest.mark.timeout(7200)
def test_where_everyone_shares_one_taste_all_the_data_is_best(tmp_path: Path) -> None:
    runs = excess_of_seeds("null", SEEDS, tmp_path, ALL if NIGHT else ("base", "full"))
    full = column(runs, "full")
    assert np.all(full < column(runs, "base")), runs
    if NIGHT:
        assert full.mean() < column(runs, "hard").mean(), runs
        assert full.mean() < column(runs, "soft").mean(), runs
