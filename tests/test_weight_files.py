"""A checkpoint without all of its weights is no model, whatever else lies in its folder."""

import json

import pytest
from random_llama import save_random_llama

from core.errors import DempoError, InputError
from core.facts.training.weight_files import WEIGHTS, WEIGHTS_INDEX, lacking_weights, shards_of
from core.training.models.model import load_model, require_weights, weights_of

FIRST, SECOND = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"


@pytest.mark.parametrize(
    ("names", "listed", "lacking"),
    [
        ([WEIGHTS, "config.json"], [], None),
        (["config.json", "tokenizer.json"], [], WEIGHTS),
        ([], [], WEIGHTS),
        ([WEIGHTS_INDEX], [], "every shard of its weights"),
        ([WEIGHTS_INDEX, FIRST], [], SECOND),
        ([WEIGHTS_INDEX, SECOND], [], FIRST),
        ([WEIGHTS_INDEX, FIRST, SECOND], [], None),
        ([FIRST, SECOND], [], WEIGHTS),
        ([WEIGHTS_INDEX, "a.safetensors"], ["a.safetensors", "b.safetensors"], "b.safetensors"),
        ([WEIGHTS_INDEX, "a.safetensors"], [], None),
    ],
)
def test_what_a_checkpoint_lacks(names, listed, lacking):
    assert lacking_weights(names, listed) == lacking


@pytest.mark.parametrize("index", ["[]", "{}", '{"weight_map": {"a": 1}}', "no JSON"])
def test_an_index_that_is_none_is_an_error(index):
    with pytest.raises(ValueError, match="weight_map|Expecting"):
        shards_of(index)


@pytest.fixture
def saved(tmp_path):
    from core.sections.what_trains import TrainSection
    from core.training.models.precision import placement

    folder = save_random_llama(tmp_path / "model")
    return folder, load_model(folder, placement(TrainSection(model="x", device="cpu")))


def test_a_whole_checkpoint_and_one_in_shards_are_complete(saved):
    folder, model = saved
    require_weights(folder, model)
    (folder / WEIGHTS).unlink()
    model.save_pretrained(folder, max_shard_size="20KB")
    assert len(weights_of(folder)) > 2
    require_weights(folder, model)


@pytest.mark.parametrize("name", [WEIGHTS, "shard"])
def test_a_file_that_was_not_written_is_an_error(saved, name):
    folder, model = saved
    if name == "shard":
        (folder / WEIGHTS).unlink()
        model.save_pretrained(folder, max_shard_size="20KB")
        name = sorted(json.loads((folder / WEIGHTS_INDEX).read_text())["weight_map"].values())[0]
    (folder / name).unlink()
    with pytest.raises(DempoError, match=f"not complete, so this is no checkpoint: {name} was not written"):
        require_weights(folder, model)


def test_weights_that_were_left_out_of_a_file_are_an_error(saved):
    from safetensors.torch import load_file, save_file

    folder, model = saved
    tensors = load_file(folder / WEIGHTS)
    tensors.popitem()
    save_file(tensors, folder / WEIGHTS)
    with pytest.raises(DempoError, match=r"\d+ of \d+ numbers were written"):
        require_weights(folder, model)


def test_a_base_model_that_lacks_a_shard_is_refused(saved):
    folder, _ = saved
    (folder / WEIGHTS).rename(folder / FIRST)
    with pytest.raises(InputError, match=f"lacks {WEIGHTS}; get the whole checkpoint"):
        weights_of(folder)
    (folder / WEIGHTS_INDEX).write_text(json.dumps({"weight_map": {"a": FIRST, "b": SECOND}}))
    with pytest.raises(InputError, match=f"lacks {SECOND}, which {WEIGHTS_INDEX} lists"):
        weights_of(folder)
