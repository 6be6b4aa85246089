"""Signed heads: made on time, never in a run's way, and no forgery of them passes."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from both_verifiers import checked
from commands import dempo
from hypothesis import given
from hypothesis import strategies as st
from records import done, genesis, small_record, step
from signing import Event, make_key, needs_ssh_keygen, no_trouble, public, rewrite, signed_record
from test_verify import tamper

from core.data.pseudonyms import PLANTED
from core.errors import VerificationFailed
from core.events import HeadSigned
from core.facts.chain import NO_EVENT
from core.facts.trees import Tree
from core.run_folder import RunFolder
from storage import verify as verify_module
from storage.record import log as log_module
from storage.record.log import Log
from storage.record.reader import Reader
from storage.signatures import heads, sshsig
from storage.signatures.heads import HeadSigner, as_json, as_text, current_head, signed
from storage.verifier.vouching.kept import Head, parse_head, read_kept
from storage.verifier.vouching.ssh_signature import Unusable, fingerprint
from storage.verify import Check, verify, verify_all

pytestmark = needs_ssh_keygen

CHECKOUT = Path(__file__).parent.parent
HASH = "ab" * 32


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_key(tmp_path_factory.mktemp("keys"))


def found(root: Path, name: str, **given: Path | None) -> Check:
    """What both verifiers say."""
    return checked(root, **given)[name]


def failing(root: Path) -> set[str]:
    """The checks that fail of what the record itself says."""
    return {check.name for check in verify(root) if check.verdict == "failed"}


def heads_of(root: Path) -> list[tuple[int, int]]:
    """Of each signed head: the number of its event and the number that it covers."""
    sql = "SELECT seq, payload->>'$.seq' AS covers FROM events WHERE kind = 'head.signed' ORDER BY seq"
    return [(row["seq"], row["covers"]) for row in Reader(root).query(sql)]


# ---- what is signed


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", fullmatch=True), st.integers(1, 10**16 - 1))
def test_the_text_of_a_head_reads_back(run_id: str, seq: int) -> None:
    head = Head(run_id, HASH, seq, HASH[::-1].replace("b", "c"), "0" * 64, "1" * 64)
    assert parse_head(head.text()) == head
    assert len(head.text().splitlines()) == 7


@pytest.mark.parametrize("run_id", ["", "a\nseq 5", "a b", "../a", "\x1b[2J", "\u202ea", "a" * 101, "é"])
def test_a_hostile_name_is_never_signed(run_id: str) -> None:
    with pytest.raises(ValueError, match="is no id of a run") as caught:
        Head(run_id, HASH, 1, HASH, HASH, HASH)
    assert str(caught.value).isprintable()


def test_ssh_keygen_alone_checks_a_head_that_was_sent_elsewhere(tmp_path: Path, key: Path) -> None:
    root = signed_record(tmp_path, key)
    kept = json.loads((root / "heads" / "8.json").read_text())
    (tmp_path / "signature").write_text(kept["signature"])
    (tmp_path / "signers").write_text(f"someone {public(key).read_text()}")
    command = ["ssh-keygen", "-Y", "verify", "-f", tmp_path / "signers", "-I", "someone", "-n", "dempo-head"]
    subprocess.run(
        [*command, "-s", tmp_path / "signature"], input=kept["text"], text=True, check=True, capture_output=True
    )
    hashes = [row["hash"] for row in Reader(root).query("SELECT hash FROM events WHERE seq <= 8")]
    root_of_eight = Tree(map(bytes.fromhex, hashes)).root
    said = ["seq 8", f"hash {hashes[7]}", f"root {root_of_eight}", f"registry {NO_EVENT}"]
    assert kept["text"].splitlines()[3:] == said


# ---- when it is signed


def test_heads_are_signed_every_so_many_events_and_never_inside_a_unit(
    tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "EVERY", 5)
    root = tmp_path / "20260101-000000-signed"
    with Log.create(RunFolder(root), genesis(root.name), PLANTED) as log:
        log.signer = HeadSigner(key, no_trouble)
        for number in range(1, 5):
            log.record("train", [step(number)], unit=("full/0001", 1))
        assert heads_of(root) == [(6, 5)]
        log.record("train", [*(step(number) for number in range(5, 12)), done()], unit=("full/0001", 1))
        assert heads_of(root) == [(6, 5), (15, 14)]
        assert log.completed("train")["full/0001"] == tuple(step(number) for number in range(1, 12))
    assert sorted(path.name for path in (root / "heads").iterdir()) == ["14.json", "5.json"]
    assert failing(root) == set()
    assert found(root, "signatures", key=public(key)).verdict == "ok"


@pytest.mark.parametrize("trouble", ["no key", "passphrase", "no ssh-keygen", "no folder"])
def test_a_signer_that_fails_is_one_sentence_and_the_run_goes_on(
    tmp_path: Path, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = make_key(tmp_path, passphrase="a secret" if trouble == "passphrase" else "")
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    if trouble == "no key":
        key.unlink()
        public(key).unlink()
    root = tmp_path / "20260101-000000-signed"
    told: list[str] = []
    with Log.create(RunFolder(root), genesis(root.name), PLANTED) as log:
        log.signer = HeadSigner(key, told.append)
        if trouble == "no ssh-keygen":
            monkeypatch.setenv("PATH", "/nowhere")
        if trouble == "no folder":
            (root / "heads").write_text("a file where a folder should be")
        log.record("train", [step(1)], unit=("full/0001", 1))
        for _ in range(3):
            log.sign_head()
        log.record("train", [step(2)], unit=("full/0001", 1))
    assert len(told) == 1
    assert len(Reader(root).query("SELECT 1 AS x FROM events WHERE kind = 'train.step'")) == 2
    assert len(heads_of(root)) == (3 if trouble == "no folder" else 0)
    assert failing(root) == set()


@pytest.mark.long
def test_a_full_disk_while_signing_does_not_end_the_run(tmp_path: Path, key: Path) -> None:
    root = small_record(tmp_path)
    told: list[str] = []
    with Log.open(RunFolder(root)) as log:
        log.signer = HeadSigner(key, told.append)
        before = log.head
        log._db.execute("PRAGMA max_page_count=1")  # no page can be added: what SQLite says on a full disk
        for _ in range(200):
            log.sign_head()
        assert any("the disk is full" in sentence for sentence in told)
        log._db.execute("PRAGMA max_page_count=1000000")
        log.record("train", [step(3)], unit=("full/0002", 1))
        assert log.head[0] > before[0]
    assert failing(root) == set()


# ---- whose it is


def test_without_a_key_the_signer_is_unknown_and_with_it_known(tmp_path: Path, key: Path) -> None:
    root = signed_record(tmp_path, key)
    assert heads_of(root) == [(3, 2), (9, 8)]
    alone = found(root, "signatures")
    assert alone.verdict == "unknown"
    assert alone.detail.startswith("unknown signer SHA256:")
    assert found(root, "signatures", key=public(key)).verdict == "ok"
    other = found(root, "signatures", key=public(make_key(tmp_path)))
    assert (other.verdict, other.event) == ("unknown", 3)
    assert other.detail.startswith("unknown signer:")


def test_a_key_that_was_replaced_still_vouches_for_what_it_signed(
    tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It counted when the event was recorded, as the event says; after its last day it counts no more."""
    monkeypatch.setattr("storage.record.log.now", lambda: "2019-12-30T12:00:00.000000Z")
    root = signed_record(tmp_path, key)
    signers = tmp_path / "signers"
    kind, body, *_ = public(key).read_text().split()
    signers.write_text(f'ada valid-before="20200101" {kind} {body}\n')
    assert found(root, "signatures", key=signers).verdict == "ok"
    signers.write_text(f'ada valid-after="20200101" {kind} {body}\n')
    check = found(root, "signatures", key=signers)
    assert (check.verdict, check.event) == ("unknown", 3)
    assert "at the time that its event gives (2019-12-30T12:00:00.000000Z)" in check.detail
    monkeypatch.setattr("storage.record.log.now", lambda: "2020-02-01T12:00:00.000000Z")
    with Log.open(RunFolder(root)) as log:
        log.signer = HeadSigner(key, no_trouble)
        log.sign_head()
    signers.write_text(f'ada valid-before="20200101" {kind} {body}\n')
    assert found(root, "signatures", key=signers).event == log.head[0]


