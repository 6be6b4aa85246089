"""The list of runs, read again every second or two."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType

from core.visible import one_line
from tui.actions.bindings import bindings_of
from tui.actions.engines import resume_refused, stop_refused
from tui.messages import LookedThrough, MachineSeen, RunsNamed, RunsRead
from tui.screens.copying import Copyable
from tui.screens.runs_list.machine_bar import MachineBar
from tui.screens.runs_list.run_detail import run_detail
from tui.screens.runs_list.run_rows import read_rows, unread_rows, utc_now
from tui.screens.runs_list.run_table import RunTable
from tui.screens.seeking import SeekingScreen
from tui.terminal.command_line import command_line
from tui.widgets.keys_line import KeysLine
from tui.widgets.lists.long_list import LongList
from tui.widgets.titlebar import TitleBar
from tui.widgets.words import Words

if TYPE_CHECKING:
    from storage.record.reader import RunSummary
    from tui.commands.runs.run_list import RunList

_MACHINE = 5
"""Readings of the runs between two looks at the machine."""

_PAINTED = 1.0
"""Seconds that the names of the runs may take to be painted before the runs are read all the same."""

_OF_RUN = ("open", "clone", "verify", "replay", "export", "remove", "copy")
"""Actions that an empty list does not offer."""


class RunsScreen(SeekingScreen):
    """All runs of the folder with their live state."""

    place = "runs"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(place)

    def __init__(self, runs: Path) -> None:
        super().__init__()
        self._last_line = KeysLine()
        self._folder = runs
        self._list: RunList | None = None
        self._painted = Event()
        self._roots: tuple[Path, ...] = ()
        self._busy = self._looking = self._asking = False
        self._wanted = ""
        self._found: RunsRead | None = None
        self._offers: tuple[bool, ...] = ()
        self._ticks = 0
        self._machine, self._spare = MachineBar(), tuple[Text, ...]()
        self._titlebar, self._runs = TitleBar(), RunTable()
        self._empty, self._detail = Words(id="empty"), Words(id="run-detail")
        self._empty.display = False

    @property
    def listed(self) -> LongList:
        return self._runs

    def compose(self) -> ComposeResult:
        yield self._titlebar
        yield self._runs
        yield self._empty
        yield self._detail
        yield self._last_line

    def on_resize(self) -> None:
        if self._found is not None:
            self._show(self._found)

    def tick(self) -> None:
        super().tick()
        self._ticks += 1
        if self._ticks % _MACHINE == 0:
            self._look_at_machine()

    def read_soon(self) -> None:
        if not self._busy:
            self._busy = True
            run = self._chosen
            self._read(run.root if run else None)

    @work(thread=True, group="read")
    def _read(self, chosen: Path | None) -> None:
        begins = self._list is None
        runs = self._list = self._list or self._begin()
        self.post_message(runs.read(chosen))
        if begins:
            import_module("tui.screens.run")  # so that a run opens at once

    def _begin(self) -> RunList:
        """Names the runs, and loads what reads them once the names are painted, so that it takes no time from them."""
        from storage.errors import StorageError
        from storage.record.run_folders import run_folders

        with suppress(StorageError):  # which the reading tells
            self.post_message(RunsNamed(tuple(run_folders(self._folder))))
            self._painted.wait(_PAINTED)
        from tui.commands.runs.run_list import RunList

        return RunList(self._folder)

    def on_runs_named(self, message: RunsNamed) -> None:
        """Shows the names until the runs are read."""
        self._roots = message.roots
        if self._found is None and self.is_active and self._roots:
            self._say_title()
            self._runs.show(unread_rows(self._roots, self.app.size.width, utc_now()))
            if self.focused is None:
                self._runs.focus()
        self.call_after_refresh(self._painted.set)

    def on_unmount(self) -> None:
        """A thread that waits is let go."""
        self._painted.set()

    def on_runs_read(self, message: RunsRead) -> None:
        """Shows what the thread read."""
        begins, self._busy = self._found is None, False
        self._found = message
        if self.is_active:
            self._show(message)
            if message.unseen and not self._looking:
                self._looking = True
                self._look_through(message.unseen)
        if begins:
            self._look_at_machine()

    @work(thread=True, group="damage")
    def _look_through(self, roots: Sequence[Path]) -> None:
        if self._list is not None:
            self._list.look_through(roots)
        self.post_message(LookedThrough(""))

    def on_looked_through(self, message: LookedThrough) -> None:
        """Some runs after the others, as soon as what was found of those before is told."""
        self._looking = False
        if self.is_active:
            self.read_soon()

    def _look_at_machine(self) -> None:
        if not self._asking:
            self._asking = True
            self._ask_machine()

    @work(thread=True, group="machine")
    def _ask_machine(self) -> None:
        from core.program.machine import machine_now

        self.post_message(MachineSeen(machine_now(self._folder)))

    def on_machine_seen(self, message: MachineSeen) -> None:
        """Shows what the machine has to spare."""
        self._asking = False
        self._spare = self._machine.parts(message.machine)
        if self.is_active:
            self._say_title()

    def _say_title(self) -> None:
        counts = self._counts()
        taken = len(counts) + sum(part.cell_len + 2 for part in self._spare)
        self._titlebar.tell(_folder_name(self._folder, self.app.size.width - taken - 12), counts, at_right=self._spare)

    def _counts(self) -> str:
        """How many runs there are, at work and in trouble, and which of them are listed."""
        if self._found is None:
            return _counted(len(self._roots))
        states = [run.status for run in self._found.runs]
        if not states:
            return "no runs"
        parts = [_counted(len(states)), f"{states.count('running')} running"]
        if self._runs.only:
            parts.append(f"{len(self._runs.keys)} listed")
        return ", ".join([*parts, *([self._runs.said] if self._runs.said else [])])

    def _show(self, found: RunsRead) -> None:
        self._runs.display, self._empty.display = bool(found.runs), not found.runs
        self._empty.say(Text(one_line(found.problem, 400), style="bad") if found.problem else _empty(self._folder))
        self._runs.show(read_rows(found, self.app.size.width, utc_now(), self._runs.shown))
        self._say_title()
        if found.runs and self.focused is None:
            self._runs.focus()
        if self._wanted and self._runs.point_at(self._wanted):
            self._wanted = ""
        self._show_detail()

    @on(LongList.Rearranged)
    def _rearranged(self) -> None:
        """The title says what is listed, and in which order."""
        self._say_title()
        self._show_detail()

    @property
    def _chosen(self) -> RunSummary | None:
        return self._named(self._runs.chosen)

    def _root(self, name: Hashable | None) -> Path | None:
        """The folder of a run by its row, which may not be read yet."""
        run = self._named(name)
        return run.root if run is not None else next((root for root in self._roots if root.name == name), None)

    def _named(self, name: Hashable | None) -> RunSummary | None:
        runs = self._found.runs if self._found else ()
        return next((run for run in runs if run.root.name == name), None)

    def offered(self, action: str, parameters: tuple[object, ...]) -> bool:
        """What is done to a run where there is one; stop and resume where it can be, and is nobody else's."""
        run = self._chosen
        if action in ("stop", "resume"):
            return run is not None and not run.imported and not _refused(action, run)
        return action not in _OF_RUN or self._root(self._runs.chosen) is not None

    def why_not(self, action: str) -> str:
        run = self._chosen
        if run is None:
            return "" if self._found else "the runs are being read; press the key again in a moment"
        if run.imported:
            self._dempo.refused(run.root)
            return ""
        return _refused(action, run)

    def copyable(self) -> Sequence[Copyable]:
        """Of the run under the cursor."""
        root = self._root(self._runs.chosen)
        if root is None:
            return ()
        command = command_line("show", root.name, runs=self._folder)
        return (
            Copyable("value", root.name),
            Copyable("command", command),
            Copyable("path", str(root.absolute())),
        )

    @on(LongList.Moved)
    def _show_detail(self) -> None:
        run = self._chosen
        self._offer_keys()
        if run is None or self._found is None:
            self._detail.say(Text())
            return
        self._detail.say(run_detail(run, self._found, self._folder, utc_now()))
        if run.status == "paused" and run.root not in self._found.waits:
            self.read_soon()

    def _offer_keys(self) -> None:
        """The last line again, where another row offers other keys."""
        offered = tuple(self.offered(action, ()) for action in ("stop", "resume", "open"))
        if offered != self._offers:
            self._offers = offered
            self.refresh_bindings()

    @on(LongList.Clicked)
    async def open_clicked(self, event: LongList.Clicked) -> None:
        """Opens the run that was clicked, wherever the cursor went since."""
        if (root := self._root(event.key)) is not None:
            await self._dempo.open_run(root)

    def point_at_run(self, name: str) -> None:
        """Puts the cursor on a run that may not be listed yet."""
        self._wanted = name

    def action_verify(self) -> None:
        self._with_chosen(lambda root: self._dempo.jobs.verify(root))

    def action_replay(self) -> None:
        self._with_chosen(lambda root: self._dempo.jobs.replay(root))

    def action_export(self) -> None:
        self._with_chosen(lambda root: self._dempo.jobs.export(root))

    def action_remove(self) -> None:
        self._with_chosen(lambda root: self._dempo.jobs.remove(root))

    def action_import(self) -> None:
        self._dempo.jobs.import_bundle()

    def _with_chosen(self, do: Callable[[Path], None]) -> None:
        """With the run under the cursor, read or not: the command itself says what is wrong with it."""
        if (root := self._root(self._runs.chosen)) is not None:
            do(root)

    async def action_open(self) -> None:
        """Opens the run under the cursor, read or not."""
        if (root := self._root(self._runs.chosen)) is not None:
            await self._dempo.open_run(root)

    async def action_clone(self) -> None:
        """Opens the form on the configuration of the run under the cursor."""
        if (root := self._root(self._runs.chosen)) is not None:
            await self._dempo.clone_run(root)

    def action_demo(self) -> None:
        self._dempo.start_demo()

    def action_stop(self) -> None:
        if (run := self._chosen) is not None:
            self._dempo.stop_run(run.root)

    def action_resume(self) -> None:
        if (run := self._chosen) is not None:
            self._dempo.resume_run(run.root)


def _refused(action: str, run: RunSummary) -> str:
    name = one_line(run.root.name, 60)
    return stop_refused(name, run.status) if action == "stop" else resume_refused(name, run.status, run.detail)


def _folder_name(folder: Path, room: int) -> str:
    """The folder with the home as `~`; where it is too long its end, which tells it from others."""
    with suppress(RuntimeError, ValueError):
        folder = Path("~") / folder.relative_to(Path.home())
    name = one_line(f"{folder}/", 300)
    room = max(12, min(room, 50))
    return name if len(name) <= room else f"…{name[1 - room :]}"


def _counted(runs: int) -> str:
    return f"{runs} run{'' if runs == 1 else 's'}"


def _empty(runs: Path) -> Text:
    text = Text()
    text.append(f"There are no runs in {one_line(str(runs), 200)} yet.\n\n")
    for key, what in (
        ("d", "a demo: a whole run on a simulated world; no network, key or GPU"),
        ("n", "a run from an example or a configuration of yours"),
        ("?", "keys and signs"),
    ):
        text.append(f"  {key:<4}", style="bold accent")
        text.append(f"{what}\n")
    return text
