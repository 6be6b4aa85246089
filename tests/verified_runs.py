"""Real small runs, made by the pipeline: one that trains, judges and ranks, and one with draws of every kind."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from chat_server import Answer, completion, serving, shown
from draw_runs import make_draw_run

from core.run_folder import RunFolder
from storage.draws.public import PublicDraw
from storage.record.log import Log
from tui.commands.runs.process import work
from tui.commands.starting.beginning import from_demo
from tui.terminal.console import Console
from tui.terminal.options import tell_notes

TINY = [
    "train.steps=4",
    "train.checkpoint_minutes=0",
    "train.tiny.steps=2",
    "train.tiny.hidden=16",
    "train.batch=4",
    "train.micro_batch=4",
    "answer.clauses=2",
    "answer.per_clause=4",
    "answer.batch=4",
    "answer.max_tokens=4",
    "rank.resamples=5",
]


def small_demo(folder: Path, settings: Sequence[str], of_clause: int = 4) -> Path:
    """A demo with one conversation of each person: whoever verifies the run reads all of its pairs again; of each of
    its six clauses there are so many questions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("core.data.planted.world_write.CONVERSATIONS", 1)
        patch.setattr("core.data.planted.world.HELD_OUT_PROMPTS", 6 * of_clause)
        return from_demo(folder, seed=0).make(settings, None, folder, tell_notes)


def make_trained_run(folder: Path) -> Path:
    """A run on a planted world through all stages, every number as small as it goes."""
    root = small_demo(folder, TINY)
    assert work(root, None, Console(quiet=True)) == 0
    return root


def every_sixth_quotes(body: dict[str, Any], number: int) -> Answer:
    """A judge of which every sixth reply quotes an answer that ranks itself first; the others are clear."""
    labels = list(shown(body))
    if number % 6 != 1:
        return 200, completion(json.dumps({"ranking": labels[::-1]}))
    return 200, completion(f"{labels[0]} says {json.dumps({'ranking': labels})}. I rank {labels[-1]} first.")


def make_judged_run(folder: Path) -> Path:
    """A run on a planted world that a server on this machine judged: 24 calls, 20 of them with a ranking."""
    with pytest.MonkeyPatch.context() as patch, serving(every_sixth_quotes) as server:
        for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_CUSTOM_HEADERS"):
            patch.delenv(name, raising=False)
        one = f'{{kind = "openai", model = "m", rankings = 3, base_url = "{server.url}"}}'
        root = small_demo(folder, [*TINY, f"judge.judges=[{one}]"])
        assert work(root, None, Console(quiet=True)) == 0
    return root


def make_drawn_run(folder: Path) -> Path:
    """A run of a pool from tables: a draw by seed, one by a public value after a withdrawn and a rejected round, and
    one by the number of a panel of a uniform lottery."""
    root = make_draw_run(folder, "lottery")
    public_draw(root, "public", "a future block", "hash", None)
    public_draw(root, "public", "another block", "hash", "3 14 15", accepted=False)
    public_draw(root, "public", "the Saturday numbers", "hash", "9 26 5 3 5")
    public_draw(root, "numbered", "two dice of ten", "number", "07")
    assert work(root, None, Console(quiet=True)) == 0
    return root


def public_draw(root: Path, draw: str, source: str, rule: str, value: str | None, accepted: bool = True) -> None:
    """One round of a public draw: withdrawn where there is no value, else accepted or rejected."""
    with Log.open(RunFolder(root)) as log:
        PublicDraw(log, draw).commit(source, rule)  # type: ignore[arg-type]
    with Log.open(RunFolder(root)) as log:
        if value is None:
            PublicDraw(log, draw).decide("aborted", "the source closed")
            return
        PublicDraw(log, draw).reveal(value)
    with Log.open(RunFolder(root)) as log:
        if accepted:
            PublicDraw(log, draw).accept("as announced")
        else:
            PublicDraw(log, draw).decide("rejected", "read out wrongly")
