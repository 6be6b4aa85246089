"""The list of runs, read again every second or two."""

from __future__ import annotations

import os
from collections.abc import Hashable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import DataTable, Footer

from core.run_folder import RunFolder
from storage.draws.waiting import waits_for
from storage.errors import StorageError
from storage.imports.origin import Origin, origin_of
from storage.reader import Reader, RunSummary, lock_is_held
from tui.messages import RunsRead
from tui.origin_text import origin_lines
from tui.visible import one_line
from tui.widgets.figures import left, moment, right, whole
from tui.widgets.grid import Grid
from tui.widgets.status import STAMP, status
from tui.widgets.titlebar import TitleBar
from tui.widgets.words import Words

if TYPE_CHECKING:
    from tui.app import DempoApp

_Signature = tuple[tuple[int, int] | None, ...]


class RunList:
    """Reads the runs below a folder; one whose files and lock did not change is not read again."""

    def __init__(self, runs: Path) -> None:
        self._runs = runs
        self._known: dict[Path, tuple[_Signature, RunSummary]] = {}
        self._waits: dict[Path, tuple[_Signature, tuple[str, ...]]] = {}
        self._origins: dict[Path, Origin | None] = {}

    def read(self, chosen: Path | None = None) -> RunsRead:
        """Newest first; a run that cannot be read is listed with its sentence.

        What a paused run waits for takes longer to find out than the rest: only of the chosen one it is read.
        """
        roots = sorted((p for p in self._runs.glob("*") if (p / "audit.db").is_file()), reverse=True)
        self._known = {root: self._read_one(root) for root in roots}
        stopping = frozenset(
            summary.run_id
            for root, (_, summary) in self._known.items()
            if summary.status == "running" and RunFolder(root).stop_request.exists()
        )
        self._origins = {root: self._origins.get(root) or origin_of(root) for root in roots}
        origins = {root: origin for root, origin in self._origins.items() if origin is not None}
        if chosen in self._known:
            self._read_waits(chosen)
        waits = {root: told for root, (at, told) in self._waits.items() if at == self._known.get(root, (None,))[0]}
        return RunsRead(tuple(summary for _, summary in self._known.values()), stopping, origins, waits)

    def _read_waits(self, root: Path) -> None:
        signature, summary = self._known[root]
        if summary.status != "paused" or self._waits.get(root, (None,))[0] == signature:
            return
        try:
            told = tuple(waits_for(Reader(root)))
        except (StorageError, LookupError, TypeError, ValueError):
            told = ("what it waits for cannot be read; `dempo verify` says what is wrong with its record",)
        self._waits[root] = signature, told

    def _read_one(self, root: Path) -> tuple[_Signature, RunSummary]:
        signature = _signature(RunFolder(root))
        known = self._known.get(root)
        if known is not None and known[0] == signature:
            return known
        try:
            summary = _plain(Reader(root).summary())
        except (StorageError, LookupError, TypeError, ValueError) as error:
            sentence = str(error) if isinstance(error, StorageError) else f"{root / 'audit.db'}: not a record of a run"
            summary = RunSummary(root.name, "", "", "unreadable", "", 0, 0, False, sentence, root)
        return signature, summary


def _plain(run: RunSummary) -> RunSummary:
    """The summary with texts where texts belong, whatever somebody else's record holds there.

    Raises:
        TypeError: a count is no number, or the state no word.
    """
    if not (isinstance(run.done, int) and isinstance(run.units, int) and isinstance(run.status, str)):
        raise TypeError("units are counted, and a state is a word")
    return replace(
        run,
        run_id=str(run.run_id),
        name=str(run.name),
        created_at=str(run.created_at),
        stage=str(run.stage),
        detail=str(run.detail),
    )


def _signature(folder: RunFolder) -> _Signature:
    """What changes when a run does: its database, the write-ahead log, the progress note and the lock."""
    wal = folder.database.with_name("audit.db-wal")
    held = (int(lock_is_held(folder)), 0)
    return (*(_stat(path) for path in (folder.database, wal, folder.progress)), held)


def _stat(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size) if found.st_size else None  # a reader leaves an empty log behind


