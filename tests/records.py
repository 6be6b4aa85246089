"""Small records for tests of storage."""

from __future__ import annotations

import hashlib
from pathlib import Path

from core.config import resolved
from core.config_file import parse_config
from core.data.pseudonyms import PLANTED
from core.events import SCHEMA_VERSION, AnswerGiven, Event, RunCreated, Text, TrainStep, UnitCompleted, digest
from core.facts.chain import CHAIN_DOMAIN, NO_EVENT
from core.run_folder import RunFolder
from storage.record.log import Log
from storage.record.schema import VIEWS_VERSION

TEXT = '[run]\nname = "small"\nseed = 5\n[data]\npath = "d"\n'
CONFIG = parse_config(TEXT)


def genesis(run_id: str) -> RunCreated:
    name = run_id.split("-", 2)[-1]
    config = resolved(CONFIG.config)
    config["run"]["name"] = name
    return RunCreated(
        secret=hashlib.sha256(PLANTED).hexdigest(),
        registry=NO_EVENT,
        domain=CHAIN_DOMAIN,
        run_id=run_id,
        schema_version=SCHEMA_VERSION,
        views=VIEWS_VERSION,
        name=name,
        seed="5",
        config=config,
        origins=CONFIG.origins,
        simulated=False,
    )


def step(number: int, loss: float = 0.5, condition: str = "full") -> TrainStep:
    return TrainStep(
        condition=condition,
        step=number,
        loss=loss,
        margin=0.1,
        gradient_norm=1.0,
        learning_rate=0.01,
        rule=1,
        seconds=0.1,
    )


def done() -> UnitCompleted:
    return UnitCompleted(seconds=0.2)


def answer(text: bytes, question: str = "1:0") -> tuple[Event, bytes]:
    event = AnswerGiven(
        condition="full",
        question_id=question,
        clause_id=1,
        answer=Text(sha256=digest(text)),
        tokens=3,
        finish="stop",
    )
    return event, text


def small_record(runs: Path, run_id: str = "20260101-000000-small") -> Path:
    """A record with a redone training chunk and one answer."""
    root = runs / run_id
    with Log.create(RunFolder(root), genesis(run_id), PLANTED) as log:
        log.record("train", [step(1, 0.9)], unit=("full/0001", 1))
        log.record("train", [step(1, 0.7), step(2, 0.6), done()], unit=("full/0001", 2))
        event, body = answer(b"An answer.")
        log.record("answer", [event, done()], unit=("full/0001", 1), blobs=[body])
    return root
