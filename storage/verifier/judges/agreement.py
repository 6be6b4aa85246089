"""How far judges agree, on each question and over all, and every diagnostic of them."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

from storage.verifier.judges.biases import length_figures, shown_figures
from storage.verifier.ranking.resamples import Ballot


class OfQuestion(NamedTuple):
    """A question with at least two rankings: mean τ over pairs of them, the share that names the most frequent first,
    and how far that is above the share of the second."""

    rankings: int
    kendall_tau: float
    top1_agreement: float
    top1_margin: float


def diagnostics_of(ballots: Sequence[Ballot]) -> dict[str, float]:
    """Every diagnostic, under its name in the record; those of lengths only where they are known."""
    several = [listed for listed in rankings_by_question(ballots).values() if len(listed) > 1]
    found = [question_figures(listed) for listed in several]
    taus = [one.kendall_tau for one in found if len(ballots[0].order) > 1]
    figures = {
        "kendall_tau": mean_of(taus),
        "kendall_tau_median": statistics.median(taus) if taus else math.nan,
        "fleiss_kappa_first": _kappa_of_first(several),
        "top1_agreement": mean_of([one.top1_agreement for one in found]),
        "top1_margin": mean_of([one.top1_margin for one in found]),
        "questions_with_agreement": float(len(several)),
    }
    known = [ballot for ballot in ballots if ballot.shown]
    if len(ballots[0].order) > 1 and known:
        figures |= shown_figures(known)
    return figures | (length_figures(ballots) if ballots[0].lengths else {})


def rankings_by_question(ballots: Sequence[Ballot]) -> dict[int, list[Ballot]]:
    """The rankings of each question, in order of appearance."""
    found: dict[int, list[Ballot]] = {}
    for ballot in ballots:
        found.setdefault(ballot.question, []).append(ballot)
    return found


def mean_of(values: Sequence[float]) -> float:
    """The mean; not a number where there are none."""
    return math.fsum(values) / len(values) if values else math.nan


def question_figures(ballots: Sequence[Ballot]) -> OfQuestion:
    """How far the rankings of one question agree: C(w_ij, 2) + C(w_ji, 2) pairs of them agree on i and j."""
    votes = Counter(pair for ballot in ballots for pair in combinations(ballot.order, 2))
    agreeing = sum(times * (times - 1) // 2 for times in votes.values())
    possible = math.comb(len(ballots), 2) * math.comb(len(ballots[0].order), 2)
    firsts = [times for _, times in Counter(ballot.order[0] for ballot in ballots).most_common(2)]
    return OfQuestion(
        rankings=len(ballots),
        kendall_tau=2 * agreeing / possible - 1 if possible else math.nan,
        top1_agreement=firsts[0] / len(ballots),
        top1_margin=(firsts[0] - sum(firsts[1:])) / len(ballots),
    )


def _kappa_of_first(several: Sequence[Sequence[Ballot]]) -> float:
    """κ = (P̄ − P_e)/(1 − P_e) on which condition is first (Fleiss 1971)."""
    firsts = [Counter(ballot.order[0] for ballot in listed) for listed in several]
    shares = [
        sum(times * (times - 1) for times in first.values()) / (len(listed) * (len(listed) - 1))
        for first, listed in zip(firsts, several, strict=True)
    ]
    total = sum(firsts, Counter[int]())
    if len(total) < 2:
        return math.nan
    chance = sum(times**2 for times in total.values()) / sum(total.values()) ** 2
    return (mean_of(shares) - chance) / (1 - chance)
