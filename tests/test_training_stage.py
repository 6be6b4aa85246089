"""The stages as a run uses them: recorded, interrupted, resumed and restored."""

import gc
import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from memory_recorder import MemoryRecorder, make_context
from training_world import CONDITIONS, make_config, make_draw, make_lottery, make_pairs, make_pool, make_tiny

from core.chat import load_tokenizer, prompt_ids, template_digest
from core.config import RunConfig
from core.errors import DempoError, InputError, OutOfDeviceMemory, Stopped
from core.events import (
    ConditionPlanned,
    ModelReady,
    ReferenceComputed,
    StagePlanned,
    TokensMade,
    TrainCheckpoint,
    TrainStart,
    TrainState,
    TrainStep,
    UnitCompleted,
    digest,
)
from core.facts.training.chat_templates import PLAIN_TEMPLATE
from core.facts.training.learning_rate import rate_share
from core.facts.training.numbers import ROUNDED_AT_RANDOM
from core.facts.training.rules import RATE_RULE, REFERENCE_RULE
from core.training import base_model, stage
from core.training.as_tokens.fitting import tokenise
from core.training.as_tokens.token_file import read_tokens
from core.training.as_tokens.tokens import scheduled_pairs
from core.training.models.model import save_model
from core.training.models.optimizers import OPTIMIZERS
from core.training.planning.conditions import conditions
from core.training.reference import decode_reference, encode_reference
from core.types import Message, PreferencePairs
from storage.verifier.training.trained import AS_FLOAT32

pytestmark = pytest.mark.filterwarnings("error::FutureWarning")


class Killed(BaseException):
    """Stands for the end of the process in the middle of a unit."""


class FragileRecorder(MemoryRecorder):
    """Dies when it is about to record a given step of a condition, or the end of a given unit."""

    fatal: tuple[str, object] | None = None

    def record(self, stage, events, *, unit=None, blobs=()):
        for event in events:
            if isinstance(event, TrainStep) and self.fatal == (event.condition, event.step):
                raise Killed
            if isinstance(event, UnitCompleted) and unit and self.fatal == ("unit", unit[0]):
                raise Killed
        super().record(stage, events, unit=unit, blobs=blobs)


