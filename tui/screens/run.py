"""A run: tabs that are read in a thread while they are looked at."""

from __future__ import annotations

import os
import time
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import DescendantFocus
from textual.widgets import TabbedContent, TabPane

from core.visible import one_line, visible
from storage.errors import StorageError, sentences
from storage.record.damage import damage_in, told_of
from storage.record.event_pages import neighbour
from storage.record.foreign import arrival
from storage.record.glances import last_event
from storage.record.reader import Reader
from tui.actions.bindings import bindings_of
from tui.actions.engines import resume_refused, stop_refused
from tui.actions.table import key_of, labelled
from tui.messages import Asked, LookedThrough, Pulse, RunRead, Stepped
from tui.screens.ask import AskScreen
from tui.screens.copying import Copyable
from tui.screens.panes.draw import DrawPane
from tui.screens.panes.leaderboards import LeaderboardsPane
from tui.screens.panes.overview import OverviewPane
from tui.screens.panes.pane import UNSHOWABLE, Pane
from tui.screens.panes.quotas import QuotasPane
from tui.screens.panes.rankings import RankingsPane
from tui.screens.panes.record import RecordPane
from tui.screens.panes.training import TrainingPane
from tui.screens.seeking import SeekingScreen
from tui.terminal.command_line import command_line
from tui.widgets.figures import moment, whole
from tui.widgets.keys_line import KeysLine
from tui.widgets.lists.long_list import LongList
from tui.widgets.status import STAMP, STAMPS, status
from tui.widgets.titlebar import TitleBar
from tui.widgets.words import Words

PANES: tuple[type[Pane], ...] = (
    OverviewPane,
    QuotasPane,
    DrawPane,
    TrainingPane,
    RankingsPane,
    LeaderboardsPane,
    RecordPane,
)

_NOW, _STEPS = f"{key_of('run.travel')} now", f"{key_of('run.earlier')} {key_of('run.later')}"

_REST = 4
"""A reading is followed by a pause of so many times its own length, so that a large run cannot eat a core."""


def read_run(root: Path, pane: type[Pane], request: Hashable, known: int | None, until: int | None = None) -> RunRead:
    """Reads a run for one tab, as it is now or as of an event.

    Where the last event is still number `known`, only the pulse is read.
    """
    try:
        with sentences(root):
            reader = Reader(root, until)
            with reader.at_once():
                pulse = read_pulse(reader)
                found = None if pulse.seq == known else pane.read(reader, request)
    except StorageError as error:
        return RunRead(pane.key, request, until, None, None, str(error))
    except UNSHOWABLE as error:
        return RunRead(pane.key, request, until, None, None, _unshowable(error))
    return RunRead(pane.key, request, until, pulse, found, "")


def _unshowable(error: Exception) -> str:
    told = f"this tab cannot show the record: something in it is not as this version writes it ({error!r})"
    return one_line(told, 400)


def read_pulse(reader: Reader) -> Pulse:
    """State, engine and last event of a run; of an earlier state no engine is known."""
    last = last_event(reader)
    simulated = reader.query("SELECT simulated FROM run")
    state, now = reader.status(), reader.until is None
    stopping = now and state == "running" and os.path.exists(reader.folder.stop_request)
    return Pulse(
        status="stopping" if stopping else state,
        pid=reader.engine_pid() if now else None,
        progress=reader.progress() if now else None,
        simulated=bool(simulated and simulated[0]["simulated"]),
        seq=last.seq,
        at=str(last.at),
        kind=str(last.kind),
        hash=str(last.hash),
        newest=reader.newest(),
        past=not now,
        origin=arrival(reader.folder.root),
    )


class _Tab(TabPane):
    """Keys open a tab, and not what has the focus: that would say so a moment later, when another key may have opened
    the next tab."""

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        event.prevent_default()


