"""The tab of the record itself: the chain's head, the events newest first, and one event in full."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from rich.text import Text
from textual import on
from textual.containers import Container, VerticalScroll
from textual.widgets import DataTable

from core.visible import LIMIT, one_line
from storage.record.event_pages import BRIEF, ListedEvent, WholeEntry, kinds_of, since, up_to, whole_entry
from storage.record.reader import Reader
from tui.commands.record.event_text import event_text
from tui.screens.copying import Copyable
from tui.screens.panes.pane import Pane
from tui.widgets.figures import left, right, whole
from tui.widgets.grid import Grid
from tui.widgets.words import Words

PAGE = 100

_KEYS = "g event by number  f filter  , . previous, next  t all tabs as of it"


@dataclass(frozen=True)
class RecordRequest:
    """Events up to number `last`, or from number `since` on (neither: the newest, and stay with them).

    `event` is the one shown in full (None: the newest of them), `only` the stage or kind that is looked at ("": all).
    """

    last: int | None = None
    since: int | None = None
    event: int | None = None
    only: str = ""


@dataclass(frozen=True)
class Events:
    """One page of events, newest first, and what was asked for (the newest, where a page would not be full)."""

    head: tuple[int, str]
    page: RecordRequest
    events: list[ListedEvent]
    event: WholeEntry | None
    kinds: tuple[str, ...]


class RecordPane(Pane):
    """Events as they were written; nothing here can change them."""

    key = "record"
    turns = True

    def __init__(self) -> None:
        super().__init__()
        self._found: Events | None = None
        self._goal: int | None = None
        self._note, self._events = Words(id="record-note"), Grid(id="events")
        self._event = Words(id="event")
        self._scroll = VerticalScroll(self._event, id="event-scroll")
        self.parts = (self._note, Container(self._events, self._scroll, classes="split"))

    @classmethod
    def read(cls, reader: Reader, request: Any) -> Events:
        wanted: RecordRequest = request or RecordRequest()
        head = reader.head()
        page, events = _page(reader, wanted, head[0])
        chosen = wanted.event if wanted.event is not None else (events[0].seq if events else None)
        return Events(head, page, events, whole_entry(reader, chosen, LIMIT), kinds_of(reader))

    # ------------------------------------------------------------ where one is

    @property
    def only(self) -> str:
        """The stage or kind that is looked at; "" for all."""
        return self._wanted.only

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of the events that are recorded."""
        return self._found.kinds if self._found else ()

    @property
    def here(self) -> int | None:
        """Number of the event under the cursor, or of the one that is about to be; None where there is none."""
        chosen = self._goal if self._goal is not None else self._events.chosen
        return chosen if isinstance(chosen, int) else None

    @property
    def _wanted(self) -> RecordRequest:
        return self.request if isinstance(self.request, RecordRequest) else RecordRequest()

    def go_to(self, event: int, only: str) -> None:
        """Puts the cursor on an event; on another page, with newer events above it."""
        listed = self._found is not None and only == self._found.page.only and self._goal is None
        if not (listed and self._events.point_at(event)):
            self._goal = event
            self.ask(RecordRequest(last=event + PAGE // 2, event=event, only=only))

    def follow(self) -> None:
        """Goes to the newest event and stays with it; what is shown may be of another time and is read anew."""
        self._found = self._goal = None
        self._events.move_cursor(row=0, animate=False)
        self.request = RecordRequest(only=self.only)

    def look_at(self, only: str) -> None:
        """Filters by a stage or kind."""
        self._goal = None
        self.ask(RecordRequest(only=only))

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
        self.request = replace(found.page, event=self._wanted.event)
        self._note.say(_note(found))
        headings = [">event", "time", "stage", "kind", "payload"]
        rows = [(event.seq, _cells(event)) for event in found.events]
        self._events.fill(headings, rows, follow=_follows(found.page))
        if before is not None and before.page != found.page:
            self._events.move_cursor(row=0, animate=False)
        if self._goal is not None:
            self._events.point_at(self._goal)  # other moves of the cursor belong to the person who reads
            self._goal = None
        if before is None or before.event != found.event:
            self._scroll.scroll_home(animate=False)
            self._event.say(event_text(found.event))

    @on(DataTable.RowHighlighted, "#events")
    def choose(self) -> None:
        """Reads the event under the cursor; on the newest one, stays with the newest."""
        chosen = self._events.chosen
        if self._found is None or self._goal is not None or not isinstance(chosen, int):
            return
        follows = _follows(self._found.page) and self._events.cursor_row == 0
        self.ask(replace(self._found.page, event=None if follows else chosen))

    def turn(self, by: int) -> None:
        """[ goes to older events, ] to newer ones."""
        if self._found is None or not self._found.events:
            return
        newest, oldest = self._found.events[0].seq, self._found.events[-1].seq
        if by < 0 and oldest > 1:
            self.ask(RecordRequest(last=oldest - 1, only=self.only))
        elif by > 0 and not _follows(self._found.page):
            self.ask(RecordRequest(since=newest + 1, only=self.only))


def _page(reader: Reader, wanted: RecordRequest, newest: int) -> tuple[RecordRequest, list[ListedEvent]]:
    """The page that was asked for; where it would not be full, or ends with the newest event, the newest page."""
    page = replace(wanted, event=None)
    if wanted.since is not None:
        events = since(reader, wanted.since, wanted.only, PAGE)
        if len(events) == PAGE and events[0].seq < newest:
            return page, events
    elif wanted.last is not None and wanted.last < newest:
        events = up_to(reader, wanted.last, wanted.only, PAGE)
        if events:
            return replace(page, last=events[0].seq), events
        oldest = since(reader, 1, wanted.only, PAGE)
        if len(oldest) == PAGE:
            return replace(page, last=oldest[0].seq), oldest
    return RecordRequest(only=wanted.only), up_to(reader, newest, wanted.only, PAGE)


def _follows(page: RecordRequest) -> bool:
    """Whether it is the newest page, which grows."""
    return page.last is None and page.since is None


def _note(found: Events) -> Text:
    text = Text(overflow="fold")
    text.append("head  ", style="bold")
    text.append(f"{whole(found.head[0])}  {one_line(found.head[1], 64)}\n")
    only = one_line(found.page.only, 60)
    if not found.head[0]:
        return text.append("nothing is recorded yet")
    if not found.events:
        text.append(f"no event is of a stage or kind {only!r}")
    else:
        text.append(f"events {whole(found.events[-1].seq)}–{whole(found.events[0].seq)}, newest first")
        text.append(f", only {only}" if only else "")
        text.append("; [ older, ] newer" if found.head[0] > PAGE else "")
    return text.append("\nkeys  ", "bold").append(_KEYS)


def _cells(event: ListedEvent) -> list[Text]:
    return [
        right(whole(event.seq)),
        left(str(event.at)[11:19], 8),
        left(event.stage, 10),
        left(event.kind, 20),
        left(event.payload, BRIEF),
    ]