class RunsScreen(Screen[None]):
    """All runs of the folder with their live state."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open", id="runs.open"),
        Binding("n", "new", "New run", id="run.new"),
        Binding("s", "stop", "Stop", id="run.stop"),
        Binding("r", "resume", "Resume", id="run.resume"),
        Binding("s,r", "refuse", show=False),
    ]

    def compose(self) -> ComposeResult:
        yield TitleBar()
        yield Grid(id="runs")
        yield Words(id="empty")
        yield Words(id="run-detail")
        yield Footer(show_command_palette=False)

    @property
    def _dempo(self) -> DempoApp:
        return cast("DempoApp", self.app)

    def on_mount(self) -> None:
        self._list = RunList(self._dempo.runs)
        self._busy = False
        self._found: RunsRead | None = None
        self._offered_imported = False
        self.query_one("#empty").display = False
        self.set_interval(self._dempo.interval, self._refresh_list)
        self._refresh_list()

    def on_screen_resume(self) -> None:
        if self.is_mounted:
            self._refresh_list()

    def on_resize(self) -> None:
        if self._found is not None:
            self._show(self._found)

    def _refresh_list(self) -> None:
        if not self._busy and self.is_current:
            self._busy = True
            run = self._chosen
            self._read(run.root if run else None)

    @work(thread=True, group="read")
    def _read(self, chosen: Path | None) -> None:
        self.post_message(self._list.read(chosen))

    def on_runs_read(self, message: RunsRead) -> None:
        """Shows what the thread read."""
        self._busy = False
        self._found = message
        self._show(message)

    def _show(self, found: RunsRead) -> None:
        wide = self.app.size.width >= 100
        live = sum(run.status == "running" for run in found.runs)
        folder = one_line(f"{self._dempo.runs}/", 50)
        count = f"{len(found.runs)} run{'' if len(found.runs) == 1 else 's'}"
        self.query_one(TitleBar).tell(folder, f"{count}, {live} running" if found.runs else "no runs")
        grid, empty = self.query_one("#runs", Grid), self.query_one("#empty", Words)
        grid.display, empty.display = bool(found.runs), not found.runs
        empty.say(_empty(self._dempo.runs))
        headings = ["state", "run" if wide else "name", "stage", ">units", "created (UTC)", "data"]
        grid.fill(headings, [(run.root.name, _row(run, _word(run, found), wide)) for run in found.runs])
        if found.runs and self.focused is None:
            grid.focus()
        self._show_detail()

    @property
    def _chosen(self) -> RunSummary | None:
        return self._named(self.query_one("#runs", Grid).chosen) if self.is_mounted else None

    def _named(self, name: Hashable | None) -> RunSummary | None:
        runs = self._found.runs if self._found else ()
        return next((run for run in runs if run.root.name == name), None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Stop and resume are not offered on somebody else's run; their keys say why."""
        if action in ("stop", "resume", "refuse"):
            run = self._chosen
            return (run is not None and run.imported) == (action == "refuse")
        return True

    @on(DataTable.RowHighlighted, "#runs")
    def _show_detail(self) -> None:
        run = self._chosen
        self._offer_keys(run)
        if run is None or self._found is None:
            self.query_one("#run-detail", Words).say(Text())
            return
        detail = _detail(run, self._found.origins.get(run.root), self._found.waits.get(run.root, ()))
        self.query_one("#run-detail", Words).say(detail)
        if run.status == "paused" and run.root not in self._found.waits:
            self._refresh_list()

    def _offer_keys(self, run: RunSummary | None) -> None:
        """The last line again, where another row offers other keys."""
        imported = run is not None and run.imported
        if imported != self._offered_imported:
            self._offered_imported = imported
            self.refresh_bindings()

    @on(DataTable.RowSelected, "#runs")
    async def open_clicked(self, event: DataTable.RowSelected) -> None:
        """Opens the run that was clicked, wherever the cursor went since."""
        if (run := self._named(self.query_one("#runs", Grid).key_of(event.row_key))) is not None:
            await self._dempo.open_run(run.root)

    async def action_open(self) -> None:
        """Opens the run under the cursor."""
        if (run := self._chosen) is not None:
            await self._dempo.open_run(run.root)

    async def action_new(self) -> None:
        await self._dempo.new_run()

    def action_stop(self) -> None:
        run = self._chosen
        if run is not None and not run.imported and run.status != "running":
            self.notify(f"no engine works on {one_line(run.run_id, 60)}; there is nothing to stop", markup=False)
        elif run is not None:
            self._dempo.stop_run(run.root)

    def action_resume(self) -> None:
        if (run := self._chosen) is not None:
            self._dempo.resume_run(run.root)

    def action_refuse(self) -> None:
        """Says why nobody writes into somebody else's run."""
        if (run := self._chosen) is not None:
            self._dempo.refused(run.root)


def _word(run: RunSummary, found: RunsRead) -> str:
    origin = found.origins.get(run.root)
    if origin is not None and run.status != "unreadable":
        return origin.how
    return "stopping" if run.run_id in found.stopping and run.status == "running" else run.status


def _row(run: RunSummary, word: str, wide: bool) -> list[Text]:
    name = run.root.name if wide else (run.name or run.root.name)
    created = moment(run.created_at, seconds=wide)
    return [
        status(word),
        left(one_line(name, 56 if wide else 17)),
        left(one_line(run.stage, 10)),
        right(f"{whole(run.done)}/{whole(run.units)}" if run.units else ""),
        left(created if wide else created[5:]),
        Text("SIMULATED", style="yellow") if run.simulated else Text(""),
    ]


def _detail(run: RunSummary, origin: Origin | None, waits: tuple[str, ...]) -> Text:
    text = Text(overflow="fold")
    text.append(one_line(str(run.root), 300), style="bold")
    if run.simulated:
        text.append("  ")
        text.append(STAMP)
    for line in origin_lines(origin) if origin else []:
        text.append(f"\n{line}")
    for line in waits:
        text.append(f"\n{one_line(line, 300)}")
    if run.status == "unreadable":
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
