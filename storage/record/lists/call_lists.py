"""Which judge calls are listed, and in which order: by judge, outcome, clause or question, from the index of all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from storage.record.lists.call_pages import CallIndex
from storage.record.reader import Reader

CallOrder = tuple[str, bool]
"""A column of the list of calls, and whether its last value comes first."""

COLUMNS = ("question", "clause", "judge", "outcome", "ranking")
"""Those that the calls can be sorted by; as it comes, the list is by question and judge."""

_BY_RANKING = """SELECT e.seq AS seq FROM json_each(?) wanted CROSS JOIN events e ON e.seq = wanted.value
ORDER BY e.payload->'$.ranking' IS NULL, e.payload->>'$.ranking', wanted.key"""


def calls_listed(reader: Reader, index: CallIndex, only: str = "", order: CallOrder | None = None) -> Sequence[int]:
    """The numbers of the calls that are of a judge (with or without its `#number`), an outcome, a question id or a
    clause (`clause 12`); "" for all."""
    places: Sequence[int] = range(len(index.calls)) if not only else _fitting(index, only)
    if order is None:
        return index.calls if not only else [index.calls[place] for place in places]
    if order[0] == "ranking":
        wanted = json.dumps([index.calls[place] for place in places])
        numbers = [row["seq"] for row in reader.query(_BY_RANKING, [wanted])]
        return numbers[::-1] if order[1] else numbers
    values = _values(index, order[0])
    return [index.calls[place] for place in sorted(places, key=values.__getitem__, reverse=order[1])]


def filters_of(index: CallIndex) -> tuple[str, ...]:
    """What the calls can be filtered by: the outcomes, judges, clauses and questions that there are."""
    judges = dict.fromkeys(str(judge) for judge in index.judges)
    clauses = dict.fromkeys(f"clause {clause}" for clause in index.clauses.values())
    return (*sorted(index.outcomes), *judges, *clauses, *map(str, index.clauses))


def _fitting(index: CallIndex, only: str) -> list[int]:
    of_clause = {question for question, clause in index.clauses.items() if f"clause {clause}" == only}
    rows = zip(index.questions, index.judges, index.ended, strict=True)
    return [
        place
        for place, (question, judge, ended) in enumerate(rows)
        if ended == only
        or str(question) == only
        or str(judge) == only
        or str(judge).partition("#")[0] == only
        or question in of_clause
    ]


def _values(index: CallIndex, column: str) -> Sequence[Any]:
    """What each call is sorted by: its place in the list says the order of the questions."""
    if column == "question":
        return range(len(index.calls))
    if column == "clause":
        return [_number_or_word(index.clauses.get(question)) for question in index.questions]
    return [str(judge) for judge in index.judges] if column == "judge" else index.ended


def _number_or_word(value: Any) -> tuple[int, float, str]:
    return (0, value, "") if isinstance(value, int | float) else (1, 0.0, str(value))
