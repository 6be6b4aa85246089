"""Files of a bundle that follow from its record: events, configuration, versions, heads, keys, README's head."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sqlite3
from collections.abc import Collection
from contextlib import closing
from typing import Any

from core.facts.chain import NO_EVENT, link_hash
from storage.verifier.contents.whole import REDACTION_NOTE, is_plain_file, withheld_by
from storage.verifier.ground.finding import broken, same, unreadable
from storage.verifier.ground.payloads import parsed
from storage.verifier.ground.reading import opened_safely
from storage.verifier.ground.record import SIGNED_HEAD, Record
from storage.verifier.ground.shapes import alike
from storage.verifier.vouching.kept import head_in

LONGEST_EVENT = 256 * 1024**2
LARGEST_SMALL_FILE = 16 * 1024**2
A_DIGEST = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


def check_derived(record: Record, names: Collection[str]) -> None:
    """Compares each of them with the record."""
    _check_lines(record)
    if not record.hashes:
        raise broken("the record is empty, and of an empty record no bundle is made")
    _check_configuration(record)
    _check_versions(record)
    _check_readme(record)
    expected = _heads_and_keys(record)
    for name in sorted(n for n in names if n.startswith(("heads/", "keys/"))):
        if name not in expected:
            raise broken(f"{name} is of no head that this record holds")
    for name, content in expected.items():
        if name not in names:
            raise broken(f"there is no {name}, which follows from a signed head of the record")
        if not alike(content, _json_in(record, name) if name.endswith(".json") else _text_of(record, name)):
            raise broken(f"{name} is not what the signed head of the record says")
    check_redaction(record, names)


def check_redaction(record: Record, names: Collection[str]) -> None:
    """What is said to be withheld is missing, and each artifact that is there belongs to an event."""
    artifacts = [name for name in sorted(names) if name.startswith("artifacts/")]
    for name in artifacts:
        if name.removeprefix("artifacts/") not in record.artifacts:
            raise broken(f"{name} is an artifact that no event refers to")
    if not is_plain_file(record.root / REDACTION_NOTE):
        return
    texts, withheld = withheld_by(record.root)
    if texts != len(record.missing):
        raise broken(f"{REDACTION_NOTE} says that {texts} texts were withheld, and {len(record.missing)} are missing")
    for digest in sorted(withheld):
        if digest not in record.artifacts or f"artifacts/{digest}" in artifacts:
            why = "which is here" if f"artifacts/{digest}" in artifacts else "to which no event refers"
            raise broken(f"{REDACTION_NOTE} says that artifact {digest[:64]} was withheld, {why}")


def _check_lines(record: Record) -> None:
    """Whoever reads the lines in place of the database reads the same events."""
    prev, seq = NO_EVENT, 0
    with (record.root / "events.jsonl").open("rb") as stream:
        for seq, body in enumerate(iter(lambda: stream.readline(LONGEST_EVENT), b""), 1):
            prev = _hash_of_line(body, seq, prev)
            if seq > record.count or prev != record.hashes[seq - 1]:
                raise broken(f"events.jsonl, line {seq}, is not event {seq} of the record", seq)
    if seq != record.count:
        raise broken(f"events.jsonl holds {seq} events, and the record {record.count}", seq + 1)


def _hash_of_line(body: bytes, seq: int, prev: str) -> str:
    try:
        event = parsed(body.decode("utf-8").removesuffix("\n"))
        texts = [event[name] for name in ("at", "stage", "kind", "payload")]
        if event["seq"] != seq or event["prev"] != prev or not all(isinstance(text, str) for text in texts):
            return ""
        at, stage, kind, payload = texts
        return link_hash(prev, seq, at, stage, kind, payload)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""


def _check_configuration(record: Record) -> None:
    if not alike(_json_in(record, "config.resolved.json"), record.genesis.get("config")):
        raise broken("config.resolved.json is not the configuration of the record", 1)


def _check_versions(record: Record) -> None:
    """What each engine said of itself; what the exporter was, only the exporter knows."""
    expected = []
    try:
        with closing(opened_safely(record.database)) as db:
            rows = "SELECT at, payload FROM events NOT INDEXED WHERE kind = 'engine.started' ORDER BY seq"
            for at, payload in db.execute(rows):
                values = {key: value for key, value in parsed(payload).items() if key not in ("unit", "attempt")}
                expected.append({"at": at, **values})
    except sqlite3.Error as error:
        raise unreadable(error) from None
    found = _json_in(record, "versions.json")
    if not isinstance(found, dict) or not alike(found.get("engines"), expected):
        raise broken("versions.json is not what the engines of the record said of themselves")


def _check_readme(record: Record) -> None:
    text = _text_of(record, "README.txt")
    run, head = record.genesis.get("run_id"), record.hashes[-1]
    same(text.split("\n")[:2], [f"dempo run {run}", f"head: event {record.count}, {head}"], "README.txt", record.count)
    others = [digest for digest in A_DIGEST.findall(text) if digest != head]
    if others:
        raise broken(f"README.txt names {others[0]}, which is not the head of the record", record.count)


def _heads_and_keys(record: Record) -> dict[str, Any]:
    """Name and content of the files that signed heads give; what is no head is a matter of the check of signatures."""
    files: dict[str, Any] = {}
    for event in record.kept.get(SIGNED_HEAD, ()):
        signed = event.values
        try:
            head = head_in(record.genesis["run_id"], record.hashes[0], signed)
        except (ValueError, KeyError):
            continue
        proof = {field: signed[field] for field in ("signature", "public_key", "fingerprint")}
        files[f"heads/{head.seq}.json"] = {"text": head.text(), **proof}
        name = hashlib.sha256(signed["public_key"].encode()).hexdigest()[:16]
        files[f"keys/{name}.pub"] = f"{signed['public_key']}\n"
    return files


def _json_in(record: Record, name: str) -> Any:
    return json.loads(_text_of(record, name))


def _text_of(record: Record, name: str) -> str:
    path = record.root / name
    if os.path.getsize(path) > LARGEST_SMALL_FILE:
        raise broken(f"{name} is too large for what it should hold")
    return path.read_bytes().decode("utf-8", "replace")
