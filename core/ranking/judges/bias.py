"""What besides quality moves a ranking: where an answer was shown, and how long it is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from core.facts.ranking.shown_places import chi_square_tail
from core.ranking.counts import Ballots, Floats, positions_of
from core.types import Judged


def position_bias(judged: Judged) -> dict[str, float]:
    """How the place at which an answer was shown relates to its rank, over rankings whose shown order is known.

    Returns:
        `shown_rankings`: how many these are; `shown_rank_correlation`: correlation of shown position and rank over all
        of them and all conditions, 0 for an unbiased judge with shuffled orders, positive where early answers rank
        better; for each shown position k (from 1) `first_given_shown:k`, the share of rankings whose best answer was
        shown there, 1/m without bias, and `mean_rank_shown:k`, the mean rank (from 1) of what was shown there,
        (m + 1)/2 without bias; `first_given_shown_spread`: the largest of these shares less the smallest; `shown_chi2`
        and `shown_p`: Pearson's χ² of the firsts against equal numbers at each place, and the probability of as much
        or more without bias (m − 1 degrees of freedom), rough where fewer than five are expected at each place.
        Empty where no shown order is known or there is only one condition.

    Raises:
        ValueError: `shown` is not parallel to `rankings` or names other conditions.
    """
    if len(judged.shown) not in (0, len(judged.rankings)):
        raise ValueError("shown must hold one order per ranking, or nothing")
    known = [(r, s) for r, s in zip(judged.rankings, judged.shown, strict=False) if s]
    if not known or len(known[0][0].order) < 2:
        return {}
    places = []
    for ranking, shown in known:
        if sorted(shown) != sorted(ranking.order):
            raise ValueError(f"question {ranking.question_id!r}: the shown order has other conditions than the ranking")
        place = {condition: k for k, condition in enumerate(shown)}
        places.append([place[condition] for condition in ranking.order])
    shown_at = np.array(places, dtype=np.int64)
    n, m = shown_at.shape
    ranks = np.broadcast_to(np.arange(m), shown_at.shape)
    first = np.bincount(shown_at[:, 0], minlength=m)
    rank_sums = np.bincount(shown_at.ravel(), weights=ranks.ravel() + 1.0, minlength=m)
    chi2 = float(((first - n / m) ** 2).sum() / (n / m))
    return {
        "shown_rankings": float(n),
        "shown_rank_correlation": float(np.corrcoef(shown_at.ravel(), ranks.ravel())[0, 1]),
        **{f"first_given_shown:{k + 1}": float(times) / n for k, times in enumerate(first)},
        **{f"mean_rank_shown:{k + 1}": float(total) / n for k, total in enumerate(rank_sums)},
        "first_given_shown_spread": float(first.max() - first.min()) / n,
        "shown_chi2": chi2,
        "shown_p": chi_square_tail(chi2, m - 1),
    }


def verbosity(
    ballots: Ballots, lengths: Mapping[tuple[str, str], int], words: Mapping[tuple[str, str], int]
) -> dict[str, float]:
    """How the length of an answer relates to its rank (1 = best): negative where longer answers rank better.

    Args:
        lengths: characters by (condition, question_id).
        words: words, which white space parts, likewise.

    Returns:
        In characters and in words: `length_rank_correlation` and `words_rank_correlation`, the mean over rankings of
        Spearman's correlation of length and rank, without rankings of equally long answers; `length_rank_pearson` and
        `words_rank_pearson`, Pearson's over all ranked answers of all rankings together, as the paper has it. In
        characters: `longer_wins`, of all pairs of unequal length the share in which the longer one ranks better, and
        `unequal_pairs`, how many these are. NaN where all answers are equally long; empty where no lengths are known.

    Raises:
        ValueError: lengths are known, but not of every answer that was ranked.
    """
    if not lengths:
        return {}
    place = positions_of(ballots.orders).astype(np.float64)
    length, counted = (_by_ranking(ballots, known) for known in (lengths, words))
    longer = length[:, :, None] > length[:, None, :]
    better = place[:, :, None] < place[:, None, :]
    pairs = int(longer.sum())
    return {
        "length_rank_correlation": _mean_spearman(length, place),
        "length_rank_pearson": _pearson(length, place),
        "words_rank_correlation": _mean_spearman(counted, place),
        "words_rank_pearson": _pearson(counted, place),
        "longer_wins": float((longer & better).sum() / pairs) if pairs else float("nan"),
        "unequal_pairs": float(pairs),
    }


def _by_ranking(ballots: Ballots, lengths: Mapping[tuple[str, str], int]) -> Floats:
    """The length of each condition's answer in each ranking, shape (n, m)."""
    return lengths_of_questions(ballots, lengths)[ballots.question]


def lengths_of_questions(ballots: Ballots, lengths: Mapping[tuple[str, str], int]) -> Floats:
    """The length of each condition's answer to each question, shape (questions, m).

    Raises:
        ValueError: one is missing.
    """
    try:
        table = [[lengths[condition, question] for condition in ballots.conditions] for question in ballots.asked]
    except KeyError as error:
        raise ValueError(f"the length of the answer {error.args[0]} is missing") from error
    return np.array(table, dtype=np.float64)


def _pearson(first: Floats, second: Floats) -> float:
    """Pearson's correlation over all cells; NaN where one side is constant."""
    if not np.ptp(first) or not np.ptp(second):
        return float("nan")
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


def _mean_spearman(first: Floats, second: Floats) -> float:
    """Mean over rows of the correlation of ranks; rows in which one side is constant are left out."""
    a, b = (_centred_ranks(x) for x in (first, second))
    scale = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    defined = scale > 0
    if not defined.any():
        return float("nan")
    return float(((a * b).sum(axis=1)[defined] / scale[defined]).mean())


def _centred_ranks(values: Floats) -> Floats:
    """Ranks within each row, ties sharing their mean rank, less the row's mean. Shape (n, m)."""
    below = (values[:, :, None] > values[:, None, :]).sum(axis=2)
    above = (values[:, :, None] < values[:, None, :]).sum(axis=2)
    ranks: Floats = (below - above) / 2
    return ranks
