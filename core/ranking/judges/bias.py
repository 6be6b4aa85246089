"""What besides quality moves a ranking: where an answer was shown, and how long it is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from core.ranking.counts import Ballots, Floats, positions_of
from core.types import Judged


def position_bias(judged: Judged) -> dict[str, float]:
    """How the place at which an answer was shown relates to its rank.

    Returns:
        `shown_rank_correlation`: correlation of shown position and rank over all rankings and conditions, 0 for an
        unbiased judge with shuffled orders, positive where early answers rank better; `first_given_shown:k`:
        the share of rankings whose best answer was shown at position k (from 1), 1/m without bias. Empty where no shown
        order is known or there is only one condition.

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
    shown_at = np.array(places, dtype=np.float64)
    m = shown_at.shape[1]
    ranks = np.broadcast_to(np.arange(m, dtype=np.float64), shown_at.shape)
    first = np.bincount(shown_at[:, 0].astype(np.int64), minlength=m) / len(shown_at)
    values = {"shown_rank_correlation": float(np.corrcoef(shown_at.ravel(), ranks.ravel())[0, 1])}
    return values | {f"first_given_shown:{k + 1}": float(share) for k, share in enumerate(first)}


def verbosity(ballots: Ballots, lengths: Mapping[tuple[str, str], int]) -> dict[str, float]:
    """How the length of an answer relates to its rank.

    Args:
        lengths: characters by (condition, question_id).

    Returns:
        `length_rank_correlation`: mean over rankings of Spearman's correlation of length and rank (1 = best), so
        negative where longer answers rank better; rankings of equally long answers are left out.
        `longer_wins`: of all pairs of unequal length, the share in which the longer one ranks better. NaN
        where all answers are equally long; empty where no lengths are known.

    Raises:
        ValueError: lengths are known, but not of every answer that was ranked.
    """
    if not lengths:
        return {}
    try:
        table = [[lengths[condition, question] for condition in ballots.conditions] for question in ballots.asked]
    except KeyError as error:
        raise ValueError(f"the length of the answer {error.args[0]} is missing") from error
    length = np.array(table, dtype=np.float64)[ballots.question]
    place = positions_of(ballots.orders).astype(np.float64)
    longer = length[:, :, None] > length[:, None, :]
    better = place[:, :, None] < place[:, None, :]
    pairs = int(longer.sum())
    return {
        "length_rank_correlation": _mean_spearman(length, place),
        "longer_wins": float((longer & better).sum() / pairs) if pairs else float("nan"),
    }


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
