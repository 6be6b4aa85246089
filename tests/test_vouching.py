"""What vouches for a record, said by the verify.py of a bundle and by `dempo verify` in the same words."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from both_verifiers import checked, same
from bundles import written_anew
from signing import Event, make_key, needs_ssh_keygen, public, rewrite, signed_record

from core.errors import VerificationFailed
from core.facts.chain import NO_EVENT, link_hash
from core.run_folder import RunFolder
from storage.demonstration import demonstrate
from storage.errors import StorageError
from storage.export.export import export_run
from storage.record.log import Log
from storage.record.schema import TRIGGERS
from storage.signatures.heads import as_text, current_head, followed
from storage.verifier.vouching import kept as kept_module
from storage.verifier.vouching import signatures as signatures_module
from storage.verify import Check, verify_all

pytestmark = needs_ssh_keygen


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_key(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def root(tmp_path: Path, key: Path) -> Path:
    return signed_record(tmp_path / "runs", key)


def found(root: Path, name: str, **given: Path | None) -> Check:
    """What `dempo verify` alone says: for limits that a test changes in this process."""
    return {check.name: check for check in verify_all(root, **given)}[name]


# ---- a bundle, checked by the file that travels with it


@pytest.fixture(scope="module")
def exported(key: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of a signed run, with the head that its exporter kept beside it."""
    folder = tmp_path_factory.mktemp("exported")
    root = signed_record(folder / "runs", key)
    export_run(root, folder / "bundle.zip", told=lambda *_: None)
    (folder / "head").write_text(as_text(current_head(root), None))
    return folder / "bundle.zip"


@pytest.fixture
def bundle(exported: Path, tmp_path: Path) -> Path:
    """The bundle, unpacked in a folder that has nothing to do with this repository."""
    with zipfile.ZipFile(exported) as stream:
        stream.extractall(tmp_path / "unpacked")
    return tmp_path / "unpacked"


def by_its_own_file(bundle: Path, *options: str | Path, **variables: str) -> tuple[int, dict[str, Check]]:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "verify.py", "--json", *map(str, options)],
        capture_output=True,
        cwd=bundle,
        env={"PATH": os.environ["PATH"], **variables},
        timeout=60,
        check=False,
    )
    assert done.stderr == b""
    return done.returncode, {row["name"]: Check(**row) for row in json.loads(done.stdout)["checks"]}


MUTATIONS: dict[str, tuple[Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]], str]] = {
    "none": (lambda mine, other: mine, ""),
    "a flipped letter of the signature": (
        lambda mine, other: mine | {"signature": swapped_letter(mine["signature"])},
        "failed",
    ),
    "another key": (
        lambda mine, other: mine | {name: other[name] for name in ("public_key", "fingerprint")},
        "failed",
    ),
    "the signature of another run": (lambda mine, other: mine | {"signature": other["signature"]}, "failed"),
    "another run's signature and key": (
        lambda mine, other: other | {name: mine[name] for name in ("seq", "hash")},
        "failed",
    ),
    "another run's head": (lambda mine, other: other, "failed"),
}


def swapped_letter(armoured: str) -> str:
    lines = armoured.splitlines(keepends=True)
    lines[-2] = ("B" if lines[-2][0] == "A" else "A") + lines[-2][1:]
    return "".join(lines)


ASKED = ["nothing", "both", *(pytest.param(one, marks=pytest.mark.long) for one in ("key", "head"))]


