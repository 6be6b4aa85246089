"""The tab of results, in pages: leaderboards, pairs, clauses, judges and whatever else ranking found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rich.text import Text
from textual import on
from textual.containers import Container, VerticalScroll

from core.visible import one_line
from storage.judging.judging_notes import HeldNotes
from storage.record.event_pages import kinds_of
from storage.record.reader import Reader
from tui.screens.panes.pane import Pane
from tui.screens.results.board_page import BoardPage
from tui.screens.results.clause_page import ClausePage
from tui.screens.results.detail_page import DetailPage
from tui.screens.results.judge_page import JudgePage
from tui.screens.results.page import Page, TablePage, TextPage
from tui.screens.results.pair_page import PairPage
from tui.screens.results.plan_page import PlanPage
from tui.screens.results.published_page import PublishedPage
from tui.screens.results.question_page import QuestionPage
from tui.widgets.choice import Choice
from tui.widgets.lists.long_list import LongList
from tui.widgets.lists.whole_list import WholeList
from tui.widgets.words import Words

PAGES: Mapping[str, type[Page]] = {
    "boards": BoardPage,
    "plan": PlanPage,
    "pairs": PairPage,
    "clauses": ClausePage,
    "judges": JudgePage,
    "questions": QuestionPage,
    "details": DetailPage,
    "published": PublishedPage,
}
"""In the order in which [ and ] turn them; the first is there before anything is found."""

_FRAME = 4
"""Cells that border, padding and scrollbar of the text beside a table take."""


@dataclass(frozen=True)
class Results:
    """The page that is looked at, and which pages there are."""

    names: tuple[str, ...]
    name: str
    page: Page


@dataclass(frozen=True)
class PageRequest:
    """A page (None: the first), and whether it is wanted whole: the boards stand before what is said beside them, for
    which all calls are read. `held` is what was read of that before."""

    name: str | None = None
    whole: bool = True
    held: HeldNotes | None = field(default=None, compare=False)


class LeaderboardsPane(Pane):
    """One page at a time: a scrolling text, or a table with what is said of the row under the cursor."""

    key = "leaderboards"
    turns = True

    def __init__(self) -> None:
        super().__init__()
        self.request: PageRequest = PageRequest(whole=False)
        self._found: Results | None = None
        self._choice, self._note = Choice(id="results-choice"), Words(id="results-note")
        self._results, self._told = Words(id="results"), Words(id="told")
        self._scroll = VerticalScroll(self._results, id="results-scroll")
        self._table, self._beside = (
            WholeList(id="results-table", keeps_colours=True),
            VerticalScroll(self._told, id="told-scroll"),
        )
        self._split = Container(self._table, self._beside, classes="split")
        self._note.display = self._split.display = False
        self.parts = (self._choice, self._note, self._scroll, self._split)

    @classmethod
    def read(cls, reader: Reader, request: Any) -> Results:
        kinds = kinds_of(reader)
        names = tuple(name for name, page in PAGES.items() if not page.kinds or {*page.kinds} & {*kinds})
        wanted: PageRequest = request or PageRequest()
        name = wanted.name if wanted.name in names else names[0]
        kind = PAGES[name]
        if kind is BoardPage:
            return Results(names, name, BoardPage.read_with(reader, wanted.held, wanted.whole))
        return Results(names, name, kind.read(reader))

    def twin(self, run: str) -> tuple[str, ...]:
        view = self._found.page.view if self._found else BoardPage.view
        return ("show", run, "--view", view)

    def show(self, found: Results) -> None:
        before, self._found = self._found, found
        turned = before is not None and before.name != found.name
        self._choice.offer("page", found.names, found.name)
        self._choice.display = len(found.names) > 1
        held = self.has_focus_within
        self._fill(found.page, turned)
        front = self.front
        if turned and held and front is not None:
            front.focus()
        if isinstance(found.page, BoardPage):
            self._read_the_rest(found.page)

    def _read_the_rest(self, page: BoardPage) -> None:
        """Asks for what is said beside the boards, now that they stand; once read it is held."""
        self.request = replace(self.request, held=page.judging or self.request.held)
        if page.unread:
            self.ask(replace(self.request, whole=True))

    def _fill(self, page: Page, turned: bool) -> None:
        """Shows a page; the cursor and what is scrolled stay where they are unless it is another one."""
        is_table = isinstance(page, TablePage)
        self._note.display = self._split.display = is_table
        self._scroll.display = not is_table
        self.listed = self._table if is_table else None
        if isinstance(page, TablePage):
            self._fill_table(page, turned)
        elif isinstance(page, TextPage):
            if turned:
                self._scroll.scroll_home(animate=False)
            self._results.say(page.text(self._width) or "nothing is recorded yet")

    def _fill_table(self, page: TablePage, turned: bool) -> None:
        listed = page.listed(self._width, self._width - self._of_text)
        if turned:
            self._table.reset()
            self._beside.scroll_home(animate=False)
        self._table.fixed = listed.fixed
        self._table.beside = lambda key: page.told(key, self._width).plain
        self._table.fill(listed.headings, listed.rows)
        self._table.display = bool(listed.rows)
        said = self._table.said
        told = f"  {len(self._table.keys)} of {len(listed.rows)} rows, {one_line(said, 120)}"
        self._note.say(f"{listed.note}\n{told}" if said else listed.note)
        self._say_of_row(page)

    def _say_of_row(self, page: TablePage) -> None:
        told = page.told(self._table.chosen, (self._of_text or self._width) - _FRAME)
        self._beside.display = bool(told)
        self._told.say(told)

    @on(LongList.Rearranged)
    def rearrange(self) -> None:
        """Says what is listed now."""
        self.fit()

    @on(LongList.Moved)
    def choose(self) -> None:
        """Says what is known of the row under the cursor: it was read with the table."""
        if self._found is not None and isinstance(self._found.page, TablePage):
            self._beside.scroll_home(animate=False)
            self._say_of_row(self._found.page)

    @property
    def _width(self) -> int:
        """Cells of a line: of what is not laid out yet nobody knows more than the width of the terminal."""
        return max(20, self.app.size.width - 3)

    @property
    def _of_text(self) -> int:
        """Cells beside the table that its text takes; none where it stands beneath."""
        return self.app.size.width // 3 if self.screen.has_class("-wide") else 0

    def fit(self) -> None:
        if self._found is not None:
            self._fill(self._found.page, turned=False)

    @property
    def can_turn(self) -> bool:
        return self._choice.several

    def turn(self, by: int) -> None:
        self.ask(replace(self.request, name=self._choice.turned(by), whole=False))


def page(found: Results, width: int) -> Text:
    """The text of a page that is one."""
    if not isinstance(found.page, TextPage):
        raise TypeError(f"the page {found.name} is a table")
    return found.page.text(width)
