"""The dialog that asks for a bundle to take in."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from core.visible import one_line, visible
from tui.actions.bindings import bindings_of
from tui.screens.jobs.path_suggester import PathSuggester
from tui.terminal.command_line import command_line
from tui.widgets.typed_line import TypedLine
from tui.widgets.words import Words


class AskImportScreen(ModalScreen[list[str] | None]):
    """Returns the path of the bundle, or None."""

    place = "ask_import"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(place)

    def __init__(self, runs: Path) -> None:
        super().__init__()
        self._runs = runs
        self._path = TypedLine(placeholder="path/to/run.zip", suggester=PathSuggester(".zip"), compact=True)
        self._twin, self._problem = Words(classes="command"), Words(id="problem")

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide"):
            yield Words("Import a bundle", classes="heading")
            yield Words("a zip that `dempo export` wrote (→ takes the suggestion)")
            yield self._path
            yield self._twin
            yield self._problem
            yield Words(
                f"It is checked by a process of its own and kept in {one_line(str(self._runs), 60)} only if nothing in "
                "it is wrong. It can be read, verified and cloned, never continued.",
                classes="hint",
            )
            yield Words("Enter imports · Esc closes", classes="hint")

    def on_mount(self) -> None:
        self.set_focus(self._path)  # at once: the path may have been typed already
        self._show_twin()

    @on(Input.Changed)
    def _show_twin(self) -> None:
        self._problem.say("")
        self._twin.say(f"$ {visible(command_line('import', *(self._words or ['BUNDLE']), runs=self._runs))}")

    @property
    def _words(self) -> list[str]:
        """A path that looks like an option is given as one of this folder."""
        typed = self._path.value.strip()
        path = str(Path(typed).expanduser()) if typed else ""
        return [f"./{path}" if path.startswith("-") else path] if path else []

    @on(Input.Submitted)
    def submit(self) -> None:
        """Refuses what is no file; all else the command says."""
        words = self._words
        wrong = "" if words else "give the path of a bundle"
        if words and not Path(words[0]).is_file():
            wrong = f"{words[0]} is a folder; name the zip in it" if Path(words[0]).is_dir() else f"no file {words[0]}"
        self._problem.say(visible(wrong))
        if not wrong:
            self.dismiss(words)
