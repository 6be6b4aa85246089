"""Small runs with a plan: answers that exist, and a judge on this machine that ranks them by a number in their text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chat_server import Answer, completion, shown

from core.config_file import LoadedConfig, parse_config
from storage.record.create import create_run
from tui.commands.runs.process import work
from tui.terminal.console import Console

QUESTIONS = [f"{clause}:{number}" for clause in (1, 2) for number in range(6)]

CLAUSES = {1: "Be kind.", 2: "Be brief."}

PLAN = """
[plan]
title = "panels"
primary = "bradley_terry"
resample = "questions"
[[plan.hypotheses]]
name = "soft-over-full"
better = "soft"
than = "full"
note = "weights help"
[[plan.hypotheses]]
name = "full-over-hard"
better = "full"
than = "hard"
[[plan.hypotheses]]
name = "soft-over-hard"
better = "soft"
than = "hard"
by = 0.25
"""
"""Of which the judge's rankings support the first, contradict the second, and say too little of the third."""

RUN = """
[run]
name = "{name}"
{conditions}
[answer]
constitution = "{folder}/constitution.txt"
questions = "{folder}/questions"
[[judge.judges]]
kind = "openai"
model = "m"
base_url = "{url}"
rankings = 2
[rank]
methods = ["borda", "bradley_terry", "kemeny"]
resamples = 200
{plan}
"""


def quality(condition: str, place: int) -> int:
    """How good an answer is: hard and soft change places, full is seldom better than either."""
    if condition == "full":
        return 4 if place == 5 else 1
    return 3 if (condition == "soft") == (place % 2 == 0) else 2


def materials(folder: Path) -> Path:
    """Constitution, questions and answers as files."""
    (folder / "questions").mkdir(parents=True)
    (folder / "constitution.txt").write_text("".join(f"{n}. {clause}\n" for n, clause in CLAUSES.items()))
    for clause in (1, 2):
        asked = {
            "clause_id": clause,
            "clause": CLAUSES[clause],
            "questions": [f"What of {clause} and {n}?" for n in range(6)],
        }
        (folder / "questions" / f"clause_{clause:02d}.json").write_text(json.dumps(asked))
    for condition in ("full", "hard", "soft"):
        lines = [
            {"question_id": question, "response": f"{condition} says {place} of quality {quality(condition, place)}"}
            for place, question in enumerate(QUESTIONS)
        ]
        (folder / f"{condition}.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return folder


def by_quality(body: dict[str, Any], number: int) -> Answer:
    """A judge that ranks by the number at the end of an answer."""
    answers = shown(body)
    order = sorted(answers, key=lambda label: (-int(answers[label].rsplit(" ", 1)[1]), label))
    return 200, completion(json.dumps({"ranking": order}))


def configured(
    folder: Path, url: str, plan: str = PLAN, settings: Sequence[str] = (), name: str = "planned"
) -> LoadedConfig:
    conditions = "".join(
        f'[[conditions]]\nname = "{one}"\nsource = "answers:{folder}/{one}.jsonl"\n' for one in ("full", "hard", "soft")
    )
    text = RUN.format(name=name, conditions=conditions, folder=folder, url=url, plan=plan)
    return parse_config(text, settings, folder=folder)


def worked(loaded: LoadedConfig, runs: Path, linked_to: Path | None = None) -> Path:
    """A run of a configuration, with all its stages."""
    root = create_run(loaded, "", runs, linked_to)
    assert work(root, None, Console(quiet=True)) == 0
    return root
