"""How often each condition is preferred to each other one: on votes, on majorities of questions, by which margin."""

from __future__ import annotations

from itertools import permutations

import numpy as np

from core.events import PairwiseComputed, PairwiseRow
from core.facts.ranking.methods import resample_of
from core.ranking.bootstrap import percentile_interval
from core.ranking.counts import Floats
from core.ranking.leaderboards import Aggregation


def pairwise(data: Aggregation) -> PairwiseComputed:
    """Every ordered pair of conditions, by their names; intervals are percentiles over the leaderboards' resamples.

    The mean margin is the mean over questions of (w_ij − w_ji)/(w_ij + w_ji), with w the question's votes.
    """
    m, wins, won = len(data.ballots.conditions), data.wins, data.majorities
    rates, majority = _rates(wins), _rates(won)
    low, high = percentile_interval(rates[1:], data.tail)
    tail = data.tail_over(data.units_of("bradley_terry_majority"))
    majority_low, majority_high = percentile_interval(majority[1:], tail)
    margin = (2 * _rates(data.wins_by_question) - 1).mean(axis=0)
    names = data.ballots.conditions
    return PairwiseComputed(
        questions=len(data.wins_by_question),
        resample=data.config.resample,
        majority_resample=resample_of("bradley_terry_majority", data.config.resample),
        rows=[
            PairwiseRow(
                condition=names[i],
                other=names[j],
                votes=int(wins[0, i, j]),
                votes_against=int(wins[0, j, i]),
                win_rate=rates[0, i, j],
                low=low[i, j],
                high=high[i, j],
                majority_win_rate=majority[0, i, j],
                majority_low=majority_low[i, j],
                majority_high=majority_high[i, j],
                mean_margin=margin[i, j],
            )
            for i, j in permutations(range(m), 2)
        ],
    )


def _rates(wins: Floats) -> Floats:
    """w_ij / (w_ij + w_ji); every pair was compared. wins (…, m, m), result (…, m, m), its diagonal one half."""
    m = wins.shape[-1]
    rates: Floats = (wins + np.eye(m)) / (wins + wins.swapaxes(-1, -2) + 2 * np.eye(m))
    return rates
