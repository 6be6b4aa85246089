"""The list of any length: what it reads, where its cursor stays, and what it shows."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.style import Style
from rich.text import Text
from test_app import shown
from textual import events
from textual.app import App, ComposeResult
from textual.color import Color
from textual.pilot import Pilot
from textual.scrollbar import ScrollBar

from tui.look.scrollbars import ShortScrollBar
from tui.widgets.figures import left, right
from tui.widgets.lists.columns import Columns
from tui.widgets.lists.long_list import PAGE, LongList, Order
from tui.widgets.lists.whole_list import Row, WholeList

HEADINGS = [">event", "kind"]


def cells(key: Hashable) -> list[Text]:
    return [right(f"{key:,}"), left(f"kind {key}")]


class Paged(App[None]):
    """A list of numbers; rows are given as soon as they are wanted, unless they are held back."""

    def __init__(self, keys: Sequence[int], **more: Any) -> None:
        super().__init__(css_path=Path(__file__).resolve().parents[1] / "tui" / "app.tcss")
        self.list, self._first = LongList(id="long", **more), keys
        self.read: list[Sequence[Hashable]] = []
        self.told: list[str] = []
        self.withheld: set[Hashable] = set()

    def compose(self) -> ComposeResult:
        yield self.list

    def on_mount(self) -> None:
        self.list.index(HEADINGS, self._first)
        self.list.focus()

    def on_long_list_wanted(self, message: LongList.Wanted) -> None:
        self.read.append(message.keys)
        self.list.give(message.keys, {key: cells(key) for key in message.keys if key not in self.withheld})

    def on_long_list_moved(self) -> None:
        self.told.append(f"moved {self.list.chosen}")

    def on_long_list_clicked(self, message: LongList.Clicked) -> None:
        self.told.append(f"clicked {message.key}")


async def press(pilot: Pilot[Any], *keys: str) -> list[str]:
    await pilot.press(*keys)
    await pilot.pause()
    await pilot.pause()
    return shown(pilot.app).split("\n")


def rows_of(lines: Sequence[str]) -> list[str]:
    """The first column of the rows that are shown."""
    return [line.split()[0] for line in lines[1:] if line.strip("▁▂▃▄▅▆▇█ ")]


# ---------------------------------------------------------------- what is read


@pytest.mark.parametrize("size", [(80, 24), (300, 80)])
async def test_of_75_000_rows_those_in_sight_are_read(size: tuple[int, int]) -> None:
    app = Paged(range(75_000))
    async with app.run_test(size=size) as pilot:
        for key, first in (("home", 0), ("end", 75_000 - size[1] + 1), ("pageup", None), ("home", 0)):
            app.read.clear()
            lines = await press(pilot, key)
            assert all(len(keys) <= PAGE for keys in app.read)
            assert sum(map(len, app.read)) <= 2 * PAGE
            places = [int(number.replace(",", "")) for number in rows_of(lines)]
            assert len(places) == size[1] - 1
            assert first is None or places[0] == first
            assert all(f"kind {place}" in line for place, line in zip(places, lines[1:], strict=True))
        assert app.list.max_scroll_y == 75_001 - size[1], "one scrollbar over all rows"


async def test_what_is_held_is_not_read_again_and_a_row_on_reads_no_page_each() -> None:
    app = Paged(range(10_000))
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "end", *["up"] * 40)
        assert len(app.read) == 3, "the first page, the last and the one before it"
        assert sum(map(len, app.read)) <= 3 * PAGE
        await press(pilot, *["down"] * 40)
        assert len(app.read) == 3


async def test_rows_that_are_not_there_are_asked_for_once() -> None:
    app = Paged(range(50))
    app.withheld = set(range(50))
    async with app.run_test(size=(80, 24)) as pilot:
        lines = await press(pilot, "down", "up")
        assert lines[1].split() == ["…"]
        assert app.read == [list(range(50))]
        app.withheld.clear()
        app.list.forget()
        assert "kind 0" in (await press(pilot, "down"))[1]


async def test_rows_that_are_told_with_the_index_are_not_wanted() -> None:
    app = Paged(range(50, 0, -1))
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "home")
        app.read.clear()
        newer = range(52, 0, -1)
        app.list.index(HEADINGS, newer, follow=True, known={key: cells(key) for key in newer[:2]})
        assert "kind 52" in (await press(pilot))[1]
        assert app.read == []


async def test_a_row_in_one_style_is_written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every further segment has the terminal told its colours again; so has every cell of a scrollbar."""
    monkeypatch.setattr(ScrollBar, "renderer", ShortScrollBar)
    app = Paged([10**6] * 3)
    async with app.run_test(size=(12, 6)) as pilot:
        lines = await press(pilot, "down")
        assert lines[5].strip("▉▊▋▌▍▎▏ ") == "", "there is a scrollbar beneath"
        strips = app.screen._compositor.render_strips()
        assert [len(list(strip)) for strip in strips[1:4]] == [1, 1, 1]
        assert len(list(strips[5])) <= 4


