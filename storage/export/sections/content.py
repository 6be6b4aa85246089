"""The record as the sections of a report read it: rows of views, tables of them, plots, and where the rest is."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import Any

from core.facts.tables import WITHHELD, people_withheld
from storage.export.pages import markup
from storage.export.pages.grid import MOST_ROWS, table
from storage.export.plots.figures import Figure
from storage.export.tables import rows_of
from storage.judging.board_notes import by_method, primary_first
from storage.judging.judging_notes import JudgingNotes
from storage.plans.planned_rows import planned_method
from storage.record.rows import BoardRow, HypothesisRow, as_rows
from storage.record.schema import VIEWS

Row = dict[str, Any]


class Content:
    """What a report is made of; a view that this version of the record does not have is one without rows."""

    def __init__(self, db: sqlite3.Connection, plots: Sequence[Figure], redacted: bool, files: Collection[str]) -> None:
        self.db = db
        self.redacted = redacted
        self._plots = plots
        self._files = files

    def rows(self, view: str) -> Iterator[Row]:
        """Rows of a view without what is withheld."""
        return rows_of(self.db, view, self.redacted) if view in VIEWS else iter(())

    def some(self, view: str) -> list[Row]:
        """The first rows of a view: one more than a table shows, so that it knows whether there are more."""
        return list(islice(self.rows(view), MOST_ROWS + 1))

    @cached_property
    def boards(self) -> dict[str, list[BoardRow]]:
        """The leaderboard of each method, that of the primary one first."""
        return primary_first(by_method(as_rows(BoardRow, islice(self.rows("leaderboards"), MOST_ROWS))), self.planned)

    @cached_property
    def planned(self) -> str | None:
        """The primary method of the run's plan."""
        return planned_method(as_rows(HypothesisRow, islice(self.rows("hypotheses"), 1)))

    @cached_property
    def judging(self) -> JudgingNotes:
        """What has to be said of the judging."""
        return JudgingNotes.of(self.db.execute)

    def whole(self, view: str) -> str:
        """The file of the bundle that holds a whole view; "" where it holds none."""
        name = f"tables/{view}.csv"
        return name if name in self._files else ""

    def table(
        self,
        view: str,
        columns: Sequence[str] | Mapping[str, str] = (),
        caption: str = "",
        decimals: Mapping[str, int] | None = None,
        by_row: Collection[str] = (),
    ) -> str:
        """A view as a table; nothing where it has no rows."""
        whole = self.whole(view)
        return table(self.rows(view), columns, caption=caption, whole=whole, decimals=decimals, by_row=by_row)

    def note(self, words: str, view: str) -> str:
        """Words about a view that has rows."""
        return markup.note(words) if self.whole(view) else ""

    def withheld(self, view: str) -> bool:
        """Whether what a view says of people was left out."""
        return self.redacted and people_withheld(self.db, view)

    def see(self, what: str, view: str) -> str:
        """Where more is, if the bundle holds it, or that it is withheld."""
        if self.withheld(view):
            return markup.note(f"{what}: {WITHHELD}.")
        return self.note(f"{what}: {self.whole(view)}.", view)

    def plots_of(self, kind: str, of: str | None = None) -> list[str]:
        """Every plot of a kind, or the one of one thing."""
        return [p.svg for p in self._plots if p.kind == kind and of in (None, p.of)]

    def plots(self, kind: str, of: str | None = None) -> str:
        """The same, below each other."""
        return "\n".join(self.plots_of(kind, of))
