"""`dempo verify --demo`: alters one thing of each kind in copies of a run; which check finds it, or why none can."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.events import EVENTS, digest
from core.facts.chain import NO_EVENT, link_hash
from core.facts.sealed import SEALED
from storage.check import Check
from storage.errors import StorageError, sentences
from storage.record.codec import canonical
from storage.record.schema import TRIGGERS
from storage.record.sealing import bodies_of, opened, sealed_values
from storage.verifier.contents.whole import REDACTION_NOTE
from storage.verifier.ground.reading import MANIFEST_NAME
from storage.verifier.vouching.vouching import KEPT_HEAD
from storage.verify import verify, verify_all

Edit = Callable[[dict[str, Any]], None]

FORGED_SALT = "0" * 32


@dataclass(frozen=True)
class Alteration:
    """Something that whoever can write the file can do; it needs an event of `kind` where that is given.

    alter is SQL, or changes the payload of the last event of `kind`, which has to have `field`; texts says whether it
    needs a text, which a redacted copy doesn't hold; rewrites says whether the chain is hashed anew behind it; reason
    says why nothing in the record can show it.
    """

    what: str
    alter: str | Edit
    kind: str = ""
    rewrites: bool = True
    reason: str = ""
    texts: bool = False
    field: str = ""

    def is_possible(self, last: dict[str, str], texts: bool) -> bool:
        """Whether a record holds what it alters; `last` is the payload of the last event of each kind."""
        there = not self.kind or (self.kind in last and (not self.field or f'"{self.field}":' in last[self.kind]))
        return there and (texts or not self.texts)

    def make(self, db: sqlite3.Connection) -> None:
        """Alters the record in a database without triggers."""
        if isinstance(self.alter, str):
            db.execute(self.alter)
        else:
            last = "SELECT seq, payload FROM events WHERE kind = ? ORDER BY seq DESC LIMIT 1"
            seq, payload = db.execute(last, [self.kind]).fetchone()
            db.execute(
                "UPDATE events SET payload = ? WHERE seq = ?",
                (altered_payload(db, self.kind, payload, self.alter), seq),
            )
        if self.rewrites:
            rechain(db)


@dataclass(frozen=True)
class Shown:
    """One alteration and what came of it: the checks that fail, the first of them, and a head kept elsewhere."""

    altered: str
    chain: str
    found_by: tuple[str, ...]
    event: int | None
    detail: str
    kept_head: str

    def row(self) -> dict[str, Any]:
        """The line as a JSON row."""
        return asdict(self) | {"found_by": ", ".join(self.found_by)}


def demonstrate(root: Path) -> Iterator[Shown]:
    """Alters copies of a run, which stays as it is, one after the other.

    Raises:
        StorageError: there is no record, or its checks fail before anything was altered.
    """
    before = [check for check in verify(root) if check.verdict == "failed"]
    if before:
        raise StorageError(f"{root.name} fails {before[0].name!r} as it is ({before[0].detail}); use a run that passes")
    with tempfile.TemporaryDirectory(prefix="dempo-") as scratch, sentences(root / "audit.db"):
        copy = Path(scratch) / root.name
        copy.mkdir()
        if (root / "artifacts").is_dir():  # a redacted bundle holds none
            shutil.copytree(root / "artifacts", copy / "artifacts")
        _copy_smallest_model(root, copy)
        if (root / REDACTION_NOTE).is_file():  # without it, what was withheld would look removed
            shutil.copyfile(root / REDACTION_NOTE, copy / REDACTION_NOTE)
        original = Path(scratch) / "original.db"
        with closing(sqlite3.connect(f"{(root / 'audit.db').resolve().as_uri()}?mode=ro", uri=True)) as db:
            db.execute("VACUUM INTO ?", [str(original)])
            last = dict(db.execute("SELECT kind, payload FROM events ORDER BY seq"))
            texts = bool(db.execute("SELECT count(*) FROM blobs").fetchone()[0])
            head = db.execute("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1").fetchone()
        kept = Path(scratch) / "kept"
        kept.write_text(f"{head[0]} {head[1]}\n", encoding="ascii")
        for alteration in ALTERATIONS:
            if alteration.is_possible(last, texts):
                shutil.copyfile(original, copy / "audit.db")
                with without_triggers(copy / "audit.db") as db:
                    alteration.make(db)
                yield _shown(alteration, copy, kept)
        for what, alter in BESIDE.items():
            shutil.copyfile(original, copy / "audit.db")
            undo = alter(copy)
            if undo is not None:
                yield _shown(Alteration(what, "", rewrites=False), copy, kept)
                undo()


def _shown(alteration: Alteration, copy: Path, kept: Path) -> Shown:
    checks: dict[str, Check] = {check.name: check for check in verify_all(copy, head=kept)}
    against_head = checks.pop(KEPT_HEAD)
    failed = [check for check in checks.values() if check.verdict == "failed"]
    return Shown(
        altered=alteration.what,
        chain="hashed anew" if alteration.rewrites else "left as it was",
        found_by=tuple(check.name for check in failed),
        event=failed[0].event if failed else None,
        detail=failed[0].detail if failed else alteration.reason,
        kept_head="differs" if against_head.verdict == "failed" else "agrees",
    )


def _copy_smallest_model(root: Path, copy: Path) -> None:
    """One of the models beside a run, where it is here and takes no time to read; a bundle has none."""
    folders = [path for path in (root / "checkpoints").glob("*") if path.is_dir() and any(path.iterdir())]
    sizes = {path: sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) for path in folders}
    smallest = min(sizes, key=lambda path: (sizes[path], path.name), default=None)
    if smallest is not None and sizes[smallest] <= LARGEST_MODEL:
        shutil.copytree(smallest, copy / "checkpoints" / smallest.name)


Undo = Callable[[], object]


def _flipped(below: str) -> Callable[[Path], Undo | None]:
    """Alters the first byte of the smallest file below a folder, where there is one."""

    def alter(copy: Path) -> Undo | None:
        files = [path for path in (copy / below).rglob("*") if path.is_file()]
        if not files:
            return None
        file = min(files, key=lambda path: (path.stat().st_size, path.name))
        body = file.read_bytes()
        file.write_bytes(bytes([(body or b"\0")[0] ^ 1]) + body[1:])
        return lambda: file.write_bytes(body)

    return alter


def _beside(name: str, body: str, *marks: str) -> Callable[[Path], Undo]:
    """Lays a file beside the record; `marks` are files that make a bundle of it."""

    def alter(copy: Path) -> Undo:
        new = [copy / mark for mark in (name, *marks) if not (copy / mark).exists()]
        for path in new:
            path.write_text(body if path.name == name else "{}", encoding="utf-8")

        def undo() -> None:
            for path in new:
                path.unlink()

        return undo

    return alter


LARGEST_MODEL = 100 * 1024**2

BESIDE: dict[str, Callable[[Path], Undo | None]] = {
    "a byte of a file below artifacts/": _flipped("artifacts"),
    "a byte of a model": _flipped("checkpoints"),
    "a bundle with a journal beside": _beside("audit.db-journal", "pages of another record", "imported.json"),
    "a bundle with an empty manifest": _beside(MANIFEST_NAME, ""),
    "a bundle with a file more": _beside("RESULTS.html", "<h1>Another one won.</h1>", "imported.json"),
}
"""What is altered in the folder of a copy; each gives what takes it back, or nothing where the run has no such file."""


def shown_as(row: Shown) -> dict[str, str]:
    """The line for people, short enough for 80 columns: what found it and where; `--json` says more."""
    where = f" at event {row.event}" if row.event is not None else ""
    also = f" (+{len(row.found_by) - 1})" if row.found_by[1:] else ""
    found = f"{row.found_by[0]}{where}{also}" if row.found_by else "nothing"
    return {"altered": row.altered, "found by": found, "kept head": row.kept_head}


def told(rows: Sequence[Shown]) -> str:
    """What is to be said below the table: why nothing finds what nothing finds."""
    lines = [f"{row.altered}: {row.detail}." for row in rows if not row.found_by]
    first = "(+2): two further checks fail; a kept head is one that was kept elsewhere."
    return "\n".join([first, *(textwrap.fill(line, 78, subsequent_indent="  ") for line in lines)])


@contextmanager
def without_triggers(database: Path) -> Iterator[sqlite3.Connection]:
    """A database without the triggers that stop accidents, which are put back at the end, as a forger would."""
    with closing(sqlite3.connect(database)) as db:
        db.text_factory = lambda body: body.decode("utf-8", "surrogateescape")
        for name in TRIGGERS:
            db.execute(f"DROP TRIGGER IF EXISTS {name}")
        yield db
        for statement in TRIGGERS.values():
            db.execute(statement)
        db.commit()


def altered_payload(db: sqlite3.Connection, kind: str, payload: str, alter: Edit) -> str:
    """A payload that was altered as by a forger who knows the program: its sealed parts are opened, and sealed anew."""
    values = opened(json.loads(payload), bodies_of(db))
    absent = values.pop(SEALED, None)
    alter(values)
    if kind not in EVENTS:
        return canonical(values)
    named, texts = sealed_values(kind, values, lambda part, plain: FORGED_SALT)
    if absent:
        named[SEALED] = {**named.get(SEALED, {}), **absent}
    db.executemany("INSERT OR IGNORE INTO blobs VALUES (?, ?)", [(digest(text), text) for text in texts])
    return canonical(named)


def rechain(db: sqlite3.Connection) -> None:
    """Numbers the events anew and hashes the whole chain."""
    rows = db.execute("SELECT at, stage, kind, payload FROM events ORDER BY seq").fetchall()
    db.execute("DELETE FROM events")
    prev = NO_EVENT
    for seq, row in enumerate(rows, start=1):
        hashed = link_hash(prev, seq, *row)
        db.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", (seq, *row, prev, hashed))
        prev = hashed


def _add(number: float, *path: Any) -> Edit:
    """Adds to the number at a path; numbers as texts stay texts."""

    def edit(values: dict[str, Any]) -> None:
        inner: Any = values
        for key in path[:-1]:
            inner = inner[key]
        old = inner[path[-1]]
        inner[path[-1]] = str(int(old) + int(number)) if isinstance(old, str) else old + number

    return edit


def _turn(key: str) -> Edit:
    """Turns a list round."""
    return lambda values: values.update({key: values[key][::-1]})


def _shown_otherwise(values: dict[str, Any]) -> None:
    """Turns the shown order of a judge call round, or gives one to a recorded ranking, of which none is known."""
    values["shown_order"] = (values["shown_order"] or values["ranking"])[::-1]


def _refused(values: dict[str, Any]) -> None:
    """Calls a usable ranking none."""
    values.pop("ranking")
    values["outcome"] = "refused"


def _asked_otherwise(values: dict[str, Any]) -> None:
    """Names another text as what a judge was asked."""
    values["prompt"] = values["template"]


_MIDDLE = "(SELECT max(seq) / 2 FROM events)"
_LAST_BOARD = "(SELECT max(seq) FROM events WHERE kind = 'leaderboard.computed')"
_EARLIER = f"UPDATE events SET at = '2020' || substr(at, 5) WHERE seq = {_MIDDLE}"

ALTERATIONS: tuple[Alteration, ...] = (
    Alteration("the time of one event", _EARLIER, rewrites=False),
    Alteration("one event deleted", f"DELETE FROM events WHERE seq = {_MIDDLE}", rewrites=False),
    Alteration("a view that shows something else", "DROP VIEW leaderboards", rewrites=False),
    Alteration("the body of a text", "UPDATE blobs SET body = CAST(body || x'21' AS BLOB)", rewrites=False, texts=True),
    Alteration("the texts deleted", "DELETE FROM blobs", rewrites=False, texts=True),
    Alteration("an index more", "CREATE INDEX more ON events(at)", rewrites=False),
    Alteration(
        "an escaped key (\\u0072ows)",
        f"UPDATE events SET payload = replace(payload, '\"rows\":', '\"\\u0072ows\":') WHERE seq = {_LAST_BOARD}",
        "leaderboard.computed",
    ),
    Alteration("white space in a payload", f"UPDATE events SET payload = payload || ' ' WHERE seq = {_MIDDLE}"),
    Alteration("the upper bound of a quota", _add(1, "quotas", 0, "upper"), "lottery.quotas"),
    Alteration("the probability of a panel", _add(1, "numerator"), "lottery.panel"),
    Alteration("π of a type", _add(1e-6, "pi", 0), "lottery.solved"),
    Alteration("the proof of a level", lambda values: values.update(exact="1/3"), "lottery.level"),
    Alteration("the seed of a draw", lambda values: values.update(seed="0" * 64), "draw.made"),
    Alteration("a member of the panel left out", lambda values: values["members"].pop(), "draw.made"),
    Alteration("alternates in another order", _turn("alternates"), "draw.alternates"),
    Alteration("what was committed before a draw", lambda values: values.update(source="a friend"), "draw.committed"),
    Alteration("the weight of a rater", _add(0.5, "weights", 0, "weight"), "condition.planned"),
    Alteration(
        "a training step left out",
        "DELETE FROM events WHERE seq = (SELECT max(seq) FROM events WHERE kind = 'train.step')",
        "train.step",
    ),
    Alteration("the order in which answers were shown", _shown_otherwise, "judge.called"),
    Alteration("a judge's ranking turned round", _turn("ranking"), "judge.called"),
    Alteration("a usable judge call called refused", _refused, "judge.called", field="ranking"),
    Alteration("a judge asked something else", _asked_otherwise, "judge.called", texts=True, field="template"),
    Alteration("a setting that nobody gave", lambda values: values["config"].update(x=1), "run.created"),
    Alteration("a score", _add(0.01, "rows", 0, "score"), "leaderboard.computed"),
    Alteration("the end of an interval", _add(-0.01, "rows", 0, "low"), "leaderboard.computed"),
    Alteration(
        "the loss of a training step",
        _add(-0.01, "loss"),
        "train.step",
        reason="a loss follows from nothing else in the record; `dempo replay` trains again and shows it",
    ),
    Alteration(
        "the time of an event, all hashed anew",
        _EARLIER,
        reason="whoever writes the whole chain anew makes a whole chain; a signed head or one kept elsewhere differs",
    ),
    Alteration(
        "the last event cut off",
        "DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)",
        rewrites=False,
        reason="a shorter chain is a whole chain; a head kept elsewhere shows that something is missing",
    ),
)
"""One thing of each kind. What was untrue when it was written, or came from a judge that changed behind its API,
is in no list: nothing was altered then, and nothing can show it."""