# ---------------------------------------------------------------- the cursor


async def test_the_cursor_stays_on_its_row_when_newer_ones_come_before_it() -> None:
    app = Paged(range(1_000, 0, -1))
    async with app.run_test(size=(80, 24)) as pilot:
        before = await press(pilot, *["pagedown"] * 3, "up")
        chosen, told = app.list.chosen, len(app.told)
        app.list.index(HEADINGS, range(1_010, 0, -1), follow=True)
        after = await press(pilot)
        assert app.list.chosen == chosen
        assert rows_of(after) == rows_of(before), "what one reads stays where it is"
        assert len(app.told) == told
        await press(pilot, "home")
        app.list.index(HEADINGS, range(1_020, 0, -1), follow=True)
        assert (await press(pilot))[1].split()[0] == "1,020"
        assert app.list.chosen == 1_020, "the first row is followed"
        app.list.index(HEADINGS, range(1_030, 0, -1))
        assert app.list.chosen == 1_020, "unless nobody asked for it"


async def test_a_row_that_is_gone_leaves_the_cursor_where_it_was() -> None:
    app = Paged(range(100))
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "end")
        app.list.index(HEADINGS, range(10))
        lines = await press(pilot)
        assert (app.list.chosen, app.list.scroll_y) == (9, 0)
        assert len(rows_of(lines)) == 10
        app.list.index(HEADINGS, [])
        await press(pilot, "up", "down", "home", "end", "pageup", "pagedown")
        assert app.list.chosen is None
        assert app.list.point_at(3) is False


async def test_a_click_says_which_row_it_was_and_enter_is_left_to_the_screen() -> None:
    app = Paged(range(1_000))
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "end", "enter")
        app.told.clear()
        await pilot.click(LongList, offset=(3, 4))
        assert app.told == ["moved 980", "clicked 980"]
        await pilot.click(LongList, offset=(3, 0))
        assert app.told == ["moved 980", "clicked 980"], "a heading is no row"
        app.list.post_message(events.MouseScrollUp(app.list, 1, 1, 0, -1, 0, False, False, False))
        await press(pilot)
        assert app.list.chosen == 980
        assert app.list.scroll_y < 977


# ---------------------------------------------------------------- how it looks


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (5, 2), (7, 3), (40, 10), (300, 80)])
async def test_it_survives_every_size(size: tuple[int, int]) -> None:
    app = Paged(range(500), fixed=1)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "down", "down")
        await pilot.resize_terminal(*size)
        lines = await press(pilot, "down", "end", "up", "right", "left", "pageup", "home", "down")
        assert len(lines) == size[1]
        assert app.list.chosen == 1
        await pilot.resize_terminal(80, 24)
        assert "kind 1" in "\n".join(await press(pilot))


async def test_columns_at_the_left_stay_while_the_others_are_scrolled() -> None:
    rows: list[Row] = [(k, [left(f"n{k}"), *(Text(f"column {c} " * 3) for c in range(8))]) for k in range(3)]
    app = One(WholeList(fixed=1))
    async with app.run_test(size=(60, 10)) as pilot:
        app.list.fill(["name", *(f"c{c}" for c in range(8))], rows)
        before = await press(pilot)
        after = await press(pilot, *["right"] * 40)
        assert [line.split()[0] for line in before[:4]] == [line.split()[0] for line in after[:4]]
        assert "column 7" in after[1]
        assert "column 7" not in before[1]
        assert after[1].startswith(" n0  ")


async def test_wide_characters_and_what_a_stranger_wrote_stay_in_their_columns() -> None:
    texts = ["plain", "日本語の名前", "e\u0301\u0301", "[@click=app.quit]x[/]", "👩\u200d👩", "a\nb", "[red]"]
    rows: list[Row] = [(k, [left(text), right(str(k)), Text("|")]) for k, text in enumerate(texts)]
    app = One(WholeList())
    async with app.run_test(size=(60, 12)) as pilot:
        app.list.fill(["text", ">n", "end"], rows)
        await press(pilot)
        for place, strip in enumerate(app.list.render_line(y) for y in range(1, 8)):
            assert strip.cell_length == 60
            before = strip.text[: strip.text.index("|")]
            assert Text(before).cell_len == Text(" [@click=app.quit]x[/]  n  ").cell_len, texts[place]
        assert "[@click=app.quit]x[/]" in shown(app)
        assert "<U+200D>" in shown(app)


def test_columns_only_get_wider_and_begin_anew_under_other_headings() -> None:
    columns = Columns()
    assert columns.head(["a", ">b"])
    assert columns.widen([[Text("long text"), Text("1")]])
    assert not columns.widen([[Text("short"), Text("2")]])
    assert not columns.head(["a", ">b"])
    assert columns.width() == 9 + 1 + 4
    assert columns.head(["a"])
    assert columns.width() == 3


