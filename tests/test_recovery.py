"""The stage `recovery`: a wrong measure here would make the demo's claim worthless."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from memory_recorder import MemoryRecorder, make_context
from training_world import CONDITIONS, make_config, make_pairs, make_tiny

from core.chat import load_tokenizer
from core.config import RunConfig
from core.data.planted import world as world_module
from core.data.planted.world import load_world
from core.data.planted.world_folder import write_world
from core.data.planted.world_texts import styles
from core.errors import InputError, Stopped
from core.events import RecoveryMeasured
from core.training.checkpoints import hash_files
from core.training.models.model import save_model
from core.training.recovery import (
    agreement_ceiling,
    log_loss_floor,
    margin_agreement,
    population_log_loss,
    recovery,
)
from core.training.stage import Trained

probabilities = st.lists(st.floats(0, 1), min_size=1, max_size=20).map(np.array)


def test_log_loss_and_agreement_of_a_hand_worked_case() -> None:
    """Margins 0, ln 3 and −ln 3, so σ(m) = ½, ¾ and ¼; citizens choose the first with 1, ¼ and ¼.

    log-loss: ln 2;  −¼·ln ¾ − ¾·ln ¼ = 1.111640;  −¼·ln ¼ − ¾·ln ¾ = 0.562335.  agreement: ½, ¼, ¾.
    """
    p, m = np.array([1.0, 0.25, 0.25]), np.array([0.0, math.log(3), -math.log(3)])
    assert population_log_loss(p, m) == pytest.approx((0.693147 + 1.111640 + 0.562335) / 3, abs=1e-6)
    assert margin_agreement(p, m) == pytest.approx(0.5)
    assert agreement_ceiling(p) == pytest.approx((1 + 0.75 + 0.75) / 3)
    assert log_loss_floor(p) == pytest.approx((0 + 0.562335 + 0.562335) / 3, abs=1e-6)


@given(probabilities, st.floats(-30, 30))
def test_no_margin_beats_the_floor_or_the_ceiling(p: np.ndarray, shift: float) -> None:
    margin = np.linspace(-3, 3, len(p)) + shift
    assert population_log_loss(p, margin) >= log_loss_floor(p) - 1e-12
    assert margin_agreement(p, margin) <= agreement_ceiling(p) + 1e-12


@given(st.lists(st.floats(1e-6, 1 - 1e-6), min_size=1, max_size=20).map(np.array))
def test_margins_that_know_the_truth_reach_both(p: np.ndarray) -> None:
    margin = np.log(p) - np.log1p(-p)
    assert population_log_loss(p, margin) == pytest.approx(log_loss_floor(p), abs=1e-9)
    assert margin_agreement(p, margin) == pytest.approx(agreement_ceiling(p))


def test_huge_margins_give_a_finite_loss_and_a_broken_model_gives_no_number() -> None:
    assert population_log_loss(np.array([1.0, 0.0]), np.array([-900.0, -900.0])) == pytest.approx(450)
    broken = np.array([math.nan, 1.0])
    assert math.isnan(population_log_loss(np.array([0.5, 0.5]), broken))
    assert math.isnan(margin_agreement(np.array([0.5, 0.5]), broken))


# ---------------------------------------------------------------- the stage


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world_module, "HELD_OUT_PAIRS_PER_PROMPT", 1)
        yield Case(tmp_path_factory.mktemp("recovery"))


class Case:
    """A world, a base model, two models near it, and the configuration of a run with them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        write_world(root / "world", "planted", 5)
        config = make_config(CONDITIONS, max_length=256)
        self.config: RunConfig = config.model_copy(
            update={"data": config.data.model_copy(update={"path": root / "world"})}
        )
        self.pairs = make_pairs()
        tokenizer, base = make_tiny(self.pairs, seed=3)
        self.trained = self._trained(tokenizer, {"base": base, **{n: self._near(base, s) for n, s in NEAR.items()}})

    def _near(self, base: Any, seed: int) -> Any:
        import torch
        from transformers import LlamaForCausalLM

        model = LlamaForCausalLM(base.config)
        model.load_state_dict(base.state_dict())
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for weights in model.parameters():
                weights += 0.05 * torch.randn(weights.shape, generator=generator)
        return model

    def _trained(self, tokenizer: Any, models: dict[str, Any]) -> Trained:
        folders = {name: self.root / name for name in models}
        for name, model in models.items():
            save_model(model, tokenizer, folders[name])
        files = {name: hash_files(folder) for name, folder in folders.items()}
        return Trained(models=folders, files=files, base=folders["base"], base_files=files["base"])

    def run(self, root: Path, recorder: MemoryRecorder | None = None) -> tuple[RecoveryMeasured, ...]:
        return recovery(make_context("recovery", self.config, root, recorder), self.pairs, self.trained)


