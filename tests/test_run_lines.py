"""What lists say of a run beside its state: how far it is, what is left, who leads, what proves it, and names."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sample_run

from core.events import StagePlanned, StageStarted, UnitCompleted
from core.program import machine
from core.program.machine import Devices, Machine
from core.run_folder import RunFolder
from storage.check import Check
from storage.record.foreign import MARK
from storage.record.log import Log
from storage.record.reader import RunSummary, summary_of
from storage.record.verified import note_verification, recorded_head
from storage.run_lines.how_far import HowFar, how_far
from storage.run_lines.said_of import said_of
from tui.commands.runs.listing import rows_of
from tui.commands.runs.run_list import RunList
from tui.screens.runs_list.machine_bar import MachineBar
from tui.screens.runs_list.run_labels import RunName, labels

GIB = 1024**3


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete run; tests only read it."""
    return sample_run.make_sample_run(tmp_path_factory.mktemp("complete"))


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    """A run whose engine has begun the stage `train`, of four units."""
    root = sample_run.make_sample_run(tmp_path, stop_before="train")
    with Log.open(RunFolder(root)) as log:
        log.record("run", [sample_run.started(resumed=True)])
        log.record("train", [StageStarted(name="train", key="0" * 64, version=1, replay="re-run")])
        log.record("train", [StagePlanned(name="train", units=4)])
        yield log


def done(log: Log, unit: str) -> None:
    log.record("train", [UnitCompleted(seconds=1.0)], unit=(unit, 1))


def line(log: Log) -> RunSummary:
    return summary_of(log.folder.root)


def noted(log: Log, *note: object) -> None:
    log._last_progress = 0.0  # else the second note in a moment is left out
    log.progress("train", *note)  # type: ignore[arg-type]


# ---------------------------------------------------------------- how far


def test_the_share_of_the_unit_under_way_counts(log: Log) -> None:
    assert how_far(line(log)).share == 0
    noted(log, 80, 100, "scoring the reference")
    assert how_far(line(log)).share == pytest.approx(0.8 / 4)
    done(log, "reference")
    assert how_far(line(log)).share == pytest.approx(1 / 4), "what the note told of is done, and counts once"
    noted(log, 10, 20, "measuring its update")
    assert how_far(line(log)).share == pytest.approx(1.5 / 4)


def test_where_the_engine_knows_how_long_the_stage_takes_its_note_is_of_the_whole_stage(log: Log) -> None:
    done(log, "reference")
    noted(log, 480, 1000, "soft: step 80 of 200", 93.5)
    assert how_far(line(log)) == HowFar(0.48, 93.5)


def test_what_is_left_follows_from_the_units_that_this_engine_has_done(log: Log) -> None:
    begun = datetime.now(UTC)
    assert how_far(line(log), begun + timedelta(seconds=50)).left is None, "nothing is done yet"
    done(log, "reference")
    left = how_far(line(log), begun + timedelta(seconds=50)).left
    assert left == pytest.approx(150, abs=5)
    log.record("run", [sample_run.started(resumed=True)])
    again = datetime.now(UTC)
    assert how_far(line(log), again + timedelta(seconds=50)).left is None, "that unit is of the engine before"
    done(log, "train:full")
    assert how_far(line(log), again + timedelta(seconds=50)).left == pytest.approx(100, abs=5)


def test_a_note_that_counts_units_or_is_of_another_stage_or_no_numbers_says_nothing_beside_the_record(log: Log) -> None:
    done(log, "reference")
    for note in ((3, 4, "counted"), (float("nan"), 10, ""), (-1, 10, ""), (1, 0, "")):
        noted(log, *note)
        assert how_far(line(log)).share == pytest.approx(1 / 4), note
    log._last_progress = 0.0
    log.progress("judge", 9, 10)
    assert how_far(line(log)).share == pytest.approx(1 / 4)
    log.folder.progress.write_text('{"stage": "train", "done": "many", "total": [], "detail": 3, "at": null}')
    assert how_far(line(log)).share == pytest.approx(1 / 4)


