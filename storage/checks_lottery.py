"""What a lottery's certificate leaves to a solver: bounds over all panels within the quotas, solved again."""

from __future__ import annotations

from core.sortition.proof import SolverFact
from core.types import Pool, Quota
from storage.verifier.finding import Finding, broken
from storage.verifier.lotteries import LotteryRead, facts_of_record
from storage.verifier.record import Record


def solve_again(record: Record) -> str:
    """Confirms every bound that only an integer programme can confirm; says how many.

    Raises:
        Finding: a bound is wrong, or could not be solved for.
    """
    facts = facts_of_record(record)
    for lottery, fact in facts:
        _confirm(lottery, fact)
    if not facts:
        return "no certificate rests on a bound that only a solver can confirm"
    return f"{len(facts)} bounds of certificates solved again"


def _confirm(lottery: LotteryRead, fact: SolverFact) -> None:
    from core.sortition.certificate import solver_facts
    from core.sortition.problem import problem_for
    from core.sortition.solver import SolverError

    pool, quotas = lottery.pool, lottery.quotas
    shape = Pool(
        attributes=tuple(pool.values["attributes"]),
        raters=(),
        pairs=(),
        rater=(),
        types=tuple(tuple(row["categories"]) for row in pool.values["types"]),
        type_of=tuple(pool.type_of),
    )
    rows = tuple(_quota(row, quotas.seq) for row in quotas.values["quotas"])
    try:
        wrong = solver_facts(problem_for(shape, rows, quotas.values["size"]), [fact])
    except SolverError as error:
        raise Finding("unknown", f"{lottery.name}: the solver could not decide ({error})", lottery.solved.seq) from None
    if wrong is not None:
        raise broken(f"{lottery.name}: {wrong}", lottery.solved.seq)


def _quota(row: dict[str, object], seq: int) -> Quota:
    """The quota that a recorded row stands for; its target plays no part here."""
    names = {name: row[name] for name in ("attribute", "category", "lower", "upper", "slack", "in_pool")}
    return Quota(target=None, **names)  # type: ignore[arg-type]
