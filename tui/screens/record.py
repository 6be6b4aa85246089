"""The tab of the record itself: the chain's head, the events newest first, and one event in full."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Container, VerticalScroll
from textual.widgets import DataTable

from storage.reader import Reader
from tui.screens.pane import Pane
from tui.visible import LIMIT, clipped, one_line
from tui.widgets.figures import left, right, whole
from tui.widgets.grid import Grid
from tui.widgets.words import Words

PAGE = 100
_BRIEF = 120

_EVENTS = """SELECT seq, at, stage, kind, substr(payload, 1, ?) AS payload FROM events
  WHERE seq <= ? ORDER BY seq DESC LIMIT ?"""

_EVENT = """SELECT seq, at, stage, kind, substr(payload, 1, ?) AS payload, length(payload) AS length, prev, hash
  FROM events WHERE seq IS ?"""


@dataclass(frozen=True)
class RecordRequest:
    """Events up to number `last` (None: the newest, and stay with them), and the one shown in full."""

    last: int | None = None
    event: int | None = None


@dataclass(frozen=True)
class Events:
    """One page of events, newest first."""

    head: tuple[int, str]
    last: int | None
    events: list[dict[str, Any]]
    event: dict[str, Any] | None


class RecordPane(Pane):
    """Events as they were written; nothing here can change them."""

    label = "Record"
    key = "record"
    turns = True

    def compose(self) -> ComposeResult:
        yield Words(id="record-note")
        with Container(classes="split"):
            yield Grid(id="events")
            with VerticalScroll(id="event-scroll"):
                yield Words(id="event")

    @classmethod
    def read(cls, reader: Reader, request: Any) -> Events:
        wanted: RecordRequest = request or RecordRequest()
        head = reader.head()
        last = head[0] if wanted.last is None else wanted.last
        events = reader.query(_EVENTS, [_BRIEF, last, PAGE])
        chosen = wanted.event if wanted.event is not None else (events[0]["seq"] if events else None)
        event = reader.query(_EVENT, [LIMIT, chosen])
        return Events(head, wanted.last, events, event[0] if event else None)

    def on_mount(self) -> None:
        self._found: Events | None = None

    def show(self, found: Events) -> None:
        before, self._found = self._found, found
        self.query_one("#record-note", Words).say(_note(found))
        grid = self.query_one("#events", Grid)
        grid.fill([">event", "time", "stage", "kind", "payload"], _rows(found), follow=found.last is None)
        if before is not None and before.last != found.last:
            grid.move_cursor(row=0, animate=False)
        if before is None or before.event != found.event:
            self.query_one("#event-scroll").scroll_home(animate=False)
            self.query_one("#event", Words).say(event_text(found.event))

    @on(DataTable.RowHighlighted, "#events")
    def choose(self) -> None:
        """Reads the event under the cursor; on the newest one, stays with the newest."""
        grid = self.query_one("#events", Grid)
        chosen = grid.chosen
        if self._found is None or not isinstance(chosen, int):
            return
        follows = self._found.last is None and grid.cursor_row == 0
        self.ask(RecordRequest(self._found.last, None if follows else chosen))

    def turn(self, by: int) -> None:
        """[ goes to older events, ] to newer ones."""
        if self._found is None or not self._found.events:
            return
        newest = self._found.head[0]
        last = (newest if self._found.last is None else self._found.last) + by * PAGE
        if last >= newest:
            self.ask(RecordRequest())
        elif last >= 1:
            self.ask(RecordRequest(last))


def _note(found: Events) -> Text:
    text = Text(overflow="fold")
    text.append("head  ", style="bold")
    text.append(f"{whole(found.head[0])}  {one_line(found.head[1], 64)}")
    if found.events:
        text.append(f"\nevents {whole(found.events[-1]['seq'])}–{whole(found.events[0]['seq'])}, newest first")
        text.append("; [ older, ] newer" if found.head[0] > PAGE else "")
    else:
        text.append("\nnothing is recorded yet")
    return text


def _rows(found: Events) -> list[tuple[int, list[Text]]]:
    return [
        (
            event["seq"],
            [
                right(whole(event["seq"])),
                left(one_line(str(event["at"])[11:19], 8)),
                left(one_line(str(event["stage"]), 10)),
                left(one_line(str(event["kind"]), 20)),
                left(one_line(str(event["payload"]), _BRIEF)),
            ],
        )
        for event in found.events
    ]


def event_text(event: dict[str, Any] | None) -> Text:
    """One event: its envelope, its place in the chain and its payload, indented where all of it is shown."""
    text = Text(overflow="fold")
    if event is None:
        return text
    text.append(f"event {whole(event['seq'])}  {one_line(str(event['kind']), 40)}\n", style="bold")
    for name in ("at", "stage", "prev", "hash"):
        text.append(f"{name:<6}", style="dim")
        text.append(f"{one_line(str(event[name]), 80)}\n")
    payload = str(event["payload"])
    if event["length"] <= LIMIT:
        try:
            payload = json.dumps(json.loads(payload), indent=2, ensure_ascii=False)
        except ValueError:
            text.append("the payload is not JSON\n", style="red")
        text.append(f"\n{clipped(payload, limit=4 * LIMIT)}")
    else:
        text.append(f"\n{clipped(payload, event['length'])}")
    return text
