"""Signatures: valid ones of ssh-keygen pass, everything else doesn't, and nothing waits for a person."""

from __future__ import annotations

import base64
import os
import pty
import re
import select
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from signing import make_key, needs_ssh_keygen, public

from storage.signatures import sshsig
from storage.verifier.vouching import keygen
from storage.verifier.vouching.keygen import KeygenFailed
from storage.verifier.vouching.ssh_signature import (
    Signature,
    Unusable,
    fingerprint,
    is_valid,
    parse_signature,
    signers_in,
    trusted_signer,
)

pytestmark = needs_ssh_keygen

MESSAGE = b"dempo-head-2\nrun a\n"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_key(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def signature(key: Path) -> Signature:
    return sshsig.sign(MESSAGE, key)


def test_a_signature_is_valid_and_names_the_key_that_ssh_keygen_names(key: Path, signature: Signature) -> None:
    assert signature.public_key == " ".join(public(key).read_text().split()[:2])
    assert is_valid(MESSAGE, signature.armoured, signature.public_key)
    listed = subprocess.run(["ssh-keygen", "-lf", key], capture_output=True, text=True, check=True).stdout
    assert fingerprint(signature.public_key) == listed.split()[1]


@pytest.mark.parametrize("kind", ["ecdsa", "rsa"])
def test_an_operators_key_of_another_kind_signs_too(tmp_path: Path, kind: str) -> None:
    made = sshsig.sign(MESSAGE, make_key(tmp_path, kind=kind))
    assert is_valid(MESSAGE, made.armoured, made.public_key)


def test_another_text_another_key_and_a_flipped_bit_are_not_valid(
    tmp_path: Path, key: Path, signature: Signature
) -> None:
    other = sshsig.sign(MESSAGE, make_key(tmp_path))
    assert not is_valid(MESSAGE + b" ", signature.armoured, signature.public_key)
    assert not is_valid(MESSAGE, signature.armoured, other.public_key)
    assert not is_valid(MESSAGE, other.armoured, signature.public_key)
    lines = signature.armoured.splitlines(keepends=True)
    lines[-2] = ("B" if lines[-2][0] == "A" else "A") + lines[-2][1:]
    assert not is_valid(MESSAGE, "".join(lines), signature.public_key)


def test_a_signature_for_another_purpose_does_not_count(key: Path) -> None:
    other = sshsig.sign(MESSAGE, key, "git")
    assert other.namespace == "git"
    assert not is_valid(MESSAGE, other.armoured, other.public_key)
    assert trusted_signer(MESSAGE, other.armoured, signers_in(public(key))) is None


@pytest.mark.parametrize(
    "public_key",
    [
        "",
        "ssh-ed25519",
        "ssh-ed25519 AAAA",
        'ssh-ed25519 AAAA\nsigner namespaces="dempo-head" ssh-ed25519 AAAA',
        "ssh-dss AAAAB3NzaC1kc3M=",
    ],
)
def test_what_is_no_public_key_reaches_no_list_of_signers(signature: Signature, public_key: str) -> None:
    with pytest.raises(ValueError, match="."):
        is_valid(MESSAGE, signature.armoured, public_key)


@given(st.one_of(st.text(), st.binary().map(lambda body: armour(b"SSHSIG\0\0\0\x01" + body)), st.binary().map(str)))
def test_whatever_a_record_holds_is_read_as_a_signature_or_refused(text: str) -> None:
    try:
        parsed = parse_signature(text)
    except ValueError:
        return
    assert parsed.armoured == text


def armour(body: bytes) -> str:
    return f"-----BEGIN SSH SIGNATURE-----\n{base64.b64encode(body).decode()}\n-----END SSH SIGNATURE-----\n"


def test_a_key_that_cannot_sign_is_a_sentence(tmp_path: Path) -> None:
    def reason(key: Path) -> str:
        with pytest.raises(sshsig.SigningError) as caught:
            sshsig.sign(MESSAGE, key)
        return str(caught.value)

    assert reason(tmp_path / "none") == f"there is no key {tmp_path / 'none'}"
    (tmp_path / "words").write_text("these are words\n")
    assert "is no SSH key" in reason(tmp_path / "words")
    assert "SSH key" in reason(tmp_path)
    opened = make_key(tmp_path, "opened")
    opened.chmod(0o644)
    assert "`chmod 600` it" in reason(opened)
    swapped = make_key(tmp_path, "swapped")
    public(swapped).write_bytes(public(make_key(tmp_path, "other")).read_bytes())
    assert "is the public key of another key" in reason(swapped)


def test_a_key_with_a_passphrase_asks_nobody_even_on_a_terminal(tmp_path: Path) -> None:
    key = make_key(tmp_path, passphrase="a secret")
    asks = tmp_path / "askpass"
    asks.write_text("#!/bin/sh\nsleep 60\n")
    asks.chmod(0o755)
    script = f"""
        from pathlib import Path
        from storage.signatures import sshsig
        try:
            sshsig.sign(b"text", Path({str(key)!r}))
        except sshsig.SigningError as error:
            print("sentence:", error)
    """
    variables = os.environ | {"DISPLAY": ":9", "SSH_ASKPASS": str(asks), "SSH_ASKPASS_REQUIRE": "force"}
    variables.pop("SSH_AUTH_SOCK", None)
    begun = time.monotonic()
    told = on_a_terminal([sys.executable, "-c", textwrap.dedent(script)], variables)
    assert "sentence:" in told
    assert "has a passphrase and no agent holds it" in told
    assert "Enter passphrase" not in told
    assert time.monotonic() - begun < 60


def on_a_terminal(command: list[str], variables: dict[str, str]) -> str:
    """What a command writes to a terminal of its own, where nobody types."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(Path(__file__).parent.parent)
        os.execve(command[0], command, variables)
    told = b""
    deadline = time.monotonic() + 240
    try:
        while select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0]:
            body = os.read(terminal, 4096)
            told += body
    except OSError:
        pass  # Linux says so when the terminal's other end is closed
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
        os.close(terminal)
    return told.decode()


def test_an_agent_signs_with_a_key_that_is_locked_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = make_key(tmp_path)
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", tmp_path / "agent"], stdout=subprocess.DEVNULL)
    try:
        while not (tmp_path / "agent").exists():
            assert agent.poll() is None
            time.sleep(0.01)
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
        subprocess.run(["ssh-add", "-q", key], check=True, capture_output=True)
        subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", "a secret", "-f", key], check=True)
        signature = sshsig.sign(MESSAGE, key)
        assert is_valid(MESSAGE, signature.armoured, signature.public_key)
        key.unlink()  # the public key alone names it as well
        assert sshsig.sign(MESSAGE, public(key)).public_key == signature.public_key
    finally:
        agent.kill()
        agent.wait()


def test_a_machine_without_ssh_keygen_is_told_what_is_missing(
    key: Path, signature: Signature, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(sshsig.SigningError, match="ssh-keygen is not installed"):
        sshsig.sign(MESSAGE, key)
    with pytest.raises(KeygenFailed, match="ssh-keygen is not installed"):
        is_valid(MESSAGE, signature.armoured, signature.public_key)


def test_an_ssh_keygen_that_hangs_is_ended_with_its_helpers(
    tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with a security key that nobody touches: the helper holds the pipes."""
    program = tmp_path / "ssh-keygen"
    program.write_text(f"#!/bin/sh\n/bin/sleep 60 &\necho $! > {tmp_path / 'helper'}\nwait\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(keygen, "KEYGEN_PATIENCE", 0.5)
    begun = time.monotonic()
    with pytest.raises(sshsig.SigningError, match="gave no answer"):
        sshsig.sign(MESSAGE, key)
    assert time.monotonic() - begun < 50
    helper = Path("/proc", (tmp_path / "helper").read_text().strip(), "stat")
    while time.monotonic() - begun < 50 and _lives(helper):
        time.sleep(0.05)
    assert not _lives(helper)


def _lives(stat: Path) -> bool:
    try:
        return stat.read_text().split()[2] != "Z"
    except OSError:
        return False


def test_a_list_of_signers_is_obeyed(tmp_path: Path, key: Path, signature: Signature) -> None:
    public_key = signature.public_key

    def by(line: str) -> str | None:
        (tmp_path / "signers").write_text(f"# who may sign\n\n{line}\n")
        return trusted_signer(MESSAGE, signature.armoured, signers_in(tmp_path / "signers"))

    assert by(f"{public_key} a comment") == "signer"
    assert by(f"ada@example.org {public_key}") == "ada@example.org"
    assert by(f"ada@example.org,bob@example.org {public_key}") == "ada@example.org"
    assert by(f'ada@example.org namespaces="dempo-head,git" {public_key}') == "ada@example.org"
    assert by(f'ada@example.org namespaces="git" {public_key}') is None
    assert by(f'ada@example.org valid-before="20200101" {public_key}') is None
    then = trusted_signer(MESSAGE, signature.armoured, signers_in(tmp_path / "signers"), "2019-05-01T10:00:00.000000Z")
    assert then == "ada@example.org"
    assert trusted_signer(MESSAGE, signature.armoured, signers_in(tmp_path / "signers"), "no time at all") is None
    other = public(make_key(tmp_path)).read_text()
    assert by(other) is None
    assert by(f"bob@example.org {other}\nada@example.org {public_key}") == "ada@example.org"


def test_a_file_of_signers_that_is_none_is_refused(tmp_path: Path, key: Path) -> None:
    with pytest.raises(Unusable, match="is a private key"):
        signers_in(key)
    (tmp_path / "words").write_text("words\n")
    with pytest.raises(Unusable, match="line 1: neither a public key"):
        signers_in(tmp_path / "words")
    (tmp_path / "empty").write_text("# nobody\n")
    with pytest.raises(Unusable, match="holds no key"):
        signers_in(tmp_path / "empty")
    body = public(key).read_text().split()[1]
    longer = base64.b64encode(base64.b64decode(body) + b"more").decode()
    for no_key in ("AAAA", body[:-8], longer, "ssh-ed25519", base64.b64encode(b"\0\0\0\x0bssh-ed25519").decode()):
        for line in (f"ssh-ed25519 {no_key} a comment", f'ada namespaces="dempo-head" ssh-ed25519 {no_key}'):
            (tmp_path / "no key").write_text(f"\n{line}\n")
            with pytest.raises(Unusable, match="line 2: behind ssh-ed25519 stands no key of that kind"):
                signers_in(tmp_path / "no key")
    (tmp_path / "no key").write_text(f"ssh-rsa {body}\n")
    with pytest.raises(Unusable, match="line 1: behind ssh-rsa stands no key"):
        signers_in(tmp_path / "no key")
    with pytest.raises(Unusable, match="cannot read the key"):
        signers_in(tmp_path / "none")


def test_a_key_is_made_for_its_owner_alone_and_signs(tmp_path: Path) -> None:
    made = sshsig.make_key(tmp_path / "new")
    assert re.fullmatch(r"ssh-ed25519 \S+", made)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600
    assert sshsig.sign(MESSAGE, tmp_path / "new").public_key == made
    assert public(tmp_path / "new").read_text() == f"{made} dempo\n", "and not the name of this machine"
