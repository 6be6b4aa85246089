"""Whole rankings out of the rows of a file, each with its place in it.

An order is a list of names, best first (`ranking`, in CSV "a > b > c"), or several (`rankings`, of which the k-th is
judge#k); or one row for each condition with its `rank`; or columns, of which each is a place (1, 2, … or first,
second, …) or a condition that holds its rank. Ranks count from 1, the best.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from core.data.files.rows import shown
from core.errors import InputError
from core.ranking.shapes.file_rows import FileRow
from core.ranking.shapes.shown_in_rows import shown_beside, shown_of_each

Clause = int | str | None
"""As a file has it: whole numbers are numbers, whether written as a number or a text."""

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_BESIDE = frozenset({"question_id", "question", "clause_id", "clause", "judge"})
_CONDITION, _RANK = ("condition", "model"), ("rank", "position")
_REMEDY = (
    "break the tie, leave the row out, or write one row for each pair, with 'a', 'b' and 'winner', which may be a tie"
)


@dataclass(frozen=True, slots=True)
class Listed:
    """A ranking as a file has it: `shown` is the order in which the judge saw the answers, empty where unknown."""

    where: str
    question_id: str
    clause: Clause
    judge: str
    order: tuple[str, ...]
    shown: tuple[str, ...] = ()


def listed_in(rows: Iterable[FileRow]) -> Iterator[Listed]:
    """The rankings in the order of the file; whether they order the same conditions is not looked at.

    Raises:
        InputError: a row lacks a key, holds a tie, or ranks nothing.
    """
    scattered: dict[tuple[str, Clause, str], dict[str, FileRow]] = {}
    for row in rows:
        if "ranking" in row.values or "rankings" in row.values:
            yield from _of_lists(row)
        elif row.first_of(*_CONDITION) and row.first_of(*_RANK):
            _gather(row, scattered)
        elif row.table:
            yield _of_columns(row)
        else:
            raise row.error(
                "the key 'ranking' (one order) or 'rankings' (a list of orders) is missing; votes between two have "
                "'a', 'b' and 'winner'"
            )
    for (question, clause, judge), found in scattered.items():
        row = next(iter(found.values()))
        ranks = {condition: _rank_in(one) for condition, one in found.items()}
        yield Listed(row.where, question, clause, judge, _by_rank(ranks, row))


def clause_of(row: FileRow) -> Clause:
    """The clause of a row; of JSON, `clause` beside `clause_id` is its text."""
    key = row.first_of("clause_id", "clause")
    value = row.values[key] if key else None
    if value is None or (row.table and value == ""):
        return None
    name = row.name("clause_id", "clause")
    return int(name) if name.isascii() and name.isdigit() and len(name) < 19 and str(int(name)) == name else name


def _of_lists(row: FileRow) -> Iterator[Listed]:
    question, clause = row.name("question_id", "question"), clause_of(row)
    if "ranking" in row.values:
        judge, value = row.name("judge"), row.values["ranking"]
        order = _split(value, row) if row.table else _order(value, "ranking", row)
        yield Listed(row.where, question, clause, judge, order, shown_beside(row, order))
        return
    judge = row.name("judge") if "judge" in row.values else "judge"
    listed = row.values["rankings"]
    if not isinstance(listed, list):
        raise row.error(f"'rankings' must be a list of orders, best first; it is {shown(listed)}")
    orders = [_order(order, f"rankings[{k}]", row) for k, order in enumerate(listed)]
    for k, (order, before) in enumerate(zip(orders, shown_of_each(row, orders), strict=True)):
        yield Listed(row.where, question, clause, f"{judge}#{k}", order, before)


def _order(value: Any, key: str, row: FileRow) -> tuple[str, ...]:
    if isinstance(value, list) and any(isinstance(name, list) for name in value):
        raise row.error(f"{key!r} holds a list within the list, which would be a tie: {shown(value)}; {_REMEDY}")
    if not isinstance(value, list) or not value or not all(isinstance(name, str) for name in value):
        raise row.error(f"{key!r} must be a list of names, best first; it is {shown(value)}")
    return tuple(value)


def _split(cell: str, row: FileRow) -> tuple[str, ...]:
    names = tuple(name.strip() for name in cell.split(">"))
    if not all(names):
        raise row.error(f"'ranking' must name the conditions, best first, as in a > b > c; it is {shown(cell)}")
    if any("=" in name for name in names):
        raise row.error(f"'ranking' has a sign of a tie (=) in {shown(cell)}; {_REMEDY}")
    return names


# ------------------------------------------------------------ ranks in cells


def _gather(row: FileRow, found: dict[tuple[str, Clause, str], dict[str, FileRow]]) -> None:
    """Puts a row of one condition to those of the same ranking."""
    key = row.name("question_id", "question"), clause_of(row), row.name("judge")
    condition = row.name(*_CONDITION)
    earlier = found.setdefault(key, {}).setdefault(condition, row)
    if earlier is not row:
        raise row.error(
            f"judge {shown(key[2])} ranks {shown(condition)} on question {shown(key[0])} a second time (first: line "
            f"{earlier.line}); leave one of the two out, or give each ranking a judge of its own, as 'name#2'"
        )


def _rank_in(row: FileRow) -> Any:
    return row.values[row.first_of(*_RANK) or ""]


def _of_columns(row: FileRow) -> Listed:
    cells = {name: cell for name, cell in row.values.items() if name not in _BESIDE}
    if not cells:
        raise row.error("the columns rank nothing; give each condition or each place a column, or a column 'ranking'")
    places = _places_in(cells)
    if places is not None:
        if not all(places):
            raise row.error(
                "a place is empty; every ranking must be complete: name a condition there, or leave the row out"
            )
        order = places
    else:
        order = _by_rank(cells, row)
    return Listed(row.where, row.name("question_id", "question"), clause_of(row), row.name("judge"), order)


def _places_in(cells: Mapping[str, str]) -> tuple[str, ...] | None:
    """The cells by place where the columns are places, from first to last; else None."""
    for names in (_ORDINALS, tuple(str(k) for k in range(1, len(cells) + 1))):
        by_name = {name.lower(): cell for name, cell in cells.items()}
        if set(by_name) == set(names[: len(cells)]):
            return tuple(by_name[name] for name in names[: len(cells)])
    return None


def _by_rank(ranks: Mapping[str, Any], row: FileRow) -> tuple[str, ...]:
    """The conditions by their ranks, which are 1 to m, each once."""
    numbers = {condition: _number(rank, condition, row) for condition, rank in ranks.items()}
    order = sorted(numbers, key=numbers.__getitem__)
    for condition, after in pairwise(order):
        if numbers[condition] == numbers[after]:
            raise row.error(f"{shown(condition)} and {shown(after)} share rank {numbers[condition]}; {_REMEDY}")
    if [numbers[condition] for condition in order] != list(range(1, len(order) + 1)):
        found = ", ".join(str(numbers[condition]) for condition in order[:20])
        raise row.error(
            f"ranks must be 1 to {len(order)}, each once, and 1 is the best; here they are {found} (a condition may be "
            "missing, or these may be scores)"
        )
    return tuple(order)


def _number(rank: Any, condition: str, row: FileRow) -> int:
    text = rank.strip() if isinstance(rank, str) else rank
    if isinstance(text, str) and text.isascii() and text.removesuffix(".0").isdigit() and len(text) < 10:
        return int(text.removesuffix(".0"))
    if isinstance(text, float) and text.is_integer():
        return int(text)
    if isinstance(text, bool) or not isinstance(text, int):
        raise row.error(
            f"the rank of {shown(condition)} is {shown(rank)}; it must be a whole number from 1, the best"
            + (f" (where {shown(condition)} is no condition, remove its column)" if row.table else "")
        )
    return text


def refuse_twice(listed: Iterable[Listed]) -> Iterator[Listed]:
    """The same rankings, as long as no judge ranks a question twice.

    Raises:
        InputError: one does; with both places.
    """
    said: dict[tuple[Clause, str, str], str] = {}
    for one in listed:
        key = one.clause, one.question_id, one.judge
        if key in said:
            raise InputError(
                f"{one.where}: {shown(one.judge)} ranks question {shown(one.question_id)} a second time (first: "
                f"{said[key]}); leave one of them out, or give each ranking a judge of its own in 'judge', as 'name#2'"
            )
        said[key] = one.where
        yield one
