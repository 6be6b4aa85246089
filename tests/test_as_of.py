"""Stepping through a record: what a view says of event N is what it said when event N was the last one."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import dempo
from golden import GOLDEN
from paper_record import WIN_MATRIX, write_record
from records import small_record
from sample_run import copy_prefix, make_sample_run
from timing import fastest

from core.data.pseudonyms import PLANTED
from core.events import OperatorAction
from core.program.environment import engine_started
from core.run_folder import RunFolder
from storage.errors import NotFound
from storage.record.foreign import MARK
from storage.record.log import Log
from storage.record.reader import Reader
from storage.record.rows import steps_under_way
from storage.record.schema import VIEWS
from storage.replay.replaying import replay_run

Answer = tuple[int, str, str]
Dempo = Callable[..., Answer]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sample_run(tmp_path_factory.mktemp("as-of"))


def views(reader: Reader) -> dict[str, list[dict[str, Any]]]:
    return {name: reader.view(name) for name in (*VIEWS, "events")}


def contents(root: Path) -> dict[str, str]:
    files = (path for path in root.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


# ---------------------------------------------------------------- what it says


@pytest.mark.long
def test_every_view_is_as_it_was_after_every_event(sample: Path, tmp_path: Path) -> None:
    """The other side is a record that ends there, as a crash would have left it."""
    last = Reader(sample).head()[0]
    for number in (1, 2, 9, *range(20, last, 23), last):
        was = Reader(copy_prefix(sample, tmp_path / str(number), number))
        now = Reader(sample, until=number)
        assert views(now) == views(was)
        assert now.head() == was.head() == (number, was.head()[1])
        assert steps_under_way(now) == steps_under_way(was)


@pytest.mark.parametrize("version", sorted(path.name for path in GOLDEN.parent.iterdir()))
@pytest.mark.parametrize("foreign", [False, True], ids=["own", "imported"])
def test_old_and_imported_records_are_stepped_through_alike(version: str, foreign: bool, tmp_path: Path) -> None:
    (stored,) = (path for path in (GOLDEN.parent / version).iterdir() if path.is_dir())
    root = Path(shutil.copytree(stored, tmp_path / stored.name))
    if foreign:
        (root / MARK).write_text("{}")
    last = Reader(root).head()[0]
    assert views(Reader(root, until=last)) == views(Reader(root))
    early = Reader(root, until=last // 2)
    assert early.view("events") == Reader(root).view("events")[: last // 2]
    assert early.view("leaderboards") == []
    assert [row["stage"] for row in early.view("stages")] != [row["stage"] for row in Reader(root).view("stages")]


def test_the_status_of_then_is_the_recorded_one(tmp_path: Path) -> None:
    """Nobody can know any more whether an engine held the lock."""
    root = small_record(tmp_path)
    with Log.open(RunFolder(root)) as log:
        log.record("run", [engine_started(resumed=False, secret=PLANTED)])
        started = log.head[0]
    assert Reader(root).status() == "interrupted"
    assert Reader(root, until=started).status() == "running"
    assert Reader(root, until=started - 1).status() == "created"


def test_an_engine_that_goes_on_changes_nothing_of_it(tmp_path: Path) -> None:
    root = small_record(tmp_path)
    early = Reader(root, until=3)
    before = views(early)
    with Log.open(RunFolder(root)) as log:
        log.record("run", [OperatorAction(action="note", detail="later")])
        assert views(early) == before


def test_nothing_is_written(sample: Path) -> None:
    views(Reader(sample, until=40))  # any reader of a record with a write-ahead log leaves the two files beside it
    before = contents(sample)
    views(Reader(sample, until=40))
    assert contents(sample) == before
    with pytest.raises(Exception, match=r"readonly|read-only|query_only|attempt to write"):
        Reader(sample, until=40).query("CREATE TABLE x (y)")


# ---------------------------------------------------------------- the command


def test_show_says_which_event_it_stands_at(sample: Path) -> None:
    until = next(row["seq"] for row in Reader(sample).view("events") if row["kind"] == "train.step")
    code, out, _ = dempo("show", sample, "--as-of", until)
    assert code == 0
    assert out.startswith(f"{sample.name}, as of event {until}: running\n")
    assert "Leaderboards" not in out
    assert "Leaderboards" in dempo("show", sample)[1]
    shown = json.loads(dempo("show", sample, "--as-of", until, "--json")[1])
    assert (shown["until"], shown["status"], shown["leaderboards"]) == (until, "running", [])
    assert [row["stage"] for row in shown["stages"]][-1] == "train"
    assert json.loads(dempo("show", sample, "--json")[1])["until"] == Reader(sample).head()[0]


def test_views_and_reasons_are_those_of_then(sample: Path) -> None:
    events = Reader(sample).view("events")
    step = [row["seq"] for row in events if row["kind"] == "train.step"]
    done = next(row["seq"] for row in events if row["kind"] == "unit.completed" and row["seq"] > step[0])
    rows = json.loads(dempo("show", sample, "--view", "train_steps", "--as-of", done, "--json")[1])["train_steps"]
    assert rows == Reader(sample).view("train_steps")[: len(rows)]
    assert 0 < len(rows) < len(step)
    listed = json.loads(dempo("show", sample, "--view", "events", "--as-of", 5, "--json")[1])["events"]
    assert [row["seq"] for row in listed] == [1, 2, 3, 4, 5]
    rater = Reader(sample).view("raters")[0]["rater_id"]
    built = next(row["seq"] for row in events if row["kind"] == "lottery.quotas")
    code, _, err = dempo("show", sample, "--why", rater, "--as-of", built)
    assert code == 2
    assert "no lottery is solved" in err
    assert dempo("show", sample, "--why", rater)[0] == 0


def test_show_and_replay_mean_the_same_by_as_of(sample: Path) -> None:
    last = Reader(sample).head()[0]
    refusals = [dempo(command, sample, "--as-of", last + 1) for command in ("show", "replay")]
    assert refusals[0] == refusals[1]
    assert refusals[0] == (2, "", f"dempo: --as-of {last + 1}: {sample.name} has the events 1 to {last}\n")
    for wrong in (0, -1, "x", "1.5"):
        for command in ("show", "replay"):
            assert dempo(command, sample, "--as-of", wrong)[0] == 2
    assert dempo("show", sample, "--as-of", 2**70)[0] == 2
    until = last // 2
    kinds = {row["seq"]: row["kind"] for row in Reader(sample, until=until).view("events")}
    found = [event for stage in replay_run(sample, until=until).stages for event in stage.events]
    assert {event.event: event.kind for event in found if event.event is not None} == kinds


def test_a_record_without_events_has_none_to_stand_at(tmp_path: Path) -> None:
    root = small_record(tmp_path)
    empty = copy_prefix(root, tmp_path / "empty", 0)
    with pytest.raises(NotFound, match=f"--as-of 1: {root.name} holds no event"):
        Reader(empty, until=1)


def test_of_a_view_and_a_reason_one_is_asked_for(sample: Path) -> None:
    code, out, err = dempo("show", sample, "--view", "raters", "--why", "x")
    assert (code, out) == (2, "")
    assert "--view and --why print different things; give one of them" in err


def test_what_is_not_there_is_wrong_input(sample: Path) -> None:
    for command in ("show", "resume", "stop", "verify", "watch", "clone", "replay", "head", "export"):
        code, _, err = dempo(command, "nobody", "--runs-dir", sample.parent)
        assert (command, code) == (command, 2)
        assert "is called 'nobody'; `dempo list` shows the runs" in err
    assert dempo("show", "", "--runs-dir", sample.parent)[0] == 2, "the empty text names no run, not the only one"
    code, _, err = dempo("show", sample, "--view", "winners")
    assert code == 2
    assert "there is no view 'winners'; the views are run, " in err


# ---------------------------------------------------------------- what it costs


@pytest.mark.long
def test_the_middle_of_a_large_record_is_read_as_fast_as_its_end(tmp_path: Path) -> None:
    root = tmp_path / "20260101-000000-paper"
    write_record(root, 1)
    whole = Reader(root)
    half = Reader(root, until=whole.head()[0] // 2)
    for query in (WIN_MATRIX, *(f"SELECT * FROM {name}" for name in ("answers", "rankings", "judge_calls", "stages"))):
        middle, end = fastest(lambda: half.query(query)), fastest(lambda: whole.query(query))  # noqa: B023 - called here
        assert middle < 2 * end + 0.3, query
