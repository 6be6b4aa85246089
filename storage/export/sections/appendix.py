"""The end of a report, folded: verification in full, stages, seeds, engines, versions and what operators did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from core.facts.tables import WITHHELD
from storage.export.contents import RunFacts, engines_of
from storage.export.pages import markup
from storage.export.pages.grid import table
from storage.export.sections.content import Content

Checks = Sequence[Mapping[str, Any]]

_REGISTRY = (
    "The registry of the folder that the run was made in is no part of a bundle; dempo verify looks at it there."
)

_TELLING = frozenset({"failed", "unchecked"})
"""Verdicts whose details name what they are about: a rater, a text, a place."""

_STAGES = ("stage", "status", "completed", "units", "seconds", "replay", "reason")

_ABOUT_STAGES = (
    "Done, of: units of work that are recorded, of those planned. Replay: how far dempo replay can repeat the stage. "
    "What a stage that was skipped or not begun would have shown is left out above."
)


def verification(checks: Checks, redacted: bool) -> str:
    """Every check with what was found, as when the bundle was made."""
    remark = "What dempo found when this bundle was made. Do not believe it: check the bundle yourself. "
    if redacted:
        remark += "The texts were still there then; in this bundle the checks that need them say “withheld”. "
        checks = [{**row, "detail": WITHHELD} if row["verdict"] in _TELLING else row for row in checks]
    columns = {"check": "check", "verdict": "verdict", "detail": "what was found", "event": "event"}
    rows = [{**row, "check": row["name"]} for row in checks]
    return markup.folded("Every check", table(rows, columns, mark="verdict"), markup.note(remark + _REGISTRY))


def record(content: Content, facts: RunFacts) -> str:
    """What the run is by its record, and everything that it was made with."""
    run = next(content.rows("run"), {})
    named = [("run", run.get("run_id")), ("name", run.get("name")), ("made", run.get("created_at"))]
    named += [("seed", run.get("seed")), ("last event", f"{facts.seq} at {facts.ended}"), ("head", facts.head)]
    engines = engines_of(content.db)
    return markup.stacked(
        markup.facts((name, markup.plain(value)) for name, value in named),
        markup.folded("Stages", content.table("stages", _STAGES), content.note(_ABOUT_STAGES, "stages")),
        markup.folded("Seeds", content.table("seeds")),
        markup.folded("Engines that worked on it", table(map(_engine, engines))),
        markup.folded("Versions of the last engine", table(_packages(engines))),
        markup.folded("Operators' actions", content.table("operator_actions")),
    )


def _engine(engine: Mapping[str, Any]) -> dict[str, Any]:
    dirty, devices = engine.get("dirty"), engine.get("devices")
    return {
        "started": engine["at"],
        "dempo": engine.get("program"),
        "commit": engine.get("commit") or "unknown",
        "changed since": "unknown" if dirty is None else "yes" if dirty else "no",
        "Python": engine.get("python"),
        "platform": engine.get("platform"),
        "devices": ", ".join(map(str, devices)) if isinstance(devices, list) else devices,
        "SHA-256 of its files": engine.get("files") or "unknown",
    }


def _packages(engines: Sequence[Mapping[str, Any]]) -> Iterable[dict[str, Any]]:
    packages = engines[-1].get("packages") if engines else None
    if not isinstance(packages, dict):  # a damaged record can be exported too, and holds anything
        return []
    return [{"package": name, "version": version} for name, version in sorted(packages.items())]