def test_a_record_without_signatures_is_never_ok(tmp_path: Path, key: Path) -> None:
    root = small_record(tmp_path)
    assert found(root, "signatures").verdict == "unknown"
    assert found(root, "signatures", key=public(key)).verdict == "unknown"


def test_events_after_the_last_signed_head_are_vouched_for_by_nobody(tmp_path: Path, key: Path) -> None:
    """Else a forger cuts a record down to its first signed head and writes on from there."""
    root = signed_record(tmp_path, key)

    def forged(events: list[Event]) -> list[Event]:
        return [*events[:3], *(event for event in events[3:] if event["kind"] != "head.signed")]

    rewrite(root, forged)
    check = found(root, "signatures", key=public(key))
    assert (check.verdict, check.event) == ("unknown", 4)
    assert "nobody signed for them" in check.detail


def test_a_rewritten_chain_with_a_fresh_key_has_an_unknown_signer(tmp_path: Path, key: Path) -> None:
    root = signed_record(tmp_path / "runs", key)
    kept = tmp_path / "kept"
    kept.write_text(as_text(current_head(root), None))
    fresh = make_key(tmp_path)
    forge(root, fresh)
    assert failing(root) == set()
    assert found(root, "signatures").detail.startswith("unknown signer")
    check = found(root, "signatures", key=public(key))
    assert check.verdict == "unknown"
    assert check.detail.startswith("unknown signer")
    assert found(root, "kept head", head=kept).verdict == "failed"
    told = dempo("verify", root, "--key", public(key))
    assert told.returncode == 4
    assert "unknown signer" in told.stderr


