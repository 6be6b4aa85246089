"""Who a draw selected, who stands in for them and who remains in the pool, as CSV files for people.

A panel that is only proposed gets files of its own: every row of them says so. In a replacement round a file more
holds the whole panel, those who kept their seats included.

The files name people by their source ids where `private/raters.csv` lies beside the run, so they are for
the owner alone (mode 0600). They are UTF-8, and their cells are harmless (`core.facts.cells`): a column
`source id_escaped` says so where an id had to be written otherwise than it is.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.durable import write_durably
from core.errors import DempoError, InputError
from core.facts.cells import csv_line, escaped_columns, table_header, table_row
from storage.draws.history import State, config_of, history_of
from storage.draws.seated import seated
from storage.errors import sentences
from storage.record.reader import Reader
from storage.withheld import require_people

OWNER_ONLY = 0o600

SOURCE_ID = "source id"
PSEUDONYM = "pseudonym"
PROPOSED = "proposed, not accepted"


@dataclass(frozen=True)
class Written:
    """The files with their numbers of rows; `named` says whether they hold source ids.

    `outcome` is "accepted" or "proposed, not accepted"; `notes` are sentences about what could not be written.
    """

    draw: str
    outcome: str
    files: Mapping[Path, int]
    named: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Person:
    """A member of the pool: pseudonym, type, and categories by attribute."""

    rater_id: str
    type: int
    attributes: Mapping[str, str]


@dataclass(frozen=True)
class _Drawn:
    """A draw's panel among its pool, and what names its people where that is at hand."""

    draw: str
    members: tuple[str, ...]
    pool: Mapping[str, _Person]
    source_ids: Mapping[str, str] | None

    def named(self, rater_id: str) -> str:
        """The organiser's own id of a person, or the pseudonym where there is none."""
        return rater_id if self.source_ids is None else self.source_ids.get(rater_id, rater_id)

    def header(self) -> list[str]:
        """The columns of a person."""
        attributes = next(iter(self.pool.values())).attributes
        return [*([SOURCE_ID] if self.source_ids is not None else []), PSEUDONYM, *attributes]

    def cells(self, rater_id: str) -> list[str]:
        """The cells of a person, as many as the header has."""
        named = [self.source_ids.get(rater_id, "")] if self.source_ids is not None else []
        return [*named, rater_id, *self.pool[rater_id].attributes.values()]


_Table = list[list[str]]


def write_people(reader: Reader, draw: str | None, folder: Path, force: bool = False) -> Written:
    """Writes selected.csv, alternates.csv, remaining.csv and quotas.csv of an accepted draw.

    A replacement round gets panel.csv too: the people who kept their seats, and those who were drawn now.

    Args:
        draw: its id; None where the run has one accepted draw.
        force: write into a folder that holds files already.

    Raises:
        InputError: there is no such draw, it is not accepted, or the folder is in use.
        NotFound: who was drawn is not in this copy.
        StorageError: a file cannot be written.
    """
    drawn = _drawn(reader, _chosen(reader, draw, "accepted"))
    alternates, selected = _of_draw(reader, "alternates", drawn.draw), set(drawn.members)
    rows = {
        "selected.csv": _people_rows(drawn, drawn.members),
        "alternates.csv": _alternate_rows(drawn, alternates),
        "remaining.csv": _people_rows(drawn, (person for person in drawn.pool if person not in selected)),
        "quotas.csv": _quota_rows(_of_draw(reader, "panel_composition", drawn.draw)),
    }
    whole, notes = _whole_panel(reader, drawn)
    files = _write(folder, rows | whole, force)
    return Written(drawn.draw, "accepted", files, drawn.source_ids is not None, notes)


def write_proposed(reader: Reader, draw: str | None, folder: Path, force: bool = False) -> Written:
    """Writes proposed.csv and quotas.csv of a panel that waits to be accepted; each row says that it is not.

    Args and errors are those of `write_people`.
    """
    drawn = _drawn(reader, _chosen(reader, draw, "proposed"))
    rows = {
        "proposed.csv": _marked(_people_rows(drawn, drawn.members)),
        "quotas.csv": _marked(_quota_rows(_of_draw(reader, "panel_composition", drawn.draw))),
    }
    return Written(drawn.draw, PROPOSED, _write(folder, rows, force), drawn.source_ids is not None)


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


