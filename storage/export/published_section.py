"""Published artefacts in a report: what was imported, and every published number beside the run's own."""

from __future__ import annotations

from itertools import islice

from storage.export import markup
from storage.export.sections import Content
from storage.findings.published_found import LEGEND, PublishedFound
from storage.record.rows import ArtefactRow, PublishedRow, as_rows

_FILES = ("what", "name", "rows", "bytes", "sha256", "origin")


def published(content: Content) -> str:
    """Files with their hashes, verdicts by measure and reasons; nothing where nothing was imported."""
    found = PublishedFound(
        as_rows(ArtefactRow, islice(content.rows("published_artefacts"), markup.MOST_ROWS)),
        as_rows(PublishedRow, content.rows("published")),
    )
    if not found.artefacts:
        return ""
    told = [markup.note(f"{sentence}.".capitalize()) for sentence in found.imported()]
    files = markup.under("Files", markup.table(map(vars, found.artefacts), _FILES))
    if not found.rows:
        return markup.section("Published artefacts", *told, files)
    why = [markup.note(f"{sentence}.".capitalize()) for sentence in found.why()]
    groups = markup.under("Published and recomputed", markup.table(found.groups()), markup.note(f"{LEGEND}."), *why)
    other = markup.under("Numbers that differ", markup.table(islice(found.other(), markup.MOST_ROWS)))
    every = content.see("Every number", "published")
    return markup.section("Published artefacts", *told, groups, other, every, files)
