"""Plain-text tables for standard output: what `show`, `list`, `rank` and `demo` print."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from rich.cells import cell_len

from core.visible import one_line, visible
from tui.terminal.wrapping import fitted, wrapped

Row = Mapping[str, Any]

_ALWAYS_FLOATS = frozenset(
    {"score", "low", "high", "leads", "population_log_loss", "margin_agreement", "pi", "loss", "log_loss", "accuracy"}
)
"""Canonical JSON writes 2.0 as 2; these columns show decimals all the same."""


_MOST = 200
"""Characters of a cell, so that one long text does not make all rows as wide."""

_MOST_WRAPPED = 2_000
"""Characters of the last cell of a row on a terminal; a file or a pipe gets all of them."""

_WHOLE = sys.maxsize - 1


def table(
    rows: Sequence[Row], columns: Mapping[str, str] | None = None, digits: int = 3, room: int | None = None
) -> str:
    """Aligned columns with a heading; numbers to the right, floats with `digits` decimals.

    Cells are cut to `_MOST` characters. Only the last column is not: it is printed whole into a file or a pipe, and
    on a terminal text is wrapped under its own heading, so that rows fit.

    Args:
        columns: key of each column and its heading; without it, the keys of the first row.
        room: cells that a row may take; without it, those of the terminal, where standard output is one.
    """
    if not rows:
        return "(none)"
    columns = columns or {key: key for key in rows[0]}
    room = terminal() if room is None else room
    last = list(columns)[-1]
    floats = {key for key in columns if any(isinstance(row.get(key), float) for row in rows)} | _ALWAYS_FLOATS
    most = dict.fromkeys(columns, _MOST) | {last: _WHOLE if room is None else _MOST_WRAPPED}
    cells = [[_cell(row.get(key), digits, key in floats, most[key]) for key in columns] for row in rows]
    numeric = [all(isinstance(row.get(key), (int, float)) or row.get(key) is None for row in rows) for key in columns]
    lines = [list(columns.values()), *cells]
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    if room is not None:
        widths = fitted(widths, [not right for right in numeric], room)
    return "\n".join(printed for line in lines for printed in _row(line, widths, numeric, room is not None))


def terminal() -> int | None:
    """Cells of a line where standard output is a terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _row(line: Sequence[str], widths: Sequence[int], numeric: Sequence[bool], wrap: bool) -> Iterator[str]:
    """One row, as the lines that its highest cell takes."""
    columns = [wrapped(cell, width) if wrap else [cell] for cell, width in zip(line, widths, strict=True)]
    for parts in zip_longest(*columns, fillvalue=""):
        yield "  ".join(map(_padded, parts, widths, numeric)).rstrip()


def _padded(cell: str, width: int, right: bool) -> str:
    space = " " * (width - cell_len(cell))
    return space + cell if right else cell + space


def _cell(value: Any, digits: int, as_float: bool, most: int) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) or (as_float and isinstance(value, int)):
        return f"{value:z.{digits}f}"
    return one_line(str(value), most)


def leaderboards(
    rows: Sequence[Row], first: Sequence[str] = (), leads: Mapping[tuple[Any, Any], Any] | None = None
) -> str:
    """One table per method, best first, with its interval and a precision of its own.

    What all methods say is said once above them, after `first`, which has to be said before all else.

    Args:
        leads: by method and condition, the share of the resamples in which it is first; empty where that is not known.
    """
    from storage.summary.shared_notes import shared

    if leads:
        rows = [{**row, "leads": leads.get((row["method"], row["condition"]))} for row in rows]
    boards = {method: [row for row in rows if row["method"] == method] for method in [row["method"] for row in rows]}
    notes = {method: str(board[0].get("note") or "").split("; ") for method, board in boards.items()}
    common, own = shared(notes)
    above = [*first, *filter(None, ["; ".join(common)])]
    parts = ["\n".join(map(remark, above))] if above else []
    parts += [_board(str(method), board, "; ".join(own[method])) for method, board in boards.items()]
    made = rows[0].get("draws") if rows else None
    return "\n\n".join([*parts, *([remark(f"draws made: {made}").lstrip()] if made else [])])