def forge(root: Path, key: Path) -> None:
    """The whole record anew, with another loss, signed with a key of the forger's own."""

    def changed(events: list[Event]) -> list[Event]:
        for event in events:
            if event["kind"] == "train.step":
                event["payload"]["loss"] = 0.01
            if event["kind"] == "head.signed":
                event["payload"] = lambda seq, prev, tree: signed(
                    Head(root.name, genesis_hash(root), seq, prev, tree, NO_EVENT), key
                ).payload()
        return events

    rewrite(root, changed)
    for path in (root / "heads").iterdir():
        path.unlink()


def genesis_hash(root: Path) -> str:
    return str(Reader(root).query("SELECT hash FROM events WHERE seq = 1")[0]["hash"])


# ---- forgeries


FORGERIES: dict[str, tuple[Callable[[Path, Path, dict[str, Any]], dict[str, Any]], str]] = {
    "another number": (lambda root, other, p: p | {"seq": 7}, "is not that of event 8"),
    "another root": (lambda root, other, p: p | {"root": HASH}, "the root that is signed is not that of events 1 to 8"),
    "another registry": (lambda root, other, p: p | {"registry": HASH}, "is not one of this head"),
    "another hash": (lambda root, other, p: p | {"hash": HASH}, "is not that of event 8"),
    "a signature of nothing": (lambda root, other, p: p | {"signature": "trust me"}, "no armoured SSH signature"),
    "the fingerprint of another key": (
        lambda root, other, p: p | {"fingerprint": "SHA256:" + "A" * 43},
        "its fingerprint is not that",
    ),
    "another key": (
        lambda root, other, p: p | {"public_key": " ".join(public(other).read_text().split()[:2])},
        "its fingerprint is not that",
    ),
    "another key and its fingerprint": (
        lambda root, other, p: p | owner(other),
        "made with another key than it says",
    ),
    "the signature of the first head": (
        lambda root, other, p: p | {"signature": json.loads((root / "heads/2.json").read_text())["signature"]},
        "is not one of this head",
    ),
    "a signature for another purpose": (
        lambda root, other, p: (
            p
            | owner(other)
            | {
                "signature": sshsig.sign(
                    Head(root.name, genesis_hash(root), 8, p["hash"], p["root"], NO_EVENT).text().encode(),
                    other,
                    "git",
                ).armoured
            }
        ),
        "made for another purpose ('git')",
    ),
    "the head of another run": (
        lambda root, other, p: signed(
            Head("20260101-000000-other", genesis_hash(root), 8, p["hash"], p["root"], NO_EVENT), other
        ).payload(),
        "is not one of this head",
    ),
    "a head of another first event": (
        lambda root, other, p: signed(Head(root.name, HASH, 8, p["hash"], p["root"], NO_EVENT), other).payload(),
        "is not one of this head",
    ),
    "a unit": (lambda root, other, p: p | {"unit": "a", "attempt": 1}, "not of a unit"),
}


