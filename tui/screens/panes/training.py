"""The tab of training: loss and margin of every condition while they are recorded, on held-out pairs too where there
are some, and the last values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from rich.text import Text
from textual.containers import Horizontal

from core.visible import one_line
from storage.record.reader import Reader
from storage.record.rows import (
    ConditionRow,
    HeldOutPoint,
    ShareRow,
    StepRow,
    UpdateOfLayer,
    held_out_so_far,
    steps_under_way,
    view_rows,
)
from storage.weight_shares import not_recommended, top_sentences
from tui.screens.panes.pane import Pane, skipped
from tui.screens.panes.training_curves import PLOTS, Points, View, chart, chosen, legend, longest, size_of
from tui.widgets.curves import CurvePlot, load, paint_of
from tui.widgets.figures import as_float, duration, left, number, right, whole
from tui.widgets.lists.whole_list import WholeList
from tui.widgets.looks import Paint, marker
from tui.widgets.words import Words

_RECENT = 50
"""Steps whose mean says how long the others of a condition take."""

_SMOOTH = 0.1
"""Share of the steps over which the table's mean of the last losses is taken."""

_SPARED = (">s/step", ">lr", ">mean", ">margin")
"""Columns that a terminal does without, in this order, where it is too narrow for all of them."""

_BESIDE, _SCROLLBAR, _HEADINGS = 2, 1, 1
"""Blanks beside a cell, the column that a table's scrollbar takes, and the row of its headings."""

Point = TypeVar("Point", StepRow, HeldOutPoint)


@dataclass(frozen=True)
class Training:
    """Planned conditions, the steps and measurements recorded so far, by condition, in the order of the steps, and how
    far the model moved in those that are done, as a share of its norm."""

    conditions: list[ConditionRow]
    steps: dict[str, list[StepRow]]
    held_out: dict[str, list[HeldOutPoint]]
    moved: dict[str, Any]
    skipped: str
    weights: list[str] = field(default_factory=list)


class TrainingPane(Pane):
    """Two plots side by side, a third one where pairs are held out, and a table beneath."""

    key = "training"
    plots = len(PLOTS)

    def __init__(self) -> None:
        super().__init__()
        self._plots = {field: CurvePlot(id=f"{field.replace('_', '-')}-plot") for field in PLOTS}
        self._table, self._note = WholeList(id="training-table", show_cursor=False), Words(id="training-note")
        self._found: Training | None = None
        self._chosen = View()
        self.parts = (Horizontal(*self._plots.values(), id="curves"), self._table, self._note)

    @classmethod
    def read(cls, reader: Reader, request: Any) -> Training:
        steps, held_out = _by_condition(steps_under_way(reader)), _by_condition(held_out_so_far(reader))
        moved = {str(row.condition): row.relative for row in view_rows(reader, UpdateOfLayer, "WHERE layer IS 'all'")}
        conditions = view_rows(reader, ConditionRow)
        if steps:
            load()
        weights = [*top_sentences(view_rows(reader, ShareRow)), *not_recommended(conditions)]
        return Training(conditions, steps, held_out, moved, skipped(reader, "train"), weights)

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda _: self.fit())

    def fit(self) -> None:
        if self._found is not None:
            self._fill(self._found)

    def show(self, found: Training) -> None:
        self._found = found
        view, names, last = self._view, _names(found), _last_step(found)
        for what, plot in self._plots.items():
            plot.display = view.zoomed == what if view.zoomed else what in _plots(found)
            plot.draw(chart(what, _points(found, what), names, view, last))
        self._table.display = not view.zoomed
        self._fill(found)

    # ------------------------------------------------------------ what a person chooses to see

    @property
    def _view(self) -> View:
        """What was chosen, as far as it is there now."""
        found = self._found
        return self._chosen if found is None else self._chosen.among(_names(found), _plots(found))

    def _choose(self, view: View) -> None:
        self._chosen = view
        if self._found is not None:
            self.show(self._found)

    @property
    def zoomed(self) -> bool:
        return bool(self._view.zoomed)

    def zoom(self) -> None:
        """Shows one plot in place of all, by turns; it takes the keys, since the table is hidden."""
        if self._found is None:
            return
        view = self._view.zoom(_plots(self._found))
        for what, plot in self._plots.items():
            plot.can_focus = what == view.zoomed
        self._choose(view)
        if self.front is not None:
            self.front.focus()

    def smooth(self, by: int) -> None:
        if self._found is not None:
            self._choose(self._view.smooth(by, longest(_points(self._found, "loss"))))

    def alone(self) -> None:
        if self._found is not None:
            self._choose(self._view.one(list(_points(self._found, "loss"))))

    def shift(self, by: int) -> None:
        self._choose(self._view.shift(by))

    # ------------------------------------------------------------ words

    def _fill(self, found: Training) -> None:
        names, paint = _names(found), paint_of(self.app)
        rows = [
            (name, _row(name, found, Text().append(f"{marker(i)} ", paint.colour(i)))) for i, name in enumerate(names)
        ]
        shown = fitting([_row("", found, Text("  ")), *(cells for _, cells in rows)], self.app.size.width - _SCROLLBAR)
        self._table.fill(shown, [(name, [cells[heading] for heading in shown]) for name, cells in rows])
        self._table.styles.height = _HEADINGS + len(rows)  # not auto: Textual may keep the height of an empty table
        self._note.say(self._told(found, names, paint))

    def _told(self, found: Training, names: Sequence[str], paint: Paint) -> Text:
        view = self._view
        choice = chosen(view, size_of(_points(found, "loss"), view), _last_step(found))
        if view.zoomed:
            return legend(names, view, paint, self.app.size.width - _BESIDE).append(f"\n{choice}")
        note = "loss and margin: last step; mean: loss over the last tenth; moved: ‖Δθ‖/‖θ‖"
        note += "; held out: accuracy, ╌ ln 2" if found.held_out else ""
        if not found.steps:
            note = found.skipped or "no optimizer step is recorded yet"
        return Text("\n".join(filter(None, [speed(found), note, choice, *found.weights])))


