"""Checks of what vouches for a record: signed heads, a head that was kept elsewhere, and the registry of its folder.

The chain alone shows an edit. That the record was not written anew or cut short shows only against something that
its writer doesn't hold: a reviewer's copy of the public key, a head kept elsewhere, the other runs' registry.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from core.errors import InputError
from core.events import HeadSigned, decode
from core.run_folder import RunFolder
from storage.check import Check
from storage.codec import parse
from storage.foreign import is_imported
from storage.reader import connect
from storage.registry import Registry, read_registry
from storage.signatures import sshsig
from storage.signatures.heads import Head, KeptHead, heads_folder, read_kept, recomputed, run_id_of

_MOST_SIGNATURES = 10_000
"""Signatures that are checked: each one costs a process, and a foreign record may hold any number."""


@dataclass(frozen=True)
class _Chain:
    """What a record's chain says, every hash computed anew from the contents of the events.

    Attributes:
        last: number of the last event that follows the ones before it.
        stored: number of the last event; larger than `last` where the chain breaks.
        hashes: hash of each event that was asked for and exists.
        signed: of every signed head its own number, and the event or a sentence about why it is none.
        before: the head that each of them stands behind.
    """

    run_id: str
    genesis: str
    last: int
    stored: int
    hashes: Mapping[int, str]
    signed: Sequence[tuple[int, HeadSigned | str]]
    before: Mapping[int, str]


def signature_checks(root: Path, key: Path | None = None, kept: Path | None = None) -> list[Check]:
    """Checks signed heads, the files under `heads/`, the kept head where one is given, and the registry.

    Args:
        key: a public key or an allowed_signers file: whose signatures count.
        kept: a head that was kept elsewhere.

    Raises:
        InputError: `key` or `kept` cannot be read.
    """
    folder = RunFolder(root)
    signers = None if key is None else sshsig.allowed_signers(key)
    kept_head = None if kept is None else read_kept(kept)
    files = list(_head_files(folder))
    wanted = {file.seq for _, file in files if isinstance(file, KeptHead)}
    wanted |= set() if kept_head is None else {kept_head.seq}
    try:
        with closing(connect(folder.database)) as db:
            db.execute("BEGIN")  # one snapshot: an engine may be writing
            chain = _read_chain(db, wanted)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        return [Check("signatures", "failed", f"the database cannot be read: {error}")]
    checks = [_signatures("signatures", chain, signers), _files("head files", chain, files)]
    if kept is not None and kept_head is not None:
        checks.append(_kept("kept head", chain, kept_head, kept, root))
        checks.extend(_kept_signature("kept head's signature", kept_head, signers))
    return [*checks, _registry("registry", chain, root)]


def _read_chain(db: sqlite3.Connection, wanted: set[int]) -> _Chain:
    run_id, genesis, last, previous = "", "", 0, ""
    hashes: dict[int, str] = {}
    before: dict[int, str] = {}
    signed: list[tuple[int, HeadSigned | str]] = []
    for (seq, _, stage, kind, payload, *_), computed in recomputed(db):
        if seq == 1:
            run_id, genesis = run_id_of(payload), computed
        if kind == HeadSigned.kind:
            before[seq] = previous
            signed.append((seq, _signed_head(stage, payload)))
        if seq in wanted:
            hashes[seq] = computed
        last, previous = seq, computed
    (stored,) = db.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()
    return _Chain(run_id, genesis, last, stored, hashes, signed, before)


def _signed_head(stage: str, payload: str) -> HeadSigned | str:
    try:
        values, unit = parse(payload)
        event = decode(HeadSigned.kind, values)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return "its fields are not those of a signed head"
    assert isinstance(event, HeadSigned), "decoded by its kind"
    return event if stage == "run" and unit is None else "a signed head is an event of the run, not of a unit"


def _signatures(name: str, chain: _Chain, signers: str | None) -> Check:
    """Every signed head is that of its place; who signed is known only through a key that the reader brings."""
    if not chain.signed:
        return Check(
            name, "unknown", "no head of this record is signed: a rewrite shows only against a head kept elsewhere"
        )
    valid: list[HeadSigned] = []
    try:
        for seq, event in chain.signed[:_MOST_SIGNATURES]:
            wrong = event if isinstance(event, str) else _wrong_signature(chain, seq, event)
            if wrong or isinstance(event, str):
                return Check(name, "failed", f"event {seq}: {wrong}", seq)
            valid.append(event)
        if len(chain.signed) > _MOST_SIGNATURES:
            return Check(name, "unknown", f"only the first {_MOST_SIGNATURES} of {len(chain.signed)} were checked")
        return _signer(name, chain, valid, signers)
    except sshsig.SigningError as error:
        return Check(name, "unknown", f"the signatures of {len(chain.signed)} heads were not checked: {error}")


def _wrong_signature(chain: _Chain, seq: int, event: HeadSigned) -> str:
    """Why a signed head is not that of the event before it, or ""."""
    if (event.seq, event.hash) != (seq - 1, chain.before[seq]):
        return f"the head that is signed is not that of event {seq - 1}"
    try:
        head = Head(chain.run_id, chain.genesis, event.seq, event.hash)
        if sshsig.fingerprint(event.public_key) != event.fingerprint:
            return "its fingerprint is not that of its public key"
        signature = sshsig.parse_signature(event.signature)
    except ValueError as error:
        return str(error)
    return _wrong(head, signature, event.public_key)


def _wrong(head: Head, signature: sshsig.Signature, public_key: str) -> str:
    if signature.public_key != public_key:
        return "its signature was made with another key than it says"
    if signature.namespace != sshsig.NAMESPACE:
        return f"its signature was made for another purpose ({signature.namespace[:80]!r})"
    valid = sshsig.is_valid(head.text().encode(), signature.armoured, public_key)
    return "" if valid else "its signature is not one of this head"


def _signer(name: str, chain: _Chain, valid: Sequence[HeadSigned], signers: str | None) -> Check:
    told = f"{len(valid)} signed heads are valid where they stand, the last one for the events up to {valid[-1].seq}"
    if signers is None:
        by = ", ".join(sorted({event.fingerprint for event in valid}))
        return Check(name, "unknown", f"unknown signer {by[:200]}: {told}; only --key can say whose key that is")
    accepted: dict[str, bool] = {}
    for event in valid:
        if event.public_key not in accepted:
            text = Head(chain.run_id, chain.genesis, event.seq, event.hash).text().encode()
            accepted[event.public_key] = sshsig.trusted_signer(text, event.signature, signers) is not None
        if not accepted[event.public_key]:
            return Check(
                name,
                "unknown",
                f"unknown signer: event {event.seq + 1} is signed by {event.fingerprint}, which the given key is not",
                event.seq + 1,
            )
    if chain.last > valid[-1].seq + 1:
        behind = f"events {valid[-1].seq + 2} to {chain.last} came after it and nobody signed for them"
        return Check(name, "unknown", f"{told}; {behind}", valid[-1].seq + 2)
    return Check(name, "ok", f"{told}, which is all; by the given key {valid[-1].fingerprint}")


def _head_files(folder: RunFolder) -> Iterator[tuple[str, KeptHead | str]]:
    """The files under `heads/`, each read or with what is wrong with it."""
    place = heads_folder(folder)
    for path in sorted(place.glob("*.json")) if place.is_dir() else ():
        try:
            yield f"heads/{path.name}", read_kept(path) if path.is_file() else "it is no file"
        except InputError:
            yield f"heads/{path.name}", "it is no signed head"


def _files(name: str, chain: _Chain, files: Sequence[tuple[str, KeptHead | str]]) -> Check:
    """They are the run's own and prove nothing to a reviewer, but a tail lost by accident shows against them."""
    for path, file in files:
        wrong = file if isinstance(file, str) else _wrong_head(chain, file)
        if wrong:
            return Check(name, "failed", f"{path[:80]!r}: {wrong}", None if isinstance(file, str) else file.seq)
    return Check(name, "ok", f"files under heads/: {len(files)}, each a head of this record")


