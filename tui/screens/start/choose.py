"""What to start from: the examples, the demo, a run of this folder, or a file whose path is typed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from core.errors import DempoError, InputError
from core.visible import one_line, visible
from tui.actions.bindings import bindings_of
from tui.commands.data.shipped_examples import examples
from tui.commands.starting.source import DEMO, RunSource
from tui.screens.start.places import completions, expanded
from tui.widgets.pick_list import PickList
from tui.widgets.typed_line import TypedLine
from tui.widgets.words import Words

_KIND, _NAME = 8, 21


@dataclass(frozen=True)
class Offer:
    """A line of the list: what it is, its name, a few words; folders lead further and have no source."""

    kind: str
    name: str
    words: str
    source: RunSource | None


@dataclass
class _Known(Message):
    offers: Sequence[Offer]
    problem: str


@dataclass
class _Completed(Message):
    typed: str
    offers: Sequence[Offer]
    problem: str


class ChooseScreen(ModalScreen[RunSource | None]):
    """Returns what was chosen, or None where it was closed."""

    place = "choose"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(place)

    def __init__(self, runs: Path) -> None:
        super().__init__()
        self._runs = runs
        self._known: Sequence[Offer] | None = None
        self._enter_waits = False
        self._offered: Sequence[Offer] = ()
        self._typed = TypedLine(placeholder="a word, or the path of a configuration (TOML)", compact=True)
        self._list = PickList()
        self._about, self._problem = Words(id="about"), Words(id="problem")

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog start-from"):
            yield Words("Start a run from …", classes="heading")
            yield self._typed
            yield self._list
            yield self._about
            yield self._problem
            yield Words("↑ ↓ choose · Tab completes a path · Enter takes it · Esc closes", classes="hint")

    def on_mount(self) -> None:
        self.set_focus(self._typed)  # at once: a name may have been typed already
        self._problem.display = False
        self._gather()

    @work(thread=True, group="known")
    def _gather(self) -> None:
        self.post_message(_Known(*_known(self._runs)))

    def on__known(self, message: _Known) -> None:
        """Shows examples and runs, which were read in a thread."""
        self._known = message.offers
        self._say(message.problem)
        self.offer()
        if self._enter_waits:
            self.take()

    @on(Input.Changed)
    def offer(self) -> None:
        """Lists what fits what is typed; files are looked for in a thread."""
        typed = self._typed.value
        words = typed.casefold().split()
        fits = [
            offer for offer in self._known or () if all(w in f"{offer.name} {offer.words}".casefold() for w in words)
        ]
        self._show(sorted(fits, key=lambda offer: not offer.name.casefold().startswith(typed.casefold().strip())))
        if typed.strip():
            self._look_for(typed)

    @work(thread=True, group="files", exclusive=True)
    def _look_for(self, typed: str) -> None:
        found, problem = completions(typed)
        offers = [
            Offer("folder" if path.endswith("/") else "file", path, "", None if path.endswith("/") else _file(path))
            for path in found
        ]
        self.post_message(_Completed(typed, offers, problem))

    def on__completed(self, message: _Completed) -> None:
        """Files and folders behind the examples and runs; of what is no longer typed nothing is shown."""
        if message.typed == self._typed.value:
            self._say(message.problem)
            if message.offers:
                known = [offer for offer in self._offered if offer.kind not in ("file", "folder")]
                self._show([*known, *message.offers])

    def _show(self, offers: Sequence[Offer]) -> None:
        self._offered = offers
        self._list.clear_options()
        self._list.add_options(map(_option, offers))
        self._list.highlighted = 0 if offers else None
        self.tell()  # Textual says nothing where the cursor has no line any more

    def _say(self, problem: str) -> None:
        self._problem.display = bool(problem)
        self._problem.say(visible(problem))

    @on(Input.Submitted)
    def take(self) -> None:
        """What is typed, where that is a file; else the line under the cursor."""
        typed = self._typed.value.strip()
        if typed and expanded(typed).is_file():
            self.dismiss(_file(typed))
        elif self._known is None:
            self._enter_waits = True  # keys come faster than a disk may answer
        elif self._list.highlighted is not None:
            self._take(self._offered[self._list.highlighted])
        elif typed:
            self._say(f"there is no file {typed}, and no example or run is called so")

    @on(OptionList.OptionHighlighted)
    def tell(self) -> None:
        """The words of the line under the cursor in full: in the list they are cut off."""
        at = self._list.highlighted
        self._about.say(visible(self._offered[at].words) if at is not None and at < len(self._offered) else "")

    @on(OptionList.OptionSelected)
    def take_clicked(self, event: OptionList.OptionSelected) -> None:
        self._take(self._offered[event.option_index])

    def _take(self, offer: Offer) -> None:
        if offer.source is not None:
            self.dismiss(offer.source)
        else:
            self._typed.value = offer.name
            self._typed.cursor_position = len(offer.name)

    def action_complete(self) -> None:
        """Writes the path under the cursor into the line."""
        at = self._list.highlighted
        if at is not None and self._offered[at].kind in ("file", "folder"):
            self._typed.value = self._offered[at].name
            self._typed.cursor_position = len(self._typed.value)

    def action_move(self, how: str) -> None:
        """Moves the cursor of the list, whose keys the line above it would not pass on."""
        self._list.move(how)


def _known(runs: Path) -> tuple[list[Offer], str]:
    """The demo, the examples, and the runs of the folder, the newest first; and what could not be read."""
    from storage.record.run_folders import run_folders

    problem, offers = "", list[Offer]()
    try:
        for example in examples():
            if example.path.stem == "demo":
                offers.insert(0, Offer("demo", "demo", example.about, DEMO))
            else:
                offers.append(Offer("example", example.path.stem, example.about, _file(shortest(example.path))))
    except (InputError, OSError) as error:
        problem = str(error)
    try:
        found = list(run_folders(runs)) if runs.is_dir() else []
    except (DempoError, OSError) as error:
        return offers, "\n".join(filter(None, (problem, str(error))))
    return [*offers, *(Offer("run", root.name, "", RunSource("run", root.name)) for root in found)], problem


def shortest(path: Path) -> str:
    """A path as one would type it here: short where it lies below the current folder."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _file(path: str) -> RunSource:
    """A file as the source; the demo's own configuration has no world beside it, so it means the demo."""
    place = expanded(path)
    try:
        if any(place.samefile(example.path) and example.path.stem == "demo" for example in examples()):
            return DEMO
    except (InputError, OSError):
        pass  # which the form says when it reads the file
    return RunSource("file", str(place))


def _option(offer: Offer) -> Option:
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f"{offer.kind:<{_KIND}}", style="muted")
    text.append(f"{one_line(offer.name):<{_NAME}} ", style="bold")
    return Option(text.append(one_line(offer.words), style="muted"))
