"""The stages of a run in their order, and all that engine, verifier and screens know of them alike."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from core.facts.judging.endpoints import with_addresses
from core.facts.sources import needs_base

Replay = Literal["view", "re-derive", "re-solve", "re-run", "not replayable"]


@dataclass(frozen=True)
class StageFacts:
    """A stage: the version of its code, the stages whose results it takes, the sections of the configuration that it
    depends on, how far it can be replayed, and the kinds of events that are recorded in it and nowhere else."""

    version: int
    needs: tuple[str, ...]
    config: tuple[str, ...]
    replay: Replay
    kinds: tuple[str, ...]


STAGE_FACTS: dict[str, StageFacts] = {
    "pairs": StageFacts(1, (), ("data", "population"), "re-derive", ("pairs.built",)),
    "pool": StageFacts(1, ("pairs",), ("data", "population"), "re-derive", ("pool.built",)),
    "lottery": StageFacts(
        2,
        ("pool",),
        ("population", "lotteries"),
        "re-solve",
        (
            "lottery.quotas",
            "lottery.types",
            "lottery.bounded",
            "lottery.level",
            "lottery.panel",
            "lottery.solved",
            "lottery.diagnosed",
            "people.read",
            "people.compared",
        ),
    ),
    "draw": StageFacts(
        2,
        ("pool", "lottery"),
        ("draws",),
        "re-derive",
        ("draw.committed", "draw.made", "draw.decided", "draw.alternates"),
    ),
    "conditions": StageFacts(
        2,
        ("pairs", "pool", "lottery", "draw"),
        ("conditions", "train", "data"),
        "re-derive",
        ("heldout.split", "condition.planned", "weights.realised"),
    ),
    "model": StageFacts(3, ("pairs",), ("train",), "re-run", ("model.ready",)),
    "train": StageFacts(
        4,
        ("pairs", "conditions", "model"),
        ("train", "conditions"),
        "re-run",
        (
            "tokens.made",
            "train.predicted",
            "reference.computed",
            "train.start",
            "train.step",
            "heldout.measured",
            "train.state",
            "train.checkpoint",
            "update.measured",
            "steps.matched",
        ),
    ),
    "recovery": StageFacts(3, ("pairs", "train"), ("data", "train"), "re-run", ("recovery.measured",)),
    "answer": StageFacts(
        3,
        ("train",),
        ("answer", "train"),
        "re-run",
        (
            "questions.planned",
            "questions.generated",
            "answer.given",
            "answers.read",
            "answer.read",
            "answer.received",
            "model.linked",
        ),
    ),
    "judge": StageFacts(
        3,
        ("answer",),
        ("judge", "data", "plan"),
        "not replayable",
        ("plan.recorded", "rankings.read", "judge.called", "judge.reopened"),
    ),
    "rank": StageFacts(
        2,
        ("judge",),
        ("rank",),
        "re-derive",
        (
            "leaderboard.computed",
            "pairwise.computed",
            "diagnostics.computed",
            "question_agreement.computed",
            "clauses.scored",
            "length_controlled.computed",
            "robustness.computed",
            "jury.board",
            "agreement.computed",
            "gold.read",
            "gold.compared",
            "plan.tested",
            "published.read",
            "published.compared",
        ),
    ),
}

STAGE_NAMES = tuple(STAGE_FACTS)

PEOPLE_ONLY = ("tables",)
"""Formats of data that hold a pool and no preferences."""

NO_DATA = "none"
"""The format of data of a run that has none, since nothing is trained on it."""

WORKING_KINDS = ("train.state",)
"""Kinds of events about files that an interrupted unit goes on from: two runs may be the same without them."""

OPERATIONAL = (
    "answer.generate.concurrency",
    "answer.generate.patience",
    "answer.generate.price",
    "answer.generate.retries",
    "answer.generate.timeout",
    "conditions.*.concurrency",
    "conditions.*.price",
    "conditions.*.retries",
    "conditions.*.timeout",
    "endpoints.*.limits",
    "endpoints.*.price",
    "judge.budget",
    "judge.coverage",
    "judge.give_up",
    "judge.judges.*.concurrency",
    "judge.judges.*.price",
    "judge.judges.*.retries",
    "judge.judges.*.timeout",
    "judge.patience",
    "train.checkpoint_minutes",
    "train.device",
    "train.threads",
)
"""Settings of how a run is worked on, not of what it is: no stage's key holds them, and they may change when a run goes
on. `*` stands for any entry of a list; whatever lies below one of them is one too."""


def key_of_stage(
    name: str, version: int, config: Mapping[str, Any], seed: str, keys_of_needs: Sequence[str], slices: Sequence[str]
) -> str:
    """SHA-256 over name, version, slices of the configuration, seed and the keys of the inputs.

    Of an endpoint that a slice names, its address is in the key, as if it stood there.

    Args:
        config: the resolved configuration, with its floats as floats.
        seed: the run's, in decimal digits.
    """
    config = with_addresses(config)
    parts = {
        "name": name,
        "version": version,
        "config": {section: _in_key(section, config[section]) for section in slices if section in config},
        "seed": seed,
        "needs": list(keys_of_needs),
    }
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def is_operational(key: str) -> bool:
    """Whether a setting, named by its path with dots, is one of those that may change when a run goes on."""
    parts = key.split(".")
    return any(_fits(parts, pattern.split(".")) for pattern in OPERATIONAL)


def _fits(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    return len(parts) >= len(pattern) and all(
        part.isdecimal() if wanted == "*" else part == wanted for part, wanted in zip(parts, pattern, strict=False)
    )


def _in_key(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_in_key(f"{name}.{i}", one) for i, one in enumerate(value)]
    if not isinstance(value, dict):
        return value
    return {key: _in_key(f"{name}.{key}", v) for key, v in value.items() if not is_operational(f"{name}.{key}")}


def skipped_because(name: str, config: Mapping[str, Any]) -> str | None:
    """Why a stage has nothing to do under a resolved configuration, as a key of `words.SKIPPED`; None where it has."""
    data = config.get("data") or {}
    if name == "pairs" and data.get("format") in PEOPLE_ONLY:
        return "only_people"
    if name in ("pairs", "pool"):
        return "no_data" if data.get("format") == NO_DATA else None
    if name in ("lottery", "draw"):
        needed = {"lottery": "lotteries", "draw": "draws"}[name]
        return None if config.get(needed) else f"no_{needed}"
    if not config.get("conditions"):
        return "no_conditions"
    based = needs_base(config)
    if based and not config.get("train"):
        return "no_train"
    if not based and name in ("model", "train", "recovery"):
        return "no_base"
    if name == "recovery":
        return None if data.get("world") else "no_world"
    for key, stages in (("answer", ("answer", "judge", "rank")), ("judge", ("judge", "rank"))):
        if name in stages and not config.get(key):
            return f"no_{key}"
    return None
