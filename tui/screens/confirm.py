"""A question with yes and no."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button

from core.visible import visible
from tui.actions.bindings import bindings_of
from tui.widgets.words import Words


class ConfirmScreen(ModalScreen[bool]):
    """Asks before something is done, and shows the command that does the same."""

    place = "confirm"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(place)

    def __init__(self, question: str, command: str) -> None:
        super().__init__()
        self._question = question
        self._command = command
        self._no = Button("No (n)", id="no", compact=True)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Words(self._question)
            yield Words(f"$ {visible(self._command)}", classes="command")
            with Horizontal(classes="buttons"):
                yield Button("Yes (y)", id="yes", variant="warning", compact=True)
                yield self._no

    def on_mount(self) -> None:
        self._no.focus()

    @on(Button.Pressed)
    def pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")
