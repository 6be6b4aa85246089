"""What a stage needs that this copy of a run does not hold: files by their names in the run, texts by their number."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from core.config import RunConfig
from core.facts.plural import number_of
from core.facts.sealed import PEOPLE, PRIVATE, SEALED, WITHHELD_ROWS
from core.facts.training.steps_match import CANDIDATE_MARK
from core.stage import Stage
from core.training.planning.conditions import BASE
from storage.record.codec import artifacts_in
from storage.record.foreign import is_imported
from storage.replay.repetition import Recorded
from storage.replay.restored import ignores, lacking_texts
from storage.verifier.contents.whole import withheld_by
from storage.verifier.ground.finding import Finding

_FILES_OF = {"pairs": "the file of the pairs", "conditions": "a schedule of training"}
"""Stages whose artifacts a later stage reads, and what these are."""


def absent_of_run(record: Recorded, config: RunConfig, stage: Stage) -> str:
    """Which of a stage's inputs this copy of the run does not hold, as a sentence; "" where all are here."""
    texts, artifacts = _withheld(record.folder.root)
    used = [need for need in stage.needs if not ignores(stage.name, need, config)]
    files = [_FILES_OF[need] for need in used if need in _FILES_OF and _lacks(record, need, PRIVATE)]
    told = [f"{what} {'was withheld from this copy' if texts else 'is not in the record'}" for what in files]
    if any(_lacks(record, need, PEOPLE) for need in used):
        told.append(f"{WITHHELD_ROWS[PEOPLE]} {'were withheld from this copy' if texts else 'are not in the record'}")
    for sha256, what in _artifacts_for(record, config, stage):
        if not (record.folder.artifacts / sha256).is_file():
            how = "was withheld from this copy" if sha256 in artifacts else "is not here"
            told.append(f"artifacts/{sha256[:12]}… ({what}) {how}")
    missing = lacking_texts(record, stage.name)
    if missing:
        how = "were withheld from this copy" if texts >= len(missing) else "are not in the record"
        told.append(f"{number_of(len(missing), 'text')} of questions and answers {how}")
    gone = [name for name in _models_for(record, config, stage.name) if not (record.folder.root / name).is_dir()]
    if gone:
        why = ": bundles hold no models" if is_imported(record.folder.root) else ""
        told.append(f"{_some(gone)} {'is' if len(gone) == 1 else 'are'} not here{why}")
    return "; ".join(told)


def _withheld(root: Path) -> tuple[int, frozenset[str]]:
    try:
        return withheld_by(root)
    except Finding:  # the note is damaged, which `dempo verify` says: nothing is believed to be withheld
        return 0, frozenset()


def _artifacts_for(record: Recorded, config: RunConfig, stage: Stage) -> Iterator[tuple[str, str]]:
    for need in stage.needs:
        if need in _FILES_OF and not ignores(stage.name, need, config):
            for lines in record.units(need).values():
                yield from ((sha256, _FILES_OF[need]) for line in lines for sha256 in artifacts_in(line.values))


def _lacks(record: Recorded, stage: str, part: str) -> bool:
    """Whether such a part of what a stage recorded is not here."""
    lines = (line for unit in record.units(stage).values() for line in unit)
    return any(part in line.values.get(SEALED, {}) for line in lines)


def _models_for(record: Recorded, config: RunConfig, stage: str) -> list[str]:
    """Folders below the run whose models a stage loads."""
    trained = [
        line.values["folder"]
        for line in record.of("train")
        if line.kind == "train.checkpoint" and line.values.get("folder") and CANDIDATE_MARK not in line.values["folder"]
    ]
    linked = [f"checkpoints/{line.values['condition']}" for line in record.of("answer") if line.kind == "model.linked"]
    own = {"train": [], "recovery": trained, "answer": [*trained, *linked]}
    base = [f"checkpoints/{BASE}"] if config.has_base else []
    return [*base, *dict.fromkeys(own[stage])] if stage in own else []


def _some(names: list[str]) -> str:
    rest = len(names) - 1
    return names[0] if not rest else f"{names[0]} and {number_of(rest, 'other model')}"
