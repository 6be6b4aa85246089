"""Columns of a list: how wide they are, and one line of cells painted into them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.strip import Strip

Cells = Sequence[Text]
"""One text per column; its `justify` says to which side it is aligned, and it must have been made visible."""

_GAP = 1
"""Blank cells at either side of a column."""


class Columns:
    """Headings and widths. Widths only grow, so that columns don't jump while one reads."""

    def __init__(self) -> None:
        self.headings: tuple[str, ...] = ()
        """A heading that begins with ">" is aligned to the right."""
        self._widths: list[int] = []

    def head(self, headings: Sequence[str]) -> bool:
        """Takes other headings, and then begins anew; says whether they are others."""
        if tuple(headings) == self.headings:
            return False
        self.headings = tuple(headings)
        self._widths = [cell.cell_len for cell in self.titles()]
        return True

    def titles(self) -> Cells:
        """The headings as cells."""
        return [
            Text(heading.removeprefix(">"), justify="right" if heading.startswith(">") else "left")
            for heading in self.headings
        ]

    def widen(self, rows: Iterable[Cells]) -> bool:
        """Makes room for these rows; says whether a column became wider."""
        before = list(self._widths)
        for cells in rows:
            for column, cell in enumerate(cells[: len(before)]):
                self._widths[column] = max(self._widths[column], cell.cell_len)
        return self._widths != before

    def width(self, columns: int | None = None) -> int:
        """Cells that the first so many columns take, or all."""
        return sum(self._widths[:columns]) + 2 * _GAP * len(self._widths[:columns])

    def line(self, cells: Cells, style: Style, console: Console, over: bool = False) -> Strip:
        """A whole row. `style` lies beneath the cells' own; with `over`, its colour of letters before theirs."""
        gap, segments = Segment(" " * _GAP, style), list[Segment]()
        for column, width in enumerate(self._widths):
            cell = cells[column] if column < len(cells) else Text()
            segments += [gap, *_padded(cell, width, style, console, over), gap]
        return Strip(segments, self.width())


def _padded(cell: Text, width: int, style: Style, console: Console, over: bool) -> Sequence[Segment]:
    own, above = console.get_style(cell.style, default=Style.null()), Style(color=style.color) if over else Style()
    painted = [
        Segment(segment.text.replace("\n", "␊"), style + own + (segment.style or Style()) + above)
        for segment in cell.render(console)
        if segment.text
    ]
    blank = width - sum(segment.cell_length for segment in painted)
    if blank < 0:
        return Segment.adjust_line_length(painted, width, style)
    padding = Segment(" " * blank, style)
    return [padding, *painted] if cell.justify == "right" else [*painted, padding]
