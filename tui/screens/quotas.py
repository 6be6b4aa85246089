"""The tab of a lottery: its quotas, what it gives each category on average, and π of every rater."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Container

from storage.reader import Reader
from tui.screens.pane import Pane
from tui.visible import one_line
from tui.widgets.choice import Choice, turned
from tui.widgets.curves import Chart, CurvePlot, Series
from tui.widgets.figures import as_float, left, number, percent, right, whole
from tui.widgets.grid import Grid
from tui.widgets.status import status
from tui.widgets.words import Words

_SIZES = """SELECT payload->>'$.lottery' AS lottery, payload->>'$.size' AS size, payload->>'$.tolerance' AS tolerance
  FROM events WHERE kind = 'lottery.quotas' ORDER BY seq"""


@dataclass(frozen=True)
class LotteryFound:
    """One lottery of several. `expected[(attribute, category)]` is Σπ over the raters of the category."""

    names: tuple[str, ...]
    name: str | None
    size: int | None
    tolerance: str
    solved: dict[str, Any] | None
    quotas: list[dict[str, Any]]
    expected: dict[tuple[str, str], float]
    pi: tuple[float, ...]


class QuotasPane(Pane):
    """A table of quotas beside (or above) the sorted inclusion probabilities."""

    label = "Quotas"
    key = "quotas"
    turns = True

    def compose(self) -> ComposeResult:
        yield Choice(id="quotas-choice")
        yield Words(id="quotas-note")
        with Container(classes="split"):
            yield Grid(id="quotas-table", show_cursor=False)
            yield CurvePlot(id="pi-plot")

    @classmethod
    def read(cls, reader: Reader, request: Any) -> LotteryFound:
        sizes = {row["lottery"]: row for row in reader.query(_SIZES)}
        names = tuple(sizes)
        name = request if request in names else (names[0] if names else None)
        pi = reader.query(
            "SELECT i.pi AS pi, r.attributes AS attributes FROM inclusion_probabilities i "
            "LEFT JOIN raters r ON r.rater_id = i.rater_id WHERE i.lottery IS ?",
            [name],
        )
        solved = reader.query("SELECT * FROM lotteries WHERE lottery IS ?", [name])
        return LotteryFound(
            names=names,
            name=name,
            size=sizes[name]["size"] if name is not None else None,
            tolerance=str(sizes[name]["tolerance"]) if name is not None else "",
            solved=solved[0] if solved else None,
            quotas=reader.query("SELECT * FROM quotas WHERE lottery IS ?", [name]),
            expected=expected_numbers((row["attributes"], row["pi"]) for row in pi),
            pi=tuple(sorted(as_float(row["pi"]) or 0.0 for row in pi)),
        )

    def on_mount(self) -> None:
        self._found: LotteryFound | None = None

    def show(self, found: LotteryFound) -> None:
        self._found = found
        self.query_one("#quotas-choice", Choice).offer("lottery", found.names, found.name)
        self.query_one("#quotas-note", Words).say(_note(found))
        self.query_one("#quotas-table", Grid).fill(
            ["attribute", "category", ">target", ">quota", ">expected", "", ">pool"], quota_rows(found)
        )
        self.query_one(CurvePlot).draw(_chart(found))

    def turn(self, by: int) -> None:
        if self._found is not None:
            self.ask(turned(self._found.names, self._found.name, by))


def expected_numbers(rows: Iterable[tuple[str | None, Any]]) -> dict[tuple[str, str], float]:
    """Expected panel members per (attribute, category): Σ_i π_i over the raters in it."""
    expected: dict[tuple[str, str], float] = {}
    for attributes, pi in rows:
        for pair in json.loads(attributes or "{}").items():
            expected[pair] = expected.get(pair, 0.0) + (as_float(pi) or 0.0)
    return expected


def quota_rows(found: LotteryFound) -> list[tuple[tuple[str, str], list[Text]]]:
    """One row per quota, with whether the expected number lies inside it."""
    rows = []
    for quota in found.quotas:
        pair = (quota["attribute"], quota["category"])
        expected = found.expected.get(pair, 0.0 if found.pi else None)
        rows.append(
            (
                pair,
                [
                    left(one_line(str(pair[0]), 12)),
                    left(one_line(str(pair[1]), 28)),
                    right(percent(quota["target"])),
                    right(bounds(quota)),
                    right(number(expected, 2)),
                    verdict(quota, expected),
                    right(whole(quota["in_pool"])),
                ],
            )
        )
    return rows


def bounds(quota: dict[str, Any]) -> str:
    """The quota as a person writes it; slack categories have none that binds."""
    return "slack" if quota["slack"] else f"{whole(quota['lower'])}–{whole(quota['upper'])}"


def verdict(quota: dict[str, Any], members: float | None) -> Text:
    """✓ inside the quota; ✗ and the word where not. Sums of π are only as exact as floats."""
    if quota["slack"] or members is None:
        return Text("")
    inside = quota["lower"] - 1e-6 <= members <= quota["upper"] + 1e-6
    return Text("✓", style="green") if inside else status("outside")


def _note(found: LotteryFound) -> str:
    if found.name is None:
        return "no lottery is recorded yet"
    words = f"k = {whole(found.size)}, τ = {one_line(found.tolerance, 12)}"
    if found.solved is None:
        return f"{words}; not solved yet"
    solved = found.solved
    words += f", {one_line(str(solved['algorithm']), 20)}: {whole(solved['panels'])} panels"
    if found.pi:
        words += f", π from {number(found.pi[0], 4)} to {number(found.pi[-1], 4)}"
    return f"{words} ({'estimated, ' if solved['estimated'] else ''}{one_line(str(solved['method']), 160)})"


def _steps(pi: tuple[float, ...]) -> Series:
    """Every rater is as wide as one on the axis, so equal π are a level line."""
    edges = [(rank + side, value) for rank, value in enumerate(pi, start=1) for side in (-0.5, 0.5)]
    return Series("", tuple(x for x, _ in edges), tuple(y for _, y in edges))


def _chart(found: LotteryFound) -> Chart:
    level = ("k/n", found.size / len(found.pi)) if found.pi and found.size else None
    return Chart("π of every rater, sorted", "", (_steps(found.pi),), level)
