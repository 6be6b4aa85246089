"""How far the rankings of each question agree, those on which judges agree least first."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

from rich.text import Text

from core.visible import clipped, one_line
from storage.findings.asked_texts import AskedText, clause_texts, question_texts
from storage.findings.plain_numbers import plain_count, plain_number
from storage.record.reader import Reader
from storage.record.rows import QuestionRow, view_rows
from storage.withheld import copy_without
from tui.screens.results.page import RowsShown, TablePage, filled
from tui.widgets.figures import left, right
from tui.widgets.lists.whole_list import Row

SHOWN = 2_000
"""Characters of a question, and of its clause."""

_HEADINGS = ("question", ">clause", ">rankings", ">Kendall τ", ">first", ">margin")

_NOTE = (
    "least agreed on first; first: share of rankings that name the most frequent first, margin: less that of the second"
)


@dataclass(frozen=True)
class QuestionPage(TablePage):
    """All questions, and their texts and those of their clauses."""

    kinds: ClassVar[tuple[str, ...]] = ("question_agreement.computed",)

    rows: tuple[QuestionRow, ...]
    questions: Mapping[str, AskedText] = field(default_factory=dict)
    clauses: Mapping[str, AskedText] = field(default_factory=dict)
    absent: str = ""

    view = "question_agreement"

    @classmethod
    def read(cls, reader: Reader) -> QuestionPage:
        rows = tuple(view_rows(reader, QuestionRow))
        texts = question_texts(reader, [str(row.question_id) for row in rows], SHOWN)
        absent = f"({copy_without(reader.folder.root, 'the text')})"
        page = cls(rows, texts, clause_texts(reader, SHOWN), absent)
        page._cells  # noqa: B018 - made here, in the thread that reads
        return page

    @cached_property
    def _cells(self) -> list[Row]:
        return [(str(row.question_id), _cells(row)) for row in self.rows]

    @cached_property
    def _by_name(self) -> Mapping[str, QuestionRow]:
        return {str(row.question_id): row for row in self.rows}

    def listed(self, width: int, room: int) -> RowsShown:
        return RowsShown(filled([_NOTE], width, most=4), _HEADINGS, self._cells)

    def told(self, key: Hashable, width: int) -> Text:
        """The question and its clause in their words."""
        text = Text(overflow="fold")
        row = self._by_name.get(str(key))
        if row is None:
            return text
        for title, name, texts in (
            ("Question", row.question_id, self.questions),
            ("Clause", row.clause_id, self.clauses),
        ):
            known = texts.get(str(name))
            body = self.absent if known is None or known.text is None else clipped(str(known.text), known.length, SHOWN)
            text.append(f"{title} {one_line(str(name), 40)}\n", style="bold")
            text.append(f"{body}\n")
        return text


def _cells(row: QuestionRow) -> list[Text]:
    numbers = (row.kendall_tau, row.top1_agreement, row.top1_margin)
    return [
        left(row.question_id, 24),
        right(one_line(str(row.clause_id), 8)),
        right(plain_count(row.rankings)),
        *(right(plain_number(value)) for value in numbers),
    ]
