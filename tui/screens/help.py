"""The keys of the screen that is looked at, the others, and the signs, on one page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from tui.actions.action import Action
from tui.actions.bindings import bindings_of
from tui.actions.table import ACTIONS, actions_of, labelled
from tui.widgets.status import status
from tui.widgets.words import Words

STATES = (
    ("running", "an engine works on it now"),
    ("stopping", "asked to stop; ends at the next safe point"),
    ("completed", "all stages are recorded"),
    ("paused", "ended where --until said, or waits; the list says why"),
    ("stopped", "ended because somebody asked for it"),
    ("failed", "ended with an error; its sentence is on the overview"),
    ("interrupted", "the engine died; resume goes on from the last unit"),
    ("created", "no engine has worked on it yet"),
    ("not begun", "cut off while it was made; dempo remove removes it"),
    ("unreadable", "the record cannot be read; the list says why"),
    ("damaged", "its file was changed or broke; the list says where"),
    ("imported", "somebody else's run, checked at import; only to read"),
    ("unpacked", "somebody else's bundle, unzipped, checked by nobody"),
)

SIGNS = (
    ("◇", "simulated: its raters or judges are planted"),
    ("~6 min", "what is left of the stage, by estimate"),
    ("a ≈ b", "first is a, and the intervals of the two overlap"),
    ("✓ 42 3d", "checks that were ok when it was verified, and when"),
    ("✗ chain", "the first check that failed then"),
    ("42+", "events were recorded since; · is never verified"),
    ("disk 9 G", "free disk and free memory (RAM), in GiB"),
    ("GPU 60 %", "how busy it is; its memory in use, and all of it"),
)

_KEY, _WORD = 15, 15
"""Cells of the column of keys, and of that of the states."""


class HelpScreen(ModalScreen[None]):
    """Closed by Esc, q or the key that opened it.

    `places` are those that take keys where it was opened, `tab` the tab of a run that was looked at.
    """

    place = "help"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(place)

    def __init__(self, places: Sequence[str], tab: str = "") -> None:
        super().__init__()
        self._page = _page(places, tab)

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog wide help"):
            yield Words(self._page)


def _page(places: Sequence[str], tab: str) -> Text:
    text = Text()
    here = actions_of(*places, tab=tab)
    named = f" of the tab {labelled(f'tab.{tab}').label}" if tab else ""
    _listed(text, f"Keys here{named}", here)
    others = [action for action in ACTIONS if action not in here and {*action.places} & {"runs", "run"}]
    _listed(text, "Keys elsewhere", others)
    text.append("States of a run\n", style="bold")
    for word, what in STATES:
        sign = status(word)
        text.append("  ")
        text.append(sign)
        text.append(" " * (_WORD - len(sign.plain)))
        text.append(f"{what}\n")
    text.append("\nSigns in the list of runs\n", style="bold")
    for written, what in SIGNS:
        text.append(f"  {written:<{_WORD}}{what}\n")
    return text.append("\nEngines are processes of their own. This app reads records and never writes one.")


def _listed(text: Text, heading: str, actions: Iterable[Action]) -> None:
    text.append(f"{heading}\n", style="bold")
    for action in actions:
        if action.key:
            text.append(f"  {action.key:<{_KEY}}", style="accent")
            text.append(f"{action.label}: {action.words}\n")
    text.append("\n")
