"""The dialog that asks where a bundle is written, and what of the run stays out of it."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from core.errors import InputError
from core.visible import one_line, visible
from tui.actions.bindings import bindings_of
from tui.messages import ExportChecked
from tui.screens.jobs.job import named
from tui.screens.jobs.path_suggester import PathSuggester
from tui.terminal.command_line import command_line
from tui.widgets.typed_line import TypedLine
from tui.widgets.words import Words

_PARTS = (
    ("nothing", "texts, people, pairs and all are in it"),
    ("texts", "and what leads back to the source"),
    ("texts and people", "rows about people and types as well"),
)
"""What can be withheld."""

_LEAST_K = 2


class AskExportScreen(ModalScreen[list[str] | None]):
    """Returns the options of `dempo export`, or None."""

    place = "ask_export"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(place)

    def __init__(self, root: Path, runs: Path) -> None:
        super().__init__()
        self._root, self._runs = root, runs
        self._busy, self._default = False, ""
        self._to = TypedLine(suggester=PathSuggester(".zip"), compact=True, select_on_focus=False)
        options = [Option(f"{what:<18}{words}") for what, words in _PARTS]
        self._withheld = OptionList(*options, compact=True)
        self._k = TypedLine("5", compact=True, type="integer", max_length=6)
        self._k_line = Words("categories of fewer people than this are named in the bundle as rare")
        self._agent = TypedLine(placeholder="may be empty", compact=True)
        self._twin, self._problem = Words(classes="command"), Words(id="problem")

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide form"):
            yield Words(f"Export {one_line(self._root.name, 60)}", classes="heading")
            yield Words("to a file that is not there yet (→ takes the suggestion)")
            yield self._to
            yield Words("withhold (↑ ↓)")
            yield self._withheld
            yield self._k_line
            yield self._k
            yield Words("who answers for the run, as a name")
            yield self._agent
            yield self._twin
            yield self._problem
            yield Words("Enter exports · Tab goes to the next line · Esc closes", classes="hint")

    def on_mount(self) -> None:
        from storage.export.target import default_target

        self._default_target = default_target
        self._withheld.highlighted = 0
        self.set_focus(self._to)
        self._choose()

    @on(OptionList.OptionHighlighted)
    def _choose(self) -> None:
        """The usual name of the file follows what is withheld, unless a person has typed another one."""
        usual = str(self._default_target(self._root, self._chosen > 0))
        if self._to.value in ("", self._default):
            self._to.value = usual
        self._default = usual
        self._k.display = self._k_line.display = self._chosen == len(_PARTS) - 1
        self._show_twin()

    @property
    def _chosen(self) -> int:
        return self._withheld.highlighted or 0

    @on(Input.Changed)
    def _show_twin(self) -> None:
        self._problem.say("")
        name = named(self._root, self._runs)
        self._twin.say(f"$ {visible(command_line('export', name, *self._words, runs=self._runs))}")

    @property
    def _words(self) -> list[str]:
        to, agent = self._to.value.strip(), self._agent.value.strip()
        redaction = ([], ["--redact"], ["--k", self._k.value.strip()])[self._chosen]
        return ["--to", str(Path(to).expanduser()), *redaction, *(["--agent", agent] if agent else [])]

    @on(Input.Submitted)
    @on(OptionList.OptionSelected)
    def submit(self) -> None:
        """Looks whether the file can be written, in a thread: it may be on a disk that does not answer."""
        k = self._k.value.strip()
        if not self._to.value.strip():
            self._problem.say("name the file to write")
        elif self._chosen == len(_PARTS) - 1 and not (k.isdigit() and int(k) >= _LEAST_K):
            self._problem.say(f"give a number of people of {_LEAST_K} or more")
        elif not self._busy:
            self._busy = True
            self._check(Path(self._to.value.strip()).expanduser())

    @work(thread=True, group="check")
    def _check(self, target: Path) -> None:
        from storage.export.target import check_target

        wrong = ""
        try:
            check_target(target, force=False)
        except (InputError, OSError) as error:
            wrong = str(error)
        self.post_message(ExportChecked(wrong))

    def on_export_checked(self, message: ExportChecked) -> None:
        """Says what is wrong, or has it written."""
        self._busy = False
        self._problem.say(visible(message.wrong))
        if not message.wrong:
            self.dismiss(self._words)