@pytest.mark.parametrize("mutation", MUTATIONS)
@pytest.mark.parametrize("asked", ASKED)
def test_a_bundles_own_file_says_what_the_program_says(
    mutation: str, asked: str, bundle: Path, exported: Path, key: Path, tmp_path: Path
) -> None:
    change, expected = MUTATIONS[mutation]
    other = signed_record(tmp_path / "elsewhere", make_key(tmp_path), "20260101-000000-other")
    foreign = _signed_payloads(other)[-1]

    def changed(events: list[Event]) -> list[Event]:
        events[8]["payload"] = change(events[8]["payload"], foreign)
        return events

    rewrite(bundle, changed)
    written_anew(bundle)
    given = {
        "key": public(key) if asked in ("key", "both") else None,
        "head": exported.with_name("head") if asked in ("head", "both") else None,
    }
    options = [part for name, path in given.items() if path for part in (f"--{name}", path)]
    code, by_file = by_its_own_file(bundle, *options)
    by_program = verify_all(bundle, **given)
    same(list(by_file.values()), by_program)
    signatures = by_file["signatures"]
    if expected:
        assert (signatures.verdict, signatures.event) == ("failed", 9)
        assert code == 4
    else:
        assert signatures.verdict == ("ok" if given["key"] else "unknown")
        assert code == 0
    if given["head"]:
        assert by_file["kept head"].verdict == ("failed" if expected else "ok")


def _signed_payloads(root: Path) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(root / "audit.db")) as db:
        rows = db.execute("SELECT payload FROM events WHERE kind = 'head.signed' ORDER BY seq").fetchall()
    return [json.loads(payload) for (payload,) in rows]


def test_without_ssh_keygen_a_bundle_is_checked_and_its_signatures_are_unknown(bundle: Path, key: Path) -> None:
    code, checks = by_its_own_file(bundle, PATH="/nowhere")
    assert code == 0
    assert checks["signatures"].verdict == "unknown"
    assert checks["signatures"].detail.startswith("the signatures of 2 heads were not checked: ssh-keygen is not")
    code, checks = by_its_own_file(bundle, "--key", public(key), PATH="/nowhere")
    assert code == 4, "what was asked for could not be shown"


@pytest.mark.parametrize("ends", ["exit 1", "kill -9 $$"])
def test_an_ssh_keygen_that_cannot_answer_accuses_nobody(ends: str, bundle: Path, key: Path, tmp_path: Path) -> None:
    """Those before OpenSSH 8.2 do not know the question and end with 1."""
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "ssh-keygen").write_text(f"#!/bin/sh\n{ends}\n")
    (tmp_path / "old" / "ssh-keygen").chmod(0o755)
    _, checks = by_its_own_file(bundle, "--key", public(key), PATH=str(tmp_path / "old"))
    assert checks["signatures"].verdict == "unknown"
    assert "takes OpenSSH 8.2 or newer" in checks["signatures"].detail


def test_a_program_that_lies_in_the_bundle_is_never_run(bundle: Path) -> None:
    trap = bundle / "ssh-keygen"
    trap.write_text("#!/bin/sh\n: > was-run\n")
    trap.chmod(0o755)
    _, checks = by_its_own_file(bundle, PATH=".:")
    assert checks["signatures"].verdict == "unknown"
    assert not (bundle / "was-run").exists()


def test_a_key_or_a_head_that_came_with_the_record_proves_nothing(bundle: Path) -> None:
    (inside,) = (bundle / "keys").iterdir()
    code, checks = by_its_own_file(bundle, "--key", inside, "--head", "heads/8.json")
    assert code == 4
    for name in ("signatures", "kept head", "kept head's signature"):
        assert checks[name].verdict == "unknown"
        assert "in the run's own folder" in checks[name].detail
    same(list(checks.values()), verify_all(bundle, inside, bundle / "heads" / "8.json"))


# ---- hostile records


def test_more_signatures_than_are_looked_at_are_not_called_checked(
    root: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signatures_module, "MOST_SIGNATURES", 1)
    for given in (None, public(key)):
        check = found(root, "signatures", key=given)
        assert check.verdict == "unknown"
        assert check.detail == (
            "1 of 2 signed heads were checked and are valid where they stand, the last one for the events up to 2; "
            "the others were not: 1 are the most that are looked at"
        )
    monkeypatch.setattr(signatures_module, "MOST_SIGNATURES", 10)
    monkeypatch.setattr(signatures_module, "LONGEST_CHECKING", -1.0)
    assert found(root, "signatures", key=public(key)).detail.startswith("the signatures of 2 heads were not checked: ")


