"""Heads of a chain: what is signed, how a head is kept elsewhere, and reading one that was kept.

Whoever can write a record can also write its chain anew. What he cannot do is make it end in a hash that somebody
else holds, or sign another one with a key that he doesn't have.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from core.durable import write_durably
from core.errors import InputError, VerificationFailed
from core.events import HeadSigned
from core.run_folder import RunFolder
from storage.codec import GENESIS_PREV, chain_hash, parse
from storage.errors import StorageError, sentences
from storage.reader import connect
from storage.signatures import sshsig

DOMAIN = "dempo-head-1"
"""First line of what is signed; separates it from everything else that the key may sign."""

EVERY = 1_000
"""Events between two signed heads."""

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_HASH = re.compile(r"[0-9a-f]{64}")
_TEXT = re.compile(r"dempo-head-1\nrun (\S+)\ngenesis (\S+)\nseq ([1-9][0-9]{0,15})\nhash (\S+)\n")
_NUMBER_AND_HASH = re.compile(r"(?:head:\s*)?(?:event\s+)?([1-9][0-9]{0,15}),?\s+([0-9a-f]{64})")
_LARGEST = 65_536


@dataclass(frozen=True)
class Head:
    """The head of a run's chain: number and hash of its last event, and which run's.

    Raises:
        ValueError: a field could not stand on a line of its own (names in a foreign record are hostile).
    """

    run_id: str
    genesis: str
    seq: int
    hash: str

    def __post_init__(self) -> None:
        if not _RUN_ID.fullmatch(self.run_id):
            raise ValueError(f"{self.run_id[:80]!r} is no id of a run")
        if not (_HASH.fullmatch(self.genesis) and _HASH.fullmatch(self.hash) and 0 < self.seq < 10**16):
            raise ValueError("it is no number and hash of an event")

    def text(self) -> str:
        """What is signed: a line per fact, for people and programs."""
        return f"{DOMAIN}\nrun {self.run_id}\ngenesis {self.genesis}\nseq {self.seq}\nhash {self.hash}\n"


@dataclass(frozen=True)
class KeptHead:
    """A head that somebody kept: number and hash, and, where known, the whole of it and its signature."""

    seq: int
    hash: str
    head: Head | None = None
    signature: sshsig.Signature | None = None


class HeadSigner:
    """Signs heads with one key. A failure is told once and tried again at the next head."""

    def __init__(self, key: Path, tell: Callable[[str], None]) -> None:
        self.key = key
        self._tell = tell
        self._told = False

    def sign(self, head: Head) -> HeadSigned | None:
        """The signed head, or None where the key could not sign."""
        try:
            return signed(head, self.key)
        except sshsig.SigningError as error:
            self.failed(f"a head of this run is not signed: {error}")
            return None

    def leave(self, folder: RunFolder, head: Head, signature: HeadSigned) -> None:
        """Writes `heads/<seq>.json`; the record holds the signature also where that fails."""
        try:
            write_head(folder, head, signature)
        except OSError as error:
            self.failed(f"{heads_folder(folder)} cannot be written: {error.strerror or error}")

    def failed(self, sentence: str) -> None:
        """Says what went wrong, the first time: the run goes on without."""
        if not self._told:
            self._tell(sentence)
            self._told = True


def signed(head: Head, key: Path) -> HeadSigned:
    """A head with its signature.

    Raises:
        SigningError: the key cannot sign.
    """
    signature = sshsig.sign(head.text().encode(), key)
    return HeadSigned(
        seq=head.seq,
        hash=head.hash,
        signature=signature.armoured,
        public_key=signature.public_key,
        fingerprint=sshsig.fingerprint(signature.public_key),
    )


def as_json(head: Head, signature: HeadSigned | None) -> dict[str, Any]:
    """A head to keep elsewhere: the text, and the signature over exactly this text."""
    values: dict[str, Any] = {"text": head.text()}
    if signature is not None:
        values |= {
            "signature": signature.signature,
            "public_key": signature.public_key,
            "fingerprint": signature.fingerprint,
        }
    return values


def as_text(head: Head, signature: HeadSigned | None) -> str:
    """The same for people: the five lines that are signed, then key and signature."""
    if signature is None:
        return head.text()
    return f"{head.text()}\n{signature.public_key} {signature.fingerprint}\n{signature.signature}"


def heads_folder(folder: RunFolder) -> Path:
    """Where a run leaves its signed heads as files, to be sent elsewhere."""
    return folder.root / "heads"


def write_head(folder: RunFolder, head: Head, signature: HeadSigned) -> None:
    """Writes `heads/<seq>.json`.

    Raises:
        OSError: it cannot be written; the record holds the signature all the same.
    """
    place = heads_folder(folder)
    place.mkdir(exist_ok=True)
    body = json.dumps(as_json(head, signature), indent=2) + "\n"
    write_durably(place / f"{head.seq}.json", body.encode("ascii"))


def read_kept(path: Path) -> KeptHead:
    """Reads a head that was kept: what `dempo head` printed, a `heads/<seq>.json`, or "<seq> <hash>".

    Raises:
        InputError: the file cannot be read or is none of these.
    """
    try:
        with path.open("rb") as stream:
            text = stream.read(_LARGEST + 1).decode("utf-8", "replace")
    except OSError as error:
        raise InputError(f"cannot read the kept head {path}: {error.strerror}") from error
    if len(text) > _LARGEST:
        raise InputError(f"{path} is too large for a head")
    try:
        return _kept(text.replace("\r\n", "\n"))
    except (ValueError, RecursionError) as error:
        why = error if type(error) is ValueError else "it is no JSON"
        raise InputError(
            f"{path} is no head that was kept ({why}); `dempo head RUN --out FILE` writes one, and a line with "
            "the event's number and hash is enough"
        ) from None


def _kept(text: str) -> KeptHead:
    if text.lstrip().startswith("{"):
        values = json.loads(text)
        text, armoured = values.get("text"), values.get("signature")
        if not isinstance(text, str) or not isinstance(armoured, str | None):
            raise ValueError("it has no text")
        head = parse_text(text)
    elif (found := _NUMBER_AND_HASH.fullmatch(text.strip())) is not None:
        return KeptHead(int(found[1]), found[2])
    else:
        lines = text.splitlines(keepends=True)
        head = parse_text("".join(lines[:5]))
        rest = "".join(lines[5:])
        armoured = rest[rest.index("-----BEGIN") :].rstrip() + "\n" if "-----BEGIN" in rest else None
    signature = None if armoured is None else sshsig.parse_signature(armoured)
    return KeptHead(head.seq, head.hash, head, signature)


def parse_text(text: str) -> Head:
    """The inverse of `Head.text`.

    Raises:
        ValueError: these are not its five lines.
    """
    found = _TEXT.fullmatch(text)
    if found is None:
        raise ValueError("its first five lines are not those of a head")
    return Head(found[1], found[2], int(found[3]), found[4])


def current_head(root: Path) -> Head:
    """The head of a record, computed anew from what the events say.

    Raises:
        StorageError: there is no record or it cannot be read.
        VerificationFailed: an event doesn't hash to what is recorded; such a head is not worth keeping.
    """
    folder = RunFolder(root)
    if not folder.database.is_file():
        raise StorageError(f"{root} holds no run (audit.db is missing)")
    run_id, genesis, seq, last = "", "", 0, ""
    with sentences(folder.database), closing(connect(folder.database)) as db:
        db.execute("BEGIN")  # one snapshot: an engine may be writing
        for row, computed in recomputed(db):
            seq, last = seq + 1, computed
            if row[6] != computed:
                raise VerificationFailed(f"{root.name}: event {seq} was changed; `dempo verify` says more")
            if seq == 1:
                run_id, genesis = run_id_of(row[4]), computed
        (events,) = db.execute("SELECT count(*) FROM events").fetchone()
    if seq != events or not seq:
        raise VerificationFailed(f"{root.name}: event {seq + 1} is missing or was changed; `dempo verify` says more")
    try:
        return Head(run_id, genesis, seq, last)
    except ValueError as error:
        raise VerificationFailed(f"the first event doesn't name a run: {error}") from None


def recomputed(db: Connection) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Every event's row with its hash as the contents of the chain so far give it, whatever is stored as hash.

    Ends before the first gap or row that holds no texts.
    """
    prev = GENESIS_PREV
    rows = db.execute("SELECT seq, at, stage, kind, payload, prev, hash FROM events ORDER BY seq")
    for expected, row in enumerate(rows, 1):
        seq, at, stage, kind, payload = row[:5]
        if seq != expected or not all(isinstance(value, str) for value in row[1:]):
            return
        prev = chain_hash(prev, seq, at, stage, kind, payload)
        yield row, prev


def run_id_of(payload: str) -> str:
    """The run that a genesis payload names, or ""."""
    try:
        found = parse(payload)[0].get("run_id")
    except (ValueError, TypeError, AttributeError, RecursionError):
        return ""
    return found if isinstance(found, str) else ""
