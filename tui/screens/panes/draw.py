"""The tab of a draw: where it came from, how the panel meets the quotas, and who is on it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from rich.text import Text
from textual import on
from textual.containers import Vertical, VerticalScroll
from textual.widget import Widget

from core.facts.plural import number_of
from core.facts.words import in_words
from core.visible import one_line
from storage.record.reader import Reader
from storage.record.rows import CommitmentRow, CompositionRow, DrawRow, LocaleRow, typed_rows, view_rows
from storage.withheld import people_left_out, word_of
from tui.screens.panes.pane import Pane, skipped
from tui.screens.panes.quotas import category_row
from tui.widgets.choice import Choice
from tui.widgets.figures import left, number, right, whole
from tui.widgets.lists.long_list import LongList
from tui.widgets.lists.whole_list import Row, WholeList
from tui.widgets.status import status
from tui.widgets.words import Words

_MEMBERS = """SELECT m.rater_id AS rater_id, r.attributes AS attributes, r.pairs AS pairs, i.pi AS pi
  FROM panel_members m
  LEFT JOIN raters r ON r.rater_id = m.rater_id
  LEFT JOIN (SELECT * FROM inclusion_probabilities WHERE lottery IS ?) i ON i.rater_id = m.rater_id
  WHERE m.draw IS ?"""


@dataclass(frozen=True)
class MemberRow:
    """A member of a panel; attributes are JSON."""

    rater_id: Any
    attributes: Any
    pairs: Any
    pi: Any


@dataclass(frozen=True)
class DrawFound:
    """One draw of several: its last round, the rounds before it, the public source of each, its panel and members.

    `absent` says why members and alternates are not here.
    """

    names: tuple[str, ...]
    draw: DrawRow | None
    earlier: list[DrawRow]
    sources: dict[Any, str]
    probability: float | None
    composition: list[CompositionRow]
    locales: list[LocaleRow]
    members: list[MemberRow]
    alternates: int
    skipped: str
    absent: str


class FactsScroll(VerticalScroll):
    """Takes the focus only where a part of it is out of sight: a draw may have had many rounds."""

    def allow_focus(self) -> bool:
        return self.max_scroll_y > 0


class DrawPane(Pane):
    """Facts of the draw, the panel by composition, and the members."""

    key = "draw"
    turns = True

    def __init__(self) -> None:
        super().__init__()
        self._found: DrawFound | None = None
        self._choice, self._facts = Choice(id="draw-choice"), Words(id="draw-facts")
        self._composition = WholeList(id="composition", show_cursor=False)
        self._members = WholeList(id="members", fixed=1)
        self.listed = self._members
        facts = FactsScroll(self._facts, id="draw-facts-scroll")
        self.parts = (self._choice, facts, Vertical(self._composition, self._members, classes="stack"))

    @property
    def front(self) -> Widget:
        """The members, whatever of the parts above them scrolls."""
        return self._members

    @classmethod
    def read(cls, reader: Reader, request: Any) -> DrawFound:
        rounds = view_rows(reader, DrawRow)
        draws = {row.draw: row for row in rounds}
        names = tuple(draws)
        name = request if request in draws else (names[0] if names else None)
        draw = draws[name] if name is not None else None
        lottery = draw.lottery if draw else None
        panel = draw.panel if draw else None
        of_draw = "WHERE draw IS ?"
        chance = reader.query("SELECT probability FROM panels WHERE lottery IS ? AND panel IS ?", [lottery, panel])
        return DrawFound(
            names=names,
            draw=draw,
            earlier=[row for row in rounds if row.draw == name and row is not draw],
            sources={row.round: str(row.source) for row in view_rows(reader, CommitmentRow, of_draw, [name])},
            probability=chance[0]["probability"] if chance else None,
            composition=view_rows(reader, CompositionRow, of_draw, [name]),
            locales=view_rows(reader, LocaleRow, f"{of_draw} AND locale <> ''", [name]),
            members=typed_rows(reader, MemberRow, _MEMBERS, [lottery, name]),
            alternates=reader.query("SELECT count(*) AS n FROM alternates WHERE draw IS ?", [name])[0]["n"],
            skipped=skipped(reader, "draw"),
            absent=people_left_out(reader, "panel_members"),
        )

    def twin(self, run: str) -> tuple[str, ...]:
        return ("show", run, "--view", "draws")

    def show(self, found: DrawFound) -> None:
        if self._found is not None and self._found.draw != found.draw:
            self._members.reset()
        self._found = found
        self._choice.offer("draw", found.names, found.draw.draw if found.draw else None)
        self._say_facts(found)
        headings = ["attribute", "category", ">target", ">quota", ">panel", ">off by", "", ">pool"]
        self._composition.fill(headings, [_composition_row(row, self.app.size.width) for row in found.composition])
        members = list(map(_member_row, found.members))
        absent = [_absent_row(found.absent)] if found.absent and found.composition else []
        self._members.fill(["member", ">pairs", ">π", "attributes"], absent or members)

    @on(LongList.Rearranged)
    def rearrange(self) -> None:
        """Says which members are listed now."""
        if self._found is not None:
            self._say_facts(self._found)

    def _say_facts(self, found: DrawFound) -> None:
        text, said = _facts(found), self._members.said
        if said:
            text.append(f"\nlisted    {len(self._members.keys)} of {len(found.members)} members, {one_line(said, 120)}")
        self._facts.say(text)

    @property
    def can_turn(self) -> bool:
        return self._choice.several

    def turn(self, by: int) -> None:
        self.ask(self._choice.turned(by))


def _facts(found: DrawFound) -> Text:
    draw = found.draw
    if draw is None:
        return Text(found.skipped or "no draw is recorded yet")
    text = Text(overflow="fold")
    for row in found.earlier:
        text.append(_round(row)).append(_outcome(row)).append("\n")
        if row.round in found.sources:
            text.append(f"  {_read_out(row, found.sources[row.round])}\n")
    text.append(_round(draw) if found.earlier else "").append(_outcome(draw))
    if draw.panel is None:
        text.append(f"   lottery {one_line(str(draw.lottery), 40)}; the panel is not drawn yet")
    else:
        text.append(f"   panel {whole(draw.panel)} of lottery {one_line(str(draw.lottery), 40)}")
        chance = "" if found.probability is None else f" (probability {number(found.probability, 4)})"
        people = f"{number_of(len(found.members), 'member')}, {number_of(found.alternates, 'alternate')}"
        text.append(f"{chance}, {f'members and alternates {word_of(found.absent)}' if found.absent else people}")
    for word, value, width in (
        ("source", found.sources.get(draw.round), 200),
        ("value", draw.value, 72),
        ("seed", draw.seed, 72),
        ("origin", in_words(draw.origin) if draw.seed else None, 200),
        ("committed", draw.commitment, 72),
    ):
        if value:
            text.append(f"\n{word:<10}", style="bold")
            text.append(one_line(str(value), width))
    return text.append(_deviations(found))


def _round(row: DrawRow) -> Text:
    return Text(f"round {whole(row.round)} ", style="muted")


def _read_out(row: DrawRow, source: str) -> str:
    """The value of an earlier round and the public source that it came from."""
    named = one_line(source, 200)
    return f"no value was read from {named}" if row.value is None else f"{one_line(str(row.value), 72)} from {named}"


def _outcome(row: DrawRow) -> Text:
    text = Text()
    text.append(status(str(row.outcome)))
    reason = one_line(str(row.reason or ""), 200)
    return text.append(f": {reason}" if reason else "")


def _deviations(found: DrawFound) -> str:
    """The largest deviation from a target, and where the members come from."""
    text = ""
    measured = [row for row in found.composition if row.deviation is not None and not row.slack]
    if measured:
        worst = max(measured, key=lambda row: abs(row.deviation))
        name = f"{one_line(str(worst.attribute), 20)} {one_line(str(worst.category), 30)}"
        text += f"\nlargest deviation {points(worst.deviation)} ({name})"
    if len(found.locales) > 1:
        ordered = sorted(found.locales, key=lambda row: (-row.members, row.locale))
        shown = ", ".join(f"{one_line(str(row.locale), 16)} {whole(row.members)}" for row in ordered[:8])
        text += f"\nlocales   {shown}{' …' if len(ordered) > 8 else ''}"
    return text


def points(deviation: Any) -> str:
    """A difference of shares in percentage points, with its sign."""
    return "–" if deviation is None else f"{100 * deviation:+.1f} pp"


def _composition_row(row: CompositionRow, width: int) -> Row:
    return category_row(row, row.members, right(whole(row.members)), right(points(row.deviation)), width=width)


def _absent_row(told: str) -> Row:
    """What stands in place of the members that are not here."""
    word, _, why = told.partition(": ")
    return told, [left(word, 16), right(""), right(""), left(why, 80)]


def _member_row(member: MemberRow) -> Row:
    cells = [
        left(member.rater_id, 16),
        right(whole(member.pairs)),
        right(number(member.pi, 4)),
        left(", ".join(map(str, json.loads(member.attributes or "{}").values())), 80),
    ]
    return member.rater_id, cells
