"""Stages in their order, with the keys and seeds that the configuration gives them; engines around them."""

from __future__ import annotations

from typing import Any

from core.facts.randomness import derive_key
from core.facts.stages import STAGE_FACTS, key_of_stage, skipped_because
from storage.verifier.contents.planned import check_contents
from storage.verifier.ground.changes import settings_of_record
from storage.verifier.ground.finding import Finding, brief, broken, same, sections, whole
from storage.verifier.ground.record import Found, Record
from storage.verifier.ground.shapes import Shape


def check_stages(record: Record) -> str:
    """Stages in their order, with the keys and units that follow from the configuration, and what each unit holds.

    Settings that were changed while the run existed are operational ones.
    """
    whole(record)
    config = record.genesis.get("config", {})
    if not record.kept.get("engine.started"):
        if not any(config.get(key) for key in ("lotteries", "draws", "conditions")):
            return "no engine is recorded, and the configuration asks for nothing to be done with the data"
        raise Finding("unknown", "no engine is recorded, so nothing says how these events came about")
    _check_engines(record)
    if record.ledger.adrift is not None:
        raise broken(*record.ledger.adrift)
    _check_order(record, config)
    settings_of_record(record)
    others = _check_keys(record, config)
    units = sum(check_contents(record, name) for name in STAGE_FACTS)
    if others:
        told = f"stage {others[0]!r} was made by another version of its code than this verifier knows"
        raise Finding("unknown", f"{told}, so its key was not worked out again")
    ended = sum(record.ledger.stages[name].ended is not None for name in STAGE_FACTS if name in record.ledger.stages)
    return f"{ended} stages in their order, with the keys and the {units} units that the configuration gives them"


def _check_engines(record: Record) -> None:
    """The first engine begins the run, later ones resume it; a run is completed when every stage has ended."""
    for number, started in enumerate(record.kept["engine.started"]):
        same(started.values["resumed"], number > 0, f"engine {number + 1}: whether it resumed the run", started.seq)
    running = False
    both = record.kept["engine.started"] + record.kept.get("engine.stopped", [])
    for event in sorted(both, key=lambda event: event.seq):
        if event.kind == "engine.stopped":
            if not running:
                raise broken("an engine stopped that had not started", event.seq)
            _check_stopped(record, event)
        running = event.kind == "engine.started"


def _check_stopped(record: Record, event: Found) -> None:
    outcome, code = event.values["outcome"], event.values["exit_code"]
    if (code == 0) != (outcome in ("completed", "paused")):
        raise broken(f"an engine is called {outcome} with exit code {code}", event.seq)
    if outcome == "completed":
        for name in STAGE_FACTS:
            state = record.ledger.stages.get(name)
            if state is None or state.ended is None or state.ended > event.seq:
                raise broken(f"the run is called completed, but stage {name!r} had not ended", event.seq)


def _check_order(record: Record, config: dict[str, Any]) -> None:
    """A stage begins, or is skipped, after all before it have ended; it is skipped where the configuration says so."""
    before: str = ""
    end: int | None = 0
    for name in STAGE_FACTS:
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


# ------------------------------------------------------------ keys and seeds


def _check_keys(record: Record, config: dict[str, Any]) -> list[str]:
    """Compares the keys of the stages; returns those that another version of the code made."""
    keys: dict[str, str] = {}
    others: list[str] = []
    started = {event.stage: event for event in record.kept.get("stage.started", [])}
    seed, floats = record.genesis["seed"], with_points(config, record.facts.config)
    for name, stage in STAGE_FACTS.items():
        event = started.get(name)
        version = stage.version if event is None else event.values["version"]
        keys[name] = key_of_stage(name, version, floats, seed, [keys[need] for need in stage.needs], stage.config)
        if event is None:
            continue
        same(event.values["replay"], stage.replay, f"stage {name!r}: how far it can be replayed", event.seq)
        if version != stage.version or any(need in others for need in stage.needs):
            others.append(name)
        else:
            same(event.values["key"], keys[name], f"stage {name!r}: its key", event.seq)
    unknown = [event for event in record.kept.get("stage.started", []) if event.stage not in STAGE_FACTS]
    if unknown:
        raise broken(f"there is no stage {brief(unknown[0].stage)}", unknown[0].seq)
    return others


def with_points(value: Any, shape: Shape) -> Any:
    """A part of the configuration with its numbers as the program holds them: keys of stages hash "0.0", where a
    payload writes 0."""
    if isinstance(value, dict) and isinstance(shape, dict):
        inner = {name.rstrip("?"): part for name, part in shape.items()}
        return {name: with_points(one, inner.get(name, "any")) for name, one in value.items()}
    if isinstance(value, list) and shape[0] == "list":
        return [with_points(one, shape[1]) for one in value]
    return float(value) if shape == "num" and isinstance(value, int) else value


def check_seeds(record: Record) -> str:
    """Every seed of a stage or a unit follows from the run's seed, unless it is that of a public draw."""
    whole(record)
    listed = sections(record.genesis.get("config", {}), "draws", "id")
    public = {name for name, draw in listed.items() if draw["randomness"] == "public"}
    run_seed = record.genesis.get("seed", "")
    found = record.kept.get("seed.derived", [])
    for event in found:
        what = f"stage {brief(event.stage)}"
        if event.unit is None:
            key, origin = derive_key(run_seed, event.stage), "stage"
        elif event.stage == "draw" and event.unit in public:
            continue  # it is compared with the seed of the draw
        else:
            what = f"{what}, unit {brief(event.unit)}"
            key, origin = derive_key(run_seed, event.stage, event.unit), "unit"
        same(event.values["seed"], key.hex(), f"{what}: its seed", event.seq)
        same(event.values["origin"], origin, f"{what}: where its seed comes from", event.seq)
    return f"{len(found)} seeds worked out again" if found else "no seed is recorded"
