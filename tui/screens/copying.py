"""The dialog that copies something of a screen: what there is, each with its key and its beginning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from core.visible import one_line
from tui.actions.bindings import bindings_of
from tui.actions.table import labelled
from tui.widgets.words import Words

_BEGINNING = 54
"""Cells of what is offered that stand beside its name."""


@dataclass(frozen=True)
class Copyable:
    """Something that can be copied: `what` is value, hash, command or path, as the actions of this dialog name it."""

    what: str
    text: str

    @property
    def key(self) -> str:
        return labelled(f"copy.{self.what}").keys


class CopyScreen(ModalScreen[Copyable | None]):
    """Returns what was chosen, or None."""

    place = "copy"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(place)

    def __init__(self, offered: Sequence[Copyable]) -> None:
        super().__init__()
        self._offered = list(offered)
        self._list = OptionList(*map(_option, self._offered), compact=True)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide"):
            yield Words("Copy", classes="heading")
            yield self._list
            yield Words("the key, or Enter · Esc closes", classes="hint")

    def on_mount(self) -> None:
        self.set_focus(self._list)
        self._list.highlighted = 0

    @on(OptionList.OptionSelected)
    def take_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._offered[event.option_index])

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what there is has a key."""
        return action != "take" or parameters[0] in [one.key for one in self._offered]

    def action_take(self, key: str) -> None:
        self.dismiss(next(one for one in self._offered if one.key == key))


def _option(one: Copyable) -> Option:
    action = labelled(f"copy.{one.what}")
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f"{action.key}  ", style="bold").append(f"{action.label:<9}")
    return Option(text.append(one_line(one.text, _BEGINNING), style="muted"))
