"""Columns of names stand straight whatever cells the names take."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from storage.findings.pairs_found import PairsFound
from storage.record.rows import PairRow, PlaceRow
from storage.summary.name_columns import indented, padded, shortened, widest

NAMES = ["soft", "人々の委員会", "👪 family", "a" * 60, "x\x1b[2Jy"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [2, 5, 12, 80])
def test_a_name_takes_the_cells_that_it_is_given(name: str, width: int) -> None:
    cut = shortened(name, width)
    assert cell_len(cut) <= width
    assert cell_len(padded(cut, width)) == cell_len(indented(cut, width)) == width
    assert padded(cut, width).rstrip() == indented(cut, width).lstrip() == cut.strip()
    assert "\x1b" not in cut


def test_the_end_of_a_long_name_is_kept() -> None:
    assert shortened("checkpoints/run/hard", 6) == "…/hard"
    assert shortened("委員会", 5) == "…員会"
    assert shortened("委員会", 4) == "…会"
    assert (widest(["a", "委員会"]), widest([])) == (6, 0)


def test_numbers_stand_below_one_another_beside_wide_names() -> None:
    names = NAMES[:3]
    pairs = [
        PairRow(
            condition=one,
            other=other,
            votes=3,
            votes_against=2,
            win_rate=0.6,
            low=0.55,
            high=0.7,
            majority_win_rate=0.5,
            majority_low=0.4,
            majority_high=0.6,
            mean_margin=0.2,
        )
        for one in names
        for other in names
        if one != other
    ]
    found = PairsFound(pairs, [PlaceRow("borda", name, place, 1 / 3) for name in names for place in (1, 2, 3)])
    for lines in (found.win_rates(80)[1:5], found.every_pair(80)[1:5], found.places_by("borda", 80)[1:5]):
        ends = {cell_len(line.rstrip(" *")) for line in lines[1:4]}
        assert len(lines) == 4
        assert len(ends) == 1, lines
