"""`dempo import-published`: a folder of published artefacts as a run, and its numbers beside the run's own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from core.config_file import parse_config
from core.errors import InputError
from storage.findings.published_found import MOST_SHOWN, VERDICTS, PublishedFound
from tui.terminal import tables

_NEEDED = "--survey (a folder in PRISM's format) and --panel-config (the published YAML file)"

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
    survey: Path | None = None,
    panel_config: Path | None = None,
) -> tuple[Path, Sequence[str]]:
    """Creates the run; its folder, and notes for whoever starts it.

    Args:
        survey, panel_config: the data and the quotas of the pool, with which files about people are compared.

    Raises:
        InputError: the folder holds nothing that is known, or something in it is wrong; nothing was created.
    """
    from core.preflight import preflight
    from storage.judging.other_runs import RunsOnDisk
    from storage.record.create import create_run

    folder = folder.expanduser().absolute()
    placed = [None if path is None else path.expanduser().absolute() for path in (questions, constitution)]
    people, notes = _people(folder, survey, panel_config)
    text = _configuration(folder, name or _name_of(folder), seed, placed, people)
    loaded = parse_config(text, overrides, where=f"the configuration for {folder}")
    notes = [*notes, *preflight(loaded.config, None, RunsOnDisk(), runs)]
    return create_run(loaded, text, runs), notes


def _configuration(folder: Path, name: str, seed: int, placed: Sequence[Path | None], people: str) -> str:
    """The configuration as TOML: of answers and rankings, where there are any, and of the pool."""
    from core.publication.configuration import configuration_text, head_lines
    from core.publication.folder import has_rankings, publication_in

    if people and not has_rankings(folder):
        return "\n".join([*head_lines(name, seed), people])
    text = configuration_text(publication_in(folder), name, seed, *placed)
    return f"{text}\n{people}" if people else text


def _people(folder: Path, survey: Path | None, panel_config: Path | None) -> tuple[str, Sequence[str]]:
    """The sections of the configuration that make the pool with which files about people are compared, and notes.

    Raises:
        InputError: there are such files and nothing else, and no survey; or the other way round.
    """
    from core.publication.folder import has_rankings
    from core.publication.panel_config import people_text
    from core.publication.people_files import people_files_in, told_files

    files = people_files_in(folder) if folder.is_dir() else None
    if files is None or not files.paths:
        if survey is not None or panel_config is not None:
            raise InputError(f"{folder} holds nothing about people (docs/published.md), so leave out {_NEEDED}")
        return "", ()
    if survey is not None and panel_config is not None:
        return people_text(survey.expanduser().absolute(), panel_config.expanduser().absolute(), folder), ()
    told = f"{told_files(folder, files)}: not compared, since that takes their pool and its quotas; give both {_NEEDED}"
    if survey is not None or panel_config is not None or not has_rankings(folder):
        raise InputError(f"{folder}: {told}")
    return "", (told,)


def published_lines(found: PublishedFound) -> list[str]:
    """What was imported, and how its numbers compare; nothing where nothing was."""
    if not found.artefacts:
        return []
    lines = ["Published artefacts", "", *map(tables.remark, found.imported()), ""]
    if not found.rows:
        return lines
    lines += [*map(tables.remark, found.people()), ""] if found.people() else []
    told = {key: sum(row.verdict == key for row in found.rows) for key in VERDICTS}
    counts = ", ".join(f"{count} {VERDICTS[key]}" for key, count in told.items() if count)
    lines += [f"Published and recomputed: {len(found.rows)} numbers, {counts}", ""]
    lines += [tables.table(found.groups(), _COLUMNS, digits=4), ""]
    other = found.other()
    if other:
        lines += [f"Numbers that differ ({min(len(other), MOST_SHOWN)} of {len(other)}; all: --view published)", ""]
        lines += [tables.table(other[:MOST_SHOWN], digits=4), ""]
    return [*lines, *map(tables.remark, [*found.why(), found.legend()]), ""]


def _name_of(folder: Path) -> str:
    """A run's name from the folder's."""
    plain = re.sub(r"[^a-z0-9]+", "-", folder.name.lower()).strip("-")
    return f"published-{plain}"[:40].strip("-") if plain else "published"
