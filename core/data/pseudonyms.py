"""Pseudonyms of raters: HMAC-SHA256 under a secret that stays in the `private/` folder of the runs and of each run.

The pool is in the order of its pseudonyms, so which of several people with equal attributes is drawn depends on the
secret, and nothing else does. Whoever has the secret and the source ids can link the two; half the raters of a
PRISM-sized pool can also be told by their attributes, so a rater is pseudonymous, never anonymous.

All runs of a folder have one secret, so that a run can be repeated and runs can be joined. Planted worlds have no
raters to protect: theirs is known to everybody, so that their runs are the same on every machine.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import secrets
from collections.abc import Sequence
from pathlib import Path

from core.durable import write_durably
from core.errors import InputError
from core.run_folder import SECRET_FILE

_OWNER_ONLY = 0o600
"""Permissions of what links pseudonyms to people."""

SECRET_BYTES = 32
SHORTEST = 12
"""Hex digits of a pseudonym; more where two would be equal (among 1,500 raters: one run in 250 million)."""


PLANTED = hashlib.sha256(b"dempo: the secret of planted worlds, which everybody knows").digest()
"""The secret of runs on planted worlds."""


def keep_secret(private: Path, secret: bytes) -> None:
    """Writes the secret of a new run into its `private/` folder."""
    write_durably(private / SECRET_FILE, secret, _OWNER_ONLY)


def secret_of(private: Path) -> bytes:
    """The secret in `private/pseudonym.key`, made by the first call and kept since.

    Raises:
        InputError: as `kept_secret`.
    """
    path = private / SECRET_FILE
    if not path.exists():
        write_durably(path, secrets.token_bytes(SECRET_BYTES), _OWNER_ONLY)
    return kept_secret(private)


def kept_secret(private: Path) -> bytes:
    """The secret in `private/pseudonym.key`.

    Raises:
        InputError: as `read_secret`.
    """
    return read_secret(private / SECRET_FILE)


def read_secret(path: Path) -> bytes:
    """The secret in a file.

    Raises:
        InputError: the file cannot be read or does not hold 32 bytes.
    """
    try:
        secret = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; the pseudonyms of this run need it") from error
    if len(secret) != SECRET_BYTES:
        raise InputError(
            f"{path} holds {len(secret)} bytes instead of {SECRET_BYTES}; put the right file back, or start a new run"
        )
    return secret


def pseudonyms(secret: bytes, source_ids: Sequence[str], digits: int = 0) -> tuple[str, ...]:
    """A pseudonym for every id, in their order: the first hex digits of HMAC-SHA256(secret, id).

    12 digits; if two ids share them, all have as many as it takes to tell them apart.

    Args:
        digits: of those that they are compared with, where these are longer.
    """
    # Only a file that escapes half a character can hold an id that UTF-8 does not encode.
    whole = [hmac.new(secret, i.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest() for i in source_ids]
    length = max(SHORTEST, digits)
    while len({name[:length] for name in whole}) < len(set(whole)):
        length += 1
    return tuple(name[:length] for name in whole)


def write_raters(private: Path, rater_ids: Sequence[str], source_ids: Sequence[str]) -> None:
    """Writes `private/raters.csv`, the only place that links pseudonyms to source ids."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("rater_id", "source_id"))
    writer.writerows(zip(rater_ids, source_ids, strict=True))
    write_durably(private / "raters.csv", text.getvalue().encode("utf-8", "surrogatepass"), _OWNER_ONLY)
