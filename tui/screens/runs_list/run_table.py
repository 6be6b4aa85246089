"""The list of runs as a widget: found by their whole id, and sorted by what is meant and not by what is painted."""

from __future__ import annotations

from collections.abc import Mapping

from tui.screens.runs_list.run_rows import Listing, Worth
from tui.widgets.lists.columns import Columns
from tui.widgets.lists.whole_list import Row, WholeList
from tui.widgets.status import GLYPHS


class RunTable(WholeList):
    """Keys are the names of the folders."""

    def __init__(self) -> None:
        super().__init__(id="runs")
        self.filter_heading = "Only runs with this text or in this state"
        self.suggestions = tuple(GLYPHS)
        self._worth: Mapping[str, Mapping[str, Worth]] = {}
        self.shown: Listing | None = None

    def show(self, listing: Listing) -> None:
        """Shows these rows; cursor, filter and order stay."""
        if self.shown is not None and self.shown.room != listing.room:
            self._columns = Columns()  # else the names keep what they took before
        self.shown = listing
        self._worth = {row.key: row.worth for row in listing.rows}
        self.fill(listing.headings, [(row.key, row.cells) for row in listing.rows])

    def holds(self, row: Row, text: str) -> bool:
        return super().holds(row, text) or text.casefold() in str(row[0]).casefold()

    def worth(self, row: Row, column: int, heading: str) -> float | str:
        meant = self._worth.get(str(row[0]), {})
        return meant[heading] if heading in meant else super().worth(row, column, heading)
