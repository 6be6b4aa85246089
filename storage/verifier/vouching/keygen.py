"""Running `ssh-keygen` (OpenSSH), which makes and checks signatures: the standard library can do neither.

Every call runs in a session of its own, without a terminal to ask on, without an askpass program and with a time
limit, so a key with a passphrase or a security key that nobody touches ends in a sentence instead of a wait.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

KEYGEN_PATIENCE = 10.0
"""Seconds that one call may take; it needs about 0.01."""

KEYGEN_VARIABLES = ("PATH", "HOME", "SSH_AUTH_SOCK", "TZ")
"""What it is told of the environment."""


class KeygenFailed(Exception):
    """ssh-keygen is missing, cannot be started or hangs, so nothing is known about a signature."""


def run_keygen(*arguments: str, message: bytes | None = None) -> subprocess.CompletedProcess[str]:
    """Runs ssh-keygen with a message on its standard input.

    Raises:
        KeygenFailed: it is missing or hangs.
    """
    program = shutil.which("ssh-keygen")
    if program is None or not os.path.isabs(program):  # a relative one may be the record's own
        raise KeygenFailed("ssh-keygen is not installed; it comes with OpenSSH and makes and checks signatures")
    variables = {name: os.environ[name] for name in KEYGEN_VARIABLES if name in os.environ}
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
        raise KeygenFailed(f"{program} could not be started: {error.strerror}") from error
    try:
        out, err = process.communicate(message, timeout=KEYGEN_PATIENCE)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its helpers too: one that holds the pipes would keep us waiting
        raise KeygenFailed(f"ssh-keygen gave no answer for {KEYGEN_PATIENCE:.0f} seconds") from None
    finally:
        _end_keygen(process)
    return subprocess.CompletedProcess(arguments, process.returncode, out.decode("utf-8", "replace"), _harmless(err))


def _end_keygen(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None and not stream.closed:
            stream.close()


def _harmless(told: bytes) -> str:
    """What ssh-keygen said, without anything that a terminal would obey."""
    lines = told.decode("utf-8", "replace").splitlines()
    return "\n".join("".join(c if c.isprintable() else "\ufffd" for c in line) for line in lines)


@contextmanager
def scratch_files(files: Mapping[str, bytes]) -> Iterator[Path]:
    """A temporary folder for the owner alone with these files in it.

    Raises:
        KeygenFailed: there is no place for it.
    """
    try:
        with TemporaryDirectory(prefix="dempo-") as name:
            for file, body in files.items():
                Path(name, file).write_bytes(body)
            yield Path(name)
    except OSError as error:
        raise KeygenFailed(f"the temporary folder cannot be used: {error.strerror or error}") from error
