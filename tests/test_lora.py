"""Adapters in place of whole models: their start, what is kept of them, and who is told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from commands import answered, dempo
from random_llama import save_random_llama
from rewritten import changed_first, forged
from test_training_stage import Killed, Run, make_run
from training_world import make_config
from verified_runs import TINY, small_demo

from core.errors import InputError
from core.events import TrainCheckpoint, TrainStart
from core.facts.training.weight_files import ADAPTER, ADAPTER_SETTINGS, WEIGHTS
from core.training.models.adapters import BASE_MODEL
from core.training.models.model import load_model, names_of_weights
from core.training.models.precision import placement
from core.training.possible import check_training
from storage.verify import verify_all
from tui.commands.runs.process import work
from tui.terminal.console import Console

FULL = '[[conditions]]\nname = "full"\nsource = "all"\n'
LORA = {"lora": {"rank": 4, "alpha": 8}, "learning_rate": 1e-2}
LINEAR = 7
"""Linear layers of a Llama's block."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    made = make_run(tmp_path_factory.mktemp("lora"), FULL, **LORA)
    made.trained = made.train()
    return made


def weights(folder: Path, config) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in load_model(folder, placement(config.train)).state_dict().items()}


def test_an_adapter_starts_at_the_reference_and_learns(run: Run) -> None:
    (start,) = run.recorder.of_kind(TrainStart)
    assert start.largest_margin < 1e-4
    first, *_, last = run.steps().values()
    assert first[0] == pytest.approx(np.log(2), abs=1e-4)
    assert abs(last[1]) > 1e-3, "its margins are no longer those of the reference"


def test_a_checkpoint_holds_the_adapter_alone_and_names_its_base_as_a_neighbour(run: Run) -> None:
    folder = run.root / "checkpoints" / "full"
    (recorded,) = run.recorder.of_kind(TrainCheckpoint)
    assert {ADAPTER, ADAPTER_SETTINGS} <= recorded.files.keys()
    assert WEIGHTS not in recorded.files
    assert "README.md" not in recorded.files
    settings = (folder / ADAPTER_SETTINGS).read_text()
    assert json.loads(settings)["base_model_name_or_path"] == BASE_MODEL
    assert str(run.root) not in settings
    shapes = [value.shape for value in weights(run.root / "checkpoints" / "base", run.config).values()]
    assert recorded.adapter is not None
    assert 0 < recorded.adapter < sum(int(np.prod(shape)) for shape in shapes)


def test_the_base_under_an_adapter_is_what_it_was(run: Run) -> None:
    base = weights(run.root / "checkpoints" / "base", run.config)
    with_adapter = weights(run.root / "checkpoints" / "full", run.config)
    plain = {name.replace(".base_layer", ""): value for name, value in with_adapter.items() if "lora_" not in name}
    assert all(np.array_equal(plain[name], value) for name, value in base.items())
    changed = [value for name, value in with_adapter.items() if "lora_B" in name]
    assert len(changed) == 2 * LINEAR
    assert all(np.abs(value).max() > 0 for value in changed)


def test_merged_weights_are_whole_models_that_answer_alike(run: Run, tmp_path: Path) -> None:
    import torch

    merged = make_run(tmp_path, FULL, **LORA | {"lora": {**LORA["lora"], "merged": True}})
    merged.train()
    (recorded,) = merged.recorder.of_kind(TrainCheckpoint)
    assert WEIGHTS in recorded.files
    assert ADAPTER not in recorded.files
    assert ADAPTER_SETTINGS not in recorded.files
    assert recorded.adapter == run.recorder.of_kind(TrainCheckpoint)[0].adapter
    assert merged.steps() == run.steps()
    placed, ids = placement(run.config.train), torch.arange(5, 25)[None]
    with torch.no_grad():
        one, other = (
            load_model(made.root / "checkpoints" / "full", placed)(ids).logits.numpy() for made in (run, merged)
        )
        base = load_model(run.root / "checkpoints" / "base", placed)(ids).logits.numpy()
    assert np.abs(one - other).max() < 1e-4
    assert np.abs(one - base).max() > 1e-2


