"""What other runs had ranked and planned when a run with a plan is made, which repeats them or takes over from them.

A plan that is made after rankings of the same answers could be seen is no plan. So each run that the new one is linked
to, or whose answers or replies it takes over, is looked at when the new one is made: whether it had rankings, which of
the hypotheses it planned as well, how these stand there, and what else differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from core.config import RunConfig, resolved
from core.evaluation.sources.existing import answering_run
from core.events import EarlierPlan
from core.facts.judging.replies import READING_RULE
from core.facts.places import without_places
from core.facts.ranking.hypotheses import EXPECTED
from core.facts.settings import settings_in
from core.facts.stages import is_operational
from storage.draws.history import config_of
from storage.record.reader import Reader

_RANKED = """SELECT count(CASE payload->>'$.outcome' WHEN 'ranked' THEN 1 END) AS rankings,
  max(payload->>'$.rule' <> ?) AS other FROM events WHERE kind = 'judge.called'"""

_TESTED_BY = ("plan.primary", "rank.confidence", "rank.resample", "rank.resamples")
"""Settings of the test itself."""

_JUDGED_BY = "judge.judges"

_BEFORE_JUDGING = ("answer", "conditions", "data", "draws", "lotteries", "population", "train")
"""Sections that say how the answers come about."""

_OF_TAKING_OVER = ("again", "recorded")
"""Settings of a judge that takes over replies: of these, `again` changes what is ranked, and is told by itself."""


def earlier_plans(config: RunConfig, linked_to: Path | None) -> list[EarlierPlan] | None:
    """What is recorded of other runs; None of a run without a plan.

    Args:
        linked_to: the folder of the run that this one continues or repeats.

    Raises:
        StorageError: the record of one of them cannot be read.
        InputError: its configuration is none that this program reads.
    """
    if config.plan is None:
        return None
    taken = list(dict.fromkeys(root.resolve() for root in _taken_from(config)))
    others = [] if linked_to is None or linked_to.resolve() in taken else [linked_to.resolve()]
    return [_earlier(config, root, root in taken) for root in [*taken, *others]]


def _taken_from(config: RunConfig) -> Iterable[Path]:
    """The runs whose answers or replies this one takes over."""
    for condition in config.conditions:
        run = answering_run(condition.source)
        if run is not None:
            yield run[0]
    for judge in config.judge.judges if config.judge else ():
        if judge.takes_over and judge.recorded is not None:
            yield judge.recorded


def _earlier(config: RunConfig, root: Path, taken: bool) -> EarlierPlan:
    reader = Reader(root)
    then, here = (without_places(resolved(one), {}) for one in (config_of(reader), config))
    ranked = reader.query(_RANKED, [READING_RULE])[0]
    there = {row["hypothesis"]: row for row in reader.view("hypotheses")}
    return EarlierPlan(
        run_id=reader.query("SELECT run_id FROM run")[0]["run_id"],
        first=reader.first_hash(),
        rankings=ranked["rankings"],
        fresh=not taken and then["run"]["seed"] != config.run.seed,
        standings={
            one["name"]: there[one["name"]]["status"]
            for one in here["plan"]["hypotheses"]
            if one["name"] in there and _same_expected(one, there[one["name"]])
        },
        changed=_changed(then, here, taken, bool(ranked["other"])),
    )


def _same_expected(one: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    return all(one[key] == row[key] for key in EXPECTED if key != "name")


def _changed(then: Mapping[str, Any], now: Mapping[str, Any], taken: bool, other_rule: bool) -> list[str]:
    """What differs of how answers come about, where they are not taken over, are judged and tested."""
    before, after = dict(_relevant(then, taken)), dict(_relevant(now, taken))
    keys = [key for key in dict.fromkeys([*before, *after]) if before.get(key) != after.get(key)]
    told = sorted({key if key in _TESTED_BY else _section(key) for key in keys})
    outcomes = sorted({one for judge in now["judge"]["judges"] for one in judge.get("again", ())})
    told += [f"calls that ended {' or '.join(outcomes)} are asked again"] if outcomes else []
    return [*told, *(["the rule by which replies are read"] if other_rule and taken else [])]


def _relevant(config: Mapping[str, Any], taken: bool) -> Iterable[tuple[str, Any]]:
    """The settings that decide what is ranked and how that is tested, operational ones left out."""
    for key, value in settings_in(config):
        judging = key.startswith(f"{_JUDGED_BY}.") and key.rpartition(".")[2] not in _OF_TAKING_OVER
        answering = not taken and key.partition(".")[0] in _BEFORE_JUDGING
        if (key in _TESTED_BY or judging or answering or key == "judge.ties") and not is_operational(key):
            yield key, value


def _section(key: str) -> str:
    return _JUDGED_BY if key.startswith(f"{_JUDGED_BY}.") else key.partition(".")[0] if key != "judge.ties" else key
