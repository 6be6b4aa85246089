"""How far the judges of a question agree."""

from __future__ import annotations

import numpy as np

from core.ranking.counts import Ballots, wins_by_unit


def agreement(ballots: Ballots) -> dict[str, float]:
    """Kendall τ and Fleiss κ over the questions that have at least two rankings; NaN where undefined.

    Returns:
        `kendall_tau`: mean over questions of the mean τ over pairs of its rankings, in [−1, 1];
        `fleiss_kappa_first`: chance-corrected agreement on the first place;
        `questions_with_agreement`: how many questions have at least two rankings.
    """
    per_question = np.bincount(ballots.question)
    return {
        "kendall_tau": kendall_tau(ballots),
        "fleiss_kappa_first": fleiss_kappa_first(ballots),
        "questions_with_agreement": float((per_question >= 2).sum()),
    }


def kendall_tau(ballots: Ballots) -> float:
    """Mean over questions of the mean τ over all pairs of its rankings.

    Of a question's R rankings, C(w_ij, 2) + C(w_ji, 2) pairs of rankings agree on the conditions i and j; τ is twice
    the share of agreements, less one.
    """
    m = len(ballots.conditions)
    per_question = np.bincount(ballots.question)
    several = per_question >= 2
    if m < 2 or not several.any():
        return float("nan")
    wins = wins_by_unit(ballots.orders, ballots.question, len(per_question))[several]
    sizes = per_question[several]
    agreeing = (wins * (wins - 1) / 2).sum(axis=(1, 2))
    possible = sizes * (sizes - 1) / 2 * (m * (m - 1) / 2)
    return float((2 * agreeing / possible - 1).mean())


def fleiss_kappa_first(ballots: Ballots) -> float:
    """κ = (P̄ − P_e)/(1 − P_e) on which condition is first (Fleiss 1971; questions may have unequal numbers).

    P̄ is the mean over questions of the share of pairs of rankings with the same first condition; P_e = Σ p_i²
    with p_i the share of first places of i. NaN where one condition is always first.
    """
    m = len(ballots.conditions)
    per_question = np.bincount(ballots.question)
    several = per_question >= 2
    if not several.any():
        return float("nan")
    cells = ballots.question * m + ballots.orders[:, 0]
    firsts = np.bincount(cells, minlength=len(per_question) * m).reshape(-1, m)[several]
    sizes = per_question[several]
    same = ((firsts * (firsts - 1)).sum(axis=1) / (sizes * (sizes - 1))).mean()
    chance = ((firsts.sum(axis=0) / firsts.sum()) ** 2).sum()
    return float((same - chance) / (1 - chance)) if chance < 1 else float("nan")
