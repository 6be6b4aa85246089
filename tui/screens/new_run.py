"""The dialog that starts a run: a configuration, changes to it, and the sentence where it is wrong."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.suggester import SuggestFromList
from textual.widgets import Input

from core.errors import DempoError, InputError
from core.visible import visible
from tui.actions.bindings import bindings_of
from tui.commands.data.shipped_examples import examples
from tui.messages import Acted
from tui.terminal.command_line import run_command
from tui.widgets.words import Words


def _examples() -> list[str]:
    """Paths of the shipped examples, short where they lie below the current folder; none where they are missing."""
    here = Path.cwd()
    try:
        found = [example.path for example in examples()]
    except InputError:
        return []
    return [str(path.relative_to(here) if path.is_relative_to(here) else path) for path in found]


class NewRunScreen(ModalScreen[Path | None]):
    """Returns the folder of the run that was started, or None."""

    place = "new"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(place)

    def __init__(self, runs: Path) -> None:
        super().__init__()
        self._runs = runs
        self._busy = False
        examples = _examples()
        self._config = Input(
            id="config",
            placeholder=examples[0] if examples else "path/to/config.toml",
            suggester=SuggestFromList(examples),
            compact=True,
            select_on_focus=False,
        )
        changes = "run.seed=7 train.steps=50"
        self._changes = Input(id="overrides", placeholder=changes, compact=True, select_on_focus=False)
        self._twin, self._problem = Words(id="twin", classes="command"), Words(id="problem")

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide"):
            yield Words("New run", classes="heading")
            yield Words("configuration (a TOML file; → takes the suggestion)")
            yield self._config
            yield Words("changes, separated by spaces (may be empty)")
            yield self._changes
            yield self._twin
            yield self._problem
            yield Words("Enter starts the run · Esc closes", classes="hint")

    def on_mount(self) -> None:
        self._config.focus()
        self._show_twin()

    @on(Input.Changed)
    def _show_twin(self) -> None:
        """The same as a command, while one types."""
        config = self._config.value.strip() or "CONFIG"
        try:
            command = run_command(config, self._overrides(), self._runs)
        except InputError as error:
            command = f"dempo run {config} … ({error})"
        self._twin.say(f"$ {visible(command)}")

    def _overrides(self) -> list[str]:
        try:
            return shlex.split(self._changes.value)
        except ValueError as error:
            raise InputError(f"the changes cannot be read: {error}") from error

    @on(Input.Submitted)
    def submit(self) -> None:
        """Checks and starts in a thread; one press is one run."""
        config = self._config.value.strip()
        if self._busy:
            return
        if not config:
            self._say("give the path of a configuration; `dempo examples` has some")
            return
        try:
            overrides = self._overrides()
        except InputError as error:
            self._say(str(error))
            return
        self._busy = True
        self._say("checking …")
        self._start(Path(config).expanduser(), overrides)

    @work(thread=True, group="act")
    def _start(self, config: Path, overrides: list[str]) -> None:
        from tui.commands.runs import engine

        try:
            root = engine.start(config, overrides, self._runs)
        except (DempoError, OSError, UnicodeDecodeError) as error:
            self.post_message(Acted("start", None, str(error)))
        else:
            self.post_message(Acted("start", root, ""))

    def on_acted(self, message: Acted) -> None:
        """Shows why the run was not started, or opens it."""
        message.stop()
        self._busy = False
        if message.error or message.root is None:
            self._say(message.error)
            return
        command = run_command(self._config.value.strip(), self._overrides(), self._runs)
        self.app.notify(
            f"run started; its engine goes on when the app closes\n$ {visible(command)}", timeout=8, markup=False
        )
        self.dismiss(message.root)

    def _say(self, sentence: str) -> None:
        self._problem.say(visible(sentence))
