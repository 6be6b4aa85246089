"""What a stage needs beside the record to be repeated: a scratch folder, the files it once read, units it is given."""

from __future__ import annotations

import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from core.config import RunConfig
from core.errors import DempoError
from core.events import GoldRead, JudgeCalled, PeopleCompared, PeopleRead, PublishedRead, RankingsRead
from core.facts.sealed import PRIVATE, SEALED
from core.run_folder import SECRET_FILE, RunFolder
from core.signals import handled
from core.training.planning.conditions import BASE
from storage.record.codec import artifacts_in
from storage.replay.repetition import Line, Recorded, Repetition
from storage.verifier.contents.whole import file_digest

_FROM_DATA = ("pairs", "pool")


@contextmanager
def scratch_folder(record: Recorded, stage: str) -> Iterator[RunFolder]:
    """A run folder for one repetition, removed at its end however it ends.

    Artifacts, models and the secret of the pseudonyms are links to those of the run; what the stage itself
    made is left out, so that it is made anew. Files are replaced and never written in place, so nothing
    reaches the run through a link.
    """
    with tempfile.TemporaryDirectory(prefix="dempo-replay-") as place, _ended_by_signals():
        scratch = RunFolder(Path(place) / record.folder.root.name)
        scratch.create()
        run = record.folder
        own = set(artifacts_in([line.values for line in record.of(stage)]))
        for path in run.artifacts.iterdir() if run.artifacts.is_dir() else ():
            if path.name not in own:
                (scratch.artifacts / path.name).symlink_to(path.resolve())
        for path in run.checkpoints.iterdir() if run.checkpoints.is_dir() else ():
            wanted = path.name == BASE if stage == "train" else stage != "model" and not path.name.startswith(".")
            if wanted:
                (scratch.checkpoints / path.name).symlink_to(path.resolve())
        if (secret := _secret(run)).is_file():
            _secret(scratch).symlink_to(secret.resolve())
        yield scratch


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP unwind as Ctrl-C does, so that nothing is left behind."""

    def end(number: int, frame: FrameType | None) -> None:
        sys.exit(128 + number)

    with handled(end, signal.SIGTERM, signal.SIGHUP):
        yield


def absent_input(record: Recorded, config: RunConfig, stage: str) -> str | None:
    """Which file that the stage once read is not here, or is another one now, as a sentence; None if all are there."""
    withheld = PRIVATE in record.lines[0].values.get(SEALED, {})
    for path, recorded in _files(record, config, stage):
        try:
            found = file_digest(path)
        except OSError:
            found = ""
        if withheld and (not found or (recorded and found not in recorded)):
            return f"where the input lies was withheld from this copy: {path.name}, looked for in {path.parent}"
        if not found:
            return f"the input is not here: {path}"
        if recorded and found not in recorded:
            return f"the input has changed: {path} holds SHA-256 {found[:12]}…, recorded is {recorded[0][:12]}…"
    return None


def changed_input(record: Recorded, repetition: Repetition) -> str | None:
    """The same of files that were only known once they were read again (a data set on the hub)."""
    recorded = _files_read([line.values for line in record.of(repetition.stage)])
    for name, found in _files_read([again.values for again in repetition.lines]).items():
        for sha256 in found:
            if sha256 not in recorded.get(name, found):
                before = recorded[name][0]
                return f"the input has changed: {name} holds SHA-256 {sha256[:12]}…, recorded is {before[:12]}…"
    return None


def _files(record: Recorded, config: RunConfig, stage: str) -> Iterator[tuple[Path, Sequence[str]]]:
    """Files outside the run that a stage reads, each with the hashes that are recorded under its name, if any."""
    data = config.data
    if stage in _FROM_DATA:
        tables = [path for path in (data.respondents, data.quotas, data.responses) if path is not None]
        for name, recorded in _files_read([line.values for line in record.of(stage)]).items():
            if data.path is not None:
                yield data.path / name, recorded
            yield from ((path, recorded) for path in tables if path.name == name)
    if data.path is not None and data.world is not None and _reads_the_world(config, stage):
        measured = [line.values.get("world") for line in record.of("recovery") if line.kind == "recovery.measured"]
        yield data.path / data.world, [str(sha256) for sha256 in measured[-1:]]

    if stage == "judge" and config.judge is not None:
        read = {line.values.get("judge"): line.values for line in record.of(stage) if line.kind == RankingsRead.kind}
        for judge in config.judge.judges:
            if judge.recorded is not None and judge.label in read:
                yield judge.recorded, [str(read[judge.label]["file"]["sha256"])]


def _reads_the_world(config: RunConfig, stage: str) -> bool:
    if stage == "conditions":
        return any(condition.source == "population" for condition in config.conditions)
    if stage == "judge":
        return config.judge is not None and any(judge.kind == "planted" for judge in config.judge.judges)
    return stage == "recovery"


def _files_read(found: list[dict[str, Any]]) -> dict[str, list[str]]:
    """The hashes of the tables that were read, by name: in different folders two may have the same name."""
    read: dict[str, list[str]] = {}
    for file in (file for values in found for file in values.get("files") or () if "rows" in file):
        read.setdefault(file["name"], []).append(file["sha256"])
    return read


# ---------------------------------------------------------------- units that are given


def units_as_recorded(record: Recorded, stage: str) -> dict[str, str]:
    """Units that no repetition does again, with the reason: an API's replies; questions and what people said, which are
    inputs."""
    if stage == "judge":
        told = {key: _not_asked_again(lines) for key, lines in record.units(stage).items()}
        return {key: why for key, why in told.items() if why}
    if stage == "answer":
        kinds = {key: {line.kind for line in lines} for key, lines in record.units(stage).items()}
        return {key: why for key, own in kinds.items() for kind, why in _INPUTS.items() if kind in own}
    if stage == "lottery":
        return _people_as_recorded(record)
    if stage == "rank":
        kinds = {key: {line.kind for line in lines} for key, lines in record.units(stage).items()}
        told = {
            GoldRead.kind: "rankings by people are taken from the record",
            PublishedRead.kind: "published artefacts are taken from the record",
        }
        return {key: why for key, own in kinds.items() for kind, why in told.items() if kind in own}
    return {}


def _people_as_recorded(record: Recorded) -> dict[str, str]:
    """Files about people; and what was compared with them, where what they say of each person is not here."""
    kinds = {key: {line.kind for line in lines} for key, lines in record.units("lottery").items()}
    read = [line.values for line in record.of("lottery") if line.kind == PeopleRead.kind]
    told = {PeopleRead.kind: "published files about people are taken from the record"}
    if any(SEALED in values for values in read):
        told[PeopleCompared.kind] = "what published files say of each person was withheld from this copy"
    return {key: why for key, own in kinds.items() for kind, why in told.items() if kind in own}


_INPUTS = {
    "questions.planned": "questions are taken from the record",
    "questions.generated": "questions are taken from the record",
    "model.linked": "a model that answers as it is: its files are those that were linked",
    "answers.read": "answers that existed before the run are taken from the record",
    "answer.received": "a model behind an endpoint: its recorded answer is the record",
}
"""Kinds of events of the stage `answer` that are inputs, and why no repetition makes them again."""


def _not_asked_again(lines: Sequence[Line]) -> str:
    """Why a judge call is taken from the record; "" where it is made again."""
    calls = [line.values for line in lines if line.kind == JudgeCalled.kind]
    if any("taken_from" in values for values in calls):
        return "taken over from another run: the recorded reply is the record"
    if any(values.get("judge_kind") == "openai" for values in calls):
        return "an API judge: its recorded answer is the record"
    return ""


def judges_in_words(record: Recorded, asked: bool) -> str:
    """Which judges can be asked again, and which cannot, by the names of their models."""
    kinds: dict[str, set[str]] = {"openai": set(), "": set()}
    for line in record.of("judge"):
        if line.kind == JudgeCalled.kind:
            kind = "openai" if line.values.get("judge_kind") == "openai" else ""
            kinds[kind].add(str(line.values.get("judge", "")).rpartition("#")[0])
    again, recorded = (", ".join(sorted(kinds[kind])) for kind in ("", "openai"))
    told = []
    if again:
        told.append(f"asked again: {again}" if asked else f"`--stage judge` or `--all` asks again: {again}")
    if recorded:
        told.append(f"behind an API, so that the recorded answers are the record: {recorded}")
    return "; ".join(told)


def give_public_draws(record: Recorded, repetition: Repetition) -> dict[str, str]:
    """Draws by public randomness are made between two engines: makes them again here, and hands them to the stage.

    Returns:
        What to say of each, by unit.
    """
    from storage.replay.public_draws import repeat_public_draw

    said = {}
    for draw in record.units(repetition.stage):
        try:
            events = repeat_public_draw(record, draw)
        except (DempoError, KeyError, ValueError) as error:
            said[draw] = f"it cannot be made again from its public value: {error}"
            continue
        if events is not None:
            repetition.record(repetition.stage, events, unit=(draw, 1))
            repetition.give(draw, events)
            said[draw] = "made again from its commitment and public value"
    return said


# ---------------------------------------------------------------- pseudonyms


def renamed_by_place(record: Recorded, repetition: Repetition) -> bool:
    """Where the secret of the pseudonyms is not here: gives the repetition's raters their recorded names, by place.

    Returns:
        Whether names were replaced, so that they count for nothing in the comparison.
    """
    if repetition.stage not in _FROM_DATA or _secret(record.folder).is_file():
        return False
    was = [_names(line.values) for line in record.of(repetition.stage)]
    now = [_names(again.values) for again in repetition.lines]
    names = dict(zip(next(filter(None, now), []), next(filter(None, was), []), strict=False))
    repetition.lines = [replace(again, values=_in_order(_replaced(again.values, names))) for again in repetition.lines]
    return bool(names) and any(old != new for old, new in names.items())


def _secret(folder: RunFolder) -> Path:
    return folder.private / SECRET_FILE


def _names(values: dict[str, Any]) -> list[str]:
    """Pseudonyms in the order of the source: of `pairs.built`; of `pool.built`, whose order is that of its pseudonyms,
    type by type, for people of one type are alike."""
    raters = values.get("raters")
    by_type = sorted(raters, key=lambda r: r["type"]) if isinstance(raters, list) else []
    return values.get("rater_ids") or [r["rater_id"] for r in by_type]


def _in_order(values: dict[str, Any]) -> dict[str, Any]:
    """The raters of a pool in the order of their names again."""
    raters = values.get("raters")
    return values | {"raters": sorted(raters, key=lambda r: r["rater_id"])} if isinstance(raters, list) else values


def _replaced(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, dict):
        return {key: _replaced(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [_replaced(inner, names) for inner in value]
    return value
