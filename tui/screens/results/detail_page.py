"""What each method finds beside its scores: φ, held-out log-likelihood, agreement, wins and the like, in words."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.text import Text

from core.visible import one_line
from storage.findings.plain_numbers import as_number, plain_count, plain_number
from storage.record.reader import Reader
from storage.record.rows import BoardDetailRow, view_rows
from storage.summary.labels import measure_words, method_words
from tui.screens.results.page import TextPage, lines_of


@dataclass(frozen=True)
class DetailPage(TextPage):
    """Rows of the view `leaderboard_details`."""

    kinds: ClassVar[tuple[str, ...]] = ("leaderboard.computed",)

    rows: tuple[BoardDetailRow, ...]

    view = "leaderboard_details"

    @classmethod
    def read(cls, reader: Reader) -> DetailPage:
        return cls(tuple(view_rows(reader, BoardDetailRow)))

    def text(self, width: int) -> Text:
        text = Text(no_wrap=True, overflow="ellipsis")
        for method, measures in self._by_measure().items():
            text.append(f"{one_line(method_words(method), 40)}\n", style="bold")
            lines_of(text, [line for measure, rows in measures.items() for line in _lines(measure, rows, width)])
            text.append("\n")
        return text

    def _by_measure(self) -> Mapping[str, Mapping[str, Sequence[tuple[str, Any]]]]:
        """Of each method the measures, and of each of these the values with what they are of ("" for all)."""
        found: dict[str, dict[str, list[tuple[str, Any]]]] = {}
        for row in self.rows:
            measure, _, of = str(row.name).partition(":")
            found.setdefault(str(row.method), {}).setdefault(measure, []).append((of, row.value))
        return found


def _lines(measure: str, rows: Sequence[tuple[str, Any]], width: int) -> list[str]:
    told = ", ".join(f"{one_line(of, 40)} {_plain(value)}".lstrip() for of, value in rows)
    words = f"{one_line(measure_words(measure), 80)}: {told}"
    return textwrap.wrap(words, width, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)


def _plain(value: object) -> str:
    """Counts without decimals, all else with three."""
    found = as_number(value)
    whole = found is not None and found.is_integer() and abs(found) > 1
    return one_line(plain_count(value) if whole else plain_number(value), 24)
