"""The models that are here, file by file: the base model and the trained one of every condition, as recorded.

Their folders stay with the run; no bundle has them. Names are always compared, contents where that does not take long.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path

from core.facts.plural import number_of
from core.facts.training.steps_match import CANDIDATE_MARK
from storage.verifier.beside.base_facts import check_base_facts
from storage.verifier.contents.whole import file_digest
from storage.verifier.ground.finding import Finding, brief, broken, whole
from storage.verifier.ground.reading import is_foreign
from storage.verifier.ground.record import Found, Record

READ_UNASKED = 10**9
"""Bytes of models that are read without being asked for: seconds."""


@dataclass(frozen=True)
class ModelFolder:
    """A model as the record has it: its folder below the run's, SHA-256 of its files by name, and who recorded it."""

    folder: str
    files: dict[str, str]
    event: Found


def check_checkpoints(record: Record) -> str:
    """Every file of every model whose folder is here is the recorded one, and there are no others."""
    whole(record)
    models = _models(record)
    here = [model for model in models if (record.root / model.folder).is_dir()]
    if not models:
        return "no model is recorded"
    if not here:
        why = "a bundle has none" if is_foreign(record.root) else "they were removed, or the record was copied alone"
        raise Finding("unknown", f"the models ({number_of(len(models), 'folder')}) are not here: {why}")
    gone = [name for model in here for name in _check_names(record.root, model)]
    size = sum(_size(record.root / model.folder / name) for model in here for name in model.files)
    told = f"{number_of(len(here), 'model')}, {number_of(sum(len(model.files) for model in here), 'file')}"
    if record.read_models is False or (record.read_models is None and size > READ_UNASKED):
        raise Finding("unknown", f"{told}, by name alone: --files reads their {size / 1e9:,.1f} GB")
    for model in here:
        _check_contents(record.root, model)
        if model.event.kind in ("model.ready", "model.linked") and not any(
            name.startswith(f"{model.folder}/") for name in gone
        ):
            check_base_facts(record.root / model.folder, model.event)
    absent = [model.folder for model in models if model not in here]
    if gone or absent:
        raise Finding("unknown", f"{told}, those of the record; not here: {', '.join(map(brief, [*absent, *gone]))}")
    return f"{told}, each the one that was recorded"


def _models(record: Record) -> list[ModelFolder]:
    """The models that were kept; of those that a search of steps tried, the chosen one under its condition's name.

    Where they lie the check "training" compares, so no name leads elsewhere.
    """
    ready = [(event, "base") for event in record.counted("model.ready")]
    trained = [
        (event, event.values["condition"])
        for event in record.counted("train.checkpoint")
        if CANDIDATE_MARK not in event.values["condition"]
    ]
    linked = [(event, event.values["condition"]) for event in record.counted("model.linked")]
    named = ready + trained + linked
    for event, name in named:
        if any(not _is_name(inner) for inner in (name, *event.values["files"])):
            raise broken(f"a model is recorded under something that names no file: {brief(name)}", event.seq)
    return [ModelFolder(f"checkpoints/{name}", event.values["files"], event) for event, name in named]


def _is_name(name: str) -> bool:
    return name not in ("", ".", "..") and not set(name) & set("/\\\0")


def _check_names(root: Path, model: ModelFolder) -> list[str]:
    """Compares the names in a folder; returns links of one's own that lead nowhere any more, as to an emptied cache.

    Hidden files are the system's: no library reads a model from them. Any other file that is not recorded may be one,
    such as an adapter, that changes what is loaded.
    """
    folder, gone = root / model.folder, []
    for name in model.files:
        path = folder / name
        if path.is_symlink() and is_foreign(root):
            raise broken(f"{model.folder}/{name} is a link, which no bundle holds", model.event.seq)
        if path.is_symlink() and not path.exists():
            gone.append(f"{model.folder}/{name}")
        elif not path.exists():
            raise broken(f"{model.folder}/{name} is missing", model.event.seq)
    more = sorted(p.name for p in folder.iterdir() if p.name not in model.files and not p.name.startswith("."))
    if more:
        raise broken(f"{model.folder} holds {brief(more[0])}, which the record does not name", model.event.seq)
    return gone


def _size(path: Path) -> int:
    """Bytes of a file; 0 where a link leads nowhere."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _check_contents(root: Path, model: ModelFolder) -> None:
    for name, digest in model.files.items():
        path = root / model.folder / name
        if not path.exists():
            continue
        if not stat.S_ISREG(path.stat().st_mode) or file_digest(path) != digest:
            raise broken(f"{model.folder}/{name} is not the file that was recorded", model.event.seq)
