"""The list of runs, read again every second or two."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import DataTable, Footer

from core.visible import one_line
from tui.actions.bindings import bindings_of
from tui.actions.engines import resume_refused, stop_refused
from tui.messages import LookedThrough, RunsNamed, RunsRead
from tui.screens.copying import Copyable
from tui.screens.panes.live import LiveScreen
from tui.terminal.command_line import command_line
from tui.widgets.figures import left, moment, right, whole
from tui.widgets.grid import Grid
from tui.widgets.status import STAMP, status
from tui.widgets.titlebar import TitleBar
from tui.widgets.words import Words

if TYPE_CHECKING:
    from storage.imports.origin import Origin
    from storage.record.reader import RunSummary
    from tui.commands.runs.run_list import RunList

_HEADINGS = ("stage", ">units", "created (UTC)", "data")
_WIDE = 100
"""Columns of a terminal that shows whole names."""


class RunsScreen(LiveScreen):
    """All runs of the folder with their live state."""

    place = "runs"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(place)

    def __init__(self, runs: Path) -> None:
        super().__init__()
        self._folder = runs
        self._list: RunList | None = None
        self._roots: tuple[Path, ...] = ()
        self._busy = self._looking = False
        self._wanted = ""
        self._found: RunsRead | None = None
        self._offers: tuple[bool, ...] = ()
        self._titlebar, self._runs = TitleBar(), Grid(id="runs")
        self._empty, self._detail = Words(id="empty"), Words(id="run-detail")
        self._empty.display = False

    def compose(self) -> ComposeResult:
        yield self._titlebar
        yield self._runs
        yield self._empty
        yield self._detail
        yield Footer(show_command_palette=False)

    def on_resize(self) -> None:
        if self._found is not None:
            self._show(self._found)

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
        """Names the runs, and then loads what reads them: the screen stands before either."""
        from storage.errors import StorageError
        from storage.record.run_folders import run_folders

        with suppress(StorageError):  # which the reading tells
            self.post_message(RunsNamed(tuple(run_folders(self._folder))))
        from tui.commands.runs.run_list import RunList

        return RunList(self._folder)

    def on_runs_named(self, message: RunsNamed) -> None:
        """Shows the names until the runs are read."""
        self._roots = message.roots
        if self._found is None and self.is_active and self._roots:
            self._titlebar.tell(one_line(f"{self._folder}/", 50), _counted(len(self._roots)))
            wide = self.app.size.width >= _WIDE
            self._runs.fill(_headings(wide), [(root.name, _unread(root, wide)) for root in self._roots])
            if self.focused is None:
                self._runs.focus()

    def on_runs_read(self, message: RunsRead) -> None:
        """Shows what the thread read."""
        self._busy = False
        self._found = message
        if self.is_active:
            self._show(message)
            if message.unseen and not self._looking:
                self._looking = True
                self._look_through(message.unseen[0])

    @work(thread=True, group="damage")
    def _look_through(self, root: Path) -> None:
        if self._list is not None:
            self._list.look_through(root)
        self.post_message(LookedThrough(""))

    def on_looked_through(self, message: LookedThrough) -> None:
        """One file after the other, each as soon as the one before is told."""
        self._looking = False
        if self.is_active:
            self.read_soon()

    def _show(self, found: RunsRead) -> None:
        wide = self.app.size.width >= _WIDE
        live = sum(run.status == "running" for run in found.runs)
        folder = one_line(f"{self._folder}/", 50)
        self._titlebar.tell(folder, f"{_counted(len(found.runs))}, {live} running" if found.runs else "no runs")
        self._runs.display, self._empty.display = bool(found.runs), not found.runs
        self._empty.say(Text(one_line(found.problem, 400), style="red") if found.problem else _empty(self._folder))
        self._runs.fill(_headings(wide), [(run.root.name, _row(run, _word(run, found), wide)) for run in found.runs])
        if found.runs and self.focused is None:
            self._runs.focus()
        if self._wanted and self._runs.point_at(self._wanted):
            self._wanted = ""
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
        """Stop and resume where the run under the cursor can be, and is nobody else's."""
        run = self._chosen
        if action in ("stop", "resume"):
            return run is not None and not run.imported and not _refused(action, run)
        return True

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

    @on(DataTable.RowHighlighted, "#runs")
    def _show_detail(self) -> None:
        run = self._chosen
        self._offer_keys()
        if run is None or self._found is None:
            self._detail.say(Text())
            return
        detail = _detail(run, self._found.origins.get(run.root), self._found.waits.get(run.root, ()))
        self._detail.say(detail)
        if run.status == "paused" and run.root not in self._found.waits:
            self.read_soon()

    def _offer_keys(self) -> None:
        """The last line again, where another row offers other keys."""
        offered = tuple(self.offered(action, ()) for action in ("stop", "resume"))
        if offered != self._offers:
            self._offers = offered
            self.refresh_bindings()

    @on(DataTable.RowSelected, "#runs")
    async def open_clicked(self, event: DataTable.RowSelected) -> None:
        """Opens the run that was clicked, wherever the cursor went since."""
        if (root := self._root(self._runs.key_of(event.row_key))) is not None:
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

    def action_stop(self) -> None:
        if (run := self._chosen) is not None:
            self._dempo.stop_run(run.root)

    def action_resume(self) -> None:
        if (run := self._chosen) is not None:
            self._dempo.resume_run(run.root)


