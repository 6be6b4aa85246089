"""What comes of an attack on a finished record: found, not readable any more, without a meaning, or never found.

python tests/mutation_outcomes.py 400 [SEED]        prints the table of docs/audit.md; makes four small runs first
"""

from __future__ import annotations

import csv
import io
import random
import shutil
import sqlite3
import sys
import tempfile
import tomllib
import zipfile
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import liars
import mutations
from bundles import written_anew
from never import row_of

from core.events import decode
from storage.check import Check
from storage.errors import StorageError
from storage.record.schema import VIEWS
from storage.record.sealing import bodies_of, read_payload
from storage.verifier.ground.reading import MANIFEST_NAME
from storage.verifier.vouching.rendered import FRACTION
from storage.verifier.vouching.vouching import KEPT_HEAD
from storage.verify import verify_all

Verdict = Literal["failed", "unchecked", "said", "unchanged", "never", "MISSED"]

KINDS: dict[str, tuple[mutations.Attack, tuple[str, ...], int]] = {
    "a value of an event": (mutations.field, ("trained", "judged", "drawn", "signed"), 8),
    "an event": (mutations.event, ("trained", "judged", "drawn", "signed"), 2),
    "a whole story": (liars.story, ("trained", "judged", "drawn", "signed"), 2),
    "the spelling of JSON": (mutations.spelling, ("trained", "judged", "drawn", "signed"), 2),
    "bytes of the database": (mutations.database_bytes, ("trained", "drawn", "signed", "bundle"), 2),
    "objects of SQLite": (mutations.objects, ("trained", "drawn", "bundle"), 2),
    "files beside a run": (mutations.beside, ("whole",), 1),
    "files of a bundle": (mutations.bundle, ("bundle",), 2),
}
"""Each with the records that it is tried on, and how often it is drawn."""

LEFT_BEHIND = shutil.ignore_patterns("checkpoints", "control", "private", "heads", "*-wal", "*-shm")


@dataclass(frozen=True)
class Base:
    """A good record that attacks are tried on copies of; what its checks say, and its head as somebody kept it."""

    root: Path
    head: Path
    checks: dict[str, str]


@dataclass(frozen=True)
class Tried:
    """One attack: what it did, what came of it, the checks that say so, and whether a kept head differs."""

    seed: int
    kind: str
    base: str
    what: str
    verdict: Verdict
    by: tuple[str, ...]
    head: bool


# ------------------------------------------------------------ good records


def bases_of(folder: Path, **runs: Path) -> dict[str, Base]:
    """Copies of good runs without what does not travel; of `trained` one with it as well, and a bundle."""
    found = {
        name: _base(Path(shutil.copytree(root, folder / name / root.name, ignore=LEFT_BEHIND)))
        for name, root in runs.items()
    }
    return found | (_whole_and_bundle(folder, runs["trained"]) if "trained" in runs else {})


def _whole_and_bundle(folder: Path, trained: Path) -> dict[str, Base]:
    from storage.export.export import export_run

    ignored = shutil.ignore_patterns("*-wal", "*-shm")
    whole = Path(shutil.copytree(trained, folder / "whole" / trained.name, ignore=ignored))
    export_run(trained, folder / "bundle.zip", told=lambda *_: None)
    with zipfile.ZipFile(folder / "bundle.zip") as stream:
        stream.extractall(folder / "bundle" / trained.name)
    return {"whole": _base(whole), "bundle": _base(folder / "bundle" / trained.name)}


def _base(root: Path) -> Base:
    with closing(sqlite3.connect(f"file:{root / 'audit.db'}?mode=ro&immutable=1", uri=True)) as db:
        seq, head = db.execute("SELECT seq, hash FROM events ORDER BY seq DESC").fetchone()
    kept = root.parent / "kept"
    kept.write_text(f"{seq} {head}\n")
    return Base(root, kept, {check.name: check.verdict for check in verify_all(root, head=kept)})


# ------------------------------------------------------------ what a record says to any reader


@dataclass(frozen=True)
class Meaning:
    """All that anybody can read in a folder: events, texts and views as any SQLite tool shows them, and the files."""

    files: dict[str, Any]
    events: list[Any]
    texts: dict[str, bytes]
    schema: list[str]
    marks: list[Any]
    rows: list[Any]
    views: dict[str, list[str]]

    def is_that_of(self, other: Meaning) -> bool:
        """Whether nothing that a reader sees differs: what does lies in free pages, in marks that SQLite keeps for
        itself, in the order of pages, in a comment of config.toml, in the tenth digit of a table's number, or is a
        value that is left out and the default.
        """
        parts = ("files", "events", "texts", "schema", "marks")
        if any(getattr(self, part) != getattr(other, part) for part in parts):
            return False
        return self.rows != other.rows or self.views == other.views


