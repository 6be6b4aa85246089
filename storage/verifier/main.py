"""The command line: verify.py [FOLDER | audit.db] [--json] [--head FILE]."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from storage.check import Check
from storage.verifier.checks import checks_of
from storage.verifier.kept import check_kept
from storage.verifier.reading import read_record
from storage.verifier.record import Facts, Record

KeyChecks = Callable[[Record, Path, Path | None], list[Check]]
"""Checks of signatures: given the record, a public key (or allowed_signers), and a kept head where there is one."""

KEY_CHECKS: list[KeyChecks] = []
"""Whoever joins a part that checks signatures adds its function here; `--key` is offered where there is one."""

DATABASE_NAME = "audit.db"
FAILED = 4
USAGE = 2


def verify_alone(place: Path, facts: Facts, key: Path | None = None, kept: Path | None = None) -> list[Check]:
    """Every check on the record in a folder, or in a file, with what the standard library can do."""
    record = read_record(place / DATABASE_NAME if place.is_dir() else place, facts)
    checks = checks_of(record)
    if kept is not None:
        checks.append(check_kept(record, kept))
    if key is not None:
        checks += [check for more in KEY_CHECKS for check in more(record, key, kept)]
    return checks


def main(facts: Facts, arguments: list[str] | None = None) -> int:
    """Prints the verdicts; 0 where nothing failed, 4 where something did, 2 where there is nothing to check."""
    parser = argparse.ArgumentParser(description="Checks the record of a dempo run; writes nothing.")
    parser.add_argument("place", nargs="?", default=".", type=Path, help="folder of the run or bundle, or its audit.db")
    parser.add_argument("--json", action="store_true", help="print the verdicts as JSON")
    parser.add_argument("--head", type=Path, metavar="FILE", help="a head of the record that was kept elsewhere")
    if KEY_CHECKS:
        parser.add_argument("--key", type=Path, metavar="FILE", help="public key (or allowed_signers) of the signer")
    asked = parser.parse_args(arguments)
    key = getattr(asked, "key", None)
    for path in (asked.place / DATABASE_NAME if asked.place.is_dir() else asked.place, asked.head, key):
        if path is not None and not path.is_file():
            print(f"verify: there is no file {printable(str(path))}", file=sys.stderr)
            return USAGE
    checks = verify_alone(asked.place, facts, key, asked.head)
    failed = [check for check in checks if check.verdict == "failed"]
    if asked.json:
        print(json.dumps({"checks": [check.row() for check in checks], "ok": not failed}, indent=1))
    else:
        encoding = sys.stdout.encoding or "utf-8"
        for line in told(checks):
            print(line.encode(encoding, "backslashreplace").decode(encoding))
    return FAILED if failed else 0


def told(checks: list[Check]) -> list[str]:
    """The verdicts as lines: check, verdict, what was found, and the first event that breaks it."""
    wide = max(len(check.name) for check in checks)
    lines = []
    for check in checks:
        where = f" [event {check.event}]" if check.event is not None and check.verdict == "failed" else ""
        lines.append(f"{check.name:<{wide}}  {check.verdict:<8}  {printable(check.detail)}{where}")
    return lines


def printable(text: str) -> str:
    """Text of a stranger on one line, with nothing in it that a terminal obeys."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)
