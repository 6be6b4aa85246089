"""`report.html`: a run in one self-contained file for people, made from the record of a bundle."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from storage.export.contents import facts_of, signers_of
from storage.export.opening import COMMANDS, TRUST, WHAT, signed_by
from storage.export.pages import markup
from storage.export.pages.grid import table
from storage.export.plots.figures import Figure
from storage.export.sections.appendix import record, verification
from storage.export.sections.chapters import chapters
from storage.export.sections.content import Content
from storage.export.sections.first_screen import first_screen
from storage.record.reader import connect


def report(
    database: Path,
    plots: Sequence[Figure],
    checks: Sequence[Mapping[str, Any]],
    limits: str,
    redacted: bool,
    files: Collection[str],
) -> str:
    """The whole report.

    Args:
        plots: as `storage.export.plots.figures.figures` makes them.
        checks: rows of `storage.verify`, made on the record before anything was withheld.
        limits: the statement of limits, in Markdown.
        files: names of the other files of the bundle; no other file is mentioned.
    """
    with closing(connect(database)) as db:
        content = Content(db, plots, redacted, files)
        facts, signers = facts_of(db), signers_of(db)
        return markup.page(
            facts.name,
            first_screen(content, facts, checks),
            [
                *chapters(content),
                markup.section("How to check this", *_how_to_check(signers), verification(checks, redacted)),
                markup.section("Limits of this record", markup.prose(limits)),
                markup.section("What the run was made with", record(content, facts)),
            ],
        )


def _how_to_check(signers: Sequence[str]) -> list[str]:
    commands = table({"command": command, "what it does": what} for command, what in COMMANDS)
    return [markup.prose(" ".join(WHAT)), commands, markup.prose(TRUST), markup.paragraph(signed_by(signers))]
