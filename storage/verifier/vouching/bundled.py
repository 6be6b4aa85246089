"""The files of a bundle: as its manifest says, and, where they repeat the record, the same as the record."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.facts.chain import NO_EVENT, link_hash
from storage.verifier.contents.whole import file_digest, is_plain_file
from storage.verifier.ground.finding import broken, whole
from storage.verifier.ground.record import Record
from storage.verifier.ground.shapes import alike

MANIFEST_NAME = "manifest.sha256"
MANIFEST_LINE = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*)")
LARGEST_MANIFEST = 16 * 1024**2
LONGEST_EVENT = 256 * 1024**2
LARGEST_CONFIGURATION = 16 * 1024**2


def is_bundle(root: Path) -> bool:
    """Whether a record lies among the files of a bundle."""
    return is_plain_file(root / MANIFEST_NAME)


def check_bundle(record: Record) -> str:
    """Every file is the one of the manifest; events.jsonl and the configuration repeat what the record says."""
    listed = list(_manifest(record.root))
    for digest, name in listed:
        path = record.root / name
        if not is_plain_file(path) or not path.resolve().is_relative_to(record.root.resolve()):
            raise broken(f"{name} is in {MANIFEST_NAME} and not in the folder")
        if file_digest(path) != digest:
            raise broken(f"{name} is not the file that {MANIFEST_NAME} names")
    whole(record)
    names = {name for _, name in listed}
    if "events.jsonl" in names:
        _check_lines(record)
    if "config.resolved.json" in names:
        _check_configuration(record)
    told = f"{len(listed)} files are those of the manifest; events.jsonl repeats the record"
    return f"{told}; report, tables and plots are the exporter's pictures of it, compared with nothing"


def _manifest(root: Path) -> Iterator[tuple[str, str]]:
    with (root / MANIFEST_NAME).open("rb") as stream:
        text = stream.read(LARGEST_MANIFEST).decode("utf-8", "replace")
    for line in text.splitlines():
        found = MANIFEST_LINE.fullmatch(line)
        if found is None or ".." in found[2].split("/"):
            raise broken(f"{MANIFEST_NAME} holds a line that names no file: {line[:80]!r}")
        yield found[1], found[2]


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
        event: dict[str, Any] = json.loads(body)
        texts = [event[name] for name in ("at", "stage", "kind", "payload")]
        if event["seq"] != seq or event["prev"] != prev or not all(isinstance(text, str) for text in texts):
            return ""
        at, stage, kind, payload = texts
        return link_hash(prev, seq, at, stage, kind, payload)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""


def _check_configuration(record: Record) -> None:
    path = record.root / "config.resolved.json"
    if os.path.getsize(path) > LARGEST_CONFIGURATION:
        raise broken("config.resolved.json is too large for a configuration")
    if not alike(json.loads(path.read_bytes()), record.genesis.get("config")):
        raise broken("config.resolved.json is not the configuration of the record", 1)
