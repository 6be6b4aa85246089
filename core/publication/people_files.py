"""Published files about people: π of each person, the ids of a panel, pairs with the weights of training.

In the layout of the paper's repository: a CSV file with the columns `user_id` and `pi`; a text file with an id a line,
whose name says that it is a panel's; JSON lines with `prompt`, `chosen`, `rejected`, `user_id` and `weight`. Ids are
those of the survey, and leave these functions only to be looked up.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.data.files.jsonl import JsonLines
from core.data.files.rows import Row, shown
from core.errors import InputError, quoted
from core.events.data import FileRead
from core.facts.plural import number_of
from core.publication.folder import files_of, first_row, read_whole, sha256_of

_PI_COLUMNS = ("user_id", "pi")
_PAIR_KEYS = {"prompt", "chosen", "rejected"}
_LONGEST_ID = 200
_LARGEST_WEIGHT = 1e12


@dataclass(frozen=True)
class PeopleFiles:
    """The files about people in a folder."""

    pi: Path | None
    panel: Path | None
    pairs: Sequence[Path]

    @property
    def paths(self) -> list[Path]:
        """All of them."""
        return [path for path in (self.pi, self.panel, *self.pairs) if path is not None]


@dataclass(frozen=True)
class ListedPeople:
    """What a file says of each person, by id; weights are the number of pairs, and their smallest and largest."""

    what: str
    file: FileRead
    pi: dict[str, float] = field(default_factory=dict)
    members: list[str] = field(default_factory=list)
    weights: dict[str, tuple[int, float, float]] = field(default_factory=dict)

    @property
    def ids(self) -> list[str]:
        """Everybody in the file."""
        return [*self.pi, *self.members, *self.weights]


def people_files_in(folder: Path) -> PeopleFiles:
    """The files about people of a folder and of the folders in it; others are not looked at.

    Raises:
        InputError: there are two panels or two files of π, or one of π has no header.
    """
    tables = [path for path in files_of(folder, ".csv") if _is_table_of_pi(path)]
    panels = [path for path in files_of(folder, ".txt") if _is_panel(path)]
    pairs = [path for path in files_of(folder, ".jsonl") if first_row(path).keys() >= _PAIR_KEYS]
    return PeopleFiles(_one(folder, "files of π", tables), _one(folder, "panels", panels), pairs)


def read_people(files: PeopleFiles) -> Iterator[ListedPeople]:
    """What each file says, π and the panel first.

    Raises:
        InputError: a file cannot be read, or is wrong; the message has the line and the remedy.
    """
    if files.pi is not None:
        yield _read_pi(files.pi)
    if files.panel is not None:
        yield _read_panel(files.panel)
    yield from map(_read_pairs, files.pairs)


def _one(folder: Path, what: str, found: Sequence[Path]) -> Path | None:
    if len(found) > 1:
        told = ", ".join(str(path.relative_to(folder)) for path in found[:3])
        raise InputError(f"{folder} holds {len(found)} {what} ({told}); keep the one that is to be compared")
    return found[0] if found else None


# ------------------------------------------------------------ π


def _is_table_of_pi(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            header = _cells(stream.readline(4096).decode("utf-8-sig", "replace"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    except csv.Error:
        return False
    if set(_PI_COLUMNS) <= set(header):
        return True
    if len(header) == 2 and _is_number(header[1]) and not _is_number(header[0]):
        raise InputError(f"{path} has no header: its first line must name the columns, 'user_id,pi'")
    return False


def _cells(line: str) -> list[str]:
    return [cell.strip() for row in csv.reader([line]) for cell in row]


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False


def _read_pi(path: Path) -> ListedPeople:
    body = read_whole(path)
    reader = csv.reader(io.StringIO(_text(path, body), newline=""))
    header = [cell.strip() for cell in next(reader)]
    person, chance = (header.index(name) for name in _PI_COLUMNS)
    found: dict[str, float] = {}
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                where = f"{path}, line {reader.line_num}"
                if len(row) != len(header):
                    raise InputError(f"{where}: {len(row)} cells, and the header has {len(header)}")
                _keep(found, row[person].strip(), _chance(row[chance].strip(), where), where)
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: {error}") from None
    return ListedPeople("pi", _file_read(path, body, _some(path, len(found))), pi=found)


def _chance(cell: str, where: str) -> float:
    if not _is_number(cell) or not 0 <= float(cell) <= 1:
        raise InputError(f"{where}: pi is {quoted(cell)}, and a probability is a number from 0 to 1")
    return float(cell)


def _keep(found: dict[str, float], person: str, pi: float, where: str) -> None:
    if not person:
        raise InputError(f"{where}: user_id is empty")
    if person in found:
        raise InputError(f"{where}: {quoted(person)} occurs twice; each person has one line")
    found[person] = pi


# ------------------------------------------------------------ a panel


def _is_panel(path: Path) -> bool:
    """Whether the name says that it is a panel's, and every line holds one word."""
    if not {"panel", "ids"} & set(path.stem.lower().replace("-", "_").split("_")):
        return False
    lines = read_whole(path).decode("utf-8-sig", "replace").splitlines()
    return any(map(str.strip, lines)) and all(len(line.split()) <= 1 and len(line) <= _LONGEST_ID for line in lines)


def _read_panel(path: Path) -> ListedPeople:
    body = read_whole(path)
    members: dict[str, float] = {}
    for number, line in enumerate(_text(path, body).splitlines(), 1):
        if line.strip():
            _keep(members, line.strip(), 1.0, f"{path}, line {number}")
    return ListedPeople("panel", _file_read(path, body, len(members)), members=list(members))


def _text(path: Path, body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text (byte {error.start}); fetch it again") from None


def _some(path: Path, rows: int) -> int:
    if not rows:
        raise InputError(f"{path} names nobody; fetch it again")
    return rows


def _file_read(path: Path, body: bytes, rows: int) -> FileRead:
    return FileRead(name=path.name, bytes=len(body), sha256=sha256_of(body), rows=rows)


# ------------------------------------------------------------ pairs


def _read_pairs(path: Path) -> ListedPeople:
    lines = JsonLines(path)
    found: dict[str, tuple[int, float, float]] = {}
    for row in lines:
        person, weight = _weighted(row)
        pairs, low, high = found.get(person, (0, math.inf, 0.0))
        found[person] = (pairs + 1, min(low, weight), max(high, weight))
    if not any(high > 0 for _, _, high in found.values()):
        raise InputError(f"{path}: no pair has a weight above 0")
    return ListedPeople("pairs", lines.file_read(), weights=found)


def _weighted(row: Row) -> tuple[str, float]:
    person, weight = row.values.get("user_id"), row.values.get("weight")
    if not isinstance(person, str) or not person:
        raise row.error("the pair has no user_id, so nobody can say whose weight it is")
    if isinstance(weight, bool) or not isinstance(weight, (int, float)):
        raise row.error("the pair has no weight (a number); published pairs that are not weighted have weight 1")
    if not 0 <= weight < _LARGEST_WEIGHT:
        raise row.error(f"weight is {shown(weight)}, and a weight is a number from 0 to {_LARGEST_WEIGHT:g}")
    return person, float(weight)


def told_files(folder: Path, files: PeopleFiles) -> str:
    """The names of the files, for a sentence."""
    names = [str(path.relative_to(folder)) for path in files.paths]
    shown = ", ".join(names[:4])
    rest = f" and {number_of(len(names) - 4, 'other')}" if len(names) > 4 else ""
    return shown + rest
