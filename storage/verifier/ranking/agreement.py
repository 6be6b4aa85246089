"""How far judges agree, and whether the place or the length of an answer moves its rank."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from itertools import combinations

from storage.verifier.ranking.resamples import Ballot


def diagnostics_of(ballots: Sequence[Ballot]) -> dict[str, float]:
    """Every diagnostic, under its name in the record; those of lengths only where they are known."""
    by_question: dict[int, list[Ballot]] = {}
    for ballot in ballots:
        by_question.setdefault(ballot.question, []).append(ballot)
    several = [listed for listed in by_question.values() if len(listed) > 1]
    figures = {
        "kendall_tau": _mean([_tau(listed) for listed in several if len(listed[0].order) > 1]),
        "fleiss_kappa_first": _kappa_of_first(several),
        "questions_with_agreement": float(len(several)),
    }
    known = [ballot for ballot in ballots if ballot.shown]
    if len(ballots[0].order) > 1 and known:
        figures |= _shown_and_ranked(known)
    return figures | (_length_and_rank(ballots) if ballots[0].lengths else {})


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan


def _tau(ballots: Sequence[Ballot]) -> float:
    """Mean Kendall τ over all pairs of a question's rankings: C(w_ij, 2) + C(w_ji, 2) of them agree on i and j."""
    votes = Counter(pair for ballot in ballots for pair in combinations(ballot.order, 2))
    agreeing = sum(times * (times - 1) // 2 for times in votes.values())
    possible = math.comb(len(ballots), 2) * math.comb(len(ballots[0].order), 2)
    return 2 * agreeing / possible - 1


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
    return (_mean(shares) - chance) / (1 - chance)


def _shown_and_ranked(ballots: Sequence[Ballot]) -> dict[str, float]:
    """Correlation of shown place and rank, each of which takes every value once a ranking; where the best was shown."""
    conditions = len(ballots[0].order)
    places = [[ballot.shown.index(condition) for condition in ballot.order] for ballot in ballots]
    middle = (conditions - 1) / 2
    mean_product = sum(rank * place for shown in places for rank, place in enumerate(shown)) / len(ballots) / conditions
    firsts = Counter(shown[0] for shown in places)
    correlation = (mean_product - middle**2) / ((conditions**2 - 1) / 12)
    shares = {f"first_given_shown:{k + 1}": firsts[k] / len(ballots) for k in range(conditions)}
    return {"shown_rank_correlation": correlation} | shares


def _length_and_rank(ballots: Sequence[Ballot]) -> dict[str, float]:
    """Mean over rankings of Spearman's correlation of length and rank; how often the longer of two ranks better."""
    correlations, longer, pairs = [], 0, 0
    for ballot in ballots:
        lengths = [ballot.lengths[condition] for condition in ballot.order]
        ranks = [sum(other < own for other in lengths) - sum(other > own for other in lengths) for own in lengths]
        places = [2 * place - (len(lengths) - 1) for place in range(len(lengths))]
        scale = sum(rank**2 for rank in ranks) * sum(place**2 for place in places)
        if scale > 0:
            products = (rank * place for rank, place in zip(ranks, places, strict=True))
            correlations.append(sum(products) / math.sqrt(scale))
        pairs += sum(one != other for one, other in combinations(lengths, 2))
        longer += sum(better > worse for better, worse in combinations(lengths, 2))
    return {
        "length_rank_correlation": _mean(correlations),
        "longer_wins": longer / pairs if pairs else math.nan,
    }
