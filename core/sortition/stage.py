"""The stages `lottery` and `draw`: quotas, types, LEXIMIN or a baseline, and panels drawn from it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING

from core.config import DrawSection, LotterySection
from core.errors import InfeasibleQuotas, InputError
from core.events import (
    DrawMade,
    LotteryLevel,
    LotteryPanel,
    LotteryQuotas,
    LotterySolved,
    LotteryTypes,
    PoolType,
    QuotaRow,
    SeedDerived,
)
from core.randomness import derive_key
from core.sortition.draw import draw_panel
from core.sortition.quotas import quotas_for
from core.stage import Context, Unit, only
from core.types import Draw, Lottery, Pool, Quota

if TYPE_CHECKING:
    from core.sortition.problem import PanelProblem

PROGRESS_EVERY = 0.5
"""Seconds between two notices of progress; the request to stop is looked for as often."""


# ---------------------------------------------------------------- lottery


def lottery(ctx: Context, pool: Pool) -> tuple[Lottery, ...]:
    """The lotteries of the configuration, in its order.

    Two units each: `<name>/quotas` (quotas and types) and `<name>/panels` (levels, panels and π).

    Raises:
        InfeasibleQuotas: no panel meets the quotas of a lottery; the message names those that conflict.
        InputError: the section asks for what is not supported.
    """
    sections = ctx.config.lotteries
    for section in sections:
        _require_supported(section, pool)
    ctx.plan(2 * len(sections))
    return tuple(_one_lottery(ctx, section, pool) for section in sections)


def _require_supported(section: LotterySection, pool: Pool) -> None:
    if section.panels:
        raise InputError(
            f"lotteries: {section.name!r} has panels = {section.panels}; only panels = 0 (the exact lottery, with as "
            "many panels as it needs) is supported"
        )
    if not pool.raters:
        raise InputError(f"lotteries: {section.name!r} cannot be made, because the pool has no raters")


def _one_lottery(ctx: Context, section: LotterySection, pool: Pool) -> Lottery:
    quota_events = ctx.unit(f"{section.name}/quotas", lambda unit: _record_quotas(unit, section, pool))
    quotas = tuple(_quota(row) for row in only(quota_events, LotteryQuotas).quotas)
    panel_events = ctx.unit(f"{section.name}/panels", lambda unit: _solve(unit, section, pool, quotas))
    return _restored(section, quotas, pool, [e for e in panel_events if isinstance(e, LotteryPanel)])


def _record_quotas(unit: Unit, section: LotterySection, pool: Pool) -> None:
    population = unit.ctx.config.population
    assert population is not None, "the configuration requires a population where there are lotteries"
    quotas = quotas_for(population.attributes, pool, section.size, section.tolerance)
    rows = [
        QuotaRow(
            attribute=q.attribute,
            category=q.category,
            target=None if q.target is None else str(q.target),
            lower=q.lower,
            upper=q.upper,
            slack=q.slack,
            in_pool=q.in_pool,
        )
        for q in quotas
    ]
    types = [
        PoolType(type=t, categories=list(categories), size=size)
        for t, (categories, size) in enumerate(zip(pool.types, pool.type_sizes(), strict=True))
    ]
    unit.add(
        LotteryQuotas(lottery=section.name, size=section.size, tolerance=str(section.tolerance), quotas=rows),
        LotteryTypes(lottery=section.name, attributes=list(pool.attributes), types=types),
    )


def _solve(unit: Unit, section: LotterySection, pool: Pool, quotas: tuple[Quota, ...]) -> None:
    from core.sortition.problem import problem_for

    problem = problem_for(pool, quotas, section.size)
    unit.add(_seed(unit.ctx, unit.key))
    solve = _solve_leximin if section.algorithm == "leximin" else _sample_baseline
    try:
        solve(unit, section, problem, quotas)
    except InfeasibleQuotas as error:
        raise InfeasibleQuotas(f"lottery {section.name!r}: {error}") from error


def _solve_leximin(unit: Unit, section: LotterySection, problem: PanelProblem, quotas: tuple[Quota, ...]) -> None:
    from core.sortition.leximin import leximin
    from core.sortition.lottery import lottery_of, require_reached
    from core.sortition.solver import versions

    ctx = unit.ctx
    found = leximin(problem, ctx.stream(unit.key), _paced(ctx, section.name))
    made = lottery_of(section.name, problem, quotas, found.panels, [Fraction(float(w)) for w in found.weights])
    difference = require_reached(made, found.pi)
    for number, level in enumerate(found.levels):
        unit.add(
            LotteryLevel(
                lottery=section.name,
                level=number,
                probability=level.probability,
                types=list(level.types),
                binding=level.binding,
            )
        )
    _add_panels(unit, made)
    unit.add(
        LotterySolved(
            lottery=section.name,
            algorithm="leximin",
            method=found.method,
            estimated=False,
            panels=len(made.panels),
            pi=[float(pi) for pi in made.inclusion_by_type()],
            optimum=found.pi.tolist(),
            max_difference=difference,
            solver=versions(),
        )
    )


def _sample_baseline(unit: Unit, section: LotterySection, problem: PanelProblem, quotas: tuple[Quota, ...]) -> None:
    from core.sortition.baselines import SAMPLES, Legacy, sample_panels, simple_random
    from core.sortition.conflicts import require_panel
    from core.sortition.lottery import lottery_of

    ctx = unit.ctx
    stream = ctx.stream(unit.key)
    tell = _paced(ctx, section.name)
    if section.algorithm == "legacy":
        require_panel(problem)
        legacy = Legacy(problem)
        draw_one = partial(legacy.draw, stream)
        method = f"LEGACY, uniform over {SAMPLES} sampled panels; π is a Monte Carlo estimate"
    else:
        members = sum(problem.type_sizes)
        if section.size > members:
            raise InputError(f"lotteries: {section.name!r} draws {section.size} raters, but the pool has {members}")
        draw_one = partial(simple_random, problem, stream)
        method = (
            f"simple random selection without quotas, uniform over {SAMPLES} sampled panels; its true π is "
            f"{section.size}/{members} for every rater"
        )
    sampled = sample_panels(
        draw_one, problem.type_sizes, SAMPLES, lambda done: tell(done / SAMPLES, f"{done} of {SAMPLES} panels")
    )
    inside = section.algorithm == "legacy"
    made = lottery_of(section.name, problem, quotas, sampled.panels, sampled.weights, within_quotas=inside)
    _add_panels(unit, made)
    unit.add(
        LotterySolved(
            lottery=section.name,
            algorithm=section.algorithm,
            method=method,
            estimated=True,
            panels=len(made.panels),
            pi=[float(pi) for pi in made.inclusion_by_type()],
            standard_error=sampled.standard_error.tolist(),
            max_difference=0.0,
            solver={},
        )
    )


def _add_panels(unit: Unit, made: Lottery) -> None:
    for p, (panel, numerator) in enumerate(zip(made.panels, made.numerators, strict=True)):
        unit.add(
            LotteryPanel(
                lottery=made.name,
                panel=p,
                numerator=str(numerator),
                probability=numerator / made.denominator,
                counts=[(t, x) for t, x in enumerate(panel) if x],
                raters=list(made.members[p]) if made.members else None,
            )
        )


def _restored(
    section: LotterySection, quotas: tuple[Quota, ...], pool: Pool, panels: Sequence[LotteryPanel]
) -> Lottery:
    """The lottery that the recorded panels stand for."""
    sizes = pool.type_sizes()
    rows = []
    for event in sorted(panels, key=lambda event: event.panel):
        counts = dict(event.counts)
        rows.append(tuple(counts.get(t, 0) for t in range(len(sizes))))
    numerators = tuple(int(event.numerator) for event in sorted(panels, key=lambda event: event.panel))
    return Lottery(section.name, section.size, quotas, sizes, tuple(rows), numerators)


def _quota(row: QuotaRow) -> Quota:
    target = None if row.target is None else Decimal(row.target)
    return Quota(row.attribute, row.category, target, row.lower, row.upper, row.slack, row.in_pool)


def _paced(ctx: Context, name: str) -> Callable[[float, str], None]:
    """Progress for people, and a look for the request to stop, at most every half second."""
    last = 0.0

    def tell(done: float, detail: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= PROGRESS_EVERY:
            last = now
            ctx.check_stop()
            ctx.progress(done, 1.0, f"lottery {name}: {detail}")

    return tell


# ---------------------------------------------------------------- draw


def draw(ctx: Context, pool: Pool, lotteries: tuple[Lottery, ...]) -> tuple[Draw, ...]:
    """The draws of the configuration, in its order; one unit each, accepted as they come."""
    by_name = {made.name: made for made in lotteries}
    sections = ctx.config.draws
    ctx.plan(len(sections))
    return tuple(_one_draw(ctx, section, pool, by_name[section.lottery]) for section in sections)


def _one_draw(ctx: Context, section: DrawSection, pool: Pool, source: Lottery) -> Draw:
    events = ctx.unit(section.id, lambda unit: _record_draw(unit, section, pool, source))
    made = only(events, DrawMade)
    place = {rater.rater_id: i for i, rater in enumerate(pool.raters)}
    return Draw(made.draw, made.lottery, made.panel, tuple(place[rater_id] for rater_id in made.members))


def _record_draw(unit: Unit, section: DrawSection, pool: Pool, source: Lottery) -> None:
    panel, members = draw_panel(source, pool.type_of, unit.ctx.stream(unit.key))
    seed = _seed(unit.ctx, unit.key)
    unit.add(
        seed,
        DrawMade(
            draw=section.id,
            lottery=source.name,
            panel=panel,
            seed=seed.seed,
            origin=seed.origin,
            members=[pool.raters[i].rater_id for i in members],
            outcome="accepted",
        ),
    )


# ---------------------------------------------------------------- both


def _seed(ctx: Context, key: str) -> SeedDerived:
    """The key of the unit's random stream, and how it came about."""
    seed = ctx.config.run.seed
    return SeedDerived(
        seed=derive_key(seed, (ctx.stage, key)).hex(),
        origin=f"SHA-256 of the run seed {seed}, the stage {ctx.stage!r} and the unit {key!r}",
    )
