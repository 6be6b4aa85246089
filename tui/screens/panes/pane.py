"""What the tabs of a run have in common: each says what to read (in a thread) and how to show it."""

from __future__ import annotations

import sqlite3
from collections.abc import Hashable
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget

from core.facts.words import in_words
from core.visible import one_line
from storage.record.glances import skipped_why
from storage.record.reader import Reader
from tui.messages import Asked, Pulse
from tui.screens.copying import Copyable
from tui.widgets.lists.long_list import LongList
from tui.widgets.words import Words

UNSHOWABLE = (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, sqlite3.Error)
"""What a record that another program wrote, or damaged, can make a reading or a showing raise."""


BROAD = 150
"""Columns of a terminal in which what stands beneath other things elsewhere stands beside them."""


class Pane(Vertical):
    """One tab. `request` says what is asked for (a lottery, a page, …) and is handed to `read` as it is.

    `parts` are what it shows, from top to bottom.
    """

    key: ClassVar[str]
    """Names the tab in the table of actions."""
    turns: ClassVar[bool] = False
    """Whether [ and ] do something here."""
    flips: ClassVar[bool] = False
    """Whether `l` shows something else in place of a part of the tab."""
    plots: ClassVar[int] = 0
    """How many plots there may be: `z` shows one in place of all else."""

    def __init__(self) -> None:
        super().__init__(id=self.key)
        self.root = Path()
        """The folder of the run; its screen says which."""
        self.request: Hashable = None
        self.parts: tuple[Widget, ...] = ()
        self.listed: LongList | None = None
        """The list that / f o act on, if the tab has one."""

    def compose(self) -> ComposeResult:
        yield from self.parts

    @classmethod
    def read(cls, reader: Reader, request: Any) -> Any:
        """Everything that the tab shows, as a value. Runs in a thread and touches no widget."""
        raise NotImplementedError

    def show(self, found: Any) -> None:
        """Shows what `read` returned."""
        raise NotImplementedError

    def pulse(self, pulse: Pulse) -> None:
        """Called at every reading, also where no event was added."""

    def on_resize(self) -> None:
        """Fits the tab to its new width; what could not be shown is left alone: the line above the tabs says why."""
        self.set_class(self.app.size.width >= BROAD, "-broad")
        with suppress(*UNSHOWABLE):
            self.fit()

    def fit(self) -> None:
        """Shows again what depends on the width."""

    @property
    def front(self) -> Widget | None:
        """The list or text that arrow keys move: the first that is shown and takes them."""
        return next((widget for widget in self.query("*") if widget.focusable and self._shown(widget)), None)

    def _shown(self, widget: Widget) -> bool:
        parents = [parent for parent in widget.ancestors_with_self if isinstance(parent, Widget)]
        return all(parent.display for parent in parents[: parents.index(self)])

    def twin(self, run: str) -> tuple[str, ...]:
        """The words behind `dempo` that print what the tab shows."""
        return ("show", run)

    def copyable(self) -> tuple[Copyable, ...]:
        """What can be copied: the row under the cursor, its cells apart by tabs, or else the list or text in front."""
        front = self.front or next(filter(self._shown, self.query(LongList)), None)
        if isinstance(front, LongList):
            text = front.copied()
        else:
            text = "\n".join(words.plain for words in front.walk_children(Words)) if front is not None else ""
        return (Copyable("value", text),) if text else ()

    @property
    def can_turn(self) -> bool:
        """Whether there is another one now."""
        return self.turns

    def turn(self, by: int) -> None:
        """[ and ]: the previous or next lottery, draw or page."""

    def flip(self) -> None:
        """l: another view of the same thing, and back."""

    @property
    def zoomed(self) -> bool:
        """Whether one plot has the tab for itself."""
        return False

    def zoom(self) -> None:
        """z: the next plot in place of all else, and back."""

    def smooth(self, by: int) -> None:
        """+ and -: curves as means of more steps, or of fewer."""

    def alone(self) -> None:
        """a: the next condition alone, and all of them."""

    def shift(self, by: int) -> None:
        """← and →: an earlier or a later part of a zoomed plot."""

    def ask(self, request: Hashable) -> None:
        """Asks for something else to be read, soon."""
        if request != self.request:
            self.request = request
            self.post_message(Asked(self.key))


def skipped(reader: Reader, stage: str) -> str:
    """Why a tab stays empty: the sentence about a stage that was skipped, "" for one that was not."""
    why = skipped_why(reader, stage)
    return "" if why is None else f"the stage {stage} was skipped: {one_line(in_words(why), 300)}"
