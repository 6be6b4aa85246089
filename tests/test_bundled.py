"""The files of a bundle beside the record, and the file verify.py where a stranger put other files beside it."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from both_verifiers import checked
from sample_run import make_sample_run

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


def written_anew(bundle: Path) -> None:
    """The manifest that a liar makes to suit."""
    files = sorted(path for path in bundle.rglob("*") if path.is_file() and path.name != MANIFEST_NAME)
    lines = [f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.relative_to(bundle).as_posix()}\n" for p in files]
    (bundle / MANIFEST_NAME).write_text("".join(lines))


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