@dataclass
class Run:
    """A run folder with its recorder; each call of a stage is a new engine."""

    root: Path
    config: RunConfig
    recorder: FragileRecorder

    def __post_init__(self):
        self.pairs = make_pairs()
        self.pool = make_pool(self.pairs)
        self.lottery = make_lottery(self.pool, [(2, 0), (1, 1)], [2**53 // 4])

    def context(self, name):
        return make_context(name, self.config, self.root, self.recorder)

    def conditions(self):
        return conditions(self.context("conditions"), self.pairs, self.pool, (self.lottery,), (make_draw((0, 3)),))

    def model(self):
        return base_model.model(self.context("model"), self.pairs)

    def train(self):
        return stage.train(self.context("train"), self.pairs, self.conditions(), self.model())

    def steps(self):
        """Loss, margin, norm and rate of each step of the last completed attempts."""
        found = {}
        for events in self.recorder.completed("train").values():
            for e in events:
                if isinstance(e, TrainStep):
                    found[e.condition, e.step] = (e.loss, e.margin, e.gradient_norm, e.learning_rate)
        return found

    def files(self):
        """Recorded hashes of every model of the last completed attempts."""
        return {
            (e.condition, e.step): e.files
            for events in self.recorder.completed("train").values()
            for e in events
            if isinstance(e, TrainCheckpoint)
        }


def make_run(root, conditions=CONDITIONS, **train):
    return Run(root, make_config(conditions, **train), FragileRecorder())


@pytest.fixture(scope="module", autouse=True)
def _cheap_collections():
    """The trainer collects garbage twice per condition; without this it walks all modules each time."""
    import core.training.dpo

    assert core.training.dpo
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An uninterrupted run."""
    run = make_run(tmp_path_factory.mktemp("whole"))
    run.trained = run.train()
    return run


# ---------------------------------------------------------------- conditions


def test_conditions_record_weights_and_a_schedule(whole):
    base, full, soft = whole.recorder.of_kind(ConditionPlanned)[:3]
    assert (base.condition, base.steps, base.pairs, base.artifact, base.weights) == ("base", 0, 0, None, [])
    assert (full.steps, full.batch, full.pairs, full.raters) == (6, 4, 60, 5)
    assert full.effective_pairs == pytest.approx(60)
    assert [row.rater_id for row in soft.weights] == ["r0", "r1", "r2", "r3", "r4"]
    assert soft.effective_pairs < 60
    stored = json.loads((whole.root / "artifacts" / full.artifact.sha256).read_bytes())
    assert stored["format"] == "dempo-schedule-1"
    drawn = [pair for step in stored["pairs"] for pair in step]
    assert len(set(drawn)) == len(drawn) == 24


def test_restored_conditions_equal_fresh_ones(tmp_path):
    text = CONDITIONS + (
        '[[conditions]]\nname = "hard"\nsource = "draw:first"\nestimator = "weighted_sampling"\nsteps = 3\n'
    )
    run = make_run(tmp_path, text)
    fresh = run.conditions()
    recorded = len(run.recorder.of_kind(ConditionPlanned))
    restored = run.conditions()
    assert len(run.recorder.of_kind(ConditionPlanned)) == recorded == 4
    for a, b in zip(fresh, restored, strict=True):
        assert (a.name, a.source, a.estimator) == (b.name, b.source, b.estimator)
        for field in ("weight", "pairs_of_rater", "schedule", "flipped"):
            assert np.array_equal(getattr(a, field), getattr(b, field))
    assert [c.schedule.shape for c in fresh] == [(0, 4), (6, 4), (6, 4), (3, 4)]
    members = {0, 3}
    assert set(run.pairs.rater[fresh[3].schedule.ravel()].tolist()) <= members


def test_citizens_relabel_the_population_condition(tmp_path, monkeypatch):
    import types

    asked = {}

    def population_labels(world, pairs, indices, stream):
        asked.update(world=world, indices=indices, path=stream.path)
        return np.array(indices % 2 == 1)

    fake = types.ModuleType("core.data.planted.world_folder")
    fake.population_labels = population_labels
    monkeypatch.setitem(sys.modules, "core.data.planted.world_folder", fake)
    run = make_run(tmp_path, '[[conditions]]\nname = "ceiling"\nsource = "population"')
    (condition,) = run.conditions()
    assert asked["world"] == run.config.data.path / "world.json"
    assert asked["indices"].dtype == np.int64
    assert asked["indices"].tolist() == condition.schedule.ravel().tolist()
    assert np.array_equal(condition.flipped, condition.schedule % 2 == 1)


def test_the_name_base_is_kept_for_the_untrained_model(tmp_path):
    run = make_run(tmp_path, '[[conditions]]\nname = "base"\nsource = "all"')
    with pytest.raises(InputError, match="kept for the untrained model"):
        run.conditions()


# ---------------------------------------------------------------- model


def test_the_tiny_model_learns_and_is_a_complete_checkpoint(whole):
    from transformers import AutoModelForCausalLM

    (ready,) = whole.recorder.of_kind(ModelReady)
    folder = whole.root / "checkpoints" / "base"
    assert set(ready.files) == {path.name for path in folder.iterdir()}
    assert "model.safetensors" in ready.files
    assert (ready.template, ready.template_kind) == (template_digest(), "plain")
    assert whole.recorder.text(ready.template_text.sha256) == PLAIN_TEMPLATE
    assert ready.files["chat_template.jinja"] == ready.template
    assert ready.architecture == "LlamaForCausalLM"
    assert ready.pretraining_loss < np.log(ready.vocabulary)
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert model.num_parameters() == ready.parameters
    assert load_tokenizer(folder).chat_template == PLAIN_TEMPLATE


@pytest.mark.long
def test_the_tiny_model_is_the_same_in_another_process(whole, tmp_path):
    code = (
        "import sys, json, pathlib; from test_training_stage import make_run\n"
        "print(json.dumps(dict(make_run(pathlib.Path(sys.argv[1])).model().files)))"
    )
    tests = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=tests,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tests.parent), str(tests), *sys.path])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == dict(whole.model().files)


def test_a_folder_is_linked_and_gets_the_template(whole, tmp_path):
    source = whole.root / "checkpoints" / "full"
    run = make_run(tmp_path, model=source)
    base = run.model()
    assert (base.path / "model.safetensors").resolve() == (source / "model.safetensors").resolve()
    assert run.recorder.of_kind(ModelReady)[-1].pretraining_loss is None
    assert base.files["model.safetensors"] == whole.trained.files["full"]["model.safetensors"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "holds no config.json"),
        (lambda path: (path / "config.json").write_text("{}"), r"holds no \*.safetensors file"),
    ],
)
def test_a_folder_that_is_no_checkpoint_is_refused(tmp_path, make, message):
    source = tmp_path / "source"
    source.mkdir()
    make(source)
    with pytest.raises(InputError, match=message):
        make_run(tmp_path / "run", model=source).model()


def test_a_missing_model_is_refused_by_its_name(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"there is no folder '\./nowhere'"):
        make_run(tmp_path, model="./nowhere").model()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match="cannot get train.model 'nobody/nothing' from the hub"):
        make_run(tmp_path, model="nobody/nothing").model()


# ---------------------------------------------------------------- train


def test_training_records_steps_checkpoints_and_models(whole):
    assert {e.units for e in whole.recorder.of_kind(StagePlanned) if e.name == "train"} == {2 + 2 * 2}
    steps = whole.steps()
    assert sorted(steps) == [(c, s) for c in ("full", "soft") for s in range(1, 7)]
    for condition in ("full", "soft"):
        loss, margin, _, rate = steps[condition, 1]
        assert loss == pytest.approx(np.log(2), abs=1e-5)
        assert margin == pytest.approx(0, abs=1e-4)
        assert rate == 1e-3
        assert steps[condition, 6][3] == pytest.approx(1e-3 / 6)
    assert list(whole.trained.models) == ["base", "full", "soft"]
    assert whole.trained.models["base"] == whole.trained.base
    assert list(whole.files()) == [("full", 6), ("soft", 6)]


def test_the_first_step_of_a_warm_up_learns(tmp_path):
    run = make_run(tmp_path, '[[conditions]]\nname = "full"\nsource = "all"', steps=4, warmup=0.5)
    run.train()
    assert [run.steps()["full", step][3] for step in range(1, 5)] == pytest.approx([5e-4, 1e-3, 1e-3, 5e-4])
    assert {event.rule for event in run.recorder.of_kind(TrainStep)} == {RATE_RULE}


def test_every_sequence_is_scored_once_for_all_conditions(whole):
    (reference,) = whole.recorder.of_kind(ReferenceComputed)
    wanted = scheduled_pairs(whole.pairs, [c for c in whole.conditions() if c.source != "none"])
    tokenizer = load_tokenizer(whole.root / "checkpoints" / "base")
    tokens = tokenise(tokenizer, whole.pairs.contexts, whole.pairs.responses, wanted, 96)
    scored = decode_reference((whole.root / "artifacts" / reference.artifact.sha256).read_bytes())
    assert list(scored) == sorted(tokens.digest(key) for key in tokens.sequences())
    assert (reference.sequences, reference.rule) == (len(scored), REFERENCE_RULE)
    assert (reference.cut_contexts, reference.cut_responses) == (tokens.cut_contexts, tokens.cut_responses)
    (made,) = whole.recorder.of_kind(TokensMade)
    assert (made.pairs, made.sequences, made.window) == (len(wanted), len(scored), 96)
    assert made.tokens == sum(map(len, map(tokens.prompts.__getitem__, range(made.prompts)))) + sum(
        len(tokens.responses[i]) for i in range(made.responses)
    )
    read = read_tokens(whole.root / "artifacts" / made.artifact.sha256)
    assert sorted(scored) == sorted(read.digest(key) for key in read.sequences())


def test_a_condition_trains_on_the_same_tokens_whatever_other_conditions_a_run_has(tmp_path):
    """The panel's pairs have short responses, others a long one after the same context, which once cut both."""
    raters = make_pairs().raters
    turns = (Message("user", "old " * 20), Message("assistant", "answer " * 5), Message("user", "What now?"))
    owner = np.repeat(np.arange(5, dtype=np.int32), 4)
    even = np.arange(20, dtype=np.int32) % 2
    members = np.isin(owner, (0, 3))
    hard = '[[conditions]]\nname = "hard"\nsource = "draw:first"\nsteps = 2\n'
    runs = []
    for text in (hard, '[[conditions]]\nname = "full"\nsource = "all"\nsteps = 5\n' + hard):
        run = make_run(tmp_path / str(len(runs)), text, max_length=160)
        run.pairs = PreferencePairs(
            raters=raters,
            contexts=(turns,),
            responses=("Short.", "Brief.", "long " * 60),
            context=np.zeros(20, dtype=np.int32),
            chosen=even,
            rejected=np.where(members, 1 - even, 2).astype(np.int32),
            rater=owner,
        )
        run.pool = make_pool(run.pairs)
        run.train()
        runs.append(run)
    alone, beside = runs
    (reference,) = beside.recorder.of_kind(ReferenceComputed)
    assert reference.cut_contexts > 0
    assert {step: values for step, values in beside.steps().items() if step[0] == "hard"} == alone.steps()
    assert beside.files()["hard", 2] == alone.files()["hard", 2]


def interrupted(root):
    """A run that was killed before its first step."""
    run = make_run(root, '[[conditions]]\nname = "full"\nsource = "all"')
    run.recorder.fatal = ("full", 1)
    with pytest.raises(Killed):
        run.train()
    run.recorder.fatal = None
    return run


def test_a_template_that_is_not_the_recorded_one_is_not_used(tmp_path):
    run = make_run(tmp_path, '[[conditions]]\nname = "full"\nsource = "all"')
    more = run.model().path / "additional_chat_templates"
    more.mkdir()
    (more / "default.jinja").write_text(PLAIN_TEMPLATE.replace("User: ", "Human: "))
    with pytest.raises(InputError, match=r"the chat template in .*base is not the one that is recorded"):
        run.train()


def test_a_reference_of_other_tokens_is_not_used(tmp_path):
    """One of whose sequences the tokens know nothing, in a record that is whole by itself."""
    run = interrupted(tmp_path)
    for i, (name, event, unit) in enumerate(run.recorder.events):
        if isinstance(event, ReferenceComputed):
            folder = run.root / "artifacts"
            scored = decode_reference((folder / event.artifact.sha256).read_bytes())
            _, *rest = scored
            body = encode_reference({key: scored[key] for key in rest})
            (folder / digest(body)).write_bytes(body)
            artifact = event.artifact.model_copy(update={"sha256": digest(body), "bytes": len(body)})
            run.recorder.events[i] = (name, event.model_copy(update={"artifact": artifact}), unit)
    with pytest.raises(InputError, match="scored for other tokens than the recorded ones"):
        run.train()


def test_who_goes_on_makes_no_token_again(tmp_path, monkeypatch):
    run = interrupted(tmp_path)
    (made,) = run.recorder.of_kind(TokensMade)
    before = (run.root / "artifacts" / made.artifact.sha256).stat()

    def asked(*texts):
        raise AssertionError("the tokenizer was asked")

    monkeypatch.setattr("core.training.as_tokens.fitting.prompt_ids", asked)
    monkeypatch.setattr("core.training.as_tokens.fitting.response_ids", asked)
    run.train()
    assert run.recorder.of_kind(TokensMade) == [made]
    after = (run.root / "artifacts" / made.artifact.sha256).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert list(run.files()) == [("full", 6)]


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (Path.unlink, "cannot read .*: No such file or directory; the run cannot go on without it"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1] + b"\3"), "does not hold what was recorded"),
    ],
)
def test_nobody_goes_on_with_other_tokens(tmp_path, harm, told):
    run = interrupted(tmp_path)
    (made,) = run.recorder.of_kind(TokensMade)
    harm(run.root / "artifacts" / made.artifact.sha256)
    with pytest.raises(InputError, match=told):
        run.train()