def _points(found: Training, field: str) -> Points:
    return {**found.held_out} if field == "log_loss" else {**found.steps}


def _plots(found: Training) -> list[str]:
    """The plots that there are."""
    return [field for field in PLOTS if field != "log_loss" or found.held_out]


def _last_step(found: Training) -> float:
    ends = [rows[-1].step for points in (found.steps, found.held_out) for rows in points.values() if rows]
    return max((as_float(step) or 0.0 for step in ends), default=0.0)


def _names(found: Training) -> list[str]:
    """Of the conditions, in the order of the table."""
    planned = (str(c.condition) for c in found.conditions)
    return list(dict.fromkeys([*planned, *found.steps, *found.held_out, *found.moved]))


def fitting(rows: Sequence[dict[str, Text]], width: int) -> list[str]:
    """The headings of rows, without the first of `_SPARED` where all columns together are wider than this."""
    needed = {
        heading: _BESIDE + max(len(heading.removeprefix(">")), *(cells[heading].cell_len for cells in rows))
        for heading in rows[0]
    }
    for spared in _SPARED:
        if sum(needed.values()) > width:
            del needed[spared]
    return list(needed)


def speed(found: Training) -> str:
    """How fast the condition is that was worked on last, by its last step, in a sentence; "" where no step says it."""
    if not found.steps:
        return ""
    name, rows = list(found.steps.items())[-1]
    last, planned = rows[-1], next((c for c in found.conditions if c.condition == name), None)
    seconds, tokens, memory = map(as_float, (last.seconds, last.tokens, last.memory))
    pairs, steps = (as_float(planned.batch), as_float(planned.steps)) if planned else (None, None)
    told = []
    left = (steps or 0.0) - (as_float(last.step) or 0.0)
    if left > 0:
        recent = [as_float(row.seconds) or 0.0 for row in rows[-_RECENT:]]
        told.append(f"{duration(left * sum(recent) / len(recent))} left")
    if pairs is not None and seconds:
        told.append(f"{number(pairs / seconds, 1)} pairs/s")
    if tokens is not None and seconds:
        told.append(f"{number(tokens / seconds, 0)} tokens/s")
    if memory is not None:
        told.append(f"{number(memory / 1000**3, 1)} GB at most")
    if planned is not None and last.effective_pairs is not None:
        told.append(f"{number(last.effective_pairs, 1)} of {whole(planned.batch)} pairs effective")
    return f"{one_line(str(name), 20)}: {', '.join(told)}" if told else ""


def _by_condition(rows: list[Point]) -> dict[str, list[Point]]:
    found: dict[str, list[Point]] = {}
    for row in rows:
        found.setdefault(str(row.condition), []).append(row)
    for own in found.values():
        own.sort(key=lambda row: as_float(row.step) or 0)
    return found


def _row(name: str, found: Training, sign: Text) -> dict[str, Text]:
    """The cells of a condition by the headings of their columns; the sign is the one that its curves have."""
    rows = found.steps.get(name, [])
    planned = next((c.steps for c in found.conditions if c.condition == name), None)
    moved = as_float(found.moved.get(name))
    cells = {"condition": sign + left(name, 20), ">step": right("0"), ">of": right(whole(planned))}
    cells |= {heading: right("") for heading in (">loss", ">mean", ">margin", ">lr", ">s/step")}
    cells |= {">held out": right(_held_out_of(name, found))} if found.held_out else {}
    cells |= {">time": right(""), ">moved": right("" if moved is None else f"{moved:.1e}")}
    if not rows:
        return cells
    last = rows[-1]
    tail = [as_float(row.loss) for row in rows[-max(1, round(len(rows) * _SMOOTH)) :]]
    known = [value for value in tail if value is not None]
    seconds = [as_float(row.seconds) or 0.0 for row in rows]
    return cells | {
        ">step": right(whole(last.step)),
        ">loss": right(number(last.loss, 4)),
        ">mean": right(number(sum(known) / len(known) if known else None, 4)),
        ">margin": right(number(last.margin, 3)),
        ">lr": right(f"{as_float(last.learning_rate) or 0:.1e}"),
        ">s/step": right(number(sum(seconds) / len(seconds), 2)),
        ">time": right(duration(sum(seconds))),
    }


def _held_out_of(name: str, found: Training) -> str:
    """The accuracy when a condition was last measured."""
    measured = found.held_out.get(name, [])
    return number(measured[-1].accuracy, 3) if measured else ""
