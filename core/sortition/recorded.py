"""A pool and a lottery as their recorded events tell them: all that a draw needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.events import Event, LotteryPanel, LotteryQuotas, LotterySolved, PoolBuilt, QuotaRow
from core.stage import only
from core.types import Lottery, Quota


@dataclass(frozen=True)
class RecordedLottery:
    """A lottery with the pool it is over; rater_ids and type_of are in source order."""

    lottery: Lottery
    type_of: tuple[int, ...]
    rater_ids: tuple[str, ...]


def recorded_lottery(events: Sequence[Event]) -> RecordedLottery:
    """The lottery that the events of its units and of the pool stand for.

    Raises:
        InputError: there is not one of each: the record is not that of this program.
    """
    pool = only(events, PoolBuilt)
    sizes = tuple(t.size for t in sorted(pool.types, key=lambda t: t.type))
    return RecordedLottery(
        lottery=lottery_from(events, sizes),
        type_of=tuple(rater.type for rater in pool.raters),
        rater_ids=tuple(rater.rater_id for rater in pool.raters),
    )


def lottery_from(events: Sequence[Event], type_sizes: tuple[int, ...]) -> Lottery:
    """The lottery that the events of its two units stand for; type_sizes are those of the pool.

    Raises:
        InputError: there is not one of each: the record is not that of this program.
    """
    quotas, solved = only(events, LotteryQuotas), only(events, LotterySolved)
    panels = sorted((e for e in events if isinstance(e, LotteryPanel)), key=lambda e: e.panel)
    return Lottery(
        name=solved.lottery,
        size=quotas.size,
        quotas=tuple(map(quota_of, quotas.quotas)),
        type_sizes=type_sizes,
        panels=tuple(_composition(panel, len(type_sizes)) for panel in panels),
        numerators=tuple(int(panel.numerator) for panel in panels),
        denominator=int(solved.denominator),
        members=tuple(tuple(panel.raters) for panel in panels if panel.raters is not None),
    )


def _composition(panel: LotteryPanel, types: int) -> tuple[int, ...]:
    counts = dict(panel.counts)
    return tuple(counts.get(t, 0) for t in range(types))


def quota_of(row: QuotaRow) -> Quota:
    """The quota that a recorded row stands for."""
    target = None if row.target is None else Decimal(row.target)
    return Quota(row.attribute, row.category, target, row.lower, row.upper, row.slack, row.in_pool)