def _refused(action: str, run: RunSummary) -> str:
    name = one_line(run.root.name, 60)
    return stop_refused(name, run.status) if action == "stop" else resume_refused(name, run.status, run.detail)


def _headings(wide: bool) -> list[str]:
    return ["state", "run" if wide else "name", *_HEADINGS]


def _name_width(wide: bool) -> int:
    return 56 if wide else 17


def _counted(runs: int) -> str:
    return f"{runs} run{'' if runs == 1 else 's'}"


def _word(run: RunSummary, found: RunsRead) -> str:
    origin = found.origins.get(run.root)
    if origin is not None and run.status not in ("not begun", "unreadable", "damaged"):
        return origin.how
    return "stopping" if run.run_id in found.stopping and run.status == "running" else run.status


def _unread(root: Path, wide: bool) -> list[Text]:
    """A row of which only the name is known."""
    return [Text("…"), left(root.name, _name_width(wide)), *(Text() for _ in _HEADINGS)]


def _row(run: RunSummary, word: str, wide: bool) -> list[Text]:
    name = run.root.name if wide else (run.name or run.root.name)
    created = moment(run.created_at, seconds=wide)
    return [
        status(word),
        left(name, _name_width(wide)),
        left(run.stage, 10),
        right(f"{whole(run.done)}/{whole(run.units)}" if run.units else ""),
        left(created if wide else created[5:]),
        Text("SIMULATED", style="yellow") if run.simulated else Text(""),
    ]


def _detail(run: RunSummary, origin: Origin | None, waits: tuple[str, ...]) -> Text:
    from tui.commands.record.origin_text import origin_lines

    text = Text(overflow="fold")
    text.append(one_line(str(run.root), 300), style="bold")
    if run.simulated:
        text.append("  ")
        text.append(STAMP)
    for line in origin_lines(origin) if origin else []:
        text.append(f"\n{line}")
    for line in waits:
        text.append(f"\n{one_line(line, 300)}")
    if run.status in ("not begun", "unreadable", "damaged"):
        text.append(f"\n{one_line(run.detail, 400)}", style="red")
    elif run.detail:
        text.append(f"\n{one_line(run.stage, 14)}: {one_line(run.detail, 300)}")
    return text


def _empty(runs: Path) -> Text:
    text = Text()
    text.append(f"There are no runs in {one_line(str(runs), 200)} yet.\n\n")
    for key, what in (
        ("dempo demo", "in a shell: a whole run on a small simulated world, without network, key or GPU"),
        ("n", "here: a run from a configuration of yours"),
        ("?", "here: keys and signs"),
    ):
        text.append(f"  {key:<12}", style="bold cyan")
        text.append(f"{what}\n")
    return text
