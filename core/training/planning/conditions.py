"""The stage `conditions`: what each model trains on. One unit per condition: its weights and its schedule; before them
one for the pairs that none of them trains on, where some are held out."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.events import ConditionPlanned, WeightRow
from core.facts.places import place_name
from core.facts.randomness import RandomStream
from core.facts.sources import source_kind, trains
from core.facts.training.schedule import SCHEDULE_TYPE, order_of
from core.facts.training.transforms import clip_of
from core.facts.training.weights import effective_pairs
from core.facts.trees import root_of_rows
from core.sections.what_trains import ConditionSection, TrainSection
from core.stage import Context, Unit, only
from core.training.planning.held_out import Split, held_out_of, splits_pairs
from core.training.planning.realised import weights_realised
from core.training.planning.schedule import decode_schedule, encode_schedule, uniform_schedule, weighted_schedule
from core.training.planning.weights import chances_of, rater_weights
from core.types import Condition, Draw, Lottery, Pool, PreferencePairs

BASE = "base"
"""Name of the base model's folder; only an untrained condition may be called so."""


def conditions(
    ctx: Context,
    pairs: PreferencePairs | tuple[()],
    pool: Pool | tuple[()],
    lotteries: tuple[Lottery, ...],
    draws: tuple[Draw, ...],
) -> tuple[Condition, ...]:
    """Weights and the pair schedule of every configured condition, in the configuration's order.

    pairs and pool are () where the run has no data; then nothing is trained, and no condition has weights.
    """
    train = ctx.config.train
    sections = ctx.config.conditions
    splits = splits_pairs(ctx.config)
    ctx.plan(len(sections) + splits)
    split = held_out_of(ctx, pairs) if splits and isinstance(pairs, PreferencePairs) else None
    found = []
    for section in sections:
        require_name(section)

        def compute(unit: Unit, section: ConditionSection = section) -> None:
            if not trains(section.source):
                unit.add(_untrained(ctx, section, train.batch if train else 0))
                return
            assert train is not None, "the stage is skipped without [train] where something is trained"
            assert isinstance(pairs, PreferencePairs), "nothing is trained without data"
            assert isinstance(pool, Pool), "whoever has pairs has a pool"
            left = pairs if split is None else split.left
            weight = rater_weights(section, left, pool, lotteries, draws)
            chances = chances_of(section, left, pool, lotteries)
            clip = clip_of(chances) if section.transform == "clipped" else None
            planned, schedule = _plan_condition(ctx, section, pairs, split, weight, train, clip)
            if split is not None:
                before = rater_weights(section, pairs, pool, lotteries, draws)
                planned = planned.model_copy(update={"held_out_raters": int(((before > 0) & (weight == 0)).sum())})
            unit.add(planned)
            if source_kind(section.source) == "lottery":
                unit.add(weights_realised(planned, pairs.rater, left.pairs_per_rater(), weight, chances, schedule))

        planned = only(ctx.unit(section.name, compute), ConditionPlanned)
        found.append(_restore_condition(ctx, planned, pairs, split))
    return tuple(found)


def require_name(section: ConditionSection) -> None:
    """Refuses a condition with a model of its own that has the name of the base model's folder.

    Raises:
        InputError: it is called so.
    """
    if section.name == BASE and (trains(section.source) or source_kind(section.source) == "model"):
        raise InputError(f"condition {BASE!r}: this name is kept for the untrained model (source 'none')")


def _untrained(ctx: Context, section: ConditionSection, batch: int) -> ConditionPlanned:
    """The event of a condition that has neither weights nor a schedule."""
    key = ctx.recorder.leaf_key(ConditionPlanned.kind, section.name)
    return ConditionPlanned(
        condition=section.name,
        source=place_name(section.source),
        transform=section.transform,
        estimator=section.estimator,
        steps=0,
        batch=batch,
        pairs=0,
        raters=0,
        effective_pairs=0.0,
        weights=[],
        leaf_key=key,
        root=root_of_rows(key, []),
        family=section.family,
    )


