"""Why a tab stays empty: a stage that was skipped will record nothing."""

from __future__ import annotations

from core.facts.words import in_words
from core.visible import one_line
from storage.record.reader import Reader

_SKIPPED = """SELECT payload->>'$.reason' AS reason FROM events
  WHERE kind = 'stage.skipped' AND payload->>'$.name' IS ? ORDER BY seq DESC LIMIT 1"""


def skipped(reader: Reader, stage: str) -> str:
    """The sentence about a stage that was skipped; "" for one that was not."""
    rows = reader.query(_SKIPPED, [stage])
    return f"the stage {stage} was skipped: {one_line(in_words(rows[0]['reason']), 300)}" if rows else ""
