"""`dempo remove --yes`: a run goes whole, and the registry says of it what the runs beside it need to say."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from commands import answered, dempo, told
from test_registry import check, closed_folder, make_run, run, tamper

from core.run_folder import RunFolder
from storage import removal
from storage.errors import StorageError
from storage.record.lock import take_lock
from storage.record.reader import list_runs
from storage.record.registry import Registration, registration
from storage.removal import removal_of, remove_run
from storage.verifier.vouching.entries import read_registry


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    for name in ("one", "two", "three"):
        make_run(tmp_path, name)
    return tmp_path


def test_it_says_what_would_go_and_does_nothing_without_yes(runs: Path) -> None:
    root = run(runs, "two")
    (root / "checkpoints" / "soft").write_bytes(bytes(3 * 1024**2))
    sentence = told(dempo("remove", root.name, "--runs-dir", runs), 2)
    for part in (f"something is recorded in {root}", "--yes removes it for good", "models 3.0 MiB", "files"):
        assert part in sentence
    assert root.is_dir()
    assert check(run(runs, "one")).verdict == "ok"


def test_the_runs_beside_it_say_that_it_was_removed_and_why(runs: Path) -> None:
    root = run(runs, "two")
    done = answered(dempo("remove", root.name, "--yes", "--reason", "a\x1b[31m trial", "--runs-dir", runs, "--json"))
    assert (done["run_id"], done["entry"], done["begun"]) == (root.name, 4, True)
    assert not root.exists()
    assert [path.name for path in runs.iterdir() if path.name.startswith(".")] == []
    found = check(run(runs, "one"))
    assert found.verdict == "unknown"
    assert "of 3 runs made here, these were removed by `dempo remove` (1)" in found.detail
    assert f"'{root.name}' (after event 1: 'a\\x1b[31m trial')" in found.detail
    shutil.rmtree(run(runs, "three"))
    found = check(run(runs, "one"))
    assert found.detail.index("these are missing (1)") < found.detail.index("these were removed")
    make_run(runs, "four")
    assert check(run(runs, "four")).verdict == "unknown"


def test_a_removed_run_that_is_put_back_set_back_is_found(runs: Path) -> None:
    root = run(runs, "two")
    copy = shutil.copytree(root, runs.parent / f"{runs.name}-copy" / root.name)
    remove_run(root)
    shutil.copytree(copy, root)
    assert check(root).verdict == "ok"
    assert check(run(runs, "one")).verdict == "ok"


def test_a_run_with_an_engine_stays(runs: Path) -> None:
    root = run(runs, "two")
    held = take_lock(RunFolder(root))
    try:
        assert "dempo stop" in removal_of(root).engine
        assert "works on" in told(dempo("remove", root.name, "--yes", "--runs-dir", runs), 1)
    finally:
        os.close(held)
    assert check(root).verdict == "ok"
    remove_run(root)
    assert not root.exists()


def test_a_damaged_record_goes_and_its_entry_is_what_the_registry_knows(runs: Path) -> None:
    root = run(runs, "two")
    (root / "audit.db").write_bytes(b"no database" * 900)
    remove_run(root, "broken disk")
    registry = read_registry(runs)
    assert registry is not None
    (last,) = registry.rests_of(root.name)
    genesis = next(entry.genesis for entry in registry.entries if entry.run_id == root.name)
    assert (last.event, last.head, last.removed) == (1, genesis, "broken disk")


def test_nothing_is_removed_where_the_registry_cannot_say_so(runs: Path) -> None:
    root = run(runs, "two")
    tamper(runs, "DELETE FROM entries WHERE seq = 2")
    assert "entry 2 is missing" in told(dempo("remove", root.name, "--yes", "--runs-dir", runs), 1)
    assert root.is_dir()


def test_a_link_is_not_followed_and_a_copy_is_not_entered(runs: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = shutil.copytree(run(runs, "two"), tmp_path_factory.mktemp("elsewhere") / "20250101-000000-two")
    link, copied = runs / "20250101-000000-link", runs / "20250101-000001-copy"
    link.symlink_to(elsewhere)
    shutil.copytree(elsewhere, copied)
    with pytest.raises(StorageError, match="is a link"):
        remove_run(link)
    assert remove_run(copied).entry == 0
    assert elsewhere.is_dir()
    assert not copied.exists()


def test_a_folder_that_cannot_be_written_keeps_its_run() -> None:
    with closed_folder("one") as runs:
        root = run(runs, "one")
        with pytest.raises(StorageError, match=r"readonly|unable to open|denied"):
            remove_run(root)
        assert [found.root for found in list_runs(runs)] == [root]


def test_a_run_comes_back_where_its_removal_cannot_be_entered(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry is committed behind the move: a disk that is full then must not cost the run."""

    @contextmanager
    def full(folder: Path) -> Iterator[Registration]:
        with registration(folder) as held:
            yield held
            raise StorageError("the disk is full")

    root = run(runs, "two")
    monkeypatch.setattr(removal, "registration", full)
    with pytest.raises(StorageError, match="full"):
        remove_run(root)
    assert check(root).verdict == "ok"
    assert [path.name for path in runs.iterdir() if path.name.startswith(".")] == []
