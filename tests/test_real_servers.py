"""Real servers as writer of questions, answerer and judge: no call is lost, and of each it is known what came of it.

llama.cpp's own server and `transformers serve` hold the same weights, SmolLM2-135M. A model of this size is no judge;
the requests, the replies and the ways in which they go wrong are those of real servers.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import dempo
from night import size
from real_servers import convert, llama_server, site, transformers_server

from core.evaluation.judges.openai_judge import NO_USE
from storage.record.reader import Reader
from storage.verify import verify_all

CLAUSES = (
    "Choose the response that best conveys clear intentions.",
    "Choose the response that is the most helpful to the person who asks.",
    "Choose the response that a child could understand.",
    "Choose the response that is the most polite.",
)
pytestmark = pytest.mark.skipif(site() is None, reason="DEMPO_SERVERS names no folder")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return convert(tmp_path_factory.mktemp("weights") / "smollm2")


@pytest.fixture(scope="module")
def llama() -> Iterator[str]:
    with llama_server() as address:
        yield address


@pytest.fixture(scope="module")
def transformers(weights: Path) -> Iterator[str]:
    with transformers_server(weights) as address:
        yield address


def constitution(folder: Path) -> Path:
    lines = [f"{number}. {text}" for number, text in enumerate(CLAUSES[: size(2, 4)], start=1)]
    path = folder / "constitution.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def question_files(folder: Path, each: int) -> Path:
    """Questions of each clause."""
    made = folder / "questions"
    made.mkdir()
    for number, clause in enumerate(CLAUSES[: size(2, 4)], start=1):
        texts = [f"How do I begin the {place} part of a long report?" for place in ("first", "second", "last")[:each]]
        rows = {"clause_id": number, "clause": clause, "questions": texts}
        (made / f"clause_{number:02d}.json").write_text(json.dumps(rows), encoding="utf-8")
    return made


def config(folder: Path, address: str, model: str, weights: Path, asked: str, rankings: int) -> Path:
    path = folder / "real.toml"
    path.write_text(
        f"""
[run]
name = "real"

[[endpoints]]
name = "here"
base_url = "{address}"
key_env = ""

[[conditions]]
name = "served"
source = "endpoint:here"
model = "{model}"
concurrency = 1
timeout = 300

[[conditions]]
name = "here"
source = "model:{weights}"

[answer]
constitution = "{constitution(folder)}"
max_tokens = 24
{asked}

[[judge.judges]]
kind = "openai"
model = "{model}"
endpoint = "here"
rankings = {rankings}
max_tokens = 48
concurrency = 2
timeout = 300

[rank]
resamples = 100
""",
        encoding="utf-8",
    )
    return path


def run(path: Path) -> tuple[int, str, Path]:
    runs = path.parent / "runs"
    done = dempo("run", path, "--runs-dir", runs, "--quiet")
    return (
        done.returncode,
        done.stdout + done.stderr,
        next(root for root in runs.iterdir() if (root / "audit.db").exists()),
    )


def outcomes(root: Path) -> Counter[str]:
    return Counter(row["outcome"] for row in Reader(root).view("judge_calls"))


def rows(root: Path, view: str) -> list[dict[str, Any]]:
    return [dict(row) for row in Reader(root).view(view)]


def require_sound(root: Path) -> None:
    """Nothing of the record fails, and all that was asked is in it."""
    assert [check for check in verify_all(root) if check.verdict == "failed"] == []


@pytest.mark.long
@pytest.mark.night
def test_llama_cpp_writes_questions_answers_them_and_ranks_the_answers(
    llama: str, weights: Path, tmp_path: Path
) -> None:
    each, rankings = size(2, 3), size(2, 4)
    asked = f'generate = {{ model = "smollm2", endpoint = "here", per_clause = {each} }}'
    code, output, root = run(config(tmp_path, llama, "smollm2", weights, asked, rankings))
    assert code == 0, output
    questions = size(2, 4) * each
    assert outcomes(root) == {"ranked": questions * rankings}
    assert Counter(row["condition"] for row in rows(root, "answers")) == {"served": questions, "here": questions}
    require_sound(root)


@pytest.mark.long
@pytest.mark.night
def test_transformers_serve_answers_and_what_comes_of_its_rankings_is_told(
    transformers: str, weights: Path, tmp_path: Path
) -> None:
    """It holds no reply to the schema, so this model's may be no rankings: then the run ends with a sentence."""
    each, rankings = size(2, 3), size(1, 4)
    asked = f'questions = "{question_files(tmp_path, each)}"'
    code, output, root = run(config(tmp_path, transformers, str(weights), weights, asked, rankings))
    questions = size(2, 4) * each
    found = outcomes(root)
    assert found.total() == questions * rankings or (not found["ranked"] and found.total() >= NO_USE)
    assert set(found) <= {"ranked", "truncated", "malformed"}
    assert code == 0 if found["ranked"] else (code == 5 and "gave a ranking" in output), output
    assert Counter(row["condition"] for row in rows(root, "answers")) == {"served": questions, "here": questions}
    require_sound(root)


@pytest.mark.night
def test_transformers_serve_writes_questions_or_the_run_says_why_it_cannot(
    transformers: str, weights: Path, tmp_path: Path
) -> None:
    settings = "per_clause = 2, concurrency = 1, timeout = 1200"
    asked = f'generate = {{ model = "{weights}", endpoint = "here", {settings} }}'
    code, output, root = run(config(tmp_path, transformers, str(weights), weights, asked, 1))
    assert code in (0, 5), output
    assert code == 0 or "no usable questions" in output
    require_sound(root)
