"""Signatures as SSHSIG, made and checked by `ssh-keygen`, which alone reads the private key.

Every call runs in a session of its own, without a terminal to ask on, without an askpass program and with a time
limit, so a key with a passphrase or a security key that nobody touches ends in a sentence instead of a wait.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from core.errors import InputError
from storage.errors import StorageError

NAMESPACE = "dempo-head"
"""A signature made for another purpose with the same key does not count here."""

KEY_TYPES = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)

_PATIENCE = 10.0
"""Seconds that one call of ssh-keygen may take; it needs about 0.01."""

_LARGEST_SIGNATURE = 16_384
_LARGEST_KEY_FILE = 1 << 20
_ARMOUR = re.compile(r"-----BEGIN SSH SIGNATURE-----\n([A-Za-z0-9+/=\n]+)-----END SSH SIGNATURE-----\n?")
_KEPT_VARIABLES = ("PATH", "HOME", "SSH_AUTH_SOCK")


class SigningError(StorageError):
    """Nothing could be signed, or no signature checked, on this machine."""


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
    found = _ARMOUR.fullmatch(armoured) if len(armoured) <= _LARGEST_SIGNATURE else None
    if found is None:
        raise ValueError("it is no armoured SSH signature")
    try:
        body = base64.b64decode(found[1].replace("\n", ""), validate=True)
    except binascii.Error:
        raise ValueError("its armour is damaged") from None
    if body[:10] != b"SSHSIG\0\0\0\x01":
        raise ValueError("it is no SSH signature of version 1")
    key, rest = _string(body[10:])
    namespace, _ = _string(rest)
    return Signature(armoured, _public_key(key), namespace.decode("utf-8", "replace"))


def fingerprint(public_key: str) -> str:
    """SHA256:… of a public key "type base64", as ssh-keygen -l prints it.

    Raises:
        ValueError: this is no public key.
    """
    found = re.fullmatch(r"[a-z0-9@.-]+ ([A-Za-z0-9+/]+=*)", public_key)
    try:
        body = base64.b64decode(found[1], validate=True) if found else b""
    except binascii.Error:
        body = b""
    if not body or _public_key(body) != public_key:
        raise ValueError("it is no public key")
    return "SHA256:" + base64.b64encode(hashlib.sha256(body).digest()).decode().rstrip("=")


def sign(message: bytes, key: Path, namespace: str = NAMESPACE) -> Signature:
    """Signs bytes with the private key in a file, or with the agent that holds it.

    Raises:
        SigningError: with the reason and what to do.
    """
    with _scratch({"message": message}) as folder:
        done = _ssh_keygen("sign", "-f", str(_absolute(key)), "-n", namespace, str(folder / "message"))
        made = folder / "message.sig"
        if done.returncode or not made.is_file():
            raise SigningError(_why_not(key, done.stderr))
        armoured = made.read_text(encoding="ascii", errors="replace")
    try:
        return parse_signature(armoured)
    except ValueError as error:
        raise SigningError(f"ssh-keygen signed with {key}, but {error}") from None


def is_valid(message: bytes, armoured: str, public_key: str) -> bool:
    """Whether a signature is that of this key over these bytes, in the namespace of heads.

    Raises:
        SigningError: ssh-keygen is missing or hangs.
    """
    fingerprint(public_key)
    return _accepted(message, armoured, f'signer namespaces="{NAMESPACE}" {public_key}\n', "signer")


def trusted_signer(message: bytes, armoured: str, allowed_signers: str) -> str | None:
    """The principal under which a list of signers holds the key of this signature; None where it doesn't.

    Raises:
        SigningError: ssh-keygen is missing or hangs.
    """
    with _scratch({"signature": armoured.encode(), "signers": allowed_signers.encode()}) as folder:
        places = ("-s", str(folder / "signature"), "-f", str(folder / "signers"))
        found = _ssh_keygen("find-principals", *places).stdout
    principals = [name for line in found.splitlines() for name in line.split(",") if not name.startswith("!")]
    return next((name for name in principals if _accepted(message, armoured, allowed_signers, name)), None)


def allowed_signers(path: Path) -> str:
    """The signers that a file names: an OpenSSH allowed_signers file, or public keys as in a `.pub` file.

    Raises:
        InputError: the file cannot be read or holds a line that is neither.
    """
    try:
        with path.open("rb") as stream:
            text = stream.read(_LARGEST_KEY_FILE).decode("utf-8", "replace")
    except OSError as error:
        raise InputError(f"cannot read the key {path}: {error.strerror}") from error
    if "PRIVATE KEY-----" in text:
        raise InputError(f"{path} is a private key; give the public one (its name ends in .pub)")
    lines = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if not any(word in KEY_TYPES for word in words[:-1]):
            raise InputError(f"{path}, line {number}: neither a public key nor a line of an allowed_signers file")
        public = words[0] in KEY_TYPES
        lines.append(f'signer namespaces="{NAMESPACE}" {words[0]} {words[1]}' if public else line)
    if not lines:
        raise InputError(f"{path} holds no key")
    return "\n".join(lines) + "\n"


def make_key(path: Path) -> str:
    """Makes an Ed25519 key without a passphrase and returns its public key; never overwrites.

    Raises:
        SigningError: ssh-keygen is missing or could not write there.
    """
    done = _run("-q", "-t", "ed25519", "-N", "", "-C", "dempo", "-f", str(_absolute(path)))
    public = path.with_name(f"{path.name}.pub")
    if done.returncode or not public.is_file():
        raise SigningError(f"ssh-keygen could not make {path}: {_last_line(done.stderr)}")
    kind, body, *_ = public.read_text(encoding="ascii", errors="replace").split()
    return f"{kind} {body}"


def _accepted(message: bytes, armoured: str, allowed_signers: str, principal: str) -> bool:
    with _scratch({"signature": armoured.encode(), "signers": allowed_signers.encode()}) as folder:
        places = ("-s", str(folder / "signature"), "-f", str(folder / "signers"))
        done = _ssh_keygen("verify", *places, "-I", principal, "-n", NAMESPACE, message=message)
    return done.returncode == 0


def _ssh_keygen(what: str, *arguments: str, message: bytes | None = None) -> subprocess.CompletedProcess[str]:
    return _run("-Y", what, *arguments, message=message)


def _run(*arguments: str, message: bytes | None = None) -> subprocess.CompletedProcess[str]:
    program = shutil.which("ssh-keygen")
    if program is None:
        raise SigningError("ssh-keygen is not installed; it comes with OpenSSH and makes and checks signatures")
    variables = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    try:
        process = subprocess.Popen(
            [program, *arguments],
            stdin=subprocess.DEVNULL if message is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=variables | {"LC_ALL": "C", "SSH_ASKPASS_REQUIRE": "never"},
            start_new_session=True,  # without a controlling terminal there is nobody to ask for a passphrase
        )
    except OSError as error:
        raise SigningError(f"{program} could not be started: {error.strerror}") from error
    try:
        out, err = process.communicate(message, timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its helpers too: one that holds the pipes would keep us waiting
        raise SigningError(f"ssh-keygen gave no answer for {_PATIENCE:.0f} seconds") from None
    finally:
        _end(process)
    return subprocess.CompletedProcess(arguments, process.returncode, out.decode("utf-8", "replace"), _text(err))


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None and not stream.closed:
            stream.close()


@contextmanager
def _scratch(files: dict[str, bytes]) -> Iterator[Path]:
    """A folder for the owner alone with these files in it."""
    try:
        with TemporaryDirectory(prefix="dempo-") as name:
            for file, body in files.items():
                Path(name, file).write_bytes(body)
            yield Path(name)
    except OSError as error:
        raise SigningError(f"the temporary folder cannot be used: {error.strerror or error}") from error


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


def _text(told: bytes) -> str:
    """What ssh-keygen said, without anything that a terminal would obey."""
    lines = told.decode("utf-8", "replace").splitlines()
    return "\n".join("".join(c if c.isprintable() else "\ufffd" for c in line) for line in lines)


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path.expanduser()))


def _string(body: bytes) -> tuple[bytes, bytes]:
    """The first string of SSH's wire format (length in 4 bytes, big endian) and what follows it."""
    end = 4 + int.from_bytes(body[:4], "big")
    if len(body) < end or end == 4:
        raise ValueError("it is cut short")
    return body[4:end], body[end:]


def _public_key(body: bytes) -> str:
    """ "type base64" of a public key in wire format."""
    kind = _string(body)[0].decode("ascii", "replace")
    if kind not in KEY_TYPES:
        raise ValueError("its key is of a kind that is not accepted here")
    return f"{kind} {base64.b64encode(body).decode()}"
