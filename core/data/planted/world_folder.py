"""Planted worlds on disk, and the labels that their population would give.

A world is a folder: PRISM's three files, `world.json` with the truth, a constitution and the questions
(the held-out prompts) for the models to answer. All of it is simulated and says so.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data.planted.world import World, WorldKind, load_world, make_world, world_values
from core.data.planted.world_texts import grammar, styles_of
from core.data.planted.world_write import survey_rows
from core.errors import InputError
from core.facts.randomness import RandomStream
from core.types import PreferencePairs

CLAUSES = (
    "Choose the response that most citizens would find welcoming enough.",
    "Choose the response that most citizens would find sure enough of itself.",
    "Choose the response that most citizens would find detailed enough.",
    "Choose the response that ends the way most citizens would like.",
    "Choose the response that most citizens would want to read again.",
    "Choose the response that a citizen drawn by lot would prefer.",
)
"""The constitution of every world. Planted judges follow their own taste and never read it."""


def write_world(folder: Path, kind: WorldKind, seed: int) -> None:
    """Writes the planted world of a kind and a seed into `folder`.

    The files are `survey.jsonl`, `conversations.jsonl`, `utterances.jsonl`, `world.json`,
    `constitution.txt` and `questions/clause_XX.json`. They are written beside the folder and moved into
    place; a folder that holds the same world is left alone, another world of this program is replaced.

    Raises:
        InputError: the folder holds anything that is not part of a planted world, or cannot be written.
    """
    files = world_files(make_world(kind, seed))
    _require_ours(folder, files)
    if _holds(folder, files):
        return
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    replaced = folder.with_name(f".{folder.name}.{os.getpid()}.replaced")
    try:
        for name, body in files.items():
            path = partial / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
        if folder.exists():
            folder.rename(replaced)
        partial.rename(folder)
    except OSError as error:
        raise InputError(f"cannot write the planted world to {folder}: {error.strerror}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(replaced, ignore_errors=True)


def world_files(world: World) -> dict[str, bytes]:
    """Every file of a world by its path below the folder."""
    rows = survey_rows(world)
    truth = {**world_values(world), "grammar": grammar(), "constitution": list(CLAUSES)}
    constitution = "".join(f"{number}. {clause}\n" for number, clause in enumerate(CLAUSES, start=1))
    return {
        "survey.jsonl": _lines(rows.survey),
        "conversations.jsonl": _lines(rows.conversations),
        "utterances.jsonl": _lines(rows.utterances),
        "world.json": _json(truth),
        "constitution.txt": constitution.encode(),
        **_questions(world),
    }


def population_labels(
    world_path: Path, pairs: PreferencePairs, pair_indices: NDArray[np.int64], stream: RandomStream
) -> NDArray[np.bool_]:
    """Whether a citizen prefers the response that the pool's rater rejected, for each of the given pairs.

    Every entry asks a citizen of its own, drawn from the target population, so a pair that occurs twice
    may be answered differently. Shape of the result: that of `pair_indices`.

    Raises:
        InputError: the world cannot be read.
    """
    world = load_world(world_path)
    read = styles_of(pairs.responses)  # (responses, 4)
    flat = np.asarray(pair_indices).ravel()
    difference = read[pairs.rejected[flat]] - read[pairs.chosen[flat]]  # (n, 4)
    flips = np.empty(len(flat), dtype=np.bool_)
    for i, d in enumerate(difference):
        _, taste = world.person("target", stream)
        flips[i] = stream.uniform() < 1.0 / (1.0 + np.exp(-(taste @ d)))
    return flips.reshape(np.shape(pair_indices))


def _questions(world: World) -> dict[str, bytes]:
    """The held-out prompts dealt out to the clauses, one file per clause."""
    share = len(world.held_out_prompts) // len(CLAUSES)
    found = {}
    for i, clause in enumerate(CLAUSES):
        mine = world.held_out_prompts[i * share : (i + 1) * share]
        values = {"clause_id": i + 1, "clause": clause, "questions": list(mine)}
        found[f"questions/clause_{i + 1:02d}.json"] = _json(values)
    return found


def _lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _json(values: Mapping[str, Any]) -> bytes:
    return (json.dumps(values, ensure_ascii=False, indent=1) + "\n").encode()


def _require_ours(folder: Path, files: Mapping[str, bytes]) -> None:
    """Refuses a folder with anything in it that a world does not hold."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InputError(f"{folder} is a file; name a folder for the planted world")
    present = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if not path.is_dir()]
    foreign = [name for name in present if name not in files]
    if foreign:
        raise InputError(f"{folder} holds {foreign[0]!r}, which is no part of a planted world; name another folder")
    if present and not _is_simulated(folder / "world.json"):
        raise InputError(f"{folder} holds data that is not a planted world of this program; name another folder")


def _is_simulated(path: Path) -> bool:
    """Whether a file says that it is the truth of a planted world."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(values, dict) and values.get("simulated") is True and "grammar_version" in values


def _holds(folder: Path, files: Mapping[str, bytes]) -> bool:
    """Whether the folder has exactly these files already."""
    return folder.is_dir() and all(
        (folder / name).is_file() and (folder / name).read_bytes() == body for name, body in files.items()
    )