def test_a_stop_is_heard_while_texts_become_tokens(tmp_path, monkeypatch):
    run = make_run(tmp_path, '[[conditions]]\nname = "full"\nsource = "all"')
    run.model()

    def stopped(*texts):
        (run.root / "control" / "stop.request").touch()
        return prompt_ids(*texts)

    monkeypatch.setattr("core.training.as_tokens.fitting.prompt_ids", stopped)
    with pytest.raises(Stopped):
        run.train()
    assert run.recorder.of_kind(TokensMade) == []
    assert [path.name for path in (run.root / "artifacts").iterdir() if len(path.name) != 64] == []


def test_models_are_hugging_face_checkpoints_that_differ(whole):
    import torch
    from transformers import AutoModelForCausalLM

    models = {n: AutoModelForCausalLM.from_pretrained(whole.trained.verified(n)) for n in whole.trained.models}
    weights = {n: torch.cat([p.detach().reshape(-1) for p in m.parameters()]) for n, m in models.items()}
    assert not torch.equal(weights["base"], weights["full"])
    assert not torch.equal(weights["full"], weights["soft"])
    assert models["full"].config.use_cache
    assert load_tokenizer(whole.trained.models["full"]).chat_template == PLAIN_TEMPLATE


def test_nothing_of_the_trainers_state_is_left(whole):
    left = {path.name for path in (whole.root / "checkpoints").rglob("*")}
    assert not left & {"optimizer.pt", "rng_state.pth", "trainer_state.json", "training_args.bin"}


