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
