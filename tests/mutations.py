"""Attacks on a finished record, each drawn by a seed: what whoever can write all files of a run or a bundle may do.

A kind of attack changes one thing in a copy, makes anew all that hides it (chain, seals, manifest), and says in words
what it did. What comes of it says `tests/mutation_outcomes.py`.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import shutil
import sqlite3
import struct
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from bundles import written_anew
from mutated_values import Beside, a_place, lies
from rewritten import Row, rewrite
from tampering import opened

from core.events import digest
from storage.demonstration import rechain
from storage.record.schema import OBJECTS, TRIGGERS
from storage.verifier.ground.reading import MANIFEST_NAME

ENVELOPE = ("unit", "attempt")
HEADER = 100
"""Bytes of a database before its first page's own header."""

Attack = Callable[[random.Random, Path], str]

# ------------------------------------------------------------ events written anew


def field(rng: random.Random, root: Path, name: str = "") -> str:
    """One value of one event, by its type; `name` draws until it is a certain one.

    Raises:
        LookupError: the record holds no event of that kind.
    """
    told, beside = "", Beside(lambda name: (root / "artifacts" / name).read_bytes())

    def change(rows: list[Row]) -> list[Row]:
        nonlocal told
        while True:
            kind = ".".join(name.split(".")[:2]) or rng.choice(sorted({row.kind for row in rows}))
            same = [row for row in rows if row.kind == kind]
            row = rng.choice(same)
            place = a_place(rng, kind, {name: row.payload[name] for name in row.payload if name not in ENVELOPE})
            found = lies(rng, place, row.payload, [other.payload for other in same if other is not row], beside)
            if found and f"{kind}.{place.name}".startswith(name):
                lie, new = rng.choice(found)
                place.write(row.payload, new)
                told = f"{kind}.{place.name}: {lie}"
                return rows

    rewrite(root, change, beside.texts)
    for body in beside.files:
        (root / "artifacts" / digest(body)).write_bytes(body)
    return told


def event(rng: random.Random, root: Path) -> str:
    """One event left out, repeated, moved, or in another stage, unit or time."""
    told = ""

    def change(rows: list[Row]) -> list[Row]:
        nonlocal told
        kind = rng.choice(sorted({one.kind for one in rows}))
        row = rng.choice([one for one in rows if one.kind == kind])
        at = next(i for i, one in enumerate(rows) if one is row)
        rest = rows[:at] + rows[at + 1 :]
        other = rng.choice(rows)
        elsewhere = rng.randrange(len(rows))
        what = rng.choice(["left out", "repeated", "moved", "exchanged", "stage", "unit", "attempt", "kind", "at"])
        told = f"{row.kind}: {what}" if what in ("left out", "repeated", "moved", "exchanged") else f"any event: {what}"
        if what == "left out":
            return rest
        if what == "repeated":
            return [*rows[:elsewhere], Row(**vars(row)), *rows[elsewhere:]]
        if what == "moved":
            return [*rest[:elsewhere], row, *rest[elsewhere:]]
        if what == "exchanged":
            then = next(i for i, one in enumerate(rows) if one is other)
            rows[at], rows[then] = rows[then], rows[at]
            return rows
        if what in ("stage", "kind"):
            setattr(row, what, getattr(other, what))
        elif what == "at":
            row.at = rng.choice([other.at, "2031-01-01T00:00:00.000000Z", "2011" + row.at[4:], row.at[:-1], "soon"])
        elif what == "unit":
            row.payload.update({"unit": str(other.payload.get("unit", "x")), "attempt": row.payload.get("attempt", 1)})
        else:
            row.payload.update({"unit": row.payload.get("unit", "x"), "attempt": row.payload.get("attempt", 1) + 1})
        return rows

    rewrite(root, change)
    return told


# ------------------------------------------------------------ spellings of JSON


