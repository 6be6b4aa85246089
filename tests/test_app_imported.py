"""Somebody else's run in the app and on the command line: told apart, read, and never written."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
import sample_run
from bundles import kept_rows
from commands import dempo
from rewritten import forged
from test_app import INTERVAL, SIZES, shown, wait_for

from core.errors import DempoError
from storage.errors import StorageError
from storage.export.export import export_run
from storage.imports.importing import import_bundle
from storage.imports.origin import origin_of
from storage.record.foreign import CRATE_MARK, MARK, arrival, is_imported
from storage.record.reader import Reader, find_run
from storage.record.schema import VIEWS
from storage.verify import verify_all
from tui.app import DempoApp
from tui.screens.run import PANES

HERE = Path(__file__).resolve().parent
BY_HAND = "by-hand"


def silent(what: str, done: float, total: float) -> None:
    """No progress."""


def unzipped(bundle: Path, folder: Path) -> Path:
    """What a person gets who unzips a bundle instead of importing it."""
    with zipfile.ZipFile(bundle) as stream:
        stream.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def bundle(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("bundle") / "theirs.zip"
    export_run(trained, target, redact=True, told=silent)
    return target


@pytest.fixture(scope="module")
def runs(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an imported run, the same one unzipped by hand, and nothing else. Nobody may write into them."""
    runs = tmp_path_factory.mktemp("runs")
    import_bundle(bundle, runs, silent)
    unzipped(bundle, runs / BY_HAND)
    return runs


@pytest.fixture
def contents(runs: Path) -> dict[Path, bytes]:
    return files(runs)


def files(runs: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in runs.rglob("*") if path.is_file()}


def imported_id(runs: Path) -> str:
    (root,) = (path for path in runs.iterdir() if path.name != BY_HAND)
    return root.name


# ---------------------------------------------------------------- the app


@pytest.mark.parametrize("size", SIZES)
async def test_the_app_says_what_came_from_others(runs: Path, size: tuple[int, int]) -> None:
    app = DempoApp(runs, INTERVAL)
    async with app.run_test(size=size, notifications=True) as pilot:
        await wait_for(pilot, "⇩ imported", "⇩ unpacked", "checked by nobody", "its verify.py is that of this version")
        await pilot.press("down")
        await wait_for(pilot, "imported from theirs.zip", "; redacted", "checked at import: ")
        await pilot.press("enter")
        text = await wait_for(pilot, " IMPORTED ", " SIMULATED", "imported from theirs.zip", "recorded", "leaderboards")
        told = " ".join(text.split())
        assert re.search(r"unknown \(.*signatures.*registry.*\)", told)
        assert told.split("recorded")[1].count("leaderboards") == 1, "the last line is there"
        await pilot.press("escape", "up", "enter")
        text = await wait_for(pilot, "UNPACKED, NOT CHECKED", "unzipped by hand and checked by nobody", "leaderboards")
        assert " ".join(text.split()).split("recorded")[1].count("leaderboards") == 1


@pytest.mark.parametrize("key", ["r", "s"])
async def test_keys_that_write_say_why_they_do_not(runs: Path, contents: dict[Path, bytes], key: str) -> None:
    async with DempoApp(runs, INTERVAL).run_test(size=(120, 40), notifications=True) as pilot:
        await wait_for(pilot, "⇩ unpacked")
        await pilot.press(key)
        await wait_for(pilot, "was unzipped from somebody")
        await pilot.press("down", "enter")
        await wait_for(pilot, " IMPORTED ")
        await pilot.press(key)
        await wait_for(pilot, "was imported:", "never")
    assert files(runs) == contents


async def test_stop_and_resume_are_offered_only_where_they_act(bundle: Path, tmp_path: Path) -> None:
    sample_run.make_sample_run(tmp_path, stop_before="train")
    unzipped(bundle, tmp_path / "20000101-000000-theirs")
    async with DempoApp(tmp_path, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "⇩ unpacked", "r Resume", absent="Stop")
        await pilot.press("down")
        await wait_for(pilot, "Enter Open  n New run  v Verify", absent="Resume")
        await pilot.press("enter")
        await wait_for(pilot, "UNPACKED, NOT CHECKED", "Esc Back  t As of", absent="Resume")
        await pilot.press("escape", "up")
        await wait_for(pilot, "r Resume", absent="Stop")
        await pilot.press("enter")
        await wait_for(pilot, "1 Overview", "Esc Back  r Resume", absent="Stop")


