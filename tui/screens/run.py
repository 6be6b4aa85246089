"""A run: tabs that are read in a thread while they are looked at."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Hashable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Footer, TabbedContent, TabPane

from storage.errors import StorageError
from storage.foreign import arrival
from storage.reader import Reader
from tui.messages import Asked, Pulse, RunRead
from tui.screens.draw import DrawPane
from tui.screens.leaderboards import LeaderboardsPane
from tui.screens.overview import OverviewPane
from tui.screens.pane import Pane
from tui.screens.quotas import QuotasPane
from tui.screens.rankings import RankingsPane
from tui.screens.record import RecordPane
from tui.screens.training import TrainingPane
from tui.visible import one_line, visible
from tui.widgets.status import STAMP, STAMPS, status
from tui.widgets.titlebar import TitleBar
from tui.widgets.words import Words

if TYPE_CHECKING:
    from tui.app import DempoApp

PANES: tuple[type[Pane], ...] = (
    OverviewPane,
    QuotasPane,
    DrawPane,
    TrainingPane,
    RankingsPane,
    LeaderboardsPane,
    RecordPane,
)

_REST = 4
"""A reading is followed by a pause of so many times its own length, so that a large run cannot eat a core."""

_UNSHOWABLE = (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, sqlite3.Error)
"""What a record that another program wrote, or damaged, can make a reading raise."""


def read_run(root: Path, pane: type[Pane], request: Hashable, known: int | None) -> RunRead:
    """Reads a run for one tab; where its last event is still number `known`, only the pulse is read."""
    try:
        reader = Reader(root)
        pulse = read_pulse(reader)
        found = None if pulse.seq == known else pane.read(reader, request)
    except StorageError as error:
        return RunRead(pane.key, request, None, None, str(error))
    except _UNSHOWABLE as error:
        return RunRead(pane.key, request, None, None, _unshowable(error))
    return RunRead(pane.key, request, pulse, found, "")


def _unshowable(error: Exception) -> str:
    told = f"this tab cannot show the record: something in it is not as this version writes it ({error!r})"
    return one_line(told, 400)


def read_pulse(reader: Reader) -> Pulse:
    """State, engine and chain head of a run."""
    seq, head = reader.head()
    simulated = reader.query("SELECT simulated FROM run")
    state = reader.status()
    stopping = state == "running" and reader.folder.stop_request.exists()
    return Pulse(
        status="stopping" if stopping else state,
        pid=reader.engine_pid(),
        progress=reader.progress(),
        simulated=bool(simulated and simulated[0]["simulated"]),
        seq=seq,
        head=head,
        origin=arrival(reader.folder.root),
    )


class RunScreen(Screen[None]):
    """The run in `root`: one tab is read at a time, the one that is looked at."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", id="run.back"),
        Binding("s", "stop", "Stop", id="run.stop"),
        Binding("r", "resume", "Resume", id="run.resume"),
        Binding("n", "new", "New run", show=False, id="run.new"),
        Binding("left_square_bracket", "turn(-1)", "Previous", key_display="[", id="run.previous"),
        Binding("right_square_bracket", "turn(1)", "Next", key_display="]", id="run.next"),
        Binding("v", "flip", "View", id="run.flip"),
        *(
            Binding(str(number), f"open_tab('{pane.key}')", pane.label, show=False, id=f"tab.{pane.key}")
            for number, pane in enumerate(PANES, start=1)
        ),
    ]

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root
        self._busy = False
        self._again = False
        self._rest_until = 0.0
        self._known: dict[str, tuple[int, Hashable]] = {}
        self._status = ""
        self._origin = ""

    def compose(self) -> ComposeResult:
        yield TitleBar()
        yield Words(id="problem")
        with TabbedContent(initial=f"tab-{PANES[0].key}"):
            for number, pane in enumerate(PANES, start=1):
                with TabPane(f"{number} {pane.label}", id=f"tab-{pane.key}"):
                    yield pane()
        yield Footer(show_command_palette=False)

    @property
    def _dempo(self) -> DempoApp:
        return cast("DempoApp", self.app)

    @property
    def pane(self) -> Pane:
        """The tab that is looked at."""
        active = self.query_one(TabbedContent).active.removeprefix("tab-")
        return self.query_one(f"#{active or PANES[0].key}", Pane)

    def on_mount(self) -> None:
        self.query_one("#problem").display = False
        self.query_one(TitleBar).tell(one_line(self.root.name, 60))
        self.set_interval(self._dempo.interval, self._tick)
        self._focus_pane()
        self._read_soon()

    # ------------------------------------------------------------ reading

    def _tick(self) -> None:
        if self.is_current and time.monotonic() >= self._rest_until:
            self._read_soon()

    def _read_soon(self) -> None:
        """Starts a reading, or has the one under way followed by another."""
        if self._busy:
            self._again = True
            return
        self._busy = True
        pane = self.pane
        seq, request = self._known.get(pane.key, (None, None))
        self._read(type(pane), pane.request, seq if request == pane.request else None)

    @work(thread=True, group="read")
    def _read(self, pane: type[Pane], request: Hashable, known: int | None) -> None:
        begun = time.monotonic()
        message = read_run(self.root, pane, request, known)
        self._rest_until = time.monotonic() + _REST * (time.monotonic() - begun)
        self.post_message(message)

    def on_run_read(self, message: RunRead) -> None:
        """Shows what the thread read, unless a person has moved on."""
        self._busy = False
        self._show(message)
        if self._again:
            self._again = False
            self._read_soon()

    def _show(self, message: RunRead) -> None:
        problem = self.query_one("#problem", Words)
        problem.display = bool(message.error)
        problem.say(visible(message.error))
        if message.error or message.pulse is None:
            return
        pulse = message.pulse
        self._status, self._origin = pulse.status, pulse.origin
        stamps = [STAMPS[pulse.origin]] if pulse.origin else []
        stamps += [STAMP] if pulse.simulated else []
        self.query_one(TitleBar).name_run(self.root.name, status(pulse.status), *stamps)
        pane = self.query_one(f"#{message.pane}", Pane)
        try:
            if message.found is not None and message.request == pane.request:
                self._known[pane.key] = (pulse.seq, message.request)
                pane.show(message.found)
            pane.pulse(pulse)
        except _UNSHOWABLE as error:
            problem.display = True
            problem.say(_unshowable(error))

    def on_asked(self, message: Asked) -> None:
        """A tab wants something else."""
        self._read_soon()

    # ------------------------------------------------------------ keys

    @on(TabbedContent.TabActivated)
    def tab_opened(self) -> None:
        self.refresh_bindings()
        self._read_soon()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """[ and ] are offered only where they turn something, v where there is another view."""
        if action == "turn":
            return self.is_mounted and self.pane.turns
        if action == "flip":
            return self.is_mounted and bool(self.pane.flips)
        return True

    def action_open_tab(self, key: str) -> None:
        self.query_one(TabbedContent).active = f"tab-{key}"
        self._focus_pane()

    def _focus_pane(self) -> None:
        """Arrow keys work at once: the first list or text of the tab takes them."""
        first: list[Any] = [widget for widget in self.pane.query("*") if widget.can_focus]
        if first:
            first[0].focus()

    def action_turn(self, by: int) -> None:
        self.pane.turn(by)

    def action_flip(self) -> None:
        self.pane.flip()

    def action_back(self) -> None:
        self.dismiss()

    def action_new(self) -> None:
        self._dempo.new_run()

    def action_stop(self) -> None:
        if self._origin or self._status in ("running", "stopping"):
            self._dempo.stop_run(self.root)
        else:
            self.notify("no engine works on this run; there is nothing to stop", markup=False)

    def action_resume(self) -> None:
        self._dempo.resume_run(self.root)
