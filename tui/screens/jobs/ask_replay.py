"""The dialog that asks which stages of a run are repeated: all that need no model, everything, or one."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from core.errors import DempoError
from core.visible import one_line, visible
from tui.actions.bindings import bindings_of
from tui.messages import StagesRead
from tui.screens.jobs.job import named
from tui.terminal.command_line import command_line
from tui.widgets.figures import duration
from tui.widgets.words import Words

_NOTE = (
    "Nothing is written. What trains, answers or asks models again takes about as long as it was recorded in, and "
    "needs the data, the model and what pip installs with dempo[train]."
)


class AskReplayScreen(ModalScreen[list[str] | None]):
    """Returns the options of `dempo replay`, or None."""

    place = "ask_replay"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(place)

    def __init__(self, root: Path, runs: Path, as_of: int | None) -> None:
        super().__init__()
        self._root, self._runs = root, runs
        self._as_of = [] if as_of is None else ["--as-of", str(as_of)]
        self._choices: list[tuple[str, str, list[str]]] = [
            ("what takes no model", "each stage that can be repeated here at once", []),
            ("everything", "also train, answer and judge again", ["--all"]),
        ]
        self._list = OptionList(*map(_option, self._choices), compact=True)
        self._twin = Words(classes="command")

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide form"):
            yield Words(f"Replay {one_line(self._root.name, 60)}", classes="heading")
            yield self._list
            yield self._twin
            yield Words(_NOTE, classes="hint")
            yield Words("Enter begins · Esc closes", classes="hint")

    def on_mount(self) -> None:
        self.set_focus(self._list)
        self._list.highlighted = 0
        self._show_twin()
        self._read()

    @work(thread=True, group="read")
    def _read(self) -> None:
        from storage.record.reader import Reader

        try:
            rows = Reader(self._root).view("stages")
        except (DempoError, OSError):
            rows = []  # replay itself says what is wrong
        stages = [
            (str(row["stage"]), str(row["replay"] or ""), row["seconds"])
            for row in rows
            if row["status"] not in ("waiting", "skipped")
        ]
        self.post_message(StagesRead(tuple(stages)))

    def on_stages_read(self, message: StagesRead) -> None:
        """Adds the stages that are recorded."""
        for name, grade, seconds in message.stages:
            took = f", recorded in {duration(seconds)}" if seconds is not None else ""
            self._choices.append((name, f"{grade}{took}", ["--stage", name]))
            self._list.add_option(_option(self._choices[-1]))

    @on(OptionList.OptionHighlighted)
    def _show_twin(self) -> None:
        name = named(self._root, self._runs)
        self._twin.say(f"$ {visible(command_line('replay', name, *self._words, runs=self._runs))}")

    @property
    def _words(self) -> list[str]:
        return [*self._choices[self._list.highlighted or 0][2], *self._as_of]

    @on(OptionList.OptionSelected)
    def begin(self, event: OptionList.OptionSelected) -> None:
        self.dismiss([*self._choices[event.option_index][2], *self._as_of])


def _option(choice: tuple[str, str, list[str]]) -> Option:
    name, words, _ = choice
    text = Text(f"{one_line(name, 20):<20}  ", no_wrap=True, overflow="ellipsis")
    return Option(text.append(one_line(words, 200), style="muted"))