def spelling(rng: random.Random, root: Path, name: str = "") -> str:
    """The same values in other characters: in a payload, or in a sealed part of one; `name` picks how."""
    with opened(root) as db:
        rows = db.execute("SELECT seq, payload FROM events ORDER BY seq").fetchall()
        while True:
            seq, payload = rng.choice(rows)
            parts = list(json.loads(payload).get("sealed", {}).values())
            what = name or rng.choice(list(SPELLINGS))
            if parts and rng.random() < 0.5:
                part = rng.choice(parts)["sha256"]
                (body,) = db.execute("SELECT body FROM blobs WHERE sha256 = ?", [part]).fetchone()
                new, where = SPELLINGS[what](rng, body.decode()).encode("utf-8", "surrogatepass"), "a sealed part"
                db.execute("INSERT OR IGNORE INTO blobs VALUES (?, ?)", (digest(new), new))
                again = payload.replace(part, digest(new))
            else:
                again, where = SPELLINGS[what](rng, payload), "a payload"
            if again != payload:
                break
        db.execute("PRAGMA ignore_check_constraints = ON")
        db.execute("UPDATE events SET payload = ? WHERE seq = ?", (again, seq))
        rechain(db)
    return f"{where}: {what}"


def _somewhere(rng: random.Random, pattern: str, new: Callable[[re.Match[str]], str]) -> Callable[[str], str]:
    def change(text: str) -> str:
        found = list(re.finditer(pattern, text))
        if not found:
            return text
        one = rng.choice(found)
        return text[: one.start()] + new(one) + text[one.end() :]

    return change


def _escape(letter: str) -> str:
    return f"\\u{ord(letter):04x}"


SPELLINGS: dict[str, Callable[[random.Random, str], str]] = {
    "an escaped letter of a key": lambda rng, text: _somewhere(
        rng, r'"(\w)(\w*)":', lambda m: f'"{_escape(m[1])}{m[2]}":'
    )(text),
    "an escaped letter of a text": lambda rng, text: _somewhere(rng, r':"(\w)', lambda m: f':"{_escape(m[1])}')(text),
    "white space": lambda rng, text: _somewhere(rng, "[,:{}]", lambda m: m[0] + rng.choice(" \n\t"))(text),
    "another order of keys": lambda rng, text: json.dumps(
        dict(reversed(json.loads(text).items())), ensure_ascii=False, separators=(",", ":")
    ),
    "a number with a fraction": lambda rng, text: _somewhere(rng, r":(\d+)(?=[,}])", lambda m: f":{m[1]}.0")(text),
    "a number with an exponent": lambda rng, text: _somewhere(rng, r":(\d+)(?=[,}])", lambda m: f":{m[1]}e0")(text),
    "minus zero": lambda rng, text: _somewhere(rng, r":0(?=[,}])", lambda m: ":-0")(text),
    "a number with more digits": lambda rng, text: _somewhere(rng, r"(\.\d+)(?=[,}\]])", lambda m: f"{m[1]}0")(text),
    "a field named twice": lambda rng, text: _somewhere(rng, r'^\{("[^"]+":)', lambda m: f"{{{m[1]}null,{m[1]}")(text),
    "an escaped slash": lambda rng, text: _somewhere(rng, "/", lambda m: "\\/")(text),
    "a lone surrogate": lambda rng, text: _somewhere(rng, r':"', lambda m: ':"\\ud800')(text),
    "NUL": lambda rng, text: _somewhere(rng, r':"', lambda m: ':"\\u0000')(text),
    "NaN": lambda rng, text: _somewhere(rng, r":\d+(?=[,}])", lambda m: ":NaN")(text),
    "a byte order mark": lambda rng, text: "\ufeff" + text,
    "something after the end": lambda rng, text: text + rng.choice([" ", "\n", "{}", "\0"]),
    "ten thousand lists": lambda rng, text: text[:-1] + ',"zz":' + "[" * 10_000 + "]" * 10_000 + "}",
    "a number beyond all": lambda rng, text: _somewhere(rng, r":\d+(?=[,}])", lambda m: ":1e400")(text),
    "a large integer": lambda rng, text: _somewhere(rng, r":\d+(?=[,}])", lambda m: f":{2**60}")(text),
}

# ------------------------------------------------------------ bytes of the database


