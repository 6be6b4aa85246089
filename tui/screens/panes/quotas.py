"""The tab of a lottery: its quotas, what it gives each category on average, π of every rater, and its levels."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rich.text import Text
from textual import on
from textual.containers import Container

from core.facts.words import in_words
from core.visible import one_line
from storage.record.glances import bound_of, lottery_sizes
from storage.record.reader import Reader
from storage.record.rows import CategoryRow, DiagnosticsRow, LevelRow, LotteryRow, view_rows
from storage.withheld import people_left_out, word_of
from tui.screens.panes.levels import HEADINGS, level_rows, proof_note
from tui.screens.panes.pane import Pane, skipped
from tui.widgets.chart import Chart, Series
from tui.widgets.choice import Choice
from tui.widgets.curves import CurvePlot, load
from tui.widgets.figures import as_float, left, number, percent, right, whole
from tui.widgets.lists.long_list import LongList
from tui.widgets.lists.whole_list import Row, WholeList
from tui.widgets.status import status
from tui.widgets.words import Words

_VALUES = 6
"""Values of π that are named where there is no room for a plot."""


@dataclass(frozen=True)
class LotteryFound:
    """One lottery of several. `expected[(attribute, category)]` is Σπ over the raters of the category.

    `at_most` are the sorted upper bounds of π that are known before the lottery is. `absent` says why what is listed
    by person or type is not here.
    """

    names: tuple[str, ...]
    name: str | None
    size: int | None
    tolerance: str
    solved: LotteryRow | None
    quotas: list[CategoryRow]
    expected: dict[tuple[str, str], float]
    pi: tuple[float, ...]
    at_most: tuple[float, ...]
    levels: list[LevelRow]
    sizes: dict[int, int]
    diagnostics: DiagnosticsRow | None
    skipped: str
    absent: str


class QuotasPane(Pane):
    """A table of quotas beside (or above) the sorted inclusion probabilities; or the levels in their place."""

    key = "quotas"
    turns = True
    flips = True
    plots = 1

    def __init__(self) -> None:
        super().__init__()
        self._choice, self._note = Choice(id="quotas-choice"), Words(id="quotas-note")
        self._quotas, self._plot = WholeList(id="quotas-table"), CurvePlot(id="pi-plot")
        self._levels = WholeList(id="levels-table")
        self._levels.display = self._zoomed = False
        self.listed = self._quotas
        self._found: LotteryFound | None = None
        split = Container(self._quotas, self._plot, self._levels, classes="split")
        self.parts = (self._choice, self._note, split)

    @classmethod
    def read(cls, reader: Reader, request: Any) -> LotteryFound:
        sizes = lottery_sizes(reader)
        names = tuple(sizes)
        name = request if request in names else (names[0] if names else None)
        pi = reader.query(
            "SELECT i.pi AS pi, r.attributes AS attributes FROM inclusion_probabilities i "
            "LEFT JOIN raters r ON r.rater_id = i.rater_id WHERE i.lottery IS ?",
            [name],
        )
        of_lottery = "WHERE lottery IS ?"
        solved = view_rows(reader, LotteryRow, of_lottery, [name])
        sizes_of_types = reader.query("SELECT type, size FROM types WHERE lottery IS ?", [name])
        sizes_by_type = {row["type"]: row["size"] for row in sizes_of_types}
        diagnostics = view_rows(reader, DiagnosticsRow, of_lottery, [name])
        if pi:
            load()
        return LotteryFound(
            names=names,
            name=name,
            size=sizes[name].size if name is not None else None,
            tolerance=str(sizes[name].tolerance) if name is not None else "",
            solved=solved[0] if solved else None,
            quotas=view_rows(reader, CategoryRow, of_lottery, [name]),
            expected=expected_numbers((row["attributes"], row["pi"]) for row in pi),
            pi=tuple(sorted(as_float(row["pi"]) or 0.0 for row in pi)),
            at_most=() if pi else _bound(reader, name, sizes_by_type),
            levels=view_rows(reader, LevelRow, "WHERE lottery IS ? ORDER BY level", [name]),
            skipped=skipped(reader, "lottery"),
            sizes=sizes_by_type,
            diagnostics=diagnostics[0] if diagnostics else None,
            absent=people_left_out(reader, "inclusion_probabilities") if solved else "",
        )

    def twin(self, run: str) -> tuple[str, ...]:
        return ("show", run, "--view", "levels" if self._levels.display else "lotteries")

    def show(self, found: LotteryFound) -> None:
        before, self._found = self._found, found
        if before is not None and before.name != found.name:
            self._quotas.reset()
            self._levels.reset()
        self._choice.offer("lottery", found.names, found.name)
        headings = ["attribute", "category", ">target", ">quota", ">expected", "", ">pool"]
        self._quotas.fill(headings, [_quota_row(quota, found, self.app.size.width) for quota in found.quotas])
        self._plot.draw(_chart(found))
        self._levels.fill(HEADINGS, level_rows(found.levels, found.sizes, found.absent))
        self.rearrange()

    @on(LongList.Rearranged)
    def rearrange(self) -> None:
        """Says what is listed, and whether that is all."""
        if self._found is not None and self.listed is not None:
            text = _note(self._found)
            self._note.say(text.append(f"\n{one_line(self.listed.said, 120)}") if self.listed.said else text)

    @property
    def zoomed(self) -> bool:
        return self._zoomed

    def flip(self) -> None:
        """Shows the levels in place of quotas and plot, and back."""
        self._arrange(levels=not self._levels.display, zoomed=False)

    def zoom(self) -> None:
        """Shows the plot in place of all else, and back."""
        self._arrange(levels=False, zoomed=not self._zoomed)

    def _arrange(self, levels: bool, zoomed: bool) -> None:
        self._zoomed = self._plot.can_focus = zoomed
        self._levels.display, self._plot.display = levels, not levels
        self._quotas.display = not levels and not zoomed
        self._note.display = not zoomed
        self.listed = self._levels if levels else None if zoomed else self._quotas
        (self._plot if self.listed is None else self.listed).focus()
        self.rearrange()

    @property
    def can_turn(self) -> bool:
        return self._choice.several

    def turn(self, by: int) -> None:
        self.ask(self._choice.turned(by))


def expected_numbers(rows: Iterable[tuple[str | None, Any]]) -> dict[tuple[str, str], float]:
    """Expected panel members per (attribute, category): Σ_i π_i over the raters in it."""
    expected: dict[tuple[str, str], float] = {}
    for attributes, pi in rows:
        for pair in json.loads(attributes or "{}").items():
            expected[pair] = expected.get(pair, 0.0) + (as_float(pi) or 0.0)
    return expected


def _quota_row(quota: CategoryRow, found: LotteryFound, width: int) -> Row:
    expected = found.expected.get((quota.attribute, quota.category), 0.0 if found.pi else None)
    return category_row(quota, expected, right(word_of(found.absent) or number(expected, 2)), width=width)


def category_row(quota: CategoryRow, members: float | None, *shown: Text, width: int) -> Row:
    """A category beside its quota: `shown` says how many `members` it has, and then whether the quota admits them.

    `width` is that of the terminal: in a narrow one a long name is cut, and no column falls off.
    """
    cells = [
        left(quota.attribute, 12),
        left(quota.category, 28 if width >= 100 else 16),
        right(percent(quota.target)),
        right(bounds(quota)),
        *shown,
        verdict(quota, members),
        right(whole(quota.in_pool)),
    ]
    return (quota.attribute, quota.category), cells


def bounds(quota: CategoryRow) -> str:
    """The quota as a person writes it; slack categories have none that binds."""
    return "slack" if quota.slack else f"{whole(quota.lower)}–{whole(quota.upper)}"


def verdict(quota: CategoryRow, members: float | None) -> Text:
    """✓ inside the quota; ✗ and the word where not. Sums of π are only as exact as floats."""
    if quota.slack or members is None:
        return Text("")
    inside = quota.lower - 1e-6 <= members <= quota.upper + 1e-6
    return Text("✓", style="good") if inside else status("outside")


def _bound(reader: Reader, name: str | None, sizes: dict[int, int]) -> tuple[float, ...]:
    """The upper bounds of π, one per rater, while the lottery is being made."""
    bounds = enumerate(bound_of(reader, name))
    return tuple(sorted(pi for t, pi in bounds for _ in range(sizes.get(t, 0))))


def _note(found: LotteryFound) -> Text:
    if found.name is None:
        return Text(found.skipped or "no lottery is recorded yet")
    text = Text(overflow="fold")
    words = f"k = {whole(found.size)}"
    if any(quota.target is not None for quota in found.quotas):
        words += f", τ = {one_line(found.tolerance, 12)}"
    if found.solved is None:
        known = "; π is at most what the plot shows" if found.at_most else ""
        return text.append(f"{words}; not solved yet{known}")
    solved, proved = found.solved, proof_note(found.levels)
    words += f", {one_line(str(solved.algorithm), 20)}: {whole(solved.panels)} panels"
    if solved.denominator == str(solved.panels):
        words += f" of equal chance, π within {number(solved.max_difference, 4)} of the optimum"
    if found.pi:
        words += f", π from {number(found.pi[0], 4)} to {number(found.pi[-1], 4)}"
    elif found.absent and found.diagnostics:
        words += f", π from {number(found.diagnostics.smallest, 4)} to {number(found.diagnostics.largest, 4)}"
    text.append(words)
    if not proved:
        text.append(f" ({'estimated, ' if solved.estimated else ''}{one_line(in_words(solved.method), 160)})")
    for line in (_inequality(found.diagnostics), proved, found.absent):
        if line:
            text.append(f"\n{line}")
    for line in warnings(found.diagnostics):
        text.append(f"\n! {line}", style="warning")
    return text


def _inequality(diagnostics: DiagnosticsRow | None) -> str:
    if diagnostics is None:
        return ""
    return (
        f"Gini {number(diagnostics.gini)}, max/min {number(diagnostics.max_min_ratio, 2)}, "
        f"coeff. of variation {number(diagnostics.coefficient_of_variation)}, "
        f"k/n {number(diagnostics.equal, 4)}, {whole(diagnostics.certain)} certain"
    )


def warnings(diagnostics: DiagnosticsRow | None) -> list[str]:
    """What an organiser should know before the draw: people without a chance, categories without people."""
    if diagnostics is None:
        return []
    found = []
    if diagnostics.without_chance:
        found.append(f"{whole(diagnostics.without_chance)} raters have no chance: π = 0 under these quotas")
    empty = json.loads(diagnostics.empty_categories or "[]")
    if empty:
        found.append(f"nobody in the pool has {', '.join(one_line(str(name), 40) for name in empty)}")
    return found


def _steps(pi: tuple[float, ...], look: int = 0) -> Series:
    """Every rater is as wide as one on the axis, so equal π are a level line."""
    edges = [(rank + side, value) for rank, value in enumerate(pi, start=1) for side in (-0.5, 0.5)]
    return Series("", tuple(x for x, _ in edges), tuple(y for _, y in edges), look, marked=False)


def _chart(found: LotteryFound) -> Chart:
    pi = found.pi or found.at_most
    level = ("k/n", found.size / len(pi)) if pi and found.size else None
    title = "π of every rater, sorted" if found.pi or not pi else "π is at most this, sorted (upper bound)"
    title = f"π of every rater: {word_of(found.absent)}" if found.absent else title
    return Chart(title, "", (_steps(pi, 0 if found.pi else 1),), level, told=in_figures(pi, bool(found.pi)))


def in_figures(pi: tuple[float, ...], known: bool = True) -> str:
    """How π are spread, and how many raters have which, the most frequent first: what a plot of them would show."""
    if not pi:
        return ""
    at = {share: number(pi[min(len(pi) * share // 100, len(pi) - 1)], 4) for share in (0, 25, 50, 75, 100)}
    often = Counter(number(value, 4) for value in pi).most_common()
    spread = f"{at[0]} to {at[100]}, quartiles {at[25]}, {at[50]}, {at[75]}"
    told = ", ".join(f"{value} × {whole(count)}" for value, count in often[:_VALUES])
    rest = sum(count for _, count in often[_VALUES:])
    told += f", others × {whole(rest)}" if rest else ""
    return f"π {'' if known else 'at most '}of {whole(len(pi))} raters: {told}\n{spread}"
