"""What training is predicted to take, against sums by hand, and against what it took."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import dempo, told
from random_llama import save_random_llama
from rewritten import changed_first, forged
from test_training_stage import Run, make_run
from test_verified_training import training
from training_world import CONDITIONS, make_config, make_pairs, strings_of

from core.config import RunConfig
from core.errors import DempoError, InputError, OutOfDeviceMemory
from core.events import ReferenceComputed, TrainPredicted
from core.preflight import preflight
from core.sections.what_trains import LoraSection, TinySection, TrainSection
from core.training.as_tokens.tokens import Tokens, as_fitted, every_pair
from core.training.disk_need import disk_need
from core.training.models.model import weights_of
from core.training.models.optimizers import bytes_per_parameter
from core.training.possible import check_training
from core.training.prediction import before_training, resources
from core.training.prediction.device_memory import FILLED
from core.training.prediction.dimensions import Dimensions, dimensions_of, dimensions_of_tiny, parameters_in
from core.training.prediction.forecast import Trainings, disk_of, forecast, trainings_of
from core.training.prediction.longest_rows import longest_rows, work_of
from core.training.prediction.memory_need import kept_by_micro_batch, memory_need
from core.training.prediction.model_size import ModelSize, size_of_model
from core.training.prediction.step_time import Work, operations, seconds_of
from core.training.prediction.ways_out import advice, ways_out

FULL = '[[conditions]]\nname = "full"\nsource = "all"\n'
CHECKOUT = Path(__file__).parent.parent
GIB = 1024**3
EIGHT = {
    "model_type": "llama",
    "vocab_size": 128_256,
    "hidden_size": 4096,
    "intermediate_size": 14_336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "max_position_embeddings": 131_072,
    "tie_word_embeddings": False,
}
"""Llama-3.1-8B."""


@pytest.fixture
def eight(tmp_path: Path) -> Path:
    """A folder with the configuration of an 8B model, and the header of its weights without them."""
    folder = tmp_path / "eight"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(EIGHT))
    header = {"__metadata__": {}, "all": {"dtype": "BF16", "shape": [2, 4_015_130_624], "data_offsets": [0, 0]}}
    body = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(body)) + body)
    return folder


def known(settings: dict[str, Any]) -> Dimensions:
    found = dimensions_of(settings)
    assert found is not None
    return found


# ---------------------------------------------------------------- the model


@pytest.mark.parametrize(
    "changed", [{}, {"tie_word_embeddings": True}, {"attention_bias": True}, {"head_dim": 64, "num_key_value_heads": 4}]
)
def test_parameters_are_those_of_the_model_that_is_built(changed: dict[str, Any]) -> None:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    settings = {**EIGHT, "hidden_size": 256, "intermediate_size": 600, "num_hidden_layers": 3, **changed}
    with torch.device("meta"):
        built = LlamaForCausalLM(LlamaConfig(**{k: v for k, v in settings.items() if k != "model_type"}))
    bias = built.model.layers[0].self_attn.o_proj.bias
    extra = 0 if bias is None else 3 * bias.numel()  # Llama's output projection has one, too
    assert known(settings).parameters + extra == built.num_parameters()


def test_parameters_of_a_folder_are_read_from_the_headers(eight: Path, tmp_path: Path) -> None:
    assert known(EIGHT).parameters == 8_030_261_248
    size = size_of_model(TrainSection(model=str(eight)))
    assert (size.parameters, size.unknown) == (8_030_261_248, "")
    folder = save_random_llama(tmp_path / "llama")
    small = known(json.loads((folder / "config.json").read_text()))
    assert parameters_in(weights_of(folder)) == small.parameters
    (eight / "model.safetensors").write_bytes(b"broken")
    assert size_of_model(TrainSection(model=str(eight))).parameters == 8_030_261_248


def test_what_cannot_be_known_is_said_and_refuses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    train = TrainSection(model="nobody/nothing")
    size = size_of_model(train)
    assert (size.parameters, size.dimensions) == (None, None)
    assert "cannot get train.model 'nobody/nothing'" in size.unknown
    config = make_config(FULL, model="nobody/nothing")
    resources.require_resources(config, train, tmp_path)
    assert resources.resource_notes(config) == ()
    assert advice(train, True).startswith("set train.micro_batch = 1, or set train.gradient_checkpointing = true, or ")
    assert dimensions_of({**EIGHT, "num_local_experts": 8}) is None
    assert dimensions_of({**EIGHT, "hidden_size": "wide"}) is None


# ---------------------------------------------------------------- memory


@pytest.mark.parametrize(
    ("precision", "optimizer", "wanted"),
    [
        ("fp32", "adamw", 16),
        ("bf16_mixed", "adamw", 18),
        ("bf16", "adamw", 8),
        ("bf16", "adamw_sr", 8),
        ("bf16", "adamw_kahan", 10),
        ("bf16", "adamw_sr_8bit", 4 + 2 * (1 + 4 / 256)),
    ],
)
def test_states_are_those_of_the_table(precision: Any, optimizer: str, wanted: float) -> None:
    assert bytes_per_parameter(precision, optimizer) == wanted
    train = TrainSection(model="x", precision=precision, optimizer=optimizer)
    need = memory_need(train, 10**9, None, True)
    copies = 2 * 10**9 if precision == "bf16_mixed" else 0
    assert need.states + copies == wanted * 10**9
    assert need.activations is None
    assert need.peak >= need.base + need.states


def test_checkpointing_keeps_the_inputs_of_layers_alone() -> None:
    train = TrainSection(model="x", precision="bf16_mixed", micro_batch=1)
    model = known(EIGHT)
    whole = kept_by_micro_batch(train, model, "bf16_mixed", True)
    saved = kept_by_micro_batch(train.model_copy(update={"gradient_checkpointing": True}), model, "bf16_mixed", True)
    tokens, inputs = 2 * 1024, 32 * 4 * 4096
    layer = 2 * 4096 * (4 + 2 + 4) + 2 * 5 * 4096 + 2 * 4 * 14_336
    assert whole - saved == tokens * (32 * layer - (inputs + layer))


def bytes_kept(layers: int, tokens: int) -> int:
    """What a forward pass keeps for its backward pass, counted by the storages of its tensors; without weights."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    settings = {**EIGHT, "vocab_size": 300, "hidden_size": 64, "intermediate_size": 160, "num_hidden_layers": layers}
    settings |= {"num_attention_heads": 4, "num_key_value_heads": 2}
    model = LlamaForCausalLM(LlamaConfig(**{k: v for k, v in settings.items() if k != "model_type"})).train()
    weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    found: dict[int, Any] = {}

    def keep(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            found[storage.data_ptr()] = tensor  # held, so that no other takes its place
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        ids = torch.arange(tokens).reshape(2, -1) % 300
        hidden = model.model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False)
    assert hidden is not None
    return sum(tensor.untyped_storage().nbytes() for tensor in found.values())


