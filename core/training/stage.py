"""The stage `train`.

| stage      | unit               | records                                    |
|------------|--------------------|--------------------------------------------|
| train      | `tokens`           | the tokens of every pair that is scheduled |
|            | `reference`        | log-probabilities of the frozen base model |
|            | `condition:<name>` | its steps and its model                    |
|            | `update:<name>`    | how far that moved the model               |

A condition with `steps_match` has more of both (`core.training.steps_match`).
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.chat import load_tokenizer, template_digest
from core.errors import DempoError, InputError
from core.events import (
    Event,
    HeldOutMeasured,
    ReferenceComputed,
    TokensMade,
    TrainCheckpoint,
    TrainStart,
    TrainState,
    TrainStep,
)
from core.facts.plural import number_of
from core.facts.sources import has_base, trains
from core.facts.training.numbers import rounding_seed
from core.facts.training.rules import REFERENCE_RULE, REFERENCE_TYPE, training_unit, update_unit
from core.facts.training.token_file import TOKENS_TYPE
from core.facts.training.weight_files import lacking_adapter
from core.sections.what_trains import TrainSection
from core.stage import Context, Unit, only
from core.training.base_model import BaseModel
from core.training.checkpoints import verify
from core.training.keeping.room import in_gb, require_room, taken_bytes
from core.training.models.optimizers import require_optimizer
from core.training.planning.conditions import train_section
from core.training.steps_match import train_to_match
from core.training.updates import measure_update
from core.types import Condition, PreferencePairs

if TYPE_CHECKING:
    from core.training.as_tokens.tokens import Key, Tokens
    from core.training.heldout.measuring import HeldOutMeasuring
    from core.training.keeping.final_model import Numbers
    from core.training.models.precision import Placement
    from core.training.prediction.before_training import Subject


@dataclass(frozen=True)
class Trained:
    """The models that answer: one checkpoint folder per condition that begins with the base model, in the
    configuration's order.

    An untrained condition (source none) has the base model's folder. files[condition] holds the recorded
    SHA-256 of each file; `verified` compares them, which takes time for large models. `numbers` are those that the
    conditions were trained in; None where nothing was.
    """

    models: Mapping[str, Path]
    files: Mapping[str, Mapping[str, str]]
    base: Path
    base_files: Mapping[str, str]
    numbers: str | None = None

    def verified(self, condition: str) -> Path:
        """The condition's folder, once its files, and those of the base for an adapter, are compared with the record.

        Raises:
            InputError: a file is missing or was changed.
        """
        if lacking_adapter(self.files[condition]) is None:
            verify(self.base, self.base_files)
        return verify(self.models[condition], self.files[condition])


def train(ctx: Context, pairs: PreferencePairs, conditions: tuple[Condition, ...], base: BaseModel) -> Trained:
    """Trains every condition that has a schedule, from the base model, against the base as reference."""
    section = train_section(ctx)
    trained = [condition for condition in conditions if trains(condition.source)]
    units = {condition.name: training_unit(condition.name) for condition in trained}
    every = ["tokens", "reference", *units.values(), *map(update_unit, units)] if trained else []
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
    return Trained(
        models=models,
        files=files,
        base=base.path,
        base_files=base.files,
        numbers=_recorded_numbers(ctx, section),
    )


@dataclass(frozen=True)
class _Common:
    """What all conditions of a run are trained from, and with."""

    ctx: Context
    pairs: PreferencePairs
    base: BaseModel
    section: TrainSection
    placed: Placement
    numbers: Numbers
    tokenizer: Any
    tokens: Tokens
    reference: Mapping[Key, float]
    held_out: HeldOutMeasuring | None


def _train_pending(
    ctx: Context,
    pairs: PreferencePairs,
    trained: Sequence[Condition],
    base: BaseModel,
    section: TrainSection,
) -> None:
    from core.training.heldout.measuring import held_out_to_measure
    from core.training.keeping.final_model import numbers_of
    from core.training.models.precision import placement, quiet_libraries
    from core.training.prediction.before_training import Subject

    require_optimizer(section)
    quiet_libraries()
    recorded = _recorded_numbers(ctx, section)
    placed = placement(section, recorded)
    if recorded not in (None, placed.numbers):
        raise InputError(
            f"the reference was scored in {recorded} on a GPU, and a CPU computes in {placed.numbers}, so that no "
            "condition would start at its reference; resume on a GPU (train.device = 'auto'), or clone the run"
        )
    verify(base.path, base.files)
    numbers = numbers_of(base.path)
    pending = [condition for condition in trained if ctx.pending([training_unit(condition.name)])]
    _require_disk(ctx, base, placed, numbers, pending)
    tokenizer = _as_recorded(load_tokenizer(base.path), base)
    tokens = _tokens(ctx, pairs, trained, tokenizer, section.max_length)
    pad = tokenizer.pad_token_id
    subject = Subject(base.path, section, placed, pairs, tokens, pad, trained)
    reference = _reference(ctx, base, subject)
    held_out = held_out_to_measure(ctx, pairs, trained[0].measured.tolist(), tokens, reference, section, placed, pad)
    common = _Common(ctx, pairs, base, section, placed, numbers, tokenizer, tokens, reference, held_out)
    sections = {section.name: section for section in ctx.config.conditions}
    plain = [condition for condition in trained if not sections[condition.name].steps_match]
    matching = [condition for condition in trained if sections[condition.name].steps_match]
    tally = _Tally(ctx, sum(len(condition.schedule) for condition in plain))

    def searched(candidate: Condition) -> None:
        tally.total += len(candidate.schedule)
        _train_one(common, candidate, tally)

    for condition in plain:
        _train_one(common, condition, tally)
    for condition in matching:
        train_to_match(ctx, sections[condition.name], condition, searched)


def _recorded_numbers(ctx: Context, section: TrainSection) -> str | None:
    """The numbers that a reference on record was scored in, and all conditions are trained in; None without one."""
    events = ctx.recorded("reference")
    if events is None:
        return None
    return only(events, ReferenceComputed).precision or section.precision  # an older record computed as it was asked to


def _as_recorded(tokenizer: Any, base: BaseModel) -> Any:
    """The tokenizer of the base model, whose chat template is the recorded one.

    Raises:
        InputError: it is another one.
    """
    if template_digest(tokenizer.chat_template) != base.template:
        raise InputError(
            f"the chat template in {base.path} is not the one that is recorded; put the file back as it was, or clone "
            "the run"
        )
    return tokenizer


def _require_disk(
    ctx: Context, base: BaseModel, placed: Placement, numbers: Numbers, pending: Sequence[Condition]
) -> None:
    """Refuses to begin where the disk cannot hold the models that are to come, and two states.

    Raises:
        InputError: says how much there is room for, and how much would be needed.
    """
    from core.training.models.small_files import settings_in
    from core.training.prediction.dimensions import dimensions_of
    from core.training.prediction.forecast import Trainings, disk_of
    from core.training.prediction.model_size import ModelSize

    if not pending:
        return
    dimensions = dimensions_of(settings_in(base.path / "config.json", "train.model"))
    size = ModelSize(numbers.parameters, dimensions, stored=numbers.size)
    coming = Trainings(len(pending), steps=0, longest=0)
    need = disk_of(train_section(ctx), size, placed.device == "cuda", coming, minutes=None)
    doing = f"{number_of(len(pending), 'trained model')} of {in_gb(need.final)} and two states of {in_gb(need.state)}"
    require_room(ctx.folder.checkpoints, need.peak, taken_bytes(_states(ctx)), doing)


def _tokens(
    ctx: Context, pairs: PreferencePairs, trained: Sequence[Condition], tokenizer: Any, max_length: int
) -> Tokens:
    """The tokens of every pair that a condition is scheduled to train on, as they are recorded.

    Raises:
        InputError: the file of those that were recorded before an interruption is not here.
    """
    from core.training.as_tokens.fitting import tokenise
    from core.training.as_tokens.token_file import counts_of, read_tokens, write_tokens
    from core.training.as_tokens.tokens import scheduled_pairs

    def progress(done: int, total: int) -> None:
        ctx.go_on(done, total, "tokenising")

    def compute(unit: Unit) -> None:
        wanted, beside = scheduled_pairs(pairs, trained), ctx.folder.artifacts
        made = tokenise(tokenizer, pairs.contexts, pairs.responses, wanted, max_length, progress, beside)
        unit.add(
            TokensMade(
                **counts_of(made),
                cut_contexts=made.cut_contexts,
                cut_responses=made.cut_responses,
                template=template_digest(tokenizer.chat_template),
                artifact=ctx.store_stream(partial(write_tokens, made), TOKENS_TYPE),
                rule=REFERENCE_RULE,
            )
        )

    recorded = only(ctx.unit("tokens", compute), TokensMade)
    return read_tokens(ctx.stored(recorded.artifact))


@dataclass
class _Tally:
    """Optimizer steps done and known of, over all conditions; a search adds its own as it goes."""

    ctx: Context
    total: int
    done: int = 0

    def reporter(self, condition: Condition) -> Callable[[int, str, float], None]:
        """Tells people how far the training of a condition is."""
        steps = len(condition.schedule)
        return lambda step, told, left: self.ctx.progress(
            self.done + step, self.total, f"{condition.name}: step {step} of {steps}, {told}", left
        )


def _train_one(common: _Common, condition: Condition, tally: _Tally) -> None:
    """Trains a condition, or a candidate, and measures its update, each where the record does not have it."""
    ctx, name = common.ctx, condition.name
    if ctx.pending([training_unit(name)]):
        ctx.check_stop()
        later = tally.total - tally.done - len(condition.schedule)
        _train_condition(common, condition, later, tally.reporter(condition))
    tally.done += len(condition.schedule)

    def compute(unit: Unit) -> None:
        final = only(ctx.recorded(training_unit(name)) or (), TrainCheckpoint)
        model = verify(ctx.folder.root / final.folder, final.files)
        told = f"{name}: measuring its update"
        unit.add(measure_update(common.base.path, model, name, lambda done, total: ctx.go_on(done, total, told)))

    ctx.unit(update_unit(name), compute)


def _reference(ctx: Context, base: BaseModel, subject: Subject) -> dict[Key, float]:
    """Log-probabilities of the frozen base model; a batch holds as many tokens as a training micro-batch may.

    What training will take is predicted first, so that nothing is scored that cannot be trained.

    Raises:
        InputError: those that are recorded are of other tokens than the recorded ones.
    """
    from core.training.models.model import load_model
    from core.training.models.precision import memory_guard, release_memory
    from core.training.prediction.before_training import predict, require_room
    from core.training.reference import decode_reference, encode_reference, log_probs, with_fused_head

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
            frozen = with_fused_head(load_model(base.path, placed))
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
                precision=placed.numbers,
            )
        )

    recorded = only(ctx.unit("reference", compute), ReferenceComputed)
    release_memory()
    by_name = decode_reference(ctx.load(recorded.artifact))
    if by_name.keys() != set(names.values()):
        raise InputError(
            "the recorded reference was scored for other tokens than the recorded ones: the record is not what one "
            "version of this program wrote; resume with the version that began, or clone the run"
        )
    return {key: by_name[name] for key, name in names.items()}


def _train_condition(
    common: _Common, condition: Condition, later: int, report: Callable[[int, str, float], None]
) -> None:
    """Trains one condition from its last recorded state to the end, in one trainer.

    Args:
        later: optimizer steps of the conditions after it.
    """
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
    recording = Recording(ctx, condition.name, before, state, common.numbers, later, report)
    recording.held_out = common.held_out
    with memory_guard(section, f"training {condition.name!r}"):
        policy = load_model(common.base.path, placed)
        seed = rounding_seed(ctx.config.run.seed, condition.name)
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
    last = states[-1].step
    kept = [
        e
        for e in interrupted
        if isinstance(e, TrainStart) or (isinstance(e, TrainStep | HeldOutMeasured) and e.step <= last)
    ]
    return [*kept, states[-1]]
