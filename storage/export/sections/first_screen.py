"""What a report opens with: what was asked, of what data and models, what came out, in one plot, and what to beware."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.facts.plural import number_of
from core.facts.words import undecided_sentences
from storage.check import VERDICTS
from storage.export.contents import RunFacts
from storage.export.pages import markup
from storage.export.sections.content import Content
from storage.record.rows import ConditionRow, as_rows
from storage.summary.caveats import caveats, warnings
from storage.summary.panel_drawn import panels_drawn
from storage.summary.standing import who_is_ahead
from storage.summary.what_ran import what_ran


def first_screen(content: Content, facts: RunFacts, checks: Sequence[Mapping[str, Any]]) -> str:
    """All of it; of what a run never came to, nothing."""
    conditions = as_rows(ConditionRow, content.rows("conditions"))
    (simulated,) = next(content.db.execute("SELECT simulated FROM run"), (None,))
    undecided = undecided_sentences(content.rows("levels"))
    origins = {str(row["origin"]) for row in content.rows("draws")}
    beware = caveats(content.judging, content.boards, undecided, bool(simulated), origins)
    status = f"{facts.status}: {facts.detail}" if facts.detail else facts.status
    return markup.stacked(
        f'<p class="sub">{markup.text(f"{facts.run_id} · {facts.started[:10]} · {status}")}</p>',
        *(f'<p class="warning">{markup.text(sentence, 1_500)}</p>' for sentence in warnings(content.judging)),
        *(f'<p class="lead">{markup.text(sentence, 1_500)}</p>' for sentence in _result(content)),
        markup.facts([*what_ran(content.db.execute, conditions), ("verified", verdicts(checks))]),
        _plot(content),
        markup.listed(beware),
    )


def _result(content: Content) -> list[str]:
    """Who is ahead; where nothing was ranked, what became of the draws."""
    if not content.boards:
        drawn = panels_drawn(content.rows("draws"), content.rows("panel_composition"))
        return [f"{told[:1].upper()}{told[1:]}." for told in drawn[:3]]
    return [who_is_ahead(content.boards, content.planned)]


def _plot(content: Content) -> str:
    """The leaderboard of the primary method, else the quotas with what was drawn."""
    if content.boards:
        return content.plots("leaderboard", next(iter(content.boards)))
    return next(iter(content.plots_of("quotas")), "")


def verdicts(checks: Sequence[Mapping[str, Any]]) -> str:
    """All verdicts in one line, with the names of the checks that are not ok."""
    names: dict[str, list[str]] = {verdict: [] for verdict in VERDICTS}
    for check in checks:
        names[str(check["verdict"])].append(str(check["name"]))
    told = [f"{number_of(sum(map(len, names.values())), 'check')}, {len(names['ok'])} ok"]
    told += [f"{len(of)} {verdict} ({', '.join(of)})" for verdict, of in names.items() if of and verdict != "ok"]
    return "; ".join(told) + ("." if names["failed"] else "; none failed.")