def test_a_model_without_weights_completes_no_condition(tmp_path, monkeypatch):
    """What rank 1 of two processes saved: everything but the weights."""
    from transformers import PreTrainedModel

    run = make_run(tmp_path, '[[conditions]]\nname = "full"\nsource = "all"')
    run.model()
    monkeypatch.setattr(
        PreTrainedModel, "save_pretrained", lambda self, folder, **_: self.config.save_pretrained(folder)
    )
    with pytest.raises(DempoError, match=r"model\.safetensors was not written"):
        run.train()
    assert run.files() == {}
    assert not (tmp_path / "checkpoints" / "full").exists()


@pytest.mark.parametrize(
    "fatal",
    [
        ("full", 4),
        ("unit", "condition:full"),
        ("unit", "condition:soft"),
        pytest.param(("full", 1), marks=pytest.mark.long),
        pytest.param(("full", 6), marks=pytest.mark.long),
        pytest.param(("soft", 5), marks=pytest.mark.long),
        pytest.param(("unit", "reference"), marks=pytest.mark.long),
    ],
)
def test_a_killed_run_resumes_to_the_same_record(whole, tmp_path, fatal):
    run = make_run(tmp_path)
    run.recorder.fatal = fatal
    with pytest.raises(Killed):
        run.train()
    run.recorder.fatal = None
    trained = run.train()
    assert run.steps() == whole.steps()
    assert run.files() == whole.files()
    for name in trained.models:
        assert dict(trained.files[name]) == dict(whole.trained.files[name])
        trained.verified(name)