def test_a_forged_place_is_found_behind_the_last_signature_that_is_looked_at(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forged(events: list[Event]) -> list[Event]:
        events[8]["payload"]["seq"] = 3
        return events

    rewrite(root, forged)
    monkeypatch.setattr(signatures_module, "MOST_SIGNATURES", 1)
    assert (found(root, "signatures").verdict, found(root, "signatures").event) == ("failed", 9)


def test_each_key_is_asked_about_once(root: Path, key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    is_trusted = signatures_module.is_trusted

    def counted(head: Any, signature: Any, signers: str, at: str | None) -> bool:
        asked.append(signature.public_key)
        return is_trusted(head, signature, signers, at)

    monkeypatch.setattr(signatures_module, "is_trusted", counted)
    assert found(root, "signatures", key=public(key)).verdict == "ok"
    assert len(asked) == 1


def test_whatever_lies_under_heads_is_a_verdict(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heads = root / "heads"
    os.mkfifo(heads / "1.json")
    assert checked(root)["head files"].detail == "'heads/1.json': it is no file"
    (heads / "1.json").unlink()
    (heads / "1.json").symlink_to("/dev/zero")
    assert checked(root)["head files"].detail == "'heads/1.json': it is no file"
    (heads / "1.json").unlink()
    (heads / "\x1b[2J\u202e.json").write_text("{}")
    check = checked(root)["head files"]
    assert check.verdict == "failed"
    assert check.detail.isprintable()
    (heads / "\x1b[2J\u202e.json").unlink()
    monkeypatch.setattr(kept_module, "MOST_HEAD_FILES", 1)
    check = found(root, "head files")
    assert check.verdict == "unknown"
    assert check.detail.endswith("heads/ holds more than 1 files, of which these were read")
    heads.rename(tmp_path / "aside")
    assert checked(root)["head files"].verdict == "ok"
    heads.symlink_to(tmp_path / "aside")
    assert checked(root)["head files"].verdict == "unknown"
    heads.unlink()
    heads.write_text("no folder")
    assert checked(root)["head files"].verdict == "unknown"


# ---- bytes that are no text


def put_bytes(root: Path, seq: int, mended: bool) -> None:
    """Puts bytes that are not UTF-8 into the time of an event; `mended` chains everything anew over these bytes."""
    with closing(sqlite3.connect(root / "audit.db")) as db:
        db.text_factory = lambda body: body.decode("utf-8", "surrogateescape")
        for name in TRIGGERS:
            db.execute(f"DROP TRIGGER {name}")
        db.execute("UPDATE events SET at = CAST(x'32ff80' AS TEXT) WHERE seq = ?", [seq])
        prev = NO_EVENT
        rows = db.execute("SELECT seq, at, stage, kind, payload FROM events ORDER BY seq").fetchall()
        for row in rows if mended else ():
            hashed = link_hash(prev, *row)
            db.execute("UPDATE events SET prev = ?, hash = ? WHERE seq = ?", (prev, hashed, row[0]))
            prev = hashed
        for sql in TRIGGERS.values():
            db.execute(sql)
        db.commit()


def test_bytes_that_are_no_text_end_in_a_sentence(root: Path) -> None:
    put_bytes(root, 5, mended=False)
    assert checked(root)["chain"].event == 5
    with pytest.raises(VerificationFailed, match="event 5 .* was changed; `dempo verify` says more"):
        current_head(root)
    with pytest.raises(StorageError, match="event 5 .* was changed, so this run is not continued"):
        Log.open(RunFolder(root))


def test_bytes_that_are_no_text_are_hashed_as_they_are(root: Path) -> None:
    put_bytes(root, 5, mended=True)
    checks = checked(root)
    assert checks["chain"].verdict == "ok"
    assert checks["events"].verdict == "failed"
    assert checks["chain"].detail.endswith(followed(root / "audit.db").hash)


# ---- the demonstration


def test_the_demonstration_shows_what_a_signature_finds(root: Path) -> None:
    rows = {row.altered: row for row in demonstrate(root)}
    anew = rows["the time of an event, all hashed anew"]
    assert anew.found_by == ("signatures",)
    assert anew.kept_head == "differs"
    assert rows["the last event cut off"].found_by == ()
