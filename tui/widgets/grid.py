"""A table that can be refilled while a person reads it: cursor and scroll position stay where they were."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Self

from rich.text import Text
from textual.coordinate import Coordinate
from textual.geometry import Region
from textual.strip import Strip
from textual.widgets import DataTable
from textual.widgets.data_table import RowKey

Row = tuple[Hashable, Sequence[Text]]
"""A key that stays the same between fillings, and one cell per column."""


class Grid(DataTable[Text]):
    """For up to about 2,000 rows. Cells are `Text`, so markup is never read.

    Columns are as wide as their widest cell so far. The width is set here and not left to `DataTable`,
    which measures every cell again and may paint a row before it knows the width.
    """

    _updating = False

    def __init__(self, **more: Any) -> None:
        super().__init__(cursor_type="row", zebra_stripes=False, **more)
        self._headings: tuple[str, ...] = ()
        self._rows: list[Row] = []
        self._keys: dict[RowKey, Hashable] = {}
        self._keys_before: dict[RowKey, Hashable] = {}
        self._widths: list[int] = []

    @property
    def chosen(self) -> Hashable | None:
        """Key of the row under the cursor."""
        return self._rows[self.cursor_row][0] if 0 <= self.cursor_row < len(self._rows) else None

    def key_of(self, row: RowKey) -> Hashable | None:
        """Key of a row that a message names, also where the table was filled anew since; None after two fillings."""
        return self._keys.get(row, self._keys_before.get(row))

    def point_at(self, key: Hashable) -> bool:
        """Puts the cursor on the row with this key; False where there is none."""
        place = next((place for place, (known, _) in enumerate(self._rows) if known == key), None)
        if place is not None:
            self.move_cursor(row=place, animate=False)
        return place is not None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leaves Enter to the screen: a message about the row would arrive after the next key has moved the cursor."""
        return action != "select_cursor"

    def action_scroll_home(self) -> None:
        """The first row: a table of rows has no use for the first column, to which `DataTable` goes."""
        self.action_scroll_top()

    def action_scroll_end(self) -> None:
        self.action_scroll_bottom()

    def fill(self, headings: Sequence[str], rows: Sequence[Row], follow: bool = False) -> None:
        """Shows these rows. A heading that begins with ">" is aligned to the right.

        `follow` keeps a cursor that is on the first row there, for lists whose newest row comes first.
        """
        if tuple(headings) != self._headings:
            self._headings, self._widths = tuple(headings), [0] * len(headings)
        widths = self._needed(rows)
        same_rows = [key for key, _ in rows] == [key for key, _ in self._rows]
        if same_rows and widths == self._widths:
            self._update(rows)
        else:
            self._replace(rows, widths, follow and self.cursor_row == 0)
        self._rows = list(rows)

    def _needed(self, rows: Sequence[Row]) -> list[int]:
        """Widths only grow, so that columns don't jump while one reads."""
        titles = [len(heading.removeprefix(">")) for heading in self._headings]
        columns = zip(*(cells for _, cells in rows), strict=True) if rows else ([] for _ in titles)
        return [
            max(old, title, *(cell.cell_len for cell in column))
            for old, title, column in zip(self._widths, titles, columns, strict=True)
        ]

    def _update(self, rows: Sequence[Row]) -> None:
        """Only rows with a cell that changed are painted again."""
        for r, ((_, new), (_, old)) in enumerate(zip(rows, self._rows, strict=True)):
            changed = [(c, cell) for c, (cell, before) in enumerate(zip(new, old, strict=True)) if cell != before]
            self._updating = True
            for c, cell in changed:
                self.update_cell_at(Coordinate(r, c), cell)
            self._updating = False
            if changed:
                self.refresh_row(r)

    def refresh(self, *regions: Region, **more: Any) -> Self:
        """For a cell that changes `DataTable` would paint all of it."""
        return self if self._updating else super().refresh(*regions, **more)

    def render_line(self, y: int) -> Strip:
        return super().render_line(y).simplify()

    def _replace(self, rows: Sequence[Row], widths: list[int], first: bool) -> None:
        chosen, place, offset = self.chosen, self.cursor_row, self.scroll_y
        self.clear(columns=widths != self._widths)
        if widths != self._widths:
            for heading, width in zip(self._headings, widths, strict=True):
                title = heading.removeprefix(">")
                self.add_column(Text(title, justify="left" if title == heading else "right"), width=width)
        self._widths = widths
        self._keys_before, self._keys = self._keys, {self.add_row(*cells): key for key, cells in rows}
        keys = [key for key, _ in rows]
        if not first and chosen in keys:
            place = keys.index(chosen)
        self._rows = list(rows)
        if rows:
            self.move_cursor(row=min(place, len(rows) - 1), animate=False, scroll=False)
            self.scroll_to(y=offset, animate=False)
