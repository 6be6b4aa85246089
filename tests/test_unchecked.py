"""What is newer than the verifier, or could not be read, is *unchecked*: neither right nor forged, exit code 7."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from both_verifiers import checked, shipped
from bundles import contents, write_bundle
from commands import dempo
from records import small_record
from rewritten import Row, changed_first, forged
from strangers import as_a_stranger

from core.errors import Unchecked
from storage.check import Check
from storage.export.export import export_run
from storage.imports import importing
from storage.imports.examine import examine
from storage.imports.origin import origin_of
from storage.record import foreign
from storage.record.reader import Reader
from storage.verifier.ground import reading
from storage.verifier.ground.finding import Finding, concluded, rule_of
from storage.verifier.ground.record import Found, Record
from storage.verifier.ground.shapes import known_part, misfit
from storage.verifier.shipped import verifier_text
from storage.verifier.writer_facts import tree_facts
from tui.commands.record.origin_text import origin_lines


def later_event(rows: list[Row]) -> list[Row]:
    """With an event of a kind that no version so far writes."""
    return [*rows, Row("2026-01-02T00:00:00.000000Z", "run", "operator.thought", {"said": "hm"})]


def verified(*given: object) -> int:
    """The exit code of `dempo verify`, whose words are printed here."""
    ended = dempo("verify", *given)
    print(ended.stdout, end="")
    print(ended.stderr, end="", file=sys.stderr)
    return ended.returncode


def unlike(before: dict[str, Check], after: dict[str, Check]) -> dict[str, str]:
    """The verdicts that changed."""
    return {name: after[name].verdict for name in before if after[name].verdict != before[name].verdict}


# ------------------------------------------------------------ newer than the verifier


def test_an_event_of_a_newer_kind_is_unchecked_and_everything_else_is_checked(tmp_path: Path) -> None:
    root = small_record(tmp_path / "runs")
    before, after = checked(root), checked(forged(root, tmp_path / "copy", later_event))
    assert unlike(before, after) == {"events": "unchecked"}
    assert after["events"].event == Reader(root).head()[0] + 1
    assert "of the kind 'operator.thought', is newer than this verifier; use a newer dempo" in after["events"].detail


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("train.step", {"entropy": 0.5}),
        ("answer.given", {"unit": "full/0001", "attempt": 1, "voice": "calm"}),
        ("unit.completed", {"watts": 3}),
    ],
)
def test_a_field_that_is_newer_is_unchecked_and_the_others_count(
    kind: str, more: dict[str, Any], tmp_path: Path
) -> None:
    root = small_record(tmp_path / "runs")
    before, after = checked(root), checked(forged(root, tmp_path / "copy", changed_first(kind, **more)))
    assert unlike(before, after) == {"events": "unchecked"}
    assert "there is no field" in after["events"].detail


def test_a_newer_field_hides_no_wrong_one(tmp_path: Path) -> None:
    root = forged(
        small_record(tmp_path / "runs"), tmp_path / "copy", changed_first("train.step", entropy=1, loss="low")
    )
    assert checked(root)["events"].verdict == "failed"


def test_a_field_inside_a_field_is_newer_too() -> None:
    shape = {"rows": ["list", {"name": "str", "score?": ["or", "num", {"low": "num"}]}], "by": ["map", {"n": "int"}]}
    value = {"rows": [{"name": "a", "score": {"low": 1, "mid": 2}, "x": 0}], "by": {"k": {"n": 1, "m": 2}}, "rule": 3}
    assert misfit(value, shape) is not None
    known = known_part(value, shape)
    assert known == {"rows": [{"name": "a", "score": {"low": 1}}], "by": {"k": {"n": 1}}}
    assert misfit(known, shape) is None
    assert misfit(known_part({"rows": [{"name": 1, "x": 0}], "by": {}}, shape), shape) is not None


def test_a_newer_schema_is_unchecked(tmp_path: Path) -> None:
    root = small_record(tmp_path / "runs")
    with sqlite3.connect(root / "audit.db") as db:
        db.execute("PRAGMA user_version = 9")
    assert (found := checked(root)["schema"]).verdict == "unchecked"
    assert "is newer than" in found.detail
    with sqlite3.connect(root / "audit.db") as db:
        db.execute("CREATE TABLE more (a)")
    assert checked(root)["schema"].verdict == "unchecked"


def rule_event(**values: Any) -> Found:
    return Found(5, "rank", "leaderboard.computed", None, 0, values, "")


def test_rules_are_numbered_from_1_and_one_above_the_last_is_unchecked() -> None:
    assert rule_of(rule_event(rule=1), 2, "the board") == 1
    assert rule_of(rule_event(rule=2), 2, "the board") == 2
    for rule, verdict in ((3, "unchecked"), (0, "failed"), (-1, "failed")):
        with pytest.raises(Finding) as found:
            rule_of(rule_event(rule=rule), 2, "the board")
        assert (found.value.verdict, found.value.event) == (verdict, 5)


# ------------------------------------------------------------ could not be read


def test_what_only_takes_long_is_unchecked_and_not_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = small_record(tmp_path)
    for module in (reading, shipped()):
        monkeypatch.setattr(module, "PATIENCE", -1.0)
        monkeypatch.setattr(module, "STEPS_BETWEEN_LOOKS", 10)
    verdicts = {check.verdict for check in checked(root).values()}
    assert verdicts <= {"unchecked", "unknown"}
    assert "unchecked" in verdicts


def test_a_record_that_was_waited_for_is_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds of the clock pass too where the disk is slow or the process was stopped; only computing counts."""
    root = small_record(tmp_path)
    clock = iter(range(0, 10**9, 10_000))
    monkeypatch.setattr(reading.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(reading, "STEPS_BETWEEN_LOOKS", 10)
    assert checked(root)["chain"].verdict == "ok"


def test_a_check_that_asks_for_all_memory_is_unchecked(tmp_path: Path) -> None:
    def greedy(record: Record) -> str:
        raise MemoryError

    record = reading.read_record(small_record(tmp_path) / "audit.db", tree_facts())
    assert concluded("greedy", greedy, record).verdict == "unchecked"


def test_a_value_that_is_too_large_to_read_is_unchecked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = small_record(tmp_path)
    for module in (reading, shipped()):
        monkeypatch.setattr(module, "LARGEST_TABLE_VALUE", 40)
    assert {check.verdict for check in checked(root).values()} <= {"unchecked", "unknown"}


def test_a_record_whose_file_is_closed_is_no_forgery(tmp_path: Path) -> None:
    """Of a file that nobody may read nothing is said, least of all where it breaks."""
    root = small_record(tmp_path)
    (root / "verify.py").write_text(verifier_text(), encoding="utf-8")
    (root / "audit.db").chmod(0)
    command = [*as_a_stranger(), sys.executable, "-I", "verify.py"]
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (7, "verify: audit.db cannot be read: Permission denied\n")
    script = (
        "import sys, pathlib; from storage.verifier.writer_facts import tree_facts; "
        "from storage.verifier.ground.reading import read_record; from storage.verifier.checks import checks_of; "
        "from storage.verifier.vouching.vouching import summary_of; "
        "print(summary_of(checks_of(read_record(pathlib.Path(sys.argv[1]), tree_facts()))))"
    )
    command = [*as_a_stranger(), sys.executable, "-c", script, str(root / "audit.db")]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "nothing that was checked is wrong" in told
    assert "failed" not in told


def test_a_journal_that_is_left_to_roll_back_is_no_forgery() -> None:
    error = sqlite3.OperationalError("attempt to write a readonly database")
    error.sqlite_errorcode = sqlite3.SQLITE_READONLY_ROLLBACK
    assert reading.is_hindrance(error)


def test_a_damaged_file_is_failed_still(tmp_path: Path) -> None:
    root = small_record(tmp_path)
    body = bytearray((root / "audit.db").read_bytes())
    body[4096 : 4096 + 200] = b"\xff" * 200
    (root / "audit.db").write_bytes(bytes(body))
    assert "failed" in {check.verdict for check in checked(root).values()}


# ------------------------------------------------------------ how it is told


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_both_commands_end_with_7(options: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = forged(small_record(tmp_path / "runs"), tmp_path / "copy", later_event)

    def code(alone: bool, *more: str) -> int:
        given = [str(root), *options, *more]
        return int(shipped().main(shipped().WRITTEN, given)) if alone else verified(*given)

    for alone in (True, False):
        assert code(alone) == 7
        said = capsys.readouterr().out
        if options:
            told = json.loads(said)
            assert (told["ok"], told["checks"][4]["verdict"]) == (False, "unchecked")
            said = told["summary"]
        assert "1 unchecked" in said
        assert "nothing that was checked is wrong; could not be checked: events" in said
        assert code(alone, "--allow", "events, chain") == 0
        assert code(alone, "--allow", "chain") == 7
        capsys.readouterr()
        assert code(alone, "--allow", "event") == 2
        assert "there is no check 'event'; the checks are file, schema" in capsys.readouterr().err


def test_what_is_required_has_to_be_ok(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = small_record(tmp_path / "runs")
    for run in (
        lambda *more: shipped().main(shipped().WRITTEN, [str(root), *more]),
        lambda *m: verified(root, *m),
    ):
        without = run()
        assert run("--require", "chain, events") == without
        assert run("--require", "chain,signatures") == 4, "no head is signed, which is unknown"
        capsys.readouterr()
        assert run("--require", "stage") == 2
        assert "--require: there is no check 'stage'; the checks are file, schema" in capsys.readouterr().err


def test_what_failed_wins(tmp_path: Path) -> None:
    def change(rows: list[Row]) -> list[Row]:
        rows[0].payload["seed"] = "6"
        return later_event(rows)

    root = forged(small_record(tmp_path / "runs"), tmp_path / "copy", change)
    assert shipped().main(shipped().WRITTEN, [str(root), "--allow", "events"]) == 4
    assert dempo("verify", root, "--allow", "events").returncode == 4


@pytest.fixture
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "examined", lambda root, runs, told: examine(root, runs))


@pytest.mark.usefixtures("_here")
def test_a_bundle_with_something_newer_is_imported_and_said_to_be(tmp_path: Path) -> None:
    root = forged(small_record(tmp_path / "runs"), tmp_path / "copy", later_event)
    bundle = tmp_path / "run.zip"
    export_run(root, bundle, told=lambda what, done, total: None)
    report = contents(bundle)["report.html"].decode()
    assert "1 unchecked (events)" in report
    assert '<tr class="unchecked"><td>events</td><td>unchecked</td>' in report
    imported = dempo("import", bundle, "--runs-dir", tmp_path / "here")
    assert imported.returncode == 7
    assert "could not be checked: events" in imported.stdout
    assert "was imported; check 'events' could not be made: " in imported.stderr
    here = tmp_path / "here" / root.name
    assert "1 unchecked (events)" in " ".join(origin_lines(origin_of(here)))
    assert dempo("show", here).returncode == 0
    assert Reader(here).head() == Reader(root).head()


@pytest.mark.usefixtures("_here")
def test_a_bundle_of_a_newer_schema_is_refused_with_7(tmp_path: Path) -> None:
    root, bundle = small_record(tmp_path / "runs"), tmp_path / "run.zip"
    export_run(root, bundle, told=lambda what, done, total: None)
    files = contents(bundle)
    database = tmp_path / "newer.db"
    database.write_bytes(files["audit.db"])
    with sqlite3.connect(database) as db:
        db.execute("PRAGMA user_version = 9")
    write_bundle(files | {"audit.db": database.read_bytes()}, bundle)
    with pytest.raises(Unchecked, match="version 9 is newer"):
        importing.import_bundle(bundle, tmp_path / "here", told=lambda what, done, total: None)
    assert not (tmp_path / "here" / root.name).exists()


@pytest.mark.usefixtures("_here")
def test_a_bundle_that_takes_too_long_to_read_is_refused_with_7(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, bundle = small_record(tmp_path / "runs"), tmp_path / "run.zip"
    export_run(root, bundle, told=lambda what, done, total: None)
    monkeypatch.setattr(foreign, "SECONDS", -1.0)
    monkeypatch.setattr(foreign, "_INSTRUCTIONS", 10)
    with pytest.raises(Unchecked, match="interrupted"):
        importing.import_bundle(bundle, tmp_path / "here", told=lambda what, done, total: None)
    assert not (tmp_path / "here" / root.name).exists()
