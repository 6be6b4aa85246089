"""What lies in a folder of published artefacts, in the layout of the paper's repository: what each file is.

Files are looked for in the folder and in the folders in it (`responses`, `questions`, `diagnostics` …), and told by
what they hold. One evaluation is looked at: rankings of two would be two runs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.facts.ranking.published.score_files import NotPublished, PublishedScores, published_scores

MOST_BYTES = 2_000_000_000
"""Of a file that is read whole."""

_IGNORED = ("plots", ".git")


@dataclass(frozen=True)
class Artefact:
    """One file that is known, and what it is."""

    path: Path
    what: str


@dataclass(frozen=True)
class Publication:
    """The files of a folder that are known; others are not looked at.

    models are those of the rankings, in the order of their names; judges is the most rankings of a question.
    """

    folder: Path
    rankings: Path | None
    preferences: Path | None
    questions: Path | None
    constitution: Path | None
    responses: Mapping[str, Path]
    candidates: Sequence[Path]
    models: Sequence[str]
    judges: int

    def artefacts(self) -> list[Artefact]:
        """All but the files of scores."""
        found = [(self.rankings, "rankings"), (self.constitution, "constitution")]
        listed = [Artefact(path, what) for path, what in found if path is not None]
        questions = sorted(self.questions.glob("*.json")) if self.questions is not None else []
        listed += [Artefact(path, "questions") for path in questions]
        return listed + [Artefact(self.responses[model], "answers") for model in sorted(self.responses)]


def publication_in(folder: Path) -> Publication:
    """Looks through a folder.

    Raises:
        InputError: it is none, holds nothing that is known, or holds two evaluations.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; name the folder of one published evaluation")
    lines = {path: first_row(path) for path in files_of(folder, ".jsonl")}
    rankings = _only(folder, "rankings", [path for path, row in lines.items() if "rankings" in row])
    compared = [path for path, row in lines.items() if {"model_i", "wins_i"} <= row.keys()]
    preferences = _only(folder, "preferences", compared)
    answered = [path for path, row in lines.items() if "question_id" in row and isinstance(row.get("response"), str)]
    numbers = [path for path in files_of(folder, ".json") if not path.name.startswith("clause_")]
    questions = _only(
        folder, "questions", sorted({path.parent for at in ("", "*/") for path in folder.glob(f"{at}clause_*.json")})
    )
    constitution = _only(
        folder, "constitution", [path for path in files_of(folder, ".txt") if "constitution" in path.name]
    )
    if rankings is None:
        _refuse_without_rankings(folder, preferences, answered, [path for path, row in lines.items() if not row])
        raise AssertionError("it was refused")
    models, judges = _ranked(rankings)
    return Publication(
        folder,
        rankings,
        preferences,
        questions,
        constitution,
        {model: path for model in models for path in answered if path.stem == model.replace("/", "__")},
        [*numbers, *([preferences] if preferences is not None else [])],
        models,
        judges,
    )


def scores_in(publication: Publication, names: Mapping[str, str]) -> list[tuple[Path, bytes, PublishedScores]]:
    """The files of scores, in the order of their names, with what they say.

    Args:
        names: the condition of each model by its name in the files.

    Raises:
        InputError: one cannot be read, or is of other models.
    """
    found: list[tuple[Path, bytes, PublishedScores]] = []
    for path in publication.candidates:
        body = read_whole(path)
        try:
            scores = published_scores(body.decode("utf-8"), names)
        except UnicodeDecodeError as error:
            raise InputError(f"{path} is not UTF-8 text (byte {error.start}); fetch it again") from None
        except NotPublished as error:
            raise InputError(f"{path} {error}") from None
        if scores is None and path.suffix == ".json":
            _require_json(path, body)
        if scores is not None:
            twice = next((other for other, _, before in found if before.what == scores.what), None)
            if twice is not None:
                raise InputError(f"{path} and {twice} are both files of the method {scores.what!r}; keep one of them")
            found.append((path, body, scores))
    return found