def database_bytes(rng: random.Random, root: Path) -> str:
    """Some bytes of the file, wherever they are."""
    path = root / "audit.db"
    body = bytearray(path.read_bytes())
    page = struct.unpack(">H", body[16:18])[0]
    pages = len(body) // page
    at, one, other = rng.randrange(len(body)), rng.randrange(pages), rng.randrange(pages)
    what = rng.choice(
        ["a bit", "a byte", "a byte of the header", "a page of zeros", "two pages exchanged", "cut", "more"]
    )
    if what == "a bit":
        body[at] ^= 1 << rng.randrange(8)
    elif what == "a byte":
        body[at] = (body[at] + rng.randrange(1, 256)) % 256
    elif what == "a byte of the header":
        at = rng.randrange(HEADER)
        body[at] = (body[at] + rng.randrange(1, 256)) % 256
    elif what == "a page of zeros":
        body[one * page : (one + 1) * page] = bytes(page)
    elif what == "two pages exchanged":
        first, second = body[one * page : (one + 1) * page], body[other * page : (other + 1) * page]
        body[one * page : (one + 1) * page], body[other * page : (other + 1) * page] = second, first
    elif what == "cut":
        del body[at:]
    else:
        body += rng.randbytes(rng.choice([1, 100, page]))
    path.write_bytes(body)
    return what


# ------------------------------------------------------------ objects of SQLite


def _sql(*statements: str) -> Attack:
    def attack(rng: random.Random, root: Path) -> str:
        with closing(sqlite3.connect(root / "audit.db", isolation_level=None)) as db:
            for statement in statements:
                for row in db.execute(statement):
                    del row
        return ""

    return attack


def _schema_row(change: str, *values: Any) -> Attack:
    """Changes the table of the schema itself."""

    def attack(rng: random.Random, root: Path) -> str:
        with closing(sqlite3.connect(root / "audit.db", isolation_level=None)) as db:
            db.execute("PRAGMA writable_schema = ON")
            db.execute(change, values)
        return ""

    return attack


def _blind_index(rng: random.Random, root: Path) -> str:
    """An index that leaves rows out: views use the index, the verifier the table."""
    path = root / "audit.db"
    sql = OBJECTS["events_kind"]
    kind = rng.choice(["leaderboard.computed", "draw.made", "stage.started"])
    for statement in (f"{sql} WHERE kind <> '{kind}'", None, sql):
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            if statement is None:
                db.execute("REINDEX")
            else:
                db.execute("PRAGMA writable_schema = ON")
                db.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'events_kind'", [statement])
    return ""


def _payload_as_bytes(rng: random.Random, root: Path) -> str:
    as_bytes(root, "payload")
    return ""


def as_bytes(root: Path, column: str) -> None:
    """A field of the last event that is the same bytes and no text, in a table that says it is strict."""
    path = root / "audit.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for name in TRIGGERS:
            db.execute(f"DROP TRIGGER {name}")
        db.execute("PRAGMA writable_schema = ON")
        db.execute("UPDATE sqlite_master SET sql = replace(sql, ') STRICT', ')') WHERE name = 'events'")
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(f"UPDATE events SET {column} = CAST({column} AS BLOB) WHERE seq = (SELECT max(seq) FROM events)")
        db.execute("PRAGMA writable_schema = ON")
        db.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'events'", [OBJECTS["events"]])
        for sql in TRIGGERS.values():
            db.execute(sql)


def _spare_text(rng: random.Random, root: Path) -> str:
    with closing(sqlite3.connect(root / "audit.db", isolation_level=None)) as db:
        body = rng.randbytes(20)
        db.execute("INSERT INTO blobs VALUES (?, ?)", (digest(body), body))
    return ""


