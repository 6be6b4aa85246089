"""Stages in their order, with the keys and seeds that the configuration gives them; engines around them."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from storage.verifier.contents import check_contents
from storage.verifier.finding import Finding, brief, broken, same, sections, whole
from storage.verifier.record import Found, Record
from storage.verifier.stream import seed_origin, stream_key

STAGES_KNOWN: dict[str, tuple[int, tuple[str, ...], tuple[str, ...], str]] = {
    "pairs": (1, (), ("data", "population"), "re-derive"),
    "pool": (1, ("pairs",), ("data", "population"), "re-derive"),
    "lottery": (2, ("pool",), ("population", "lotteries"), "re-solve"),
    "draw": (2, ("pool", "lottery"), ("draws",), "re-derive"),
    "conditions": (1, ("pairs", "pool", "lottery", "draw"), ("conditions", "train", "data"), "re-derive"),
    "model": (2, ("pairs",), ("train",), "re-run"),
    "train": (2, ("pairs", "conditions", "model"), ("train", "conditions"), "re-run"),
    "recovery": (2, ("pairs", "train"), ("data", "train"), "re-run"),
    "answer": (2, ("train",), ("answer", "train"), "re-run"),
    "judge": (2, ("answer",), ("judge", "data"), "not replayable"),
    "rank": (1, ("judge",), ("rank",), "re-derive"),
}
"""Of each stage, in order: version of its code, the stages that it needs, the sections of the configuration that it
depends on, and how far it can be replayed."""

WITH_POINT = (
    "delta",
    "beta",
    "learning_rate",
    "warmup",
    "max_gradient_norm",
    "weight_decay",
    "temperature",
    "coverage",
    "timeout",
    "confidence",
)
"""Settings that are no integers even where a payload writes them as 0 or 1: keys of stages hash "0.0"."""

IN_NO_KEY = {"judge": ("coverage",)}
"""Settings of a section that change nothing of what a stage records: no key holds them."""


def check_stages(record: Record) -> str:
    """Stages in their order, with the keys and units that follow from the configuration, and what each unit holds."""
    whole(record)
    config = record.genesis.get("config", {})
    if not record.kept.get("engine.started"):
        if not any(config.get(key) for key in ("lotteries", "draws", "conditions")):
            return "no engine is recorded, and the configuration asks for nothing to be done with the data"
        raise Finding("unknown", "no engine is recorded, so nothing says how these events came about")
    if record.version < 2:
        raise Finding("unknown", "records of schema version 1 have other units, so stages were not compared")
    _check_engines(record)
    if record.ledger.adrift is not None:
        raise broken(*record.ledger.adrift)
    _check_order(record, config)
    others = _check_keys(record, config)
    units = sum(check_contents(record, name) for name in STAGES_KNOWN)
    if others:
        told = f"stage {others[0]!r} was made by another version of its code than this verifier knows"
        raise Finding("unknown", f"{told}, so its key was not worked out again")
    ended = sum(record.ledger.stages[name].ended is not None for name in STAGES_KNOWN if name in record.ledger.stages)
    return f"{ended} stages in their order, with the keys and the {units} units that the configuration gives them"


def _check_engines(record: Record) -> None:
    """The first engine begins the run, later ones resume it; a run is completed when every stage has ended."""
    for number, started in enumerate(record.kept["engine.started"]):
        same(started.values["resumed"], number > 0, f"engine {number + 1}: whether it resumed the run", started.seq)
    running = False
    for event in sorted(record.kept["engine.started"] + record.kept.get("engine.stopped", []), key=_number):
        if event.kind == "engine.stopped":
            if not running:
                raise broken("an engine stopped that had not started", event.seq)
            _check_stopped(record, event)
        running = event.kind == "engine.started"


def _number(event: Found) -> int:
    return event.seq


def _check_stopped(record: Record, event: Found) -> None:
    outcome, code = event.values["outcome"], event.values["exit_code"]
    if (code == 0) != (outcome in ("completed", "paused")):
        raise broken(f"an engine is called {outcome} with exit code {code}", event.seq)
    if outcome == "completed":
        for name in STAGES_KNOWN:
            state = record.ledger.stages.get(name)
            if state is None or state.ended is None or state.ended > event.seq:
                raise broken(f"the run is called completed, but stage {name!r} had not ended", event.seq)


def _check_order(record: Record, config: dict[str, Any]) -> None:
    """A stage begins, or is skipped, after all before it have ended; it is skipped where the configuration says so."""
    before: str = ""
    end: int | None = 0
    for name in STAGES_KNOWN:
        state = record.ledger.stages.get(name)
        first = None if state is None else state.begun or state.ended
        if state is not None and first is not None:
            if end is None or first < end:
                raise broken(f"stage {name!r} was begun or skipped before stage {before!r} had ended", first)
            if state.skipped != (skipped_because(name, config) is not None):
                done = "skipped" if state.skipped else "begun"
                raise broken(f"stage {name!r} was {done}, which is not what the configuration asks for", first)
        if end is not None:
            before, end = name, None if state is None else state.ended
    for event in record.kept.get("stage.skipped", []):
        reason = skipped_because(event.stage, config)
        same(event.values["reason"], reason, f"stage {brief(event.stage)}: why it was skipped", event.seq)


def skipped_because(name: str, config: dict[str, Any]) -> str | None:
    """Why a stage has nothing to do under a configuration; None where it has."""
    data = config.get("data") or {}
    if name == "pairs" and data.get("format", "prism") == "tables":
        return "no preference data: data.format is 'tables'"
    if name in ("pairs", "pool"):
        return None
    if name in ("lottery", "draw"):
        needed = {"lottery": "lotteries", "draw": "draws"}[name]
        return None if config.get(needed) else f"the configuration has no [[{needed}]]"
    for key, written in (("conditions", "[[conditions]]"), ("train", "[train]")):
        if not config.get(key):
            return f"the configuration has no {written}"
    if name == "recovery":
        return None if data.get("world") else "the data is no planted world"
    for key, stages in (("answer", ("answer", "judge", "rank")), ("judge", ("judge", "rank"))):
        if name in stages and not config.get(key):
            return f"the configuration has no [{key}]"
    return None


# ------------------------------------------------------------ keys and seeds


def _check_keys(record: Record, config: dict[str, Any]) -> list[str]:
    """Compares the keys of the stages; returns those that another version of the code made."""
    keys: dict[str, str] = {}
    others: list[str] = []
    started = {event.stage: event for event in record.kept.get("stage.started", [])}
    for name, (known, needs, slices, replay) in STAGES_KNOWN.items():
        event = started.get(name)
        version = known if event is None else event.values["version"]
        parts = {
            "name": name,
            "version": version,
            "config": {key: with_points(_slice(config, key)) for key in sorted(slices) if key in config},
            "seed": record.genesis["seed"],
            "needs": [keys[need] for need in needs],
        }
        text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
        keys[name] = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        if event is None:
            continue
        same(event.values["replay"], replay, f"stage {name!r}: how far it can be replayed", event.seq)
        if version != known or any(need in others for need in needs):
            others.append(name)
        else:
            same(event.values["key"], keys[name], f"stage {name!r}: its key", event.seq)
    unknown = [event for event in record.kept.get("stage.started", []) if event.stage not in STAGES_KNOWN]
    if unknown:
        raise broken(f"there is no stage {brief(unknown[0].stage)}", unknown[0].seq)
    return others


def _slice(config: dict[str, Any], key: str) -> Any:
    """A section as keys of stages hash it."""
    left_out = IN_NO_KEY.get(key, ())
    section = config[key]
    return {n: v for n, v in section.items() if n not in left_out} if isinstance(section, dict) else section


def with_points(value: Any, key: str = "") -> Any:
    """A part of the configuration with its numbers as the program holds them."""
    if isinstance(value, dict):
        return {name: with_points(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [with_points(inner) for inner in value]
    if key in WITH_POINT and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


def check_seeds(record: Record) -> str:
    """Every seed of a stage or a unit follows from the run's seed, unless it is that of a public draw."""
    whole(record)
    listed = sections(record.genesis.get("config", {}), "draws", "id")
    public = {name for name, draw in listed.items() if draw.get("randomness", "seed") == "public"}
    run_seed = record.genesis.get("seed", "")
    found = record.kept.get("seed.derived", [])
    for event in found:
        what = f"stage {brief(event.stage)}"
        if event.unit is None:
            key, origin = stream_key(run_seed, event.stage), f"the run seed {run_seed} and the stage's name; units add"
            origin = f"SHA-256 of {origin} their keys"
        elif event.stage == "draw" and event.unit in public:
            continue  # it is compared with the seed of the draw
        else:
            what = f"{what}, unit {brief(event.unit)}"
            key = stream_key(run_seed, event.stage, event.unit)
            origin = seed_origin(run_seed, event.stage, event.unit)
        same(event.values["seed"], key.hex(), f"{what}: its seed", event.seq)
        same(event.values["origin"], origin, f"{what}: where its seed comes from", event.seq)
    return f"{len(found)} seeds worked out again" if found else "no seed is recorded"
