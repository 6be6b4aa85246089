"""`dempo import-published`: a folder of published artefacts as a run, and its numbers beside the run's own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from core.config_file import parse_config
from storage.findings.published_found import LEGEND, MOST_SHOWN, VERDICTS, PublishedFound
from tui.terminal import tables

_COLUMNS = {"method": "method", "measure": "measure", "numbers": "n", "equal": "equal", "inside": "inside"}
_COLUMNS |= {"differs": "differs", "largest": "largest", "why": "why"}


def create_imported(
    folder: Path,
    name: str | None,
    seed: int,
    questions: Path | None,
    constitution: Path | None,
    overrides: Sequence[str],
    runs: Path,
) -> tuple[Path, Sequence[str]]:
    """Creates the run; its folder, and notes for whoever starts it.

    Raises:
        InputError: the folder holds nothing that is known, or something in it is wrong; nothing was created.
    """
    from core.preflight import preflight
    from core.publication.configuration import configuration_text
    from core.publication.folder import publication_in
    from storage.judging.other_runs import RunsOnDisk
    from storage.record.create import create_run

    folder = folder.expanduser().absolute()
    publication = publication_in(folder)
    placed = [None if path is None else path.expanduser().absolute() for path in (questions, constitution)]
    text = configuration_text(publication, name or _name_of(folder), seed, *placed)
    loaded = parse_config(text, overrides, where=f"the configuration for {folder}")
    notes = preflight(loaded.config, None, RunsOnDisk(), runs)
    return create_run(loaded, text, runs), notes


def published_lines(found: PublishedFound) -> list[str]:
    """What was imported, and how its numbers compare; nothing where nothing was."""
    if not found.artefacts:
        return []
    lines = ["Published artefacts", "", *map(tables.remark, found.imported()), ""]
    if not found.rows:
        return lines
    told = {key: sum(row.verdict == key for row in found.rows) for key in VERDICTS}
    counts = ", ".join(f"{count} {VERDICTS[key]}" for key, count in told.items() if count)
    lines += [f"Published and recomputed: {len(found.rows)} numbers, {counts}", ""]
    lines += [tables.table(found.groups(), _COLUMNS, digits=4), ""]
    other = found.other()
    if other:
        lines += [f"Numbers that differ ({min(len(other), MOST_SHOWN)} of {len(other)}; all: --view published)", ""]
        lines += [tables.table(other[:MOST_SHOWN], digits=4), ""]
    return [*lines, *map(tables.remark, [*found.why(), LEGEND]), ""]


def _name_of(folder: Path) -> str:
    """A run's name from the folder's."""
    plain = re.sub(r"[^a-z0-9]+", "-", folder.name.lower()).strip("-")
    return f"published-{plain}"[:40].strip("-") if plain else "published"