async def test_the_chosen_row_is_reversed_without_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = Paged(range(5))
    async with app.run_test(size=(40, 10)) as pilot:
        await press(pilot, "down")
        found = []
        for strip in app.screen._compositor.render_strips():
            for line_filter in app._filters:
                strip = strip.apply_filter(line_filter, Color(0, 0, 0)) if line_filter.enabled else strip
            found.append(any((segment.style or Style()).reverse for segment in strip))
        assert found[1:6] == [False, True, False, False, False]


async def test_nothing_is_painted_where_nothing_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[Row] = [(k, cells(k)) for k in range(30)]
    paged, whole = Paged(range(500)), One(WholeList())
    for app in (paged, whole):
        async with app.run_test(size=(80, 24)) as pilot:
            if app is whole:
                whole.list.fill(HEADINGS, rows)
            await press(pilot, "down")
            painted: list[int] = []
            render = LongList.render_line
            with monkeypatch.context() as patch:
                patch.setattr(LongList, "render_line", lambda self, y: (painted.append(y), render(self, y))[1])  # noqa: B023
                if app is whole:
                    whole.list.fill(HEADINGS, [(k, cells(k)) for k in range(30)])
                else:
                    paged.list.index(HEADINGS, range(500), follow=True)
                    paged.list.give([3], {3: cells(3)})
                await press(pilot)
                assert painted == []
                await press(pilot, "down")
                assert sorted({*painted}) == [2, 3], "the row that was left and the one that was gone to"


# ---------------------------------------------------------------- rows that are all at hand


class One(App[None]):
    """A list alone."""

    def __init__(self, what: WholeList) -> None:
        super().__init__(css_path=Path(__file__).resolve().parents[1] / "tui" / "app.tcss")
        self.list = what
        self.changed = 0

    def compose(self) -> ComposeResult:
        yield self.list

    def on_mount(self) -> None:
        self.list.focus()

    def on_long_list_rearranged(self) -> None:
        self.changed += 1


async def test_rows_at_hand_are_filtered_sorted_and_looked_through() -> None:
    scores = ["1,200", "–", "30 %", "nan", "7"]
    rows: list[Row] = [(name, [left(name), right(score)]) for name, score in zip("edcba", scores, strict=True)]
    app = One(WholeList())
    async with app.run_test(size=(60, 12), notifications=True) as pilot:
        app.list.fill(["name", ">score"], rows)
        await press(pilot, "down")
        app.list.sort_by(Order("score", True))
        lines = await press(pilot)
        assert rows_of(lines) == ["e", "c", "a", "d", "b"], "what is no number comes last"
        assert app.list.chosen == "d"
        assert app.list.said == "by score ↓ (o)"
        app.list.sort_by(Order("score"))
        assert [*app.list.keys] == [*"acebd"]
        app.list.narrow("0")
        assert [*app.list.keys] == ["c", "e"]
        app.list.fill(["name", ">score"], [*rows, ("f", [left("f"), right("10")])])
        assert [*app.list.keys] == ["f", "c", "e"], "filter and order stay when it is filled again"
        app.list.seek("30")
        assert app.list.chosen == "c"
        app.list.seek("nowhere")
        assert "nothing here holds" in "\n".join(await press(pilot))
        app.list.narrow("")
        app.list.sort_by(None)
        assert [*app.list.keys] == [*"edcbaf"]
        assert app.list.said == ""
        await press(pilot)
        assert app.changed == 5


async def test_the_same_text_goes_on_to_the_next_row_and_round_the_end() -> None:
    rows: list[Row] = [(k, [left("even" if k % 2 == 0 else "odd")]) for k in range(5)]
    app = One(WholeList())
    async with app.run_test(size=(60, 12), notifications=True) as pilot:
        app.list.fill(["what"], rows)
        seen = []
        for _ in range(4):
            app.list.seek("EVEN")
            seen.append(app.list.chosen)
        assert seen == [2, 4, 0, 2]
        assert "from the top again" in "\n".join(await press(pilot))


async def test_the_last_row_is_above_a_horizontal_scrollbar() -> None:
    """It appears once rows are read that are wider than the list, and takes a line of it."""
    rows: list[Row] = [(k, [right(str(k)), Text("wide " * 40)]) for k in range(50)]
    app = One(WholeList())
    async with app.run_test(size=(60, 12)) as pilot:
        app.list.fill(HEADINGS, [(key, [cells[0], Text("")]) for key, cells in rows])
        await press(pilot, "end")
        app.list.fill(HEADINGS, rows)
        assert "49  wide" in "\n".join(await press(pilot))
        await press(pilot, "home", "end")
        assert "49  wide" in "\n".join(await press(pilot))
