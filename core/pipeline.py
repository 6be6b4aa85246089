"""The stages of a run, in order, and how a run goes through them.

`pairs → pool → lottery → draw → conditions → model → train → recovery → answer → judge → rank`

A stage whose key is recorded is not run again; its result is restored from the record only where a later stage asks
for it. What else is known of each stands in `core.facts.stages`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from core.config import RunConfig
from core.data.stage import pairs, pool
from core.errors import InputError
from core.evaluation.answering import answer
from core.evaluation.stage import judge
from core.events import Recorder
from core.facts.stages import STAGE_FACTS, STAGE_NAMES
from core.ranking.stage import rank
from core.run_folder import RunFolder
from core.sortition.draws.stage import draw
from core.sortition.stage import lottery
from core.stage import Stage, run_stage, skip_stage, stage_key
from core.training.base_model import model
from core.training.planning.conditions import conditions
from core.training.recovery import recovery
from core.training.stage import train

Notify = Callable[[str, str, float], None]
"""Called with a stage's name, what happened (started, completed, skipped, kept) and seconds."""


_RUN: Mapping[str, Callable[..., Any]] = {
    "pairs": pairs,
    "pool": pool,
    "lottery": lottery,
    "draw": draw,
    "conditions": conditions,
    "model": model,
    "train": train,
    "recovery": recovery,
    "answer": answer,
    "judge": judge,
    "rank": rank,
}

STAGES: tuple[Stage, ...] = tuple(
    Stage(name, facts.version, facts.needs, facts.config, facts.replay, _RUN[name])
    for name, facts in STAGE_FACTS.items()
)


def check_until(until: str | None) -> None:
    """Refuses a stage that doesn't exist.

    Raises:
        InputError: with the names of the stages.
    """
    if until is not None and until not in STAGE_NAMES:
        raise InputError(f"there is no stage {until!r}; the stages are {', '.join(STAGE_NAMES)}")


def nothing_left(ends: Mapping[str, str], until: str | None) -> bool:
    """Whether every stage up to `until` is recorded, so that an engine would have nothing to do."""
    last = STAGE_NAMES.index(until) if until is not None else len(STAGE_NAMES) - 1
    return all(name in ends for name in STAGE_NAMES[: last + 1])


def stage_keys(config: RunConfig) -> dict[str, str]:
    """The key of every stage under a configuration."""
    keys: dict[str, str] = {}
    for stage in STAGES:
        keys[stage.name] = stage_key(stage, config, [keys[name] for name in stage.needs])
    return keys


def run_pipeline(
    config: RunConfig,
    recorder: Recorder,
    folder: RunFolder,
    ends: Mapping[str, str],
    until: str | None = None,
    notify: Notify = lambda stage, what, seconds: None,
) -> bool:
    """Runs every stage that is not recorded yet, up to and including `until`; True where none is left.

    Args:
        ends: key of each stage that the record holds as completed ("" for a skipped one).

    Raises:
        DempoError: as its class says; everything finished before is recorded.
        Stopped: the operator asked for it.
    """
    check_until(until)
    keys = stage_keys(config)
    by_name = {stage.name: stage for stage in STAGES}
    results: dict[str, Any] = {}

    def result_of(name: str) -> Any:
        stage = by_name[name]
        if name not in results:
            if stage.skip(config) is not None:
                results[name] = ()
            else:
                inputs = [result_of(need) for need in stage.needs]
                results[name] = run_stage(stage, config, recorder, folder, keys[name], inputs, ends.get(name))
        return results[name]

    for stage in STAGES:
        begun = time.monotonic()
        reason = stage.skip(config)
        if stage.name in ends:
            notify(stage.name, "kept" if reason is None else "skipped", 0.0)
        elif reason is not None:
            skip_stage(stage, recorder, reason)
            notify(stage.name, "skipped", 0.0)
        else:
            notify(stage.name, "started", 0.0)
            result_of(stage.name)
            notify(stage.name, "completed", time.monotonic() - begun)
        if stage.name == until:
            break
    return until is None or until == STAGE_NAMES[-1]
