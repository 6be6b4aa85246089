"""The terminal app: a list of runs and what is inside them.

It reads databases and starts or signals engine processes; it never writes a record and never works on
a run itself, so closing it, a hang-up or a crash touches no run.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from rich.console import RenderableType
from rich.text import Text
from textual import events, work
from textual.actions import parse
from textual.binding import BindingType
from textual.dom import DOMNode
from textual.screen import ModalScreen
from textual.widgets import Input

from core.errors import DempoError
from core.visible import one_line, visible
from tui.actions.action import Action
from tui.actions.bindings import bindings_of
from tui.actions.engines import resume_refused
from tui.actions.table import ACTIONS, key_of
from tui.commands.starting.source import DEMO, RunSource
from tui.crash import write_crash_file
from tui.look.themed_app import ThemedApp
from tui.look.themes import DARK, LIGHT
from tui.messages import Acted, CopyKept, JobMoved
from tui.screens.confirm import ConfirmScreen
from tui.screens.copying import Copyable, CopyScreen
from tui.screens.help import HelpScreen
from tui.screens.palette import Command, PaletteScreen
from tui.screens.runs import RunsScreen
from tui.terminal.clipboard import give_to_tmux, keep_copy
from tui.terminal.command_line import command_line
from tui.terminal.leaving import end_on_signals, end_without

if TYPE_CHECKING:
    from tui.look.app_settings import AppSettings
    from tui.look.background import Background
    from tui.screens.jobs.desk import JobDesk

_SOON = 0.02
"""Seconds until the app looks again whether it can close."""

_FOR_SCREENS = (events.InputEvent, events.Paste, events.AppFocus, events.AppBlur)
"""Events that Textual hands on to the screen without asking whether there is one."""

_DONE: dict[str, str] = {
    "stop": "asked to stop; the engine ends at the next safe point",
    "resume": "engine started; it goes on when the app closes",
    "demo": "the demo was started; it goes on when the app closes",
}


class DempoApp(ThemedApp, inherit_bindings=False):
    """The app on a folder of runs.

    `interval` is the time between two readings in seconds; over SSH it is twice as long and nothing moves. Without
    `settings` nothing is kept for the next session; `background` is what the terminal said when it was asked.
    """

    CSS_PATH = "app.tcss"
    TITLE = "dempo"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 (as Textual declares it)
    place = "app"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(place)

    def __init__(
        self,
        runs: Path,
        interval: float = 1.0,
        settings: AppSettings | None = None,
        background: Background | None = None,
    ) -> None:
        plain = bool(os.environ.get("NO_COLOR"))
        super().__init__(ansi_color=True if plain else None)  # else Textual turns the terminal's colours into black
        self.runs = runs
        self._making_demo = False
        remote = bool(os.environ.get("SSH_TTY"))
        self.interval = 2 * interval if remote else interval
        if remote:
            self.animation_level = "none"
        self._settings, self._typed = settings, background.typed if background else ""
        self._problem = settings.problem if settings and not plain else ""
        self.theme = "ansi-dark" if plain else self._first_theme(bool(background and background.light))

    def _first_theme(self, light: bool) -> str:
        """What the environment says, then what was chosen, then what fits the terminal."""
        fitting, wanted = LIGHT if light else DARK, os.environ.get("TEXTUAL_THEME", "")
        where = "TEXTUAL_THEME"
        if not wanted and self._settings is not None:
            wanted, where = self._settings.theme, str(self._settings.path)
        if not wanted or wanted in self.available_themes:
            return wanted or fitting
        self._problem = (
            f"{where} names the theme {wanted!r}, which there is not; {key_of('app.palette')} has those that there are"
        )
        return fitting

    def on_mount(self) -> None:
        terminal = sys.__stdin__
        if not self.is_headless and terminal is not None and terminal.isatty():
            end_on_signals(lambda code: self.exit(return_code=code))
            end_without(terminal.fileno(), self._end_jobs)
        self.push_screen(RunsScreen(self.runs))
        if self._problem:
            self.notify(visible(self._problem), severity="warning", timeout=10, markup=False)
        if self._typed:
            self._take_what_was_typed()

    def _take_what_was_typed(self) -> None:
        """Before the app had the terminal, which was asked something meanwhile."""
        from textual._xterm_parser import XTermParser

        parser = XTermParser()
        for typed in (self._typed, ""):
            for message in parser.feed(typed):
                self.post_message(message)

    # ------------------------------------------------------------ how it ends

    def exit(self, result: None = None, return_code: int = 0, message: RenderableType | None = None) -> None:
        """Closes as soon as the screen that opens has opened: of one that is half made, Textual leaves out the parts
        that are missing and then fails over them."""
        if self._whole:
            super().exit(result, return_code, message)
        else:
            self.set_timer(_SOON, lambda: self.exit(result, return_code, message))

    async def _shutdown(self) -> None:
        while self._running and not self._whole:  # as `exit`, where whoever runs the app takes it down
            await asyncio.sleep(_SOON)
        if self._has_jobs:
            await asyncio.to_thread(self.jobs.end_all)
        await super()._shutdown()

    def _end_jobs(self) -> None:
        """Commands that the app runs end with it."""
        if self._has_jobs:
            self.jobs.end_all()

    @property
    def _has_jobs(self) -> bool:
        """Without loading what begins one."""
        return "jobs" in vars(self)

    async def action_quit(self) -> None:
        """Closes the app; asks where that would end something half-way."""
        if not self._has_jobs or not self.jobs.asked_before_leaving(self.exit):
            self.exit()

    async def on_event(self, event: events.Event) -> None:
        """What was typed behind the key that closes the app goes nowhere: there is no screen any more to ask."""
        if self.is_running or not isinstance(event, _FOR_SCREENS):
            await super().on_event(event)

    @property
    def _whole(self) -> bool:
        return all(screen.is_mounted for screen in self.screen_stack)

    # ------------------------------------------------------------ what a person can do

    @cached_property
    def jobs(self) -> JobDesk:
        """The commands that the app runs: verify, replay, export, import and remove."""
        from tui.screens.jobs.desk import JobDesk  # which the list does not wait for

        return JobDesk(self)

    def on_job_moved(self, message: JobMoved) -> None:
        """Shows it, or says that it ended."""
        self.jobs.moved(message.job)

    def point_at_run(self, name: str) -> None:
        """Puts the cursor of the list on a run, as soon as it is listed."""
        for screen in self.screen_stack:
            if isinstance(screen, RunsScreen):
                screen.point_at_run(name)

    async def open_run(self, root: Path) -> None:
        """Opens the screen of a run, and waits until it takes keys: the next ones may have been typed already."""
        from tui.screens.run import RunScreen  # with all that reads a record, which the list does not wait for

        await self.push_screen(RunScreen(root))

    async def new_run(self, source: RunSource | None = None) -> None:
        """Opens the form that starts a run; without a source it asks what to start from."""
        from tui.screens.start.form import StartScreen

        async def opened(root: Path | None) -> None:
            if root is not None:
                await self.open_run(root)

        await self.push_screen(StartScreen(self.runs, source), opened)

    async def clone_run(self, root: Path) -> None:
        """Opens the form on the configuration of a run."""
        await self.new_run(RunSource("run", root.name))

    def start_demo(self) -> None:
        """Starts the demo, as `dempo demo --detach`; one press is one run."""
        if self._making_demo:
            self.notify("the demo is being made already; its run appears in the list in a moment", markup=False)
            return
        self._making_demo = True
        self.notify("writing the simulated world, and starting a run on it …", markup=False)
        self._make_demo()

    @work(thread=True, group="act")
    def _make_demo(self) -> None:
        from tui.commands.starting.launch import launch

        try:
            self.post_message(Acted("demo", launch(DEMO.words((), None), self.runs), ""))
        except (DempoError, OSError) as error:
            self.post_message(Acted("demo", None, str(error)))

    def stop_run(self, root: Path) -> None:
        """Asks the run's engine to stop, after a confirmation; nothing works on somebody else's run."""
        if self.refused(root):
            return
        command = command_line("stop", root.name, runs=self.runs)
        question = (
            f"Stop {one_line(root.name, 60)} at the next safe point?\n"
            f"Everything finished is recorded, and {key_of('run.resume')} resumes from there."
        )

        def answered(yes: bool | None) -> None:
            if yes:
                self._act("stop", root)

        self.push_screen(ConfirmScreen(question, command), answered)

    def resume_run(self, root: Path) -> None:
        """Starts an engine on a run that has none, unless it is somebody else's."""
        if not self.refused(root):
            self._act("resume", root)

    def refused(self, root: Path) -> bool:
        """Whether the run came in a bundle; says what can be done with it all the same."""
        from storage.errors import StorageError
        from storage.record.foreign import refuse_imported

        try:
            refuse_imported(root)
        except StorageError as error:
            self.notify(visible(str(error)), severity="warning", timeout=10, markup=False)
            return True
        return False

    @work(thread=True, group="act")
    def _act(self, action: Literal["stop", "resume"], root: Path) -> None:
        """Acts in a thread: locks, files and new processes never stall the keys."""
        from storage.record.reader import Reader
        from tui.commands.runs import engine

        wrong = ""
        try:
            if action == "stop":
                engine.request_stop(root)
            else:
                wrong = resume_refused(root.name, Reader(root).status(), "")
                if not wrong:
                    engine.resume(root)
        except (DempoError, OSError) as error:
            wrong = str(error)
        self.post_message(Acted(action, root, wrong))

    def on_acted(self, message: Acted) -> None:
        """Says what was done, and the command that does the same."""
        name = message.root.name if message.root else ""
        if message.action == "demo":
            self._making_demo = False
        if message.error:
            self.notify(visible(message.error), severity="error", timeout=10, markup=False)
            return
        detached = ("--detach",) if message.action == "resume" else ()
        words = DEMO.words((), None) if message.action == "demo" else (message.action, name, *detached)
        command = command_line(*words, runs=self.runs)
        self.notify(f"{_DONE[message.action]}\n$ {visible(command)}", timeout=8, markup=False)

    def on_key(self, event: events.Key) -> None:
        """Gives an open input what was typed before it had the focus.

        A key goes to what has the focus when it arrives, so in a burst (a paste, a macro, a slow connection) the
        letters behind the key that opens a dialog go past it. An input takes its own letters: none of them comes here.
        """
        if isinstance(self.focused, Input) and event.is_printable and event.character:
            self.focused.insert_text_at_cursor(event.character)
            event.stop()

    def action_help(self) -> None:
        """The keys of what is looked at, and the signs."""
        self.push_screen(HelpScreen(list(self._places), getattr(self.screen, "tab", "")))

    @property
    def _places(self) -> dict[str, DOMNode]:
        """What takes keys now, by its name in the table of actions: the app, the screen, and what has the focus."""
        focused = self.focused.ancestors_with_self if self.focused else []
        return {node.place: node for node in (self, self.screen, *focused) if hasattr(node, "place")}

    def action_command_palette(self) -> None:
        """All that can be done here, by name."""
        if not isinstance(self.screen, ModalScreen):
            places = self._places
            found = [
                self._command(action, places[place])
                for action in ACTIONS
                for place in action.places
                if action.id != "app.palette" and place in places and _does(action, places[place])
            ]
            self._offer(found, "a command · Enter · Esc closes")

    def _command(self, action: Action, owner: DOMNode) -> Command:
        return Command(action.label, action.words, lambda: self.run_action(action.do, owner), action.key)

    def action_themes(self) -> None:
        """All themes by name."""

        def chosen(name: str) -> Callable[[], None]:
            return lambda: self._choose_theme(name)

        self._offer([Command(name, "", chosen(name)) for name in sorted(self.available_themes)], "a theme · Enter")

    def _choose_theme(self, name: str) -> None:
        self.theme = name
        if self._settings is not None:
            self._keep_theme(self._settings, name)

    @work(thread=True, group="settings")
    def _keep_theme(self, settings: AppSettings, name: str) -> None:
        """Has the next session begin with it."""
        if told := settings.keep_theme(name):
            self.call_from_thread(self.notify, visible(told), severity="warning", timeout=10, markup=False)

    def _offer(self, commands: Sequence[Command], hint: str) -> None:
        def answered(command: Command | None) -> None:
            if command is not None:
                self.call_later(command.do)

        self.push_screen(PaletteScreen(commands, hint), answered)

    # ------------------------------------------------------------ copies

    def copy_one_of(self, offered: Sequence[Copyable]) -> None:
        """Asks which, and copies it."""

        def answered(chosen: Copyable | None) -> None:
            if chosen is not None:
                self.copy_to_clipboard(chosen.text)

        if offered:
            self.push_screen(CopyScreen(offered), answered)
        else:
            self.notify("there is nothing to copy here", markup=False)

    def copy_to_clipboard(self, text: str) -> None:
        """To the terminal's clipboard, also through tmux, and always to a file; says so."""
        super().copy_to_clipboard(text)
        self._keep(text)

    @work(thread=True, group="copy")
    def _keep(self, text: str) -> None:
        path, tmux = keep_copy(text), give_to_tmux(text)
        where = ["the clipboard, if the terminal lets it", *(["tmux"] if tmux else []), *([str(path)] if path else [])]
        self.post_message(CopyKept(f"copied {len(text):,} characters: {', '.join(where)}"))

    def on_copy_kept(self, message: CopyKept) -> None:
        """Says where the copy lies."""
        self.notify(visible(message.told), markup=False)

    def action_interrupt(self) -> None:
        """Ctrl+C, which what is selected takes first, to copy it."""
        self.notify(f"nothing is selected to be copied; {key_of('app.quit')} closes the app", markup=False)

    # ------------------------------------------------------------ defects

    def _fatal_error(self) -> None:
        """Replaces Textual's traceback, which prints locals: tokens, prompts and answers among them."""
        error = self._exception
        path = write_crash_file(error) if error is not None else None
        where = f"An account without values lies in {path}." if path else "No account could be written."
        kind = type(error).__name__ if error is not None else "error"
        self.bell()
        self.panic(
            Text(f"dempo: the app ended because of a defect ({kind}). Runs and engines are not touched. {where}")
        )


def _does(action: Action, owner: DOMNode) -> bool:
    """Whether an action of the table is to be had now."""
    if not action.do:
        return False
    _, name, parameters = parse(action.do)
    return bool(owner.check_action(name, parameters))
