#!/usr/bin/env python3
"""Follows the chain of a dempo record to its head, in a file that is short enough to be read before it is trusted.

    python3 -I chain.py [FOLDER] [--head FILE | --head SEQ HASH]

In the folder of a run or an unpacked bundle it looks at artifacts/ and audit.db, beside which no journal may lie:

    schema      tables, indexes, triggers and views are those of a release (digests below)
    chain       every payload is canonical JSON (RFC 8785), so that there is one way to read it, and every event is
                bound to the one before by SHA-256, up to the head that is printed
    texts       every text has the SHA-256 that it is called by; those that events refer to are here, or withheld
    artifacts   the same of the files under artifacts/
    head        the chain holds the head that you kept (what `dempo head` printed, or its number and hash)

What follows from what (panels, chances, weights, scores), signatures and the other files of a bundle are verify.py's to
check. Nothing is written. Exit status: 0 all of this holds; 4 the last line does not; 2 there is nothing to look at.
"""

import argparse
import hashlib
import json
import re
import sqlite3
import sys
from contextlib import closing
from decimal import Decimal
from pathlib import Path

TABLES = "6c0c2b29f03f36c279fb25c36aba917bedfdfc8d4c6983a2290bb388566f299f"  # with indexes and triggers
VIEWS = (  # of each release; a record keeps those that it was made with
    "50ec0b5a936ee803640e535632b8a940008e45fc2bef2d061265a7ada37ed692",
    "1cfe55fd51fb1a6e0f8c70f2e682e5fcc695dd8542e812ecc7fa8bff60877794",
)
plain = json.JSONEncoder(ensure_ascii=False).encode


def sha256(body):
    return hashlib.sha256(body).hexdigest()


def require(holds, otherwise):
    if not holds:
        raise ValueError(otherwise)


