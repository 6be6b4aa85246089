"""What cannot be trained is told before a run is created, all of it at once, and not as a traceback an hour later."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from random_llama import save_random_llama
from test_training_stage import make_run
from training_world import make_config

from core.config import RunConfig
from core.errors import InputError
from core.facts.training.numbers import ONLY_BF16
from core.preflight import preflight
from core.sections.who_is_drawn import DataSection
from core.training.possible import check_training

FULL = '[[conditions]]\nname = "full"\nsource = "all"\n'
CHECKOUT = Path(__file__).parent.parent


def problems(config: RunConfig, trained: bool = True) -> list[str]:
    return [str(error) for error in check_training(config, trained)]


def wanting(**train: Any) -> list[str]:
    return problems(make_config(FULL, **train))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_random_llama(tmp_path_factory.mktemp("model") / "llama", positions=128)


def with_one_token_more(model: Path, folder: Path) -> Path:
    """The model with a tokenizer that was given a token which the embeddings don't have."""
    import shutil

    from core.chat import load_tokenizer

    shutil.copytree(model, folder)
    tokenizer = load_tokenizer(folder)
    tokenizer.add_tokens(["<think>"])
    tokenizer.save_pretrained(folder)
    return folder


def test_a_model_that_can_be_trained_is_no_problem(model: Path) -> None:
    assert wanting(model=model) == wanting() == []


@pytest.mark.parametrize(
    ("train", "told"),
    [
        (
            {"optimizer": "adamw_torch"},
            "no optimizer 'adamw_torch'; there are adamw, adamw_kahan, adamw_sr, adamw_sr_8bit",
        ),
        ({"optimizer": "stable_adamw"}, "there is no optimizer 'stable_adamw'"),
        ({"model": "./nowhere"}, "there is no folder './nowhere', and it is no name on the Hugging Face hub"),
    ],
)
def test_what_is_not_there_is_named(train: dict[str, Any], told: str) -> None:
    (found,) = wanting(**train)
    assert told in found


def test_a_package_that_an_optimizer_needs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.training.models.optimizers.find_spec", lambda name: None)
    for name, package in (("adamw_kahan", "torch-optimi"), ("adamw_sr", "torchao"), ("adamw_sr_8bit", "torchao")):
        (found,) = wanting(optimizer=name)
        told, remedy = found.split(" (")
        assert told == f"train.optimizer '{name}': this needs '{package}'; the package is not installed"
        assert remedy == f"`{sys.executable} -m pip install -e '{CHECKOUT}[lowmem]'`)"


@pytest.mark.parametrize("name", ONLY_BF16)
def test_an_optimizer_for_bf16_weights_refuses_others(name: str) -> None:
    assert wanting(optimizer=name, precision="bf16") == wanting(optimizer=name) == []
    for precision in ("fp32", "bf16_mixed"):
        (found,) = wanting(optimizer=name, precision=precision)
        assert f"train.optimizer '{name}' is made for bfloat16 weights, and train.precision is '{precision}'" in found
        assert "set that to 'bf16' or leave it out, or take 'adamw', which is for 'fp32', 'bf16_mixed'" in found


def test_plain_bf16_is_allowed_and_warned_of(tmp_path: Path) -> None:
    config = make_config(FULL, precision="bf16")
    config = config.model_copy(update={"data": DataSection(format="none")})
    (note,) = preflight(config, "train")
    assert "keep 4.8 % of the displacement" in note
    assert "'adamw_kahan', 'adamw_sr' or 'adamw_sr_8bit' keep all of it" in note
    assert preflight(config, "model") == ()
    for other in ({"precision": "fp32"}, {"precision": "bf16", "optimizer": "adamw_kahan"}, {}):
        assert config.train is not None
        better = config.model_copy(update={"train": make_config(FULL, **other).train})
        assert preflight(better, "train") == ()


def test_a_hub_name_that_cannot_be_had_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    (found,) = wanting(model="nobody/nothing")
    assert "cannot get train.model 'nobody/nothing' from the hub" in found


def test_a_tokenizer_larger_than_the_embeddings_is_told(model: Path, tmp_path: Path) -> None:
    folder = with_one_token_more(model, tmp_path / "more")
    rows = json.loads((folder / "config.json").read_text())["vocab_size"]
    (found,) = wanting(model=folder)
    assert f"its tokenizer has {rows + 1} tokens and the model embeddings for {rows}" in found
    (folder / "tokenizer.json").rename(folder / "kept.json")
    assert wanting(model=folder) == []
    (folder / "kept.json").rename(folder / "tokenizer.json")
    with pytest.raises(InputError, match="embeddings for"):  # what the small files don't tell, the stage does
        make_run(tmp_path / "run", FULL, model=folder).model()


def test_a_window_longer_than_the_model_is_told(model: Path, tmp_path: Path) -> None:
    assert wanting(model=model, max_length=128) == []
    (found,) = wanting(model=model, max_length=129)
    assert "train.max_length (129) is more than the 128 positions of" in found
    with pytest.raises(InputError, match="more than the 128 positions"):
        make_run(tmp_path / "run", FULL, model=model, max_length=129).model()


@pytest.mark.parametrize(("name", "told"), [("config.json", "holds no config.json"), ("model.safetensors", "holds no")])
def test_a_folder_that_is_no_whole_model_is_told(name: str, told: str, model: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(model, tmp_path / "part")
    (tmp_path / "part" / name).unlink()
    (found,) = wanting(model=tmp_path / "part")
    assert told in found


def test_options_without_effect_are_told_and_only_for_stages_that_are_asked_for() -> None:
    text = FULL + 'transform = "sqrt"\n[[conditions]]\nname = "base"\nsource = "all"\n'
    config = make_config(text, model="./nowhere")
    assert [told.split(":")[0] for told in problems(config)] == ["condition 'full'", "condition 'base'", "train.model"]
    assert len(problems(config, trained=False)) == 2
    assert problems(config.model_copy(update={"conditions": ()})) == []


def test_all_problems_are_told_together(tmp_path: Path) -> None:
    config = make_config(FULL, model="./nowhere", optimizer="adam")
    config = config.model_copy(update={"data": config.data.model_copy(update={"path": tmp_path / "none"})})
    with pytest.raises(InputError) as error:
        preflight(config, "train")
    head, *told = str(error.value).splitlines()
    assert head == "3 things are wrong with this configuration:"
    assert ["none" in told[0], "'adam'" in told[1], "./nowhere" in told[2]] == [True] * 3
    with pytest.raises(InputError, match="none"):
        preflight(config, "draw")


def test_training_is_looked_at_without_torch(model: Path) -> None:
    code = (
        "import sys; from training_world import make_config; from core.training.possible import check_training\n"
        f"found = list(check_training(make_config({FULL!r}, model={str(model)!r}, optimizer='adam'), True))\n"
        "print(len(found), [m for m in ('torch', 'transformers', 'trl', 'datasets') if m in sys.modules])"
    )
    path = os.pathsep.join([str(CHECKOUT), str(CHECKOUT / "tests"), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "1 []"


def test_a_run_that_goes_on_elsewhere_is_told_before_anything_is_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tmp_path, FULL, optimizer="adamw_kahan")
    run.model()
    monkeypatch.setattr("core.training.models.optimizers.find_spec", lambda name: None)
    run.recorder.fatal = ("unit", "reference")
    with pytest.raises(InputError, match=r"\[lowmem\]"):
        run.train()
