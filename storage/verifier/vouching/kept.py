"""Heads of a chain: the seven lines that are signed, and reading a head that somebody kept.

Whoever can write a record can also write its chain anew. What he cannot do is make it end in a hash that somebody
else holds, or sign another one with a key that he doesn't have.

A kept head may be what `dempo head` prints (the seven lines, then key and signature where there is one), a JSON file
with the fields "text" and "signature" as under `heads/`, or just "<seq> <hash>".
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from core.facts.trees import Tree
from storage.verifier.ground.shapes import A_HASH
from storage.verifier.vouching.ssh_signature import Signature, Unusable, parse_signature

HEADS_FOLDER = "heads"
"""Where a run leaves its signed heads as files, to be sent elsewhere."""

HEAD_DOMAIN = "dempo-head-2"
"""First line of what is signed; separates it from everything else that the key may sign."""

HEAD_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
HEAD_LINES = re.compile(
    rf"{HEAD_DOMAIN}\nrun (\S+)\ngenesis (\S+)\nseq ([1-9][0-9]{{0,15}})\nhash (\S+)\nroot (\S+)\nregistry (\S+)\n"
)
NUMBER_AND_HASH = re.compile(r"(?:head:\s*)?(?:event\s+)?([1-9][0-9]{0,15}),?\s+([0-9a-f]{64})")
LARGEST_HEAD = 65_536
MOST_HEAD_FILES = 10_000


@dataclass(frozen=True)
class Head:
    """The head of a run's chain: number and hash of its last event, and which run's.

    Attributes:
        root: that of the tree over the hashes of all events so far (RFC 6962).
        registry: hash of the last entry of the registry of its folder at that time; 64 zeros: none.

    Raises:
        ValueError: a field could not stand on a line of its own (names in a foreign record are hostile).
    """

    run_id: str
    genesis: str
    seq: int
    hash: str
    root: str
    registry: str

    def __post_init__(self) -> None:
        if not HEAD_RUN_ID.fullmatch(self.run_id):
            raise ValueError(f"{self.run_id[:80]!r} is no id of a run")
        hashes = (self.genesis, self.hash, self.root, self.registry)
        if not (all(map(A_HASH.fullmatch, hashes)) and 0 < self.seq < 10**16):
            raise ValueError("it is no number and hash of an event")

    def text(self) -> str:
        """What is signed: a line per fact, for people and programs."""
        chain = f"{HEAD_DOMAIN}\nrun {self.run_id}\ngenesis {self.genesis}\nseq {self.seq}\nhash {self.hash}\n"
        return f"{chain}root {self.root}\nregistry {self.registry}\n"


def head_in(run_id: str, genesis: str, signed: Mapping[str, Any]) -> Head:
    """The head that an event `head.signed` with these values says is signed.

    Raises:
        ValueError: a field could not stand on a line of its own.
    """
    return Head(run_id, genesis, signed["seq"], signed["hash"], signed["root"], signed["registry"])


def roots_after(hashes: Iterable[str], places: Collection[int]) -> dict[int, str]:
    """The roots over the first so many events, for each of `places` that there is.

    Args:
        hashes: those of the events in hex, each the 32 bytes of an entry.
    """
    found, tree, last = {}, Tree(), max(places, default=0)
    for seq, event in enumerate(hashes, start=1):
        if seq > last:
            break
        tree.append(bytes.fromhex(event))
        if seq in places:
            found[seq] = tree.root
    return found


@dataclass(frozen=True)
class KeptHead:
    """A head that somebody kept: number and hash, and, where known, the whole of it and its signature."""

    seq: int
    hash: str
    head: Head | None = None
    signature: Signature | None = None


def read_kept(path: Path) -> KeptHead:
    """Reads a head that was kept.

    Raises:
        Unusable: the file cannot be read or holds no head.
    """
    try:
        with path.open("rb") as stream:
            text = stream.read(LARGEST_HEAD + 1).decode("utf-8", "replace")
    except OSError as error:
        raise Unusable(f"cannot read the kept head {path}: {error.strerror}") from error
    if len(text) > LARGEST_HEAD:
        raise Unusable(f"{path} is too large for a head")
    try:
        return _kept_head(text.replace("\r\n", "\n"))
    except (ValueError, RecursionError) as error:
        why = error if type(error) is ValueError else "it is no JSON"
        raise Unusable(
            f"{path} is no head that was kept ({why}); `dempo head RUN --out FILE` writes one, and a line with "
            "the event's number and hash is enough"
        ) from None


def _kept_head(text: str) -> KeptHead:
    if text.lstrip().startswith("{"):
        values = json.loads(text)
        text, armoured = values.get("text"), values.get("signature")
        if not isinstance(text, str) or not (armoured is None or isinstance(armoured, str)):
            raise ValueError("it has no text")
        head = parse_head(text)
    else:
        found = NUMBER_AND_HASH.fullmatch(text.strip())
        if found is not None:
            return KeptHead(int(found[1]), found[2])
        lines = text.splitlines(keepends=True)
        head = parse_head("".join(lines[:7]))
        rest = "".join(lines[7:])
        armoured = rest[rest.index("-----BEGIN") :].rstrip() + "\n" if "-----BEGIN" in rest else None
    signature = None if armoured is None else parse_signature(armoured)
    return KeptHead(head.seq, head.hash, head, signature)


def parse_head(text: str) -> Head:
    """The inverse of `Head.text`.

    Raises:
        ValueError: these are not its seven lines.
    """
    found = HEAD_LINES.fullmatch(text)
    if found is None:
        raise ValueError("its first seven lines are not those of a head")
    return Head(found[1], found[2], int(found[3]), found[4], found[5], found[6])


@dataclass(frozen=True)
class HeadFiles:
    """The files under `heads/`, by name: each read, or with what is wrong with it.

    Attributes:
        unread: why not everything there was read; "" where it was.
    """

    found: tuple[tuple[str, KeptHead | str], ...]
    unread: str


def head_files(root: Path) -> HeadFiles:
    """Reads the files under `heads/`: regular files alone, and not more than `MOST_HEAD_FILES`."""
    place = root / HEADS_FOLDER
    if not place.exists() and not place.is_symlink():
        return HeadFiles((), "")
    if place.is_symlink() or not place.is_dir():
        return HeadFiles((), "heads is a link or no folder, so nothing in it was read")
    try:
        with os.scandir(place) as entries:
            looked = list(islice(entries, MOST_HEAD_FILES + 1))
        regular = {entry.name: entry.is_file(follow_symlinks=False) for entry in looked}
    except OSError as error:
        return HeadFiles((), f"heads/ cannot be read: {error.strerror}")
    names = sorted(name for name in regular if name.endswith(".json"))[:MOST_HEAD_FILES]
    found = tuple((name, _head_in(place / name) if regular[name] else "it is no file") for name in names)
    unread = f"heads/ holds more than {MOST_HEAD_FILES} files, of which these were read"
    return HeadFiles(found, unread if len(looked) > MOST_HEAD_FILES else "")


def _head_in(path: Path) -> KeptHead | str:
    try:
        return read_kept(path)
    except Unusable:
        return "it is no signed head"