def csv_bytes(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """Rows as UTF-8 CSV with harmless cells."""
    escaped = escaped_columns(header, rows)
    return b"".join(map(csv_line, [table_header(header, escaped), *(table_row(row, escaped) for row in rows)]))


def _chosen(reader: Reader, draw: str | None, wanted: State) -> str:
    """The draw that is meant, where it stands as wanted: accepted or proposed."""
    run = reader.folder.root.name
    comes_next = f"`dempo draw list {run}` says what comes next"
    if draw is None:
        found = [s.id for s in config_of(reader).draws if history_of(reader, s.id).state == wanted]
        if len(found) == 1:
            return found[0]
        known = f"name one of its draws: {', '.join(found)}" if found else f"no draw of it is {wanted}; {comes_next}"
        raise InputError(f"{run}: {known}")
    state = history_of(reader, draw).state
    if state == wanted:
        return draw
    told = "is not made yet" if state == "none" else f"is not {wanted} (it is {state})"
    raise InputError(f"draw {draw!r} {told}; {_OTHER.get(state, comes_next)}")


_OTHER: dict[State, str] = {
    "proposed": "--proposed writes a panel that waits to be accepted",
    "accepted": "without --proposed the people of accepted draws are written",
}


def _drawn(reader: Reader, draw: str) -> _Drawn:
    require_people(reader, "panel_members")
    people = reader.query("SELECT rater_id, type, attributes FROM raters")
    pool = {row["rater_id"]: _Person(row["rater_id"], row["type"], json.loads(row["attributes"])) for row in people}
    members = tuple(row["rater_id"] for row in _of_draw(reader, "panel_members", draw))
    return _Drawn(draw, members, pool, source_ids_of(reader))


def _write(folder: Path, rows: Mapping[str, _Table], force: bool) -> dict[Path, int]:
    _require_free(folder, force)
    with sentences(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, table in rows.items():
            write_durably(folder / name, csv_bytes(table[0], table[1:]), OWNER_ONLY)
    return {folder / name: len(table) - 1 for name, table in rows.items()}


def _require_free(folder: Path, force: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; name a folder")
    if not force and folder.is_dir() and any(folder.iterdir()):
        raise InputError(f"{folder} holds files already; name another folder, or overwrite with --force")


def _of_draw(reader: Reader, view: str, draw: str) -> list[dict[str, str]]:
    return reader.query(f"SELECT * FROM {view} WHERE draw = ?", [draw])


def _people_rows(drawn: _Drawn, people: Iterable[str]) -> _Table:
    return [drawn.header(), *map(drawn.cells, people)]


def _marked(rows: _Table) -> _Table:
    """The same rows with a first column that says how the panel stands."""
    header, *others = rows
    return [["panel", *header], *([PROPOSED, *row] for row in others)]


def _alternate_rows(drawn: _Drawn, alternates: Sequence[Mapping[str, str]]) -> _Table:
    """One row per alternate: its place in its type's order, and the members it may stand in for."""
    by_type: dict[int, list[str]] = {}
    for member in drawn.members:
        by_type.setdefault(drawn.pool[member].type, []).append(drawn.named(member))
    rows = [["position", "stands in for", *drawn.header()]]
    for row in alternates:
        members = "; ".join(by_type[drawn.pool[row["rater_id"]].type])
        rows.append([str(row["position"]), members, *drawn.cells(row["rater_id"])])
    return rows


def _quota_rows(composition: Sequence[Mapping[str, str]]) -> _Table:
    columns = ["attribute", "category", "lower", "upper", "members"]
    return [columns, *([str(row[column]) for column in columns] for row in composition)]


def _whole_panel(reader: Reader, drawn: _Drawn) -> tuple[dict[str, _Table], tuple[str, ...]]:
    """panel.csv of a replacement round, or a note why it cannot be written; nothing in a first round."""
    config = config_of(reader)
    if config.data.responses is None:
        return {}, ()
    if drawn.source_ids is None:
        return {}, ("panel.csv is not written: without private/raters.csv nobody can be named",)
    try:
        stayed = seated(reader, config)
    except DempoError as error:
        return {}, (f"panel.csv is not written, because those who kept their seats cannot be read: {error}",)
    kept = [["kept", person.source_id, "", *person.categories] for person in stayed]
    new = [["drawn now", *drawn.cells(member)] for member in drawn.members]
    return {"panel.csv": [["seat", *drawn.header()], *kept, *new]}, ()
