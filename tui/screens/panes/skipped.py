"""Why a tab stays empty: a stage that was skipped will record nothing."""

from __future__ import annotations

from core.facts.words import in_words
from core.visible import one_line
from storage.record.glances import skipped_why
from storage.record.reader import Reader


def skipped(reader: Reader, stage: str) -> str:
    """The sentence about a stage that was skipped; "" for one that was not."""
    why = skipped_why(reader, stage)
    return "" if why is None else f"the stage {stage} was skipped: {one_line(in_words(why), 300)}"