def meaning(root: Path) -> Meaning:
    """What a folder says to any reader."""
    named = [path for path in sorted(root.rglob("*")) if path.is_file() and not path.name.startswith("audit.db")]
    files: dict[str, Any] = {
        path.relative_to(root).as_posix(): path.read_bytes() for path in named if path.name != MANIFEST_NAME
    }
    for name in files:
        if name.startswith("tables/"):
            files[name] = _to_nine_digits(files[name])
    if "config.toml" in files:
        files["config.toml"] = tomllib.loads(files["config.toml"].decode())
    with tempfile.TemporaryDirectory() as folder:
        for path in root.glob("audit.db*"):
            shutil.copyfile(path, Path(folder, path.name))
        with closing(sqlite3.connect(Path(folder, "audit.db"))) as db:
            db.text_factory = lambda body: body.decode("utf-8", "surrogateescape")
            body_of = bodies_of(db)
            rows = db.execute("SELECT at, stage, kind, payload FROM events ORDER BY seq").fetchall()
            events = [(at, stage, kind, _decoded(kind, payload, body_of)) for at, stage, kind, payload in rows]
            texts = {name: body for name, body in db.execute("SELECT * FROM blobs") if b'"salt"' not in body}
            schema = sorted(map(str, db.execute("SELECT type, name, sql FROM sqlite_master")))
            marks = [db.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version", "encoding")]
            views = {name: sorted(map(str, db.execute(f"SELECT * FROM {name}"))) for name in VIEWS}
    return Meaning(files, events, texts, schema, marks, rows, views)


def _to_nine_digits(table: bytes) -> list[list[str]]:
    """The rows of a table as far as they are compared: SQLite's versions write the last digits otherwise."""
    rows = csv.reader(io.StringIO(table.decode("utf-8", "replace"), newline=""))
    return [[f"{float(text):.9g}" if FRACTION.fullmatch(text) else text for text in row] for row in rows]


def _decoded(kind: str, payload: str, body_of: Any) -> Any:
    values, unit = read_payload(payload, body_of)
    return unit, decode(kind, values)


# ------------------------------------------------------------ one attack


def kind_of(seed: int) -> str:
    """The kind of attack that a seed draws."""
    return random.Random(f"kind {seed}").choices(list(KINDS), [often for *_, often in KINDS.values()])[0]


def attacked(seed: int, bases: dict[str, Base], folder: Path) -> tuple[str, Base, Path, str]:
    """A copy of a good record after the attack of a seed: the base's name, the base, the copy, what was done."""
    attack, names, _ = KINDS[kind_of(seed)]
    rng = random.Random(seed)
    name = rng.choice([name for name in names if name in bases])
    base = bases[name]
    shutil.rmtree(folder, ignore_errors=True)
    copy = Path(shutil.copytree(base.root, folder / base.root.name, symlinks=True))
    what = attack(rng, copy)
    if name == "bundle" and attack is not mutations.bundle:
        written_anew(copy)
    return name, base, copy, what


def tried(seed: int, bases: dict[str, Base], folder: Path) -> tuple[Tried, list[Check], Path]:
    """One attack by its seed, and what both verifiers are to be asked about: the checks and the copy."""
    name, base, copy, what = attacked(seed, bases, folder)
    checks = verify_all(copy, head=base.head)
    verdict, by = verdict_of(what, base, copy, checks)
    differs = any(check.name == KEPT_HEAD and check.verdict != "ok" for check in checks)
    return Tried(seed, kind_of(seed), name, what, verdict, by, differs), checks, copy


def verdict_of(what: str, base: Base, copy: Path, checks: Sequence[Check]) -> tuple[Verdict, tuple[str, ...]]:
    """What comes of an attack without a kept head, and the checks that say so."""
    alone = [check for check in checks if check.name != KEPT_HEAD]
    for verdict in ("failed", "unchecked"):
        by = tuple(check.name for check in alone if check.verdict == verdict)
        if by:
            return verdict, by  # type: ignore[return-value]
    said = tuple(check.name for check in alone if check.verdict != base.checks.get(check.name, "ok"))
    if said:
        return "said", said
    if _means_the_same(base.root, copy):
        return "unchanged", ()
    return ("never" if row_of(what) else "MISSED"), ()


def _means_the_same(one: Path, other: Path) -> bool:
    try:
        return meaning(one).is_that_of(meaning(other))
    except (sqlite3.Error, StorageError, ValueError, KeyError):
        return False


# ------------------------------------------------------------ the table


def table_of(all_tried: Sequence[Tried]) -> list[str]:
    """Rows of Markdown: of each kind of attack how many came to what, and the checks that found most."""
    lines = [
        "| attacked | tried | failed | unchecked | unknown, said | no meaning | never: a head shows it | never |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for kind in [*KINDS, None]:
        rows = [one for one in all_tried if kind in (None, one.kind)]
        count = Counter("head" if one.verdict == "never" and one.head else one.verdict for one in rows)
        numbers = [count[name] for name in ("failed", "unchecked", "said", "unchanged", "head", "never")]
        lines.append(f"| {kind or 'all'} | {len(rows)} | {' | '.join(map(str, numbers))} |")
    return lines


def first_found_by(all_tried: Sequence[Tried]) -> list[tuple[str, int]]:
    """How many attacks each check finds, alone or among others."""
    return Counter(name for one in all_tried if one.verdict == "failed" for name in one.by).most_common()


def main() -> None:
    from signing import make_key, signed_record
    from verified_runs import make_drawn_run, make_judged_run, make_trained_run

    count, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    with tempfile.TemporaryDirectory(prefix="dempo-") as name:
        folder = Path(name)
        for made in ("a", "b", "c", "d"):
            (folder / made).mkdir()
        bases = bases_of(
            folder / "bases",
            trained=make_trained_run(folder / "a"),
            judged=make_judged_run(folder / "b"),
            drawn=make_drawn_run(folder / "c"),
            signed=signed_record(folder / "d", make_key(folder)),
        )
        found = [tried(number, bases, folder / "copy")[0] for number in range(seed, seed + count)]
    for one in found:
        if one.verdict == "MISSED":
            print(f"MISSED: seed {one.seed}, {one.base}: {one.what}", file=sys.stderr)
    print("\n".join(table_of(found)))
    print(", ".join(f"{name} {number}" for name, number in first_found_by(found)))


if __name__ == "__main__":
    HERE = Path(__file__).resolve().parent
    sys.path[:0] = [str(HERE), str(HERE.parent)]
    main()
