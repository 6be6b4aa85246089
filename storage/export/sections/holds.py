"""Whether the order of the conditions holds under other analyses, and which questions it hangs on."""

from __future__ import annotations

from storage.export.pages import markup
from storage.export.pages.grid import table
from storage.export.sections.content import Content
from storage.findings.robustness_found import RobustnessFound
from storage.record.rows import AnalysisRow, FlipRow, PairStandsRow, as_rows

_FLIPS = ("condition", "other", "measure", "questions", "share")


def stands(content: Content) -> str:
    """How many analyses agree, in a sentence, and the fewest questions that turn a pair."""
    found = RobustnessFound(
        as_rows(AnalysisRow, content.rows("robustness")),
        as_rows(PairStandsRow, content.rows("pair_robustness")),
        as_rows(FlipRow, content.rows("flips")),
    )
    if not found.sentence:
        return ""
    told = [markup.paragraph(f"{found.sentence[0].upper()}{found.sentence[1:]}.")]
    told += [markup.note(f"{note[0].upper()}{note[1:]}.") for note in found.notes]
    flips = table(content.rows("flips"), _FLIPS, whole=content.whole("flips"), decimals={"share": 3})
    return markup.stacked(
        markup.under("Other analyses of the same rankings", *told, content.see("Every analysis", "robustness")),
        markup.under("The fewest questions whose removal turns a pair", flips),
    )
