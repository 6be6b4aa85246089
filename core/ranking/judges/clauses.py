"""What rankings say clause by clause: each condition's Borda score, who leads, and how far judges agree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.events import ClauseCell, ClauseRow
from core.facts.ranking.positions import positions_by
from core.ranking.counts import Ballots, Floats, positions_of
from core.ranking.judges.agreement import question_agreement
from core.types import Ranking


def clause_rows(rankings: Sequence[Ranking], ballots: Ballots) -> list[ClauseRow]:
    """One row a clause, in order of appearance; rankings count as often as their weights say.

    `borda` is the mean number of conditions ranked below, in [0, m − 1], so that the mean over clauses by their
    rankings is the score of the board `borda`. The leaders are those of the highest score to nine decimals.
    `difficulty` is the entropy of the firsts divided by log m: 0 where one condition is always first, 1 where all are
    equally often; 0 of a single condition. `kendall_tau` is the mean over questions of the mean τ over pairs of their
    rankings; NaN where no question has two.
    """
    m = len(ballots.conditions)
    clauses = list(dict.fromkeys(ranking.clause_id for ranking in rankings))
    weight = ballots.weight.astype(np.float64)
    counted = np.bincount(ballots.clause, weights=weight)
    below = (m - 1 - positions_of(ballots.orders)) * weight[:, None]
    sums = np.zeros((len(clauses), m))
    np.add.at(sums, ballots.clause, below)
    borda = sums / counted[:, None]
    cells = ballots.clause * m + ballots.orders[:, 0]
    firsts = np.bincount(cells, weights=weight, minlength=len(clauses) * m).reshape(-1, m)
    tau = _taus(ballots, len(clauses))
    return [
        ClauseRow(
            clause_id=clause,
            rankings=int(counted[k]),
            leaders=_leaders(ballots.conditions, borda[k]),
            difficulty=_evenness(firsts[k]),
            kendall_tau=float(tau[k]),
            conditions=[
                ClauseCell(condition=name, borda=float(borda[k, i]), firsts=int(firsts[k, i]))
                for i, name in enumerate(ballots.conditions)
            ],
        )
        for k, clause in enumerate(clauses)
    ]


def _leaders(conditions: Sequence[str], borda: Floats) -> list[str]:
    """The conditions that share the highest score, in order of their names."""
    places = positions_by((-borda).tolist())
    return [name for name, place in zip(conditions, places, strict=True) if place == 1]


def _evenness(firsts: Floats) -> float:
    """Entropy of the shares of firsts (m,), as a share of that of equal ones."""
    if len(firsts) < 2:
        return 0.0
    shares = firsts[firsts > 0] / firsts.sum()
    return float(-(shares * np.log(shares)).sum() / np.log(len(firsts)))


def _taus(ballots: Ballots, clauses: int) -> Floats:
    """Mean τ of each clause's questions that have two rankings; NaN where none has. Shape (clauses,)."""
    found = question_agreement(ballots)
    clause_of = np.zeros(len(ballots.asked), dtype=np.int64)
    clause_of[ballots.question] = ballots.clause
    clause = clause_of[found.question]
    sums = np.bincount(clause, weights=found.tau, minlength=clauses)
    questions = np.bincount(clause, minlength=clauses)
    return np.divide(sums, questions, out=np.full(clauses, np.nan), where=questions > 0)
