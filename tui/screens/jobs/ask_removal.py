"""The dialog that says what would go with a run, and has its id typed before it goes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from core.errors import DempoError
from core.visible import one_line, visible
from tui.actions.bindings import bindings_of
from tui.messages import RemovalRead
from tui.screens.jobs.job import named
from tui.terminal.command_line import command_line
from tui.widgets.typed_line import TypedLine
from tui.widgets.words import Words

_SHORTEST = 3


def names_it(typed: str, name: str, others: Sequence[str]) -> bool:
    """Whether what was typed is the id of a run, or its end where no other run ends so."""
    if typed == name:
        return True
    return len(typed) >= _SHORTEST and name.endswith(typed) and not any(other.endswith(typed) for other in others)


class AskRemovalScreen(ModalScreen[list[str] | None]):
    """Returns the options of `dempo remove`, or None."""

    place = "ask_removal"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(place)

    def __init__(self, root: Path, runs: Path) -> None:
        super().__init__()
        self._root, self._runs = root, runs
        self._read_it: RemovalRead | None = None
        self._others: tuple[str, ...] = ()
        self._told = Words("…")
        self._typed = TypedLine(placeholder=one_line(root.name, 60), compact=True)
        self._reason = TypedLine(placeholder="may be empty", compact=True)
        self._twin, self._problem = Words(classes="command"), Words(id="problem")

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide form"):
            yield Words(f"Delete {one_line(self._root.name, 60)} for good", classes="heading")
            yield self._told
            yield Words("type its id, or the end of it that no other run has")
            yield self._typed
            yield Words("why, in words: registry.db keeps it")
            yield self._reason
            yield self._twin
            yield self._problem
            yield Words("Enter deletes · Tab goes to the next line · Esc closes", classes="hint")

    def on_mount(self) -> None:
        self.set_focus(self._typed)
        self._show_twin()
        self._read()

    @work(thread=True, group="read")
    def _read(self) -> None:
        from storage.record.run_folders import run_folders
        from storage.removal import removal_of

        try:
            goes = removal_of(self._root)
            self._others = tuple(root.name for root in run_folders(self._runs) if root.name != self._root.name)
        except (DempoError, OSError) as error:
            self.post_message(RemovalRead("", True, str(error)))
        else:
            self.post_message(RemovalRead(goes.told(), goes.begun, goes.engine))

    def on_removal_read(self, message: RemovalRead) -> None:
        """Shows what would go, or why nothing can."""
        self._read_it = message
        self._told.say(visible(f"{self._root}\n{message.told}" if message.told else str(self._root)))
        self._problem.say(visible(message.wrong))
        self._show_twin()

    @on(Input.Changed)
    def _show_twin(self) -> None:
        if self._read_it is None or not self._read_it.wrong:
            self._problem.say("")
        name = named(self._root, self._runs)
        self._twin.say(f"$ {visible(command_line('remove', name, *self._words, runs=self._runs))}")

    @property
    def _words(self) -> list[str]:
        reason = self._reason.value.strip()
        begun = self._read_it is None or self._read_it.begun
        return [*(["--yes"] if begun else []), *(["--reason", reason] if reason else [])]

    @on(Input.Submitted)
    def submit(self) -> None:
        """Only where the id was typed, and nothing stands against it."""
        found, typed = self._read_it, self._typed.value.strip()
        if found is None or found.wrong:
            return
        if names_it(typed, self._root.name, self._others):
            self.dismiss(self._words)
        elif not typed:
            self._problem.say("type the id of the run that goes")
        elif self._root.name.endswith(typed):
            self._problem.say("other runs end so too, or it is too short; type more of the id")
        else:
            self._problem.say(f"that is not the id of this run, nor the end of it: {one_line(typed, 60)}")
