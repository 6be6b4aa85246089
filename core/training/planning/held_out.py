"""The pairs that no condition trains on: drawn once for all of them, recorded before the first is planned."""

from __future__ import annotations

import json
from collections.abc import Hashable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.config import RunConfig
from core.errors import InputError
from core.events import HeldOutRater, HeldOutSplit
from core.facts.sources import trains
from core.facts.training.split import (
    HELD_OUT_FORMAT,
    HELD_OUT_TYPE,
    HELD_OUT_UNIT,
    SPLIT_RULE,
    held_out_file,
    held_out_split,
    numbered_groups,
)
from core.sections.what_trains import HeldOutSection
from core.stage import Context, Unit, only
from core.types import PreferencePairs

_GROUPS = {"pair": "comparisons", "conversation": "conversations", "rater": "raters"}


@dataclass(frozen=True)
class Split:
    """left are the pairs that may be trained on, of the same raters; kept[i] is the number of the i-th of them among
    all pairs, and measured, shape (M,), holds those of held-out pairs on which every condition is measured."""

    left: PreferencePairs
    kept: NDArray[np.int64]
    measured: NDArray[np.int64]


def splits_pairs(config: RunConfig) -> bool:
    """Whether pairs are held out: where it is asked for, and something is trained."""
    wanted = config.train is not None and config.train.held_out is not None
    return wanted and any(trains(condition.source) for condition in config.conditions)


def held_out_of(ctx: Context, pairs: PreferencePairs) -> Split:
    """The recorded split; drawn and recorded first where that has still to be done.

    Raises:
        InputError: nothing would be left to train on, or the file of the split is of another format.
    """
    train = ctx.config.train
    assert train is not None, "pairs are held out where something is trained"
    section = train.held_out
    assert section is not None, "pairs are held out where it is asked for"

    def compute(unit: Unit) -> None:
        unit.add(_drawn(ctx, section, pairs))

    recorded = only(ctx.unit(HELD_OUT_UNIT, compute), HeldOutSplit)
    values = json.loads(ctx.load(recorded.artifact))
    if values["format"] != HELD_OUT_FORMAT:
        told = f"held-out pairs of format {values['format']!r} cannot be read; this program reads {HELD_OUT_FORMAT!r}"
        raise InputError(told)
    return _split(pairs, np.array(values["pairs"], dtype=np.int64), np.array(values["measured"], dtype=np.int64))


def _drawn(ctx: Context, section: HeldOutSection, pairs: PreferencePairs) -> HeldOutSplit:
    groups = numbered_groups(_keys(section.by, pairs))
    try:
        out, measured = held_out_split(groups, section.share, section.max_pairs, ctx.stream(HELD_OUT_UNIT))
    except ValueError as error:
        raise InputError(
            f"train.held_out: of the {_GROUPS[section.by]} that the pairs are from, {error}; "
            "lower share, or hold out by something of which there is more"
        ) from error
    held = np.bincount(pairs.rater[out], minlength=len(pairs.raters))
    scored = np.bincount(pairs.rater[measured], minlength=len(pairs.raters))
    concerned = np.flatnonzero(held)
    return HeldOutSplit(
        by=section.by,
        share=section.share,
        groups=max(groups) + 1,
        held_out=len({groups[p] for p in out}),
        raters=len(concerned),
        emptied=int((held[concerned] == pairs.pairs_per_rater()[concerned]).sum()),
        pairs=len(out),
        measured=len(measured),
        rows=[
            HeldOutRater(rater_id=pairs.raters[r].rater_id, pairs=int(held[r]), measured=int(scored[r]))
            for r in sorted(concerned, key=lambda r: pairs.raters[r].rater_id)
        ],
        artifact=ctx.store(held_out_file(out, measured), HELD_OUT_TYPE),
        rule=SPLIT_RULE,
    )


def _keys(by: str, pairs: PreferencePairs) -> list[Hashable]:
    """What the pairs of a group have in common: the rater, the opening message, or context and both responses."""
    if by == "rater":
        return pairs.rater.tolist()
    if by == "conversation":
        return [pairs.contexts[context][0].content for context in pairs.context]
    smaller, larger = np.minimum(pairs.chosen, pairs.rejected), np.maximum(pairs.chosen, pairs.rejected)
    return list(zip(pairs.context.tolist(), smaller.tolist(), larger.tolist(), strict=True))


def _split(pairs: PreferencePairs, out: NDArray[np.int64], measured: NDArray[np.int64]) -> Split:
    stays = np.ones(len(pairs), dtype=np.bool_)
    stays[out] = False
    left = replace(
        pairs,
        context=pairs.context[stays],
        chosen=pairs.chosen[stays],
        rejected=pairs.rejected[stays],
        rater=pairs.rater[stays],
    )
    return Split(left, np.flatnonzero(stays), measured)
