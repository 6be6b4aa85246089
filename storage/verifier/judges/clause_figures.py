"""Scores clause by clause, by the standard library alone."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from core.facts.ranking.positions import positions_by
from storage.verifier.judges.agreement import mean_of, question_figures, rankings_by_question
from storage.verifier.ranking.resamples import Ballot


class OfClause(NamedTuple):
    """What the rankings of a clause say; borda and firsts are of the conditions by their numbers."""

    rankings: int
    leaders: list[int]
    difficulty: float
    kendall_tau: float
    borda: list[float]
    firsts: list[int]


def clause_figures(ballots: Sequence[Ballot]) -> list[OfClause]:
    """Of each clause, in order of appearance."""
    by_clause: dict[int, list[Ballot]] = {}
    for ballot in ballots:
        by_clause.setdefault(ballot.clause, []).append(ballot)
    return [_of_clause(listed) for _, listed in sorted(by_clause.items())]


def _of_clause(ballots: Sequence[Ballot]) -> OfClause:
    conditions = len(ballots[0].order)
    below, firsts = [0] * conditions, [0] * conditions
    for ballot in ballots:
        firsts[ballot.order[0]] += ballot.weight
        for place, condition in enumerate(ballot.order):
            below[condition] += (conditions - 1 - place) * ballot.weight
    rankings = sum(ballot.weight for ballot in ballots)
    borda = [times / rankings for times in below]
    questions = [listed for listed in rankings_by_question(ballots).values() if len(listed) > 1]
    taus = [question_figures(listed).kendall_tau for listed in questions]
    return OfClause(
        rankings=rankings,
        leaders=[i for i, place in enumerate(positions_by(-score for score in borda)) if place == 1],
        difficulty=_evenness_of(Counter(dict(enumerate(firsts)))),
        kendall_tau=mean_of(taus),
        borda=borda,
        firsts=firsts,
    )


def _evenness_of(firsts: Counter[int]) -> float:
    """log n − Σ k log k / n over the numbers of firsts, as a share of log m."""
    if len(firsts) < 2:
        return 0.0
    total = sum(firsts.values())
    within = math.fsum(times * math.log(times) for times in firsts.values() if times)
    return (math.log(total) - within / total) / math.log(len(firsts))
