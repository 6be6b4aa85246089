"""What `dempo export` writes: whole, the same every time, and without what was to be withheld."""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import json
import shutil
import sqlite3
import threading
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
from records import small_record
from sample_run import ESCAPES, MARKUP, RATERS, make_sample_run
from signing import make_key, needs_ssh_keygen, public, signed_record
from test_registry import closed_folder

from core.config_file import parse_config
from core.errors import InputError
from core.events import OperatorAction
from core.facts.cells import UNRULY, cell
from core.facts.tables import table_lines
from core.run_folder import RunFolder
from storage.errors import StorageError
from storage.export import export
from storage.export.export import Exported, export_run
from storage.export.redaction import NOTE
from storage.export.target import check_target
from storage.record.codec import canonical
from storage.record.create import create_run
from storage.record.log import Log
from storage.record.reader import Reader
from storage.verifier.vouching.ssh_signature import fingerprint

OTHER = '[run]\nname = "secret-plan"\nseed = 1\n[data]\npath = "nowhere"\n'
_NEEDS = r"needs up to [\d.]+ MiB on the way, plus 64 MiB that are kept free, and 0.0 MiB are free"


def silent(what: str, done: float, total: float) -> None:
    """No progress."""


def exported(root: Path, target: Path, **options: bool) -> tuple[Exported, zipfile.ZipFile]:
    done = export_run(root, target, told=silent, **options)  # type: ignore[arg-type]
    return done, zipfile.ZipFile(target)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sample_run(tmp_path_factory.mktemp("sample"))


def test_a_bundle_holds_every_part_and_a_manifest_that_sha256sum_reads(sample: Path, tmp_path: Path) -> None:
    done, bundle = exported(sample, tmp_path / "run.zip")
    names = set(bundle.namelist())
    assert names >= {
        "audit.db",
        "events.jsonl",
        "config.toml",
        "config.resolved.json",
        "versions.json",
        "report.html",
        "LICENSES.md",
        "LIMITS.md",
        "README.txt",
        "ro-crate-metadata.json",
        "manifest.sha256",
        "tables/quotas.csv",
        "tables/inclusion_probabilities.csv",
        "tables/draws.csv",
        "tables/weights.csv",
        "tables/leaderboards.csv",
        "plots/training-loss.svg",
        "plots/leaderboard-borda.svg",
    }
    assert len([name for name in names if name.startswith("artifacts/")]) == 5
    lines = bundle.read("manifest.sha256").decode().splitlines()
    listed = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    assert listed.keys() == names - {"manifest.sha256"}
    assert all(hashlib.sha256(bundle.read(name)).hexdigest() == digest for name, digest in listed.items())
    assert done.sha256 == hashlib.sha256((tmp_path / "run.zip").read_bytes()).hexdigest()
    assert (done.seq, done.head) == Reader(sample).head()
    assert [path.name for path in tmp_path.iterdir()] == ["run.zip"]


def test_events_are_lines_of_canonical_json_with_every_column(sample: Path, tmp_path: Path) -> None:
    _, bundle = exported(sample, tmp_path / "run.zip")
    lines = bundle.read("events.jsonl").decode().splitlines()
    rows = [json.loads(line) for line in lines]
    assert rows == Reader(sample).query("SELECT * FROM events ORDER BY seq")
    assert lines == [canonical(row) for row in rows]


