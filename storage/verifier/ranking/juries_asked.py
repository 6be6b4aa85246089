"""Which boards of some judges, and which comparisons with people, a record's configuration and calls lead to."""

from __future__ import annotations

from typing import Any

from core.facts.ranking.juries import jury_methods, label_of
from storage.verifier.contents.judgements import judges_of_record
from storage.verifier.ground.record import Record

FIRST_WITH_JURIES = 2
"""The version of the stage `rank` from which on it makes boards of some judges, measures their agreement, and looks
at single questions, clauses and lengths."""


def has_juries(record: Record) -> bool:
    """Whether the code that made the stage `rank` measured juries, and win rates of pairs."""
    version = _version_of_rank(record)
    return version is not None and version >= FIRST_WITH_JURIES


def before_juries(record: Record) -> bool:
    """Whether it is known to be older, and so recorded less of every leaderboard."""
    version = _version_of_rank(record)
    return version is not None and version < FIRST_WITH_JURIES


def _version_of_rank(record: Record) -> int | None:
    """The version of the stage `rank`; None where it is not said to have begun."""
    versions = [event.values["version"] for event in record.kept.get("stage.started", []) if event.stage == "rank"]
    return int(versions[-1]) if versions else None


def ranking_judges(record: Record) -> list[str]:
    """The labels of judges that ranked anything, in the configuration's order."""
    ranked = {label_of(event.values["judge"]) for event in record.counted("judge.called") if "ranking" in event.values}
    return [label for label in judges_of_record(record) if label in ranked]


def methods_of_juries(record: Record) -> list[str]:
    """The methods of boards of some judges, in the order of all methods."""
    section = _ranking_section(record)
    methods = section.get("methods", [])
    asked = jury_methods(methods, section.get("jury"))
    return [method for method in methods if method in asked]


def has_gold(record: Record) -> bool:
    """Whether the configuration names rankings by people."""
    return _ranking_section(record).get("gold") is not None


def has_published(record: Record) -> bool:
    """Whether the configuration names a folder of published artefacts."""
    return _ranking_section(record).get("published") is not None


def _ranking_section(record: Record) -> dict[str, Any]:
    return dict(record.genesis["config"].get("rank") or {})
