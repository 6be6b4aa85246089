"""How much disk a run and its export need: said by `dempo doctor` before the disk is full.

Upper estimates: every answer and every reply is taken to be as long as the configuration allows.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.config import RunConfig
from core.program.machine import free_at
from core.run_folder import RunFolder
from storage.export.export import MARGIN, SNAPSHOTS, space_needed
from storage.record.run_folders import run_folders

_EVENT = 500
"""Bytes of an event in the database, with its index entry; 437 were measured over 60,000 of them."""

_TOKEN = 4
"""Bytes of a token of text."""

_PROMPT = 2_000
"""Bytes of a judge's prompt without the answers."""

_PAGES = 1.3
"""Texts lie in pages of 4 KiB, which two of them seldom fill exactly; 1.2 was measured."""


@dataclass(frozen=True)
class Size:
    """What decides how large a record grows."""

    conditions: int
    questions: int
    rankings: int
    answer_tokens: int
    reply_tokens: int
    steps: int


@dataclass(frozen=True)
class Prediction:
    """Bytes: of the record, and of an export with everything that it writes on the way."""

    record: int
    export: int


PAPER = Size(conditions=5, questions=3_000, rankings=5, answer_tokens=256, reply_tokens=1_024, steps=500)
"""The size of the paper's runs: 15,000 answers, 15,000 judge calls."""


def predict(size: Size) -> Prediction:
    """Disk that the record of such a run and its export take at most."""
    answers, calls = size.conditions * size.questions, size.questions * size.rankings
    answer, reply = _TOKEN * size.answer_tokens, _TOKEN * size.reply_tokens
    events = 2 * (answers + calls) + size.conditions * size.steps
    texts = answers * answer + calls * (size.conditions * answer + _PROMPT + reply)
    record = int(_EVENT * events + _PAGES * texts)
    return Prediction(record, SNAPSHOTS * record + MARGIN)


def size_of(config: RunConfig, questions: int) -> Size:
    """The size of a configured run with that many questions."""
    judges = config.judge.judges if config.judge else ()
    return Size(
        conditions=len(config.conditions),
        questions=questions if config.answer else 0,
        rankings=sum(judge.rankings for judge in judges),
        answer_tokens=config.answer.max_tokens if config.answer else 0,
        reply_tokens=max((judge.max_tokens for judge in judges), default=0),
        steps=config.train.steps if config.train else 0,
    )


def disk_rows(runs: Path) -> list[dict[str, Any]]:
    """Rows for `dempo doctor`: what a run of the paper's size needs, and the export of the largest run here."""
    free = free_at(runs)
    paper = predict(PAPER)
    told = (
        f"up to {_mib(paper.record)} for a record of the paper's size (15,000 answers, 15,000 judge calls), "
        f"{_mib(paper.export)} more while it is exported; models come on top"
    )
    rows = [_row("disk of a run", paper.record + paper.export, free, told)]
    largest = max(filter(None, map(_export_of, run_folders(runs))), default=None)
    if largest is not None:
        needed, name = largest
        rows.append(_row("disk of an export", needed, free, f"up to {_mib(needed)} for {name}, the largest run here"))
    return rows


def _export_of(root: Path) -> tuple[int, str] | None:
    """Bytes that the export of a run may need, and its name; None for one that cannot be looked into."""
    try:
        return space_needed(RunFolder(root)), root.name
    except OSError:
        return None


def _row(name: str, needed: int, free: int, detail: str) -> dict[str, Any]:
    short = "" if needed <= free else f"; only {_mib(free)} are free"
    return {"name": name, "state": "note" if short else "ok", "detail": detail + short}


def _mib(size: int) -> str:
    return f"{size / 1024**2:,.0f} MiB"