def test_an_interrupted_adapter_goes_on_to_the_bit(run: Run, tmp_path: Path) -> None:
    again = make_run(tmp_path, FULL, **LORA, checkpoint_minutes=0)
    again.recorder.fatal = ("full", 4)
    with pytest.raises(Killed):
        again.train()
    again.recorder.fatal = None
    again.train()
    assert again.steps() == run.steps()
    assert again.files() == run.files()


def test_an_adapter_of_a_changed_base_does_not_answer(run: Run, tmp_path: Path) -> None:
    made = make_run(tmp_path, FULL, **LORA)
    trained = made.train()
    settings = made.root / "checkpoints" / "base" / "config.json"
    settings.write_text(settings.read_text() + "\n")
    with pytest.raises(InputError, match="base/config.json does not hold what was recorded"):
        trained.verified("full")


def test_an_adapter_that_names_another_model_is_not_opened(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "stranger"
    folder.mkdir()
    for path in (run.root / "checkpoints" / "full").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    values = json.loads((folder / ADAPTER_SETTINGS).read_text())
    (folder / ADAPTER_SETTINGS).write_text(json.dumps(values | {"base_model_name_or_path": "/somewhere/else"}))
    with pytest.raises(InputError, match="an adapter of '/somewhere/else'; an adapter is opened beside the base model"):
        load_model(folder, placement(run.config.train))
    (folder / ADAPTER_SETTINGS).write_text("[]")
    with pytest.raises(InputError, match=r"adapter_config\.json cannot be read"):
        load_model(folder, placement(run.config.train))


@pytest.mark.long
def test_a_whole_run_says_before_every_board_that_adapters_were_trained(tmp_path: Path) -> None:
    root = small_demo(tmp_path, [*TINY, "train.lora.rank=2"])
    assert work(root, None, Console(quiet=True)) == 0
    checks = verify_all(root, files=True)
    assert {check.verdict for check in checks} <= {"ok", "unknown"}, [c for c in checks if c.verdict == "failed"]
    told = "not full-parameter: adapters of rank 2 (LoRA) were trained"
    assert told in dempo("show", root).stdout
    assert answered(dempo("show", root, "--json"))["lora_rank"] == 2
    for lie, says in (
        ({"adapter": 0}, "its adapter has 0 numbers"),
        ({"files": {WEIGHTS: "0" * 64}}, f"{ADAPTER} is not among its files"),
    ):
        copy = forged(root, tmp_path / says[:5], changed_first("train.checkpoint", **lie))
        (failed,) = [check for check in verify_all(copy, files=False) if check.name == "training"]
        assert failed.verdict == "failed"
        assert says in failed.detail


def test_names_of_weights_are_read_without_the_weights(tmp_path: Path) -> None:
    folder = save_random_llama(tmp_path / "llama")
    names = names_of_weights(folder)
    assert "model.layers.1.self_attn.q_proj.weight" in names
    assert "__metadata__" not in names
    (folder / WEIGHTS).write_bytes(b"\xff" * 8 + b"{}")
    with pytest.raises(InputError, match="is no safetensors file"):
        names_of_weights(folder)


@pytest.mark.parametrize(
    ("lora", "told"),
    [
        ({"targets": ["q_proj", "nothing"]}, "has no layer 'nothing'; there are "),
        ({"targets": ["proj"]}, "has no layer 'proj'; there are "),
    ],
)
def test_a_layer_that_the_model_has_not_is_told_before_a_run(
    tmp_path: Path, lora: dict[str, object], told: str
) -> None:
    folder = save_random_llama(tmp_path / "llama")
    (error,) = check_training(make_config(FULL, model=folder, lora=lora), True)
    assert told in str(error)
    assert not list(check_training(make_config(FULL, model=folder, lora={"targets": ["q_proj"]}), True))


def test_a_layer_of_a_model_that_is_made_here_is_told_once_it_is_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no layer 'nothing'"):
        make_run(tmp_path, FULL, lora={"targets": ["nothing"]}).model()
