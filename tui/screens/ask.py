"""A dialog of one line: what is asked for, and the sentence where the answer is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.suggester import SuggestFromList
from textual.widgets import Input

from core.visible import visible
from tui.actions.bindings import bindings_of
from tui.widgets.typed_line import TypedLine
from tui.widgets.words import Words

_LONGEST = 60


class AskScreen(ModalScreen[str | None]):
    """Returns what was typed, without spaces around it, or None where it was closed.

    `wrong` returns the sentence that says why an answer cannot be taken, or "".
    """

    place = "ask"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(place)

    def __init__(
        self,
        heading: str,
        hint: str,
        wrong: Callable[[str], str],
        value: str = "",
        suggestions: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self._heading = heading
        self._hint = hint
        self._wrong = wrong
        suggester = SuggestFromList(suggestions)
        self._answer = TypedLine(value, id="answer", max_length=_LONGEST, suggester=suggester, compact=True)
        self._problem = Words(id="problem")

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Words(self._heading, classes="heading")
            yield self._answer
            yield self._problem
            yield Words(self._hint, classes="hint")

    def on_mount(self) -> None:
        self.set_focus(self._answer)  # at once: the answer may have been typed already

    @on(Input.Submitted)
    def submit(self) -> None:
        answer = self._answer.value.strip()
        sentence = self._wrong(answer)
        self._problem.say(visible(sentence))
        if not sentence:
            self.dismiss(answer)
