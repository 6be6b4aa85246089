"""What a lottery leaves in the record, its types, levels, panels and inclusion probabilities as events; and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.events import (
    Event,
    LotteryDiagnosed,
    LotteryLevel,
    LotteryPanel,
    LotteryQuotas,
    LotterySolved,
    LotteryTypes,
    PoolBuilt,
    PoolType,
    QuotaRow,
)
from core.facts.sortition.inequality import histogram, inequality
from core.sortition.quotas.quotas import empty_categories
from core.stage import only
from core.types import Lottery, Pool

if TYPE_CHECKING:
    from core.sortition.leximin.certificate import Level
    from core.sortition.quotas.problem import PanelProblem


def types_event(lottery: str, pool: Pool) -> LotteryTypes:
    """The types with their sizes."""
    types = [
        PoolType(type=t, categories=list(categories), size=size)
        for t, (categories, size) in enumerate(zip(pool.types, pool.type_sizes(), strict=True))
    ]
    return LotteryTypes(lottery=lottery, attributes=list(pool.attributes), types=types)


def level_events(lottery: str, levels: Sequence[Level], problem: PanelProblem) -> Iterator[LotteryLevel]:
    """The levels with their proofs, lowest first."""
    from core.sortition.leximin.certificate import proof_fields

    for number, level in enumerate(levels):
        yield LotteryLevel(
            lottery=lottery,
            level=number,
            probability=level.probability,
            types=list(level.types),
            binding=level.binding,
            **proof_fields(level, problem),
        )


def panel_events(made: Lottery) -> Iterator[LotteryPanel]:
    """The compositions with their probabilities; with their members where the lottery names them."""
    for p, (panel, numerator) in enumerate(zip(made.panels, made.numerators, strict=True)):
        yield LotteryPanel(
            lottery=made.name,
            panel=p,
            numerator=str(numerator),
            probability=numerator / made.denominator,
            counts=[(t, x) for t, x in enumerate(panel) if x],
            raters=list(made.members[p]) if made.members else None,
        )


def solved_event(made: Lottery, type_of: Sequence[int], optimum: Sequence[float], method: str) -> LotterySolved:
    """A LEXIMIN lottery as a whole, with its distance from the optimum (per type) and its spread inside types."""
    from core.sortition.solver import versions

    pi = made.inclusion(type_of)
    by_type: dict[int, list[float]] = {}
    for t, p in zip(type_of, pi, strict=True):
        by_type.setdefault(t, []).append(float(p))
    return LotterySolved(
        lottery=made.name,
        algorithm="leximin",
        method=method,
        estimated=False,
        panels=len(made.panels),
        denominator=str(made.denominator),
        pi=[float(p) for p in made.inclusion_by_type()],
        rater_pi=[float(p) for p in pi] if made.members else None,
        optimum=list(optimum),
        max_difference=max(abs(float(p) - optimum[t]) for t, p in zip(type_of, pi, strict=True)),
        spread=max(max(values) - min(values) for values in by_type.values()),
        solver=versions(),
    )


def diagnosed_event(lottery: Lottery, type_of: Sequence[int], quotas: Sequence[QuotaRow]) -> LotteryDiagnosed:
    """How unequal π is; type_of[i] is the type of pool member i."""
    pi = lottery.inclusion(type_of)
    return LotteryDiagnosed(
        lottery=lottery.name,
        **inequality(pi, lottery.size),
        without_chance_types=sorted({t for t, p in zip(type_of, pi, strict=True) if p == 0}),
        histogram=histogram(pi),
        empty_categories=[f"{q.attribute}: {q.category}" for q in empty_categories(quotas)],
    )


# ---------------------------------------------------------------- and back


@dataclass(frozen=True)
class RecordedLottery:
    """A lottery with the pool it is over: type and pseudonym of each person; categories of each type by attribute."""

    lottery: Lottery
    type_of: tuple[int, ...]
    rater_ids: tuple[str, ...]
    attributes: tuple[str, ...]
    types: tuple[tuple[str, ...], ...]


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
        attributes=tuple(pool.attributes),
        types=tuple(tuple(t.categories) for t in sorted(pool.types, key=lambda t: t.type)),
    )


def lottery_from(events: Sequence[Event], type_sizes: tuple[int, ...]) -> Lottery:
    """The lottery that the events of its two units stand for; type_sizes are those of the pool.

    Raises:
        InputError: there is not one of each: the record is not that of this program.
    """
    solved = only(events, LotterySolved)
    panels = sorted((e for e in events if isinstance(e, LotteryPanel)), key=lambda e: e.panel)
    return Lottery(
        name=solved.lottery,
        size=only(events, LotteryQuotas).size,
        type_sizes=type_sizes,
        panels=tuple(_composition(panel, len(type_sizes)) for panel in panels),
        numerators=tuple(int(panel.numerator) for panel in panels),
        denominator=int(solved.denominator),
        members=tuple(tuple(panel.raters) for panel in panels if panel.raters is not None),
    )


def _composition(panel: LotteryPanel, types: int) -> tuple[int, ...]:
    counts = dict(panel.counts)
    return tuple(counts.get(t, 0) for t in range(types))
