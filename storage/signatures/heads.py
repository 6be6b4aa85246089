"""Signing the heads of a chain, and the head of a record as it is now.

What a head is, and reading one that was kept, is `storage.verifier.vouching.kept`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.durable import write_durably
from core.errors import VerificationFailed
from core.facts.chain import NO_EVENT
from core.facts.trees import Tree
from core.run_folder import RunFolder
from storage.errors import sentences
from storage.record.codec import parse
from storage.record.foreign import is_imported
from storage.record.registry import last_entry
from storage.record.run_folders import require_record
from storage.signatures import sshsig
from storage.verifier.ground.reading import EVENTS_IN_ORDER, opened_safely, wrong_link
from storage.verifier.vouching.kept import HEADS_FOLDER, Head
from storage.verifier.vouching.ssh_signature import fingerprint

if TYPE_CHECKING:
    from core.events import HeadSigned

EVERY = 1_000
"""Events between two signed heads."""


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
        """Writes `heads/<seq>.json`, to be sent elsewhere; the record holds the signature also where that fails."""
        place = folder.root / HEADS_FOLDER
        body = json.dumps(as_json(head, signature), indent=2) + "\n"
        try:
            place.mkdir(exist_ok=True)
            write_durably(place / f"{head.seq}.json", body.encode("ascii"))
        except OSError as error:
            self.failed(f"{place} cannot be written: {error.strerror or error}")

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
    from core.events import HeadSigned

    signature = sshsig.sign(head.text().encode(), key)
    return HeadSigned(
        seq=head.seq,
        hash=head.hash,
        root=head.root,
        registry=head.registry,
        signature=signature.armoured,
        public_key=signature.public_key,
        fingerprint=fingerprint(signature.public_key),
    )


def as_json(head: Head, signature: HeadSigned | None) -> dict[str, Any]:
    """A head to keep elsewhere: the text, and the signature over exactly this text."""
    proof = {} if signature is None else signature.model_dump(include={"signature", "public_key", "fingerprint"})
    return {"text": head.text(), **proof}


def as_text(head: Head, signature: HeadSigned | None) -> str:
    """The same for people: the seven lines that are signed, then key and signature."""
    if signature is None:
        return head.text()
    return f"{head.text()}\n{signature.public_key} {signature.fingerprint}\n{signature.signature}"


def current_head(root: Path) -> Head:
    """The head of a record, computed anew from what the events say; what came in a bundle has no registry here.

    Raises:
        StorageError: there is no record or it cannot be read.
        VerificationFailed: an event doesn't hash to what is recorded; such a head is not worth keeping.
    """
    folder = RunFolder(root)
    require_record(folder)
    chain = followed(folder.database)
    if chain.wrong or not chain.seq:
        why = chain.wrong or "the record is empty"
        raise VerificationFailed(f"{root.name}: {why}; `dempo verify` says more")
    try:
        registry = NO_EVENT if is_imported(root) else last_entry(root.resolve().parent)
        return Head(chain.run_id, chain.genesis, chain.seq, chain.hash, chain.tree.root, registry)
    except ValueError as error:
        raise VerificationFailed(f"the first event doesn't name a run: {error}") from None


@dataclass(frozen=True)
class Chain:
    """A chain as far as it holds: its last event, its first one, the tree over the hashes of all, and why it ends there
    ("" where that is its end)."""

    seq: int
    hash: str
    genesis: str
    run_id: str
    tree: Tree
    wrong: str


def followed(database: Path) -> Chain:
    """Follows a chain event by event, as the verifier does: every hash anew, of the bytes that the file holds.

    Raises:
        StorageError: the database cannot be read.
    """
    seq, head, genesis, run_id, tree = 0, NO_EVENT, "", "", Tree()
    with sentences(database), closing(opened_safely(database)) as db:
        for row in db.execute(EVENTS_IN_ORDER):
            wrong = wrong_link(row, seq + 1, head)
            if wrong is not None:
                return Chain(seq, head, genesis, run_id, tree, wrong[0])
            seq, head = row[0], row[6]
            tree.append(bytes.fromhex(head))
            if seq == 1:
                genesis, run_id = head, _run_id_of(row[4])
    return Chain(seq, head, genesis, run_id, tree, "")


def _run_id_of(payload: str) -> str:
    """The run that a genesis payload names, or ""."""
    try:
        found = parse(payload)[0].get("run_id")
    except ValueError:
        return ""
    return found if isinstance(found, str) else ""
