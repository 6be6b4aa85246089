"""What the pages of the tab of leaderboards have in common: each is one text, or a table with a text to each row."""

from __future__ import annotations

import textwrap
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text

from storage.record.reader import Reader
from tui.widgets.lists.whole_list import Row


@dataclass(frozen=True)
class Page:
    """Read in a thread, as a value; how it looks may depend on the width of the terminal, in cells."""

    kinds: ClassVar[tuple[str, ...]] = ()
    """The page is offered where an event of one of these kinds is recorded; always where none is named."""

    view: ClassVar[str]
    """The view of the record that holds most of what it shows."""

    @classmethod
    def read(cls, reader: Reader) -> Page:
        """Everything that the page shows, as of the event that the run is read."""
        raise NotImplementedError


@dataclass(frozen=True)
class TextPage(Page):
    """One scrolling text."""

    def text(self, width: int) -> Text:
        """The whole page for a terminal of this width."""
        raise NotImplementedError


@dataclass(frozen=True)
class RowsShown:
    """A table: what stands above it, its headings and its rows; so many columns at the left stay where they are."""

    note: str
    headings: Sequence[str]
    rows: Sequence[Row]
    fixed: int = 1


@dataclass(frozen=True)
class TablePage(Page):
    """A table, and beside or beneath it what is said of the row under the cursor."""

    def listed(self, width: int, room: int) -> RowsShown:
        """The table for so many cells, and what stands above it for a terminal of this width."""
        raise NotImplementedError

    def told(self, key: Hashable, width: int) -> Text:
        """What is said of a row, for so many cells a line."""
        raise NotImplementedError


def lines_of(text: Text, lines: Iterable[str]) -> None:
    """Appends lines of which those that are not indented are headings."""
    for line in lines:
        text.append(f"{line}\n", style="" if line.startswith(" ") else "bold")


def filled(parts: Iterable[str], width: int, most: int | None = None) -> str:
    """Remarks on lines of this width, indented like the tables (which are never wrapped); what is longer than `most`
    lines ends in "…"."""
    told = "; ".join(filter(None, parts))
    return textwrap.fill(
        told,
        width,
        initial_indent="  ",
        subsequent_indent="  ",
        max_lines=most,
        placeholder=" …",
        break_on_hyphens=False,
    )