def owner(key: Path) -> dict[str, str]:
    public_key = " ".join(public(key).read_text().split()[:2])
    return {"public_key": public_key, "fingerprint": fingerprint(public_key)}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_head_is_found_in_a_chain_that_holds(tmp_path: Path, key: Path, forgery: str) -> None:
    root = signed_record(tmp_path / "runs", key)
    other = make_key(tmp_path)
    forge_payload, expected = FORGERIES[forgery]

    def forged(events: list[Event]) -> list[Event]:
        events[8]["payload"] = forge_payload(root, other, events[8]["payload"])
        return events

    rewrite(root, forged)
    assert failing(root) <= {"events", "units"}
    for given_key in (None, public(key), public(other)):
        check = found(root, "signatures", key=given_key)
        assert (check.verdict, check.event) == ("failed", 9)
        assert expected in check.detail


def test_a_field_that_a_later_version_added_takes_nothing_from_a_signature(tmp_path: Path, key: Path) -> None:
    root = signed_record(tmp_path / "runs", key)

    def later(events: list[Event]) -> list[Event]:
        events[8]["payload"] = events[8]["payload"] | {"by": "me"}
        return events

    rewrite(root, later)
    assert not failing(root)
    assert found(root, "events").verdict == "unchecked"
    assert found(root, "signatures", key=public(key)).verdict == "ok"


def test_where_the_chain_breaks_nobody_vouches_for_what_comes_then(tmp_path: Path, key: Path) -> None:
    root = signed_record(tmp_path, key)
    tamper(root, "UPDATE events SET payload = replace(payload, '0.5', '0.1') WHERE seq = 5")
    for given_key in (None, public(key)):
        check = found(root, "signatures", key=given_key)
        assert (check.verdict, check.event) == ("failed", 5)
        assert check.detail == (
            "the chain breaks after event 4, so nobody vouches for what comes then; "
            "1 of 2 signed heads were checked and are valid where they stand, the last one for the events up to 2"
        )
    files = found(root, "head files")
    assert (files.verdict, files.event) == ("failed", 5)
    (root / "heads" / "8.json").unlink()
    files = found(root, "head files")
    assert (files.verdict, files.event) == ("failed", 5)
    assert files.detail == "files under heads/: 1, each a head of this record; but the chain breaks after event 4"
    (tmp_path / "kept").write_text((root / "heads" / "2.json").read_text())
    kept = found(root, "kept head", head=tmp_path / "kept")
    assert (kept.verdict, kept.event) == ("failed", 5)
    assert kept.detail == (
        "the record contains the head that was kept: event 2 of 9; but the chain breaks after event 4"
    )


def test_a_forged_signature_before_the_break_is_named_first(tmp_path: Path, key: Path) -> None:
    root = signed_record(tmp_path, key)

    def forged(events: list[Event]) -> list[Event]:
        events[2]["payload"]["signature"] = "trust me"
        return events

    rewrite(root, forged)
    tamper(root, "UPDATE events SET payload = replace(payload, '0.5', '0.1') WHERE seq = 5")
    assert found(root, "signatures").event == 3


def test_a_record_without_signatures_whose_chain_breaks_says_both(tmp_path: Path) -> None:
    root = small_record(tmp_path)
    tamper(root, "UPDATE events SET payload = replace(payload, '0.7', '0.1') WHERE seq = 3")
    check = found(root, "signatures")
    assert check.verdict == "unknown"
    assert check.detail.startswith("the chain breaks after event 2, and no head of this record is signed")


