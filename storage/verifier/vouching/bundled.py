"""The files of a bundle: those of its manifest and no others, and the same as the record where they repeat it.

What `dempo import` keeps of a bundle has no manifest: all of it is named by its contents or follows from the record.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from storage.verifier.contents.whole import file_digest, is_plain_file
from storage.verifier.ground.finding import brief, broken, newer, whole
from storage.verifier.ground.reading import FOREIGN_MARKS, MANIFEST_NAME
from storage.verifier.ground.record import Record
from storage.verifier.vouching.bundle_files import WRITTEN_BY_EXPORT
from storage.verifier.vouching.derived import check_derived, check_redaction
from storage.verifier.vouching.rendered import check_tables

MANIFEST_LINE = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*)")
LARGEST_MANIFEST = 16 * 1024**2

ALWAYS_IN_A_BUNDLE = (
    "README.txt",
    "config.resolved.json",
    "events.jsonl",
    "ro-crate-metadata.json",
    "versions.json",
)

KEPT_BY_IMPORT = re.compile(r"audit\.db|redacted\.json|artifacts/[0-9a-f]{64}|heads/[0-9]{1,16}\.json")

NOT_COMPARED = (
    "report, plots, config.toml, the crate's metadata, LIMITS and LICENSES are the exporter's words and pictures, "
    "compared with nothing"
)

MOST_NAMED = 3
"""Files that a sentence names."""


def check_bundle(record: Record) -> str:
    """The folder holds what the manifest names and nothing else; what follows from the record is what follows."""
    root = record.root
    if (root / "imported.json").exists() and not (root / FOREIGN_MARKS[0]).exists():
        return _check_imported(record)
    listed = _listed(root)
    _require_nothing_else(root, listed.keys() | {MANIFEST_NAME}, f"not in {MANIFEST_NAME}")
    for name, digest in listed.items():
        path = root / name
        if not is_plain_file(path) or not path.resolve().is_relative_to(root.resolve()):
            raise broken(f"{name} is in {MANIFEST_NAME} and not in the folder")
        if file_digest(path) != digest:
            raise broken(f"{name} is not the file that {MANIFEST_NAME} names")
    for name in ALWAYS_IN_A_BUNDLE:
        if name not in listed:
            raise broken(f"there is no {name}, which every bundle holds")
    whole(record)
    check_derived(record, listed.keys())
    told = f"{len(listed)} files are those of the manifest, and no others are there"
    strange = sorted(name for name in listed if WRITTEN_BY_EXPORT.fullmatch(name) is None)
    if strange:
        raise newer(f"{brief(strange[0])}, a file that no export known here writes (run nothing of it),")
    tables = check_tables(record, listed.keys())
    repeats = "events.jsonl, configuration, versions, heads, keys and the head in README.txt repeat the record"
    return f"{told}; {repeats}, and so do {tables}; {NOT_COMPARED}"


def _check_imported(record: Record) -> str:
    """Each file that an import keeps is checked by another check, or here."""
    names = set(files_below(record.root))
    kept = {name for name in names if KEPT_BY_IMPORT.fullmatch(name)}
    _require_nothing_else(record.root, kept | {"imported.json"}, "nothing that `dempo import` leaves")
    whole(record)
    check_redaction(record, kept)
    return f"{len(kept)} files are those that `dempo import` keeps of a bundle, and no others are there"


def _listed(root: Path) -> dict[str, str]:
    """SHA-256 by name, as the manifest says."""
    if not is_plain_file(root / MANIFEST_NAME):
        raise broken(f"there is no {MANIFEST_NAME}, so nobody knows which files belong to this bundle")
    with (root / MANIFEST_NAME).open("rb") as stream:
        text = stream.read(LARGEST_MANIFEST).decode("utf-8", "replace")
    listed: dict[str, str] = {}
    for line in text.splitlines():
        found = MANIFEST_LINE.fullmatch(line)
        if found is None or ".." in found[2].split("/"):
            raise broken(f"{MANIFEST_NAME} holds a line that names no file: {line[:80]!r}")
        if found[2] in listed or found[2] == MANIFEST_NAME:
            raise broken(f"{MANIFEST_NAME} names {found[2]} twice, or itself")
        listed[found[2]] = found[1]
    return listed


def _require_nothing_else(root: Path, known: frozenset[str] | set[str], why: str) -> None:
    """Ends the check at files, links, pipes and folders that do not belong there."""
    others = sorted(name for name in files_below(root) if name not in known)
    if others:
        named = ", ".join(map(brief, others[:MOST_NAMED]))
        more = f" and {len(others) - MOST_NAMED} more" if len(others) > MOST_NAMED else ""
        raise broken(f"{named}{more}: in the folder and {why}")


def files_below(root: Path) -> Iterator[str]:
    """The names of everything below a folder, in any order; of folders only of those that are empty or links."""
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        with os.scandir(root / inside) as entries:
            found = list(entries)
        if inside and not found:
            yield inside
        for entry in found:
            name = f"{inside}/{entry.name}" if inside else entry.name
            if entry.is_dir(follow_symlinks=False):
                waiting.append(name)
            else:
                yield name
