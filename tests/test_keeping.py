"""States and trained models on disk: when they are kept, in which numbers, and what happens where there is no room."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_training_stage import Killed, make_run
from training_world import make_pairs, make_tiny

from core.errors import DempoError, InputError, Stopped
from core.events import ReferenceComputed, TrainState, TrainStep
from core.facts.training.weight_files import WEIGHTS, WEIGHTS_INDEX
from core.training.checkpoints import flush, hash_files, verify
from core.training.keeping import room
from core.training.keeping.final_model import numbers_of, save_final
from core.training.models.model import load_model, require_weights, save_model

ONE = '[[conditions]]\nname = "full"\nsource = "all"\n'


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """An uninterrupted run that keeps no state."""
    run = make_run(tmp_path_factory.mktemp("whole"), ONE, checkpoint_minutes=1000)
    run.train()
    return run


def same(run: Any, whole: Any) -> bool:
    """Whether two runs ended with the same bits."""
    return run.steps() == whole.steps() and run.files() == whole.files()


# ---------------------------------------------------------------- when


class Clock:
    """A clock on which every optimizer step takes a quarter of an hour, and nothing else takes any time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from core.training.dpo import WeightedDPOTrainer

        self.now = 0.0
        take = WeightedDPOTrainer.take_metrics

        def slowly(trainer: Any) -> Any:
            self.now += 900
            return take(trainer)

        monkeypatch.setattr(WeightedDPOTrainer, "take_metrics", slowly)
        monkeypatch.setattr("core.training.callback.time", self)

    def monotonic(self) -> float:
        return self.now


def states(run: Any) -> list[int]:
    return [event.step for event in run.recorder.of_kind(TrainState)]


