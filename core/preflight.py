"""What can be refused before a run is created, so that nobody learns of a missing file hours later."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path

from core.config import RunConfig, places
from core.data.formats import PREFERENCES
from core.data.tables import read_tables, require_sums
from core.errors import DempoError, InputError, JudgeError
from core.evaluation.beforehand import check_evaluation
from core.evaluation.endpoints.endpoint import endpoint_for
from core.events.earlier_calls import OtherRuns, UnreadRuns
from core.facts.stages import NO_DATA, STAGE_NAMES
from core.program.environment import refuse_launcher
from core.program.needed_packages import require_packages
from core.ranking.plan_notes import plan_notes
from core.sections.who_judges import JudgeModel
from core.training.planning.notes import estimator_notes
from core.training.possible import check_training, notes_on_training
from core.training.prediction.resources import resource_notes


def preflight(
    config: RunConfig, until: str | None = None, others: OtherRuns = UnreadRuns(), runs: Path | None = None
) -> tuple[str, ...]:
    """Refuses a new run whose files, addresses or keys are not there; only those of stages up to `until`.

    A launcher in front of the engine is refused, too, whatever the run.

    Args:
        others: reads the records of other runs, where the configuration names some.
        runs: the folder that the run will be made in, whose disk is looked at; None: not looked at.

    Returns:
        Notes for the person who starts it, as sentences: nothing is wrong with them.

    Raises:
        InputError, JudgeError, InfeasibleQuotas: as the stages would.
    """
    refuse_launcher(os.environ)
    require_packages(config, until)
    answers = bool(config.conditions) and reaches("answer", until)
    if config.data.people_only:
        _require_files(config, answers)
        notes = _check_tables(config)
        _check_people(config, until)
        return notes
    wrong = list(check_training(config, reaches("model", until), runs))
    try:
        _require_files(config, answers)
    except InputError as error:
        _refuse([error, *wrong])
    notes = estimator_notes(config) if reaches("train", until) else ()
    try:
        notes += () if config.data.format == NO_DATA else PREFERENCES[config.data.format].notes(config)
        _check_people(config, until)
    except DempoError as error:
        wrong.insert(0, error)
    _refuse([*wrong, *(check_evaluation(config, others) if answers else ())])
    notes += plan_notes(config) if reaches("judge", until) else ()
    notes += notes_on_training(config, reaches("train", until)) if reaches("conditions", until) else ()
    return (*notes, *(resource_notes(config) if reaches("model", until) else ()))


def check_endpoints(config: RunConfig, ended: Collection[str], until: str | None = None) -> None:
    """Refuses to go on with a run whose endpoints cannot be used hours later: a key is gone, or must not go there.

    A stage that is next checks those that it still needs by itself; so does one that takes over what another run said.

    Args:
        ended: the stages that have ended.

    Raises:
        JudgeError: all that is wrong.
    """
    wrong: list[DempoError] = []
    for who, asked in config.asked.items() if config.conditions else ():
        if isinstance(asked, JudgeModel) and asked.takes_over:
            continue
        previous, stage = ("answer", "judge") if who.startswith("judge ") else ("train", "answer")
        try:
            if previous not in ended and reaches(stage, until):
                endpoint_for(config, asked, os.environ)
        except JudgeError as error:
            wrong.append(JudgeError(f"{who}: {error}"))
    _refuse(wrong)


def _refuse(wrong: Sequence[DempoError]) -> None:
    """Raises what is wrong; several things at once as one list, so that nobody has to start again for each.

    What is wrong with an endpoint is said once, however many judges name it.
    """
    wrong = list({str(error): error for error in wrong}.values())
    if len(wrong) == 1:
        raise wrong[0]
    if wrong:
        raise InputError("\n  ".join([f"{len(wrong)} things are wrong with this configuration:", *map(str, wrong)]))


def reaches(stage: str, until: str | None) -> bool:
    """Whether a run that ends after the stage `until`, or after the last one, works on this one."""
    return until is None or STAGE_NAMES.index(until) >= STAGE_NAMES.index(stage)


def _require_files(config: RunConfig, answers: bool) -> None:
    """Tells all missing files at once; of a single one the check that reads it knows better what it should hold.

    Raises:
        InputError: several are not there.
    """
    needed = [(key, path) for key, path in places(config) if answers or not key.startswith(("answer.", "rank."))]
    missing = [f"{key}: {path}" for key, path in needed if not path.exists()]
    if len(missing) > 1:
        head = f"{len(missing)} files or folders that the configuration names are not there:"
        rule = "relative paths are taken from the configuration's folder, those of --set from the current folder"
        way = ["`dempo demo` writes a planted world, and starts a run on it"] if config.data.world is not None else []
        raise InputError("\n  ".join([head, *missing, rule, *way]))


def _check_people(config: RunConfig, until: str | None) -> None:
    """Published files about people that a lottery is to be compared with."""
    if reaches("lottery", until) and any(section.published is not None for section in config.lotteries):
        from core.publication.people import check_people

        check_people(config)


def _check_tables(config: RunConfig) -> tuple[str, ...]:
    """Reads the tables once: they are small, and what is wrong in one has a line."""
    tables = read_tables(config.data)
    for section in config.lotteries:
        require_sums(tables, section.name, section.size)
    return tables.notes()
