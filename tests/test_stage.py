"""Stages and units: what is recorded is not done again, and an interrupted unit is redone exactly."""

from __future__ import annotations

from pathlib import Path

import pytest
from memory_recorder import MemoryRecorder, make_context

from core.config_file import parse_config
from core.errors import InputError, Stopped
from core.events import OperatorAction, StageCompleted, StagePlanned, digest
from core.run_folder import RunFolder
from core.stage import Context, Stage, Unit, run_stage, stage_key

CONFIG = parse_config('[run]\nname = "x"\nseed = 5\n[data]\npath = "d"\n').config


def rolls(ctx: Context) -> tuple[str, ...]:
    """A stage of three units, each of which rolls a die from its own stream."""
    keys = ["a", "b", "c"]
    ctx.plan(len(keys))

    def roll(unit: Unit) -> None:
        unit.add(OperatorAction(action="roll", detail=str(ctx.stream(unit.key).below(1000))))

    events = [ctx.unit(key, roll) for key in keys]
    return tuple(event.detail for found in events for event in found if isinstance(event, OperatorAction))


STAGE = Stage("dice", 1, (), ("run",), "re-derive", rolls)


def folder_in(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "run")
    folder.create()
    return folder


def test_a_completed_stage_is_restored_without_recording_anything(tmp_path: Path) -> None:
    recorder, folder = MemoryRecorder(), folder_in(tmp_path)
    key = stage_key(STAGE, CONFIG, [])
    first = run_stage(STAGE, CONFIG, recorder, folder, key, [], None)
    recorded = len(recorder.events)
    assert run_stage(STAGE, CONFIG, recorder, folder, key, [], key) == first
    assert len(recorder.events) == recorded


def test_an_interrupted_stage_ends_with_the_same_events(tmp_path: Path) -> None:
    whole, broken, folder = MemoryRecorder(), MemoryRecorder(), folder_in(tmp_path)
    expected = run_stage(STAGE, CONFIG, whole, folder, digest(b"key"), [], None)

    def crash_at_b(ctx: Context) -> None:
        def roll(unit: Unit) -> None:
            if unit.key == "b":
                unit.now(OperatorAction(action="half", detail="of an attempt that never completed"))
                raise RuntimeError("power cut")
            unit.add(OperatorAction(action="roll", detail=str(ctx.stream(unit.key).below(1000))))

        for name in "abc":
            ctx.unit(name, roll)

    crashing = Stage("dice", 1, (), ("run",), "re-derive", crash_at_b)
    with pytest.raises(RuntimeError):
        run_stage(crashing, CONFIG, broken, folder, digest(b"key"), [], None)
    result = run_stage(STAGE, CONFIG, broken, folder, digest(b"key"), [], None)
    assert result == expected
    assert broken.attempts("dice") == {"a": 1, "b": 2, "c": 1}


def test_a_stage_recorded_under_another_key_is_not_mixed_with_this_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="another version of this program"):
        run_stage(STAGE, CONFIG, MemoryRecorder(), folder_in(tmp_path), "new", [], "old")


def test_the_key_depends_on_version_configuration_seed_and_inputs() -> None:
    other = parse_config('[run]\nname = "x"\nseed = 6\n[data]\npath = "d"\n').config
    second = Stage("dice", 2, (), ("run",), "re-derive", rolls)
    keys = {
        stage_key(STAGE, CONFIG, []),
        stage_key(STAGE, CONFIG, ["x"]),
        stage_key(STAGE, other, []),
        stage_key(second, CONFIG, []),
    }
    assert len(keys) == 4


def test_a_stop_request_ends_the_stage_between_two_units(tmp_path: Path) -> None:
    recorder, folder = MemoryRecorder(), folder_in(tmp_path)
    folder.stop_request.write_text("operator")
    with pytest.raises(Stopped):
        run_stage(STAGE, CONFIG, recorder, folder, digest(b"key"), [], None)
    assert not recorder.of_kind(StageCompleted)
    assert recorder.of_kind(StagePlanned) == [StagePlanned(name="dice", units=3)]


def test_hostile_text_is_stored_exactly_with_a_readable_twin(tmp_path: Path) -> None:
    ctx = make_context("s", CONFIG, tmp_path)
    unit = ctx.begin("u")
    text = unit.text("nul \0 and a lone \ud800 surrogate")
    unit.complete()
    assert ctx.recorder.text(text.sha256) == "nul \0 and a lone \ud800 surrogate"
    assert "\0" not in ctx.recorder.text(text.readable)
    plain = ctx.begin("v").text("plain")
    assert plain.shown is None


def test_an_artifact_that_was_changed_is_not_trusted(tmp_path: Path) -> None:
    ctx = make_context("s", CONFIG, tmp_path)
    artifact = ctx.store(b"schedule", "text/plain")
    assert ctx.load(artifact) == b"schedule"
    (ctx.folder.artifacts / artifact.sha256).write_bytes(b"other")
    with pytest.raises(InputError, match="does not hold what was recorded"):
        ctx.load(artifact)
    (ctx.folder.artifacts / artifact.sha256).unlink()
    with pytest.raises(InputError, match="cannot read"):
        ctx.load(artifact)