def _wrong_head(chain: _Chain, kept: KeptHead) -> str:
    """Why the record doesn't contain a head, or ""."""
    if kept.head is not None and kept.head.run_id != chain.run_id:
        return f"it is a head of run {kept.head.run_id}, not of {chain.run_id[:80]!r}"
    if kept.head is not None and kept.head.genesis != chain.genesis:
        return "it is a head of a chain that began with another event: the record was written anew"
    if kept.seq > chain.last and chain.stored > chain.last:
        return f"the chain breaks after event {chain.last}, before the head that was kept (event {kept.seq})"
    if kept.seq > chain.last:
        return (
            f"the record ends at event {chain.last}, before the head that was kept (event {kept.seq}): "
            "its tail was cut or rolled back"
        )
    if chain.hashes[kept.seq] != kept.hash:
        return f"event {kept.seq} had another hash when the head was kept: the record was changed or written anew"
    return ""


def _kept(name: str, chain: _Chain, kept: KeptHead, path: Path, root: Path) -> Check:
    wrong = _wrong_head(chain, kept)
    if wrong:
        return Check(name, "failed", wrong, min(kept.seq, chain.last + 1))
    told = f"the record contains the head that was kept: event {kept.seq} of {chain.last}"
    if path.resolve().is_relative_to(root.resolve()):
        return Check(name, "unknown", f"{told}; but it was kept in the run's own folder, in reach of who wrote it")
    return Check(name, "ok", told)


