"""Whether the place or the length of an answer moves its rank."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from itertools import combinations

from core.facts.ranking.shown_places import chi_square_tail
from storage.verifier.ranking.resamples import Ballot


def shown_figures(ballots: Sequence[Ballot]) -> dict[str, float]:
    """Correlation of shown place and rank, each of which takes every value once a ranking; where the best was shown,
    how evenly, and the mean rank of what was shown at each place."""
    conditions = len(ballots[0].order)
    places = [[ballot.shown.index(condition) for condition in ballot.order] for ballot in ballots]
    middle = (conditions - 1) / 2
    mean_product = sum(rank * place for shown in places for rank, place in enumerate(shown)) / len(ballots) / conditions
    correlation = (mean_product - middle**2) / ((conditions**2 - 1) / 12)
    counts = Counter(shown[0] for shown in places)
    firsts = [counts[place] for place in range(conditions)]
    ranks = [0] * conditions
    for shown in places:
        for rank, place in enumerate(shown, start=1):
            ranks[place] += rank
    chi2 = math.fsum(times**2 for times in firsts) * conditions / len(ballots) - len(ballots)
    return {
        "shown_rankings": float(len(ballots)),
        "shown_rank_correlation": correlation,
        **{f"first_given_shown:{k}": times / len(ballots) for k, times in enumerate(firsts, start=1)},
        **{f"mean_rank_shown:{k}": total / len(ballots) for k, total in enumerate(ranks, start=1)},
        "first_given_shown_spread": (max(firsts) - min(firsts)) / len(ballots),
        "shown_chi2": chi2,
        "shown_p": chi_square_tail(max(0.0, chi2), conditions - 1),
    }


def length_figures(ballots: Sequence[Ballot]) -> dict[str, float]:
    """In characters and words: mean over rankings of Spearman's correlation of length and rank, and Pearson's over all
    ranked answers; how often the longer of two ranks better, of how many."""
    by_place = [[ballot.lengths[condition] for condition in ballot.order] for ballot in ballots]
    words = [[ballot.words[condition] for condition in ballot.order] for ballot in ballots]
    pairs = [pair for lengths in by_place for pair in combinations(lengths, 2) if pair[0] != pair[1]]
    longer = sum(better > worse for better, worse in pairs)
    return {
        "length_rank_correlation": _mean_of_spearman(by_place),
        "length_rank_pearson": _pearson_of(by_place),
        "words_rank_correlation": _mean_of_spearman(words),
        "words_rank_pearson": _pearson_of(words),
        "longer_wins": longer / len(pairs) if pairs else math.nan,
        "unequal_pairs": float(len(pairs)),
    }


def _mean_of_spearman(by_place: Sequence[Sequence[int]]) -> float:
    """Lengths in the order of a ranking; rankings of equal lengths say nothing."""
    correlations = []
    for lengths in by_place:
        ranks = [sum(other < own for other in lengths) - sum(other > own for other in lengths) for own in lengths]
        places = [2 * place - (len(lengths) - 1) for place in range(len(lengths))]
        scale = sum(rank**2 for rank in ranks) * sum(place**2 for place in places)
        if scale > 0:
            products = (rank * place for rank, place in zip(ranks, places, strict=True))
            correlations.append(sum(products) / math.sqrt(scale))
    return math.fsum(correlations) / len(correlations) if correlations else math.nan


def _pearson_of(by_place: Sequence[Sequence[int]]) -> float:
    """Of length and rank over all rankings together, from whole numbers; not a number where all are equally long."""
    n, m = len(by_place), len(by_place[0])
    total = sum(map(sum, by_place))
    squares = sum(length**2 for lengths in by_place for length in lengths)
    products = sum(place * length for lengths in by_place for place, length in enumerate(lengths, start=1))
    spread = n * m * squares - total**2
    if not spread or m < 2:
        return math.nan
    return (2 * products - (m + 1) * total) / math.sqrt(spread * (m**2 - 1) / 3)