def test_of_a_unit_that_was_given_up_nothing_counts_and_a_complete_run_has_nothing_left(
    log: Log, complete: Path, tmp_path: Path
) -> None:
    done(log, "reference")
    noted(log, 80, 100, "measuring its update")
    root = Path(shutil.copytree(log.folder.root, tmp_path / "killed"))  # nobody holds its lock
    run = summary_of(root)
    assert (run.status, how_far(run)) == ("interrupted", HowFar(0.25))
    assert how_far(summary_of(complete)) == HowFar()
    assert (summary_of(complete).seconds or 0) > 0


# ---------------------------------------------------------------- what is said


def test_who_leads_is_the_first_by_the_primary_method_with_those_that_cannot_be_told_apart(complete: Path) -> None:
    said = said_of(summary_of(complete))
    assert said.leaders == ("soft", "hard")
    assert said.result.startswith("soft is ahead by Borda")
    assert (said.makings.sizes, said.makings.raters, said.makings.conditions) == ((4, 6), 12, 4)
    assert said.verified is None


def test_of_a_run_that_was_stopped_it_is_said_why(tmp_path: Path) -> None:
    said = said_of(summary_of(sample_run.make_sample_run(tmp_path, stop_before="draw")))
    assert (said.ended, said.leaders) == ("stopped on request", ())


def test_while_an_engine_works_nobody_leads(complete: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(complete, tmp_path / complete.name))
    with closing(Log.open(RunFolder(root))) as log:
        log.record("run", [sample_run.started(resumed=True)])
        assert said_of(summary_of(root)).leaders == ()
    assert said_of(summary_of(root)).leaders == ("soft", "hard")


def test_the_last_verification_stands_until_the_record_is_another(complete: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(complete, tmp_path / complete.name))
    seq, found = recorded_head(root)
    note_verification(root, (seq, found), [Check("file", "ok", "")])
    said = said_of(summary_of(root))
    assert said.verified is not None
    assert (said.verified.counts, said.grown) == ({"ok": 1}, False)
    with closing(Log.open(RunFolder(root))) as log:
        log.record("run", [sample_run.started(resumed=True)])
    assert said_of(summary_of(root)).grown
    note_verification(root, (seq, "another"), [Check("file", "ok", "")])
    assert said_of(summary_of(root)).verified is None
    note_verification(root, (seq, "another"), [Check("chain", "failed", "", 4)])
    told = said_of(summary_of(root)).verified
    assert told is not None
    assert (told.failed, told.event) == ("chain", 4)


def test_of_an_imported_run_it_is_what_was_found_at_its_import(complete: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(complete, tmp_path / complete.name))
    checks = [{"name": "file", "verdict": "ok"}, {"name": "registry", "verdict": "failed"}]
    (root / MARK).write_text(json.dumps({"imported_at": "2026-01-01T00:00:00Z", "checks": checks}))
    note_verification(root, recorded_head(root), [Check("file", "ok", "")])
    found = said_of(summary_of(root)).verified
    assert found is not None
    assert (found.at, found.counts, found.failed) == ("2026-01-01T00:00:00Z", {"ok": 1, "failed": 1}, "registry")


def test_dempo_list_says_the_same(complete: Path) -> None:
    (row,) = rows_of([summary_of(complete)], more=True)
    assert row["leaders"] == ["soft", "hard"]
    assert row["verified"] is None
    assert row["progress"] is row["seconds_left"] is None
    assert row["seconds"] > 0


