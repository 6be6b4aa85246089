"""The charts of training, and what a person chose to see of them: one of them, means of more steps, a part, one
condition."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len
from rich.text import Text

from core.visible import one_line
from storage.record.rows import HeldOutPoint, StepRow
from storage.summary.smoothing import means, neighbours
from tui.widgets.chart import Chart, Series
from tui.widgets.figures import as_float, whole
from tui.widgets.looks import Paint, marker

PLOTS = {"loss": "loss (nats)", "margin": "reward margin", "log_loss": "held-out log-loss (nats)"}
"""The field that each plot shows, and its title."""

PARTS = 4
"""A zoomed plot shows all steps, or one of so many parts."""

Points = dict[str, Sequence[StepRow] | Sequence[HeldOutPoint]]
"""Of each condition, in the order of the steps."""


@dataclass(frozen=True)
class View:
    """What was chosen. `zoomed` is a key of PLOTS, `size` of how many steps a point is the mean (None: as many as fit),
    `part` the part of the steps (0: all, PARTS: the newest)."""

    zoomed: str = ""
    size: int | None = None
    alone: str = ""
    part: int = 0

    def zoom(self, plots: Sequence[str]) -> View:
        """The next of these plots, and behind the last one all of them."""
        return replace(self, zoomed=_next(self.zoomed, plots), part=0)

    def one(self, names: Sequence[str]) -> View:
        """The next condition alone, and behind the last one all of them."""
        return replace(self, alone=_next(self.alone, names))

    def smooth(self, by: int, longest: int) -> View:
        """Means of more steps, or of fewer."""
        usual = neighbours([longest])
        sizes = sorted({size for size in (*_round_sizes(longest), usual) if size == 1 or size <= longest // 2})
        place = sizes.index(self.size) if self.size in sizes else sizes.index(usual) if usual in sizes else 0
        size = sizes[min(max(place + by, 0), len(sizes) - 1)]
        return replace(self, size=None if size == usual else size)

    def shift(self, by: int) -> View:
        """Earlier steps or later ones; before the newest part stand all of them."""
        order = [0, *range(PARTS, 0, -1)]
        return replace(self, part=order[min(max(order.index(self.part) - by, 0), PARTS)])

    def among(self, names: Sequence[str], plots: Sequence[str]) -> View:
        """Without what is not there, such as a condition that an earlier state does not know."""
        zoomed = self.zoomed if self.zoomed in plots else ""
        return View(zoomed, self.size, self.alone if self.alone in names else "", self.part if zoomed else 0)


def _next(one: str, of: Sequence[str]) -> str:
    order = ["", *of]
    return order[(order.index(one) + 1) % len(order)] if one in order else ""


def _round_sizes(longest: int) -> list[int]:
    sizes = [factor * 10**power for power in range(len(str(longest))) for factor in (1, 2, 5)]
    return [1, *(size for size in sizes if size <= longest // 2)]


def longest(steps: Points) -> int:
    """Steps of the condition that has the most."""
    return max(map(len, steps.values()), default=0)


def chart(field: str, points: Points, names: Sequence[str], view: View, last: float) -> Chart:
    """The plot of one field; each condition has the look of its place among the names."""
    shown = {name: rows for name, rows in points.items() if view.alone in ("", name)}
    between = part_of(view, last)
    size = size_of(points, view) if field != "log_loss" else 1
    series = tuple(curve(name, rows, field, names.index(name), size, between) for name, rows in shown.items())
    level = ("ln 2", math.log(2)) if field == "log_loss" else None
    return Chart(PLOTS[field], "step", series, level, size, span=between)


def part_of(view: View, last: float) -> tuple[float, float]:
    """The steps that a plot shows."""
    return (last * (view.part - 1) / PARTS, last * view.part / PARTS) if view.part else (0.0, last)


def size_of(steps: Points, view: View) -> int:
    """Of how many steps each point is the mean."""
    return view.size or neighbours([longest(steps)])


def curve(
    name: str,
    rows: Sequence[StepRow] | Sequence[HeldOutPoint],
    field: str,
    look: int,
    size: int,
    between: tuple[float, float],
) -> Series:
    """One field over the steps, in means of `size` steps; values that are no numbers are left out."""
    points = [(as_float(row.step), as_float(getattr(row, field))) for row in rows]
    known = [(x, y) for x, y in points if x is not None and y is not None and between[0] <= x <= between[1]]
    xs, ys = means([x for x, _ in known], [y for _, y in known], size)
    return Series(name, tuple(xs), tuple(ys), look)


def chosen(view: View, size: int, last: float) -> str:
    """What of the plots a person chose, and the keys that change it; "" where nothing was."""
    told = [] if view.size is None else [f"means of {size} steps (+ -)" if size > 1 else "every step (+ -)"]
    told += [f"only {one_line(view.alone, 20)} (a)"] if view.alone else []
    if view.part:
        told.append(f"steps {' to '.join(whole(round(end)) for end in part_of(view, last))} (← →)")
    elif view.zoomed:
        told.append("all steps (← →)")
    told += ["z goes on"] if view.zoomed else []
    return f"plots: {', '.join(told)}" if told else ""


def legend(names: Sequence[str], view: View, paint: Paint, width: int) -> Text:
    """The markers with their conditions, where the table gives way to a plot; no line is wider than this."""
    text, used = Text(), 0
    for place, name in enumerate(names):
        if view.alone not in ("", name):
            continue
        shown = f" {one_line(name, 20)}  "
        used += 1 + cell_len(shown)
        if used > width and text:
            text.append("\n")
            used = 1 + cell_len(shown)
        text.append(marker(place), paint.colour(place)).append(shown)
    return text
