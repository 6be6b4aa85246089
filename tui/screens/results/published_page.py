"""Published numbers beside the run's own: how many agree by measure, and each number of the one under the cursor."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.text import Text

from core.facts.plural import number_of
from core.visible import one_line
from storage.findings.plain_numbers import plain_number
from storage.findings.published_found import REASONS, VERDICTS, PublishedFound
from storage.record.reader import Reader
from storage.record.rows import PublishedRow
from storage.summary.decimals import decimals_of
from storage.summary.labels import measure_words, method_words
from tui.screens.results.page import RowsShown, TablePage, filled
from tui.widgets.figures import left, right, whole

_COUNTS = {"numbers": ">n", "equal": ">equal", "inside": ">inside", "differs": ">differs", "not_computed": ">none"}
"""Columns of counts: how many numbers there are, and with which verdicts."""

_NONE = "inside: what the run computes lies inside the published interval; none: the run has no such figure"


@dataclass(frozen=True)
class PublishedPage(TablePage):
    """Rows of the views `published_artefacts` and `published`."""

    kinds: ClassVar[tuple[str, ...]] = ("published.read", "people.read")

    found: PublishedFound

    view = "published"

    @classmethod
    def read(cls, reader: Reader) -> PublishedPage:
        return cls(PublishedFound.of_run(reader))

    def listed(self, width: int, room: int) -> RowsShown:
        told = [*self.found.imported(), *self.found.people(), *([_NONE] if self.found.rows else [])]
        if not self.found.rows:
            told += ["no published score among them, so there is nothing to compare"]
        note = filled([one_line(sentence, 400) for sentence in told], width, most=4)
        rows = [((group["method"], group["measure"]), _cells(group)) for group in self.found.groups()]
        return RowsShown(note, ["method", "measure", *_COUNTS.values(), ">furthest"], rows, fixed=0)

    def told(self, key: Hashable, width: int) -> Text:
        """Every number of the measure, those that differ first, with the reason."""
        rows = [row for row in self.found.rows if (row.method, row.measure) == key]
        rows.sort(key=lambda row: list(VERDICTS)[::-1].index(row.verdict) if row.verdict in VERDICTS else 0)
        text = Text(overflow="fold")
        if not rows:
            return text
        text.append(
            f"{one_line(method_words(rows[0].method), 40)}: {one_line(measure_words(rows[0].measure), 80)}\n", "bold"
        )
        for reason in dict.fromkeys(row.reason for row in rows if row.reason):
            count = number_of(sum(row.reason == reason for row in rows), "number")
            text.append(f"{count}: {REASONS.get(str(reason), one_line(str(reason), 80))}\n", style="muted")
        digits = _digits([value for row in rows for value in (row.published, row.recomputed)])
        numbers = ((plain_number(row.published, digits), plain_number(row.recomputed, digits)) for row in rows)
        cells = [("published", "here"), *numbers]
        wide = 2 + max(len(cell) for pair in cells for cell in pair)
        text.append("".join(f"{cell:>{wide}}" for cell in cells[0]) + "\n", style="muted")
        for row, pair in zip(rows, cells[1:], strict=True):
            text.append("".join(f"{cell:>{wide}}" for cell in pair) + f"  {_said(row)}\n")
        return text


def _cells(group: dict[str, Any]) -> list[Text]:
    return [
        left(method_words(group["method"]), 22),
        left(measure_words(group["measure"]), 24),
        *(right(whole(group[name])) for name in _COUNTS),
        right(plain_number(group["largest"], _digits([group["largest"]]))),
    ]


def _digits(values: Sequence[Any]) -> int:
    """None of counts; else four, one more than the paper prints."""
    return 0 if decimals_of(values) == 0 else 4


def _said(row: PublishedRow) -> str:
    """The verdict, and of what the number is."""
    of = [one_line(str(part), 60) for part in (row.condition, row.other) if part not in ("", None)]
    return " ".join([VERDICTS.get(str(row.verdict), one_line(str(row.verdict), 20)), *of])