def test_a_state_is_kept_after_half_of_what_a_condition_takes(
    whole: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Clock(monkeypatch)
    run = make_run(tmp_path, ONE)
    run.config.train.__dict__["checkpoint_minutes"] = None
    run.train()
    assert states(run) == [3], "six steps of 15 minutes: after 45, and the model itself after 90"
    assert same(run, whole)
    (told,) = [detail for *_, detail in run.recorder.progresses if detail.startswith("full: step 3 of 6, ")]
    assert ", 45 m 00 s left, loss " in told


def test_a_short_condition_keeps_no_state(tmp_path: Path) -> None:
    run = make_run(tmp_path, ONE, steps=2)
    run.config.train.__dict__["checkpoint_minutes"] = None
    run.train()
    assert states(run) == []


@pytest.mark.parametrize(("minutes", "fatal", "kept"), [(None, 5, 3), (30, 4, 2), (1000, 4, None)])
def test_killed_between_two_states_it_ends_with_the_same_bits(
    minutes: float | None, fatal: int, kept: int | None, whole: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Clock(monkeypatch)
    run = make_run(tmp_path, ONE)
    run.config.train.__dict__["checkpoint_minutes"] = minutes
    run.recorder.fatal = ("full", fatal)
    with pytest.raises(Killed):
        run.train()
    assert states(run)[-1:] == [kept] * (kept is not None)
    run.recorder.fatal = None
    run.train()
    assert same(run, whole)


# ---------------------------------------------------------------- room


def free(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """The disk has so many bytes free beside the reserve."""
    monkeypatch.setattr(room, "free_bytes", lambda folder: size + room.RESERVE)


def sizes(run: Any) -> tuple[int, int]:
    """(final model, state) of a run in bytes."""
    numbers = numbers_of(run.root / "checkpoints" / "base")
    return numbers.size, 12 * numbers.parameters


def test_without_room_for_two_states_and_the_models_it_does_not_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tmp_path)
    run.model()
    final, state = sizes(run)
    free(monkeypatch, final + 2 * state - 1000)
    with pytest.raises(InputError, match=r"checkpoints needs up to .* GB for 2 trained models of .* and .* GB are fr"):
        run.train()
    assert run.recorder.of_kind(ReferenceComputed) == [], "nothing was computed in vain"
    free(monkeypatch, final + 2 * state + 1000)
    run.train()


def test_what_an_earlier_attempt_wrote_needs_no_room_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(tmp_path, ONE)
    run.recorder.fatal = ("full", 3)
    with pytest.raises(Killed):
        run.train()
    run.recorder.fatal = None
    _, state = sizes(run)
    free(monkeypatch, state + 1000)
    run.train()


def test_a_state_that_does_not_fit_is_said_and_training_goes_on(
    whole: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tmp_path, ONE)
    run.model()
    _, state = sizes(run)
    monkeypatch.setattr("core.training.callback.lacking_room", lambda folder, needed: str(needed))
    run.train()
    assert states(run) == []
    assert same(run, whole)
    told = [detail for *_, detail in run.recorder.progresses if "no state kept (" in detail]
    assert len(told) == 5, "from the step after the first try on"
    needed = int(told[0].partition("no state kept (")[2].partition(")")[0])
    assert state <= needed < 1.01 * state, "what the state would have taken"


def test_a_stop_without_room_for_a_state_keeps_the_one_before(
    whole: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tmp_path, ONE)
    seen = run.recorder.progress

    def stop_at_step_four(stage: str, done: float, total: float, detail: str = "", left: float | None = None) -> None:
        if detail.startswith("full: step 4 "):
            (tmp_path / "control" / "stop.request").touch()
            monkeypatch.setattr("core.training.callback.lacking_room", lambda folder, needed: "no room")
        seen(stage, done, total, detail, left)

    run.recorder.progress = stop_at_step_four
    with pytest.raises(Stopped):
        run.train()
    monkeypatch.undo()
    (tmp_path / "control" / "stop.request").unlink()
    assert states(run)[-1] == 3
    run.recorder.progress = seen
    run.train()
    assert same(run, whole)


def test_a_model_that_does_not_fit_leaves_the_state_and_is_written_later(
    whole: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tmp_path, ONE)
    seen = run.recorder.progress

    def fill_at_the_end(stage: str, done: float, total: float, detail: str = "", left: float | None = None) -> None:
        if detail.startswith("full: step 6 "):
            free(monkeypatch, 1000)
        seen(stage, done, total, detail, left)

    run.recorder.progress = fill_at_the_end
    with pytest.raises(DempoError, match="no room for its model .* resume, which goes on from its state after step 5"):
        run.train()
    assert verify(tmp_path / run.recorder.of_kind(TrainState)[-1].folder, run.recorder.of_kind(TrainState)[-1].files)
    assert not (tmp_path / "checkpoints" / "full").exists()
    monkeypatch.undo()
    run.recorder.progress = seen
    run.train()
    assert same(run, whole)


# ---------------------------------------------------------------- the final model


def stored_as(folder: Path, kind: str, tied: bool = True) -> Path:
    """A checkpoint of a tiny model whose weights are numbers of bfloat16, stored in some kind of numbers."""
    import torch

    tokenizer, model = make_tiny(make_pairs())
    model.config.tie_word_embeddings = tied
    model = model.bfloat16().to(getattr(torch, kind))
    save_model(model, tokenizer, folder)
    return folder


def tensors(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    found: dict[str, Any] = {}
    for path in folder.glob("*.safetensors"):
        found |= load_file(path)
    return found


def test_a_model_of_a_bfloat16_base_is_the_trained_one_rounded(tmp_path: Path) -> None:
    """Training is in float32 in both runs, from the same numbers; only what is kept differs."""
    import torch

    runs = {}
    for kind in ("float32", "bfloat16"):
        run = make_run(tmp_path / kind, ONE, model=stored_as(tmp_path / f"of-{kind}", kind))
        run.train()
        runs[kind] = tensors(tmp_path / kind / "checkpoints" / "full")
        settings = json.loads((tmp_path / kind / "checkpoints" / "full" / "config.json").read_text())
        assert settings["dtype"] == kind
        assert not settings.get("quantization_config")
    exact, kept = runs["float32"], runs["bfloat16"]
    assert exact.keys() == kept.keys()
    assert all(torch.equal(exact[name].bfloat16(), kept[name]) for name in exact)
    assert {tensor.dtype for tensor in exact.values()} == {torch.float32}
    before = tensors(tmp_path / "of-bfloat16")
    assert any(not torch.equal(before[name], kept[name]) for name in kept)


def test_each_tensor_keeps_the_numbers_of_its_own_in_the_base(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    folder = stored_as(tmp_path / "base", "bfloat16")
    mixed = {name: t.float() if "norm" in name else t for name, t in load_file(folder / WEIGHTS).items()}
    save_file(mixed, folder / WEIGHTS, metadata={"format": "pt"})
    numbers = numbers_of(folder)
    assert numbers.most == "bfloat16"
    assert numbers.parameters == sum(tensor.numel() for tensor in mixed.values())
    tokenizer, model = make_tiny(make_pairs())
    (tmp_path / "final").mkdir()
    save_final(model, tokenizer, tmp_path / "final", numbers)
    assert {n: t.dtype for n, t in tensors(tmp_path / "final").items()} == {n: t.dtype for n, t in mixed.items()}
    assert model.dtype == torch.float32, "the live model stays as it is"


@pytest.mark.parametrize("kind", ["float32", "bfloat16"])
def test_tied_weights_are_written_once(kind: str, tmp_path: Path) -> None:
    from core.sections.what_trains import TrainSection
    from core.training.models.precision import placement

    folder = stored_as(tmp_path / "base", kind)
    model = load_model(folder, placement(TrainSection(model="x", device="cpu")))
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    tokenizer, _ = make_tiny(make_pairs())
    final = tmp_path / "final"
    final.mkdir()
    save_final(model, tokenizer, final, numbers_of(folder))
    names = tensors(final).keys()
    assert "model.embed_tokens.weight" in names
    assert "lm_head.weight" not in names
    _write_the_head_too(final)
    with pytest.raises(DempoError, match="numbers were written of a model of .* some of them twice"):
        require_weights(final, model)


def _write_the_head_too(folder: Path) -> None:
    from safetensors.torch import save_file

    found = tensors(folder)
    found["lm_head.weight"] = found["model.embed_tokens.weight"].clone()
    save_file(found, folder / WEIGHTS, metadata={"format": "pt"})


def test_a_large_model_is_written_in_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.sections.what_trains import TrainSection
    from core.training.models.precision import placement

    base = stored_as(tmp_path / "base", "bfloat16")
    monkeypatch.setattr("core.training.models.model.SHARD", 40_000)
    run = make_run(tmp_path / "run", ONE, model=base, steps=2)
    run.train()
    final = tmp_path / "run" / "checkpoints" / "full"
    shards = sorted(final.glob("*.safetensors"))
    assert len(shards) > 1
    assert {path.name for path in shards} == set(json.loads((final / WEIGHTS_INDEX).read_text())["weight_map"].values())
    assert max(path.stat().st_size for path in shards) < 40_000 + 4_000, "and its header"
    require_weights(final, load_model(final, placement(TrainSection(model="x", device="cpu"))))
    (files,) = run.files().values()
    assert {path.name for path in shards} <= files.keys()


# ---------------------------------------------------------------- files and steps


def test_files_in_folders_of_a_folder_are_hashed_and_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    for name in ("one", "a/two", "a/b/three"):
        (tmp_path / name).write_text(name)
    files = hash_files(tmp_path)
    assert list(files) == ["a/b/three", "a/two", "one"]
    assert len(set(files.values())) == 3
    flushed: list[Path] = []
    monkeypatch.setattr("core.training.checkpoints.sync", flushed.append)
    flush(tmp_path)
    assert {tmp_path / name for name in (*files, "a", "a/b")} | {tmp_path, tmp_path.parent} == set(flushed)
    assert verify(tmp_path, files) == tmp_path
    (tmp_path / "a" / "two").write_text("2")
    with pytest.raises(InputError, match="a/two does not hold what was recorded"):
        verify(tmp_path, files)
    (tmp_path / "a" / "b" / "three").unlink()
    with pytest.raises(InputError, match="a/b/three is missing"):
        verify(tmp_path, files)


def test_a_step_says_what_its_pairs_are_worth_and_how_many_tokens_they_have(tmp_path: Path) -> None:
    text = '[[conditions]]\nname = "soft"\nsource = "lottery:main"\n' + (
        '[[conditions]]\nname = "drawn"\nsource = "lottery:main"\nestimator = "weighted_sampling"\n'
    )
    run = make_run(tmp_path, text, steps=3, max_length=256)
    run.train()
    soft, drawn = run.conditions()
    steps = run.recorder.of_kind(TrainStep)
    for step in steps[:3]:
        pairs = soft.schedule[step.step - 1]
        omega = (soft.weight / np.maximum(soft.pairs_of_rater, 1))[run.pairs.rater[pairs]]
        assert step.effective_pairs == pytest.approx(omega.sum() ** 2 / (omega**2).sum(), rel=1e-12)
        assert 1 <= step.effective_pairs < 4
    assert [step.effective_pairs for step in steps[3:]] == [4.0] * 3, "the weights have done their work"
    for step in steps:
        condition = soft if step.condition == "soft" else drawn
        assert step.tokens == _tokens_of(run, condition, step.step)
        assert step.memory is not None
        assert step.memory > 50_000_000, "a process that has loaded torch"


def _tokens_of(run: Any, condition: Any, step: int) -> int:
    """Tokens of the step's texts, each prompt once with either response; nothing here is too long for the window."""
    from core.chat import load_tokenizer, prompt_ids, response_ids

    tokenizer = load_tokenizer(run.root / "checkpoints" / "base")
    total = 0
    for pair in condition.schedule[step - 1]:
        both = [run.pairs.responses[i] for i in (run.pairs.chosen[pair], run.pairs.rejected[pair])]
        context = run.pairs.contexts[run.pairs.context[pair]]
        (prompt,) = prompt_ids(tokenizer, [context])
        total += sum(len(prompt) + len(response) for response in response_ids(tokenizer, [context, context], both))
    return total
