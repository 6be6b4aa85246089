"""Which plots a record has: training curves, inclusion probabilities, quotas with what was drawn, leaderboards."""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storage.export.plots.line_plots import lines, multiples
from storage.export.plots.row_plots import Range, Whisker, ranges, whiskers
from storage.export.tables import rows_of
from storage.summary.labels import better, method_words
from storage.summary.smoothing import means, neighbours

_NOT_IN_NAMES = re.compile(r"[^a-z0-9_-]+")
_MOST_PLOTS = 40
"""Of one kind: somebody else's record may name as many lotteries or methods as it likes."""


@dataclass(frozen=True)
class Figure:
    """A plot: what kind it is, what it is of (a lottery, a method, a measure), its file's name and its SVG."""

    kind: str
    of: str
    name: str
    svg: str


def figures(db: sqlite3.Connection) -> list[Figure]:
    """Every plot; the names are made of letters, digits, `_` and `-`, and each is another one."""
    made: dict[str, Figure] = {}
    for kind, of, svg in [*_training(db), *_pi(db), *_quotas(db), *_leaderboards(db)]:
        name = _NOT_IN_NAMES.sub("-", f"{kind}-{of}".lower())[:60]
        name = name if name not in made else f"{name[:50]}-{len(made)}"
        made[name] = Figure(kind, of, name, svg)
    return list(made.values())


def number(value: Any) -> float:
    """A recorded number, "nan" and the infinities included; NaN for anything else."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _grouped(db: sqlite3.Connection, view: str, key: str) -> Mapping[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows_of(db, view, redacted=False):
        groups.setdefault(str(row[key]), []).append(row)
    return dict(list(groups.items())[:_MOST_PLOTS])


def _training(db: sqlite3.Connection) -> list[tuple[str, str, str]]:
    groups = _grouped(db, "train_steps", "condition")
    size = neighbours(len(rows) for rows in groups.values())
    told = f", means of {size} steps" if size > 1 else ""
    return [
        ("training", what, multiples(f"{title}{told}", "optimizer step", up, _curves(groups, what, size)))
        for what, title, up in (
            ("loss", "Loss of training", "nats"),
            ("margin", "Implicit reward margin", "margin"),
        )
        if groups
    ]


def _curves(groups: Mapping[str, list[dict[str, Any]]], what: str, size: int) -> dict[str, list[tuple[float, float]]]:
    """Each condition's values over its steps, in means of `size` steps; every one where some are not finite, which
    means would hide."""
    curves = {}
    for name, rows in groups.items():
        xs, ys = [number(row["step"]) for row in rows], [number(row[what]) for row in rows]
        points = means(xs, ys, size) if all(map(math.isfinite, ys)) else (xs, ys)
        curves[name] = list(zip(*points, strict=True))
    return curves


def _pi(db: sqlite3.Connection) -> list[tuple[str, str, str]]:
    groups = _grouped(db, "inclusion_probabilities", "lottery")
    if not groups:
        return []
    series = {name: list(enumerate(sorted(number(row["pi"]) for row in rows))) for name, rows in groups.items()}
    title = "Inclusion probability π of every rater, from the least to the most likely"
    return [("inclusion", "probabilities", lines(title, "raters, in order of π", "π", series, steps=True))]


def _quotas(db: sqlite3.Connection) -> list[tuple[str, str, str]]:
    sizes = {str(row["lottery"]): number(row["size"]) for row in rows_of(db, "lotteries", redacted=False)}
    drawn: dict[tuple[str, str, str], list[float]] = {}
    of_draw = {str(row["draw"]): str(row["lottery"]) for row in rows_of(db, "draws", redacted=False)}
    for row in rows_of(db, "panel_composition", redacted=False):
        key = (of_draw.get(str(row["draw"]), ""), str(row["attribute"]), str(row["category"]))
        drawn.setdefault(key, []).append(number(row["members"]))
    made = []
    for name, rows in _grouped(db, "quotas", "lottery").items():
        bars = [
            Range(
                f"{row['attribute']}: {row['category']}",
                number(row["lower"]),
                number(row["upper"]),
                number(row["target"]) * sizes.get(name, float("nan")),
                tuple(drawn.get((name, str(row["attribute"]), str(row["category"])), ())),
            )
            for row in rows[:60]
        ]
        made.append(("quotas", name, ranges(f"Quotas of {name}: {_signs(bars)}", bars)))
    return made


def _signs(bars: Sequence[Range]) -> str:
    """What is to be seen in a plot of quotas."""
    target = "target (tick)" if any(bar.target is not None and math.isfinite(bar.target) for bar in bars) else ""
    drawn = "drawn panels (dots)" if any(bar.values for bar in bars) else ""
    return ", ".join(filter(None, ["bounds (bars)", target, drawn]))


def _leaderboards(db: sqlite3.Connection) -> list[tuple[str, str, str]]:
    return [
        (
            "leaderboard",
            method,
            whiskers(
                f"{method_words(method)}: scores{_with_intervals(rows)}, {better(method)}",
                [
                    Whisker(str(r["condition"]), number(r["score"]), number(r["low"]), number(r["high"]))
                    for r in rows[:60]
                ],
            ),
        )
        for method, rows in _grouped(db, "leaderboards", "method").items()
    ]


def _with_intervals(rows: Sequence[Mapping[str, Any]]) -> str:
    confidence = number(rows[0]["confidence"])
    return f" with {100 * confidence:.4g} % intervals" if math.isfinite(confidence) else " with intervals"
