"""Intervals hold the true scores as often as they say, where they resample what varies; 200 sets of rankings a cell.

`python tests/interval_coverage.py` prints the table of docs/ranking.md.
"""

from __future__ import annotations

import pytest
from interval_coverage import BY_METHOD, CELLS, coverage
from night import size

from core.facts.ranking.methods import Method

ESTIMATES: tuple[Method, ...] = ("borda", "bradley_terry", "plackett_luce")
"""The intervals of the published iteration can be infinite, and hold more then."""

HONEST = [name for name, cell in CELLS.items() if cell.resample == ("clauses" if cell.of_clause else "questions")]
"""What is resampled is what is drawn independently."""


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.long, pytest.mark.night]) for name in CELLS])
def test_intervals_hold_the_truth_as_often_as_they_say(name: str) -> None:
    held = coverage(CELLS[name], size(30, 200))
    assert set(held) == set(BY_METHOD)
    for method in ESTIMATES:
        share = held[method].mean()
        if name in HONEST:
            # Scores of a set go together: a share of 200 sets has a standard error of one point, of 30 of 2.5.
            assert 0.95 - size(8, 4) / 100 < share < 0.95 + size(5, 4) / 100, method
        else:
            assert share < size(95, 94) / 100, method
