"""The plan: recorded before the first judge was asked, as the configuration has it, and tested as it was recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.facts.plural import number_of
from core.facts.ranking.hypotheses import (
    EXPECTED,
    PLAN_RULE,
    PLAN_UNIT,
    TESTED_UNIT,
    after_holm,
    decision_of,
    one_sided,
    share_above,
    standings,
)
from core.facts.ranking.methods import CONSENSUS_METHODS
from storage.verifier.ground.finding import brief, broken, rule_of, same, sections, whole
from storage.verifier.ground.record import Found, Record
from storage.verifier.ranking.intervals import Leaderboards, interval

_KINDS = ("plan.recorded", "plan.tested", "plan.deviated")
_ASKED = ("judge.called", "rankings.read")


def has_plan(record: Record) -> bool:
    """Whether the configuration plans anything."""
    return record.genesis["config"].get("plan") is not None


def check_plan(record: Record) -> str:
    """The plan was recorded before the first judge was asked and is that of the configuration; how each hypothesis
    stands beside rankings that existed before, what its numbers say of it, and whether a deviation is of what is
    planned.

    The numbers themselves are derived from the rankings by the check "estimates".
    """
    whole(record)
    config = record.genesis.get("config", {})
    if config.get("plan") is None:
        for event in (event for kind in _KINDS for event in record.kept.get(kind, ())):
            raise broken(f"{event.kind} is recorded, and the configuration in event 1 plans nothing", event.seq)
        return "nothing is planned"
    hypotheses = sections(config["plan"], "hypotheses", "name")
    earlier = _earlier(record)
    deviated = _check_deviations(record, hypotheses)
    asked = min((event.seq for kind in _ASKED for event in record.kept.get(kind, ())), default=0)
    recorded = record.counted("plan.recorded")
    if not recorded:
        if asked:
            raise broken("a judge was asked, and the plan had not been recorded", asked)
        return f"{number_of(len(hypotheses), 'hypothesis', 'hypotheses')} planned in event 1; no judge was asked yet"
    plan = recorded[0]
    if len(recorded) > 1:
        raise broken("the plan is recorded twice", recorded[1].seq)
    if asked and asked < plan.seq:
        raise broken(f"the plan was recorded after the first judge was asked (event {asked})", plan.seq)
    stands = standings(config, earlier)
    rule_of(plan, PLAN_RULE, "how hypotheses stand")
    _check_recorded(config, plan, stands)
    for event in record.counted("plan.tested"):
        rule_of(event, PLAN_RULE, "what is said of hypotheses")
        _check_tested(config, event)
    told = number_of(len(hypotheses), "hypothesis", "hypotheses")
    deviated |= set(stands) if any(event.seq > plan.seq for event in record.kept.get("judge.reopened", ())) else set()
    others = [name for name, (standing, _) in stands.items() if standing != "as planned" or name in deviated]
    told = f"{told} recorded in event {plan.seq}, before the first judge was asked"
    return f"{told}; not as planned: {', '.join(map(brief, others))}" if others else told


def _earlier(record: Record) -> Sequence[Mapping[str, Any]]:
    """What other runs had ranked and planned; each that this run repeats or takes over from is among them."""
    listed: Any = record.genesis.get("earlier_plans")
    if listed is None:
        raise broken("the first event does not say which runs the plan has to be seen beside", 1)
    linked = record.genesis.get("linked_to")
    if linked is not None and linked not in [run["first"] for run in listed]:
        raise broken("the run repeats another one, of which it is not said what that one had ranked and planned", 1)
    taken = {run["first"] for run in listed if not run["fresh"]}
    for call in record.kept.get("judge.called", ()):
        of = call.values.get("taken_from")
        if of is not None and of["first"] not in taken:
            told = f"a reply was taken over from run {brief(of['run_id'])}, of which it is not said what it had planned"
            raise broken(told, call.seq)
    named = {run["run_id"] for run in listed if not run["fresh"]}
    for read in record.kept.get("answers.read", ()):
        of = read.values.get("run")
        if of is not None and of not in named:
            told = f"answers were taken over from run {brief(of)}, of which it is not said what it had planned"
            raise broken(told, read.seq)
    return list(listed)


def _check_recorded(config: Mapping[str, Any], plan: Found, stands: Mapping[str, Any]) -> None:
    """What is recorded is what the configuration has, and what [rank] computes."""
    own, rank = config["plan"], config["rank"]
    same(plan.unit, PLAN_UNIT, "the unit of the plan", plan.seq)
    for name in ("title", "primary"):
        same(plan.values.get(name), own.get(name), f"the plan: its {name}", plan.seq)
    for name in ("resample", "resamples", "confidence"):
        same(plan.values[name], rank[name], f"the plan: {name}", plan.seq)
        same(own.get(name, rank[name]), rank[name], f"what is planned of {name}, and not what is computed", 1)
    if own["primary"] not in rank["methods"]:
        raise broken(f"the primary method {brief(own['primary'])} is not one of those that are computed", plan.seq)
    same([row["name"] for row in plan.values["hypotheses"]], list(stands), "the planned hypotheses", plan.seq)
    for row, wanted in zip(plan.values["hypotheses"], own["hypotheses"], strict=True):
        for name in (*EXPECTED, "note"):
            same(row.get(name), wanted.get(name), f"hypothesis {brief(row['name'])}: {name}", plan.seq)
        found = row["standing"], row.get("reason", "")
        same(list(found), list(stands[row["name"]]), f"hypothesis {brief(row['name'])}: how it stands", plan.seq)


def _check_deviations(record: Record, hypotheses: Mapping[str, Any]) -> set[str]:
    """Each deviation is of what is planned and has a reason; the hypotheses that one was told of."""
    found: set[str] = set()
    for event in record.kept.get("plan.deviated", ()):
        names = event.values["hypotheses"]
        if not names or not set(names) <= hypotheses.keys() or len(set(names)) < len(names):
            raise broken("a deviation is of hypotheses that are not planned, of none, or of one twice", event.seq)
        if not event.values["reason"].strip():
            raise broken("a deviation has no reason", event.seq)
        found.update(names)
    return found


def _check_tested(config: Mapping[str, Any], event: Found) -> None:
    """p values and verdicts follow from what is recorded of the resamples."""
    rank, rows = config["rank"], event.values["rows"]
    by = {one["name"]: one["by"] for one in config["plan"]["hypotheses"]}
    same(event.unit, TESTED_UNIT, "the unit of the tests", event.seq)
    same(event.values["method"], config["plan"]["primary"], "the method that hypotheses are tested by", event.seq)
    same([row["name"] for row in rows], list(by), "the tested hypotheses", event.seq)
    p_values = [one_sided(float(row["holds"]), rank["resamples"], event.values["units"]) for row in rows]
    for row, p, of_all in zip(rows, p_values, after_holm(p_values), strict=True):
        what, low, high = f"hypothesis {brief(row['name'])}", float(row["low"]), float(row["high"])
        same(float(row["p"]), p, f"{what}: its p value", event.seq)
        same(float(row["adjusted"]), of_all, f"{what}: its adjusted p value", event.seq)
        wanted = decision_of(low, high, by[row["name"]], of_all, rank["confidence"])
        same(row["verdict"], wanted, f"{what}: its verdict", event.seq)


# ------------------------------------------------------------ the numbers


def numbers_of_hypotheses(values: Mapping[str, Any]) -> dict[str, Any]:
    """What is recorded of the resamples, under one name each."""
    names = ("difference", "low", "high", "holds")
    return {f"{row['name']}: {name}": row[name] for row in values["rows"] for name in names}


def hypotheses_again(record: Record, again: Leaderboards) -> dict[str, float]:
    """The same from the rankings; positive differences are in favour of the condition that is expected to be better.

    Raises:
        TooMuch: the primary method takes too long.
    """
    plan = record.genesis["config"]["plan"]
    score, samples = again.scores(plan["primary"])
    numbers: dict[str, float] = {}
    for one in plan["hypotheses"]:
        better, than = again.names.index(one["better"]), again.names.index(one["than"])
        if plan["primary"] in CONSENSUS_METHODS:  # places, which are better the lower they are
            better, than = than, better
        first, *differences = [_minus(own[better], own[than]) for own in [score, *samples]]
        ((low, high),) = interval([[value] for value in differences], again.tail_over(again.units(plan["primary"])))
        found = {"difference": first, "low": low, "high": high, "holds": share_above(differences, one["by"])}
        numbers |= {f"{one['name']}: {name}": value for name, value in found.items()}
    return numbers


def _minus(one: float, other: float) -> float:
    return 0.0 if one == other else one - other
