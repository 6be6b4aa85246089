"""The stages `model` and `train`.

| stage      | unit               | records                                    |
|------------|--------------------|--------------------------------------------|
| model      | `base`             | the base checkpoint                        |
| train      | `reference`        | log-probabilities of the frozen base model |
|            | `condition:<name>` | its steps and its model                    |
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.chat import load_tokenizer, template_digest
from core.errors import DempoError, InputError
from core.events import Event, ModelReady, ReferenceComputed, TrainCheckpoint, TrainStart, TrainState, TrainStep
from core.facts.places import place_name
from core.facts.sources import has_base, trains
from core.facts.training.rules import REFERENCE_RULE, REFERENCE_TYPE, training_unit
from core.random_arrays import integers
from core.sections.what_trains import TrainSection
from core.stage import Context, Unit, only
from core.training.checkpoints import fresh_folder, hash_files, publish, verify
from core.training.models.optimizers import require_optimizer
from core.training.planning.conditions import BASE, train_section
from core.types import Condition, PreferencePairs

if TYPE_CHECKING:
    from core.training.models.precision import Placement
    from core.training.prediction.before_training import Subject
    from core.training.tokens import Key, Tokens


@dataclass(frozen=True)
class BaseModel:
    """The model that every condition starts from, and that is the frozen reference.

    path is a complete checkpoint folder (weights may be links); files holds the SHA-256 of each file.
    """

    path: Path
    files: Mapping[str, str]


@dataclass(frozen=True)
class Trained:
    """The models that answer: one checkpoint folder per condition that begins with the base model, in the
    configuration's order.

    An untrained condition (source none) has the base model's folder. files[condition] holds the recorded
    SHA-256 of each file; `verified` compares them, which takes time for large models.
    """

    models: Mapping[str, Path]
    files: Mapping[str, Mapping[str, str]]
    base: Path

    def verified(self, condition: str) -> Path:
        """The condition's folder, once its files have been compared with the record.

        Raises:
            InputError: a file is missing or was changed.
        """
        return verify(self.models[condition], self.files[condition])


# ---------------------------------------------------------------- model


def model(ctx: Context, pairs: PreferencePairs) -> BaseModel:
    """The base model: made from a configuration ("tiny"), or an existing checkpoint.

    Only a tiny one looks at pairs, which may be () for any other.
    """
    train = train_section(ctx)
    ctx.plan(1)
    path = ctx.folder.checkpoints / BASE

    def compute(unit: Unit) -> None:
        from core.training.models.precision import memory_guard, placement, quiet_libraries

        quiet_libraries()
        temporary = fresh_folder(ctx.folder.checkpoints / f".{BASE}")
        loss = None
        if train.model == "tiny":
            with memory_guard(train, "pre-training the tiny model"):
                loss = _make_tiny(ctx, pairs, train, placement(train).device, temporary)
        else:
            from core.training.models.model import find_source, link_model

            ctx.progress(0, 1, f"finding {train.model}")
            link_model(find_source(train.model, train.revision), temporary)
        unit.add(_model_ready(train, temporary, loss))
        publish(temporary, path)

    return BaseModel(path, only(ctx.unit("base", compute), ModelReady).files)


def _make_tiny(ctx: Context, pairs: PreferencePairs, train: TrainSection, device: str, folder: Path) -> float | None:
    """Builds, pre-trains and saves the tiny model; returns its last loss."""
    from core.training.fitting import tokenise
    from core.training.models.model import save_model
    from core.training.models.tiny import make_model, pretrain, train_tokenizer
    from core.training.tokens import every_response

    ctx.progress(0, train.tiny.steps, "training the tokenizer")
    tokenizer = train_tokenizer([*_messages(pairs), *pairs.responses], train.tiny.vocabulary)
    made = make_model(train.tiny, tokenizer, 2 * train.max_length, ctx.torch_seed("base", "weights"))
    everything = every_response(pairs)
    stream = ctx.stream("base", "pretraining")
    wanted = train.tiny.steps * train.tiny.batch
    picked = sorted({everything[i] for i in integers(stream.child("texts"), len(everything), wanted)})
    tokens = tokenise(tokenizer, pairs.contexts, pairs.responses, picked, train.max_length)

    loss = pretrain(
        made,
        [tokens.ids(tokens.pairs[pair][0]) for pair in picked],
        train.tiny,
        stream.child("batches"),
        device,
        tokenizer.pad_token_id,
        lambda done, total: ctx.go_on(done, total, "pre-training the tiny model"),
    )
    save_model(made.cpu(), tokenizer, folder)
    return loss


def _messages(pairs: PreferencePairs) -> list[str]:
    """The last message of every context; earlier ones are last in other contexts or responses."""
    return [context[-1].content for context in pairs.contexts]


def _model_ready(train: TrainSection, folder: Path, loss: float | None) -> ModelReady:
    from core.training.models.model import require_fit, shape_of

    shape, tokenizer = shape_of(folder), load_tokenizer(folder)
    require_fit(train, max(tokenizer.get_vocab().values()) + 1, shape.rows, shape.positions)
    return ModelReady(
        model=place_name(train.model),
        architecture=shape.architecture,
        parameters=shape.parameters,
        vocabulary=len(tokenizer),
        template=template_digest(),
        files=hash_files(folder),
        pretraining_loss=loss,
    )


# ---------------------------------------------------------------- train


def train(ctx: Context, pairs: PreferencePairs, conditions: tuple[Condition, ...], base: BaseModel) -> Trained:
    """Trains every condition that has a schedule, from the base model, against the base as reference."""
    section = train_section(ctx)
    trained = [condition for condition in conditions if trains(condition.source)]
    units = {condition.name: training_unit(condition.name) for condition in trained}
    every = ["reference", *units.values()] if trained else []
    ctx.plan(len(every))
    if ctx.pending(every):
        _train_pending(ctx, pairs, trained, base, section)
    if (leftover := _states(ctx)).exists():
        shutil.rmtree(leftover)
    models: dict[str, Path] = {}
    files: dict[str, Mapping[str, str]] = {}
    for condition in conditions:
        if not has_base(condition.source):
            continue
        models[condition.name], files[condition.name] = base.path, base.files
        if condition.name in units:
            recorded = ctx.recorded(units[condition.name])
            assert recorded is not None, "every condition is recorded"
            final = only(recorded, TrainCheckpoint)
            models[condition.name], files[condition.name] = ctx.folder.root / final.folder, final.files
    return Trained(models=models, files=files, base=base.path)


@dataclass(frozen=True)
class _Common:
    """What all conditions of a run are trained from, and with."""

    ctx: Context
    pairs: PreferencePairs
    base: BaseModel
    section: TrainSection
    placed: Placement
    tokenizer: Any
    tokens: Tokens
    reference: Mapping[Key, float]


def _train_pending(
    ctx: Context,
    pairs: PreferencePairs,
    trained: Sequence[Condition],
    base: BaseModel,
    section: TrainSection,
) -> None:
    from core.training.fitting import tokenise
    from core.training.models.precision import placement, quiet_libraries
    from core.training.prediction.before_training import Subject
    from core.training.tokens import scheduled_pairs

    require_optimizer(section.optimizer)
    quiet_libraries()
    placed = placement(section)
    verify(base.path, base.files)
    tokenizer = load_tokenizer(base.path)
    tokens = tokenise(
        tokenizer,
        pairs.contexts,
        pairs.responses,
        scheduled_pairs(pairs, trained),
        section.max_length,
        lambda done, total: ctx.progress(done, total, "tokenising"),
    )
    subject = Subject(base.path, section, placed, pairs, tokens, tokenizer.pad_token_id, trained)
    reference = _reference(ctx, base, subject)
    common = _Common(ctx, pairs, base, section, placed, tokenizer, tokens, reference)
    total = sum(len(condition.schedule) for condition in trained)
    before = 0
    for condition in trained:
        if ctx.pending([training_unit(condition.name)]):
            ctx.check_stop()
            _train_condition(common, condition, _reporter(ctx, condition, before, total))
        before += len(condition.schedule)


def _reporter(ctx: Context, condition: Condition, before: int, total: int) -> Callable[[int], None]:
    steps = len(condition.schedule)
    return lambda step: ctx.progress(before + step, total, f"{condition.name}: step {step} of {steps}")


def _reference(ctx: Context, base: BaseModel, subject: Subject) -> dict[Key, float]:
    """Log-probabilities of the frozen base model; a batch holds as many tokens as a training micro-batch may.

    What training will take is predicted first, so that nothing is scored that cannot be trained.

    Raises:
        InputError: those recorded before an interruption are of other tokens than these.
    """
    from core.training.models.model import load_model
    from core.training.models.precision import memory_guard, release_memory
    from core.training.prediction.before_training import predict, require_room
    from core.training.reference import decode_reference, encode_reference, log_probs

    section, placed, tokens = subject.section, subject.placed, subject.tokens

    def progress(done: int, total: int) -> None:
        ctx.go_on(done, total, "scoring the reference")

    names = {key: tokens.digest(key) for key in tokens.sequences()}

    def compute(unit: Unit) -> None:
        ctx.progress(0, len(names), "measuring one micro-batch")
        predicted = predict(subject, ctx.folder.root)
        unit.now(predicted)
        require_room(predicted, section)
        with memory_guard(section, "scoring the reference"):
            frozen = load_model(base.path, placed)
            budget = 2 * section.micro_batch * section.max_length
            values = log_probs(frozen, tokens, list(names), placed, subject.pad, budget, progress)
        if not all(map(math.isfinite, values.values())):
            raise DempoError(f"the base model in {base.path} gives log-probabilities that are not finite numbers")
        unit.add(
            ReferenceComputed(
                sequences=len(names),
                cut_contexts=tokens.cut_contexts,
                cut_responses=tokens.cut_responses,
                artifact=ctx.store(encode_reference({names[key]: values[key] for key in names}), REFERENCE_TYPE),
                rule=REFERENCE_RULE,
            )
        )

    recorded = only(ctx.unit("reference", compute), ReferenceComputed)
    release_memory()
    by_name = decode_reference(ctx.load(recorded.artifact))
    if by_name.keys() != set(names.values()):
        raise InputError(
            "the recorded reference was scored for other tokens than those of this program: the tokenizer, the chat "
            "template or their libraries have changed since; resume with the version that began, or clone the run"
        )
    return {key: by_name[name] for key, name in names.items()}


def _train_condition(common: _Common, condition: Condition, report: Callable[[int], None]) -> None:
    """Trains one condition from its last recorded state to the end, in one trainer."""
    from core.training.batches import PairCollator, rows_of
    from core.training.callback import Recording, keep_only
    from core.training.dpo import make_trainer
    from core.training.models.model import load_model
    from core.training.models.precision import memory_guard, release_memory
    from core.training.start import start_of

    ctx, section, placed, tokenizer = common.ctx, common.section, common.placed, common.tokenizer
    state = _states(ctx) / condition.name
    before = _up_to_a_state(ctx.interrupted(training_unit(condition.name)))
    start = next((event for event in before if isinstance(event, TrainState)), None)
    keep_only(state, start.step if start else 0)
    resumed = verify(ctx.folder.root / start.folder, start.files) if start else None
    state.mkdir(parents=True, exist_ok=True)
    rows = rows_of(condition, common.pairs)
    collator = PairCollator(rows, common.tokens, common.reference, tokenizer.pad_token_id, placed.multiple)
    recording = Recording(ctx, condition.name, before, state, report)
    with memory_guard(section, f"training {condition.name!r}"):
        policy = load_model(common.base.path, placed)
        seed = ctx.torch_seed(condition.name)
        recording.trainer = make_trainer(policy, tokenizer, collator, section, placed, state, seed, recording)
        if start is None:
            recording.start = start_of(recording.trainer.model, collator, section, placed)
        recording.trainer.train(resume_from_checkpoint=None if resumed is None else str(resumed))
    del policy, recording
    release_memory()


def _states(ctx: Context) -> Path:
    """Where trainers keep their state; no condition's name begins with a dot."""
    return ctx.folder.checkpoints / ".state"


def _up_to_a_state(interrupted: Sequence[Event]) -> list[Event]:
    """What an interrupted attempt recorded up to its last state, that state included; nothing where it has none."""
    states = [event for event in interrupted if isinstance(event, TrainState)]
    if not states:
        return []
    steps = [
        e for e in interrupted if isinstance(e, TrainStart) or (isinstance(e, TrainStep) and e.step <= states[-1].step)
    ]
    return [*steps, states[-1]]
