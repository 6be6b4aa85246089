"""What is planned before the judges are asked: how a hypothesis stands, and when the rankings support it.

A hypothesis says that one condition is better than another, by more than some difference. It is tested on the
differences of the primary method's scores: of the data, and of each bootstrap resample.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from core.facts.plural import number_of
from core.facts.ranking.positions import TIED_BELOW

Standing = Literal["as planned", "deviated", "exploratory"]
Decision = Literal["supported", "not supported", "contradicted"]

AS_PLANNED: Standing = "as planned"
DEVIATED: Standing = "deviated"
EXPLORATORY: Standing = "exploratory"

PLAN_RULE = 1
"""The number of these rules, as events record it."""

PLAN_UNIT = "plan"
"""The unit of the stage `judge` that records the plan; no call's unit is called so."""

TESTED_UNIT = "hypotheses"
"""The unit of the stage `rank` that tests it."""

MERE_ROUNDING = 1 / TIED_BELOW
"""What differs by no more is the same, as it is in the positions of leaderboards."""

EXPECTED = ("name", "better", "than", "by")
"""What a hypothesis expects, by its name; what else is said of it changes nothing."""


def standings(config: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]]) -> dict[str, tuple[Standing, str]]:
    """How each hypothesis stands when it is recorded, by its name, and why. "" where it is as planned and no other run
    had ranked anything.

    Args:
        config: the resolved configuration of a run with a plan.
        earlier: what other runs had ranked and planned when this one was made (`run.created`).
    """
    judges = (config.get("judge") or {}).get("judges", ())
    read = [str(judge["label"]) for judge in judges if judge["kind"] == "recorded"]
    ranked = [run for run in earlier if run["rankings"]]
    return {str(one["name"]): _standing(str(one["name"]), read, ranked) for one in config["plan"]["hypotheses"]}


def _standing(name: str, read: Sequence[str], ranked: Sequence[Mapping[str, Any]]) -> tuple[Standing, str]:
    if read:
        return EXPLORATORY, f"the rankings of judge {read[0]!r} existed before this plan"
    seen = [run for run in ranked if not run["fresh"]]
    for run in seen:
        there = run["standings"].get(name)
        if there is None:
            return (
                EXPLORATORY,
                f"run {run['run_id']} had {number_of(run['rankings'], 'ranking')} before this was planned",
            )
        if there == EXPLORATORY:
            return EXPLORATORY, f"it was exploratory in run {run['run_id']}"
    for run in seen:
        if run["changed"]:
            return DEVIATED, f"planned in run {run['run_id']}; changed since: {', '.join(run['changed'])}"
        if run["standings"][name] != AS_PLANNED:
            return DEVIATED, f"it was deviated from in run {run['run_id']}"
    return AS_PLANNED, "; ".join(map(_seen_before, ranked))


def _seen_before(run: Mapping[str, Any]) -> str:
    """What whoever reads a plan should know of a run that had rankings when it was made."""
    own = f"run {run['run_id']}, which had {number_of(run['rankings'], 'ranking')}"
    return f"planned after {own} of another seed" if run["fresh"] else f"planned in {own}"


def share_above(differences: Sequence[float], by: float) -> float:
    """The share of resamples in which a hypothesis holds: the difference is above `by`, and not just by rounding."""
    return sum(one > by + MERE_ROUNDING for one in differences) / len(differences)


def one_sided(holds: float, resamples: int, units: int) -> float:
    """The one-sided bootstrap p value: (1 + resamples in which the hypothesis does not hold) / (1 + resamples).

    Never below 2^−units, the chance that so many units are all in favour of one side when none is better: resamples of
    few units cannot differ enough to say more.
    """
    failing = resamples - round(holds * resamples)
    return max((1 + failing) / (1 + resamples), 2.0**-units)


def after_holm(values: Sequence[float]) -> list[float]:
    """p values after Holm (1979): the k-th smallest of n, from 0, times n − k; never below those before it, nor above
    1. In the order that is given."""
    found, highest = [0.0] * len(values), 0.0
    for rank, place in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        highest = max(highest, min(1.0, (len(values) - rank) * values[place]))
        found[place] = highest
    return found


def decision_of(low: float, high: float, by: float, p: float, confidence: float) -> Decision:
    """What the rankings say of a hypothesis.

    It is supported where the interval of the difference lies above `by` and its adjusted p is at most
    (1 − confidence)/2, the tail that the interval leaves on that side; contradicted where the whole interval lies below
    `by`.
    """
    if low > by + MERE_ROUNDING and p <= (1 - confidence) / 2:
        return "supported"
    return "contradicted" if high < by - MERE_ROUNDING else "not supported"