def test_tables_hold_the_rows_of_the_views(sample: Path, tmp_path: Path) -> None:
    _, bundle = exported(sample, tmp_path / "run.zip")
    for view in ("quotas", "weights", "rankings", "leaderboards"):
        rows = list(csv.DictReader(io.StringIO(bundle.read(f"tables/{view}.csv").decode())))
        expected = Reader(sample).view(view)
        shown = [{k: "" if v is None else str(v) for k, v in row.items()} for row in expected]
        assert [{k: v.removeprefix("'") for k, v in row.items()} for row in rows] == shown


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-1+cmd", "'-1+cmd"),
        (" =1+1", "' =1+1"),
        ("\n =1+1", "'\n =1+1"),
        ("\ufeff=1", "'\ufeff=1"),
        ("\u3000\uff1d1", "'\u3000\uff1d1"),
        ("\uff1d1", "'\uff1d1"),
        ("\uff0b1", "'\uff0b1"),
        ("\uff0d1", "'\uff0d1"),
        ("\uff20x", "'\uff20x"),
        ("\t=tab", "␉=tab"),
        ("a\rb\x1b[31m", "a␍b␛[31m"),
        ("a\u202eb\u2066c", "a<U+202E>b<U+2066>c"),
        ("a\x9bb", "a<U+009B>b"),
        ("two\nlines", "two\nlines"),
        ("-inf", "-inf"),
        (-1.5, -1.5),
        ("a\0b", "a␀b"),
        (None, None),
    ],
)
def test_no_cell_is_a_formula(value: object, written: object) -> None:
    assert cell(value) == written


def test_a_table_says_where_an_id_stands_otherwise_than_it_is() -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute('CREATE TABLE t (question_id, clause_id, "a\u202eb")')
        db.execute("INSERT INTO t VALUES ('=q', 'c', 'x'), ('q', 'c', '=x')")
        lines = b"".join(table_lines(db, "t", redacted=False)).decode()
        assert lines.splitlines() == [
            "question_id,clause_id,a<U+202E>b,question_id_escaped",
            "'=q,c,x,true",
            "q,c,'=x,",
        ]
        db.execute("DELETE FROM t WHERE question_id = '=q'")
        assert b"".join(table_lines(db, "t", redacted=False)).decode().splitlines()[0].endswith("a<U+202E>b")


def test_two_exports_are_equal_byte_for_byte(sample: Path, tmp_path: Path) -> None:
    for name in ("first.zip", "second.zip"):
        export_run(sample, tmp_path / name, told=silent)
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()


@pytest.mark.parametrize("redact", [False, True])
def test_a_bundle_is_the_same_whatever_else_is_in_the_folder(tmp_path: Path, redact: bool) -> None:
    """The registry names every run of the folder; a bundle is about one of them."""
    root = make_sample_run(tmp_path / "runs")
    export_run(root, tmp_path / "alone.zip", redact=redact, told=silent)
    other = create_run(parse_config(OTHER), OTHER, tmp_path / "runs")
    _, bundle = exported(root, tmp_path / "beside.zip", redact=redact)
    assert (tmp_path / "alone.zip").read_bytes() == (tmp_path / "beside.zip").read_bytes()
    shutil.rmtree(other)
    _, bundle = exported(root, tmp_path / "gone.zip", redact=redact)
    assert (tmp_path / "alone.zip").read_bytes() == (tmp_path / "gone.zip").read_bytes()
    assert not [name for name in bundle.namelist() if other.name.encode() in bundle.read(name)]


@needs_ssh_keygen
def test_files_of_heads_are_compared_and_no_part_of_a_report(tmp_path: Path) -> None:
    root = signed_record(tmp_path / "runs", make_key(tmp_path))
    export_run(root, tmp_path / "first.zip", told=silent)
    (root / "heads").mkdir(exist_ok=True)
    (root / "heads" / "99.json").write_text("{}")
    done, _ = exported(root, tmp_path / "second.zip")
    assert done.failed_checks[-1] == "head files"
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()


@needs_ssh_keygen
def test_the_readme_says_what_is_in_it_how_to_check_it_and_who_signed(sample: Path, tmp_path: Path) -> None:
    _, bundle = exported(sample, tmp_path / "run.zip")
    readme = bundle.read("README.txt").decode()
    assert max(map(len, readme.splitlines())) <= 120
    for name in bundle.namelist():
        assert f"  {name.split('/')[0]}" in readme or name == "README.txt", name
    assert "python3 -I verify.py --key FILE --head FILE" in readme
    assert "No head of this record is signed" in readme
    key = make_key(tmp_path)
    _, bundle = exported(signed_record(tmp_path / "runs", key), tmp_path / "signed.zip")
    by = fingerprint(public(key).read_text().rsplit(" ", 1)[0])
    for name in ("README.txt", "report.html"):
        assert by in " ".join(bundle.read(name).decode().split()), name