@pytest.mark.parametrize("optimizer", [name for name in OPTIMIZERS if name != "adamw"])
def test_what_an_optimizer_for_bf16_weights_keeps_beside_them_goes_on_too(tmp_path, optimizer):
    """Compensations, moments in 8 bits, and the generator of the rounding; for some of the weights are 8 bits taken."""
    base = tmp_path / "base"
    tokenizer, model = make_tiny(make_pairs(), hidden=64)
    save_model(model, tokenizer, base)
    settings = {"model": base, "optimizer": optimizer, "steps": 4, "warmup": 0.5}
    text = '[[conditions]]\nname = "full"\nsource = "all"'
    undisturbed, run = make_run(tmp_path / "a", text, **settings), make_run(tmp_path / "b", text, **settings)
    undisturbed.train()
    run.recorder.fatal = ("full", 4)
    with pytest.raises(Killed):
        run.train()
    (state,) = [path for path in (run.root / "checkpoints" / ".state" / "full").iterdir() if path.is_dir()]
    assert state.name == "checkpoint-3"
    torch.manual_seed(0)  # an engine that goes on is another process
    run.recorder.fatal = None
    run.train()
    assert run.steps() == undisturbed.steps()
    assert run.files() == undisturbed.files()
    rates = [rate for *_, rate in run.steps().values()]
    wanted = [1e-3 * rate_share(done, 4, 0.5, "linear") for done in range(4)]
    assert rates == pytest.approx(wanted, rel=AS_FLOAT32), "as near as verification asks for"
    (start,) = undisturbed.recorder.of_kind(TrainStart)
    rounds = optimizer in ROUNDED_AT_RANDOM
    assert start.rounding_seed == (str(undisturbed.context("train").torch_seed("full")) if rounds else None)
    assert undisturbed.recorder.of_kind(ReferenceComputed)[0].precision == "bf16"


