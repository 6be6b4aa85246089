"""A list whose rows are all at hand: filter, order and search need nobody else."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

from rich.text import Text

from tui.widgets.lists.columns import Cells
from tui.widgets.lists.long_list import LongList, Order

Row = tuple[Hashable, Cells]
"""A key that stays the same between fillings, and one cell per column."""


class WholeList(LongList):
    """`fill` it as often as there is something to show: cursor, scroll position, filter and order stay.

    f lists the rows that hold a text, o sorts by what a column shows (numbers as numbers). `Rearranged` has been done
    already where it arrives: it is for the line above the list.
    """

    _every: Sequence[Row] = ()
    _follow = False

    def fill(self, headings: Sequence[str], rows: Sequence[Row], follow: bool = False) -> None:
        """Shows these rows. A heading that begins with ">" is aligned to the right; `follow` as in `index`."""
        self._every, self._follow = list(rows), follow
        self._list(headings)

    def reset(self) -> None:
        """Begins anew, for other rows: the first of them, all, and in the order in which they come."""
        self.only, self.order, self.sought = "", None, ""
        self._every = ()
        self._list(self.headings)
        self._scroll(0)

    def narrow(self, only: str) -> None:
        super().narrow(only)
        self._list(self.headings)

    def sort_by(self, order: Order | None) -> None:
        super().sort_by(order)
        self._list(self.headings)

    def seek(self, text: str) -> None:
        self.sought = text
        if text:
            self.found(text, {row[0] for row in self._every if self.holds(row, text)})

    def _list(self, headings: Sequence[str]) -> None:
        others = self._columns.head(headings)
        wider = self._columns.widen(cells for _, cells in self._every)
        rows = [row for row in self._every if not self.only or self.holds(row, self.only)]
        columns = [heading.removeprefix(">") for heading in headings]
        if self.order is not None and self.order.column in columns:
            column = columns.index(self.order.column)
            rows = self._sorted(rows, column, self.order)
        fresh = dict(rows)
        if others or wider or any(self._rows.get(key) != cells for key, cells in fresh.items()):
            self.refresh()
        self._rows.clear()
        self._rows.update(fresh)
        self.index(headings, list(fresh), self._follow)

    def holds(self, row: Row, text: str) -> bool:
        """Whether a row shows a text, in small letters or capitals."""
        wanted = text.casefold()
        return any(wanted in cell.plain.casefold() for cell in row[1])

    def worth(self, row: Row, column: int, heading: str) -> float | str:
        """What a row is sorted by in a column: a number or a word; by what it shows, if nobody says otherwise."""
        return _value(row[1][column])

    def _sorted(self, rows: Sequence[Row], column: int, order: Order) -> list[Row]:
        """Numbers before words, in either direction; of equal ones the first stays the first."""
        valued = [(self.worth(row, column, order.column), row) for row in rows]
        numbers = [(value, row) for value, row in valued if isinstance(value, float)]
        words = [(value, row) for value, row in valued if isinstance(value, str)]
        numbers.sort(key=lambda pair: pair[0], reverse=order.descending)
        words.sort(key=lambda pair: pair[0], reverse=order.descending)
        return [row for _, row in [*numbers, *words]]


def _value(cell: Text) -> float | str:
    """What a cell is sorted by: its number where it is one, with separators, % or a mark; else its words."""
    words = cell.plain.strip()
    try:
        number = float(words.rstrip(" %*").replace(",", "").replace("−", "-").replace("∞", "inf"))
    except ValueError:
        return words.casefold()
    return words if math.isnan(number) else number
