"""A field of the form as cells of a row, and what is said of it beneath the list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from core.visible import one_line, visible
from tui.commands.starting.source import RunSource

if TYPE_CHECKING:
    from tui.screens.start.field_rows import FieldRow

_ORIGINS = {"set": "changed here", "demo": "the demo"}


def column_widths(room: int) -> tuple[int, int, int]:
    """Cells of key, value and origin in a list of so many cells; each column has a cell on both sides."""
    origin = 12 if room < 100 else 24
    key = max(16, min(52, (room - origin - 8) * 5 // 9))
    return key, max(8, room - origin - key - 8), origin


def cells_of(row: FieldRow, source: RunSource | None, widths: tuple[int, int, int]) -> list[Text]:
    """Key, value and origin; what is wrong has a cross, what is changed a star, so that neither rests on a colour."""
    key, value, origin = widths
    if row.kind == "section":
        mark, style = ("✗ ", "bold bad") if row.wrong else ("", "bold")
        shown = [Text(_tail(f"{mark}{row.key}", key), style=style), Text(_head(row.written, value), style="muted")]
        return [*shown, Text("")]
    mark = "✗ " if row.wrong else "* " if row.origin == "set" else "  "
    style = "bad" if row.wrong else "bold accent" if mark == "* " else "muted" if row.origin == "default" else ""
    return [
        Text(mark + _tail(row.key, key - 2), style=style),
        Text(_head(row.written or "–", value), style=style),
        Text(_head(_origin(row, source), origin), style="muted"),
    ]


def _origin(row: FieldRow, source: RunSource | None) -> str:
    if row.origin == "clone" and source is not None:
        return f"run {source.name}"
    return _ORIGINS.get(row.origin, row.origin)


def told_of_field(row: FieldRow | None, wrong: str, only: str) -> Text:
    """What a field means and can be, or why it is wrong; of an empty list why it is empty."""
    text = Text(overflow="fold")
    if row is None:
        sentence = wrong or (f"no key holds {only!r}; Esc shows all" if only else "")
        return text.append(visible(sentence), style="bad" if wrong else "")
    text.append(one_line(row.key, 300), style="bold")
    if row.wrong:
        return text.append(f"  ✗ {visible(row.wrong)}", style="bad")
    if row.options:
        text.append(f"  one of {', '.join(row.options)}")
    if row.told:
        text.append(f"  {row.told}", style="muted")
    if row.kind == "section" and row.inside:
        text.append("  (absent; Enter gives a key of it a value)", style="muted")
    return text


def _head(text: str, width: int) -> str:
    """The beginning of a text that is too long; one longer than a screen is never looked at as a whole."""
    shown = one_line(text, 300)
    return shown if cell_len(shown) <= width else set_cell_size(shown, width - 1) + "…"


def _tail(key: str, width: int) -> str:
    """The end of a key that is too long: what tells it from its neighbours."""
    shown = one_line(key, 300)
    while cell_len(shown) > width - 1:
        shown = shown[1:]
    return shown if len(shown) == len(one_line(key, 300)) else f"…{shown}"
