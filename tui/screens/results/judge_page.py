"""The judges: what sways them, how far they agree, what each says alone, and whether people say the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from rich.text import Text

from storage.findings.judges_found import JudgesFound
from storage.judging.jury import JuryFound
from storage.record.reader import Reader
from storage.record.rows import BoardRow, JudgesRow, QuestionRow, view_rows
from tui.screens.results.page import TextPage, lines_of


@dataclass(frozen=True)
class JudgePage(TextPage):
    """pooled are method, position and condition of every row of the boards by all judges."""

    kinds: ClassVar[tuple[str, ...]] = ("diagnostics.computed",)

    judges: JudgesFound
    jury: JuryFound = field(default_factory=JuryFound)
    pooled: list[tuple[Any, Any, Any]] = field(default_factory=list)

    view = "judge_diagnostics"

    @classmethod
    def read(cls, reader: Reader) -> JudgePage:
        found = JudgesFound(view_rows(reader, JudgesRow), view_rows(reader, QuestionRow))
        pooled = [(row.method, row.position, row.condition) for row in view_rows(reader, BoardRow)]
        return cls(found, JuryFound.of_run(reader), pooled)

    def text(self, width: int) -> Text:
        text = Text(no_wrap=True, overflow="ellipsis")
        lines_of(text, self.judges.of_judges(width, "the page of questions"))
        lines_of(text, self.jury.lines(self.pooled, width))
        return text
