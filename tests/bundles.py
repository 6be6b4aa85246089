"""Bundles changed by hand: every file can be replaced, and the manifest says what the files then are."""

from __future__ import annotations

import hashlib
import sqlite3
import zipfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from core.facts.tables import COLUMNS_OF_PRIVATE, TEXTS_IN_VIEWS
from storage.export.contents import event_lines
from storage.imports.bundle import MANIFEST
from storage.record.reader import Reader
from storage.record.schema import TRIGGERS

TIME = (1980, 1, 1, 0, 0, 0)


def contents(bundle: Path) -> dict[str, bytes]:
    """Every file of a bundle by its name."""
    with zipfile.ZipFile(bundle) as stream:
        return {name: stream.read(name) for name in stream.namelist()}


def kept_rows(reader: Reader, view: str) -> list[dict[str, Any]]:
    """The rows of a view without the columns that every redaction leaves out."""
    hidden = TEXTS_IN_VIEWS.get(view, frozenset()) | COLUMNS_OF_PRIVATE.get(view, frozenset())
    return [{name: value for name, value in row.items() if name not in hidden} for row in reader.view(view)]


def write_bundle(files: Mapping[str, bytes], target: Path) -> Path:
    """A bundle of these files with a manifest that fits them."""
    named = {name: body for name, body in files.items() if name != MANIFEST}
    lines = "".join(f"{hashlib.sha256(body).hexdigest()}  {name}\n" for name, body in sorted(named.items()))
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as stream:
        for name, body in {**named, MANIFEST: lines.encode()}.items():
            entry = zipfile.ZipInfo(name, TIME)
            entry.external_attr = 0o100644 << 16
            stream.writestr(entry, body, zipfile.ZIP_DEFLATED)
    return target


def written_anew(bundle: Path) -> None:
    """The manifest that a liar makes to suit."""
    files = sorted(path for path in bundle.rglob("*") if path.is_file() and path.name != MANIFEST)
    lines = [f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.relative_to(bundle).as_posix()}\n" for p in files]
    (bundle / MANIFEST).write_text("".join(lines))


def with_database(bundle: Path, target: Path, *statements: str, unguarded: bool = False, follow: bool = True) -> Path:
    """The bundle after these statements on its database.

    Args:
        unguarded: the triggers are dropped first and made again afterwards.
        follow: events.jsonl is made to say what the database says.
    """
    files = contents(bundle)
    path = target.with_suffix(".db")
    path.write_bytes(files["audit.db"])
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for name in TRIGGERS if unguarded else ():
            db.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            db.execute(statement)
        for sql in TRIGGERS.values() if unguarded else ():
            db.execute(sql)
    if follow:
        with closing(sqlite3.connect(path)) as db:
            files["events.jsonl"] = b"".join(event_lines(db))
    files["audit.db"] = path.read_bytes()
    return write_bundle(files, target)
