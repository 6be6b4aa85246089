"""Everything that is measured about the judges themselves, in one mapping."""

from __future__ import annotations

from core.ranking.agreement import agreement
from core.ranking.bias import position_bias, verbosity
from core.types import Judged


def diagnostics(judged: Judged) -> dict[str, float]:
    """Agreement of the judges, position bias where shown orders are known, verbosity where lengths are.

    Raises:
        InputError: there are no rankings, or they don't all order the same conditions.
    """
    return agreement(judged.rankings) | position_bias(judged) | verbosity(judged.rankings, judged.lengths)