def test_a_name_that_is_none_is_refused_and_shown_harmlessly(tmp_path: Path, key: Path) -> None:
    root = signed_record(tmp_path, key)

    def renamed(events: list[Event]) -> list[Event]:
        events[0]["payload"]["run_id"] = "\x1b]0;x\x07\nseq 9"
        return events

    rewrite(root, renamed)
    check = found(root, "signatures")
    assert check.verdict == "failed"
    assert check.detail.isprintable()


@pytest.mark.parametrize("value", ["x'00'", "5", "'['", "'[]'", "'" + "[" * 100_000 + "'"])
def test_contents_of_the_wrong_kind_are_a_verdict(tmp_path: Path, key: Path, value: str) -> None:
    root = signed_record(tmp_path, key)
    with sqlite3.connect(root / "audit.db") as db:
        db.execute("PRAGMA writable_schema=ON")
        db.execute(
            "UPDATE sqlite_master SET sql = replace(replace(sql, 'STRICT', ''), 'CHECK (json_valid(payload))', '')"
        )
        db.execute("DELETE FROM sqlite_master WHERE type = 'trigger'")
    db.close()
    with sqlite3.connect(root / "audit.db") as db:
        db.execute(f"UPDATE events SET payload = {value} WHERE seq IN (1, 3)")
    db.close()
    assert found(root, "signatures").verdict != "ok"
    with pytest.raises(VerificationFailed):
        current_head(root)


