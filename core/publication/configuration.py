"""The configuration of a run that imports a folder of published artefacts: its answers are read, its rankings are
read, and they are ranked; nothing is trained and nobody is asked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from core.publication.folder import Publication

JUDGE = "judge"
"""The label of the published judge; its k-th ranking of a question is judge#k, as in the files."""


def condition_names(models: Sequence[str]) -> dict[str, str]:
    """A name of a condition for each model: the last part of its name, without what those beside it begin with, too.

    >>> condition_names(["checkpoints/x-8b-hard", "checkpoints/x-8b-soft", "org/Base.8B"])
    {'checkpoints/x-8b-hard': 'hard', 'checkpoints/x-8b-soft': 'soft', 'org/Base.8B': 'base-8b'}
    """
    groups: dict[str, list[str]] = {}
    for model in models:
        groups.setdefault(model.rpartition("/")[0], []).append(model)
    found: dict[str, str] = {}
    for folder, members in groups.items():
        parts = [_plain(model.rpartition("/")[2]).split("-") for model in members]
        shared = 0
        while (
            folder
            and len(parts) > 1
            and all(len(part) > shared + 1 and part[shared] == parts[0][shared] for part in parts)
        ):
            shared += 1
        for model, part in zip(members, parts, strict=True):
            found[model] = "-".join(part[shared:])[:36].strip("-") or "model"
    taken: dict[str, int] = {}
    for model, name in found.items():
        taken[name] = taken.get(name, 0) + 1
        found[model] = name if taken[name] == 1 else f"{name}-{taken[name]}"
    return found


def configuration_text(
    publication: Publication, name: str, seed: int, questions: Path | None, constitution: Path | None
) -> str:
    """The configuration as TOML.

    Args:
        questions, constitution: where they lie, if not in the folder.
    """
    names, rankings = condition_names(publication.models), publication.rankings
    asked = questions or publication.questions or rankings
    clauses = constitution or publication.constitution
    lines = head_lines(name, seed)
    for model in publication.models:
        source = f"answers:{publication.responses.get(model, rankings)}"
        values = {"name": names[model], "alias": model, "source": source}
        lines += ["[[conditions]]", *_lines(values), ""]
    lines += ["[answer]", f"questions = {_quoted(str(asked))}"]
    lines += [f"constitution = {_quoted(str(clauses))}"] if clauses is not None else []
    judge = {"kind": "recorded", "model": "as published", "label": JUDGE, "recorded": str(rankings)}
    lines += ["", "[[judge.judges]]", *_lines(judge), f"rankings = {publication.judges}"]
    lines += ["", "[rank]", f"published = {_quoted(str(publication.folder))}", ""]
    return "\n".join(lines)


def head_lines(name: str, seed: int) -> list[str]:
    """How every such configuration begins."""
    lines = ["# Imported by `dempo import-published`: published artefacts, nothing of which this program made.", ""]
    return [*lines, "[run]", f"name = {_quoted(name)}", f"seed = {seed}", ""]


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9_]+", "-", name.lower()).strip("-") or "model"


def _lines(values: Mapping[str, str]) -> list[str]:
    return [f"{key} = {_quoted(value)}" for key, value in values.items()]


def _quoted(value: str) -> str:
    """A basic string of TOML, which JSON's escapes fit."""
    return json.dumps(value).replace("\x7f", "\\u007f")
