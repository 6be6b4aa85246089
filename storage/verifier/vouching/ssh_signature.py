"""SSHSIG signatures: what one says about itself, whether it is valid, and whose key it is.

`ssh-keygen -Y verify` decides; what is read here decides only what it is asked.
"""

from __future__ import annotations

import base64
import binascii
import calendar
import hashlib
import re
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from storage.verifier.vouching.keygen import KeygenFailed, run_keygen, scratch_files

NAMESPACE = "dempo-head"
"""A signature made for another purpose with the same key does not count here."""

PARTS_OF_A_KEY = {
    "ssh-ed25519": "key",
    "ecdsa-sha2-nistp256": "curve point",
    "ecdsa-sha2-nistp384": "curve point",
    "ecdsa-sha2-nistp521": "curve point",
    "ssh-rsa": "number number",
    "sk-ssh-ed25519@openssh.com": "key application",
    "sk-ecdsa-sha2-nistp256@openssh.com": "curve point application",
}
"""What follows the type in a public key."""

ED25519_BYTES = 32
POINT_BYTES = {b"nistp256": 65, b"nistp384": 97, b"nistp521": 133}
SMALLEST_RSA_BYTES = 128
VALIDITY = re.compile(r"valid-(?:after|before)=", re.IGNORECASE)

YES, NO = 0, 255
"""What ssh-keygen ends with when it was asked about a signature."""

LARGEST_SIGNATURE = 16_384
LARGEST_KEY_FILE = 1 << 20
ARMOUR = re.compile(r"-----BEGIN SSH SIGNATURE-----\n([A-Za-z0-9+/=\n]+)-----END SSH SIGNATURE-----\n?")
PUBLIC_KEY = re.compile(r"[a-z0-9@.-]+ ([A-Za-z0-9+/]+=*)")


class Unusable(ValueError):
    """A file that the reader of a record brought, a key or a kept head, that cannot be used as it is."""


@dataclass(frozen=True)
class Signature:
    """An SSHSIG signature: the armoured text, and the public key and namespace that it names."""

    armoured: str
    public_key: str
    namespace: str


def parse_signature(armoured: str) -> Signature:
    """Reads what a signature says about itself; whether it is valid is `is_valid`'s matter.

    Raises:
        ValueError: this is no SSHSIG signature.
    """
    found = ARMOUR.fullmatch(armoured) if len(armoured) <= LARGEST_SIGNATURE else None
    if found is None:
        raise ValueError("it is no armoured SSH signature")
    try:
        body = base64.b64decode(found[1].replace("\n", ""), validate=True)
    except binascii.Error:
        raise ValueError("its armour is damaged") from None
    if body[:10] != b"SSHSIG\0\0\0\x01":
        raise ValueError("it is no SSH signature of version 1")
    key, rest = _wire_string(body[10:])
    namespace, _ = _wire_string(rest)
    return Signature(armoured, _public_key(key), namespace.decode("utf-8", "replace"))


def fingerprint(public_key: str) -> str:
    """SHA256:… of a public key "type base64", as ssh-keygen -l prints it.

    Raises:
        ValueError: this is no public key.
    """
    found = PUBLIC_KEY.fullmatch(public_key)
    try:
        body = base64.b64decode(found[1], validate=True) if found else b""
    except binascii.Error:
        body = b""
    if not body or _public_key(body) != public_key:
        raise ValueError("it is no public key")
    return "SHA256:" + base64.b64encode(hashlib.sha256(body).digest()).decode().rstrip("=")


def is_valid(message: bytes, armoured: str, public_key: str) -> bool:
    """Whether a signature is that of this key over these bytes, in the namespace of heads.

    Raises:
        KeygenFailed: ssh-keygen is missing or hangs.
        ValueError: this is no public key.
    """
    fingerprint(public_key)  # nothing but a public key may reach the list of signers
    return _accepted(message, armoured, f'signer namespaces="{NAMESPACE}" {public_key}\n', "signer")


def is_bound_to_times(allowed_signers: str) -> bool:
    """Whether a list of signers says of a key from when, or until when, it counts."""
    return VALIDITY.search(allowed_signers) is not None


def trusted_signer(message: bytes, armoured: str, allowed_signers: str, at: str | None = None) -> str | None:
    """The principal under which a list of signers holds the key of this signature; None where it doesn't.

    Args:
        at: when it was made, as a record says it; None, or no time: a key has to count today.

    Raises:
        KeygenFailed: ssh-keygen is missing or hangs.
    """
    then = _at_that_time(at) if is_bound_to_times(allowed_signers) else ()
    found = _asked("find-principals", armoured, allowed_signers, *then)
    principals = [name for line in found.stdout.splitlines() for name in line.split(",") if not name.startswith("!")]
    return next((name for name in principals if _accepted(message, armoured, allowed_signers, name, *then)), None)