def _plan_condition(
    ctx: Context,
    section: ConditionSection,
    pairs: PreferencePairs,
    split: Split | None,
    weight: NDArray[np.float64],
    train: TrainSection,
    clip: tuple[Fraction, Fraction] | None,
) -> tuple[ConditionPlanned, NDArray[np.int32]]:
    """The event of one condition, and its schedule of the pairs that are left, shape (steps · batch,), which is stored
    as an artifact."""
    left = pairs if split is None else split.left
    counts = left.pairs_per_rater()
    kept = np.flatnonzero(weight)
    steps, batch = section.steps or train.steps, train.batch
    order = order_of(section.estimator, train.order)
    schedule = _draw_schedule(section, order, left, weight, steps * batch, ctx.stream(section.name))
    schedule = schedule if split is None else split.kept[schedule].astype(np.int32)
    flipped = _citizens_disagree(ctx, section, pairs, schedule)
    body = encode_schedule(schedule.reshape(steps, batch), flipped.reshape(steps, batch))
    artifact = ctx.store(body, SCHEDULE_TYPE)
    rows = [
        WeightRow(rater_id=pairs.raters[r].rater_id, pairs=int(counts[r]), weight=float(weight[r]))
        for r in sorted(kept, key=lambda r: pairs.raters[r].rater_id)
    ]
    key = ctx.recorder.leaf_key(ConditionPlanned.kind, section.name)
    planned = ConditionPlanned(
        condition=section.name,
        source=section.source,
        transform=section.transform,
        estimator=section.estimator,
        steps=steps,
        batch=batch,
        pairs=int(counts[kept].sum()),
        raters=len(kept),
        effective_pairs=effective_pairs(weight.tolist(), counts.tolist()),
        weights=rows,
        leaf_key=key,
        root=root_of_rows(key, [row.model_dump() for row in rows]),
        family=section.family,
        order=order,
        micro_batch=train.micro_batch if section.estimator == "published" else None,
        clip=None if clip is None else [float(quantile) for quantile in clip],
        artifact=artifact,
    )
    return planned, schedule


def _draw_schedule(
    section: ConditionSection,
    order: str | None,
    pairs: PreferencePairs,
    weight: NDArray[np.float64],
    size: int,
    stream: RandomStream,
) -> NDArray[np.int32]:
    if section.estimator == "weighted_sampling":
        return weighted_schedule(weight, pairs.rater, size, stream.child("sampling"))
    eligible = np.flatnonzero(weight[pairs.rater] > 0)
    return uniform_schedule(eligible, size, order, stream)


def _citizens_disagree(
    ctx: Context, section: ConditionSection, pairs: PreferencePairs, schedule: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Where a citizen of the planted population prefers `rejected`; nowhere for other sources. Shape (size,)."""
    data = ctx.config.data
    if section.source != "population":
        return np.zeros(len(schedule), dtype=np.bool_)
    if data.path is None or data.world is None:
        raise InputError(f"condition {section.name!r}: source 'population' needs data.path and data.world")
    from core.data.planted.world_folder import population_labels

    stream = ctx.stream(section.name).child("citizens")
    flipped: NDArray[np.bool_] = population_labels(data.path / data.world, pairs, schedule.astype(np.int64), stream)
    return flipped


def _restore_condition(
    ctx: Context, planned: ConditionPlanned, pairs: PreferencePairs | tuple[()], split: Split | None
) -> Condition:
    """The condition that a recorded event stands for."""
    left = pairs if split is None else split.left
    raters = pairs.raters if isinstance(pairs, PreferencePairs) else ()
    index = {rater.rater_id: r for r, rater in enumerate(raters)}
    weight = np.zeros(len(raters), dtype=np.float64)
    for row in planned.weights:
        weight[index[row.rater_id]] = row.weight
    if planned.artifact is None:
        schedule = np.zeros((0, planned.batch), dtype=np.int32)
        flipped = np.zeros((0, planned.batch), dtype=np.bool_)
    else:
        schedule, flipped = decode_schedule(ctx.load(planned.artifact))
    return Condition(
        name=planned.condition,
        source=planned.source,
        estimator=planned.estimator,
        weight=weight,
        pairs_of_rater=left.pairs_per_rater() if isinstance(left, PreferencePairs) else np.zeros(0, dtype=np.int64),
        schedule=schedule,
        flipped=flipped,
        micro_batch=planned.micro_batch or 1,
        measured=np.zeros(0, dtype=np.int64) if split is None else split.measured,
    )


def train_section(ctx: Context) -> TrainSection:
    """The configuration's [train].

    Raises:
        InputError: there is none.
    """
    if ctx.config.train is None:
        raise InputError("the configuration has no [train] section, which this stage needs")
    return ctx.config.train