NEAR = {"full": 11, "soft": 12}


def plain_margins(case: Case, condition: str) -> tuple[np.ndarray, np.ndarray]:
    """(margins, probabilities) by another way: one sequence at a time, a whole softmax, text put together by hand."""
    import torch
    from transformers import AutoModelForCausalLM

    tokenizer = load_tokenizer(case.trained.base)

    def score(model: Any, prompt: str, answer: str) -> float:
        head = tokenizer(f"<|bos|>User: {prompt}\nAssistant:", add_special_tokens=False)["input_ids"]
        tail = tokenizer(f" {answer}<|eos|>", add_special_tokens=False)["input_ids"]
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([head + tail])).logits[0].double()
        logs = logits.log_softmax(-1)
        return sum(float(logs[len(head) + i - 1, token]) for i, token in enumerate(tail))

    policy = AutoModelForCausalLM.from_pretrained(case.trained.models[condition])
    base = AutoModelForCausalLM.from_pretrained(case.trained.base)
    world = load_world(case.root / "world" / "world.json")
    margins, probability = [], []
    for prompt, first, second in world.held_out_pairs():
        gains = [score(policy, prompt, answer) - score(base, prompt, answer) for answer in (first, second)]
        margins.append(0.5 * (gains[0] - gains[1]))
        probability.append(float(world.choice_probability((styles(first) - styles(second))[None])[0]))
    return np.array(margins), np.array(probability)


def test_the_stage_measures_what_a_plain_computation_measures(case: Case, tmp_path: Path) -> None:
    found = {r.condition: r for r in case.run(tmp_path)}
    assert list(found) == ["base", "full", "soft"]
    margins, p = plain_margins(case, "soft")
    assert np.abs(margins).max() > 0.05, "the models differ, so the comparison means something"
    expected = np.mean(-p * np.log(1 / (1 + np.exp(-margins))) - (1 - p) * np.log(1 / (1 + np.exp(margins))))
    assert found["soft"].population_log_loss == pytest.approx(expected, abs=1e-5)
    assert found["soft"].margin_agreement == pytest.approx(np.mean(np.where(margins > 0, p, 1 - p)), abs=1e-6)
    assert found["soft"].pairs == 60


def test_the_base_is_exactly_undecided(case: Case, tmp_path: Path) -> None:
    base = case.run(tmp_path)[0]
    assert (base.population_log_loss, base.margin_agreement) == (pytest.approx(math.log(2), abs=1e-15), 0.5)
    assert base.floor < math.log(2)


def test_an_interrupted_stage_goes_on_and_a_complete_one_is_read_from_the_record(case: Case, tmp_path: Path) -> None:
    whole = case.run(tmp_path / "whole")
    ctx = make_context("recovery", case.config, tmp_path / "cut")

    class StopsAfterOne(MemoryRecorder):
        def record(self, stage: str, events: Any, **more: Any) -> None:
            super().record(stage, events, **more)
            if any(isinstance(event, RecoveryMeasured) and event.condition == "full" for event in events):
                ctx.folder.stop_request.touch()

    fragile = StopsAfterOne()
    with pytest.raises(Stopped):
        case.run(tmp_path / "cut", fragile)
    ctx.folder.stop_request.unlink()
    assert len(fragile.of_kind(RecoveryMeasured)) == 2
    assert case.run(tmp_path / "cut", fragile) == whole
    assert [m.condition for m in fragile.of_kind(RecoveryMeasured)] == ["base", "full", "soft"]
    assert case.run(tmp_path / "cut", fragile) == whole
    assert len(fragile.of_kind(RecoveryMeasured)) == 3
    assert fragile.of_kind(RecoveryMeasured)[1] == whole[1]


def test_a_changed_checkpoint_is_refused(case: Case, tmp_path: Path) -> None:
    folder = tmp_path / "full"
    shutil.copytree(case.trained.models["full"], folder)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    trained = replace(case.trained, models={"full": folder}, files={"full": case.trained.files["full"]})
    with pytest.raises(InputError, match="does not hold what was recorded"):
        recovery(make_context("recovery", case.config, tmp_path / "run"), case.pairs, trained)


def test_without_a_world_there_is_no_truth_to_compare_with(case: Case, tmp_path: Path) -> None:
    config = case.config.model_copy(update={"data": case.config.data.model_copy(update={"world": None})})
    with pytest.raises(InputError, match=r"data\.world"):
        recovery(make_context("recovery", config, tmp_path), case.pairs, case.trained)