def test_an_agent_without_a_name_is_refused(sample: Path, tmp_path: Path) -> None:
    for agent in ("", "  "):
        with pytest.raises(InputError, match="--agent names nobody"):
            export_run(sample, tmp_path / "run.zip", agent=agent, told=silent)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(sample: Path) -> None:
    with closed_folder() as folder, pytest.raises(InputError, match="cannot be written") as error:
        check_target(folder / "run.zip", force=False)
    assert str(folder) in str(error.value)


def test_a_configuration_of_a_stranger_is_not_passed_on(sample: Path, tmp_path: Path) -> None:
    root = tmp_path / sample.name
    root.mkdir()
    _, bundle = exported(sample, tmp_path / "run.zip")
    bundle.extractall(root)
    done, again = exported(root, tmp_path / "again.zip")
    assert "config.toml" not in again.namelist()
    assert any(sentence.startswith("config.toml, which came in a bundle") for sentence in done.left_out)


def test_a_target_is_replaced_only_when_told_to(sample: Path, tmp_path: Path) -> None:
    target = tmp_path / "run.zip"
    target.write_text("mine")
    with pytest.raises(InputError, match="exists; give --force"):
        export_run(sample, target, told=silent)
    assert target.read_text() == "mine"
    export_run(sample, target, force=True, told=silent)
    assert zipfile.is_zipfile(target)
    with pytest.raises(InputError, match="is a folder"):
        export_run(sample, tmp_path, told=silent)
    with pytest.raises(InputError, match="does not exist"):
        export_run(sample, tmp_path / "none" / "run.zip", told=silent)


