"""The tab of the record itself: the chain's head, the events newest first, and one of them in full."""

from __future__ import annotations

from collections.abc import Container, Hashable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from rich.text import Text
from textual import on
from textual.containers import Container as Box
from textual.containers import VerticalScroll

from core.facts.plural import number_of
from core.facts.stages import STAGE_NAMES
from core.visible import LIMIT, one_line
from storage.record.event_pages import (
    BRIEF,
    EventIndex,
    EventOrder,
    ListedEvent,
    WholeEntry,
    event_index,
    events_at,
    kinds_of,
    whole_entry,
)
from storage.record.lists.searches import events_holding
from storage.record.reader import Reader
from tui.actions.table import hint
from tui.commands.record.event_text import event_text
from tui.screens.copying import Copyable
from tui.screens.panes.list_pane import ListPane
from tui.screens.panes.pane import UNSHOWABLE
from tui.widgets.figures import left, right, whole
from tui.widgets.lists.columns import Cells
from tui.widgets.lists.long_list import PAGE, LongList
from tui.widgets.words import Words

_KEYS = hint("run.go", "list.search", "list.filter", "list.sort", "run.earlier", "run.later", "run.travel")

_HEADINGS = [">event", "time", "stage", "kind", "payload"]


@dataclass(frozen=True)
class RecordRequest:
    """`event` is the one shown in full (None: the first of the list, and stay with it), `only` the stage or kind that
    is looked at ("": all). `held` is the list shown before, of which nothing is read again."""

    event: int | None = None
    only: str = ""
    order: EventOrder | None = None
    held: EventIndex | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Events:
    """Which events are listed, and one of them in full."""

    head: tuple[int, str]
    index: EventIndex
    event: WholeEntry | None
    kinds: tuple[str, ...]
    newest: Sequence[ListedEvent] = ()
    """Those that came since the reading before, where a person stays with the newest."""