def test_what_takes_longer_is_found_out_once_per_change(
    complete: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = Path(shutil.copytree(complete, tmp_path / complete.name))
    asked: list[Path] = []

    def counted(run: RunSummary) -> object:
        asked.append(run.root)
        return said_of(run)

    monkeypatch.setattr("storage.run_lines.said_of.said_of", counted)
    listed = RunList(tmp_path)
    first = listed.read()
    assert (first.unseen, first.said, asked) == ((root,), {}, []), "the first reading waits for nothing"
    listed.look_through(first.unseen)
    again = listed.read()
    assert (again.unseen, again.said[root].leaders, asked) == ((), ("soft", "hard"), [root])
    note_verification(root, recorded_head(root), [Check("file", "ok", "")])
    assert listed.read().unseen == (root,), "a note of a verification is looked at again"
    monkeypatch.setattr("tui.commands.runs.run_list.looked_through", None)
    listed.look_through([root])
    assert listed.read().said[root].verified is not None


# ---------------------------------------------------------------- names in short

TODAY = date(2026, 11, 28)


def named(name: str, at: str, seed: str = "5", simulated: bool = False) -> RunName:
    folder = f"{at}-{name}"
    created = datetime.strptime(at, "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    return RunName(folder, name, seed, created, simulated)


@pytest.mark.parametrize(
    ("run", "label"),
    [
        (named("demo", "20261128-122230"), "demo·5 12:22"),
        (named("demo", "20261128-122230", simulated=True), "demo◇5 12:22"),
        (named("us", "20261124-010203"), "us·5 Nov 24"),
        (named("us", "20250203-010203"), "us·5 Feb 2025"),
        (named("demo", "20261128-122230", "98765432109876"), "de…·…9876 12:22"),
        (named("a-name-of-many-words", "20261128-122230"), "a-name…·5 12:22"),
        (RunName.of_folder("20261128-122230-demo"), "demo 12:22"),
        (RunName.of_folder("a folder"), "a folder"),
    ],
)
def test_a_name_in_fifteen_cells(run: RunName, label: str) -> None:
    assert labels([run], TODAY, 15) == {run.folder: label}


def test_no_two_of_many_runs_have_one_label() -> None:
    runs = [named("demo", f"20261128-1222{second:02}") for second in range(60)]
    runs += [named("demo", f"2026112{day}-0{hour}0000") for day in range(8) for hour in range(3)]
    runs += [named(f"a-name-of-many-words-{k}", "20261128-122230") for k in range(20)]
    for width in (12, 15, 24):
        found = labels(runs, TODAY, width)
        assert len({*found.values()}) == len(runs), width
        assert max(map(len, found.values())) <= width


# ---------------------------------------------------------------- the machine


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A driver's tool that prints what a test writes down."""
    (tmp_path / "bin").mkdir()
    path = tmp_path / "bin" / "nvidia-smi"
    path.write_text(f"#!/bin/sh\n/bin/cat {tmp_path}/said\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(path.parent))
    return tmp_path / "said"


def test_devices_are_asked_of_the_drivers_tool(tool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool.write_text("60, 1024, 81920\n20, 3072, 81920\n")
    assert machine.devices_now() == Devices(2, pytest.approx(0.4), 4 * GIB, 160 * GIB)  # type: ignore[arg-type]
    tool.write_text("[N/A], [N/A], 81920\n")
    assert machine.devices_now() == Devices(1, None, 0, 80 * GIB)
    tool.write_text("No devices were found\n")
    assert machine.devices_now() is None
    monkeypatch.setenv("PATH", "")
    assert machine.devices_now() is None


def test_what_the_machine_does_not_say_is_left_out_and_a_full_disk_is_a_warning() -> None:
    def told(*parts: object) -> list[str]:
        return [part.plain for part in MachineBar().parts(Machine(*parts))]  # type: ignore[arg-type]

    assert told(41.3 * GIB, 9.4 * GIB, Devices(1, 0.63, 12 * GIB, 80 * GIB)) == [
        "disk 41 G",
        "GPU 60 % 12/80 G",
        "RAM 9.5 G",
    ]
    assert told(None, None, None) == []
    assert told(0.43 * GIB, None, None) == ["! disk low: 0.4 G"]


def test_a_figure_that_goes_to_and_fro_is_not_shown_anew() -> None:
    bar = MachineBar()
    shown = [bar.parts(Machine(int(gib * GIB), None, None))[0].plain for gib in (41.4, 41.6, 41.4, 41.7, 42.2)]
    assert shown == ["disk 41 G", "disk 41 G", "disk 41 G", "disk 41 G", "disk 42 G"]
