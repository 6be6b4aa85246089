"""Conditions with `steps_match`: trained with other numbers of steps until their update is as large as that of others.

The learning rate's schedule ends with the last step, so a shorter training is no beginning of a longer one, and every
candidate is trained from the base model. Its pairs are the first of the condition's recorded schedule: nothing is drawn
anew. A candidate is recorded like a condition, under the name <condition>@<steps>:

| unit                        | records                                          |
|-----------------------------|--------------------------------------------------|
| `condition:<name>@<steps>`  | its steps and its model                          |
| `update:<name>@<steps>`     | how far it moved                                 |
| `condition:<name>`          | the chosen number of steps, and the model        |
| `update:<name>`             | the update of the chosen one, under its own name |

At most two candidates' models are on disk: the closest so far, and the one that is compared with it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from core.config import RunConfig
from core.errors import DempoError, InputError
from core.events import Candidate, StepsMatched, TrainCheckpoint, UpdateMeasured
from core.facts.sources import trains
from core.facts.training.rules import training_unit, update_unit
from core.facts.training.steps_match import (
    candidate_name,
    is_matched,
    is_rising,
    kept_steps,
    next_steps,
    target_of,
)
from core.sections.what_trains import ConditionSection, TrainSection
from core.stage import Context, Unit, only
from core.training.checkpoints import publish, verify
from core.types import Condition


def trainings_of(condition: ConditionSection, train: TrainSection) -> int:
    """How many trainings a condition takes at most: one, or as many as a bisection of its grid."""
    if not trains(condition.source):
        return 0
    points = -(-(condition.steps or train.steps) // condition.step_grid)
    return points.bit_length() if condition.steps_match else 1


def check_steps_match(config: RunConfig) -> Iterator[InputError]:
    """Every reason why the updates that a configuration wants to be matched cannot be."""
    known = {section.name: section for section in config.conditions}
    for section in config.conditions:
        where = f"condition {section.name!r}: steps_match"
        if section.steps_match and not trains(section.source):
            yield InputError(f"{where} chooses steps of training, and a source {section.source!r} trains nothing")
        for name in section.steps_match:
            wrong = _unmatchable(section.name, name, known)
            if wrong:
                yield InputError(f"{where} names {name!r}, {wrong}")
        if len(set(section.steps_match)) < len(section.steps_match):
            yield InputError(f"{where} names a condition twice; the mean of their updates counts each once")
        steps = section.steps or (config.train.steps if config.train else None)
        if section.steps_match and steps is not None and section.step_grid > steps:
            yield InputError(
                f"condition {section.name!r}: step_grid ({section.step_grid}) is more than its {steps} steps, so that "
                "there is nothing to search; take a finer grid"
            )


def _unmatchable(own: str, name: str, known: Mapping[str, ConditionSection]) -> str:
    """What is wrong with the name of a condition whose update is to be matched; "" for nothing."""
    if name == own:
        return "which is itself; name conditions whose number of steps is fixed"
    if name not in known:
        listed = ", ".join(repr(one) for one in known if one != own) or "there is no other"
        return f"which is no condition of this run (others: {listed})"
    if known[name].steps_match:
        return "whose own steps are searched for; name conditions whose number of steps is fixed"
    if not trains(known[name].source):
        return f"which is not trained (source {known[name].source!r}), so it has no update"
    return ""


def train_to_match(
    ctx: Context, section: ConditionSection, condition: Condition, train_one: Callable[[Condition], None]
) -> None:
    """Trains candidates until the search is over, and makes the chosen one's model the condition's.

    Args:
        condition: as planned, with the schedule of its own number of steps.
        train_one: trains a candidate and measures it, where the record does not have both.

    Raises:
        DempoError: the named conditions did not move, so there is nothing to match.
    """
    target = target_of([_relative(ctx, name) for name in section.steps_match])
    if not 0 < target < float("inf"):
        raise DempoError(
            f"condition {condition.name!r}: the mean relative update of {', '.join(section.steps_match)} is {target}, "
            "which nothing can match; `dempo show RUN --view updates` has them"
        )
    found: dict[int, float] = {}
    most = len(condition.schedule)
    while (steps := next_steps(section.step_grid, most, target, section.tolerance, found)) is not None:
        candidate = shortened(condition, steps)
        train_one(candidate)
        found[steps] = _relative(ctx, candidate.name)
        kept = kept_steps(target, section.tolerance, found)
        for other in found.keys() - {kept}:
            shutil.rmtree(ctx.folder.checkpoints / candidate_name(condition.name, other), ignore_errors=True)
    _choose(ctx, section, target, found)


def shortened(condition: Condition, steps: int) -> Condition:
    """A candidate: the condition with the first `steps` steps of its schedule."""
    return replace(
        condition,
        name=candidate_name(condition.name, steps),
        schedule=condition.schedule[:steps],
        flipped=condition.flipped[:steps],
    )


def _relative(ctx: Context, name: str) -> float:
    return float(_update(ctx, name).relative)


def _update(ctx: Context, name: str) -> UpdateMeasured:
    return only(ctx.recorded(update_unit(name)) or (), UpdateMeasured)


def _choose(ctx: Context, section: ConditionSection, target: float, found: Mapping[int, float]) -> None:
    """Records what was found, once the chosen model has its place."""
    steps = kept_steps(target, section.tolerance, found)
    name = candidate_name(section.name, steps)

    def chosen(unit: Unit) -> None:
        trained = only(ctx.recorded(training_unit(name)) or (), TrainCheckpoint)
        folder = ctx.folder.checkpoints / section.name
        _give_place(ctx.folder.root / trained.folder, folder, trained.files)
        unit.add(
            StepsMatched(
                condition=section.name,
                like=list(section.steps_match),
                target=target,
                tolerance=section.tolerance,
                grid=section.step_grid,
                candidates=[Candidate(steps=count, relative=relative) for count, relative in found.items()],
                steps=steps,
                relative=found[steps],
                matched=is_matched(found[steps], target, section.tolerance),
                rising=is_rising(found),
            ),
            TrainCheckpoint(
                condition=section.name,
                step=steps,
                folder=folder.relative_to(ctx.folder.root).as_posix(),
                files=dict(trained.files),
            ),
        )

    ctx.unit(training_unit(section.name), chosen)
    ctx.unit(
        update_unit(section.name),
        lambda unit: unit.add(_update(ctx, name).model_copy(update={"condition": section.name})),
    )


def _give_place(candidate: Path, final: Path, files: Mapping[str, str]) -> None:
    """Renames the folder of the chosen model, unless an interrupted attempt did.

    Raises:
        InputError: its files are not those that were recorded.
    """
    if candidate.exists():
        verify(candidate, files)
        publish(candidate, final)
    else:
        verify(final, files)