class RecordPane(ListPane):
    """Events as they were written; nothing here can change them."""

    key = "record"

    def __init__(self) -> None:
        self._events = LongList(id="events", unread=lambda key: [right(whole(key)), Text("…")])
        super().__init__(self._events)
        self._events.filter_heading = "Only events of this stage or kind"
        self._events.filter_hint = "as judge, draw.made or lottery (→ takes the suggestion); "
        self._found: Events | None = None
        self._goal: int | None = None
        self._note, self._event = Words(id="record-note"), Words(id="event")
        self._scroll = VerticalScroll(self._event, id="event-scroll")
        self.parts = (self._note, Box(self._events, self._scroll, classes="split"))

    @classmethod
    def read(cls, reader: Reader, request: Any) -> Events:
        wanted: RecordRequest = request or RecordRequest()
        head = reader.head()
        index = event_index(reader, head[0], wanted.only, wanted.order, wanted.held)
        chosen = wanted.event if wanted.event is not None or not index.numbers else index.numbers[0]
        return Events(head, index, whole_entry(reader, chosen, LIMIT), kinds_of(reader), _newest(reader, wanted, index))

    @classmethod
    def read_rows(cls, reader: Reader, keys: Sequence[Any]) -> Mapping[Hashable, ListedEvent]:
        return {event.seq: event for event in events_at(reader, keys)}

    @classmethod
    def holding(cls, reader: Reader, found: Any, text: str) -> Container[Hashable]:
        return events_holding(reader, text)

    # ------------------------------------------------------------ where one is

    @property
    def found(self) -> Events | None:
        return self._found

    @property
    def only(self) -> str:
        """The stage or kind that is looked at; "" for all."""
        return self._events.only

    @property
    def here(self) -> int | None:
        """Number of the event under the cursor, or of the one that is about to be; None where there is none."""
        chosen = self._goal if self._goal is not None else self._events.chosen
        return chosen if isinstance(chosen, int) else None

    def _wanted(self, event: int | None) -> RecordRequest:
        order, held = self._events.order, self._found.index if self._found else None
        return RecordRequest(event, self.only, (order.column, order.descending) if order else None, held)

    def go_to(self, event: int, only: str) -> None:
        """Puts the cursor on an event, which may not be in the list yet."""
        listed = self._found is not None and only == self._found.index.only and self._goal is None
        self._events.only = only
        if not (listed and self._events.point_at(event)):
            self._goal = event
            self.ask(self._wanted(event))

    def follow(self) -> None:
        """Goes to the newest event and stays with it; what is shown may be of another time and is read anew."""
        self._found = self._goal = None
        self._events.go_to(0)
        self.request = self._wanted(None)

    @on(LongList.Rearranged)
    def rearrange(self) -> None:
        """Reads which events are listed now: with another filter from the first on, in another order about the same."""
        self._goal = None
        before = self._found.index.only if self._found else ""
        self.ask(self._wanted(self.here if before == self.only else None))

    # ------------------------------------------------------------ showing

    def twin(self, run: str) -> tuple[str, ...]:
        here = self.here
        return ("show", run) if here is None else ("show", run, "--event", str(here))

    def copyable(self) -> tuple[Copyable, ...]:
        """The event that is shown in full; its hash is the record's head where it is the newest."""
        event = self._found.event if self._found else None
        if event is None:
            return ()
        return Copyable("value", str(event.payload)), Copyable("hash", str(event.hash))

    def show(self, found: Events) -> None:
        before, self._found = self._found, found
        if isinstance(self.request, RecordRequest):
            self.request = replace(self.request, held=found.index)
        self._events.suggestions = (*STAGE_NAMES, *found.kinds)
        self._note.say(_note(found, self._events.said))
        known: dict[Hashable, Cells] = {event.seq: self.cells(event) for event in found.newest}
        self._events.index(_HEADINGS, found.index.numbers, follow=found.index.order is None, known=known)
        if before is not None and before.index.only != found.index.only:
            self._events.go_to(0)
        if self._goal is not None:
            self._events.point_at(self._goal)  # other moves of the cursor belong to the person who reads
            self._goal = None
        if before is None or before.event != found.event:
            self._scroll.scroll_home(animate=False)
            self._event.say(event_text(found.event))

    def cells(self, row: ListedEvent) -> Cells:
        return [
            right(whole(row.seq)),
            left(str(row.at)[11:19], 8),
            left(row.stage, 10),
            left(row.kind, 20),
            left(row.payload, BRIEF),
        ]

    @on(LongList.Moved)
    def choose(self) -> None:
        """Reads the event under the cursor; on the newest one, stays with the newest."""
        chosen = self._events.chosen
        if self._found is None or self._goal is not None or not isinstance(chosen, int):
            return
        follows = self._found.index.order is None and self._events.cursor_row == 0
        self.ask(self._wanted(None if follows else chosen))


def _newest(reader: Reader, wanted: RecordRequest, index: EventIndex) -> Sequence[ListedEvent]:
    held = wanted.held
    if wanted.event is not None or held is None or (held.only, held.order) != (wanted.only, None):
        return ()
    with suppress(*UNSHOWABLE):  # the list asks for what it misses, and then it is told why
        return events_at(reader, [number for number in index.numbers[:PAGE] if number > held.newest])
    return ()


def _note(found: Events, said: str) -> Text:
    text = Text(overflow="fold")
    text.append("head  ", style="bold")
    text.append(f"{whole(found.head[0])}  {one_line(found.head[1], 64)}\n")
    if not found.head[0]:
        return text.append("nothing is recorded yet")
    if not found.index.numbers:
        text.append(f"no event is of a stage or kind {one_line(found.index.only, 60)!r}; f and an empty line: all")
    else:
        count = len(found.index.numbers)
        listed = f"events 1–{whole(count)}" if not found.index.only else number_of(count, "event")
        text.append(f"{listed}{'' if found.index.order else ', newest first'}")
        text.append(f", {one_line(said, 120)}" if said else "")
    return text.append("\nkeys  ", "bold").append(_KEYS)
