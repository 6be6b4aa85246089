"""The list of commands (ctrl+p), and of themes: what is typed filters it, Enter takes the first.

Textual's own palette gathers its commands while it is shown, and ends the app where it is closed meanwhile. Here there
are a few, known when it opens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.fuzzy import Matcher
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from tui.actions.bindings import bindings_of
from tui.widgets.pick_list import PickList
from tui.widgets.typed_line import TypedLine


@dataclass(frozen=True)
class Command:
    """Something to do: its name, what it does in a few words (may be empty), how, and the key that does the same."""

    name: str
    words: str
    do: Callable[[], Any]
    key: str = ""


class PaletteScreen(ModalScreen[Command | None]):
    """Returns the command that was chosen, or None."""

    place = "palette"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(place)

    def __init__(self, commands: Sequence[Command], hint: str) -> None:
        super().__init__()
        self._commands = commands
        self._offered = list(commands)
        self._typed = TypedLine(placeholder=hint, compact=True)
        self._cells_of_name = max((len(command.name) for command in commands), default=0)
        self._cells_of_key = max((len(command.key) for command in commands), default=0)
        self._list = PickList(*map(self._option, commands))

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog palette"):
            yield self._typed
            yield self._list

    def on_mount(self) -> None:
        self.set_focus(self._typed)  # at once: a name may have been typed already
        self._list.highlighted = 0 if self._offered else None

    @on(Input.Changed)
    def offer(self) -> None:
        """Lists the commands that what was typed fits, best first."""
        typed = self._typed.value.strip()
        if typed:  # Textual fails over nothing but spaces
            matcher = Matcher(typed)
            fits = [(matcher.match(command.name), command) for command in self._commands]
            self._offered = [command for fit, command in sorted(fits, key=lambda pair: -pair[0]) if fit > 0]
        else:
            self._offered = list(self._commands)
        self._list.clear_options()
        self._list.add_options(map(self._option, self._offered))
        self._list.highlighted = 0 if self._offered else None

    @on(Input.Submitted)
    def take(self) -> None:
        """The command under the cursor."""
        if self._list.highlighted is not None:
            self.dismiss(self._offered[self._list.highlighted])

    @on(OptionList.OptionSelected)
    def take_clicked(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._offered[event.option_index])

    def action_move(self, how: str) -> None:
        """Moves the cursor of the list, whose keys the line above it would not pass on."""
        self._list.move(how)

    def _option(self, command: Command) -> Option:
        text = Text(f"{command.name:<{self._cells_of_name}}  ", no_wrap=True, overflow="ellipsis")
        text.append(f"{command.key:<{self._cells_of_key}}  " if self._cells_of_key else "", style="bold")
        return Option(text.append(command.words, style="muted"))