def test_a_layer_keeps_what_the_formula_says() -> None:
    """By bytes: what four layers more keep on this processor, against the formula."""
    settings = {**EIGHT, "vocab_size": 300, "hidden_size": 64, "intermediate_size": 160, "num_attention_heads": 4}
    settings |= {"num_key_value_heads": 2}
    train = TrainSection(model="x", micro_batch=1, batch=1, max_length=128, device="cpu")
    few, many = (
        kept_by_micro_batch(train, known({**settings, "num_hidden_layers": layers}), "fp32", False) for layers in (2, 6)
    )
    assert bytes_kept(6, 256) - bytes_kept(2, 256) == pytest.approx(many - few, rel=0.1)


PEAK = """
import sys
from pathlib import Path
from test_training_stage import make_run
from core.events import TrainPredicted
from core.sections.what_trains import TinySection
from core.training.prediction.peak import most_resident
run = make_run(Path(sys.argv[1]), sys.argv[2], batch=32, micro_batch=int(sys.argv[3]), steps=2,
               gradient_checkpointing=sys.argv[4] == "yes")
tiny = TinySection(hidden=256, layers=4, heads=4, vocabulary=300, steps=0)
run.config = run.config.model_copy(update={"train": run.config.train.model_copy(update={"tiny": tiny})})
run.train()
most = most_resident()
(found,) = run.recorder.of_kind(TrainPredicted)
print(found.memory, most)
"""


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps a peak of memory that can be started again")
@pytest.mark.parametrize(("micro", "checkpointing"), [("16", "no"), ("8", "yes")])
def test_training_takes_what_was_predicted(micro: str, checkpointing: str, tmp_path: Path) -> None:
    """The process holds at most what the measurement and the table told, within a fifth."""
    path = os.pathsep.join([str(CHECKOUT), str(CHECKOUT / "tests"), *sys.path])
    command = [sys.executable, "-c", PEAK, str(tmp_path), FULL, micro, checkpointing]
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    predicted, most = map(int, done.stdout.split())
    assert predicted == pytest.approx(most, rel=0.2)


