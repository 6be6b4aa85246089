"""The tab of a draw: where it came from, how the panel meets the quotas, and who is on it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical

from storage.reader import Reader
from tui.screens.pane import Pane
from tui.screens.quotas import bounds, verdict
from tui.visible import one_line
from tui.widgets.choice import Choice, turned
from tui.widgets.figures import left, number, right, whole
from tui.widgets.grid import Grid
from tui.widgets.status import status
from tui.widgets.words import Words

_MEMBERS = """SELECT m.rater_id AS rater_id, r.attributes AS attributes, r.pairs AS pairs, i.pi AS pi
  FROM panel_members m
  LEFT JOIN raters r ON r.rater_id = m.rater_id
  LEFT JOIN (SELECT * FROM inclusion_probabilities WHERE lottery IS ?) i ON i.rater_id = m.rater_id
  WHERE m.draw IS ?"""


@dataclass(frozen=True)
class DrawFound:
    """One draw of several, its quotas and its members."""

    names: tuple[str, ...]
    draw: dict[str, Any] | None
    probability: float | None
    quotas: list[dict[str, Any]]
    members: list[dict[str, Any]]


class DrawPane(Pane):
    """Facts of the draw, the panel by composition, and the members."""

    label = "Draw"
    key = "draw"
    turns = True

    def compose(self) -> ComposeResult:
        yield Choice(id="draw-choice")
        yield Words(id="draw-facts")
        with Vertical(classes="stack"):
            yield Grid(id="composition", show_cursor=False)
            yield Grid(id="members", show_cursor=False)

    @classmethod
    def read(cls, reader: Reader, request: Any) -> DrawFound:
        draws = {row["draw"]: row for row in reader.view("draws")}
        names = tuple(draws)
        name = request if request in draws else (names[0] if names else None)
        draw = draws[name] if name is not None else None
        lottery = draw["lottery"] if draw else None
        panel = draw["panel"] if draw else None
        chance = reader.query("SELECT probability FROM panels WHERE lottery IS ? AND panel IS ?", [lottery, panel])
        return DrawFound(
            names=names,
            draw=draw,
            probability=chance[0]["probability"] if chance else None,
            quotas=reader.query("SELECT * FROM quotas WHERE lottery IS ?", [lottery]),
            members=reader.query(_MEMBERS, [lottery, name]),
        )

    def on_mount(self) -> None:
        self._found: DrawFound | None = None

    def show(self, found: DrawFound) -> None:
        self._found = found
        name = found.draw["draw"] if found.draw else None
        self.query_one("#draw-choice", Choice).offer("draw", found.names, name)
        self.query_one("#draw-facts", Words).say(_facts(found))
        self.query_one("#composition", Grid).fill(
            ["attribute", "category", ">quota", ">panel", "", ">pool"], composition_rows(found)
        )
        self.query_one("#members", Grid).fill(["member", ">pairs", ">π", "attributes"], _member_rows(found))

    def turn(self, by: int) -> None:
        if self._found is not None:
            name = self._found.draw["draw"] if self._found.draw else None
            self.ask(turned(self._found.names, name, by))


def _facts(found: DrawFound) -> Text:
    draw = found.draw
    if draw is None:
        return Text("no draw is recorded yet")
    text = Text(overflow="fold")
    text.append(status(str(draw["outcome"])))
    reason = str(draw["reason"] or "")
    text.append(f"{': ' + one_line(reason, 200) if reason else ''}   ")
    text.append(f"panel {whole(draw['panel'])} of lottery {one_line(str(draw['lottery']), 40)}")
    if found.probability is not None:
        text.append(f" (probability {number(found.probability, 4)})")
    text.append(f", {len(found.members)} members\n")
    text.append("seed    ", style="bold")
    text.append(one_line(str(draw["seed"]), 72))
    text.append("\norigin  ", style="bold")
    text.append(one_line(str(draw["origin"]), 200))
    return text


def composition_rows(found: DrawFound) -> list[tuple[tuple[str, str], list[Text]]]:
    """How many members the panel has per category, beside the quota."""
    counts: Counter[tuple[str, str]] = Counter()
    for member in found.members:
        counts.update(json.loads(member["attributes"] or "{}").items())
    rows = []
    for quota in found.quotas:
        pair = (quota["attribute"], quota["category"])
        rows.append(
            (
                pair,
                [
                    left(one_line(str(pair[0]), 12)),
                    left(one_line(str(pair[1]), 28)),
                    right(bounds(quota)),
                    right(whole(counts[pair])),
                    verdict(quota, counts[pair]),
                    right(whole(quota["in_pool"])),
                ],
            )
        )
    return rows


def _member_rows(found: DrawFound) -> list[tuple[str, list[Text]]]:
    return [
        (
            member["rater_id"],
            [
                left(one_line(str(member["rater_id"]), 16)),
                right(whole(member["pairs"])),
                right(number(member["pi"], 4)),
                left(one_line(", ".join(str(v) for v in json.loads(member["attributes"] or "{}").values()), 80)),
            ],
        )
        for member in found.members
    ]
