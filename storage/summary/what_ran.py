"""What a run was asked, of what data, with which models and how many answers and rankings, as lines of a summary."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from core.facts.plural import number_of
from core.facts.tables import WITHHELD
from storage.judging.coverage import CALLS, Coverage
from storage.record.rows import ConditionRow
from storage.summary.decimals import as_number

Query = Callable[[str], Iterable[Sequence[Any]]]
"""The rows of a query, each as its values."""

_ASKED = "SELECT count(*), count(DISTINCT clause_id) FROM questions"

_MODEL = "SELECT config->>'$.train.model', config->>'$.train.lora.rank' FROM run"

_POOL = "SELECT count(*), sum(pairs) FROM raters"

_LOTTERIES = """SELECT l.lottery, l.size, l.algorithm, d.smallest, d.largest, d.equal
  FROM lotteries l LEFT JOIN lottery_diagnostics d ON d.lottery = l.lottery"""

_JUDGES = "SELECT DISTINCT judge FROM judge_calls"

_NAMED = 8
"""Conditions that are named."""

Line = tuple[str, str]


def what_ran(query: Query, conditions: Sequence[ConditionRow]) -> list[Line]:
    """Lines of a name and words, in the order in which a run goes; of what it never came to, none.

    Args:
        conditions: rows of the view, in their order.
    """
    lines = [("asked", _asked(query)), ("data", _data(query)), ("panels", _panels(query))]
    lines += [("models", _models(query, conditions)), ("judged", _judged(query))]
    return [(name, words) for name, words in lines if words]


def _asked(query: Query) -> str:
    ((questions, clauses),) = query(_ASKED)
    if not questions:
        return ""
    of = number_of(questions, "question")
    return f"{of} about {number_of(clauses, 'clause')} of a constitution, put to every model"


def _data(query: Query) -> str:
    ((people, pairs),) = query(_POOL)
    if not people:
        return ""
    if not isinstance(pairs, (int, float)) or not pairs:
        return f"a pool of {number_of(people, 'person', 'people')}"
    return f"{number_of(people, 'rater')} with {number_of(int(pairs), 'preference pair')}"


def _panels(query: Query) -> str:
    told = [
        f"{lottery}: {size} seats by {_algorithm(algorithm)}{_chances(*chances)}"
        for lottery, size, algorithm, *chances in query(_LOTTERIES)
    ]
    more = [f"{len(told) - _NAMED} more"] if len(told) > _NAMED else []
    return "; ".join([*told[:_NAMED], *more])


def _chances(smallest: Any, largest: Any, equal: Any) -> str:
    """From the smallest to the largest chance of a person, beside equal ones."""
    found = [as_number(value) for value in (smallest, largest, equal)]
    if None in found:
        return ""
    low, high, alike = (f"{100 * number:.1f} %" for number in found if number is not None)
    return f", chances from {low} to {high} ({alike} if all were equal)"


def _algorithm(name: Any) -> str:
    return "LEXIMIN" if name == "leximin" else str(name)


def _models(query: Query, conditions: Sequence[ConditionRow]) -> str:
    if not conditions:
        return ""
    ((model, rank),) = query(_MODEL)
    trained = sum(bool(row.steps) for row in conditions if row.steps != WITHHELD)
    named = [str(row.condition) for row in conditions[:_NAMED]]
    more = [f"{len(conditions) - _NAMED} more"] if len(conditions) > _NAMED else []
    of = f" from {str(model).rsplit('/', 1)[-1]}" if model else ""
    adapters = f", as adapters of rank {rank} (LoRA)" if rank else ""
    told = f"; {trained} trained by weighted DPO{of}{adapters}" if trained else ""
    return f"{number_of(len(conditions), 'condition')}: {', '.join([*named, *more])}{told}"


def _judged(query: Query) -> str:
    coverage = Coverage(tuple(map(tuple, query(CALLS))))
    calls = coverage.outcomes.total()
    if not calls:
        return ""
    judges = sorted({str(judge).rpartition("#")[0] or str(judge) for (judge,) in query(_JUDGES)})
    named = ", ".join([*judges[:_NAMED], *([f"{len(judges) - _NAMED} more"] if len(judges) > _NAMED else [])])
    who = "simulated citizens" if coverage.kinds == {"planted"} else named
    return f"{number_of(coverage.outcomes['ranked'], 'ranking')} from {number_of(calls, 'call')} of {who}"