def test_ways_out_begin_with_what_costs_nothing_and_end_where_it_fits() -> None:
    model = known(EIGHT)
    train = TrainSection(model="x", precision="bf16", optimizer="adamw_sr", batch=32, micro_batch=8)
    ways = ways_out(train, model.parameters, model, True, None)
    assert [way.change for way in ways[:2]] == ["train.micro_batch = 1", "train.gradient_checkpointing = true"]
    assert [way.peak for way in ways] == sorted((way.peak for way in ways), reverse=True)
    (only,) = ways_out(train, model.parameters, model, True, round(ways[0].peak / FILLED) + 1)
    assert only == ways[0]
    before = memory_need(train, model.parameters, model, True).peak
    halved = memory_need(train.model_copy(update={"micro_batch": 4}), model.parameters, model, True).peak
    (enough,) = ways_out(train, model.parameters, model, True, round(halved / FILLED) + 1)
    assert (enough.change, enough.peak) == ("train.micro_batch = 4", halved)
    assert halved < before


ADAPTERS = 32 * 16 * (2 * (4096 + 4096) + 2 * (4096 + 1024) + 3 * (4096 + 14_336))
"""Numbers of adapters of rank 16 on every linear layer of Llama-3.1-8B: query and output, key and value, and three of
the feed-forward layer, each (in + out) · rank."""


def test_adapters_are_those_that_are_made() -> None:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from core.training.models.adapters import with_new_adapter
    from core.training.models.precision import quiet_libraries

    quiet_libraries()
    assert known(EIGHT).adapters(16) == ADAPTERS == 41_943_040
    settings = {**EIGHT, "vocab_size": 300, "hidden_size": 64, "intermediate_size": 160, "num_hidden_layers": 3}
    settings |= {"num_attention_heads": 4, "num_key_value_heads": 2}
    built = LlamaForCausalLM(LlamaConfig(**{k: v for k, v in settings.items() if k != "model_type"}))
    changed = with_new_adapter(built, LoraSection(rank=4))
    trained = [parameter for parameter in changed.parameters() if parameter.requires_grad]
    assert known(settings).adapters(4) == sum(parameter.numel() for parameter in trained)
    assert {parameter.dtype for parameter in trained} == {torch.float32}


@pytest.mark.parametrize(("precision", "weight"), [("fp32", 4), ("bf16_mixed", 4), ("bf16", 2)])
def test_under_adapters_weights_have_neither_gradient_nor_moments(precision: Any, weight: int) -> None:
    model = known(EIGHT)
    train = TrainSection(model="x", precision=precision, lora=LoraSection(rank=16))
    need = memory_need(train, model.parameters, model, True)
    assert need.weights == weight * model.parameters + 4 * ADAPTERS
    assert (need.gradient, need.optimizer) == (4 * ADAPTERS, 8 * ADAPTERS)
    whole = memory_need(train.model_copy(update={"lora": None}), model.parameters, model, True)
    assert need.activations is not None
    assert whole.activations is not None
    assert whole.activations - need.activations == 4 * 128_256 * 4096, "the head has no gradient"


def test_adapters_are_kept_alone_unless_they_are_merged() -> None:
    model = known(EIGHT)
    size, trainings = ModelSize(model.parameters, model, stored=2 * model.parameters), Trainings(4, 40, 10)
    train = TrainSection(model="x", precision="bf16", lora=LoraSection(rank=16))
    need = disk_of(train, size, True, trainings, 1)
    assert (need.state, need.final) == (12 * ADAPTERS, 4 * ADAPTERS)
    assert need.peak == 3 * need.final + 2 * need.state
    merged = disk_of(train.model_copy(update={"lora": LoraSection(merged=True)}), size, True, trainings, 1)
    assert (merged.state, merged.final) == (12 * ADAPTERS, 2 * model.parameters)


# ---------------------------------------------------------------- disk and time


