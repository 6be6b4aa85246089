"""The tab of training: loss and margin of every condition while they are recorded, and the last values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rich.text import Text
from textual.containers import Horizontal

from storage.record.reader import Reader
from storage.record.rows import ConditionRow, StepRow, UpdateOfLayer, steps_under_way, view_rows
from tui.screens.panes.pane import Pane, skipped
from tui.widgets.curves import Chart, CurvePlot, Series, means
from tui.widgets.figures import as_float, duration, left, number, right, whole
from tui.widgets.grid import Grid
from tui.widgets.words import Words

_POINTS = 40
"""Points of a curve: the loss of single steps of DPO is so noisy that the curves would hide one another."""

_SMOOTH = 0.1
"""Share of the steps over which the table's mean of the last losses is taken."""


@dataclass(frozen=True)
class Training:
    """Planned conditions, the steps recorded so far, by condition, in the order of the steps, and how far the model
    moved in those that are done, as a share of its norm."""

    conditions: list[ConditionRow]
    steps: dict[str, list[StepRow]]
    moved: dict[str, Any]
    skipped: str


class TrainingPane(Pane):
    """Two plots side by side and a table beneath."""

    label = "Training"
    key = "training"

    def __init__(self) -> None:
        super().__init__()
        self._loss, self._margin = CurvePlot(id="loss-plot"), CurvePlot(id="margin-plot")
        self._table, self._note = Grid(id="training-table", show_cursor=False), Words(id="training-note")
        self.parts = (Horizontal(self._loss, self._margin, id="curves"), self._table, self._note)

    @classmethod
    def read(cls, reader: Reader, request: Any) -> Training:
        steps: dict[str, list[StepRow]] = {}
        for row in steps_under_way(reader):
            steps.setdefault(str(row.condition), []).append(row)
        for rows in steps.values():
            rows.sort(key=lambda row: as_float(row.step) or 0)
        moved = {str(row.condition): row.relative for row in view_rows(reader, UpdateOfLayer, "WHERE layer IS 'all'")}
        return Training(view_rows(reader, ConditionRow), steps, moved, skipped(reader, "train"))

    def show(self, found: Training) -> None:
        names = list(dict.fromkeys([*(str(c.condition) for c in found.conditions), *found.steps, *found.moved]))
        colours = {name: i for i, name in enumerate(names)}
        size = max([1, *(-(-len(rows) // _POINTS) for rows in found.steps.values())])
        for field, title, plot in (
            ("loss", "loss (nats)", self._loss),
            ("margin", "reward margin", self._margin),
        ):
            series = tuple(curve(name, rows, field, colours[name], size) for name, rows in found.steps.items())
            plot.draw(Chart(title, "step", series))
        self._table.fill(
            ["condition", ">step", ">of", ">loss", ">mean", ">margin", ">lr", ">s/step", ">time", ">moved"],
            [(name, _row(name, found)) for name in names],
        )
        note = "loss and margin: last step; mean: loss over the last tenth of the steps; moved: ‖Δθ‖/‖θ‖"
        if size > 1:
            note += f"; plots: means of {size} steps"
        if not found.steps:
            note = found.skipped or "no optimizer step is recorded yet"
        self._note.say(note)


def curve(name: str, rows: list[StepRow], field: str, colour: int, size: int) -> Series:
    """One field over the steps, in means of `size` steps; values that are no numbers are left out."""
    points = [(as_float(row.step), as_float(getattr(row, field))) for row in rows]
    known = [(x, y) for x, y in points if x is not None and y is not None]
    xs, ys = means([x for x, _ in known], [y for _, y in known], size)
    return Series(name, tuple(xs), tuple(ys), colour)


def _row(name: str, found: Training) -> list[Text]:
    rows = found.steps.get(name, [])
    planned = next((c.steps for c in found.conditions if c.condition == name), None)
    moved = as_float(found.moved.get(name))
    last_cell = right("" if moved is None else f"{moved:.1e}")
    if not rows:
        return [left(name, 20), right("0"), right(whole(planned)), *(right("") for _ in range(6)), last_cell]
    last = rows[-1]
    tail = [as_float(row.loss) for row in rows[-max(1, round(len(rows) * _SMOOTH)) :]]
    known = [value for value in tail if value is not None]
    seconds = [as_float(row.seconds) or 0.0 for row in rows]
    return [
        left(name, 20),
        right(whole(last.step)),
        right(whole(planned)),
        right(number(last.loss, 4)),
        right(number(sum(known) / len(known) if known else None, 4)),
        right(number(last.margin, 3)),
        right(f"{as_float(last.learning_rate) or 0:.1e}"),
        right(number(sum(seconds) / len(seconds), 2)),
        right(duration(sum(seconds))),
        last_cell,
    ]