async def test_withheld_texts_are_called_withheld(runs: Path) -> None:
    """Not "(empty)", as if the model had said nothing."""
    async with DempoApp(runs, INTERVAL).run_test(size=(120, 40), notifications=True) as pilot:
        await wait_for(pilot, "⇩ imported")
        await pilot.press("down", "enter", "5")
        text = await wait_for(pilot, "Clause 1", "Question", "1. ", "(withheld: this copy was exported without the")
        assert text.count("(withheld: ") >= 3
        assert "(empty)" not in text


async def test_a_long_name_is_cut_and_its_marks_are_not(runs: Path, bundle: Path, tmp_path: Path) -> None:
    unzipped(bundle, tmp_path / ("20260101-000000-" + "x" * 40))
    async with DempoApp(tmp_path, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "⇩ unpacked")
        await pilot.press("enter")
        await wait_for(pilot, "UNPACKED, NOT CHECKED", " SIMULATED", "20260101-0000")


@pytest.mark.long
async def test_a_record_with_nonsense_ends_in_a_sentence_not_in_a_crash(trained: Path, tmp_path: Path) -> None:
    """Nobody checked an unzipped bundle: numbers where texts belong and texts where numbers belong reach the app."""

    def nonsense(rows: list[object]) -> list[object]:
        for row in rows:
            payload = row.payload  # type: ignore[attr-defined]
            if row.kind == "run.created":  # type: ignore[attr-defined]
                payload["name"] = 5
                row.at = "\x1b[2J\x1b[H0123456789012345"  # type: ignore[attr-defined]
            if row.kind == "stage.planned":  # type: ignore[attr-defined]
                payload["units"] = "many"
            if row.kind == "lottery.level":  # type: ignore[attr-defined]
                payload["tight"] = 7
            if row.kind == "lottery.quotas":  # type: ignore[attr-defined]
                payload["lottery"] = 1.5
        return rows

    root = forged(trained, tmp_path, nonsense)  # type: ignore[arg-type]
    for name in ("control", "private", "checkpoints"):
        shutil.rmtree(root / name)
    (root / CRATE_MARK).write_text("{}")
    app = DempoApp(tmp_path, INTERVAL)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "unreadable")
        await pilot.press("enter")
        for number in range(1, len(PANES) + 1):
            await pilot.press(str(number))
            await pilot.pause(0.4)
            assert "\x1b" not in shown(app)
    assert app._exception is None


# ---------------------------------------------------------------- the command line


def test_the_list_and_the_run_say_it(runs: Path) -> None:
    listed = json.loads(dempo("list", "--json", "--runs-dir", runs).stdout)["runs"]
    assert {(row["folder"], row["origin"], row["imported"]) for row in listed} == {
        (imported_id(runs), "imported", True),
        (BY_HAND, "unpacked", True),
    }
    assert {"imported", "unpacked", BY_HAND} <= set(dempo("list", "--runs-dir", runs).stdout.split())
    told = dempo("show", imported_id(runs), "--runs-dir", runs).stdout
    assert "imported from theirs.zip" in told
    assert "; redacted" in told
    assert "checked at import: " in told
    assert "checked by nobody" in dempo("show", BY_HAND, "--runs-dir", runs).stdout
    origin = json.loads(dempo("show", imported_id(runs), "--json", "--runs-dir", runs).stdout)["origin"]
    assert (origin["how"], origin["source"], origin["redacted"], origin["verifier"]) == (
        "imported",
        "theirs.zip",
        True,
        "same",
    )
    assert origin["verdicts"]["chain"] == "ok"


@pytest.mark.parametrize(
    "words",
    [
        ("resume",),
        ("resume", "--detach"),
        ("stop",),
        ("draw", "commit", "main", "--source", "x"),
        ("draw", "reveal", "main", "7"),
        ("draw", "accept", "main"),
        ("draw", "reject", "main", "--reason", "x"),
        ("draw", "abort", "main", "--reason", "x"),
    ],
    ids=" ".join,
)
def test_commands_that_write_refuse_with_a_sentence(
    runs: Path, contents: dict[Path, bytes], words: tuple[str, ...]
) -> None:
    at = 2 if words[0] == "draw" else 1
    for name, sentence in ((BY_HAND, "was unzipped from somebody else's bundle"), (imported_id(runs), "was imported")):
        done = dempo(*words[:at], name, *words[at:], "--runs-dir", runs)
        assert done.returncode == 1
        assert sentence in done.stderr
        assert "`dempo clone`" in done.stderr
    assert files(runs) == contents


