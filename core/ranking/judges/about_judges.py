"""Everything that is measured about the judges themselves, in one mapping."""

from __future__ import annotations

from core.ranking.counts import Ballots
from core.ranking.judges.agreement import agreement
from core.ranking.judges.bias import position_bias, verbosity
from core.types import Judged


def diagnostics(judged: Judged, ballots: Ballots) -> dict[str, float]:
    """Agreement of the judges, position bias where shown orders are known, verbosity where lengths are.

    Args:
        ballots: the rankings of `judged` as arrays.
    """
    return agreement(ballots) | position_bias(judged) | verbosity(ballots, judged.lengths, judged.words)