def test_too_little_space_is_said_before_anything_is_written(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1024})())
    with pytest.raises(StorageError, match=_NEEDS):
        export_run(sample, tmp_path / "run.zip", told=silent)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_leaves_the_old_bundle_and_nothing_else(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "run.zip"
    target.write_text("older")

    def full(*_: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("storage.export.pack.manifest", full)
    with pytest.raises(StorageError, match="No space left on device"):
        export_run(sample, target, force=True, told=silent)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("run.zip", "older")]


def test_a_run_can_be_exported_while_an_engine_writes(tmp_path: Path) -> None:
    """The bundle holds a prefix of the chain, whole in every part of it."""
    root = small_record(tmp_path / "runs")
    stop = threading.Event()

    def write() -> None:
        with Log.open(RunFolder(root)) as log:
            while not stop.is_set():
                log.record("run", [OperatorAction(action="note", detail="x" * 200)])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(3):
            done, bundle = exported(root, tmp_path / f"{number}.zip")
            assert done.failed_checks == ()
            lines = bundle.read("events.jsonl").decode().splitlines()
            assert len(lines) == done.seq
            assert json.loads(lines[-1])["hash"] == done.head
    finally:
        stop.set()
        writer.join()
    assert Reader(root).query("SELECT hash FROM events WHERE seq = ?", [done.seq]) == [{"hash": done.head}]


def test_an_open_log_with_unfinished_work_is_no_obstacle(tmp_path: Path) -> None:
    root = small_record(tmp_path / "runs")
    with Log.open(RunFolder(root)) as log:
        log._db.execute("BEGIN IMMEDIATE")
        done, _ = exported(root, tmp_path / "run.zip")
        assert done.seq == log.head[0]
        log._db.execute("ROLLBACK")


def test_a_damaged_record_is_exported_with_its_verdict(tmp_path: Path) -> None:
    root = make_sample_run(tmp_path / "runs")
    next((root / "artifacts").iterdir()).write_bytes(b"changed")
    done, bundle = exported(root, tmp_path / "run.zip")
    assert "artifacts" in done.failed_checks
    assert "was changed" in bundle.read("report.html").decode()


def test_a_missing_artifact_is_named(tmp_path: Path) -> None:
    root = make_sample_run(tmp_path / "runs")
    gone = next((root / "artifacts").iterdir())
    gone.unlink()
    done, bundle = exported(root, tmp_path / "run.zip")
    assert [f"artifacts/{gone.name}" in sentence for sentence in done.left_out] == [True]
    assert f"artifacts/{gone.name}" not in bundle.namelist()


def test_checkpoints_and_private_files_stay_at_home(tmp_path: Path) -> None:
    root = make_sample_run(tmp_path / "runs")
    (root / "private" / "raters.csv").write_text("rater_id,source_id\n")
    (root / "checkpoints" / "full").mkdir()
    done, bundle = exported(root, tmp_path / "run.zip")
    assert not [name for name in bundle.namelist() if name.startswith(("private", "checkpoints", "control"))]
    assert any("checkpoints" in sentence for sentence in done.left_out)


def test_redaction_leaves_no_text_anywhere_and_the_chain_whole(sample: Path, tmp_path: Path) -> None:
    bodies = [row["body"] for row in Reader(sample).query("SELECT body FROM blobs") if len(row["body"]) > 12]
    people = [body for body in bodies if body.startswith(b"{") and b'"salt":' in body]
    texts = [body for body in bodies if body not in people]
    done, bundle = exported(sample, tmp_path / "run.zip", redact=True)
    assert done.redacted
    assert len(texts) > 20
    for name in bundle.namelist():
        body = bundle.read(name)
        found = [text for text in texts if text in body]
        assert not found, f"{name} holds {found[:1]}"
    note = json.loads(bundle.read(NOTE))
    assert note["artifacts"] == []
    assert not [name for name in bundle.namelist() if name.startswith("artifacts/")]
    (tmp_path / "audit.db").write_bytes(bundle.read("audit.db"))
    with closing(sqlite3.connect(tmp_path / "audit.db")) as db:
        rows = db.execute("SELECT seq, hash FROM events ORDER BY seq").fetchall()
        left = db.execute("SELECT count(*) FROM blobs").fetchone()[0]
    assert note["texts"] == Reader(sample).query("SELECT count(*) AS n FROM blobs")[0]["n"] - left
    assert rows == [(r["seq"], r["hash"]) for r in Reader(sample).query("SELECT seq, hash FROM events ORDER BY seq")]


def test_redaction_names_no_rater_outside_the_parts_about_people(sample: Path, tmp_path: Path) -> None:
    _, bundle = exported(sample, tmp_path / "run.zip", redact=True)
    for name in bundle.namelist():
        body = bundle.read(name).decode("utf-8", "replace")
        named = [rater for rater in RATERS if rater in body]
        assert bool(named) == (name == "audit.db"), name
    weights = bundle.read("tables/weights.csv").decode().splitlines()
    assert weights[1].startswith("full,withheld,")
    assert "I will not" not in bundle.read("tables/judge_calls.csv").decode()


def test_a_redacted_bundle_says_what_remains(sample: Path, tmp_path: Path) -> None:
    _, plain = exported(sample, tmp_path / "plain.zip")
    _, redacted = exported(sample, tmp_path / "redacted.zip", redact=True)
    assert "members of panels remain" in redacted.read("LIMITS.md").decode()
    assert "members of panels remain" not in plain.read("LIMITS.md").decode()
    assert NOTE not in plain.namelist()


def test_texts_stand_in_tables_with_signs_for_what_a_terminal_obeys(sample: Path, tmp_path: Path) -> None:
    _, bundle = exported(sample, tmp_path / "run.zip")
    answers = bundle.read("tables/answers.csv").decode()
    assert MARKUP in answers
    assert cell(ESCAPES) in answers
    assert not UNRULY.search(answers)
