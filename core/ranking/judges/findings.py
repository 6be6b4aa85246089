"""What the stage records about judges beside the boards: biases and agreement, by question and clause, and abilities
with lengths held fixed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.events import (
    ClausesScored,
    DiagnosticsComputed,
    Event,
    QuestionAgreementComputed,
    QuestionAgreementRow,
)
from core.ranking.counts import Ballots
from core.ranking.judges.about_judges import diagnostics
from core.ranking.judges.agreement import question_agreement
from core.ranking.judges.clauses import clause_rows
from core.ranking.judges.length_controlled import length_controlled
from core.stage import Context
from core.types import Judged, Ranking

_FINDINGS: dict[str, Callable[[Judged, Ballots], Event]] = {
    "diagnostics": lambda judged, ballots: DiagnosticsComputed(values=diagnostics(judged, ballots)),
    "questions": lambda judged, ballots: QuestionAgreementComputed(rows=question_rows(judged.rankings, ballots)),
    "clauses": lambda judged, ballots: ClausesScored(rows=clause_rows(judged.rankings, ballots)),
    "length": lambda judged, ballots: length_controlled(ballots, judged.lengths),
}
"""What each unit of the stage records."""

JUDGE_UNITS = tuple(_FINDINGS)


def findings(judged: Judged, ballots: Ballots) -> dict[str, Event]:
    """Each finding, by its unit.

    Args:
        ballots: the rankings of `judged` as arrays.
    """
    return {unit: made(judged, ballots) for unit, made in _FINDINGS.items()}


def record_findings(ctx: Context, judged: Judged, ballots: Ballots) -> list[Event]:
    """Records every finding, a unit each; returns them as recorded."""
    recorded: list[Event] = []
    for key, made in _FINDINGS.items():
        recorded += ctx.unit(key, lambda unit, made=made: unit.add(made(judged, ballots)))  # type: ignore[misc]
    return recorded


def question_rows(rankings: Sequence[Ranking], ballots: Ballots) -> list[QuestionAgreementRow]:
    """How far the rankings of each question agree that has two, in order of appearance."""
    clause = dict(zip(ballots.question.tolist(), (one.clause_id for one in rankings), strict=True))
    found = question_agreement(ballots)
    columns = (found.question, found.rankings, found.tau, found.agreement, found.margin)
    return [
        QuestionAgreementRow(
            question_id=ballots.asked[question],
            clause_id=clause[question],
            rankings=count,
            kendall_tau=tau,
            top1_agreement=share,
            top1_margin=margin,
        )
        for question, count, tau, share, margin in zip(*(column.tolist() for column in columns), strict=True)
    ]
