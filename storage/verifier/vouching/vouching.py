"""What vouches for a record from outside its chain: signatures, heads kept elsewhere, the registry of its folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from storage.check import VERDICTS, Check
from storage.verifier.ground.finding import Finding, Step, brief, broken, concluded, unhindered
from storage.verifier.ground.reading import is_foreign
from storage.verifier.ground.record import Record
from storage.verifier.vouching.bundled import check_bundle
from storage.verifier.vouching.entries import check_registry
from storage.verifier.vouching.kept import HeadFiles, KeptHead, head_files, read_kept, roots_after
from storage.verifier.vouching.keygen import KeygenFailed
from storage.verifier.vouching.signatures import SignedHead, check_signatures, is_trusted, require_valid
from storage.verifier.vouching.ssh_signature import Unusable, fingerprint, signers_in

SIGNATURES, KEPT_HEAD, KEPT_SIGNATURE = "signatures", "kept head", "kept head's signature"
"""Names of the checks that a reader asks for, with a key, with a kept head, and with both."""


@dataclass(frozen=True)
class Brought:
    """What a record is compared with: the reader's key and kept head, where there are any, and the files beside it.

    key_inside and head_inside say that they were taken from the folder of the record, where its writer put them.
    """

    signers: str | None
    key_inside: bool
    head: KeptHead | None
    head_inside: bool
    files: HeadFiles


def brought(root: Path, key: Path | None, head: Path | None) -> Brought:
    """Reads what a record is compared with. To be called before the record is read: an engine may be at work, and a
    head that it signs in between is then in the record only.

    Raises:
        Unusable: the key or the head cannot be used.
    """
    return Brought(
        signers=None if key is None else signers_in(key),
        key_inside=key is not None and _lies_inside(key, root),
        head=None if head is None else read_kept(head),
        head_inside=head is not None and _lies_inside(head, root),
        files=head_files(root),
    )


def _lies_inside(path: Path, root: Path) -> bool:
    return path.resolve().is_relative_to(root.resolve())


def vouching_checks(record: Record, given: Brought) -> list[Check]:
    """The verdicts of `vouching_steps`."""
    return [concluded(name, step, record) for name, step in vouching_steps(record, given).items()]


def vouching_steps(record: Record, given: Brought) -> dict[str, Step]:
    """Signed heads, the files under `heads/`, the kept head where there is one, the bundle, and the registry."""
    steps: dict[str, Step] = {
        SIGNATURES: partial(_by_own_key, step=partial(check_signatures, signers=given.signers), given=given),
        "head files": partial(_files_hold, files=given.files),
    }
    if given.head is not None:
        steps[KEPT_HEAD] = partial(_contains, kept=given.head, inside=given.head_inside)
        if given.head.head is not None and given.head.signature is not None:
            signed = (given.head.head, given.head.signature)
            kept_signature = partial(_kept_signature, signed=signed, signers=given.signers)
            steps[KEPT_SIGNATURE] = partial(_by_own_key, step=kept_signature, given=given)
    if is_foreign(record.root):
        steps["bundle"] = check_bundle
    steps["registry"] = partial(check_registry, kept=given.head)
    return steps


def _by_own_key(record: Record, step: Step, given: Brought) -> str:
    """A key that came with the record says nothing about who signed it."""
    told = step(record)
    if given.key_inside:
        why = "but the key was found in the run's own folder, in reach of who wrote it"
        raise Finding("unknown", f"unknown signer: {told}; {why}")
    return told


def decisive(checks: list[Check], key: bool, head: bool, required: str | None = None) -> list[Check]:
    """Why a verification is not good: what failed, then what was asked for and is not ok; empty where it is good.

    Args:
        key, head: whether they were given.
        required: checks that a reader requires to be ok, by their names with commas.

    Raises:
        Unusable: there is no check of one of these names.
    """
    asked = {SIGNATURES: key, KEPT_HEAD: head, KEPT_SIGNATURE: key and head}
    asked |= dict.fromkeys(_named(checks, required, "--require"), True)
    failed = [check for check in checks if check.verdict == "failed"]
    return failed + [check for check in checks if check.verdict not in ("ok", "failed") and asked.get(check.name)]


def unchecked(checks: list[Check], allowed: str | None) -> list[Check]:
    """What could not be checked, but for the checks that a reader allows to be so, by their names with commas.

    Raises:
        Unusable: there is no check of one of these names.
    """
    names = _named(checks, allowed, "--allow")
    return [check for check in checks if check.verdict == "unchecked" and check.name not in names]


def _named(checks: list[Check], listed: str | None, option: str) -> list[str]:
    names = [name.strip() for name in (listed or "").split(",") if name.strip()]
    strange = [name for name in names if name not in {check.name for check in checks}]
    if strange:
        known = ", ".join(check.name for check in checks)
        raise Unusable(f"{option}: there is no check {strange[0]!r}; the checks are {known}")
    return names


def summary_of(checks: list[Check]) -> str:
    """All verdicts in a line, and where a record breaks first."""
    verdicts = [check.verdict for check in checks]
    counts = ", ".join(f"{verdicts.count(v)} {v}" for v in VERDICTS if v in verdicts)
    failed = [check for check in checks if check.verdict == "failed"]
    if not failed:
        left = [check.name for check in checks if check.verdict == "unchecked"]
        more = f"; could not be checked: {', '.join(left)}" if left else ""
        return f"{counts}: nothing that was checked is wrong{more}"
    located = [(check.event, check.name) for check in failed if check.event is not None]
    if not located:
        return f"{counts}: what failed is {', '.join(check.name for check in failed)}"
    event, name = min(located)
    return f"{counts}: this record is not as it was written; it breaks first at event {event} ({name})"


def _files_hold(record: Record, files: HeadFiles) -> str:
    """The files under heads/ are heads of this record. They are the run's own and prove nothing to a reviewer, but a
    tail lost by accident shows against them."""
    unhindered(record)
    kept = [file for _, file in files.found if isinstance(file, KeptHead)]
    roots = _roots_at(record, kept)
    for name, file in files.found:
        wrong = (file, None) if isinstance(file, str) else _not_contained(record, file, roots)
        if wrong:
            raise broken(f"{'heads/' + name[:80]!r}: {wrong[0]}", wrong[1])
    told = f"files under heads/: {len(files.found)}, each a head of this record"
    if files.found and record.breaks:
        raise broken(f"{told}; but {record.breaks[0]}", record.breaks[1])
    if files.unread:
        raise Finding("unknown", f"{told}; {files.unread}")
    return told


def _contains(record: Record, kept: KeptHead, inside: bool) -> str:
    """The head that a reader kept is an event of this chain, with the number and the hash that it had."""
    unhindered(record)
    wrong = _not_contained(record, kept, _roots_at(record, [kept]))
    if wrong:
        raise broken(*wrong)
    told = f"the record contains the head that was kept: event {kept.seq} of {record.count}"
    if record.breaks:
        raise broken(f"{told}; but {record.breaks[0]}", record.breaks[1])
    if inside:
        raise Finding("unknown", f"{told}; but it was kept in the run's own folder, in reach of who wrote it")
    return told


def _roots_at(record: Record, kept: Sequence[KeptHead]) -> dict[int, str]:
    return roots_after(record.hashes[: record.intact], {head.seq for head in kept})


def _not_contained(record: Record, kept: KeptHead, roots: Mapping[int, str]) -> tuple[str, int | None] | None:
    """Why a record doesn't contain a head, and the first event that shows it; None where it does."""
    run_id = record.genesis.get("run_id")
    if kept.head is not None and run_id is not None and kept.head.run_id != run_id:
        return f"it is a head of run {kept.head.run_id}, and this is run {brief(run_id)}", None
    if kept.head is not None and record.intact and kept.head.genesis != record.hashes[0]:
        return "it is a head of a chain that began with another event: the record was written anew", 1
    if kept.seq > record.intact and record.breaks:
        return f"{record.breaks[0]}, before the head that was kept (event {kept.seq})", record.breaks[1]
    if kept.seq > record.intact:
        cut = f"the record ends at event {record.count}, before the head that was kept (event {kept.seq})"
        return f"{cut}: it was cut at its end, set back, or written anew from an earlier event", record.count + 1
    if record.hashes[kept.seq - 1] != kept.hash:
        told = "had another hash when the head was kept: the record was changed or written anew"
        return f"event {kept.seq} {told}", kept.seq
    if kept.head is not None and kept.head.root != roots[kept.seq]:
        return f"its root is not that of events 1 to {kept.seq}", kept.seq
    return None


def _kept_signature(record: Record, signed: SignedHead, signers: str | None) -> str:
    """The signature that a kept head carries is valid, and by the given key; it says the same of every record."""
    head, signature = signed
    by = fingerprint(signature.public_key)
    try:
        require_valid(head, signature)
        if signers is not None and is_trusted(head, signature, signers):
            return f"signed by {by}, the given key"
    except KeygenFailed as error:
        raise Finding("unknown", f"not checked: {error}") from None
    except ValueError as error:
        raise broken(str(error)) from None
    why = "only --key can say whose key that is" if signers is None else "which the given key is not"
    raise Finding("unknown", f"unknown signer: a valid signature by {by}; {why}")


VOUCHING: Mapping[str, Callable[..., str]] = {
    SIGNATURES: check_signatures,
    "head files": _files_hold,
    KEPT_HEAD: _contains,
    KEPT_SIGNATURE: _kept_signature,
    "bundle": check_bundle,
    "registry": check_registry,
}
"""What decides each of these checks, in the order in which they are told."""
