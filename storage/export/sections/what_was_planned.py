"""The section of a report that says what was planned, and what came of it."""

from __future__ import annotations

from storage.export.pages import markup
from storage.export.pages.grid import table
from storage.export.sections.content import Content
from storage.plans.planned_rows import HEADING, REMARK, status_of
from storage.record.rows import HypothesisRow, as_rows

_COLUMNS = ("hypothesis", "expected", "difference", "low", "high", "holds", "p after Holm", "said", "why", "note")


def planned(content: Content) -> str:
    """A row for each hypothesis; nothing where nothing is planned."""
    rows = as_rows(HypothesisRow, content.rows("hypotheses"))
    listed = [
        {
            "hypothesis": row.hypothesis,
            "expected": f"{row.better} over {row.than}" + (f" by more than {row.by}" if row.by else ""),
            "difference": row.difference,
            "low": row.low,
            "high": row.high,
            "holds": row.holds,
            "p after Holm": row.adjusted,
            "said": status_of(row),
            "why": row.reason or "",
            "note": row.note or "",
        }
        for row in rows
    ]
    if not listed:
        return ""
    when = f"Recorded in event {rows[0].event}; differences of scores by {rows[0].method}"
    named = {name: name for name in _COLUMNS}
    return markup.under(HEADING, table(listed, named), markup.note(f"{when}. {REMARK}."))
