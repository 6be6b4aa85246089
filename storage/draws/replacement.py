"""A replacement round: a new run in which people who accepted keep their seats and the rest is drawn again.

The configuration is that of the first run with `data.responses` set. Where the answers as given are not
all that the new run needs (silence that was declared to mean something, answers of earlier rounds, ids
that a spreadsheet file had made harmless), the whole list is written to a file of its own for the owner
alone: the one that `--out` names, or `<name>.completed.csv` beside the given one.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.config import RunConfig
from core.config_file import LoadedConfig, change
from core.data.files.csv_table import CsvTable, read_csv
from core.durable import write_durably
from core.errors import DempoError, InputError, quoted
from core.events import digest
from core.facts.cells import cell
from core.facts.plural import number_of
from core.preflight import preflight
from storage.draws.history import config_of, history_of
from storage.draws.people import OWNER_ONLY, SOURCE_ID, source_ids_of
from storage.draws.seated import pool_files
from storage.errors import sentences
from storage.record.reader import Reader

_LISTED = 10


@dataclass(frozen=True)
class Prepared:
    """The configuration of the new run, checked, and what a person should know about it."""

    loaded: LoadedConfig
    responses: Path
    notes: tuple[str, ...]


def prepare(reader: Reader, draw: str, responses: Path, missing: str | None, out: Path | None = None) -> Prepared:
    """The configuration of a replacement round for an accepted draw; `responses` are the answers it is made from.

    Args:
        responses: CSV file with a column `id` (or `source id`, or the run's `data.id_column`) and a column `status`.
        missing: the status of members of the panel who are not in the file.
        out: where the whole list of answers goes; None: beside the given file, and only where it is another list.

    Raises:
        InputError: the draw is not accepted, the pool is not one of tables, the answers cannot be used, or a
            member of the panel did not answer; no run is created.
        InfeasibleQuotas: those who accepted leave no panel within the quotas.
    """
    config = _config(reader, draw)
    if missing not in (None, "accepted", "declined"):
        raise InputError(f"--missing {missing!r}: silence can mean accepted or declined")
    people = source_ids_of(reader)
    if people is None:
        raise InputError(
            f"{reader.folder.private / 'raters.csv'} is missing, so nobody can tell who is on the panel; put it back"
        )
    members = [
        people[row["rater_id"]] for row in reader.query("SELECT rater_id FROM panel_members WHERE draw = ?", [draw])
    ]
    table = read_csv(responses, "RESPONSES")
    given = _statuses(table, config.data.id_column)
    answers = _with_source_ids(given, people.values())
    earlier = _earlier(reader, config)
    _require_asked(reader, draw, people, answers, {*members, *earlier})
    _require_unchanged(reader, config)
    silent = [member for member in members if member not in answers]
    if silent and missing is None:
        raise InputError(_silence(silent, len(members), responses))
    whole = earlier | answers | {member: str(missing) for member in silent}
    if out is None and whole == given and SOURCE_ID not in table.header.cells:
        return _checked(config, responses, ())
    notes = [f"{len(silent)} who did not answer count{'s' * (len(silent) == 1)} as {missing}"] if silent else []
    notes += [f"{number_of(len(earlier), 'answer')} of earlier rounds kept"] if earlier else []
    return _completed(config, out or responses.with_name(f"{responses.stem}.completed.csv"), whole, notes)


def _require_asked(
    reader: Reader, draw: str, people: Mapping[str, str], answers: Mapping[str, str], known: Collection[str]
) -> None:
    """Nobody gets a seat who was not drawn: answers count of members, alternates and people asked in earlier rounds.

    Raises:
        InputError: with those who were never asked.
    """
    rows = reader.query("SELECT rater_id FROM alternates WHERE draw = ?", [draw])
    asked = {*known, *(people[row["rater_id"]] for row in rows)}
    strangers = [person for person in answers if person not in asked]
    if strangers:
        more = f" and {len(strangers) - _LISTED} more" if len(strangers) > _LISTED else ""
        raise InputError(
            f"{', '.join(map(quoted, strangers[:_LISTED]))}{more}: neither on the panel of draw {draw!r} nor among its "
            "alternates, so nobody asked them; take them out of the answers"
        )


def _require_unchanged(reader: Reader, config: RunConfig) -> None:
    """People and quotas must be those that the panel was drawn from.

    Raises:
        InputError: a file differs from what was recorded.
    """
    for path in (config.data.respondents, config.data.quotas):
        recorded = [sha256 for name, sha256 in pool_files(reader) if path is not None and name == path.name]
        if path is None or not recorded:
            continue
        try:
            body = path.read_bytes()
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror}; the replacements are drawn from it") from error
        if digest(body) not in recorded:  # two files may have the same name in different folders
            raise InputError(
                f"{path} has changed since the panel was drawn (SHA-256 {digest(body)[:12]}… instead of "
                f"{recorded[0][:12]}…); put the old file back, or start a new run"
            )


def _config(reader: Reader, draw: str) -> RunConfig:
    """The run's configuration with this draw alone: the seats that are taken are seats of its panel. What was published
    is of the whole pool, so it is compared with no lottery over the rest."""
    history = history_of(reader, draw)
    if history.state != "accepted":
        raise InputError(f"draw {draw!r} is not accepted yet; replacements are drawn for the panel of an accepted draw")
    config = config_of(reader)
    if not config.data.people_only:
        raise InputError(
            f"the pool of {reader.folder.root.name} comes from preference data; replacements are drawn from pools "
            "with `data.format = 'tables'`"
        )
    lotteries = tuple(
        x.model_copy(update={"published": None}) for x in config.lotteries if x.name == history.section.lottery
    )
    return config.model_copy(update={"draws": (history.section,), "lotteries": lotteries})


def _statuses(table: CsvTable, id_column: str | None) -> dict[str, str]:
    """The column `status` by the column of ids; what the words mean is said where `data.responses` is read.

    Raises:
        InputError: a column is missing, or a person has two answers.
    """
    by_fold = {cell.casefold(): cell for cell in reversed(table.header.cells)}
    ids = table.column(by_fold.get("id") or by_fold.get(SOURCE_ID) or id_column or "id")
    status = table.column(by_fold.get("status", "status"))
    found: dict[str, str] = {}
    for row in table.rows:
        word = row.cells[status]
        if found.setdefault(row.cells[ids], word).casefold() != word.casefold():
            raise table.error(row.line, "the same person gave another answer in an earlier line; keep one of both")
    return found


def _with_source_ids(given: Mapping[str, str], known: Collection[str]) -> dict[str, str]:
    """The answers under the ids of the source: `people` writes some of them otherwise (`core.facts.cells`).

    What two ids are written as stays as it is, since it names nobody.
    """
    original: dict[str, str] = {}
    known = frozenset(known)
    for source_id in known:
        written = cell(source_id)
        if source_id not in given:
            original[written] = written if written in original or written in known else source_id
    return {original.get(written, written): status for written, status in given.items()}


def _silence(silent: Sequence[str], members: int, responses: Path) -> str:
    named = ", ".join(repr(member) for member in silent[:_LISTED])
    more = f" and {len(silent) - _LISTED} more" if len(silent) > _LISTED else ""
    return (
        f"{responses}: {len(silent)} of the panel's {members} members {'is' if len(silent) == 1 else 'are'} not in it: "
        f"{named}{more}; add their answers, "
        "or say with --missing declined (or accepted) what silence means"
    )


def _earlier(reader: Reader, config: RunConfig) -> dict[str, str]:
    """The answers that the run itself was made from, where it is a replacement round already.

    Raises:
        InputError: the file is not the one that was read then.
    """
    path = config.data.responses
    if path is None:
        return {}
    table = read_csv(path, "data.responses")
    if table.file.sha256 not in [sha256 for _, sha256 in pool_files(reader)]:
        raise InputError(f"{path} was changed since {reader.folder.root.name} read it; put the old file back")
    return _statuses(table, config.data.id_column)


def _completed(config: RunConfig, path: Path, answers: Mapping[str, str], notes: Sequence[str]) -> Prepared:
    """Writes the whole list of answers; takes it away again where the new run cannot use it."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([("id", "status"), *answers.items()])
    body = text.getvalue().encode()
    was_there = path.exists()
    if was_there and path.read_bytes() != body:
        raise InputError(f"{path} holds something else; move it away, or name another file with --out")
    with sentences(path):
        write_durably(path, body, OWNER_ONLY)
    try:
        return _checked(config, path, (*notes, f"the answers that this round is made from are in {path}; keep it"))
    except DempoError:
        if not was_there:
            path.unlink()
        raise


def _checked(config: RunConfig, responses: Path, notes: Sequence[str]) -> Prepared:
    loaded = change(config, [f"data.responses={responses.absolute()}"])
    return Prepared(loaded, responses, (*notes, *preflight(loaded.config, "draw")))