def _kept_signature(name: str, kept: KeptHead, signers: str | None) -> Iterator[Check]:
    if kept.head is None or kept.signature is None:
        return
    try:
        wrong = _wrong(kept.head, kept.signature, kept.signature.public_key)
        if wrong:
            yield Check(name, "failed", wrong)
            return
        by = sshsig.fingerprint(kept.signature.public_key)
        text = kept.head.text().encode()
        if signers is not None and sshsig.trusted_signer(text, kept.signature.armoured, signers) is not None:
            yield Check(name, "ok", f"signed by {by}, the given key")
        else:
            yield Check(name, "unknown", f"unknown signer: a valid signature by {by}, which no given key is")
    except sshsig.SigningError as error:
        yield Check(name, "unknown", f"not checked: {error}")


def _registry(name: str, chain: _Chain, root: Path) -> Check:
    """The registry is chained and whole, names this run with its first event, and every run that it names is there."""
    runs = root.resolve().parent
    if is_imported(root):
        return Check(
            name, "unknown", "the run was imported; the registry of the folder that it was made in stayed there"
        )
    try:
        registry = read_registry(runs)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        return Check(name, "failed", f"registry.db cannot be read: {error}")
    if registry is None:
        return Check(name, "unknown", "the folder of this run has no registry.db, so a missing run would not show")
    if registry.problem:
        return Check(name, "failed", f"registry.db: {registry.problem}")
    entries = [entry for entry in registry.entries if entry.run_id == root.resolve().name]
    if not entries:
        return Check(name, "failed", "registry.db does not name this run: it was copied here, or the registry was cut")
    if len(entries) > 1 or entries[0].genesis != chain.genesis:
        return Check(name, "failed", f"registry.db, entry {entries[-1].seq}, says that this run began otherwise", 1)
    return _neighbours(name, registry, runs)


def _neighbours(name: str, registry: Registry, runs: Path) -> Check:
    """A run that was made and is gone is a gap: the runs that are left may be the ones that pleased.

    This record is none the worse for it, so the verdict is "unknown": only people can say what became of the others.
    """
    present = {path.parent.name for path in runs.glob("*/audit.db") if not is_imported(path.parent)}
    listed = [entry.run_id for entry in registry.entries]
    missing = [run_id for run_id in listed if run_id not in present]
    if missing:
        told = f"of {len(listed)} runs made here, these are missing ({len(missing)}): {_some(missing)}"
        return Check(name, "unknown", told)
    told = f"runs made here: {len(listed)}, each of them is there, and this one begins with the event that was entered"
    unlisted = sorted(present - set(listed))
    if unlisted:
        return Check(name, "unknown", f"{told}; not in registry.db: {_some(unlisted)}")
    return Check(name, "ok", told)


def _some(names: Sequence[str]) -> str:
    told = ", ".join(repr(name[:80]) for name in names[:5])
    return told if len(names) <= 5 else f"{told} and {len(names) - 5} more"
