"""`dempo doctor`: the signing key, made and told."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from signing import make_key, needs_ssh_keygen, public

from core.errors import InputError
from storage.signatures.signing_key import chosen_key
from storage.verifier.vouching.ssh_signature import fingerprint
from tui.commands.record.head import new_key
from tui.commands.runs.doctor import examine

pytestmark = needs_ssh_keygen


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("DEMPO_SIGNING_KEY", raising=False)
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


def row(runs: Path) -> tuple[str, str]:
    (found,) = [row for row in examine(runs) if row["name"] == "signing key"]
    return found["state"], found["detail"]


def test_a_key_is_made_where_runs_look_for_it_and_never_overwritten(home: Path) -> None:
    state, detail = row(home / "runs")
    assert state == "note"
    assert "absent" in detail
    data, words = new_key(None, home / "runs")
    key = home / "config" / "dempo" / "signing_key"
    assert data["key"] == str(key)
    assert chosen_key({"XDG_CONFIG_HOME": str(home / "config")}) == key
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    assert data["fingerprint"] in words
    assert row(home / "runs") == ("ok", f"{key} (the default one), {data['fingerprint']}")
    before = key.read_bytes()
    with pytest.raises(InputError, match="never overwritten"):
        new_key(None, home / "runs")
    assert key.read_bytes() == before
    key.unlink()
    with pytest.raises(InputError, match="signing_key.pub exists"):
        new_key(None, home / "runs")


def test_what_a_new_key_signs_is_said_as_it_is(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = home / "my keys" / "key"
    _, words = new_key(own, home / "runs")
    assert f"It signs the heads of runs that are started where DEMPO_SIGNING_KEY='{own}' is set." in words
    assert "from now on" not in words
    assert "Give key.pub to" in words
    assert "`dempo verify --key`\ntakes this file. It takes no fingerprint" in words
    monkeypatch.setenv("DEMPO_SIGNING_KEY", str(own))
    _, words = new_key(None, home / "runs")
    assert f"where DEMPO_SIGNING_KEY is not set; here it is {own}." in words
    monkeypatch.delenv("DEMPO_SIGNING_KEY")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "other"))
    _, words = new_key(None, home / "runs")
    assert "It signs the heads of all runs from now on." in words


def test_a_key_is_not_made_among_the_runs_or_where_a_link_leads_there(home: Path) -> None:
    (home / "runs").mkdir()
    (home / "link").symlink_to(home / "runs")
    for place in (home / "runs" / "key", home / "link" / "key", home / "runs" / "run" / ".." / "key"):
        with pytest.raises(InputError, match="inside the folder of the runs"):
            new_key(place, home / "runs")
    assert list((home / "runs").iterdir()) == []


def test_a_place_that_cannot_be_is_a_sentence(home: Path) -> None:
    (home / "file").write_text("")
    with pytest.raises(InputError, match="cannot make"):
        new_key(home / "file" / "folder" / "key", home / "runs")
    with pytest.raises(InputError, match="cannot make"):
        new_key(home / "file" / "key", home / "runs")


def test_an_operators_own_key_is_used_and_can_be_turned_off(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new_key(None, home / "runs")
    own = make_key(home / "own")
    monkeypatch.setenv("DEMPO_SIGNING_KEY", str(own))
    state, detail = row(home / "runs")
    assert state == "ok"
    assert detail.startswith(f"{own} (named by DEMPO_SIGNING_KEY)")
    assert fingerprint(" ".join(public(own).read_text().split()[:2])) in detail
    monkeypatch.setenv("DEMPO_SIGNING_KEY", "")
    assert row(home / "runs")[0] == "note"
    assert chosen_key({"DEMPO_SIGNING_KEY": "", "XDG_CONFIG_HOME": str(home / "config")}) is None


@pytest.mark.parametrize("trouble", ["absent", "passphrase", "open to all", "no key"])
def test_a_key_that_cannot_sign_is_told_before_a_run_needs_it(
    home: Path, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = make_key(home / "own", passphrase="a secret" if trouble == "passphrase" else "")
    if trouble == "absent":
        key.unlink()
        public(key).unlink()
    if trouble == "open to all":
        key.chmod(0o644)
    if trouble == "no key":
        key.write_text("words")
        public(key).unlink()
    monkeypatch.setenv("DEMPO_SIGNING_KEY", str(key))
    state, detail = row(home / "runs")
    assert state == "missing"
    assert str(key) in detail


def test_a_key_among_the_runs_is_warned_of(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMPO_SIGNING_KEY", str(make_key(home / "runs" / "keys")))
    state, detail = row(home / "runs")
    assert state == "note"
    assert "it lies inside" in detail


def test_a_relative_config_home_is_not_obeyed() -> None:
    key = chosen_key({"XDG_CONFIG_HOME": "config"})
    assert key is None or key.is_absolute()