def _board(method: str, rows: Sequence[Row], note: str) -> str:
    from storage.summary.decimals import SCIENTIFIC, decimals_of
    from storage.summary.labels import better

    columns = {"position": "#", "condition": "condition", "score": "score", "low": "low", "high": "high"}
    if any(row.get("leads") is not None for row in rows):
        columns["leads"] = "P(1st)"
        rows = [{**row, "leads": _share(row.get("leads"))} for row in rows]
    digits = decimals_of(row.get(key) for row in rows for key in ("score", "low", "high"))
    shown = table(rows, columns, digits=digits if digits != SCIENTIFIC else 3)
    return "\n".join([f"{one_line(method)}  ({better(method)})", shown, *([remark(note)] if note else [])])


def _share(value: Any) -> str:
    """A share to three decimals, whatever the precision of the scores beside it."""
    return f"{value:.3f}" if isinstance(value, (int, float)) else ""


def remark(note: str) -> str:
    """A sentence on indented lines; options that it names are not broken at their hyphens."""
    words = visible(note)
    return textwrap.fill(words, width=100, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)


def updates(rows: Sequence[Row]) -> str:
    """How far each condition moved from the base model as a whole: rows of the view `updates`."""
    columns = {
        "condition": "condition",
        "l2": "‖Δθ‖",
        "rms": "rms ×1e-5",
        "mean_abs": "mean |Δθ| ×1e-6",
        "relative": "‖Δθ‖/‖θ‖ ×1e-3",
        "changed": "changed %",
        "changed_bf16": "in bf16 %",
    }
    scale = {"rms": 1e5, "mean_abs": 1e6, "relative": 1e3, "changed": 100, "changed_bf16": 100}
    whole = [row for row in rows if row["layer"] == "all"]
    scaled = [dict(row) | {name: float(row[name]) * by for name, by in scale.items()} for row in whole]
    return table(scaled, columns, digits=3)


def recovery(rows: Sequence[Row]) -> str:
    """The recovery table of a planted world, best condition first, and the best that any model could reach."""
    columns = {
        "condition": "condition",
        "population_log_loss": "population log-loss",
        "margin_agreement": "margin agreement",
        "pairs": "pairs",
    }
    ordered: list[Row] = sorted(rows, key=lambda row: float(row["population_log_loss"]))
    best = rows[0]
    if best.get("floor") is not None:
        limit = {"condition": "(best possible)", "population_log_loss": best["floor"]}
        ordered.append(limit | {"margin_agreement": best["agreement_ceiling"], "pairs": best["pairs"]})
    return table(ordered, columns, digits=4)


def held_out(rows: Sequence[Row]) -> str:
    """What was last measured of each condition on held-out pairs: over pairs, over raters, and of the worst group."""
    last = {row["condition"]: row["step"] for row in rows}
    shown = [
        _held_out_row(name, [row for row in rows if (row["condition"], row["step"]) == (name, step)])
        for name, step in last.items()
    ]
    columns = {
        "condition": "condition",
        "step": "step",
        "log_loss": "log-loss",
        "accuracy": "accuracy",
        "macro": "macro",
        "interval": "95 %",
        "minimum": "min",
        "of": "of",
    }
    return table(shown, columns)


def _held_out_row(name: str, rows: Sequence[Row]) -> Row:
    found = {(row["scope"], row["metric"]): row for row in rows}
    micro, macro = found.get(("micro", "accuracy"), {}), found.get(("macro", "accuracy"), {})
    lowest, ends = found.get(("minimum", "accuracy"), {}), [macro.get("low"), macro.get("high")]
    return {
        "condition": name,
        "step": rows[0]["step"],
        "log_loss": found.get(("micro", "log_loss"), {}).get("value"),
        "accuracy": micro.get("value"),
        "macro": macro.get("value"),
        "interval": " to ".join(f"{end:.3f}" for end in ends if isinstance(end, (int, float))),
        "minimum": lowest.get("value"),
        "of": f"{lowest['attribute']}: {lowest['category']}" if lowest else "",
    }
