"""The files of a bundle beside the record, and the file verify.py where a stranger put other files beside it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from both_verifiers import checked
from bundles import written_anew
from sample_run import make_sample_run
from signing import make_key, needs_ssh_keygen, public, signed_record

from storage.export.export import export_run
from storage.verifier.vouching.bundled import MANIFEST_NAME


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    export_run(make_sample_run(folder / "runs"), folder / "bundle.zip", told=lambda *_: None)
    return folder / "bundle.zip"


@pytest.fixture
def bundle(exported: Path, tmp_path: Path) -> Path:
    with zipfile.ZipFile(exported) as stream:
        stream.extractall(tmp_path / "unpacked")
    return tmp_path / "unpacked"


def run_file(folder: Path, *options: str, isolated: bool = False) -> subprocess.CompletedProcess[str]:
    flags = ["-I"] if isolated else []
    command = [sys.executable, *flags, "verify.py", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def test_a_bundle_as_it_was_made(bundle: Path) -> None:
    check = checked(bundle)["bundle"]
    assert check.verdict == "ok"
    listed = len((bundle / MANIFEST_NAME).read_text().splitlines())
    assert f"{listed} files are those of the manifest" in check.detail


def test_a_run_that_is_no_bundle_has_no_such_check(tmp_path: Path) -> None:
    assert "bundle" not in checked(make_sample_run(tmp_path))


def dropped_event(bundle: Path) -> None:
    lines = (bundle / "events.jsonl").read_bytes().splitlines(keepends=True)
    (bundle / "events.jsonl").write_bytes(b"".join(lines[:5] + lines[6:]))


def cut_events(bundle: Path) -> None:
    lines = (bundle / "events.jsonl").read_bytes().splitlines(keepends=True)
    (bundle / "events.jsonl").write_bytes(b"".join(lines[:-1]))


def other_payload(bundle: Path) -> None:
    lines = (bundle / "events.jsonl").read_bytes().splitlines(keepends=True)
    event = json.loads(lines[3])
    lines[3] = json.dumps(event | {"payload": "{}"}).encode() + b"\n"
    (bundle / "events.jsonl").write_bytes(b"".join(lines))


def no_events_at_all(bundle: Path) -> None:
    (bundle / "events.jsonl").write_text("nothing\n")


def other_configuration(bundle: Path) -> None:
    config = json.loads((bundle / "config.resolved.json").read_text())
    (bundle / "config.resolved.json").write_text(json.dumps(config | {"run": {"name": "other", "seed": 1}}))


@pytest.mark.parametrize(
    ("lie", "told", "event"),
    [
        (dropped_event, "events.jsonl, line 6", 6),
        (cut_events, "events.jsonl holds", None),
        (other_payload, "events.jsonl, line 4", 4),
        (no_events_at_all, "events.jsonl, line 1", 1),
        (other_configuration, "config.resolved.json is not the configuration of the record", 1),
    ],
)
def test_what_repeats_the_record_is_compared_with_it(
    bundle: Path, lie: Callable[[Path], None], told: str, event: int | None
) -> None:
    lie(bundle)
    assert "is not the file that manifest.sha256 names" in checked(bundle)["bundle"].detail
    written_anew(bundle)
    check = checked(bundle)["bundle"]
    assert (check.verdict, told in check.detail) == ("failed", True)
    assert event is None or check.event == event


def other_commit(bundle: Path) -> None:
    said = json.loads((bundle / "versions.json").read_text())
    said["engines"][0]["commit"] = "f" * 40
    (bundle / "versions.json").write_text(json.dumps(said))


def other_head(bundle: Path) -> None:
    readme = bundle / "README.txt"
    readme.write_text(re.sub("[0-9a-f]{64}", "0" * 64, readme.read_text()))


def further_head(bundle: Path) -> None:
    with (bundle / "README.txt").open("a") as stream:
        stream.write(f"The head is {'0' * 64}.\n")


def withheld_and_there(bundle: Path) -> None:
    (bundle / "redacted.json").write_text(json.dumps({"texts": 5, "artifacts": []}))


def winner_exchanged(bundle: Path) -> None:
    table = bundle / "tables" / "leaderboards.csv"
    table.write_text(table.read_text().replace("soft", "\0").replace("full", "soft").replace("\0", "full"))


def row_left_out(bundle: Path) -> None:
    table = bundle / "tables" / "rankings.csv"
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:-1]))


def table_left_out(bundle: Path) -> None:
    (bundle / "tables" / "weights.csv").unlink()


def versions_left_out(bundle: Path) -> None:
    (bundle / "versions.json").unlink()


def head_of_nobody(bundle: Path) -> None:
    (bundle / "heads").mkdir()
    (bundle / "heads" / "3.json").write_text("{}")


def key_of_nobody(bundle: Path) -> None:
    (bundle / "keys").mkdir()
    (bundle / "keys" / "0123456789abcdef.pub").write_text("ssh-ed25519 AAAA\n")


def artifact_of_nobody(bundle: Path) -> None:
    (bundle / "artifacts" / hashlib.sha256(b"x").hexdigest()).write_text("x")


@pytest.mark.parametrize(
    ("lie", "told"),
    [
        (other_commit, "versions.json is not what the engines of the record said of themselves"),
        (other_head, "README.txt is ['dempo run "),
        (further_head, "README.txt names 0000"),
        (withheld_and_there, "redacted.json says that 5 texts were withheld, and 0 are missing"),
        (winner_exchanged, "tables/leaderboards.csv is not what the view leaderboards of the record shows: row"),
        (row_left_out, "tables/rankings.csv is not what the view rankings of the record shows"),
        (table_left_out, "there is no tables/weights.csv"),
        (versions_left_out, "there is no versions.json"),
        (head_of_nobody, "heads/3.json is of no head that this record holds"),
        (key_of_nobody, "keys/0123456789abcdef.pub is of no head"),
        (artifact_of_nobody, "is an artifact that no event refers to"),
    ],
)
def test_what_follows_from_the_record_has_to_follow(bundle: Path, lie: Callable[[Path], None], told: str) -> None:
    lie(bundle)
    written_anew(bundle)
    check = checked(bundle)["bundle"]
    assert (check.verdict, told in check.detail) == ("failed", True), check.detail


def test_a_table_may_have_other_rows_before_others_and_other_last_digits(bundle: Path) -> None:
    """SQLite says in which order rows come, and its versions add up differently."""
    table = bundle / "tables" / "leaderboards.csv"
    header, *rows = table.read_text().splitlines(keepends=True)
    assert "0.5" in rows[0] or "." in rows[0]
    number = next(word for word in rows[0].split(",") if re.fullmatch(r"-?[0-9]+\.[0-9]+", word))
    nearly = rows[0].replace(number, f"{number}0000000000001", 1)
    table.write_text("".join([header, *rows[1:], nearly]))
    written_anew(bundle)
    assert checked(bundle)["bundle"].verdict == "ok"
    table.write_text("".join([header, *rows[1:], rows[0].replace(number, f"1{number}", 1)]))
    written_anew(bundle)
    assert checked(bundle)["bundle"].verdict == "failed"


def test_a_table_of_columns_that_are_not_known_is_unchecked(bundle: Path) -> None:
    (bundle / "tables" / "winners.csv").write_text("who\nme\n")
    written_anew(bundle)
    check = checked(bundle)["bundle"]
    assert (check.verdict, check.detail.split(",")[0]) == ("unchecked", "tables/winners.csv")


@pytest.mark.parametrize("name", ["json.py", "RESULTS.html", "tables/summary.md", "plots/x.png"])
def test_a_file_that_no_export_writes_is_unchecked_although_the_manifest_names_it(bundle: Path, name: str) -> None:
    """A later version may write it; `dempo import` of this one refuses it."""
    (bundle / name).parent.mkdir(exist_ok=True)
    (bundle / name).write_text("print('hard wins')")
    written_anew(bundle)
    check = checked(bundle)["bundle"]
    assert check.verdict == "unchecked"
    assert name in check.detail


def test_a_redacted_bundle_repeats_its_record_too(tmp_path: Path) -> None:
    root = make_sample_run(tmp_path / "runs")
    export_run(root, tmp_path / "redacted.zip", redact=True, told=lambda *_: None)
    with zipfile.ZipFile(tmp_path / "redacted.zip") as stream:
        stream.extractall(tmp_path / "unpacked")
    assert checked(tmp_path / "unpacked")["bundle"].verdict == "ok"
    note = json.loads((tmp_path / "unpacked" / "redacted.json").read_text())
    (tmp_path / "unpacked" / "redacted.json").write_text(json.dumps(note | {"texts": note["texts"] + 1}))
    written_anew(tmp_path / "unpacked")
    assert "texts were withheld, and" in checked(tmp_path / "unpacked")["bundle"].detail


@needs_ssh_keygen
def test_heads_and_keys_are_those_of_the_record(tmp_path: Path) -> None:
    export_run(signed_record(tmp_path / "runs", make_key(tmp_path)), tmp_path / "b.zip", told=lambda *_: None)
    with zipfile.ZipFile(tmp_path / "b.zip") as stream:
        stream.extractall(tmp_path / "unpacked")
    bundle = tmp_path / "unpacked"
    assert checked(bundle)["bundle"].verdict == "ok"
    (key,) = (bundle / "keys").iterdir()
    body = key.read_bytes()
    key.write_text(public(make_key(tmp_path, "other")).read_text())
    written_anew(bundle)
    assert checked(bundle)["bundle"].detail == f"keys/{key.name} is not what the signed head of the record says"
    key.write_bytes(body)
    (bundle / "heads" / "2.json").unlink()
    written_anew(bundle)
    assert checked(bundle)["bundle"].detail.startswith("there is no heads/2.json")


def nothing_in_it(bundle: Path) -> None:
    (bundle / MANIFEST_NAME).write_text("")


def none_at_all(bundle: Path) -> None:
    (bundle / MANIFEST_NAME).unlink()


def none_and_no_crate(bundle: Path) -> None:
    (bundle / MANIFEST_NAME).unlink()
    (bundle / "ro-crate-metadata.json").unlink()


def a_file_more(bundle: Path) -> None:
    (bundle / "RESULTS.html").write_text("<h1>hard wins</h1>")


def a_table_more(bundle: Path) -> None:
    (bundle / "tables" / "summary.csv").write_text("full,99")


def a_pipe(bundle: Path) -> None:
    os.mkfifo(bundle / "heads.fifo")


def a_folder(bundle: Path) -> None:
    (bundle / "empty").mkdir()


def named_twice(bundle: Path) -> None:
    lines = (bundle / MANIFEST_NAME).read_text().splitlines(keepends=True)
    (bundle / MANIFEST_NAME).write_text("".join([*lines, lines[0]]))


@pytest.mark.parametrize(
    ("lie", "told"),
    [
        (nothing_in_it, "'LICENSES.md', 'LIMITS.md', 'README.txt' and "),
        (none_at_all, "there is no manifest.sha256"),
        (none_and_no_crate, "there is no manifest.sha256"),
        (a_file_more, "'RESULTS.html': in the folder and not in manifest.sha256"),
        (a_table_more, "'tables/summary.csv': in the folder and not in"),
        (a_pipe, "'heads.fifo': in the folder"),
        (a_folder, "'empty': in the folder"),
        (named_twice, "twice"),
    ],
)
def test_a_manifest_is_there_complete_and_exact(bundle: Path, lie: Callable[[Path], None], told: str) -> None:
    lie(bundle)
    check = checked(bundle)["bundle"]
    assert (check.verdict, told in check.detail) == ("failed", True), check.detail


def test_an_imported_run_holds_what_an_import_keeps_and_nothing_else(exported: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(exported) as stream:
        kept = [name for name in stream.namelist() if name == "audit.db" or name.startswith("artifacts/")]
        stream.extractall(tmp_path, kept)
    (tmp_path / "imported.json").write_text("{}")
    assert checked(tmp_path)["bundle"].verdict == "ok"
    (tmp_path / "report.html").write_text("<h1>hard wins</h1>")
    told = "'report.html': in the folder and nothing that `dempo import` leaves"
    assert checked(tmp_path)["bundle"].detail == told


# ---- what lies beside the file, and would be replayed by others


@pytest.mark.parametrize("end", ["-wal", "-journal", "-shm"])
def test_a_journal_beside_the_record_of_a_bundle_fails(bundle: Path, end: str) -> None:
    (bundle / f"audit.db{end}").write_bytes(b"")
    for _ in range(2):
        check = checked(bundle)["file"]
        assert (check.verdict, check.detail.split(" beside")[0]) == ("failed", f"audit.db{end}")
        written_anew(bundle)


def test_a_forged_log_beside_a_clean_record_fails_also_with_its_head(bundle: Path, tmp_path: Path) -> None:
    forged = tmp_path / "forged.db"
    shutil.copy(bundle / "audit.db", forged)
    (tmp_path / "head").write_text(" ".join((bundle / "README.txt").read_text().splitlines()[1].split()[2:]))
    with closing(sqlite3.connect(forged)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("DROP TRIGGER events_no_update")
        db.execute("UPDATE events SET payload = '{}' WHERE kind = 'leaderboard.computed'")
        db.commit()
        shutil.copy(f"{forged}-wal", bundle / "audit.db-wal")
        checks = checked(bundle, head=tmp_path / "head")
    assert (checks["kept head"].verdict, checks["file"].verdict) == ("ok", "failed")


def test_a_header_that_asks_for_a_log_is_none_of_a_bundle(bundle: Path) -> None:
    with closing(sqlite3.connect(bundle / "audit.db")) as db:
        db.execute("PRAGMA journal_mode=WAL")
    written_anew(bundle)
    assert not (bundle / "audit.db-wal").exists()
    check = checked(bundle)["file"]
    assert (check.verdict, check.detail.split(" in its")[0]) == ("failed", "audit.db asks for a write-ahead log")


@pytest.mark.parametrize("name", ["report.html", "tables/weights.csv", "LIMITS.md"])
def test_a_changed_picture_of_the_record_shows_against_the_manifest(bundle: Path, name: str) -> None:
    with (bundle / name).open("a") as stream:
        stream.write(" ")
    check = checked(bundle)["bundle"]
    assert (check.verdict, check.detail) == ("failed", f"{name} is not the file that manifest.sha256 names")


@pytest.mark.parametrize("line", ["../../etc/passwd", "/etc/passwd", "a\tb", "x/../../y", ""])
def test_a_manifest_never_leads_elsewhere(bundle: Path, line: str) -> None:
    with (bundle / MANIFEST_NAME).open("a") as stream:
        stream.write(f"{'0' * 64}  {line}\n")
    check = checked(bundle)["bundle"]
    assert check.verdict == "failed"
    assert "names no file" in check.detail


def test_a_link_out_of_the_bundle_is_not_followed(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_text("secret")
    (bundle / "link").symlink_to(tmp_path / "outside")
    with (bundle / MANIFEST_NAME).open("a") as stream:
        stream.write(f"{hashlib.sha256(b'secret').hexdigest()}  link/file\n")
    assert checked(bundle)["bundle"].detail == "'link': in the folder and not in manifest.sha256"
    (bundle / "link").unlink()
    assert checked(bundle)["bundle"].detail == "link/file is in manifest.sha256 and not in the folder"


@pytest.mark.parametrize("module", ["json.py", "sqlite3.py", "argparse.py", "fractions.py"])
def test_no_file_of_the_bundle_is_ever_run(bundle: Path, module: str) -> None:
    (bundle / module).write_text("print('run')\nraise SystemExit(0)\n")
    done = run_file(bundle)
    assert "run\n" not in done.stdout
    assert "ok" in done.stdout


def test_the_last_line_says_it_all(bundle: Path) -> None:
    done = run_file(bundle, isolated=True)
    last = done.stdout.splitlines()[-1]
    assert json.loads(run_file(bundle, "--json", isolated=True).stdout)["summary"] == last
    lines = [line.split() for line in done.stdout.splitlines()[:-2]]
    failed = sum("failed" in words[:4] for words in lines)
    assert f"{failed} failed" in last
    assert "this record is not as it was written; it breaks first at event" in last


def test_a_file_that_is_no_record_is_a_sentence(bundle: Path, exported: Path, tmp_path: Path) -> None:
    for wrong, told in ((exported, "is a zip; unpack it"), (bundle / "LICENSES.md", "is no record of a run")):
        done = run_file(bundle, str(wrong))
        assert (done.returncode, done.stdout) == (2, "")
        assert told in done.stderr


def test_a_record_under_another_name_is_the_one_that_is_read(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "lone").mkdir()
    shutil.copy(bundle / "audit.db", tmp_path / "lone" / "copy.db")
    done = run_file(bundle, str(tmp_path / "lone" / "copy.db"), "--json")
    verdicts = {row["name"]: row for row in json.loads(done.stdout)["checks"]}
    assert verdicts["chain"]["verdict"] == "ok"
    assert "unable to open" not in done.stdout
