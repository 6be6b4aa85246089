"""What was planned before the judges were asked, and how each hypothesis stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text

from storage.plans.planned_rows import plan_lines
from storage.record.reader import Reader
from storage.record.rows import HypothesisRow, view_rows
from tui.screens.results.page import TextPage, lines_of


@dataclass(frozen=True)
class PlanPage(TextPage):
    """Rows of the view `hypotheses`."""

    kinds: ClassVar[tuple[str, ...]] = ("plan.recorded",)

    rows: tuple[HypothesisRow, ...]

    view = "hypotheses"

    @classmethod
    def read(cls, reader: Reader) -> PlanPage:
        return cls(tuple(view_rows(reader, HypothesisRow)))

    def text(self, width: int) -> Text:
        text = Text(no_wrap=True, overflow="ellipsis")
        lines_of(text, plan_lines(self.rows, width))
        return text
