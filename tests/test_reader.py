"""Reading runs: views show the last completed attempt, status follows the lock, and prefixes find runs."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import pytest
from records import small_record, step

from core.data.pseudonyms import PLANTED
from core.events import EngineStopped, OperatorAction, TrainStep
from core.run_folder import RunFolder
from storage.errors import StorageError
from storage.record.create import create_run
from storage.record.log import Log
from storage.record.reader import Reader, find_run, list_runs
from storage.record.rows import VIEW_OF, StepRow, of_view, steps_under_way, view_rows
from storage.record.schema import VIEWS


def test_views_show_the_last_completed_attempt_only(tmp_path: Path) -> None:
    root = small_record(tmp_path)
    with Log.open(RunFolder(root)) as log:
        log.record("train", [step(3)], unit=("full/0002", 1))
    reader = Reader(root)
    assert [(row["step"], row["loss"]) for row in reader.view("train_steps")] == [(1, 0.7), (2, 0.6)]
    assert [row.step for row in steps_under_way(reader)] == [1, 2, 3]
    with Log.open(RunFolder(root)) as log:
        again = step(3, loss=0.55).model_copy(update={"tokens": 90, "effective_pairs": 3.5, "memory": 7})
        log.record("train", [again], unit=("full/0002", 2))
    last = steps_under_way(reader)[-1]
    assert (last.step, last.loss, last.tokens, last.effective_pairs, last.memory) == (3, 0.55, 90, 3.5, 7)
    assert reader.view("answers")[0]["answer"] == "An answer."


def test_every_view_can_be_read_on_an_almost_empty_record(tmp_path: Path) -> None:
    reader = Reader(small_record(tmp_path))
    for name in VIEWS:
        reader.view(name)
    with pytest.raises(StorageError, match="there is no view 'winners'; the views are run, "):
        reader.view("winners")


def test_rows_of_views_name_columns_that_their_views_have(tmp_path: Path) -> None:
    reader = Reader(small_record(tmp_path))
    for kind, view in VIEW_OF.items():
        columns = ", ".join(field.name for field in fields(kind))
        reader.query(f"SELECT {columns} FROM {view}")
    assert [(row.step, row.loss) for row in view_rows(reader, StepRow, "WHERE step > ?", [1])] == [(2, 0.6)]


def test_a_row_of_one_kind_of_event_has_no_column_that_the_event_lacks() -> None:
    with pytest.raises(TypeError, match=r"Wrong: colour: no fields of train\.step"):

        @of_view("train_steps", TrainStep)
        @dataclass(frozen=True)
        class Wrong:
            step: int
            colour: str


def test_a_join_of_two_views_uses_an_index(tmp_path: Path) -> None:
    """Without one, the win matrix of 15,000 rankings takes minutes."""
    win_matrix = """SELECT a.condition, b.condition, count(*) FROM rankings a JOIN rankings b
        ON a.question_id = b.question_id AND a.judge = b.judge AND a.position < b.position GROUP BY 1, 2"""
    plan = Reader(small_record(tmp_path)).query(f"EXPLAIN QUERY PLAN {win_matrix}")
    joined = [row["detail"] for row in plan if "question_id=?" in row["detail"]]
    assert joined
    assert all("AUTOMATIC" in detail for detail in joined)


def test_a_run_that_says_running_without_an_engine_was_interrupted(tmp_path: Path) -> None:
    from core.program.environment import engine_started

    root = small_record(tmp_path)
    reader = Reader(root)
    assert reader.status() == "created"
    with Log.open(RunFolder(root)) as log:
        log.record("run", [engine_started(resumed=False, secret=PLANTED)])
        assert reader.status() == "running"
        assert reader.engine_pid() is not None
    assert reader.status() == "interrupted"
    assert reader.engine_pid() is None
    with Log.open(RunFolder(root)) as log:
        log.record("run", [EngineStopped(outcome="completed", reason="all stages", exit_code=0)])
    assert reader.status() == "completed"


def test_a_reader_sees_what_an_engine_writes_meanwhile(tmp_path: Path) -> None:
    root = small_record(tmp_path)
    reader = Reader(root)
    seen = reader.head()[0]
    with Log.open(RunFolder(root)) as log:
        log.record("run", [OperatorAction(action="note", detail="now")])
        assert [row["kind"] for row in reader.events_after(seen)] == ["operator.action"]


def test_readers_cannot_write(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="readonly|read-only|query_only|attempt to write"):
        Reader(small_record(tmp_path)).query("CREATE TABLE x (y)")


def test_runs_are_found_by_prefix_folder_or_not_at_all(tmp_path: Path) -> None:
    first = small_record(tmp_path, "20260101-000000-first")
    second = small_record(tmp_path, "20260102-000000-second")
    assert find_run("20260102", tmp_path) == second
    assert find_run(str(first), Path("elsewhere")) == first
    with pytest.raises(StorageError, match=r"fits several runs: 20260102-000000-second, 20260101-000000-first"):
        find_run("2026", tmp_path)
    with pytest.raises(StorageError, match="no run in .* is called 'x'"):
        find_run("x", tmp_path)


def test_a_damaged_run_is_listed_with_its_reason(tmp_path: Path) -> None:
    root = small_record(tmp_path)
    (root / "audit.db").write_bytes(b"not a database" * 50)
    (summary,) = list_runs(tmp_path)
    assert summary.status == "unreadable"
    assert "damaged" in summary.detail


def test_creating_a_run_registers_it(tmp_path: Path) -> None:
    import sqlite3

    from records import CONFIG

    root = create_run(CONFIG, "[run]", tmp_path)
    with sqlite3.connect(tmp_path / "registry.db") as db:
        ((payload,),) = db.execute("SELECT payload FROM entries").fetchall()
    assert root.name in payload
    assert Reader(root).head()[1] in payload
    assert (root / "config.toml").read_text() == "[run]"
    assert oct((root / "private").stat().st_mode)[-3:] == "700"