def test_disk_holds_two_states_beside_the_models_that_are_done() -> None:
    """Two, however short it is: whoever asks for a stop has one more kept."""
    need = disk_need(12_000, 4_000, conditions=4, minutes=100, checkpoint_minutes=None)
    assert (need.state, need.final, need.states_per_condition) == (12_000, 4_000, 1)
    assert (need.peak, need.written) == (3 * 4_000 + 2 * 12_000, 4 * (12_000 + 4_000))
    often = disk_need(12_000, 4_000, conditions=4, minutes=100, checkpoint_minutes=10)
    assert (often.states_per_condition, often.peak) == (9, need.peak)
    assert disk_need(12_000, 4_000, 4, 0.1, 10).peak == need.peak
    assert disk_need(3_000, 4_000, 4, 0.1, 10).peak == 3 * 4_000 + 3_000 + 4_000, "a final model beside the last state"
    assert disk_need(12_000, 4_000, 0, 0.1, 10).peak == 0


def test_operations_are_six_a_parameter_and_those_of_the_attention() -> None:
    model = Dimensions(hidden=8, inner=16, layers=2, heads=2, groups=2, head=4, vocabulary=100, tied=False)
    assert operations(10, 64, 5_000, model) == 10 * (6 * (5_000 - 800) + 6 * 2 * 8 * 64)
    assert operations(10, 64, 5_000, None) == 10 * 6 * 5_000
    work = Work(trained=10, scored=30, width=64)
    assert seconds_of(work, 5_000, None, 1_000.0) == (300.0, 300.0)


def test_work_counts_micro_batches_as_wide_as_their_longest_row() -> None:
    run = make_run_of_lengths()
    pairs = make_pairs()
    tokens, condition, train = run
    (work_4, work_1) = (
        work_of(tokens, pairs, [condition], train.model_copy(update={"micro_batch": m}), 1) for m in (4, 1)
    )
    lengths = [max(tokens.length(key) for key in tokens.keys(*triple(pairs, p))) for p in condition.schedule.ravel()]
    assert work_1.trained == 2 * sum(lengths)
    assert work_4.trained == 2 * 4 * sum(max(lengths[i : i + 4]) for i in range(0, len(lengths), 4))
    rows = longest_rows(tokens, 3)
    assert max(map(tokens.length, rows)) == max(map(tokens.length, tokens.sequences()))
    assert len(rows) == 6


def triple(pairs: Any, p: int) -> tuple[int, int, int]:
    return int(pairs.context[p]), int(pairs.chosen[p]), int(pairs.rejected[p])


def make_run_of_lengths() -> tuple[Tokens, Any, TrainSection]:
    """Tokens of lengths that all differ, and a schedule of the first eight pairs."""
    from types import SimpleNamespace

    pairs = make_pairs()
    prompts = strings_of([np.arange(5 + c) for c in range(len(pairs.contexts))])
    responses = strings_of([np.arange(3 + 2 * r) for r in range(len(pairs.responses))])
    table = every_pair(pairs).T
    nothing = np.zeros((2, table.shape[1]), dtype=np.uint8)
    tokens = as_fitted(prompts, responses, np.concatenate([table, table]), nothing, 96)
    condition = SimpleNamespace(schedule=np.arange(8, dtype=np.int32).reshape(2, 4))
    return tokens, condition, TrainSection(model="x", batch=4, micro_batch=4, max_length=96)


def test_trainings_are_counted_with_their_own_steps() -> None:
    text = CONDITIONS + '[[conditions]]\nname = "short"\nsource = "all"\nsteps = 2\n'
    found = trainings_of(make_config(text))
    assert (found.number, found.steps, found.longest) == (3, 14, 6)
    again = trainings_of(make_config(text), repeated=2)
    assert (again.number, again.steps) == (5, 26)


# ---------------------------------------------------------------- the stage


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = make_run(tmp_path_factory.mktemp("measured"), FULL, steps=2)
    run.train()
    return run


def test_the_prediction_is_recorded_before_anything_is_scored(measured: Run) -> None:
    events = measured.recorder.completed("train")["reference"]
    kinds = [event.kind for event in events if event.kind != "unit.completed"]
    assert kinds == ["train.predicted", "reference.computed"]
    (found,) = measured.recorder.of_kind(TrainPredicted)
    assert (found.trainings, found.steps, found.sequences, found.device) == (1, 2, 4, "cpu")
    assert found.measured + found.optimizer == found.memory <= found.available
    assert found.optimizer == 8 * found.parameters
    assert found.micro_batch_seconds > 0
    assert found.seconds == pytest.approx(2 * found.step_seconds, abs=0.002)
    assert 0 < found.disk <= found.disk_free
    assert found.width <= 96


