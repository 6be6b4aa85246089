"""A list of any length of which only the rows in sight are read and painted."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Container, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.actions.table import key_of
from tui.widgets.lists.columns import Cells, Columns

PAGE = 100
"""Rows that are asked for at once, at most."""

_HELD = 2_000
"""Rows that are kept; of more, those that were longest out of sight are read again."""

_SIDEWAYS = 8
"""Cells that ← and → go."""


def _unread(key: Hashable) -> Cells:
    return [Text("…")]


@dataclass(frozen=True)
class Order:
    """By which column a list is sorted, named by its heading, and from which end."""

    column: str
    descending: bool = False

    def __str__(self) -> str:
        return f"{self.column} {'↓' if self.descending else '↑'}"


class LongList(ScrollView, can_focus=True):
    """A scrollbar over the keys of all rows, a cursor that stays on its key, and cells of the rows that were given.

    Use: `index` says which rows there are, in order, as a sequence of keys (a `range` costs nothing). Rows that come
    into sight and are not held are asked for with `Wanted`, at most PAGE at a time; whoever gets the message reads them
    in a thread and answers with `give`. Until then a row is what `unread` makes of its key. Where all rows are
    at hand, `WholeList` is this list with `fill`.

    `only` and `order` are the filter and the order that a person chose (f and o); `Rearranged` says that they changed,
    and the keys have to be read anew. `Sought` asks for the keys of all rows that hold a text; `found` answers it.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"longlist--header", "longlist--cursor"}
    ALLOW_SELECT = False

    DEFAULT_CSS = """
    LongList {
        height: 1fr;
        background: $surface;
        color: $foreground;
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 1;
        & > .longlist--header { background: $panel; color: $foreground; text-style: bold; }
        & > .longlist--cursor {
            background: $block-cursor-blurred-background;
            color: $block-cursor-blurred-foreground;
            text-style: $block-cursor-blurred-text-style;
        }
        &:focus > .longlist--cursor {
            background: $block-cursor-background;
            color: $block-cursor-foreground;
            text-style: $block-cursor-text-style;
        }
        &:nocolor > .longlist--cursor { text-style: reverse; }
    }
    """

    class About(Message):
        """What the messages of a list have in common."""

        def __init__(self, about: LongList) -> None:
            super().__init__()
            self.list = about

        @property
        def control(self) -> LongList:
            """The list, for `@on(…, "#id")`."""
            return self.list

    class Moved(About):
        """The cursor is on another row (`chosen`), or on the first there is."""

    class Clicked(About):
        """A row was clicked: this one, wherever the cursor is by now. Enter belongs to the screen."""

        def __init__(self, about: LongList, key: Hashable) -> None:
            super().__init__(about)
            self.key = key

    class Wanted(About):
        """Rows are in sight that are not held; they have to be answered with `give`, also where nothing is found."""

        def __init__(self, about: LongList, keys: Sequence[Hashable]) -> None:
            super().__init__(about)
            self.keys = keys

    class Rearranged(About):
        """A person chose another filter (`only`) or order."""

    class Sought(About):
        """A person looks for a text; `found` wants the keys of the rows that hold it."""

        def __init__(self, about: LongList, text: str) -> None:
            super().__init__(about)
            self.text = text

    def __init__(
        self,
        *,
        id: str | None = None,
        fixed: int = 0,
        show_cursor: bool = True,
        keeps_colours: bool = False,
        unread: Callable[[Hashable], Cells] = _unread,
    ) -> None:
        """
        Args:
            unread: makes cells of the key of a row that is not read yet.
            fixed: columns at the left that stay where they are.
            keeps_colours: whether cells keep their colours of letters under the cursor.
        """
        super().__init__(id=id)
        self.fixed = fixed
        self.sought = ""
        """The text that was looked for last."""
        self.only = ""
        self.order: Order | None = None
        self.suggestions: Sequence[str] = ()
        """What the filter may be, beside others."""
        self.filter_heading, self.filter_hint = "Only rows that show this text", ""
        self._unread = unread
        self._show_cursor, self._keeps_colours = show_cursor, keeps_colours
        self._columns = Columns()
        self._keys: Sequence[Hashable] = ()
        self._rows: OrderedDict[Hashable, Cells | None] = OrderedDict()
        self._asked: Sequence[Hashable] = ()
        self._cursor = 0
        self._told: Hashable = None
        self._at_hand = 0

    def allow_focus(self) -> bool:
        """Without a cursor, only where a part of the list is out of sight."""
        return self._show_cursor or self.max_scroll_y > 0 or self.max_scroll_x > 0

    # ------------------------------------------------------------ what is listed

    @property
    def keys(self) -> Sequence[Hashable]:
        """The keys of all rows, in order."""
        return self._keys

    @property
    def chosen(self) -> Hashable | None:
        """Key of the row under the cursor."""
        return self._keys[self._cursor] if self._cursor < len(self._keys) else None

    @property
    def cursor_row(self) -> int:
        """Place of the cursor."""
        return self._cursor

    @property
    def headings(self) -> Sequence[str]:
        return self._columns.headings

    @property
    def sortable(self) -> Sequence[str]:
        """The columns by which the rows can be sorted."""
        return [heading.removeprefix(">") for heading in self.headings if heading.removeprefix(">")]

    def index(
        self,
        headings: Sequence[str],
        keys: Sequence[Hashable],
        follow: bool = False,
        known: Mapping[Hashable, Cells] | None = None,
    ) -> None:
        """Says which rows there are. What is looked at stays where it is, though rows come before it.

        `follow` keeps a cursor that is on the first row there, for lists whose newest row comes first; `known` are
        cells that need not be wanted any more, so that what follows is painted once and not first as unread.
        """
        others = self._columns.head(headings)
        if others:
            self._rows.clear()
        if known:
            self._columns.widen(known.values())
            for key, cells in known.items():
                self._hold(key, cells)
        if keys != self._keys:
            self._replace(keys, follow and self._cursor == 0)
        elif others:
            self.refresh()
        self._measure()
        self._ask()
        self._tell()

    def give(self, keys: Sequence[Hashable], rows: Mapping[Hashable, Cells]) -> None:
        """Cells of the rows that were wanted; those that are missing are not asked for again until others were."""
        if keys == self._asked:
            self._asked = ()
        changed = [key for key in keys if key not in self._rows or self._rows[key] != rows.get(key)]
        for key in keys:
            self._hold(key, rows.get(key))
        if changed:
            self._columns.widen(rows.values())
            self._measure()
            self.refresh()
        self._ask()

    def forget(self) -> None:
        """Drops the cells of all rows: what they show has changed, or those that were missing may be there now."""
        self._rows.clear()
        self._asked = ()
        self._ask()

    def _hold(self, key: Hashable, cells: Cells | None) -> None:
        self._rows[key] = cells
        self._rows.move_to_end(key)
        while len(self._rows) > _HELD:
            self._rows.popitem(last=False)

    def _replace(self, keys: Sequence[Hashable], first: bool) -> None:
        chosen, before, sight = self.chosen, self._cursor, self.sight
        anchor = before if before in sight else sight.start
        key, offset = (self._keys[anchor] if sight else None), round(self.scroll_y)
        self._keys = keys
        place = 0 if first or chosen is None else _place(keys, chosen)
        self._cursor = min(before, max(0, len(keys) - 1)) if place is None else place
        self._measure()
        if first or key is None:
            self._scroll(0 if first else offset)
        else:
            now = _place(keys, key)
            self._scroll(offset if now is None else offset + now - anchor)
        self.refresh()

    def _measure(self) -> None:
        """Says to Textual how large the whole list is."""
        size = Size(self._columns.width(), len(self._keys) + 1 if self.headings else 0)
        if size != self.virtual_size:
            self.virtual_size = size

    # ------------------------------------------------------------ asking for rows

    @property
    def sight(self) -> range:
        """Places of the rows in sight."""
        top = min(round(self.scroll_y), len(self._keys))
        return range(top, min(top + self._room, len(self._keys)))

    @property
    def _room(self) -> int:
        """Rows that the list shows beneath its headings."""
        return max(0, self.size.height - self.scrollbar_size_horizontal - 1)

    def _ask(self) -> None:
        """Asks for the next rows in sight that are not held, and for those behind them in the direction one goes."""
        if self._asked or not self.is_attached:
            return
        sight = self.sight
        missing = [place for place in sight if self._keys[place] not in self._rows]
        if not missing:
            return
        upwards = missing[0] == sight.start and missing[-1] != sight.stop - 1
        first = max(0, missing[-1] - PAGE + 1) if upwards else missing[0]
        page = (self._keys[place] for place in range(first, min(first + PAGE, len(self._keys))))
        self._asked = [key for key in page if key not in self._rows]
        self.post_message(self.Wanted(self, self._asked))

    # ------------------------------------------------------------ the cursor

    def point_at(self, key: Hashable) -> bool:
        """Puts the cursor on the row with this key; False where there is none."""
        place = _place(self._keys, key)
        if place is not None:
            self.go_to(place)
        return place is not None

    def go_to(self, place: int) -> None:
        """Puts the cursor on a row by its place, or on the last where there are not so many."""
        if self._keys:
            before, self._cursor = self._cursor, max(0, min(place, len(self._keys) - 1))
            if before != self._cursor and self._show_cursor:
                self.refresh_line(before + 1)
                self.refresh_line(self._cursor + 1)
            self._reveal()
            self._tell()

    def _reveal(self) -> None:
        top, room = round(self.scroll_y), self._room
        if self._cursor < top:
            self._scroll(self._cursor)
        elif room and self._cursor >= top + room:
            self._scroll(self._cursor - room + 1)

    def _scroll(self, y: int) -> None:
        if y != self.scroll_y:
            self.scroll_to(y=y, animate=False, force=True)

    def _tell(self) -> None:
        if self._show_cursor and self.chosen != self._told:
            self._told = self.chosen
            self.post_message(self.Moved(self))

    def _step(self, by: int) -> None:
        """By so many rows: the cursor, or what is in sight where there is none."""
        if self._show_cursor:
            self.go_to(self._cursor + by)
        else:
            self._scroll(max(0, round(self.scroll_y) + by))

    def action_scroll_up(self) -> None:
        self._step(-1)

    def action_scroll_down(self) -> None:
        self._step(1)

    def action_page_up(self) -> None:
        self._step(-max(1, self._room))

    def action_page_down(self) -> None:
        self._step(max(1, self._room))

    def action_scroll_home(self) -> None:
        self._step(-len(self._keys))

    def action_scroll_end(self) -> None:
        self._step(len(self._keys))

    def action_scroll_left(self) -> None:
        self.scroll_to(x=max(0, self.scroll_x - _SIDEWAYS), animate=False)

    def action_scroll_right(self) -> None:
        self.scroll_to(x=self.scroll_x + _SIDEWAYS, animate=False)

    def on_click(self, event: events.Click) -> None:
        """The row under the mouse."""
        at = event.get_content_offset(self)
        place = round(self.scroll_y) + at.y - 1 if at is not None and at.y else len(self._keys)
        if place < len(self._keys) and self._show_cursor:
            event.stop()
            self.go_to(place)
            self.post_message(self.Clicked(self, self._keys[place]))

    # ------------------------------------------------------------ looking for a row

    def seek(self, text: str) -> None:
        """Goes to the next row that holds a text, once it is found."""
        self.sought = text
        if text:
            self.post_message(self.Sought(self, text))

    def found(self, text: str, keys: Container[Hashable]) -> None:
        """Goes to the next row behind the cursor that is one of these; behind the last one, to the first."""
        count = len(self._keys)
        behind = (place % count for place in range(self._cursor + 1, self._cursor + 1 + count))
        place = next((place for place in behind if self._keys[place] in keys), None)
        if place is None:
            self.notify(f"nothing here holds {text!r}", timeout=4, markup=False)
            return
        if place <= self._cursor:
            only = place == self._cursor
            told = "no other row holds it" if only else "from the top again"
            self.notify(f"{text!r}: {told}", timeout=3, markup=False)
        self.go_to(place)

    def narrow(self, only: str) -> None:
        """Lists only the rows of a filter; "" lists all."""
        if only != self.only:
            self.only = only
            self.post_message(self.Rearranged(self))

    def sort_by(self, order: Order | None) -> None:
        """Lists the rows in another order; None: as they are recorded."""
        if order != self.order:
            self.order = order
            self.post_message(self.Rearranged(self))

    @property
    def said(self) -> str:
        """What is filtered and sorted, for the line above the list; "" where nothing is."""
        parts = [
            f"only {self.only} ({key_of('list.filter')})" if self.only else "",
            f"by {self.order} ({key_of('list.sort')})" if self.order else "",
        ]
        return ", ".join(filter(None, parts))

    def copied(self) -> str:
        """The row under the cursor, its cells apart by tabs; of a list without one, the headings and all rows held."""
        if self._show_cursor:
            return _tabbed(self._rows.get(self.chosen) or ())
        held = [self._rows.get(key) or () for key in self._keys]
        return "\n".join(map(_tabbed, [self._columns.titles(), *held]))

    # ------------------------------------------------------------ painting

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._ask()

    def watch_show_horizontal_scrollbar(self) -> None:
        """Its line is one row less, of which no `Resize` tells."""
        self.on_resize()

    def on_resize(self) -> None:
        """The cursor stays in sight, where it was before."""
        top = round(self.scroll_y)
        if not self._at_hand or top <= self._cursor < top + self._at_hand:
            self._reveal()
        self._at_hand = self._room
        self._ask()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if not self.headings or not width:
            return Strip.blank(width, self.rich_style)
        if y == 0:
            return self._cut(self._columns.titles(), self.get_component_rich_style("longlist--header"))
        place = y - 1 + round(self.scroll_y)
        if place >= len(self._keys):
            return Strip.blank(width, self.rich_style)
        cells = self._cells(self._keys[place])
        if self._show_cursor and place == self._cursor:
            return self._cut(cells, self.get_component_rich_style("longlist--cursor"), not self._keeps_colours)
        return self._cut(cells, self.rich_style)

    def _cells(self, key: Hashable) -> Cells:
        cells = self._rows.get(key)
        if cells is None:
            return self._unread(key)
        self._rows.move_to_end(key)
        return cells

    def _cut(self, cells: Cells, style: Style, over: bool = False) -> Strip:
        """The part of a row that is in sight, with the columns at the left that stay."""
        width, left = self.size.width - self.scrollbar_size_vertical, round(self.scroll_x)
        line = self._columns.line(cells, style, self.app.console, over)
        stays = self._columns.width(self.fixed) if self.fixed else 0
        if not stays or not left or 2 * stays > width:  # of a narrow terminal nothing would be left
            return line.crop_extend(left, left + width, style).simplify()
        parts = [line.crop(0, stays), line.crop_extend(stays + left, left + width, style)]
        return Strip.join(parts).simplify()


def _place(keys: Sequence[Any], key: Hashable) -> int | None:
    try:
        return keys.index(key)
    except ValueError:
        return None


def _tabbed(cells: Cells) -> str:
    return "\t".join(cell.plain.strip() for cell in cells)
