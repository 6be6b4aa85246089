"""The command line: verify.py [FOLDER | audit.db] [--key FILE] [--head FILE] [--require …] [--files] …."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from storage.check import Check
from storage.verifier.checks import checks_of
from storage.verifier.explained import explanation
from storage.verifier.ground.reading import read_record
from storage.verifier.ground.record import WriterFacts
from storage.verifier.vouching.ssh_signature import Unusable
from storage.verifier.vouching.vouching import brought, decisive, summary_of, unchecked, vouching_checks

DATABASE_NAME = "audit.db"
SQLITE_MAGIC = b"SQLite format 3\0"
FAILED = 4
UNCHECKED = 7
USAGE = 2


def verify_alone(
    place: Path, facts: WriterFacts, key: Path | None = None, head: Path | None = None, files: bool | None = None
) -> list[Check]:
    """Every check on the record in a folder, or in a file, with what the standard library and ssh-keygen can do.

    Args:
        files: whether the files of the models are read; None: where that does not take long.

    Raises:
        Unusable: the key or the head cannot be used.
    """
    database = place / DATABASE_NAME if place.is_dir() else place
    given = brought(database.resolve().parent, key, head)
    record = read_record(database, facts)
    record.read_models = files
    return [*checks_of(record), *vouching_checks(record, given)]


def main(facts: WriterFacts, arguments: list[str] | None = None) -> int:
    """Prints the verdicts.

    Returns:
        0 where nothing failed; 4 where something did, or where --key, --head or --require asked for something that
        could not be shown; 7 where something could not be checked that --allow does not name, or the file not be
        opened; 2 where there is nothing to check, or an option that cannot be used.
    """
    parser = argparse.ArgumentParser(description="Checks the record of a dempo run; writes nothing into its folder.")
    parser.add_argument("place", nargs="?", default=".", type=Path, help="folder of the run or bundle, or its audit.db")
    parser.add_argument("--key", type=Path, metavar="FILE", help="public key or allowed_signers file of the signer")
    parser.add_argument("--head", type=Path, metavar="FILE", help="a head of the record that was kept elsewhere")
    parser.add_argument("--allow", metavar="CHECK,…", help="checks that may be left unchecked, by name")
    parser.add_argument("--require", metavar="CHECK,…", help="checks that have to be ok, by name")
    parser.add_argument("--files", action=argparse.BooleanOptionalAction, help="read all models; by default up to 1 GB")
    parser.add_argument(
        "--explain", metavar="CHECK", help="say what a check looks at, what it can say, and where it is"
    )
    parser.add_argument("--json", action="store_true", help="print the verdicts as JSON")
    asked = parser.parse_args(arguments)
    if asked.explain is not None:
        return _explain(asked.explain, facts)
    database = asked.place / DATABASE_NAME if asked.place.is_dir() else asked.place
    if not database.is_file():
        print(f"verify: there is no file {printable(str(database))}", file=sys.stderr)
        return USAGE
    try:
        no_record = _no_record(database)
    except OSError as error:
        print(f"verify: {printable(str(database))} cannot be read: {error.strerror or error}", file=sys.stderr)
        return UNCHECKED
    if no_record:
        print(f"verify: {printable(str(database))} {no_record}", file=sys.stderr)
        return USAGE
    try:
        checks = verify_alone(asked.place, facts, asked.key, asked.head, asked.files)
        left = unchecked(checks, asked.allow)
        wrong = decisive(checks, asked.key is not None, asked.head is not None, asked.require)
    except Unusable as error:
        print(f"verify: {printable(str(error))}", file=sys.stderr)
        return USAGE
    if asked.json:
        rows, good = [check.row() for check in checks], not wrong and not left
        print(json.dumps({"checks": rows, "ok": good, "summary": summary_of(checks)}, indent=1))
    else:
        encoding = sys.stdout.encoding or "utf-8"
        for line in told(checks):
            print(line.encode(encoding, "backslashreplace").decode(encoding))
    return FAILED if wrong else UNCHECKED if left else 0


def _explain(check: str, facts: WriterFacts) -> int:
    try:
        print(explanation(check, facts.sealed))
    except Unusable as error:
        print(f"verify: {printable(str(error))}", file=sys.stderr)
        return USAGE
    return 0


def _no_record(file: Path) -> str:
    """Why a file that was given is none that could be checked; empty where it is. A damaged record still is one."""
    with file.open("rb") as stream:
        start = stream.read(len(SQLITE_MAGIC))
    if start.startswith(b"PK"):
        return "is a zip; unpack it into an empty folder, and give that folder"
    if file.name != DATABASE_NAME and start != SQLITE_MAGIC:
        return f"is no record of a run; give the folder that holds {DATABASE_NAME}"
    return ""


def told(checks: list[Check]) -> list[str]:
    """The verdicts as lines: check, verdict, what was found, the first event that breaks it; and all in all."""
    wide = max(len(check.name) for check in checks)
    lines = []
    for check in checks:
        where = (
            f" [event {check.event}]" if check.event is not None and check.verdict in ("failed", "unchecked") else ""
        )
        lines.append(f"{check.name:<{wide}}  {check.verdict:<9}  {printable(check.detail)}{where}")
    return [*lines, "", summary_of(checks)]


def printable(text: str) -> str:
    """Text of a stranger on one line, with nothing in it that a terminal obeys."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)