def test_signatures_without_ssh_keygen_are_unknown(tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = signed_record(tmp_path, key)
    monkeypatch.setenv("PATH", "/nowhere")
    check = found(root, "signatures", key=public(key))
    assert check.verdict == "unknown"
    assert "ssh-keygen is not installed" in check.detail


# ---- heads kept elsewhere


def cut(root: Path, behind: int) -> None:
    """Cuts the tail off, as a rollback of the file does."""
    tamper(root, f"DELETE FROM events WHERE seq > {behind}")


def kept_forms(root: Path, key: Path, folder: Path) -> list[Path]:
    head = current_head(root)
    signature = signed(head, key)
    forms = {
        "text": as_text(head, signature),
        "unsigned": as_text(head, None),
        "windows": as_text(head, signature).replace("\n", "\r\n"),
        "json": json.dumps(as_json(head, signature)),
        "unsigned.json": json.dumps(as_json(head, None)),
        "line": f"{head.seq} {head.hash}\n",
        "console": f"head: event {head.seq}, {head.hash}\n",
    }
    for name, body in forms.items():
        (folder / name).write_bytes(body.encode())
    return [folder / name for name in forms]


def test_a_cut_tail_shows_against_every_form_of_a_kept_head(tmp_path: Path, key: Path) -> None:
    root = signed_record(tmp_path / "runs", key)
    forms = kept_forms(root, key, tmp_path)
    for form in forms:
        assert found(root, "kept head", head=form).verdict == "ok", form.name
    cut(root, 6)
    assert failing(root) == set()
    for form in forms:
        check = found(root, "kept head", head=form)
        assert (check.verdict, check.event) == ("failed", 7), form.name
        assert check.detail == (
            "the record ends at event 6, before the head that was kept (event 9): "
            "it was cut at its end, set back, or written anew from an earlier event"
        )
    told = dempo("verify", root, "--head", forms[0], "--json")
    assert told.returncode == 4
    assert json.loads(told.stdout)["ok"] is False


def test_a_record_that_went_on_still_contains_the_kept_head(tmp_path: Path, key: Path) -> None:
    root = signed_record(tmp_path / "runs", key)
    forms = kept_forms(root, key, tmp_path)
    with Log.open(RunFolder(root)) as log:
        log.record("train", [step(9)], unit=("full/0002", 1))
    for form in forms:
        assert found(root, "kept head", head=form).detail.endswith("event 9 of 10")


def test_another_record_a_rewritten_one_and_a_broken_one_do_not_contain_it(tmp_path: Path, key: Path) -> None:
    root = signed_record(tmp_path / "runs", key)
    forms = kept_forms(root, key, tmp_path)
    other = signed_record(tmp_path / "runs", key, "20260101-000000-other")
    assert "it is a head of run 20260101-000000-signed" in found(other, "kept head", head=forms[0]).detail
    forge(root, key)
    for form in forms:
        assert found(root, "kept head", head=form).verdict == "failed", form.name
    broken = signed_record(tmp_path / "runs", key, "20260101-000000-broken")
    (tmp_path / "kept").write_text("9 " + current_head(broken).hash)
    tamper(broken, "DELETE FROM events WHERE seq = 4")
    assert "the chain breaks after event 3" in found(broken, "kept head", head=tmp_path / "kept").detail


def test_a_kept_head_with_the_root_of_other_events_is_not_of_this_record(tmp_path: Path, key: Path) -> None:
    root = signed_record(tmp_path / "runs", key)
    head = current_head(root)
    (tmp_path / "kept").write_text(replace(head, root=HASH).text())
    check = found(root, "kept head", head=tmp_path / "kept")
    assert (check.verdict, check.detail) == ("failed", f"its root is not that of events 1 to {head.seq}")


def test_the_signature_of_a_kept_head_is_checked_too(tmp_path: Path, key: Path) -> None:
    root = signed_record(tmp_path / "runs", key)
    forms = kept_forms(root, key, tmp_path)
    name = "kept head's signature"
    assert found(root, name, head=forms[0]).verdict == "unknown"
    assert found(root, name, head=forms[0], key=public(key)).verdict == "ok"
    assert found(root, name, head=forms[0], key=public(make_key(tmp_path))).verdict == "unknown"
    older = json.loads((root / "heads/2.json").read_text())["signature"]
    (tmp_path / "swapped").write_text(json.dumps(as_json(current_head(root), None) | {"signature": older}))
    assert found(root, name, head=tmp_path / "swapped").verdict == "failed"


def test_a_head_in_the_runs_own_folder_was_not_kept_elsewhere(tmp_path: Path, key: Path) -> None:
    root = signed_record(tmp_path, key)
    check = found(root, "kept head", head=root / "heads" / "8.json")
    assert check.verdict == "unknown"
    assert "in the run's own folder" in check.detail


def test_a_tail_that_was_lost_by_accident_shows_against_the_runs_own_files(tmp_path: Path, key: Path) -> None:
    root = signed_record(tmp_path, key)
    cut(root, 7)
    assert found(root, "head files").verdict == "failed"
    (root / "heads" / "8.json").unlink()
    assert found(root, "head files").verdict == "ok"
    os.mkfifo(root / "heads" / "9.json")
    assert found(root, "head files").verdict == "failed"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"words",
        b"{}",
        b"[" * 100_000,
        b"{" * 60_000,
        b'{"text": 5}',
        b'{"text": "dempo-head-2\\nrun a\\n"}',
        b"9 abc",
        b"\xff\xfe\x00",
        b"dempo-head-2\nrun a b\ngenesis x\nseq 1\nhash y\nroot z\nregistry w\n",
        b"0" * 100_000,
        b"99999999999999999999 " + HASH.encode(),
    ],
)
def test_a_file_that_is_no_head_is_a_sentence(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "kept"
    path.write_bytes(body)
    with pytest.raises(Unusable, match="head"):
        read_kept(path)


# ---- the command line


def test_a_head_is_printed_signed_and_kept_and_nothing_is_recorded(tmp_path: Path, key: Path) -> None:
    root = signed_record(tmp_path / "runs", key)
    before = contents(root)
    plain = dempo("head", root)
    assert plain.returncode == 0
    assert parse_head(plain.stdout) == current_head(root)
    assert "not signed" in plain.stderr
    out = tmp_path / "kept"
    assert dempo("head", root, "--out", out, DEMPO_SIGNING_KEY=str(key)).returncode == 0
    again = dempo("head", root, "--out", out, DEMPO_SIGNING_KEY=str(key))
    assert again.returncode == 2
    assert "never overwritten" in again.stderr
    assert contents(root) == before
    told = dempo("verify", root, "--key", public(key), "--head", out, "--json")
    assert told.returncode == 0, told.stderr
    verdicts = {check["name"]: check["verdict"] for check in json.loads(told.stdout)["checks"]}
    assert verdicts["signatures"] == verdicts["kept head"] == verdicts["kept head's signature"] == "ok"
    as_data = json.loads(dempo("head", root, "--json", DEMPO_SIGNING_KEY=str(key)).stdout)
    assert (as_data["seq"], as_data["fingerprint"]) == (9, owner(key)["fingerprint"])


def contents(root: Path) -> dict[Path, bytes]:
    """What SQLite itself leaves beside a database that was read holds nothing of the record."""
    beside = ("audit.db-shm", "audit.db-wal")
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file() and path.name not in beside}