def test_a_run_goes_on_in_the_numbers_that_it_began_in(tmp_path):
    text = '[[conditions]]\nname = "full"\nsource = "all"'
    run = make_run(tmp_path, text, steps=2, precision="bf16_mixed")
    run.recorder.fatal = ("full", 1)
    with pytest.raises(Killed):
        run.train()
    run.recorder.fatal = None
    left_out = run.config.train.model_copy(update={"precision": None})
    run.config = run.config.model_copy(update={"train": left_out})  # as on the GPU that it began on
    assert run.train().numbers == "bf16_mixed"
    (_, start) = run.recorder.of_kind(TrainStart)
    assert start.layouts is not None


def test_a_run_that_began_in_tf32_is_not_gone_on_with_on_a_cpu(tmp_path, monkeypatch):
    text = '[[conditions]]\nname = "full"\nsource = "all"'
    run = make_run(tmp_path, text, steps=2, precision="fp32")
    run.recorder.fatal = ("full", 1)
    with pytest.raises(Killed):
        run.train()
    monkeypatch.setattr(stage, "_recorded_numbers", lambda *given: "tf32")
    with pytest.raises(InputError, match=r"scored in tf32 on a GPU, and a CPU computes in fp32.* resume on a GPU"):
        run.train()


def test_a_complete_stage_is_restored_from_the_record_alone(whole):
    before = len(whole.recorder.events)
    again = whole.train()
    assert (again.models, again.files) == (whole.trained.models, whole.trained.files)
    new = [e for _, e, _ in whole.recorder.events[before:]]
    assert all(isinstance(e, StagePlanned) for e in new)


def test_a_run_killed_again_before_its_next_state_goes_on_from_the_same_one(whole, tmp_path):
    run = make_run(tmp_path)
    for _ in range(2):
        run.recorder.fatal = ("full", 4)
        with pytest.raises(Killed):
            run.train()
    before = run.recorder.attempts("train")["condition:full"]
    run.recorder.fatal = None
    run.train()
    assert (before, run.recorder.attempts("train")["condition:full"]) == (2, 3)
    assert (run.steps(), run.files()) == (whole.steps(), whole.files())
    taken = [e.step for _, e, unit in run.recorder.events if isinstance(e, TrainStep) and unit == ("condition:full", 3)]
    assert taken == [1, 2, 3, 4, 5, 6], "those before the state are recorded once more"
    starts = [e for _, e, unit in run.recorder.events if isinstance(e, TrainStart) and unit == ("condition:full", 3)]
    assert len(starts) == 1