def test_a_head_is_printed_without_a_signature(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from signing import make_key

    from tui.commands.record.head import keepable

    monkeypatch.setenv("DEMPO_SIGNING_KEY", str(make_key(tmp_path)))
    for name in (BY_HAND, imported_id(runs)):
        assert "SIGNATURE" not in keepable(runs / name, False)


# ---------------------------------------------------------------- a bundle that somebody unzipped


def test_an_unzipped_bundle_is_read_with_the_same_guards(runs: Path, trained: Path) -> None:
    root = runs / BY_HAND
    assert is_imported(root)
    assert find_run(BY_HAND, runs) == root
    here, there = Reader(root), Reader(trained)
    assert {name: kept_rows(here, name) for name in VIEWS} == {name: kept_rows(there, name) for name in VIEWS}
    assert not [check for check in verify_all(root) if check.verdict == "failed"]


def test_an_unzipped_bundle_can_be_exported_and_imported(runs: Path, tmp_path: Path) -> None:
    export_run(runs / BY_HAND, tmp_path / "again.zip", told=silent)
    assert import_bundle(tmp_path / "again.zip", tmp_path / "runs", silent).redacted


@pytest.mark.parametrize(
    "change", ["DROP VIEW run; CREATE TABLE run (run_id TEXT)", "DROP TABLE blobs; CREATE VIEW blobs AS SELECT 1"]
)
def test_another_schema_is_not_read(bundle: Path, tmp_path: Path, change: str) -> None:
    root = unzipped(bundle, tmp_path / "run")
    with closing(sqlite3.connect(root / "audit.db")) as db:
        db.executescript(change)
    with pytest.raises(StorageError, match="came in a bundle and cannot be trusted: "):
        Reader(root).view("run")
    assert {check.verdict for check in verify_all(root) if check.name == "schema"} == {"failed"}


def test_a_note_out_of_the_bundle_is_not_believed(bundle: Path, tmp_path: Path) -> None:
    root = unzipped(bundle, tmp_path / "run")
    lie = {"source": "good.zip", "verifier": "same", "checks": [{"name": "chain", "verdict": "ok"}]}
    (root / MARK).write_text(json.dumps(lie))
    (root / "verify.py").write_text("print('all is well')\n")
    assert arrival(root) == "unpacked"
    origin = origin_of(root)
    assert origin is not None
    assert (origin.how, origin.verdicts, origin.verifier) == ("unpacked", (), "different")


@pytest.mark.parametrize(
    "note",
    [
        b"[" * 100_000,
        b'{"checks": 5, "source": [], "verifier": {}}',
        *(pytest.param(text, marks=pytest.mark.long) for text in (b"", b"[]", b"\xff")),
    ],
)
def test_a_note_that_says_nothing_is_no_error(bundle: Path, tmp_path: Path, note: bytes) -> None:
    root = Path(import_bundle(bundle, tmp_path, silent).path)
    (root / MARK).chmod(0o644)
    (root / MARK).write_bytes(note)
    origin = origin_of(root)
    assert origin is not None
    assert (origin.how, origin.source, origin.verdicts, origin.verifier) == ("imported", "", (), "unknown")


@pytest.mark.parametrize("name", ["config.toml", "artifacts"])
def test_a_link_in_an_unzipped_bundle_leads_nothing_out(bundle: Path, tmp_path: Path, name: str) -> None:
    """`unzip` makes links: an export of the folder would pass on what they lead to."""
    root = unzipped(bundle, tmp_path / "run")
    secret = tmp_path / "secret"
    secret.write_text("a key")
    shutil.rmtree(root / name, ignore_errors=True)
    (root / name).unlink(missing_ok=True)
    (root / name).symlink_to(secret)
    with pytest.raises(DempoError, match="is a link, which no bundle holds"):
        export_run(root, tmp_path / "out.zip", told=silent)
    assert not (tmp_path / "out.zip").exists()