class RunScreen(SeekingScreen):
    """The run in `root`: one tab is read at a time, the one that is looked at."""

    place = "run"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(place)

    def __init__(self, root: Path) -> None:
        super().__init__()
        self._last_line = KeysLine()
        self.root = root
        self._busy = False
        self._again = False
        self._damage = self._wrong = self._hash = ""
        self._looked_at: int | None = None
        self._rest_until = 0.0
        self._known: dict[str, tuple[int, Hashable]] = {}
        self._status = ""
        self._origin = ""
        self._until: int | None = None
        self._newest = 0
        self._looking = False
        self._steps_left = 0
        self._bars: dict[str, Text] = {}
        self._said_of_it: tuple[Text, ...] = ()
        self._titlebar, self._as_of, self._problem = TitleBar(), Words(id="as-of"), Words(id="problem")
        self._as_of.display = self._problem.display = False
        self._record = RecordPane()
        self._panes: dict[str, Pane] = {kind.key: self._record if kind is RecordPane else kind() for kind in PANES}
        for pane in self._panes.values():
            pane.root = root
        self._tabs = TabbedContent(initial=f"tab-{PANES[0].key}")

    def compose(self) -> ComposeResult:
        yield self._titlebar
        yield self._as_of
        yield self._problem
        with self._tabs:
            for pane in self._panes.values():
                action = labelled(f"tab.{pane.key}")
                with _Tab(f"{action.key} {action.label}", id=action.id.replace(".", "-")):
                    yield pane
        yield self._last_line

    @property
    def pane(self) -> Pane:
        """The tab that is looked at."""
        return self._panes[self._tabs.active.removeprefix("tab-") or PANES[0].key]

    def on_mount(self) -> None:
        self._name_it()
        self._focus_pane()

    # ------------------------------------------------------------ reading

    def tick(self) -> None:
        if time.monotonic() >= self._rest_until:
            self.read_soon()

    def read_soon(self) -> None:
        if self._busy:
            self._again = True
            return
        self._busy = True
        pane = self.pane
        seq, request = self._known.get(pane.key, (None, None))
        self._read(type(pane), pane.request, seq if request == pane.request else None, self._until)

    @work(thread=True, group="read", description="a tab")  # else Textual writes out the request, which may be long
    def _read(self, pane: type[Pane], request: Hashable, known: int | None, until: int | None) -> None:
        begun = time.monotonic()
        message = read_run(self.root, pane, request, known, until)
        self._rest_until = time.monotonic() + _REST * (time.monotonic() - begun)
        self.post_message(message)

    def on_run_read(self, message: RunRead) -> None:
        """Shows what the thread read, unless a person has moved on."""
        self._busy = False
        if message.until == self._until and self.is_active:
            self._show(message)
        if self._again:
            self._again = False
            self.read_soon()

    def _show(self, message: RunRead) -> None:
        self._complain(message.error)
        self._wrong = message.error
        if message.error or message.pulse is None:
            self._status = "unreadable"
            self._name_it(status("unreadable"))
            return
        pulse = message.pulse
        self._newest, self._hash = pulse.newest, pulse.hash
        if (pulse.status, pulse.origin) != (self._status, self._origin):
            self._status, self._origin = pulse.status, pulse.origin
            self.refresh_bindings()
        stamps = [STAMPS[pulse.origin]] if pulse.origin else []
        stamps += [STAMP] if pulse.simulated else []
        self._name_it(status("damaged" if self._damage else pulse.status), *stamps)
        self._look_once(pulse)
        pane = self._panes[message.pane]
        try:
            if message.found is not None and message.request == pane.request:
                pane.show(message.found)
                self._known[pane.key] = (pulse.seq, message.request)
            pane.pulse(pulse)
            self._bars[pane.key] = self._bar(pulse)
            self._show_bar()
        except UNSHOWABLE as error:
            self._complain(_unshowable(error))

    def _name_it(self, *parts: Text) -> None:
        """The run, the tab that is looked at, and what is said of the run."""
        self._said_of_it = parts
        self._titlebar.name_run(self.root.name, labelled(f"tab.{self.pane.key}").label, *parts)

    def _complain(self, sentence: str) -> None:
        """Says what is wrong above the tabs; that the record is damaged stays there whatever a tab shows."""
        told = "\n".join(part for part in (self._damage, sentence) if part)
        self._problem.display = bool(told)
        self._problem.say(visible(told))

    def _look_once(self, pulse: Pulse) -> None:
        """Has the file looked through when the run is opened, and again when an engine has ended."""
        if not pulse.past and pulse.status not in ("running", "stopping") and self._looked_at != pulse.newest:
            self._looked_at = pulse.newest
            self._look_through()

    @work(thread=True, group="damage")
    def _look_through(self) -> None:
        self.post_message(LookedThrough(damage_in(self.root)))

    def on_looked_through(self, message: LookedThrough) -> None:
        """What the tabs show of a damaged record may be wrong or missing, which none of them can know."""
        told = told_of(message.damage, self.root)
        if told != self._damage:
            self._damage = told
            self._known.clear()
            self.read_soon()

    def _bar(self, pulse: Pulse) -> Text:
        """The line about an earlier state; empty about the present."""
        if not pulse.past:
            return Text()
        text = Text(no_wrap=True, overflow="ellipsis")
        text.append(f"AS OF EVENT {whole(pulse.seq)} of {whole(pulse.newest)}", style="bold")
        text.append(f"  {moment(pulse.at)} UTC  {_NOW}  {_STEPS} {one_line(self._record.only, 60) or 'step'}")
        return text.append(f"  {one_line(pulse.kind, 30)}" if pulse.kind != self._record.only else "")

    def _show_bar(self) -> None:
        """The line belongs to what the tab shows, which may be read in a moment."""
        shown = self._bars.get(self.pane.key, Text())
        self._as_of.display = bool(shown)
        self._as_of.say(shown)

    def on_asked(self, message: Asked) -> None:
        """A tab wants something else."""
        self.read_soon()

    # ------------------------------------------------------------ keys

    @on(TabbedContent.TabActivated)
    def tab_opened(self) -> None:
        self._name_it(*self._said_of_it)
        self.refresh_bindings()
        self._show_bar()
        self.read_soon()

    @property
    def tab(self) -> str:
        return self.pane.key

    def offered(self, action: str, parameters: tuple[object, ...]) -> bool:
        """[ and ] are offered only where they turn something, and so on; nothing works on somebody else's run."""
        if action in ("stop", "resume"):
            return self._until is None and not self._origin and not self._refused(action)
        if action == "turn":
            return self.pane.can_turn
        if action == "flip":
            return self.pane.flips
        if action in ("search", "filter", "sort"):
            return self.listed is not None
        if action == "zoom":
            return self.pane.plots > 0
        if action in ("smooth", "alone", "shift"):
            return self.pane.plots > 1 and (action != "shift" or self.pane.zoomed)
        if action == "step":
            return self._until is not None or self.pane is self._record
        return True

    def why_not(self, action: str) -> str:
        if self._until is not None:
            now = f"{key_of('run.travel')} goes back to now, where {key_of('run.stop')} and {key_of('run.resume')} act"
            return f"this is the run as of event {whole(self._until)}; {now}"
        if self._origin:
            self._dempo.refused(self.root)
            return ""
        return self._refused(action)

    def _refused(self, action: str) -> str:
        name = one_line(self.root.name, 60)
        return stop_refused(name, self._status) if action == "stop" else resume_refused(name, self._status, self._wrong)

    def copyable(self) -> Sequence[Copyable]:
        """What the tab offers, and the command that prints it, and where the run is."""
        as_of = () if self._until is None else ("--as-of", str(self._until))
        command = command_line(*self.pane.twin(self.root.name), *as_of, runs=self.root.parent)
        path = str(self.root.absolute())
        found = self.pane.copyable()
        if self._hash and not any(one.what == "hash" for one in found):
            found = (*found, Copyable("hash", self._hash))
        return (*found, Copyable("command", command), Copyable("path", path))

    def action_open_tab(self, key: str) -> None:
        self._tabs.active = f"tab-{key}"
        self._focus_pane()

    def _focus_pane(self) -> None:
        """Arrow keys work at once: the first list or text of the tab takes them."""
        first = self.pane.front
        if first is not None:
            first.focus()

    def action_turn(self, by: int) -> None:
        self.pane.turn(by)

    def action_flip(self) -> None:
        self.pane.flip()

    def action_zoom(self) -> None:
        self.pane.zoom()
        self.refresh_bindings()

    def action_smooth(self, by: int) -> None:
        self.pane.smooth(by)

    def action_alone(self) -> None:
        self.pane.alone()

    def action_shift(self, by: int) -> None:
        self.pane.shift(by)

    def action_back(self) -> None:
        if self._until is None:
            self.dismiss()
        else:
            self._stand_at(None)

    async def action_clone(self) -> None:
        await self._dempo.clone_run(self.root)

    def action_stop(self) -> None:
        self._dempo.stop_run(self.root)

    def action_resume(self) -> None:
        self._dempo.resume_run(self.root)

    def action_verify(self) -> None:
        self._dempo.jobs.verify(self.root)

    def action_replay(self) -> None:
        self._dempo.jobs.replay(self.root, self._until)

    def action_export(self) -> None:
        self._dempo.jobs.export(self.root)

    # ------------------------------------------------------------ stepping through the record

    def action_travel(self) -> None:
        """All tabs as of the event under the cursor (on other tabs than the record: the newest), and back."""
        if self._until is not None:
            self._stand_at(None)
            return
        here = self._record.here if self.pane is self._record else self._newest
        if here:
            self._stand_at(here)

    def _stand_at(self, event: int | None) -> None:
        """Shows the run as of an event; or as it is now (None), with the record's cursor where one stood."""
        before, self._until = self._until, event
        self._known.clear()
        self._record.follow()
        if event is None and before is not None:
            self._record.go_to(before, self._record.only)
        self.read_soon()

    async def action_go(self) -> None:
        """Asks for the number of an event and goes there: in the record, or in time."""

        def answered(answer: str | None) -> None:
            if answer is None:
                return
            event = int(answer.replace(",", ""))
            if self._until is not None:
                self._stand_at(event)
                return
            self.action_open_tab(self._record.key)
            self._record.go_to(event, "")

        hint = f"1 to {whole(self._newest)} · Enter goes there · Esc closes"
        await self._dempo.push_screen(AskScreen("Go to event", hint, self._wrong_number), answered)

    def _wrong_number(self, answer: str) -> str:
        digits = answer.replace(",", "")
        if digits.isascii() and digits.isdigit() and 1 <= int(digits) <= self._newest:
            return ""
        return f"the record has the events 1 to {whole(self._newest)}; give one of these numbers"

    @property
    def listed(self) -> LongList | None:
        return self.pane.listed

    def action_step(self, by: int) -> None:
        """, and .: the previous and the next event that the filter lets through."""
        here = self._record.here if self._until is None else self._until
        if self._looking:
            self._steps_left += by  # keys come faster than a disk may answer
            return
        if here is None:
            return
        if self._record.only:
            self._looking = True
            self._look(here, by, self._record.only)
        else:
            self.on_stepped(Stepped(by, here + by if 1 <= here + by <= self._newest else None, ""))

    @work(thread=True, group="step")
    def _look(self, here: int, by: int, only: str) -> None:
        try:
            self.post_message(Stepped(by, neighbour(Reader(self.root), here, by, only), ""))
        except StorageError as error:
            self.post_message(Stepped(by, None, str(error)))

    def on_stepped(self, message: Stepped) -> None:
        """Goes to the event that was found: in the record, or in time."""
        self._looking = False
        left, self._steps_left = self._steps_left, 0
        if message.found is None:
            told = message.error or f"there is no {'earlier' if message.by < 0 else 'later'} event"
            told += f" of a stage or kind {self._record.only!r}" if self._record.only and not message.error else ""
            self.notify(visible(told), timeout=2, markup=False)
            return
        if self._until is None:
            self._record.go_to(message.found, self._record.only)
        else:
            self._stand_at(message.found)
        if left:
            by = 1 if left > 0 else -1
            self.action_step(by)
            self._steps_left += left - by