def test_a_head_of_a_changed_record_is_not_worth_keeping(tmp_path: Path, key: Path) -> None:
    root = signed_record(tmp_path, key)
    tamper(root, "UPDATE events SET payload = replace(payload, '0.5', '0.1') WHERE seq = 5")
    with pytest.raises(VerificationFailed, match=r"event 5 \('train.step'\) was changed"):
        current_head(root)
    tamper(root, "DELETE FROM events WHERE seq = 4")
    with pytest.raises(VerificationFailed, match="event 4 is missing"):
        current_head(root)


def test_an_engine_signs_at_its_start_and_end_and_says_so(tmp_path: Path, key: Path) -> None:
    world = ("demo", "--until", "pairs", "--runs-dir")
    without = dempo(*world, tmp_path / "without")
    assert without.returncode == 0, without.stderr
    assert "not signed: there is no signing key" in without.stderr
    told = dempo(*world, tmp_path / "runs", DEMPO_SIGNING_KEY=str(key))
    assert told.returncode == 0, told.stderr
    (root,) = (path.parent for path in (tmp_path / "runs").glob("*/audit.db"))
    kinds = [row["kind"] for row in Reader(root).query("SELECT kind FROM events ORDER BY seq")]
    assert kinds[:3] == ["run.created", "engine.started", "head.signed"]
    assert kinds[-2:] == ["engine.stopped", "head.signed"]
    assert f"signed: event {len(kinds) - 1}, by {owner(key)['fingerprint']}" in told.stderr
    assert (root / "heads" / f"{len(kinds) - 1}.json").is_file()
    assert Reader(root).status() == "paused"
    assert found(root, "signatures", key=public(key)).verdict == "ok"
    assert found(root, "registry").verdict == "ok"
    inside = make_key(root / "private")
    refused = dempo("resume", root, DEMPO_SIGNING_KEY=str(inside))
    assert refused.returncode == 2
    assert "lies inside the folder of the run" in refused.stderr
    assert Reader(root).head()[0] == len(kinds)


def test_a_signed_record_and_an_unsigned_one_tell_the_same(tmp_path: Path, key: Path) -> None:
    stable = [name for name, f in HeadSigned.model_fields.items() if not (f.json_schema_extra or {}).get("volatile")]  # type: ignore[union-attr]
    assert stable == []


def test_an_engine_may_write_while_a_record_is_checked(
    tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = signed_record(tmp_path, key)
    with Log.open(RunFolder(root)) as log:
        log.signer = HeadSigner(key, no_trouble)

        def at_work() -> None:
            log.record("train", [step(log.head[0])], unit=("full/0002", 1))
            log.sign_head()

        def read_just_before(*given: Any) -> Any:
            record = read_record(*given)
            at_work()
            return record

        read_record = verify_module.read_record
        monkeypatch.setattr(verify_module, "read_record", read_just_before)
        checks = {check.name: check.verdict for check in verify_all(root, public(key))}
        assert checks["head files"] == checks["signatures"] == "ok"
        seq = log.head[0]
        wrong_link = heads.wrong_link
        monkeypatch.setattr(heads, "wrong_link", lambda *row: at_work() or wrong_link(*row))
        assert current_head(root).seq == seq
        assert log.head[0] > seq
