"""Signing as SSHSIG, through `ssh-keygen`, which alone reads the private key; `storage.verifier.vouching` checks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.errors import StorageError
from storage.verifier.vouching.keygen import KeygenFailed, run_keygen, scratch_files
from storage.verifier.vouching.ssh_signature import NAMESPACE, Signature, parse_signature


class SigningError(StorageError):
    """Nothing could be signed on this machine, or no key made."""


def sign(message: bytes, key: Path, namespace: str = NAMESPACE) -> Signature:
    """Signs bytes with the private key in a file, or with the agent that holds it.

    Raises:
        SigningError: with the reason and what to do.
    """
    with _signing(), scratch_files({"message": message}) as folder:
        done = run_keygen("-Y", "sign", "-f", str(_absolute(key)), "-n", namespace, str(folder / "message"))
        made = folder / "message.sig"
        if done.returncode or not made.is_file():
            raise SigningError(_why_not(key, done.stderr))
        armoured = made.read_text(encoding="ascii", errors="replace")
    try:
        return parse_signature(armoured)
    except ValueError as error:
        raise SigningError(f"ssh-keygen signed with {key}, but {error}") from None


def make_key(path: Path) -> str:
    """Makes an Ed25519 key without a passphrase and returns its public key; never overwrites.

    Raises:
        SigningError: ssh-keygen is missing or could not write there.
    """
    with _signing():
        done = run_keygen("-q", "-t", "ed25519", "-N", "", "-C", "dempo", "-f", str(_absolute(path)))
    public = path.with_name(f"{path.name}.pub")
    if done.returncode or not public.is_file():
        raise SigningError(f"ssh-keygen could not make {path}: {_last_line(done.stderr)}")
    kind, body, *_ = public.read_text(encoding="ascii", errors="replace").split()
    return f"{kind} {body}"


@contextmanager
def _signing() -> Iterator[None]:
    try:
        yield
    except KeygenFailed as error:
        raise SigningError(str(error)) from error


def _why_not(key: Path, told: str) -> str:
    if "too open" in told:
        return f"{key} can be read by others, so ssh-keygen refuses it; `chmod 600` it"
    if "passphrase" in told:
        return f"{key} has a passphrase and no agent holds it; `ssh-add` it, or use a key of its own for signing"
    if "doesn't match" in told:
        return f"{key}.pub is the public key of another key; put the right one there or remove it"
    if not _absolute(key).exists():
        return f"there is no key {key}"
    if "load public key" in told or "invalid format" in told or "in libcrypto" in told:
        return f"{key} is no SSH key"
    return f"ssh-keygen cannot sign with {key}: {_last_line(told)}"


def _last_line(told: str) -> str:
    lines = told.splitlines()
    return lines[-1] if lines else "it gave no reason"


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path.expanduser()))