def test_models_are_bit_for_bit_the_same_without_the_measurement(
    measured: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (event,) = measured.recorder.of_kind(TrainPredicted)
    monkeypatch.setattr(before_training, "predict", lambda subject, root: event)
    other = make_run(tmp_path, FULL, steps=2)
    other.train()
    assert other.files() == measured.files() != {}
    assert other.steps() == measured.steps()


def test_the_measurement_leaves_generators_and_weights_alone(measured: Run) -> None:
    import torch

    from core.training.models.model import load_model
    from core.training.models.precision import placement
    from core.training.prediction.micro_batch import take
    from core.training.prediction.peak import Peak

    train = measured.config.train
    assert train is not None
    model = load_model(measured.root / "checkpoints" / "base", placement(train))
    kept = {name: value.clone() for name, value in model.state_dict().items()}
    noise: list[Any] = []
    model.model.register_forward_hook(lambda *a: noise.append(torch.rand(3)))
    ids = torch.ones((4, 8), dtype=torch.long)
    before = torch.random.get_rng_state()
    inputs = {"input_ids": ids, "attention_mask": ids, "completion_mask": ids}
    found = take(model, inputs, train, placement(train), Peak("cpu"))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert len(noise) == 2
    assert all(torch.equal(value, kept[name]) for name, value in model.state_dict().items())
    assert (found.sequences, found.width) == (4, 8)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere getrusage counts the process alone")
def test_the_peak_of_a_process_is_its_own_not_of_the_one_that_started_it() -> None:
    """Linux hands `ru_maxrss` on to whatever a large process starts: a test process of 2 GiB failed a memory bound."""
    parent = """
import subprocess, sys
held = bytearray(400_000_000)
subprocess.run([sys.executable, "-c", sys.argv[1]], check=True)
"""
    child = "from core.training.prediction.peak import most_resident; print(most_resident())"
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run(
        [sys.executable, "-c", parent, child], env=environment, capture_output=True, text=True, check=True
    )
    assert 1_000_000 < int(done.stdout) < 200_000_000


def refused(run: Run) -> DempoError:
    run.model()
    with pytest.raises(DempoError) as error:
        run.train()
    assert run.recorder.of_kind(ReferenceComputed) == []
    return error.value


def test_what_will_not_fit_is_refused_before_anything_is_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(before_training, "free_now", lambda device: 1_000_000)
    monkeypatch.setattr(before_training, "resident", lambda: 0)
    with monkeypatch.context() as patch:
        patch.setattr(before_training, "take", lambda *args: pytest.fail("a machine's memory ends with measuring this"))
        found = refused(make_run(tmp_path / "c", FULL))
    assert isinstance(found, OutOfDeviceMemory)
    assert "by the estimate for rows of" in str(found)
    assert "nothing was measured or scored; clone the run and set train.micro_batch = 1" in str(found)
    monkeypatch.setattr(before_training, "_SURELY", 1e9)
    found = refused(make_run(tmp_path / "a", FULL))
    assert isinstance(found, OutOfDeviceMemory)
    assert found.exit_code == 6
    assert "training will take" in str(found)
    assert "set train.micro_batch = 1 (the result stays the same" in str(found)
    monkeypatch.setattr(before_training, "free_now", lambda device: 100_000)
    found = refused(make_run(tmp_path / "b", FULL))
    assert isinstance(found, OutOfDeviceMemory)
    assert "weights, gradient and optimizer of" in str(found)


def test_a_disk_that_is_too_small_is_told_before_anything_is_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from types import SimpleNamespace

    usage = SimpleNamespace(disk_usage=lambda path: SimpleNamespace(free=5_000))
    monkeypatch.setattr(before_training, "shutil", usage)
    found = refused(make_run(tmp_path, FULL))
    assert isinstance(found, InputError)
    assert "GiB of disk" in str(found)


# ---------------------------------------------------------------- the record

FORGED: dict[str, tuple[dict[str, Any], str]] = {
    "another model": ({"parameters": 5}, "the parameters that a prediction is for"),
    "other trainings": ({"trainings": 9}, "the trainings that were predicted"),
    "other steps": ({"steps": 1_000_000}, "the steps that were predicted"),
    "another micro-batch": ({"sequences": 2_000}, "the rows of the micro-batch that was measured"),
    "less memory than measured": ({"memory": 5}, "less memory was predicted than"),
    "more memory than there is": ({"available": 5}, "training went on although it was predicted not to fit"),
    "more disk than there is": ({"disk_free": 5}, "training went on although it was predicted not to fit"),
    "less than nothing written": ({"disk_written": -1}, "disk_written is -1"),
    "another time": ({"seconds": 1e6}, "the time that was predicted is not that of a step times the steps"),
    "time that runs back": ({"micro_batch_seconds": -1.0}, "micro_batch_seconds is -1"),
}


@pytest.mark.parametrize("what", FORGED)
def test_a_prediction_that_no_run_makes_fails(what: str, trained: Path, tmp_path: Path) -> None:
    values, told_of = FORGED[what]
    found = training(forged(trained, tmp_path, changed_first("train.predicted", **values)))
    assert found.verdict == "failed"
    assert told_of in found.detail


def test_a_record_without_a_prediction_is_one_of_before(trained: Path, tmp_path: Path) -> None:
    without = forged(trained, tmp_path, lambda rows: [row for row in rows if row.kind != "train.predicted"])
    assert training(trained).verdict == training(without).verdict == "ok"


# ---------------------------------------------------------------- before a run


def problems(config: RunConfig, runs: Path) -> list[DempoError]:
    return list(check_training(config, True, runs))


def test_states_that_no_setting_makes_smaller_are_refused(eight: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = make_config(FULL, model=eight, max_length=96)
    monkeypatch.setattr(resources, "free_at", lambda runs: 10**15)
    monkeypatch.setattr("core.training.prediction.device_memory.memory_of_machine", lambda: 64 * GIB)
    (found,) = problems(config, eight)
    assert isinstance(found, OutOfDeviceMemory)
    assert "training takes 119.7 GiB of memory for weights 29.9 GiB, gradient 29.9 GiB and optimizer 59.8" in str(found)
    assert "the CPU has 64.0 GiB" in str(found)
    monkeypatch.setattr("core.training.prediction.device_memory.memory_of_machine", lambda: 120 * GIB)
    assert problems(config, eight) == []
    (note,) = resources.resource_notes(config)
    assert "training may take" in note
    assert "one micro-batch is measured before anything is scored" in note
    monkeypatch.setattr("core.training.prediction.device_memory.memory_of_machine", lambda: 400 * GIB)
    assert resources.resource_notes(config) == ()


def test_a_disk_that_cannot_hold_the_models_is_refused(
    eight: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = make_config(CONDITIONS, model=eight, max_length=96)
    monkeypatch.setattr("core.training.prediction.device_memory.memory_of_machine", lambda: 400 * GIB)
    need = forecast(config, config.train).disk  # type: ignore[arg-type]
    assert need is not None
    monkeypatch.setattr(resources, "free_at", lambda runs: need.peak - 1)
    (found,) = problems(config, tmp_path)
    assert isinstance(found, InputError)
    assert "of disk for final models and states to go on from" in str(found)
    with pytest.raises(InputError, match="of disk for final models"):
        preflight(config, "train", runs=tmp_path)
    monkeypatch.setattr(resources, "free_at", lambda runs: need.peak)
    assert problems(config, tmp_path) == []
    assert problems(config, None) == []  # type: ignore[arg-type]


# ---------------------------------------------------------------- dempo doctor


def doctor(config: Path, *options: str, code: int | None = 0) -> dict[str, Any]:
    ended = dempo("doctor", config, "--json", "--runs-dir", config.parent / "runs", *options)
    assert code in (None, ended.returncode), ended.stderr
    return {row["name"]: row for row in json.loads(ended.stdout)["checks"]}


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    """The example that trains a tiny model."""
    text = (CHECKOUT / "examples" / "demo.toml").read_text()
    (tmp_path / "demo.toml").write_text(text)
    return tmp_path / "demo.toml"


def test_doctor_says_what_training_takes(demo: Path) -> None:
    rows = doctor(demo)
    assert [name for name in rows if name.startswith("training")] == [
        "training",
        "training: memory",
        "training: disk",
        "training: time",
    ]
    memory = rows["training: memory"]["estimate"]
    tiny = dimensions_of_tiny(TinySection())
    assert rows["training"]["estimate"]["parameters"] == tiny.parameters
    assert memory["states"] == 16 * tiny.parameters
    assert memory["peak"] == memory["base"] + memory["states"] + memory["activations"]
    assert memory["measured"] is False
    assert rows["training: memory"]["state"] == "ok"
    assert rows["training: disk"]["estimate"]["free"] > 0
    times = rows["training: time"]["estimate"]
    assert 0 < times["fastest_seconds"] < times["slowest_seconds"]
    assert "nothing was measured" in rows["training: time"]["detail"]


def test_doctor_answers_for_a_card_that_is_not_here(demo: Path, eight: Path) -> None:
    text = demo.read_text().replace('model = "tiny"', f'model = "{eight}"')
    demo.write_text(text)
    row = doctor(demo, "--device-memory", "24", code=1)["training: memory"]
    assert row["state"] == "missing"
    told = row["detail"]
    assert "the GPU that is asked about has 24.0 GiB; to fit, set train.micro_batch = " in told
    for way in ("train.gradient_checkpointing = true", "train.optimizer = 'adamw_sr_8bit'", "train.lora.rank = 16"):
        assert f"set {way} " in told or f" and {way} " in told
    assert "even so it does not fit" not in told, "adapters of a model in bfloat16 do"
    small = doctor(demo, "--device-memory", "8", code=1)["training: memory"]
    assert "even so it does not fit: take a smaller model" in small["detail"]
    large = doctor(demo, "--device-memory", "400", code=None)["training: memory"]  # the disk may be short
    assert large["state"] == "ok"


def test_doctor_says_that_adapters_of_an_8b_model_fit_into_24_gib(demo: Path, eight: Path) -> None:
    text = demo.read_text().replace('model = "tiny"', f'model = "{eight}"\nprecision = "bf16"\nlora = {{ rank = 16 }}')
    demo.write_text(text.replace("micro_batch = 16", "micro_batch = 1"))
    row = doctor(demo, "--device-memory", "24")["training: memory"]
    assert row["state"] == "ok", row["detail"]
    found = row["estimate"]
    assert (found["gradient"], found["optimizer"]) == (4 * ADAPTERS, 8 * ADAPTERS)
    assert found["weights"] == 2 * 8_030_261_248 + 4 * ADAPTERS
    assert found["states"] < found["peak"] < 24 * GIB
    assert "to fit, " not in row["detail"]


def test_doctor_asks_about_changed_values_and_models_whose_weights_are_not_here(demo: Path, eight: Path) -> None:
    """Of a configuration alone: how large the model is follows from it, and preflight says what is missing."""
    (eight / "model.safetensors").unlink()
    changed = ("--set", f"train.model={eight}", "--set", "train.precision=bf16", "--set", "train.lora.rank=16")
    row = doctor(demo, *changed, "--set", "train.micro_batch=1", "--device-memory", "24")["training: memory"]
    assert (row["state"], row["estimate"]["gradient"]) == ("ok", 4 * ADAPTERS)
    assert "--set changes a value of a configuration; name one" in told(dempo("doctor", "--set", "run.seed=1"), 2)


def test_doctor_measures_when_it_is_asked_to(demo: Path) -> None:
    demo.write_text(demo.read_text().replace("max_length = 128", "max_length = 32", 1))
    rows = doctor(demo, "--measure")
    row = rows["training: memory"]
    assert row["estimate"]["measured"] is True
    assert row["estimate"]["peak"] > row["estimate"]["states"]
    assert "from one micro-batch of rows as long as the window" in row["detail"]
    times = rows["training: time"]["estimate"]
    assert times["fastest_seconds"] == times["slowest_seconds"] > 0
    sentence = told(dempo("doctor", demo, "--measure", "--device-memory", "24"), 2)
    assert "leave out --device-memory" in sentence
    assert "name a configuration" in told(dempo("doctor", "--measure"), 2)


def test_doctor_looks_at_training_without_torch(demo: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tui.commands.runs.training_rows import training_rows\n"
        "from core.config_file import load_config\n"
        f"rows = training_rows(load_config(Path({str(demo)!r})).config, Path('.'))\n"
        "print(len(rows), [m for m in ('torch', 'transformers', 'trl', 'datasets') if m in sys.modules])"
    )
    path = os.pathsep.join([str(CHECKOUT), *sys.path])
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "4 []"