def _at_that_time(at: str | None) -> tuple[str, ...]:
    """The option of ssh-keygen for a time; in local time, since only newer ones know the Z of UTC."""
    try:
        then = time.localtime(calendar.timegm(time.strptime(at or "", "%Y-%m-%dT%H:%M:%S.%fZ")))
    except (ValueError, OverflowError, OSError):
        return ()
    return (time.strftime("-Overify-time=%Y%m%d%H%M%S", then),)


def _accepted(message: bytes, armoured: str, allowed_signers: str, principal: str, *further: str) -> bool:
    asked = ("-I", principal, "-n", NAMESPACE, *further)
    return _asked("verify", armoured, allowed_signers, *asked, message=message).returncode == YES


def _asked(
    task: str, armoured: str, allowed_signers: str, *further: str, message: bytes | None = None
) -> subprocess.CompletedProcess[str]:
    """What ssh-keygen says of a signature and a list of signers.

    Raises:
        KeygenFailed: it said neither yes nor no, as one does that does not know what it was asked, or was ended.
    """
    with scratch_files({"signature": armoured.encode(), "signers": allowed_signers.encode()}) as folder:
        places = ("-s", str(folder / "signature"), "-f", str(folder / "signers"))
        done = run_keygen("-Y", task, *places, *further, message=message)
    if done.returncode not in (YES, NO):
        raise KeygenFailed(f"ssh-keygen ended with {done.returncode}; checking signatures takes OpenSSH 8.2 or newer")
    return done


def signers_in(path: Path) -> str:
    """The signers that a file names: an OpenSSH allowed_signers file, or public keys as in a `.pub` file.

    Raises:
        Unusable: the file cannot be read or holds a line that is neither.
    """
    try:
        with path.open("rb") as stream:
            text = stream.read(LARGEST_KEY_FILE).decode("utf-8", "replace")
    except OSError as error:
        raise Unusable(f"cannot read the key {path}: {error.strerror}") from error
    if "PRIVATE KEY-----" in text:
        raise Unusable(f"{path} is a private key; give the public one (its name ends in .pub)")
    lines = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        place = next((i for i, word in enumerate(words[:-1]) if word in PARTS_OF_A_KEY), None)
        if place is None:
            raise Unusable(f"{path}, line {number}: neither a public key nor a line of an allowed_signers file")
        try:
            fingerprint(" ".join(words[place : place + 2]))
        except ValueError as error:
            raise Unusable(
                f"{path}, line {number}: behind {words[place]} stands no key of that kind ({error})"
            ) from None
        public = place == 0
        lines.append(f'signer namespaces="{NAMESPACE}" {words[0]} {words[1]}' if public else line)
    if not lines:
        raise Unusable(f"{path} holds no key")
    return "\n".join(lines) + "\n"


def _wire_string(body: bytes) -> tuple[bytes, bytes]:
    """The first string of SSH's wire format (length in 4 bytes, big endian) and what follows it."""
    end = 4 + int.from_bytes(body[:4], "big")
    if len(body) < end or end == 4:
        raise ValueError("it is cut short")
    return body[4:end], body[end:]


def _public_key(body: bytes) -> str:
    """ "type base64" of a public key in wire format.

    Raises:
        ValueError: it is of another kind, or its parts are not those of its kind.
    """
    first, rest = _wire_string(body)
    kind = first.decode("ascii", "replace")
    if kind not in PARTS_OF_A_KEY:
        raise ValueError("its key is of a kind that is not accepted here")
    parts: dict[str, bytes] = {}
    for name in PARTS_OF_A_KEY[kind].split():
        parts[name], rest = _wire_string(rest)
    if rest or not _has_right_sizes(kind, parts):
        raise ValueError("its key has not the length of one")
    return f"{kind} {base64.b64encode(body).decode()}"


def _has_right_sizes(kind: str, parts: Mapping[str, bytes]) -> bool:
    """Of an RSA key the last number is the modulus; a point names both its coordinates."""
    if "curve" in parts:
        return kind.partition("sha2-")[2].startswith(parts["curve"].decode("ascii", "replace")) and len(
            parts["point"]
        ) == POINT_BYTES.get(parts["curve"])
    return len(parts["key"]) == ED25519_BYTES if "key" in parts else len(parts["number"]) >= SMALLEST_RSA_BYTES
