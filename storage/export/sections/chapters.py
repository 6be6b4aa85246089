"""The chapters of a report in their order: a section is added here, with one line.

A section is a function of `Content` that returns HTML, "" where it has nothing to show; `OfView` makes one of a view.
A chapter whose sections are all empty is left out, and so is its line in the contents.
"""

from __future__ import annotations

from collections.abc import Callable

from storage.export.pages import markup
from storage.export.sections.chances import inequality, lotteries, quotas
from storage.export.sections.comparisons import pairwise
from storage.export.sections.content import Content
from storage.export.sections.drawn_panels import composition, draws
from storage.export.sections.holds import stands
from storage.export.sections.judged import agreement, by_judge, calls, diagnostics
from storage.export.sections.leximin_levels import levels
from storage.export.sections.of_view import OfView
from storage.export.sections.published_artefacts import imported, recomputed
from storage.export.sections.side_by_side import answers
from storage.export.sections.standings import leaderboards, places, spread
from storage.export.sections.training_results import conditions, curves, held_out, moved, recovery, weights
from storage.export.sections.what_was_planned import planned

Section = Callable[[Content], str]

CHAPTERS: tuple[tuple[str, tuple[Section, ...]], ...] = (
    ("Leaderboards", (leaderboards, places, spread)),
    ("One against another", (pairwise, OfView("At equal length", "length_controlled"))),
    (
        "How sure the result is",
        (
            planned,
            stands,
        ),
    ),
    (
        "Agreement and bias of the judges",
        (calls, diagnostics, OfView("Agreement by question", "question_agreement"), agreement, by_judge),
    ),
    (
        "Clauses",
        (OfView("Leader and difficulty", "clause_leaders"), OfView("Borda score by clause", "clause_scores")),
    ),
    ("Published artefacts", (imported, recomputed)),
    ("Models", (conditions, recovery, held_out, curves, moved, weights)),
    ("Chances and panels", (lotteries, quotas, levels, inequality, draws, composition)),
    ("Answers", (answers,)),
)


def chapters(content: Content) -> list[str]:
    """Every chapter that has something to show."""
    return [markup.section(heading, *(part(content) for part in parts)) for heading, parts in CHAPTERS]
