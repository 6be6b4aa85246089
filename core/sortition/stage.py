"""The stage `lottery`: quotas, types, LEXIMIN or a baseline."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.errors import InfeasibleQuotas, InputError
from core.events import Event, LotteryQuotas, LotterySolved
from core.sections.who_is_drawn import LotterySection
from core.sortition.progress import OnProgress
from core.sortition.quotas.quotas import quotas_for
from core.sortition.recording import diagnosed_event, lottery_from, panel_events, types_event
from core.stage import Context, Unit, only
from core.types import Lottery, Pool

if TYPE_CHECKING:
    from core.sortition.quotas.problem import PanelProblem

PROGRESS_EVERY = 0.5
"""Seconds between two notices of progress; the request to stop is looked for as often."""


def lottery(ctx: Context, pool: Pool) -> tuple[Lottery, ...]:
    """The lotteries of the configuration, in its order.

    Two units each: `<name>/quotas` (quotas and types) and `<name>/panels` (levels, panels and π). A lottery that is
    compared with a published one has two more (`core.publication.people`).

    Raises:
        InfeasibleQuotas: no panel meets the quotas of a lottery; the message names those that conflict.
        InputError: the section asks for what is not supported.
    """
    sections = ctx.config.lotteries
    for section in sections:
        _require_supported(section, pool)
    ctx.plan(2 * len(sections) + 2 * sum(section.published is not None for section in sections))
    return tuple(_one_lottery(ctx, section, pool) for section in sections)


def _require_supported(section: LotterySection, pool: Pool) -> None:
    where = f"lotteries: {section.name!r}"
    if not pool.raters:
        raise InputError(f"{where} cannot be made, because the pool has no raters")
    if section.panels and section.algorithm != "leximin":
        raise InputError(
            f"{where} has panels = {section.panels}; a uniform lottery is made from LEXIMIN, so use "
            f'algorithm = "leximin", or panels = 0 for {section.algorithm}'
        )
    if section.size <= pool.seated:
        raise InputError(
            f"{where}: {pool.seated} people of the earlier panel keep their seats, so no seat of {section.size} is left"
        )


def _one_lottery(ctx: Context, section: LotterySection, pool: Pool) -> Lottery:
    quota_events = ctx.unit(f"{section.name}/quotas", lambda unit: _record_quotas(unit, section, pool))
    solved_events = ctx.unit(f"{section.name}/panels", lambda unit: _solve(unit, section, pool, quota_events))
    if section.published is not None:
        from core.publication.people import record_people

        record_people(ctx, section, pool, [*quota_events, *solved_events])
    return lottery_from([*quota_events, *solved_events], pool.type_sizes())


def _record_quotas(unit: Unit, section: LotterySection, pool: Pool) -> None:
    size = section.size - pool.seated
    quotas = quotas_for(unit.ctx.config.attributes, pool, size, section.tolerance)
    unit.add(
        LotteryQuotas(lottery=section.name, size=size, tolerance=str(section.tolerance), quotas=list(quotas)),
        types_event(section.name, pool),
    )


def _solve(unit: Unit, section: LotterySection, pool: Pool, asked: Sequence[Event]) -> None:
    from core.sortition.quotas.problem import problem_for

    quotas = only(asked, LotteryQuotas).quotas
    problem = problem_for(pool, quotas, section.size - pool.seated)
    unit.add(unit.ctx.stream_seed(unit.key))
    tell = _paced(unit.ctx, section.name)
    try:
        if section.algorithm == "leximin":
            from core.sortition.leximin.leximin_unit import solve_leximin

            made = solve_leximin(problem, pool.type_of, section.panels, unit, asked, tell)
        else:
            made = _sample_baseline(unit, section, problem, tell)
    except InfeasibleQuotas as error:
        from core.sortition.quotas.sizes import explained

        raise explained(error, section, pool, unit.ctx.config.attributes) from error
    unit.add(diagnosed_event(made, pool.type_of, quotas))


def _sample_baseline(unit: Unit, section: LotterySection, problem: PanelProblem, tell: OnProgress) -> Lottery:
    from core.sortition.baselines import sampled_baseline
    from core.sortition.lottery import lottery_of

    stream = unit.ctx.stream(unit.key)
    inside = section.algorithm == "legacy"
    sampled = sampled_baseline(problem, inside, section.name, stream, tell)
    made = lottery_of(section.name, problem, sampled.panels, sampled.weights, within_quotas=inside)
    unit.add(*panel_events(made))
    unit.add(
        LotterySolved(
            lottery=section.name,
            algorithm=section.algorithm,
            method=section.algorithm,
            estimated=True,
            panels=len(made.panels),
            pi=[float(pi) for pi in made.inclusion_by_type()],
            standard_error=sampled.standard_error.tolist(),
            max_difference=0.0,
            solver={},
        )
    )
    return made


def _paced(ctx: Context, name: str) -> OnProgress:
    """Progress for people, and a look for the request to stop, at most every half second."""
    last = 0.0

    def tell(done: float, detail: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= PROGRESS_EVERY:
            last = now
            ctx.go_on(done, 1.0, f"lottery {name}: {detail}")

    return tell