def test_states_are_kept_by_time_and_change_nothing(whole, tmp_path):
    run = make_run(tmp_path, checkpoint_minutes=10)
    run.train()
    assert run.recorder.of_kind(TrainState) == []
    assert (run.steps(), run.files()) == (whole.steps(), whole.files())
    assert [e.step for e in whole.recorder.of_kind(TrainState)] == [*range(1, 6)] * 2


def test_a_stop_request_ends_training_and_resume_goes_on(whole, tmp_path):
    run = make_run(tmp_path, checkpoint_minutes=10)
    seen = run.recorder.progress

    def stop_at_step_three(stage, done, total, detail="", left=None):
        if detail.startswith("full: step 3 of 6"):
            (tmp_path / "control" / "stop.request").touch()
        seen(stage, done, total, detail, left)

    run.recorder.progress = stop_at_step_three
    with pytest.raises(Stopped):
        run.train()
    (tmp_path / "control" / "stop.request").unlink()
    assert [e.step for e in run.recorder.of_kind(TrainState)] == [3], "nothing that was trained is lost"
    run.recorder.progress = seen
    run.train()
    assert len([e for e in run.recorder.of_kind(TrainStep) if e.condition == "full"]) == 3 + 6
    assert run.files() == whole.files()


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.pt"])
def test_a_changed_checkpoint_is_not_trusted(tmp_path, name):
    run = make_run(tmp_path)
    run.recorder.fatal = ("full", 3)
    with pytest.raises(Killed):
        run.train()
    (path,) = (tmp_path / "checkpoints" / ".state" / "full" / "checkpoint-2").glob(name)
    path.write_bytes(path.read_bytes() + b"x")
    run.recorder.fatal = None
    with pytest.raises(InputError, match=f"{name} does not hold what was recorded"):
        run.train()


def test_a_changed_base_model_is_not_trained_from(tmp_path):
    run = make_run(tmp_path)
    path = run.model().path / "model.safetensors"
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(InputError, match="does not hold what was recorded"):
        run.train()


def test_a_broken_down_training_is_recorded_by_name_and_stops(tmp_path):
    run = make_run(tmp_path, '[[conditions]]\nname = "full"\nsource = "all"', learning_rate=1e30)
    with pytest.raises(DempoError, match="condition 'full' broke down at step 2: .*nan.*learning_rate"):
        run.train()
    last = run.recorder.of_kind(TrainStep)[-1]
    assert last.step == 2
    assert "nan" in (last.loss, last.gradient_norm)
    assert run.steps() == {}


def test_running_out_of_memory_comes_with_advice(tmp_path, monkeypatch):
    import torch

    def exhausted(*args, **kwargs):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    run = make_run(tmp_path)
    monkeypatch.setattr("core.training.reference.log_probs", exhausted)
    with pytest.raises(
        OutOfDeviceMemory, match=r"train.micro_batch = 1 \(the result stays the same; .*gradient_checkpointing = true"
    ):
        run.train()


def test_an_asked_for_gpu_that_is_missing_is_named(tmp_path):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(InputError, match="torch finds no GPU"):
        make_run(tmp_path, device="cuda").model()


def test_without_trained_conditions_there_is_nothing_to_score(tmp_path):
    run = make_run(tmp_path, '[[conditions]]\nname = "base"\nsource = "none"')
    assert list(run.train().models) == ["base"]
    assert run.recorder.of_kind(ReferenceComputed) == []


def test_lower_precision_trains_through_the_same_configuration(tmp_path):
    text = '[[conditions]]\nname = "full"\nsource = "all"'
    run = make_run(tmp_path, text, precision="bf16_mixed", steps=3)
    run.train()
    assert len(run.steps()) == 3


def test_the_stage_module_loads_no_heavy_library():
    code = (
        "import sys, core.training.stage, core.chat\n"
        "print([m for m in ('torch', 'transformers', 'trl', 'datasets', 'accelerate') if m in sys.modules])"
    )
    root = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_frozen_results_hold_what_later_stages_need(whole):
    base = whole.model()
    assert base.path == whole.root / "checkpoints" / "base"
    with pytest.raises(AttributeError):
        base.path = Path()
    assert replace(base, files={}).files == {}
