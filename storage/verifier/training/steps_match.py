"""Searches of a number of steps: every candidate is one that the search asks for, and the chosen one what it gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.facts.training.steps_match import (
    candidate_name,
    is_matched,
    is_rising,
    kept_steps,
    next_steps,
    target_of,
)
from storage.verifier.ground.finding import brief, broken, once, one_of, same, sections
from storage.verifier.ground.record import Found, Record


@dataclass(frozen=True)
class Search:
    """The search of a condition as far as the record has it.

    target is None until every condition that it looks at is measured; asked holds the steps of the candidates in their
    order, of which the last may not be measured yet, and found the relative update of each that is.
    """

    section: Mapping[str, Any]
    target: float | None
    asked: list[int]
    found: dict[int, float]

    def named(self, steps: int) -> str:
        """The name of a candidate."""
        return candidate_name(self.section["name"], steps)


@once
def searches_of(record: Record) -> dict[str, Search]:
    """The searches that the configuration asks for, by condition: bisected again from the recorded updates."""
    config = record.genesis["config"]
    moved = {event.values["condition"]: float(event.values["relative"]) for event in record.counted("update.measured")}
    found = {}
    for name, section in sections(config, "conditions", "name").items():
        if section.get("steps_match"):
            most = section.get("steps") or config["train"]["steps"]
            found[name] = _search(section, most, moved)
    return found


def _search(section: Mapping[str, Any], most: int, moved: Mapping[str, float]) -> Search:
    grid, tolerance, like = section["step_grid"], float(section["tolerance"]), section["steps_match"]
    if not all(one in moved for one in like):
        return Search(section, None, [], {})
    target = target_of([moved[one] for one in like])
    asked: list[int] = []
    found: dict[int, float] = {}
    steps = next_steps(grid, most, target, tolerance, found)
    while steps is not None:
        asked.append(steps)
        own = moved.get(candidate_name(section["name"], steps))
        if own is None:
            break
        found[steps] = own
        steps = next_steps(grid, most, target, tolerance, found)
    return Search(section, target, asked, found)


def steps_by_name(record: Record, planned: Mapping[str, Found]) -> dict[str, tuple[int, Found]]:
    """How many optimizer steps each condition takes, and the event that plans them; candidates have names of their own,
    and a condition whose steps are searched for takes none under its own."""
    searches = searches_of(record)
    found = {name: (event.values["steps"], event) for name, event in planned.items()}
    for name, search in searches.items():
        if name in planned:
            found[name] = (0, planned[name])
            found |= {search.named(steps): (steps, planned[name]) for steps in search.asked}
    return found


def check_search(event: Found, search: Search, trained: Mapping[str, Found], updates: Mapping[str, Found]) -> None:
    """What a search says it found is what its candidates give; the model is the chosen one's.

    Args:
        trained, updates: the checkpoint and the update of each condition and candidate, by name.
    """
    values, section, seq = event.values, search.section, event.seq
    what = f"the search of steps of condition {brief(values['condition'])}"
    for name, key in (("like", "steps_match"), ("tolerance", "tolerance"), ("grid", "step_grid")):
        same(values[name], section[key], f"{what}: its {name}", seq)
    if search.target is None or search.asked != list(search.found) or not search.found:
        raise broken(f"{what} is recorded, and not every update that it rests on is", seq)
    tolerance, found, target = float(section["tolerance"]), search.found, search.target
    same(float(values["target"]), target, f"{what}: its target", seq)
    tried = [(row["steps"], float(row["relative"])) for row in values["candidates"]]
    same(tried, list(found.items()), f"{what}: its candidates", seq)
    steps = kept_steps(target, tolerance, found)
    same(values["steps"], steps, f"{what}: the steps that it chooses", seq)
    same(float(values["relative"]), found[steps], f"{what}: the update that it chooses", seq)
    same(values["matched"], is_matched(found[steps], target, tolerance), f"{what}: whether its target is met", seq)
    same(values["rising"], is_rising(found), f"{what}: whether updates grow with the steps", seq)
    chosen, own = search.named(steps), section["name"]
    model = one_of(trained, chosen, "the model of", seq).values
    own_model = one_of(trained, own, "the model of", seq).values
    same(own_model["step"], steps, f"{what}: the steps of its model", seq)
    same(own_model["files"], model["files"], f"{what}: the files of its model", seq)
    if own in updates:
        moved = {**one_of(updates, chosen, "the update of", seq).values, "condition": own}
        same(dict(updates[own].values), moved, f"{what}: the update of its model", updates[own].seq)
