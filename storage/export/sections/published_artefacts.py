"""Published artefacts in a report: what was imported, and every published number beside the run's own."""

from __future__ import annotations

from itertools import islice

from storage.export.pages import markup
from storage.export.pages.grid import MOST_ROWS, table
from storage.export.sections.content import Content
from storage.findings.published_found import PublishedFound
from storage.record.rows import ArtefactRow, PublishedRow, as_rows

_FILES = ("what", "name", "rows", "bytes", "sha256", "origin")


def _found(content: Content) -> PublishedFound:
    return PublishedFound(
        as_rows(ArtefactRow, islice(content.rows("published_artefacts"), MOST_ROWS)),
        as_rows(PublishedRow, content.rows("published")),
    )


def imported(content: Content) -> str:
    """The files with their hashes."""
    found = _found(content)
    told = [markup.note(f"{sentence}.".capitalize()) for sentence in found.imported()]
    return markup.under("Files", *told, table(map(vars, found.artefacts), _FILES)) if found.artefacts else ""


def recomputed(content: Content) -> str:
    """Verdicts by measure, and the reasons."""
    found = _found(content)
    if not found.rows:
        return ""
    people = [markup.note(f"{sentence[:1].upper()}{sentence[1:]}.") for sentence in found.people()]
    why = [markup.note(f"{sentence}.".capitalize()) for sentence in found.why()]
    return markup.stacked(
        markup.under("Panel, π and weights", *people) if people else "",
        markup.under("Published and recomputed", table(found.groups()), markup.note(f"{found.legend()}."), *why),
        markup.under("Numbers that differ", table(islice(found.other(), MOST_ROWS))),
        content.see("Every number", "published"),
    )