def _other_encoding(rng: random.Random, root: Path) -> str:
    """The same record in a database of UTF-16."""
    path = root / "audit.db"
    with closing(sqlite3.connect(path)) as db:
        marks = [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
        lines = list(db.iterdump())
    path.unlink()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA encoding = 'UTF-16le'")
        db.executescript("\n".join(lines))
        db.execute(f"PRAGMA application_id = {marks[0]}")
        db.execute(f"PRAGMA user_version = {marks[1]}")
    return ""


def _hidden(rng: random.Random, root: Path) -> str:
    return _sql(
        "PRAGMA secure_delete = OFF",
        "CREATE TABLE t (x)",
        f"INSERT INTO t VALUES ('{'hidden ' * 3000}')",
        "DROP TABLE t",
    )(rng, root)


OBJECTS_CHANGED: dict[str, Attack] = {
    "a table more": _sql("CREATE TABLE evil (x)"),
    "a table of full-text search more": _sql("CREATE VIRTUAL TABLE f USING fts5(x)"),
    "a table called sqlite more": _sql('CREATE TABLE "sqlite" (x)'),
    "a view more": _sql("CREATE VIEW winners AS SELECT 'me' AS who"),
    "an index more": _sql("CREATE INDEX evil ON events(at)"),
    "an index on an expression": _sql("CREATE INDEX evil ON events(length(payload))"),
    "a unique index on a part": _sql("CREATE UNIQUE INDEX evil ON events(seq) WHERE seq > 5"),
    "a trigger more": _sql("CREATE TRIGGER evil AFTER INSERT ON blobs BEGIN SELECT 1; END"),
    "statistics": _sql("ANALYZE"),
    "a trigger less": _sql("DROP TRIGGER events_no_update"),
    "a view less": _sql("DROP VIEW leaderboards"),
    "an index less": _sql("DROP INDEX events_kind"),
    "another view": _sql("DROP VIEW rankings", "CREATE VIEW rankings AS SELECT 1 AS position"),
    "a table in place of a view": _sql("DROP VIEW leaderboards", "CREATE TABLE leaderboards (method, score)"),
    "a column that is computed": _sql("ALTER TABLE events ADD COLUMN g TEXT AS ('x') VIRTUAL"),
    "a column more": _sql("ALTER TABLE blobs ADD COLUMN note TEXT"),
    "user_version 1": _sql("PRAGMA user_version = 1"),
    "user_version 99": _sql("PRAGMA user_version = 99"),
    "user_version -2": _sql("PRAGMA user_version = -2"),
    "application_id 0": _sql("PRAGMA application_id = 0"),
    "another schema cookie": _sql("PRAGMA schema_version = 7"),
    "compacted": _sql("VACUUM"),
    "pages of another size": _sql("PRAGMA journal_mode = DELETE", "PRAGMA page_size = 8192", "VACUUM"),
    "vacuumed by itself": _sql("PRAGMA auto_vacuum = FULL", "VACUUM"),
    "a header that asks for a log": _sql("PRAGMA journal_mode = WAL"),
    "a header that asks for a journal": _sql("PRAGMA journal_mode = DELETE"),
    "texts hidden in free pages": _hidden,
    "a text that no event refers to": _spare_text,
    "another encoding": _other_encoding,
    "a table without rowid, as its SQL says": _schema_row(
        "UPDATE sqlite_master SET sql = replace(sql, ') STRICT', ') STRICT, WITHOUT ROWID') WHERE name = 'events'"
    ),
    "two views of one name": _schema_row(
        "INSERT INTO sqlite_master VALUES ('view', 'leaderboards', 'leaderboards', 0, "
        "'CREATE VIEW leaderboards AS SELECT 1')"
    ),
    "a comment in the SQL of an index": _schema_row(
        "UPDATE sqlite_master SET sql = replace(sql, 'CREATE INDEX', 'CREATE INDEX/**/') WHERE name = 'events_kind'"
    ),
    "a view that is called a table": _schema_row("UPDATE sqlite_master SET type = 'table' WHERE name = 'run'"),
    "the root page of another table": _schema_row(
        "UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master WHERE name = 'blobs') "
        "WHERE name = 'events_kind'"
    ),
    "an index that leaves rows out": _blind_index,
    "a payload as bytes": _payload_as_bytes,
}


def objects(rng: random.Random, root: Path) -> str:
    """Tables, views, indexes, triggers, marks and free pages of the database."""
    what, attack = rng.choice(list(OBJECTS_CHANGED.items()))
    attack(rng, root)
    return what


# ------------------------------------------------------------ files beside


def beside(rng: random.Random, root: Path) -> str:
    """Files of a run beside its record: journals, artifacts, models, configuration, heads."""
    what, attack = rng.choice(list(FILES_CHANGED.items()))
    told = attack(rng, root)
    return what + (f" ({told})" if told else "")


def _some_file(rng: random.Random, place: Path) -> Path:
    """A file, or one below a folder."""
    return rng.choice([place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file()))


def flip(rng: random.Random, path: Path) -> None:
    """One bit of a file."""
    body = bytearray(path.read_bytes()) or bytearray(1)
    body[rng.randrange(len(body))] ^= 1 << rng.randrange(8)
    path.write_bytes(body)


def flipped(below: str) -> Attack:
    """One bit of a file, or of one below a folder."""

    def attack(rng: random.Random, root: Path) -> str:
        flip(rng, _some_file(rng, root / below))
        return ""

    return attack


def _gone(below: str) -> Attack:
    def attack(rng: random.Random, root: Path) -> str:
        _some_file(rng, root / below).unlink()
        return ""

    return attack


def _more(name: str) -> Attack:
    def attack(rng: random.Random, root: Path) -> str:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(rng.randbytes(20))
        return ""

    return attack


def _models_exchanged(rng: random.Random, root: Path) -> str:
    one, other = rng.sample(sorted((root / "checkpoints").iterdir()), 2)
    one.rename(root / "x")
    other.rename(one)
    (root / "x").rename(other)
    return ""


def _artifact_linked(rng: random.Random, root: Path) -> str:
    path = _some_file(rng, root / "artifacts")
    path.rename(root / "elsewhere")
    path.symlink_to(root / "elsewhere")
    return ""


def _configuration(rng: random.Random, root: Path) -> str:
    """A value that the run has from the file; what `--set` replaced is compared with nothing."""
    with closing(sqlite3.connect(root / "audit.db")) as db:
        (first,) = db.execute("SELECT payload FROM events WHERE seq = 1").fetchone()
    origins = json.loads(first)["origins"]
    replaced = {key.rpartition(".")[2] for key, origin in origins.items() if origin != "file"}
    path = root / "config.toml"
    lines = path.read_text().splitlines(keepends=True)
    numbered = [i for i, line in enumerate(lines) if re.match(r"\w+ = \d", line) and line.split()[0] not in replaced]
    at = rng.choice(numbered)
    lines[at] = re.sub(r"= (\d)", lambda found: f"= {int(found[1]) % 9 + 1}", lines[at], count=1)
    path.write_text("".join(lines))
    return ""


def _folder_gone(name: str) -> Attack:
    def attack(rng: random.Random, root: Path) -> str:
        shutil.rmtree(root / name, ignore_errors=True)
        return ""

    return attack


def _renamed(rng: random.Random, root: Path) -> str:
    """Another name for the folder is what another run in its place looks like; the event names the run."""

    def other(rows: list[Row]) -> list[Row]:
        rows[0].payload["run_id"] = rows[0].payload["run_id"].replace("2", "1", 1)
        return rows

    rewrite(root, other)
    return ""


def _forged_log(rng: random.Random, root: Path) -> str:
    """A write-ahead log whose pages show another record than the clean file beside it."""
    work = root.parent / "work.db"
    shutil.copyfile(root / "audit.db", work)
    with closing(sqlite3.connect(work, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA wal_autocheckpoint = 0")
        _forge(db)
        shutil.copyfile(work, root / "audit.db")
        shutil.copyfile(f"{work}-wal", root / "audit.db-wal")
    for end in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            Path(f"{work}{end}").unlink()
    return ""


def _hot_journal(rng: random.Random, root: Path) -> str:
    """A rollback journal whose pages, played back, show another record than the clean file beside it."""
    work, clean = root.parent / "work.db", (root / "audit.db").read_bytes()
    shutil.copyfile(root / "audit.db", work)
    with closing(sqlite3.connect(work, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
        _forge(db)
    forged, size, nonce = work.read_bytes(), 4096, 12345
    work.unlink()
    both = range(min(len(clean), len(forged)) // size)
    pages = [(i, forged[i * size : (i + 1) * size]) for i in both]
    pages = [(i, page) for i, page in pages if page != clean[i * size : (i + 1) * size]]
    magic = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"
    header = (magic + struct.pack(">IIIII", len(pages), nonce, len(clean) // size, 512, size)).ljust(512, b"\0")

    def entry(number: int, page: bytes) -> bytes:
        total = (nonce + sum(page[i] for i in range(size - 200, 0, -200))) & 0xFFFFFFFF
        return struct.pack(">I", number + 1) + page + struct.pack(">I", total)

    (root / "audit.db-journal").write_bytes(header + b"".join(entry(*one) for one in pages))
    return ""


def _forge(db: sqlite3.Connection) -> None:
    for name in TRIGGERS:
        db.execute(f"DROP TRIGGER {name}")
    db.execute("UPDATE events SET at = '2031' || substr(at, 5) WHERE seq = (SELECT max(seq) FROM events)")
    for sql in TRIGGERS.values():
        db.execute(sql)


FILES_CHANGED: dict[str, Attack] = {
    "a forged log beside": _forged_log,
    "a forged journal beside": _hot_journal,
    "a bit of an artifact": flipped("artifacts"),
    "an artifact removed": _gone("artifacts"),
    "an artifact that is a link": _artifact_linked,
    "an artifact that no event names": _more(f"artifacts/{'0' * 64}"),
    "a bit of a model": flipped("checkpoints"),
    "a file of a model removed": _gone("checkpoints"),
    "a file more in a model": _more("checkpoints/base/adapter_model.safetensors"),
    "two models exchanged": _models_exchanged,
    "all models removed": _folder_gone("checkpoints"),
    "another number in config.toml": _configuration,
    "a head file that is none": _more("heads/3.json"),
    "a report beside": _more("report.html"),
    "the secret removed": _folder_gone("private"),
    "another run under the name": _renamed,
}

# ------------------------------------------------------------ bundles


def bundle(rng: random.Random, root: Path) -> str:
    """A file of an unpacked bundle, with a manifest made anew to suit it or not."""
    what = rng.choice(["a bit", "removed", "emptied", "a line less", "more", "manifest", "journal", "link"])
    named = _some_file(rng, root)
    while named.name in (MANIFEST_NAME, "audit.db"):
        named = _some_file(rng, root)
    name = named.relative_to(root).as_posix()
    if what == "a bit":
        flip(rng, named)
    elif what == "removed":
        named.unlink()
    elif what == "emptied":
        named.write_bytes(b"")
    elif what == "a line less":
        lines = named.read_bytes().splitlines(keepends=True)
        named.write_bytes(b"".join(lines[:-1]))
    elif what == "more":
        name = rng.choice(["RESULTS.html", "tables/summary.csv", "json.py", "heads/3.json", "keys/x.pub", "config"])
        _more(name)(rng, root)
    elif what == "manifest":
        return _manifest(rng, root)
    elif what == "journal":
        return rng.choice([_forged_log, _hot_journal])(rng, root) or "a journal beside"
    else:
        named.rename(root.parent / "elsewhere")
        named.symlink_to(root.parent / "elsewhere")
    if rng.random() < 0.8 and what != "link":
        written_anew(root)
        return f"{_family(name)}: {what}"
    return f"{_family(name)}: {what}, the manifest as it was"


def _family(name: str) -> str:
    """A file, or those of a folder of which each is like the other."""
    return re.sub(r"^(plots|artifacts)/.*", r"\1/…", name)


def _manifest(rng: random.Random, root: Path) -> str:
    path = root / MANIFEST_NAME
    lines = path.read_text().splitlines(keepends=True)
    at = rng.randrange(len(lines))
    what = rng.choice(["emptied", "removed", "a line less", "a line twice", "another hash", "a path that leads out"])
    if what == "emptied":
        path.write_text("")
    elif what == "removed":
        path.unlink()
    else:
        new = {
            "a line less": [],
            "a line twice": [lines[at]] * 2,
            "another hash": [hashlib.sha256(b"x").hexdigest() + lines[at][64:]],
            "a path that leads out": [f"{lines[at][:64]}  ../x\n"],
        }[what]
        path.write_text("".join([*lines[:at], *new, *lines[at + 1 :]]))
    return f"the manifest: {what}"
