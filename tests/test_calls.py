"""Calls at the same time: what one of them comes to is never the loss of another."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

import pytest
from memory_recorder import MemoryRecorder, make_context

from core.config import RunConfig
from core.errors import JudgeError
from core.evaluation.calls import run_concurrently
from core.stage import Unit


@dataclass(frozen=True)
class Task:
    key: str


@pytest.mark.parametrize("reason", [ZeroDivisionError, JudgeError])
def test_what_ends_the_stage_waits_for_the_calls_in_flight_and_records_them(
    tmp_path: Path, reason: type[Exception]
) -> None:
    """Also where it is a defect of the program, and where two calls have it."""
    ctx = make_context(
        "judge", RunConfig.model_validate({"run": {"name": "r"}, "data": {}}), tmp_path, MemoryRecorder()
    )
    recorded: list[str] = []

    def work(task: Task, stop: threading.Event) -> str:
        if task.key.startswith("broken"):
            raise reason(task.key)
        assert stop.wait(20), "it answers once the stage is ending"
        return f"answer to {task.key}"

    def finished(task: Task, unit: Unit, result: str) -> None:
        recorded.append(result)
        raise JudgeError("and the endpoint is of no use")

    tasks = [Task(key) for key in ("a", "broken", "b", "broken too", "c")]
    with pytest.raises(reason, match="broken"):
        run_concurrently(ctx, tasks, work, finished, width=lambda: 5, most=5)
    assert sorted(recorded) == ["answer to a", "answer to b", "answer to c"]


def test_a_place_is_filled_before_the_next_call_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Recording takes time, in which a place would stand empty for each of those that end together."""
    ctx = make_context(
        "judge", RunConfig.model_validate({"run": {"name": "r"}, "data": {}}), tmp_path, MemoryRecorder()
    )
    seen: list[str] = []
    both = threading.Barrier(2, timeout=20)
    begin = ctx.begin

    def begun(key: str) -> Unit:
        seen.append("begun")
        return begin(key)

    monkeypatch.setattr(ctx, "begin", begun)
    run_concurrently(
        ctx,
        [Task(str(number)) for number in range(4)],
        lambda task, stop: both.wait(),
        lambda task, unit, result: seen.append("recorded"),
        width=lambda: 2,
        most=2,
    )
    assert seen == ["begun", "begun", *["recorded", "begun"] * 2, "recorded", "recorded"]
