"""The registry: every run that is made is entered, and one that is gone, replaced or smuggled in shows."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from both_verifiers import checked
from signing import make_key, needs_ssh_keygen, no_trouble

from core.config_file import parse_config
from core.events import EngineStopped
from core.facts.chain import NO_EVENT, link_hash
from core.run_folder import RunFolder
from storage.errors import StorageError
from storage.record.codec import canonical
from storage.record.create import create_run
from storage.record.log import Log
from storage.record.reader import Reader
from storage.record.registry import enter_rest, registration
from storage.signatures.heads import HeadSigner, current_head
from storage.verifier.vouching.entries import read_registry
from storage.verify import Check

CONFIG = '[run]\nname = "{}"\nseed = 5\n[data]\npath = "d"\n'


def make_run(runs: Path, name: str) -> Path:
    text = CONFIG.format(name)
    return create_run(parse_config(text), text, runs)


def check(root: Path) -> Check:
    return checked(root)["registry"]


def tamper(runs: Path, *statements: str) -> None:
    """Changes a registry as somebody with write access would, and puts its triggers back."""
    with closing(sqlite3.connect(runs / "registry.db")) as db:
        triggers = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            db.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            db.execute(statement)
        for _, sql in triggers:
            db.execute(sql)
        db.commit()


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    for name in ("one", "two", "three"):
        make_run(tmp_path, name)
    return tmp_path


def run(runs: Path, name: str) -> Path:
    (root,) = runs.glob(f"*-{name}")
    return root


def test_every_run_is_entered_with_its_first_event(runs: Path) -> None:
    registry = read_registry(runs)
    assert registry is not None
    assert registry.problem == ""
    assert [entry.run_id for entry in registry.entries] == [run(runs, n).name for n in ("one", "two", "three")]
    (first,) = Reader(run(runs, "one")).query("SELECT hash FROM events")
    assert registry.entries[0].genesis == first["hash"]
    assert all(check(run(runs, name)).verdict == "ok" for name in ("one", "two", "three"))


def test_processes_that_make_runs_at_once_take_turns(tmp_path: Path) -> None:
    script = """
        import sys
        from pathlib import Path
        from core.config_file import parse_config
        from storage.record.create import create_run
        runs, name = Path(sys.argv[1]), sys.argv[2]
        sys.stdin.readline()
        for number in range(6):
            text = f'[run]\\nname = "{name}{number}"\\nseed = 5\\n[data]\\npath = "d"\\n'
            create_run(parse_config(text), text, runs)
    """
    makers = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "runs"), name],
            stdin=subprocess.PIPE,
            cwd=Path(__file__).parent.parent,
        )
        for name in ("a", "b", "c")
    ]
    for maker in makers:
        assert maker.stdin is not None
        maker.stdin.write(b"go\n")
        maker.stdin.flush()
    assert [maker.wait(timeout=60) for maker in makers] == [0, 0, 0]
    registry = read_registry(tmp_path / "runs")
    assert registry is not None
    assert registry.problem == ""
    assert len(registry.entries) == 18
    assert {entry.run_id for entry in registry.entries} == {
        p.parent.name for p in (tmp_path / "runs").glob("*/audit.db")
    }


def test_two_runs_of_one_name_in_one_second_are_one_run_and_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import UTC, datetime

    from storage.record import create

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime(2026, 1, 1, tzinfo=UTC)

    monkeypatch.setattr(create, "datetime", Clock)
    root = make_run(tmp_path, "one")
    with pytest.raises(StorageError, match="ids are never reused"):
        make_run(tmp_path, "one")
    registry = read_registry(tmp_path)
    assert registry is not None
    assert len(registry.entries) == 1
    assert check(root).verdict == "ok"


@pytest.mark.parametrize("damage", ["no database at all" * 100, ""])
def test_a_registry_that_cannot_be_written_is_found_before_a_run_is_made(tmp_path: Path, damage: str) -> None:
    runs = tmp_path / "runs"
    runs.mkdir()
    if damage:
        (runs / "registry.db").write_text(damage)
    else:
        (runs / "registry.db").mkdir()
    with pytest.raises(StorageError, match="registry.db: "):
        make_run(runs, "one")
    assert [path.name for path in runs.iterdir()] == ["registry.db"]


def test_nothing_is_made_in_a_folder_that_cannot_be_written() -> None:
    with closed_folder() as runs, pytest.raises(StorageError, match="registry.db: .*(readonly|unable to open)"):
        make_run(runs, "one")


def test_a_registry_on_a_folder_that_cannot_be_written_is_read() -> None:
    with closed_folder("one") as runs:
        assert check(run(runs, "one")).verdict == "ok"


@contextmanager
def closed_folder(*names: str) -> Iterator[Path]:
    """A folder with runs of these names that this process cannot write to, also where it runs as root."""
    parent = Path(tempfile.mkdtemp(prefix="dempo-test-"))
    runs, who = parent / "runs", os.geteuid()
    runs.mkdir()
    for name in names:
        make_run(runs, name)
    for path in (parent, *parent.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        if who == 0:
            os.setresuid(65534, 65534, 0)  # the saved 0 is the way back
        yield runs
    finally:
        if who == 0:
            os.setresuid(0, 0, 0)
        for path in (parent, runs, *runs.rglob("*")):
            if path.is_dir():
                path.chmod(0o755)
        shutil.rmtree(parent)


def test_a_run_that_was_made_and_is_gone_is_named(runs: Path) -> None:
    gone = run(runs, "two")
    shutil.rmtree(gone)
    found = check(run(runs, "one"))
    assert found.verdict == "unknown"
    assert gone.name in found.detail


def test_a_run_that_was_never_entered_is_named(runs: Path) -> None:
    smuggled = runs / "20250101-000000-four"
    shutil.copytree(run(runs, "one"), smuggled)
    assert "does not name this run" in check(smuggled).detail
    assert check(smuggled).verdict == "failed"
    beside = check(run(runs, "one"))
    assert beside.verdict == "unknown"
    assert smuggled.name in beside.detail


def test_a_run_that_was_made_anew_under_its_old_name_is_found(runs: Path) -> None:
    old = run(runs, "two")
    other = runs.parent / "elsewhere"
    replacement = make_run(other, "two")
    shutil.rmtree(old)
    shutil.copytree(replacement, old)
    found = check(old)
    assert (found.verdict, found.event) == ("failed", 1)
    assert "began otherwise" in found.detail


def test_a_folder_without_a_registry_says_so(runs: Path) -> None:
    (runs / "registry.db").unlink()
    assert check(run(runs, "one")).verdict == "unknown"


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE entries SET payload = replace(payload, 'two', 'six') WHERE seq = 2", "entry 2 was changed"),
        ("UPDATE entries SET at = '2020-01-01T00:00:00.000000Z' WHERE seq = 1", "entry 1 was changed"),
        ("DELETE FROM entries WHERE seq = 2", "entry 2 is missing"),
        ("UPDATE entries SET hash = prev WHERE seq = 3", "entry 3 was changed"),
        ("CREATE VIEW more AS SELECT 1", "not as written"),
        ("CREATE TRIGGER more AFTER INSERT ON entries BEGIN DELETE FROM entries; END", "not as written"),
    ],
)
def test_a_changed_registry_is_found_and_its_entry_named(runs: Path, statement: str, problem: str) -> None:
    tamper(runs, statement)
    found = check(run(runs, "one"))
    assert found.verdict == "failed"
    assert problem in found.detail


def test_a_dropped_trigger_is_found(runs: Path) -> None:
    with closing(sqlite3.connect(runs / "registry.db")) as db:
        db.execute("DROP TRIGGER entries_no_delete")
    assert "not as written" in check(run(runs, "one")).detail


def test_triggers_stop_accidents(runs: Path) -> None:
    with closing(sqlite3.connect(runs / "registry.db")) as db:
        for statement in (
            "DELETE FROM entries",
            "UPDATE entries SET at = ''",
            "INSERT OR REPLACE INTO entries SELECT * FROM entries WHERE seq = 1",
        ):
            with pytest.raises(sqlite3.IntegrityError):
                db.execute(statement)


@pytest.mark.parametrize("payload", ["[]", "5", "nothing", '{"run_id": 5, "genesis": "a"}', "[" * 100_000, "{}"])
def test_an_entry_that_names_no_run_is_a_verdict(runs: Path, payload: str) -> None:
    append(runs, payload)
    assert "entry 4 names no run" in check(run(runs, "one")).detail


def test_hostile_names_are_shown_harmlessly(runs: Path) -> None:
    append(runs, canonical({"run_id": "\x1b]0;x\x07\u202e../../etc", "genesis": "a"}))
    found = check(run(runs, "one"))
    assert found.verdict == "unknown"
    assert found.detail.isprintable()


def written_anew(runs: Path, without: str) -> None:
    """The registry without a run, chained as if that had never been."""
    with closing(sqlite3.connect(runs / "registry.db")) as db:
        rows = db.execute("SELECT at, payload FROM entries ORDER BY seq").fetchall()
    (runs / "registry.db").unlink()
    with registration(runs):
        pass
    prev = NO_EVENT
    kept = [row for row in rows if without not in row[1]]
    with closing(sqlite3.connect(runs / "registry.db")) as db:
        for seq, (at, payload) in enumerate(kept, start=1):
            hashed = link_hash(prev, seq, at, "registry", "run.registered", payload)
            db.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", (seq, at, payload, prev, hashed))
            prev = hashed
        db.commit()


def test_a_run_that_is_gone_with_its_entry_shows_in_every_later_run(runs: Path) -> None:
    gone = run(runs, "two")
    shutil.rmtree(gone)
    written_anew(runs, without=gone.name)
    found = check(run(runs, "three"))
    assert (found.verdict, found.event) == ("failed", 1)
    assert "the entry that stood before this run when it was made is gone" in found.detail
    assert check(run(runs, "one")).verdict == "ok"  # it was made before, and knows nothing of it


def test_a_run_that_is_gone_with_its_entry_shows_against_the_kept_head_of_an_earlier_one(runs: Path) -> None:
    first, gone = run(runs, "one"), run(runs, "two")
    kept = runs / "kept"
    kept.write_text(current_head(first).text())
    assert checked(first, head=kept)["registry"].verdict == "ok"
    shutil.rmtree(gone)
    written_anew(runs, without=gone.name)
    found = checked(first, head=kept)["registry"]
    assert found.verdict == "failed"
    assert "the entry that the head that was kept names as the last one is gone" in found.detail


@needs_ssh_keygen
def test_a_run_that_is_gone_with_its_entry_shows_against_a_signed_head(runs: Path, tmp_path: Path) -> None:
    first, gone = run(runs, "one"), run(runs, "two")
    with Log.open(RunFolder(first)) as log:
        log.signer = HeadSigner(make_key(tmp_path / "keys"), no_trouble)
        assert log.sign_head() is not None
    assert check(first).verdict == "ok"
    shutil.rmtree(gone)
    written_anew(runs, without=gone.name)
    found = check(first)
    assert (found.verdict, found.event) == ("failed", 2)
    assert "a signed head names" in found.detail


def test_a_run_that_was_set_back_shows_by_what_its_engine_left(runs: Path) -> None:
    root = run(runs, "one")
    before = shutil.copytree(root, runs.parent / f"{runs.name}-before")
    with Log.open(RunFolder(root)) as log:
        log.record("run", [EngineStopped(outcome="completed", reason="", exit_code=0)])
        enter_rest(root, *log.head)
    assert check(root).verdict == "ok"
    shutil.rmtree(root)
    shutil.copytree(before, root)
    found = check(root)
    assert (found.verdict, found.event) == ("failed", 2)
    assert found.detail.endswith("an engine left this run at event 2, and it ends at event 1: it was set back")
    with Log.open(RunFolder(root)) as log:
        log.record("run", [EngineStopped(outcome="failed", reason="", exit_code=1)])
    assert "an engine left this run with another event 2" in check(root).detail


def test_a_run_set_back_with_the_registry_shows_against_the_kept_head_of_any_other(runs: Path) -> None:
    root, other, kept = run(runs, "three"), run(runs, "one"), runs / "kept"
    before = shutil.copytree(root, runs.parent / f"{runs.name}-before")
    with Log.open(RunFolder(root)) as log:
        log.record("run", [EngineStopped(outcome="completed", reason="", exit_code=0)])
        enter_rest(root, *log.head)
    kept.write_text(current_head(other).text())
    shutil.rmtree(root)
    shutil.copytree(before, root)
    written_anew(runs, without='"event"')
    assert check(root).verdict == "ok"  # all that could tell is gone from here
    assert checked(other, head=kept)["registry"].verdict == "failed"


def test_a_run_that_the_registry_does_not_name_is_not_entered_by_its_engine(runs: Path) -> None:
    copy = shutil.copytree(run(runs, "one"), runs / "20250101-000000-four")
    enter_rest(copy, 1, "0" * 64)
    registry = read_registry(runs)
    assert registry is not None
    assert registry.rests_of(copy.name) == []


def test_a_first_event_that_names_no_entry_of_this_registry_is_found(tmp_path: Path) -> None:
    make_run(tmp_path / "there", "zero")
    moved = make_run(tmp_path / "there", "one")
    make_run(tmp_path / "here", "two")
    with registration(tmp_path / "here") as registry:
        registry.enter(moved.name, Reader(moved).query("SELECT hash FROM events")[0]["hash"])
    shutil.copytree(moved, tmp_path / "here" / moved.name)
    assert "when it was made is gone" in check(tmp_path / "here" / moved.name).detail


def append(runs: Path, payload: str) -> None:
    """An entry that is chained as it should be."""
    with closing(sqlite3.connect(runs / "registry.db")) as db:
        seq, prev = db.execute("SELECT seq + 1, hash FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
        hashed = link_hash(prev, seq, "", "registry", "run.registered", payload)
        db.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", (seq, "", payload, prev, hashed))
        db.commit()


def test_a_damaged_registry_is_a_verdict(runs: Path) -> None:
    path = runs / "registry.db"
    path.write_bytes(path.read_bytes()[:5000])
    assert check(run(runs, "one")).verdict == "failed"
    path.write_bytes(b"no database at all" * 1000)
    assert check(run(runs, "one")).verdict == "failed"
