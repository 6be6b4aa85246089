"""How far the judges of a question agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.ranking.counts import Ballots, Floats, Ints, wins_by_unit


@dataclass(frozen=True)
class QuestionAgreement:
    """Of each question with at least two rankings, in order of appearance, shape (Q,) each.

    Attributes:
        question: its number among all questions.
        rankings: how many it has.
        tau: mean Kendall τ over pairs of them, in [−1, 1]; NaN where there is one condition.
        agreement: share of them that name the condition first that most do.
        margin: that share less the share of the second.
    """

    question: Ints
    rankings: Ints
    tau: Floats
    agreement: Floats
    margin: Floats


def agreement(ballots: Ballots) -> dict[str, float]:
    """Agreement over the questions that have at least two rankings; NaN where undefined.

    Returns:
        `kendall_tau` and `kendall_tau_median`: mean and median over questions of the mean τ over pairs of rankings,
        in [−1, 1]; `fleiss_kappa_first`: chance-corrected agreement on the first place; `top1_agreement` and
        `top1_margin`: means over questions of the share that names the most frequent first, and of how far that is
        above the share of the second; `questions_with_agreement`: how many questions have at least two rankings.
    """
    found = question_agreement(ballots)
    known = bool(len(found.question))
    return {
        "kendall_tau": float(found.tau.mean()) if known else float("nan"),
        "kendall_tau_median": float(np.median(found.tau)) if known else float("nan"),
        "fleiss_kappa_first": fleiss_kappa_first(ballots),
        "top1_agreement": float(found.agreement.mean()) if known else float("nan"),
        "top1_margin": float(found.margin.mean()) if known else float("nan"),
        "questions_with_agreement": float(len(found.question)),
    }


def question_agreement(ballots: Ballots) -> QuestionAgreement:
    """How far the rankings of each question agree.

    Of a question's R rankings, C(w_ij, 2) + C(w_ji, 2) pairs of rankings agree on the conditions i and j; τ is twice
    the share of agreements, less one.
    """
    m = len(ballots.conditions)
    per_question = np.bincount(ballots.question)
    (several,) = np.nonzero(per_question >= 2)
    sizes = per_question[several]
    wins = wins_by_unit(ballots.orders, ballots.question, len(per_question))[several]
    agreeing = (wins * (wins - 1) / 2).sum(axis=(1, 2))
    possible = sizes * (sizes - 1) / 2 * (m * (m - 1) / 2)
    tau = 2 * agreeing / possible - 1 if m > 1 else np.full(len(several), np.nan)
    ordered = -np.sort(-_firsts(ballots)[several], axis=1)
    second = ordered[:, 1] if m > 1 else 0
    return QuestionAgreement(several, sizes, tau, ordered[:, 0] / sizes, (ordered[:, 0] - second) / sizes)


def _firsts(ballots: Ballots) -> Ints:
    """How many rankings of each question name each condition first, shape (questions, m)."""
    m = len(ballots.conditions)
    questions = int(ballots.question.max()) + 1
    cells = ballots.question * m + ballots.orders[:, 0]
    return np.bincount(cells, minlength=questions * m).reshape(questions, m)


def fleiss_kappa_first(ballots: Ballots) -> float:
    """κ = (P̄ − P_e)/(1 − P_e) on which condition is first (Fleiss 1971; questions may have unequal numbers).

    P̄ is the mean over questions of the share of pairs of rankings with the same first condition; P_e = Σ p_i²
    with p_i the share of first places of i. NaN where one condition is always first.
    """
    per_question = np.bincount(ballots.question)
    several = per_question >= 2
    if not several.any():
        return float("nan")
    firsts = _firsts(ballots)[several]
    sizes = per_question[several]
    same = ((firsts * (firsts - 1)).sum(axis=1) / (sizes * (sizes - 1))).mean()
    chance = ((firsts.sum(axis=0) / firsts.sum()) ** 2).sum()
    return float((same - chance) / (1 - chance)) if chance < 1 else float("nan")
