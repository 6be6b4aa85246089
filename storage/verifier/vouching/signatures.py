"""The signed heads inside a record: each that of its place, each valid, and whose they are.

The chain alone shows an edit. That the record was not written anew as a whole shows only against a key that its
writer doesn't hold, and whose key it is shows only against one that the reader brings.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from storage.verifier.ground.finding import Finding, broken, unhindered
from storage.verifier.ground.record import SIGNED_HEAD, Found, Record
from storage.verifier.vouching.kept import Head, head_in, roots_after
from storage.verifier.vouching.keygen import KeygenFailed
from storage.verifier.vouching.ssh_signature import (
    NAMESPACE,
    Signature,
    fingerprint,
    is_bound_to_times,
    is_valid,
    parse_signature,
    trusted_signer,
)

MOST_SIGNATURES = 10_000
"""Signatures that are checked: each one costs a process, and a foreign record may hold any number."""

LONGEST_CHECKING = 150.0
"""Seconds that may go by before no further signature is looked at."""

SignedHead = tuple[Head, Signature]


def check_signatures(record: Record, signers: str | None) -> str:
    """Every signed head up to the place where the chain ends or breaks: run, first event, number and hash are the
    record's, the signature is valid (ssh-keygen), and it is by the given key.

    Args:
        signers: the lines of an allowed_signers file, or None where no key was given.
    """
    unhindered(record)
    events = {event.seq: event for event in record.kept.get(SIGNED_HEAD, ())}
    places = sorted(events.keys() | set(record.misshapen_heads))
    if not places and not record.problem:
        so_far = f"{record.breaks[0]}, and " if record.breaks else ""
        told = f"{so_far}no head of this record is signed: a rewrite shows only against a head kept elsewhere"
        raise Finding("unknown", told)
    valid, why = _valid_heads(record, [(seq, events.get(seq)) for seq in places if seq <= record.intact])
    told = f"the signatures of {len(places)} heads were not checked"
    if valid:
        told = f"{len(valid)} of {len(places)} signed heads were checked and are valid where they stand, the last one"
        told = f"{told} for the events up to {valid[-1][0].seq}"
    if record.breaks:
        why_not, event = record.breaks
        raise broken(f"{why_not}, so nobody vouches for what comes then; {told}", event)
    if why:
        raise Finding("unknown", f"{told}{'; the others were not' if valid else ''}: {why}")
    if signers is None:
        by = ", ".join(sorted({fingerprint(signature.public_key) for _, signature in valid}))
        raise Finding("unknown", f"unknown signer {by[:200]}: {told}; only --key can say whose key that is")
    return _by_known_signers(record, valid, signers)


def _valid_heads(record: Record, found: Sequence[tuple[int, Found | None]]) -> tuple[list[SignedHead], str]:
    """The heads whose signatures were checked, and why the others were not ("" where all were).

    Raises:
        Finding: one of them is not that of its place, or its signature is not valid.
    """
    valid: list[SignedHead] = []
    roots = roots_after(record.hashes[: record.intact], {seq - 1 for seq, _ in found})
    why, end = "", time.monotonic() + LONGEST_CHECKING
    for number, (seq, event) in enumerate(found):
        try:
            head, signature = _in_its_place(record, seq, event, roots)
            if number == MOST_SIGNATURES:
                why = why or f"{MOST_SIGNATURES} are the most that are looked at"
            if time.monotonic() > end:
                why = why or f"{LONGEST_CHECKING:.0f} seconds had passed"
            if not why:
                require_valid(head, signature)
                valid.append((head, signature))
        except KeygenFailed as error:
            why = str(error)
        except ValueError as error:
            raise broken(f"event {seq}: {error}", seq) from None
    return valid, why


def _in_its_place(record: Record, seq: int, event: Found | None, roots: Mapping[int, str]) -> SignedHead:
    """The head that an event says is signed.

    Raises:
        ValueError: it is not that of the event before it, or says of its signature what isn't so.
    """
    if event is None:
        raise ValueError("its fields are not those of a signed head")
    if event.stage != "run" or event.unit is not None:
        raise ValueError("a signed head is an event of the run, not of a unit")
    values: dict[str, Any] = event.values
    if seq < 2 or (values["seq"], values["hash"]) != (seq - 1, record.hashes[seq - 2]):
        raise ValueError(f"the head that is signed is not that of event {seq - 1}")
    if values["root"] != roots[seq - 1]:
        raise ValueError(f"the root that is signed is not that of events 1 to {seq - 1}")
    if not record.genesis:
        raise ValueError("the first event creates no run, and the run is signed with every head")
    head = head_in(record.genesis["run_id"], record.hashes[0], values)
    if fingerprint(values["public_key"]) != values["fingerprint"]:
        raise ValueError("its fingerprint is not that of its public key")
    signature = parse_signature(values["signature"])
    if signature.public_key != values["public_key"]:
        raise ValueError("its signature was made with another key than it says")
    return head, signature


def require_valid(head: Head, signature: Signature) -> None:
    """Asks ssh-keygen about a signature over a head.

    Raises:
        ValueError: it is none, or one for another purpose.
        KeygenFailed: ssh-keygen is missing or hangs.
    """
    if signature.namespace != NAMESPACE:
        raise ValueError(f"its signature was made for another purpose ({signature.namespace[:80]!r})")
    if not is_valid(head.text().encode(), signature.armoured, signature.public_key):
        raise ValueError("its signature is not one of this head")


def is_trusted(head: Head, signature: Signature, signers: str, at: str | None = None) -> bool:
    """Whether the key of a signature is one of the reader's, at the time when it was made where one is known.

    Raises:
        KeygenFailed: ssh-keygen is missing or hangs.
    """
    return trusted_signer(head.text().encode(), signature.armoured, signers, at) is not None


def _by_known_signers(record: Record, valid: Sequence[SignedHead], signers: str) -> str:
    """A key that counts from one day to another is judged at the time of each event that it signed, as recorded."""
    trusted: set[tuple[str, str | None]] = set()
    timed, end = is_bound_to_times(signers), time.monotonic() + LONGEST_CHECKING
    for head, signature in valid:
        key, at = signature.public_key, record.signed_at.get(head.seq + 1) if timed else None
        try:
            if time.monotonic() > end:
                raise KeygenFailed(f"{LONGEST_CHECKING:.0f} seconds had passed")
            if (key, at) not in trusted and not is_trusted(head, signature, signers, at):
                then = f" at the time that its event gives ({at})" if at else ""
                told = f"event {head.seq + 1} is signed by {fingerprint(key)}, which the given key is not{then}"
                raise Finding("unknown", f"unknown signer: {told}", head.seq + 1)
        except KeygenFailed as error:
            raise Finding("unknown", f"whose the signatures are was not checked: {error}") from None
        trusted.add((key, at))
    last, signature = valid[-1]
    told = f"{len(valid)} signed heads are valid where they stand, the last one for the events up to {last.seq}"
    if record.count > last.seq + 1:
        behind = f"events {last.seq + 2} to {record.count} came after it and nobody signed for them"
        raise Finding("unknown", f"{told}; {behind}", last.seq + 2)
    return f"{told}, which is all; by the given key {fingerprint(signature.public_key)}"
