"""The record as a whole: its file, schema, chain, first event, units, texts and artifacts."""

from __future__ import annotations

import hashlib
import json
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.facts.chain import CHAIN_DOMAIN
from core.facts.sealed import PRIVATE
from core.facts.settings import settings_in
from storage.verifier.ground.beside import more_than_one_file, why_not_alone
from storage.verifier.ground.finding import Finding, brief, broken, newer, same, whole
from storage.verifier.ground.reading import is_foreign
from storage.verifier.ground.record import Record, Values
from storage.verifier.ground.shapes import A_HASH, Shape, known_part, misfit

REDACTION_NOTE = "redacted.json"
LARGEST_NOTE = 8 * 1024**2
RUN_ID = re.compile(r"[0-9]{8}-[0-9]{6}-([a-z0-9-]{1,40})")


def check_file(record: Record) -> str:
    """SQLite's own check of the file (pages, types of values, indexes against their tables), and whether it is all."""
    foreign = is_foreign(record.root)
    wrong = why_not_alone(record.database) if foreign else ""
    if wrong:
        raise broken(wrong)
    if not record.integrity:
        whole(record)
    if record.integrity != "ok":
        told = f"SQLite's integrity check says: {record.integrity[:300]}"
        raise Finding("unchecked" if record.hindered else "failed", told)
    more = "" if foreign else more_than_one_file(record.database)
    return f"SQLite's integrity check passed{'; ' * bool(more)}{more}"


def check_schema(record: Record) -> str:
    """Tables, indexes, triggers and views, letter by letter: their SQL against digests of the version that the file
    names, and the views against those of every release."""
    if record.schema_wrong:
        raise Finding("unchecked" if record.schema_wrong.newer else "failed", record.schema_wrong.told)
    if not record.objects:
        whole(record)
    return f"{record.objects} tables, indexes, triggers and views are as written (version {record.version})"


def check_chain(record: Record) -> str:
    """Every event's hash, from the first to the last: SHA-256 over the domain, the hash before, number, time, stage,
    kind and payload, against the hash that is stored with it."""
    if record.chain_wrong is not None:
        raise broken(*record.chain_wrong)
    whole(record)
    if record.count == 0:
        raise broken("the record is empty")
    return f"{record.count} events, each bound to the one before; head {record.hashes[-1]}"


def check_genesis(record: Record) -> str:
    """The first event names the run, its seed and its schema as the rest of the record has them."""
    whole(record)
    first = record.genesis
    if not first:
        raise broken("the first event does not create a run", 1)
    again = record.kept["run.created"][1:]
    if again:
        raise broken(f"event {again[0].seq} creates the run once more", again[0].seq)
    name = record.root.name
    if first["run_id"] != name and not is_foreign(record.root):
        raise broken(_other_folder(first["run_id"][:80], name), 1)
    same(first["domain"], CHAIN_DOMAIN, "the domain of the chain", 1)
    same(first["schema_version"], record.version, "the schema version in the first event", 1)
    if record.views:
        same(first["views"], record.views, "the version of the views in the first event", 1)
    run = first["config"].get("run")
    if not isinstance(run, dict) or str(run.get("seed")) != first["seed"] or run.get("name") != first["name"]:
        raise broken("the first event names another run or seed than the configuration that it holds", 1)
    if not re.fullmatch("0|[1-9][0-9]{0,18}", first["seed"]):
        raise broken("the run's seed is no number", 1)
    _check_origins(first)
    same(first["simulated"], is_simulated(first["config"]), "whether raters or judges are simulated", 1)
    stamped = RUN_ID.fullmatch(first["run_id"])
    if stamped is not None and stamped[1] != first["name"]:
        raise broken(f"{brief(first['run_id'])} is not the id of a run called {brief(first['name'])}", 1)
    _check_settings(first["config"], record.facts.config)
    return f"the record is that of run {first['run_id']}"


def is_simulated(config: Mapping[str, Any]) -> bool:
    """Whether raters are those of a planted world, or some judge is, as it may be in a run without raters."""
    judges = (config.get("judge") or {}).get("judges") or ()
    planted = any(judge.get("kind") == "planted" for judge in judges)
    return planted or (config.get("data") or {}).get("world") is not None


def _check_settings(config: Any, shape: Shape) -> None:
    """Every setting is one that the program has, and of its type."""
    wrong = misfit(config, shape)
    if wrong is not None and misfit(known_part(config, shape), shape) is not None:
        raise broken(f"the configuration is not one that this program resolves ({wrong})", 1)
    if wrong is not None:
        raise newer(f"the configuration ({wrong})", 1)


