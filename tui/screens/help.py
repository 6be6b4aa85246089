"""Keys and signs on one page."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from tui.widgets.status import status
from tui.widgets.words import Words

KEYS = (
    ("↑ ↓ PgUp PgDn", "move in a list or a text; ← → in a wide list"),
    ("Enter", "open the run under the cursor"),
    ("Esc", "back: to now, to the list of runs; closes a dialog"),
    ("1 … 7", "tabs of a run"),
    ("Tab", "from a list to the text beside it, and back"),
    ("[ ]", "previous and next: lottery, draw, page"),
    ("v", "quotas: the levels of LEXIMIN instead, and back"),
    ("g", "record: go to an event by its number"),
    ("f", "record: only the events of a stage or kind"),
    (", .", "record: previous and next event"),
    ("t", "all tabs as of the event (, . g step on), and back"),
    ("n", "new run from a configuration"),
    ("s", "stop the run's engine at the next safe point"),
    ("r", "resume: start an engine on a run that has none"),
    ("Ctrl+P", "all commands, themes and a screenshot"),
    ("? F1", "this page"),
    ("q", "close the app; engines go on"),
)

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


class HelpScreen(ModalScreen[None]):
    """Closed by Esc, q or the key that opened it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark,f1", "dismiss", "Close")]

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog wide"):
            yield Words(_page())


def _page() -> Text:
    text = Text()
    text.append("Keys\n", style="bold")
    for keys, what in KEYS:
        text.append(f"  {keys:<15}", style="cyan")
        text.append(f"{what}\n")
    text.append("\nStates of a run\n", style="bold")
    for word, what in STATES:
        sign = status(word)
        text.append("  ")
        text.append(sign)
        text.append(" " * (15 - len(sign.plain)))
        text.append(f"{what}\n")
    text.append("\nEngines are processes of their own. This app reads records and never writes one.")
    return text
