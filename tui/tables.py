"""Plain-text tables for standard output: what `show`, `list`, `rank` and `demo` print."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from tui.visible import one_line, visible

Row = Mapping[str, Any]

_ALWAYS_FLOATS = frozenset({"score", "low", "high", "population_log_loss", "margin_agreement", "pi", "loss"})
"""Canonical JSON writes 2.0 as 2; these columns show decimals all the same."""


def table(rows: Sequence[Row], columns: Mapping[str, str] | None = None, digits: int = 3) -> str:
    """Aligned columns with a heading; numbers to the right, floats with `digits` decimals.

    Args:
        columns: key of each column and its heading; without it, the keys of the first row.
    """
    if not rows:
        return "(none)"
    columns = columns or {key: key for key in rows[0]}
    floats = {key for key in columns if any(isinstance(row.get(key), float) for row in rows)} | _ALWAYS_FLOATS
    cells = [[_cell(row.get(key), digits, key in floats) for key in columns] for row in rows]
    numeric = [all(isinstance(row.get(key), (int, float)) or row.get(key) is None for row in rows) for key in columns]
    headings = list(columns.values())
    widths = [max(len(line[i]) for line in [headings, *cells]) for i in range(len(headings))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        for line in [headings, *cells]
    )


def _cell(value: Any, digits: int, as_float: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) or (as_float and isinstance(value, int)):
        return f"{value:.{digits}f}"
    return one_line(str(value))


def leaderboards(rows: Sequence[Row]) -> str:
    """One table per method, best first, with its interval."""
    methods = list(dict.fromkeys(row["method"] for row in rows))
    columns = {"position": "#", "condition": "condition", "score": "score", "low": "low", "high": "high"}
    parts = []
    for method in methods:
        of_method = [row for row in rows if row["method"] == method]
        note = str(of_method[0].get("note") or "")
        parts.append(f"{one_line(str(method))}\n{table(of_method, columns)}" + ("\n" + _wrapped(note) if note else ""))
    made = rows[0].get("draws") if rows else None
    if made:
        parts.append(_wrapped(f"draws made: {made}").lstrip())
    return "\n\n".join(parts)


def _wrapped(note: str) -> str:
    return textwrap.fill(visible(note), width=100, initial_indent="  ", subsequent_indent="  ")


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
