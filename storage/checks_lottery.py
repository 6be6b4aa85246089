"""What lotteries leave to a solver and to numpy: bounds over all panels within the quotas, and sampled panels."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from core.events import QuotaRow
from core.facts.plural import number_of
from core.facts.sortition.proof import SolverFact
from core.types import Pool
from storage.verifier.contents.lotteries import LotteryRead, baselines_of_record, facts_of_record
from storage.verifier.ground.finding import Finding, broken, same
from storage.verifier.ground.record import Record

if TYPE_CHECKING:
    from core.sortition.quotas.problem import PanelProblem

PATIENCE = 300.0
"""Seconds after which no further bound is solved again: an unknown is told then."""

MOST_SAMPLED = 10**10
"""Raters and types that sampling a lottery's panels again may go through."""


def solve_again(record: Record) -> str:
    """Confirms every bound that only an integer programme can confirm, and samples baselines again; says how many.

    Raises:
        Finding: a bound is wrong or could not be solved for, or other panels were sampled.
    """
    facts, sampled = facts_of_record(record), baselines_of_record(record)
    end = time.process_time() + PATIENCE
    for lottery, fact in facts:
        _in_time(end, lottery)
        _confirm(lottery, fact)
    for lottery in sampled:
        _in_time(end, lottery)
        _sample_again(record, lottery)
    told = [f"{len(facts)} bounds of certificates solved again"] if facts else []
    told += [f"the panels of {number_of(len(sampled), 'lottery', 'lotteries')} sampled again"] if sampled else []
    return "; ".join(told) or "no certificate rests on a bound that only a solver can confirm"


def _in_time(end: float, lottery: LotteryRead) -> None:
    if time.process_time() > end:
        told = (
            f"what a solver has to confirm took more than {PATIENCE:.0f} seconds of computing, so the rest was left out"
        )
        raise Finding("unknown", f"{lottery.name}: {told}", lottery.solved.seq)


def _sample_again(record: Record, lottery: LotteryRead) -> None:
    """LEGACY or random selection, once more from the seed of the lottery's unit."""
    from core.errors import DempoError
    from core.facts.randomness import RandomStream
    from core.sortition.baselines import SAMPLES, sampled_baseline
    from core.sortition.lottery import lottery_of

    name, seq = lottery.solved.values["lottery"], lottery.solved.seq
    work = SAMPLES * (len(lottery.pool.type_of) + lottery.quotas.values["size"] * len(lottery.pool.sizes))
    if work > MOST_SAMPLED:
        raise Finding("unknown", f"{lottery.name}: sampling its panels again would take too long", seq)
    problem = _problem(lottery)
    inside = lottery.solved.values["algorithm"] == "legacy"
    stream = RandomStream(int(record.genesis["seed"]), "lottery", f"{name}/panels")
    try:
        sampled = sampled_baseline(problem, inside, name, stream)
        made = lottery_of(name, problem, sampled.panels, sampled.weights, within_quotas=inside)
    except DempoError as error:
        raise broken(f"{lottery.name} cannot be sampled again: {error}", seq) from None
    panels = [{t: x for t, x in enumerate(panel) if x} for panel in made.panels]
    if panels != lottery.counts or list(made.numerators) != lottery.numerators:
        raise broken(f"{lottery.name}: its panels are not those that its seed samples", seq)
    same(lottery.solved.values["method"], lottery.solved.values["algorithm"], f"{lottery.name}: what its π is", seq)
    errors = lottery.solved.values.get("standard_error", [])
    near = all(math.isclose(a, b, rel_tol=1e-9) for a, b in zip(errors, sampled.standard_error.tolist(), strict=False))
    if len(errors) != len(lottery.pool.sizes) or not near:
        raise broken(f"{lottery.name}: the standard errors of π are not those of its panels", seq)


def _confirm(lottery: LotteryRead, fact: SolverFact) -> None:
    from core.sortition.leximin.certificate import solver_facts
    from core.sortition.solver import SolverError

    try:
        wrong = solver_facts(_problem(lottery), [fact])
    except SolverError as error:
        raise Finding("unknown", f"{lottery.name}: the solver could not decide ({error})", lottery.solved.seq) from None
    if wrong is not None:
        raise broken(f"{lottery.name}: {wrong}", lottery.solved.seq)


def _problem(lottery: LotteryRead) -> PanelProblem:
    """A lottery as the solver and the samplers take it; the targets of its quotas play no part here."""
    from core.sortition.quotas.problem import problem_for

    pool, quotas = lottery.pool, lottery.quotas
    shape = Pool(
        attributes=tuple(pool.values["attributes"]),
        raters=(),
        pairs=(),
        rater=(),
        types=tuple(tuple(row["categories"]) for row in pool.values["types"]),
        type_of=tuple(pool.type_of),
    )
    names = ("attribute", "category", "lower", "upper", "slack", "in_pool")
    rows = [QuotaRow.model_construct(**{name: row[name] for name in names}) for row in quotas.values["quotas"]]
    return problem_for(shape, rows, quotas.values["size"])
