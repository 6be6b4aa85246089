"""`report.html`: a run in one self-contained file for people, made from the record of a bundle."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from core.facts.tables import WITHHELD
from storage.export import markup
from storage.export.contents import engines_of, facts_of, signers_of
from storage.export.draw_sections import draws
from storage.export.figures import Figure
from storage.export.opening import COMMANDS, TRUST, WHAT, signed_by, verdicts
from storage.export.published_section import published
from storage.export.sections import Content
from storage.plans.plan_section import planned
from storage.record.reader import connect

_REGISTRY = (
    "The registry of the folder that the run was made in is no part of a bundle; dempo verify looks at it there."
)

_TELLING = frozenset({"failed", "unchecked"})
"""Verdicts whose details name what they are about: a rater, a text, a place."""


def report(
    database: Path,
    plots: Sequence[Figure],
    checks: Sequence[Mapping[str, Any]],
    limits: str,
    redacted: bool,
    files: Collection[str],
) -> str:
    """The whole report.

    Args:
        plots: as `storage.export.figures.figures` makes them.
        checks: rows of `storage.verify`, made on the record before anything was withheld.
        limits: the statement of limits, in Markdown.
        files: names of the other files of the bundle; no other file is mentioned.
    """
    with closing(connect(database)) as db:
        content = Content(db, plots, redacted, files)
        facts, signers = facts_of(db), signers_of(db)
        return markup.page(
            f"dempo run {facts.run_id}",
            [
                _opening(checks, signers),
                _run(content, engines_of(db)),
                _verification(checks, redacted),
                content.stages(),
                content.lotteries(),
                draws(content),
                content.conditions(),
                content.training(),
                planned(content),
                content.leaderboards(),
                content.judges(),
                published(content),
                content.texts(),
                markup.section("Limits of this record", markup.prose(limits)),
            ],
        )


def _opening(checks: Iterable[Mapping[str, Any]], signers: Sequence[str]) -> str:
    commands = markup.table({"command": command, "what it does": what} for command, what in COMMANDS)
    return "\n".join(
        [
            markup.prose(" ".join(WHAT)),
            markup.paragraph(f"Found when this bundle was made: {verdicts(checks)}"),
            markup.under("How to check it", commands, markup.prose(TRUST), markup.paragraph(signed_by(signers))),
        ]
    )


def _run(content: Content, engines: Sequence[Mapping[str, Any]]) -> str:
    """What the run is, its seeds, engines and the head of its chain."""
    run = next(content.rows("run"), {})
    facts = facts_of(content.db)
    shown = [{"fact": key.replace("_", " "), "value": run.get(key)} for key in ("run_id", "name", "created_at", "seed")]
    shown.append({"fact": "status", "value": f"{facts.status}: {facts.detail}" if facts.detail else facts.status})
    shown.append({"fact": "last event", "value": f"{facts.seq} at {facts.ended}"})
    shown.append({"fact": "head", "value": facts.head})
    simulated = "Simulated: raters or judges are made up (a planted world)." if run.get("simulated") else ""
    return markup.section(
        "The run",
        markup.paragraph(simulated),
        markup.table(shown),
        markup.under("Engines that worked on it", markup.table(map(_engine, engines))),
        markup.under("Versions of the last engine", markup.table(_packages(engines))),
        markup.under("Seeds", content.table("seeds")),
        markup.under("Operators' actions", content.table("operator_actions")),
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


def _packages(engines: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    packages = engines[-1].get("packages") if engines else None
    if not isinstance(packages, dict):  # a damaged record can be exported too, and holds anything
        return []
    return [{"package": name, "version": version} for name, version in sorted(packages.items())]


def _verification(checks: Iterable[Mapping[str, Any]], redacted: bool) -> str:
    remark = "What dempo found when this bundle was made. Do not believe it: check the bundle yourself. "
    if redacted:
        remark += "The texts were still there then; in this bundle the checks that need them say “withheld”. "
        checks = [{**row, "detail": WITHHELD} if row["verdict"] in _TELLING else row for row in checks]
    columns = ("name", "verdict", "detail", "event")
    return markup.section(
        "Verification", markup.table(checks, columns, mark="verdict"), markup.note(remark + _REGISTRY)
    )
