"""Who a draw selected, who stands in for them and who remains in the pool, as CSV files for people.

The files name people by their source ids where `private/raters.csv` lies beside the run, so they are for
the owner alone (mode 0600). They are UTF-8. A cell that begins with = + - @, a tab or a line break has an
apostrophe put before it: a spreadsheet would take it for a formula otherwise.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.durable import write_durably
from core.errors import InputError
from storage.draws.history import config_of, history_of
from storage.errors import sentences
from storage.reader import Reader

OWNER_ONLY = 0o600

SOURCE_ID = "source id"
PSEUDONYM = "pseudonym"

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True)
class Written:
    """The files with their numbers of rows; `named` says whether they hold source ids."""

    draw: str
    files: Mapping[Path, int]
    named: bool


@dataclass(frozen=True)
class _Person:
    """A member of the pool: pseudonym, type, and categories by attribute."""

    rater_id: str
    type: int
    attributes: Mapping[str, str]


def write_people(reader: Reader, draw: str | None, folder: Path, force: bool = False) -> Written:
    """Writes selected.csv, alternates.csv, remaining.csv and quotas.csv of an accepted draw.

    Args:
        draw: its id; None where the run has one accepted draw.
        force: write into a folder that holds files already.

    Raises:
        InputError: there is no such draw, it is not accepted, or the folder is in use.
        StorageError: a file cannot be written.
    """
    chosen = _accepted_draw(reader, draw)
    _require_free(folder, force)
    source_ids = source_ids_of(reader)
    pool = {
        row["rater_id"]: _Person(row["rater_id"], row["type"], json.loads(row["attributes"]))
        for row in reader.query("SELECT rater_id, type, attributes FROM raters")
    }
    members = [row["rater_id"] for row in _of_draw(reader, "panel_members", chosen)]
    rows = {
        "selected.csv": _people_rows((pool[m] for m in members), pool, source_ids),
        "alternates.csv": _alternate_rows(_of_draw(reader, "alternates", chosen), members, pool, source_ids),
        "remaining.csv": _people_rows((p for p in pool.values() if p.rater_id not in set(members)), pool, source_ids),
        "quotas.csv": _quota_rows(_of_draw(reader, "panel_composition", chosen)),
    }
    with sentences(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, table in rows.items():
            write_durably(folder / name, csv_bytes(table), OWNER_ONLY)
    files = {folder / name: len(table) - 1 for name, table in rows.items()}
    return Written(chosen, files, source_ids is not None)


def source_ids_of(reader: Reader) -> dict[str, str] | None:
    """Source id by pseudonym from `private/raters.csv`; None where the file is not beside the run.

    Raises:
        StorageError: it cannot be read.
    """
    path = reader.folder.private / "raters.csv"
    if not path.exists():
        return None
    with sentences(path):
        text = path.read_bytes().decode("utf-8", "surrogatepass")
    return {row["rater_id"]: row["source_id"] for row in csv.DictReader(io.StringIO(text, newline=""))}


def harmless(cell: str) -> str:
    """The cell, with an apostrophe before it where a spreadsheet would take it for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def csv_bytes(rows: Iterable[Sequence[object]]) -> bytes:
    """Rows as UTF-8 CSV with harmless cells."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([harmless(str(cell)) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8", "replace")  # half a character in a source id has no UTF-8 form


def _accepted_draw(reader: Reader, draw: str | None) -> str:
    if draw is None:
        accepted = [s.id for s in config_of(reader).draws if history_of(reader, s.id).state == "accepted"]
        if len(accepted) == 1:
            return accepted[0]
        known = f"name one of its draws: {', '.join(accepted)}" if accepted else "it has no accepted draw yet"
        raise InputError(f"{reader.folder.root.name}: {known}")
    state = history_of(reader, draw).state
    if state != "accepted":
        told = "is not made yet" if state == "none" else f"is not accepted (it is {state})"
        raise InputError(f"draw {draw!r} {told}; `dempo draw list {reader.folder.root.name}` says what comes next")
    return draw


def _require_free(folder: Path, force: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; name a folder")
    if not force and folder.is_dir() and any(folder.iterdir()):
        raise InputError(f"{folder} holds files already; name another folder, or overwrite with --force")


def _of_draw(reader: Reader, view: str, draw: str) -> list[dict[str, str]]:
    return reader.query(f"SELECT * FROM {view} WHERE draw = ?", [draw])


def _header(pool: Mapping[str, _Person], source_ids: Mapping[str, str] | None) -> list[str]:
    attributes = next(iter(pool.values())).attributes
    return [*([SOURCE_ID] if source_ids is not None else []), PSEUDONYM, *attributes]


def _cells(person: _Person, source_ids: Mapping[str, str] | None) -> list[str]:
    named = [source_ids.get(person.rater_id, "")] if source_ids is not None else []
    return [*named, person.rater_id, *person.attributes.values()]


def _people_rows(
    people: Iterable[_Person], pool: Mapping[str, _Person], source_ids: Mapping[str, str] | None
) -> list[list[str]]:
    return [_header(pool, source_ids), *(_cells(person, source_ids) for person in people)]


def _alternate_rows(
    alternates: Sequence[Mapping[str, str]],
    members: Sequence[str],
    pool: Mapping[str, _Person],
    source_ids: Mapping[str, str] | None,
) -> list[list[str]]:
    """One row per alternate: its place in its type's order, and the pseudonyms of the members it may stand in for."""
    by_type: dict[int, list[str]] = {}
    for member in members:
        by_type.setdefault(pool[member].type, []).append(member)
    rows = [["position", "stands in for", *_header(pool, source_ids)]]
    for row in alternates:
        person = pool[row["rater_id"]]
        rows.append([str(row["position"]), " ".join(by_type[person.type]), *_cells(person, source_ids)])
    return rows


def _quota_rows(composition: Sequence[Mapping[str, str]]) -> list[list[str]]:
    columns = ["attribute", "category", "lower", "upper", "members"]
    return [columns, *([str(row[column]) for column in columns] for row in composition)]