def check_schema(db):
    """What sqlite_master says of an object is what its SQL makes. The one without SQL is the key of the texts."""
    marks = [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version", "encoding")]
    require(marks == [0x64656D70, 3, "UTF-8"], f"the database has not the marks of a record of schema 3 ({marks})")
    rows = db.execute("SELECT type, name, sql FROM sqlite_master")
    found = [row for row in rows if row != ("index", "sqlite_autoindex_blobs_1", None)]
    require(len({name for _, name, _ in found}) == len(found), "two objects of the database have one name")
    require(all(sql and sql.split()[1] == kind.upper() for kind, _, sql in found), "an object is not what it is called")
    parts = [{name: sql for kind, name, sql in found if (kind == "view") == views} for views in (False, True)]
    tables, views = (sha256(json.dumps(part, sort_keys=True).encode()) for part in parts)
    require(tables == TABLES, f"tables, indexes and triggers are of no release ({tables})")
    require(views in VIEWS, f"the views are of no release that this file knows ({views})")
    return f"tables, indexes and triggers {tables}, views {views}"


def canonical(value):
    """RFC 8785: keys in the order of their UTF-16 code units, no blanks, numbers as JavaScript writes them."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(canonical(key) + ":" + canonical(value[key]) for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if not isinstance(value, float):
        return plain(value)
    digits, _, power = repr(value).partition("e")  # the shortest digits that read back, as JavaScript has them
    if not power:
        return "0" if value == 0 else re.sub(r"\.0$", "", digits)
    return f"{Decimal(repr(value)):f}" if -7 < int(power) < 21 else f"{digits}e{int(power):+d}"


def link(*fields):
    """SHA-256 over every field after its length as 8 big-endian bytes."""
    parts = [str(field).encode("utf-8", "surrogateescape") for field in fields]
    return sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts))


def check_chain(db, texts, artifacts, sealed):
    """Returns the hash of every event, after that of no event; notes what the events refer to."""
    hashes = ["0" * 64]
    for row in db.execute("SELECT seq, at, stage, kind, payload, prev, hash FROM events NOT INDEXED ORDER BY seq"):
        seq, *fields, prev, stored = row
        require(seq == len(hashes) and prev == hashes[-1], f"event {seq} does not follow event {len(hashes) - 1}")
        as_hashed = all(isinstance(field, str) for field in fields) and link("dempo-audit-1", prev, seq, *fields)
        require(as_hashed == stored, f"event {seq} was changed")
        try:  # to RFC 8785 every number is a double; a long integer that is none is written otherwise, and found
            values = json.loads(fields[-1], parse_int=lambda digits: int(digits) if len(digits) < 16 else float(digits))
            require(canonical(values).encode() == fields[-1].encode(), "it is canonical otherwise")
        except (ValueError, RecursionError):
            raise ValueError(f"the payload of event {seq} is not canonical JSON (RFC 8785)") from None
        note(values, texts, artifacts)
        parts = values.get("sealed", {}) if isinstance(values, dict) else {}
        sealed.update(part["sha256"] for part in parts.values())
        hashes.append(stored)
    require(len(hashes) > 1, "there is no event")
    return hashes


def note(value, texts, artifacts):
    if isinstance(value, dict) and value.keys() == {"sha256", "bytes", "media_type"}:
        artifacts.add(value["sha256"])
    elif isinstance(value, dict) and "sha256" in value and value.keys() <= {"sha256", "shown"}:
        texts[value["sha256"]] = value.get("shown", value["sha256"])
    elif isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            note(inner, texts, artifacts)


def check_texts(db, texts, withheld, sealed, artifacts):
    missing = {*texts, *texts.values()}
    for name, body in db.execute("SELECT sha256, body FROM blobs NOT INDEXED"):
        require(isinstance(body, bytes) and sha256(body) == name, f"text {name} was changed")
        shown = sha256(body.decode("utf-8", "replace").replace("\0", "\ufffd").encode())  # as people see it
        require(texts.get(name, shown) == shown, f"text {name} is shown as another one")
        missing.discard(name)
        if name in sealed:  # fields of an event that can be withheld
            note(json.loads(body), {}, artifacts)
            require(canonical(json.loads(body)).encode() == body, f"text {name} is not canonical JSON")
    require(len(missing) <= withheld, f"{len(missing)} texts are missing, and {withheld} were withheld")
    return f"all are what they are called by; {len(missing)} were withheld"


def look(db, folder, head):
    """Yields what is said of each part, up to the first that is wrong."""
    db.text_factory = lambda body: body.decode("utf-8", "surrogateescape")
    yield "schema", check_schema(db)
    require(db.execute("PRAGMA integrity_check(1)").fetchone()[0] == "ok", "SQLite finds the file damaged")
    texts, artifacts, sealed, note = {}, set(), set(), folder / "redacted.json"
    hashes = check_chain(db, texts, artifacts, sealed)
    yield "chain", f"{len(hashes) - 1} events in canonical JSON, each bound to the one before"
    withheld = json.loads(note.read_bytes()) if note.is_file() else {"texts": 0, "artifacts": []}
    yield "texts", check_texts(db, texts, withheld["texts"], sealed, artifacts)
    for name in artifacts - set(withheld["artifacts"]):
        file = folder / "artifacts" / name
        there = re.fullmatch("[0-9a-f]{64}", name) and file.is_file() and not file.is_symlink()
        require(there and sha256(file.read_bytes()) == name, f"artifacts/{name} is missing or was changed")
    yield "artifacts", "all are what they are called by, but those that were withheld"
    require(not head or hashes[head[0] : head[0] + 1] == [head[1]], "the head that was kept is not one of this chain")
    yield "head", f"event {len(hashes) - 1}, {hashes[-1]}{'; the kept one is in the chain' if head else ''}"


def main():
    parser = argparse.ArgumentParser(description="Follows the chain of a dempo record; writes nothing.")
    parser.add_argument("folder", nargs="?", default=".", type=Path)
    parser.add_argument("--head", nargs="+", default=[], metavar="HEAD", help="a kept head: a file, or number and hash")
    asked = parser.parse_args()
    if sys.version_info < (3, 9) or sqlite3.sqlite_version_info < (3, 37):
        parser.error("this needs Python 3.9 or newer, with SQLite 3.37 or newer")
    try:
        file = (asked.folder / "audit.db").resolve(strict=True)
        text = Path(asked.head[0]).read_text("utf-8", "replace") if len(asked.head) == 1 else " ".join(asked.head)
    except OSError as error:
        parser.error(str(error))
    head = re.search(r"([0-9]+),?(?:\s|\\n)+(?:hash )?([0-9a-f]{64})\b", text)
    if asked.head and not head:
        parser.error("--head names no head: a line with the number and the hash of an event is enough")
    for beside in (file.with_name(file.name + ending) for ending in ("-wal", "-journal")):
        if beside.exists() and beside.stat().st_size > 0:
            parser.error(f"{beside.name} lies beside the record, and other programs would see what is in it")
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro&immutable=1", uri=True)) as db:
            for name, told in look(db, asked.folder, head and (int(head[1]), head[2])):
                print(f"{name:<9}  ok  {told}")
    except Exception as error:  # noqa: BLE001 — whatever a hostile file brings Python to
        sys.exit(print(f"FAILED: {str(error)[:300]!a}") or 4)


if __name__ == "__main__":
    main()
