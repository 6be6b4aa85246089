"""The form that starts a run: every value of its configuration, what it will take, and the command that does it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, cast

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import Screen
from textual.suggester import SuggestFromList
from textual.timer import Timer
from textual.widgets import Input

from core.errors import DempoError
from core.facts.stages import STAGE_NAMES
from core.visible import one_line, visible
from tui.actions.bindings import bindings_of
from tui.commands.starting.launch import launch
from tui.commands.starting.outlook import Outlook
from tui.commands.starting.outlook_process import OutlookProcess
from tui.commands.starting.source import RunSource
from tui.messages import Acted, FormRead, OutlookFound, ValueTried
from tui.screens.confirm import ConfirmScreen
from tui.screens.copying import Copyable
from tui.screens.palette import Command, PaletteScreen
from tui.screens.start.changes import Changes
from tui.screens.start.choose import ChooseScreen
from tui.screens.start.field_text import cells_of, column_widths, told_of_field
from tui.screens.start.outlook_text import outlook_text
from tui.terminal.command_line import command_line
from tui.widgets.keys_line import KeysLine
from tui.widgets.lists.long_list import LongList
from tui.widgets.lists.whole_list import WholeList
from tui.widgets.titlebar import TitleBar
from tui.widgets.typed_line import TypedLine
from tui.widgets.words import Words

if TYPE_CHECKING:
    from tui.app import DempoApp
    from tui.screens.start.field_rows import FieldRow
    from tui.screens.start.reading import FormReading

_TRIED_AFTER = 0.15
"""Seconds after the last key until a value is tried."""

_RESTED = 0.4
"""Seconds after the last change until what the run takes is worked out again."""


class StartScreen(Screen[Path | None]):
    """Returns the folder of the run that was started, or None."""

    place = "start"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(place)

    def __init__(self, runs: Path, source: RunSource | None = None) -> None:
        super().__init__()
        self._last_line = KeysLine()
        self._runs, self._source = runs, source
        self._changes, self._until = Changes(), ""
        self._state = 0
        self._reading: FormReading | None = None
        self._outlook: Outlook | None = None
        self._process = OutlookProcess()
        self._looking = self._starting = self._start_waits = False
        self._typing: Literal["", "find", "name", "value"] = ""
        self._key = ""
        self._only = ""
        self._tried: tuple[str, str] | None = None
        self._take_waits = False
        self._try_timer: Timer | None = None
        self._look_timer: Timer | None = None
        self._titlebar, self._from = TitleBar(), Words(id="start-from")
        self._fields, self._told = WholeList(id="fields"), Words(id="field-told")
        self._label, self._line = Words(id="line-label"), TypedLine(compact=True, select_on_focus=False, id="line")
        self._typed = Horizontal(self._label, self._line, id="typed")
        self._typed.display = False
        self._taken = Words(id="taken")
        self._taken_scroll = VerticalScroll(self._taken, id="taken-scroll")
        self._twin = Words(id="start-twin")

    def compose(self) -> ComposeResult:
        yield self._titlebar
        yield self._from
        with Horizontal(id="start-halves"):
            with Vertical(id="start-fields"):
                yield self._fields
                yield self._typed
                yield self._told
            yield self._taken_scroll
        yield self._twin
        yield self._last_line

    async def on_mount(self) -> None:
        self._titlebar.tell("new run")
        self.set_focus(self._fields)
        self._show_twin()
        if self._source is None:
            await self.action_choose()
        else:
            self._read_again()

    def on_unmount(self) -> None:
        self._process.close()

    def on_resize(self) -> None:
        self._show_rows()

    # ------------------------------------------------------------ reading and checking

    def _read_again(self) -> None:
        """Reads the values after a change, and has what they take worked out when they have rested."""
        if self._source is None:
            return
        self._state += 1
        self._outlook = None
        self._taken.say(Text("checking …", style="muted"))
        self._show_twin()
        self._read(self._state, self._source, self._changes.overrides)
        self._look_timer = self._after(self._look_timer, _RESTED, self._look_soon)

    def _after(self, timer: Timer | None, seconds: float, do: Callable[[], None]) -> Timer:
        """A timer in place of an earlier one."""
        if timer is not None:
            timer.stop()
        return self.set_timer(seconds, do)

    @work(thread=True, group="form")
    def _read(self, state: int, source: RunSource, overrides: tuple[str, ...]) -> None:
        from tui.screens.start.reading import read_form

        self.post_message(FormRead(state, read_form(source, overrides, self._runs)))

    def on_form_read(self, message: FormRead) -> None:
        """Shows the values, unless they have changed again."""
        if message.state == self._state:
            self._reading = message.reading
            self._show_rows()

    def _look_soon(self) -> None:
        if self._looking:
            self._process.give_up()
        elif self._source is not None:
            self._looking = True
            self._look(self._state, self._source, self._changes.overrides, self._until or None)

    @work(thread=True, group="outlook")
    def _look(self, state: int, source: RunSource, overrides: tuple[str, ...], until: str | None) -> None:
        self.post_message(OutlookFound(state, self._process.ask(source, overrides, until, self._runs)))

    def on_outlook_found(self, message: OutlookFound) -> None:
        """Shows what the run would take; asks again where the values have changed meanwhile."""
        self._looking = False
        if message.state != self._state or message.outlook is None:
            self._look_soon()
            return
        self._outlook = message.outlook
        self._taken.say(outlook_text(message.outlook))
        self._taken_scroll.scroll_home(animate=False)
        if self._start_waits:
            self._start_waits = False
            self.action_start()

    # ------------------------------------------------------------ showing

    def _show_rows(self) -> None:
        if self._reading is None:
            return
        widths = column_widths(self._fields.size.width or self.app.size.width)
        rows = [(row.key, cells_of(row, self._source, widths)) for row in self._shown_rows]
        self._fields.fill(("key", "value", "origin"), rows)
        self._show_field()

    @property
    def _shown_rows(self) -> list[FieldRow]:
        """The rows in whose key everything stands that is looked for; else those in whose words it does."""
        words = self._only.casefold().split()
        rows = self._reading.rows if self._reading else ()
        of_key = [row for row in rows if all(word in row.key.casefold() for word in words)]
        return of_key or [row for row in rows if all(word in f"{row.key} {row.told}".casefold() for word in words)]

    @property
    def _row(self) -> FieldRow | None:
        chosen = self._fields.chosen
        return next((row for row in self._reading.rows if row.key == chosen), None) if self._reading else None

    @on(LongList.Moved, "#fields")
    def _show_field(self) -> None:
        """What the field under the cursor means, and what is wrong with it."""
        if not self._typing:
            wrong = self._reading.wrong if self._reading and not self._reading.rows else ""
            self._told.say(told_of_field(self._row, wrong, self._only))

    def _show_twin(self) -> None:
        self._from.say(_from_line(self._source, self._until))
        self._twin.say(Text(f"$ {visible(self._command)}", overflow="fold"))

    @property
    def _words(self) -> list[str]:
        source = self._source or RunSource("file", "CONFIG")
        return source.words(self._changes.overrides, self._until or None)

    @property
    def _command(self) -> str:
        return command_line(*self._words, runs=self._runs)

    # ------------------------------------------------------------ typing: a value, a key, a word to find

    def action_edit(self) -> None:
        """Opens the line beneath the list on the value under the cursor; on an absent section, on a key of it."""
        row = self._row
        if row is None:
            return
        if row.kind == "section":
            begun = f"{row.key}." if row.inside != (row.key,) else row.key
            self._type("name", "key: ", begun, self._reading.keys if self._reading else ())
        elif not row.nameable:
            self.notify("--set cannot name a key with a dot in it; change it in a file", markup=False)
        else:
            self._edit(row.key, row.written, row.options)

    def _edit(self, key: str, value: str, options: tuple[str, ...] = ()) -> None:
        self._key, self._tried = key, None
        self._type("value", f"{one_line(key, 50)} = ", value, options)

    def action_find(self) -> None:
        """Narrows the list to the keys in which a word stands."""
        self._type("find", "find: ", self._only)

    def action_name(self) -> None:
        """Asks for a key, completed as it is typed."""
        self._type("name", "key: ", "", self._reading.keys if self._reading else ())

    def _type(
        self, what: Literal["find", "name", "value"], label: str, value: str, known: tuple[str, ...] = ()
    ) -> None:
        self._typing, self._take_waits = what, False
        self._label.say(label)
        self._line.suggester = SuggestFromList(known) if known else None
        with self.prevent(Input.Changed):
            self._line.value = value
        self._line.cursor_position = len(value)
        self._typed.display = True
        self.set_focus(self._line)
        self.refresh_bindings()
        self._on_typed()

    @on(Input.Changed, "#line")
    def _on_typed(self) -> None:
        self._take_waits = False
        if self._typing == "find":
            self._only = self._line.value
            self._show_rows()
            self._told.say(f"{len(self._shown_rows)} keys · Enter keeps them · Esc shows all")
        elif self._typing == "name":
            self._told.say(self._names())
        else:
            row = self._named(self._key)
            self._told.say(told_of_field(row, "", ""))
            self._try_timer = self._after(self._try_timer, _TRIED_AFTER, self._try_soon)

    def _names(self) -> Text:
        """The keys that begin as what is typed."""
        typed = self._line.value.strip()
        keys = [key for key in (self._reading.keys if self._reading else ()) if key.startswith(typed)]
        text = Text(f"{len(keys)} known · → completes · Enter gives it a value · Esc closes\n")
        return text.append(one_line("  ".join(keys), 400), style="muted")

    def _named(self, key: str) -> FieldRow | None:
        return next((row for row in self._reading.rows if row.key == key), None) if self._reading else None

    def _try_soon(self) -> None:
        if self._typing == "value" and self._source is not None:
            value = self._line.value
            self._try(self._source, self._key, value, self._changes.with_one(self._key, value))

    @work(thread=True, group="try")
    def _try(self, source: RunSource, key: str, value: str, overrides: tuple[str, ...]) -> None:
        from tui.screens.start.reading import wrong_with

        self.post_message(ValueTried(key, value, *wrong_with(source, overrides, key, self._runs)))

    def on_value_tried(self, message: ValueTried) -> None:
        """Says at the field what is wrong with its value, if it is still what stands there."""
        if self._typing != "value" or (message.key, message.value) != (self._key, self._line.value):
            return
        self._tried = (message.value, message.own)
        text = told_of_field(self._named(self._key), "", "")
        if message.own:
            text = Text(f"✗ {visible(message.own)}", style="bad")
        elif message.others:
            text = Text(f"! and then {visible(message.others)}", style="warning")
        elif message.value != self._before:
            text = Text("✓ ", style="good").append(text)
        self._told.say(text)
        if self._take_waits:
            self._take_value()

    @property
    def _before(self) -> str:
        row = self._named(self._key)
        return row.written if row is not None else ""

    @on(Input.Submitted, "#line")
    def _submitted(self) -> None:
        if self._typing == "value":
            self._take_value()
        elif self._typing == "name":
            key = self._line.value.strip()
            row = self._named(key)
            if not key:
                self._close_line()
            elif row is not None and row.kind == "value":
                self._edit(key, row.written, row.options)
            else:
                self._edit(key, "")
        else:
            self._close_line()

    def _take_value(self) -> None:
        """Takes the value, once it is tried; one that is wrong stays in the line with its sentence."""
        value = self._line.value
        if value == self._before and self._named(self._key) is not None:
            self._close_line()
        elif self._tried is None or self._tried[0] != value:
            self._take_waits = True
            self._try_soon()
        elif not self._tried[1]:
            self._changes.change(self._key, value)
            key = self._key
            self._close_line()
            self._read_again()
            self._fields.point_at(key)

    def _close_line(self) -> None:
        self._typing, self._take_waits = "", False
        self._typed.display = False
        self.set_focus(self._fields)
        self.refresh_bindings()
        self._show_field()

    # ------------------------------------------------------------ keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While one types, the letters are the line's."""
        return not self._typing or action == "leave"

    def action_copy(self) -> None:
        """Offers the value under the cursor, and the command."""
        row = self._row
        found = [Copyable("value", row.written)] if row is not None and row.written else []
        cast("DempoApp", self.app).copy_one_of([*found, Copyable("command", self._command)])

    def action_undo(self) -> None:
        """The last change is taken back."""
        if self._changes.undo():
            self._read_again()
        else:
            self.notify("nothing is changed", timeout=2, markup=False)

    def action_undo_all(self) -> None:
        """All changes are taken back; u takes that back in turn."""
        if self._changes.undo_all():
            self._read_again()
        else:
            self.notify("nothing is changed", timeout=2, markup=False)

    async def action_until(self) -> None:
        """Asks for the last stage."""

        def answered(command: Command | None) -> None:
            if command is not None:
                command.do()

        def chosen(stage: str) -> Command:
            return Command(stage or "all stages", "", lambda: self._stop_after(stage))

        stages = [chosen(stage) for stage in ("", *STAGE_NAMES)]
        await self.app.push_screen(PaletteScreen(stages, "the last stage · Enter"), answered)

    def _stop_after(self, stage: str) -> None:
        if stage != self._until:
            self._until = stage
            self._read_again()

    async def action_choose(self) -> None:
        """Asks what to start from; the changes stay, as far as the new configuration has their keys."""

        def chosen(source: RunSource | None) -> None:
            if source is None and self._source is None:
                self.dismiss(None)
            elif source is not None and source != self._source:
                self._source, self._reading, self._only = source, None, ""
                self._fields.go_to(0)
                self._read_again()

        await self.app.push_screen(ChooseScreen(self._runs), chosen)

    def action_leave(self) -> None:
        """Closes the line; else the form, which asks first where something was changed."""
        if self._typing:
            if self._typing == "find":
                self._only = ""
                self._show_rows()
            self._close_line()
        elif self._only:
            self._only = ""
            self._show_rows()
        elif self._starting:
            self.notify("the run is being made; a moment", timeout=2, markup=False)
        elif (self._changes.now or self._until) and self._source is not None:
            question = "Leave the form? Its changes are not kept."
            self.app.push_screen(ConfirmScreen(question, self._command), self._left)
        else:
            self.dismiss(None)

    def _left(self, yes: bool | None) -> None:
        if yes:
            self.dismiss(None)

    # ------------------------------------------------------------ starting

    def action_start(self) -> None:
        """Starts the run once it is known that it can be; one press is one run."""
        if self._starting or self._source is None:
            return
        if self._outlook is None:
            self._start_waits = True
            self._taken.say(Text("checking … and then starting", style="muted"))
        elif self._outlook.refused:
            self._taken.say(outlook_text(self._outlook))
            self.notify("it cannot be started as it is; the reason stands on the form", severity="error", markup=False)
        else:
            self._starting = True
            self._taken.say(Text("making the run and starting its engine …", style="muted"))
            self._launch(self._words)

    @work(thread=True, group="act")
    def _launch(self, words: list[str]) -> None:
        try:
            self.post_message(Acted("start", launch(words, self._runs), ""))
        except (DempoError, OSError) as error:
            self.post_message(Acted("start", None, str(error)))

    def on_acted(self, message: Acted) -> None:
        """Shows why the run was not started, with everything as it was typed; or opens it."""
        message.stop()
        self._starting = False
        if message.root is None:
            self._outlook = Outlook(message.error)
            self._taken.say(outlook_text(self._outlook))
            return
        told = "run started; its engine goes on when the app closes"
        self.app.notify(f"{told}\n$ {visible(self._command)}", timeout=8, markup=False)
        for note in self._outlook.notes if self._outlook else ():
            self.app.notify(f"note: {visible(note)}", severity="warning", timeout=15, markup=False)
        self.dismiss(message.root)


def _from_line(source: RunSource | None, until: str) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append("from ", style="muted")
    if source is None:
        return text.append("…")
    what = {"file": "", "run": "run ", "demo": "the demo, world "}[source.kind]
    text.append(one_line(f"{what}{source.name}", 200), style="bold")
    text.append("  until ", style="muted").append(until or "all stages", style="bold")
    return text