def answers_that_differ(publication: Publication) -> int | None:
    """How many answers in the rows of rankings are not those of the files of answers; None where there is nothing to
    compare: no answers in the rows, or no files."""
    if publication.rankings is None or not publication.responses:
        return None
    given = {model: dict(_answers(path)) for model, path in publication.responses.items()}
    compared = differ = 0
    for row in _rows(publication.rankings):
        answers = row.get("responses")
        for model in publication.responses if isinstance(answers, Mapping) else ():
            if isinstance(answers, Mapping) and model in answers:
                compared += 1
                differ += given[model].get(str(row.get("question_id"))) != answers[model]
    return differ if compared else None


def read_whole(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        InputError: it cannot be read, or is larger than any that is known.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"{path} is larger than any published artefact; take it out of the folder")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None


def has_rankings(folder: Path) -> bool:
    """Whether a folder holds rankings, so that it is one of an evaluation."""
    return folder.is_dir() and any("rankings" in first_row(path) for path in files_of(folder, ".jsonl"))


def sha256_of(body: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(body).hexdigest()


def files_of(folder: Path, suffix: str) -> Iterator[Path]:
    """Files of the folder and of the folders in it, in the order of their names."""
    inside = [path for path in folder.iterdir() if path.is_dir() and path.name not in _IGNORED]
    for place in (folder, *sorted(inside)):
        for path in sorted(place.iterdir()):
            if path.is_file() and path.suffix == suffix and not path.name.startswith("."):
                yield path


def _only(folder: Path, what: str, found: Sequence[Path]) -> Path | None:
    if len(found) > 1:
        told = ", ".join(str(path.relative_to(folder)) for path in found[:3])
        raise InputError(f"{folder} holds {what} more than once ({told}); name the folder of one evaluation")
    return found[0] if found else None


def first_row(path: Path) -> Mapping[str, Any]:
    """The first line of a file as an object; empty where it is none, which whoever reads the file says."""
    try:
        with path.open("rb") as stream:
            row = json.loads(stream.readline().decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return {}
    return row if isinstance(row, dict) else {}


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    from core.data.files.jsonl import JsonLines

    for row in JsonLines(path):
        yield row.values


def _answers(path: Path) -> Iterator[tuple[str, Any]]:
    for row in _rows(path):
        yield str(row.get("question_id")), row.get("response")


def _ranked(path: Path) -> tuple[list[str], int]:
    """Models and the most rankings of a question.

    Raises:
        InputError: as `read_file`, or it holds votes.
    """
    from collections import Counter

    from core.ranking.files import read_file

    rankings = read_file(path).rankings
    if not rankings:
        raise InputError(f"{path} holds votes between two; published rankings order all models, best first")
    return sorted(rankings[0].order), max(Counter(one.question_id for one in rankings).values())


def _refuse_without_rankings(
    folder: Path, preferences: Path | None, answered: Sequence[Path], unreadable: Sequence[Path]
) -> None:
    if unreadable:
        raise InputError(f"{unreadable[0]} has a first line that is no JSON object; fetch the file again")
    if preferences is not None:
        raise InputError(
            f"{folder} holds {preferences.name} and no rankings: comparisons of pairs give Bradley–Terry alone, and a "
            "run ranks; put the evaluation's listwise.jsonl beside it"
        )
    if answered:
        raise InputError(
            f"{folder} holds answers of {len(answered)} models and no rankings (listwise.jsonl); to have them judged, "
            "write a configuration with sources 'answers:<file>' (`dempo examples` has judge_answers.toml)"
        )
    raise InputError(
        f"{folder} holds nothing that is known: no listwise.jsonl with 'rankings', no responses/*.jsonl, no "
        "preferences.jsonl; name the folder of one published evaluation"
    )


def _require_json(path: Path, body: bytes) -> None:
    try:
        json.loads(body)
    except (ValueError, RecursionError) as error:
        pointer = body.startswith(b"version https://git-lfs")
        why = "a Git LFS pointer, not the file itself; run `git lfs pull` first" if pointer else f"not JSON ({error})"
        raise InputError(f"{path} is {why}") from None