def _check_origins(first: Values) -> None:
    """The configuration as it was resolved is whole: of each value it is said where it comes from, and of no other."""
    values = {key for key, _ in settings_in(first["config"])}
    others = sorted(values ^ first["origins"].keys())
    if others:
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        lacks = "where it comes from is not said" if others[0] in values else "it is not there"
        raise broken(f"the configuration and the origins of its values differ: {brief(others[0])}{more}, {lacks}", 1)


def _other_folder(run_id: str, folder: str) -> str:
    """A run that moved is as it was, but whoever asks for run X must not be shown run Y in its place."""
    return (
        f"the record is that of run {run_id}, but its folder is called {folder}: either it was renamed, and then "
        f"calling it {run_id} again mends this, or another run's record lies where that of {folder} should be"
    )


def check_events(record: Record) -> str:
    """Every event is of a known kind and has the fields of that kind, each of its type, in a payload that is its own
    RFC 8785 form, byte for byte."""
    if record.shape_wrong is not None:
        raise broken(*record.shape_wrong)
    whole(record)
    if record.newer is not None:
        raise newer(*record.newer)
    kinds = len(record.facts.kinds)
    return f"{record.count} events are of {kinds} known kinds and hold the fields of the catalogue"


def check_units(record: Record) -> str:
    """Stages and units in their order; of each unit one attempt is complete, or none."""
    if record.ledger.wrong is not None:
        raise broken(*record.ledger.wrong)
    whole(record)
    units = record.ledger.units.values()
    done = sum(state.completed > 0 for state in units)
    ended = sum(state.ended is not None for state in record.ledger.stages.values())
    open_units = f", {len(units) - done} begun and not completed" if len(units) > done else ""
    return f"{done} units are complete{open_units}; {ended} stages have ended with all the units that they planned"


def check_blobs(record: Record) -> str:
    """The texts: each matches its name, and each that an event refers to is there, or was withheld."""
    if record.blob_wrong is not None:
        raise broken(*record.blob_wrong)
    whole(record)
    if record.missing:
        seq, key = record.missing[0]
        if len(record.missing) > withheld_by(record.root)[0]:
            raise broken(f"event {seq} refers to blob {key[:64]}, which is missing", seq)
        told = f"{len(record.missing)} texts were withheld from this copy"
        raise Finding("withheld", f"{told}; {record.blobs} are here and match their names")
    spare = record.blobs - len(record.references)
    more = f"; {spare} are there that no event refers to" if spare else ""
    return f"{record.blobs} texts match their names, and every text that an event refers to is there{more}"


def check_artifacts(record: Record) -> str:
    """The files under `artifacts/`: each matches its name."""
    whole(record)
    left_out, withheld = withheld_by(record.root)[1], 0
    for name, (size, seq) in record.artifacts.items():
        if not A_HASH.fullmatch(name):
            raise broken(f"event {seq} names an artifact by {brief(name)}, which is no SHA-256", seq)
        path = record.root / "artifacts" / name
        if not is_plain_file(path):
            if name not in left_out:
                raise broken(f"event {seq} refers to artifacts/{name}, which is missing", seq)
            withheld += 1
        elif path.stat().st_size != size or file_digest(path) != name:
            raise broken(f"artifacts/{name} was changed", seq)
    here = len(record.artifacts) - withheld
    if PRIVATE in record.absent_parts:
        told = "which artifacts there are was withheld from this copy"
        raise Finding("withheld", f"{told}; {here} are here and match their names")
    if withheld:
        told = f"{withheld} artifacts with texts were withheld from this copy"
        raise Finding("withheld", f"{told}; {here} are here and match their names")
    return f"{here} artifacts match their names"


def is_plain_file(path: Path) -> bool:
    """Whether a path is a file itself, and no link, device or pipe."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def file_digest(path: Path) -> str:
    """SHA-256 of a file."""
    state = hashlib.sha256()
    with path.open("rb") as stream:
        for piece in iter(lambda: stream.read(1024**2), b""):
            state.update(piece)
    return state.hexdigest()


def withheld_by(root: Path) -> tuple[int, frozenset[str]]:
    """What a bundle says that it leaves out: how many texts, and which artifacts. (0, none) where it says nothing."""
    path = root / REDACTION_NOTE
    if not is_plain_file(path):
        return 0, frozenset()
    try:
        with path.open("rb") as stream:
            note = json.loads(stream.read(LARGEST_NOTE))
        texts, artifacts = note["texts"], note["artifacts"]
        if not isinstance(texts, int) or not all(isinstance(name, str) for name in artifacts):
            raise ValueError("it gives no number of texts and no names of artifacts")
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise broken(f"{REDACTION_NOTE} does not say what was withheld ({str(error)[:100]})") from None
    return texts, frozenset(artifacts)
