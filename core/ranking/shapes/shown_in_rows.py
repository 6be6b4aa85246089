"""In which order the answers stood before a judge, as far as a row of rankings says.

A row of one ranking says it by `shown`; a published row of several by an entry for each ranking: in `judge_orders` (in
some files `order`) a list of conditions, in `judge_label_to_model` the condition behind each label. Where that is
missing, the labels that each judge gave (`judge_raw`) tell: one that says "B, A" and was read as "hard, soft" saw
"soft" as A and "hard" as B. What is no order of the conditions says nothing, but for `shown` and `judge_orders`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from core.facts.judging.prompts import LABELS
from core.ranking.shapes.file_rows import FileRow

Order = tuple[str, ...]


def shown_beside(row: FileRow, order: Order) -> Order:
    """The shown order of the ranking of a row; () where it is unknown.

    Raises:
        InputError: it holds other names than the ranking.
    """
    return () if row.table or "shown" not in row.values else _checked(row, row.values["shown"], order, "shown")


def shown_of_each(row: FileRow, rankings: Sequence[Order]) -> Iterator[Order]:
    """The shown order of each of the rankings of a row; () where it is unknown.

    Raises:
        InputError: an order holds other names than its ranking, or does not go with the labels of the reply.
    """
    count = len(rankings)
    orders = _orders_said(row, count)
    replies = _of_each(row.values.get("judge_raw"), count)
    for k, (ranking, order, reply) in enumerate(zip(rankings, orders, replies, strict=True)):
        labels = _labels(reply, len(ranking))
        said = tuple(name for _, name in sorted(zip(labels, ranking, strict=True))) if labels else ()
        if "judge_orders" in row.values and order is not None:
            found = _checked(row, order, ranking, f"judge_orders[{k}]")
        else:
            found = tuple(order) if _is_order(order, ranking) else ()
        if said not in ((), found) and found:
            raise row.error(
                f"judge_raw[{k}] names the answers in another order than rankings[{k}], given the order in which the "
                "row says that they were shown"
            )
        yield found or said


def _orders_said(row: FileRow, count: int) -> Sequence[Any]:
    """What the row says of each ranking, whatever that is; Nones where it says nothing."""
    listed = _of_each(row.values.get(row.first_of("judge_orders", "order") or ""), count)
    if all(isinstance(entry, list) for entry in listed):
        return listed
    behind = _of_each(row.values.get("judge_label_to_model"), count)
    return [[entry[label] for label in sorted(entry)] if isinstance(entry, dict) else None for entry in behind]


def _is_order(value: Any, ranking: Order) -> bool:
    named = isinstance(value, list) and all(isinstance(name, str) for name in value)
    return named and sorted(value) == sorted(ranking)


def _of_each(value: Any, rankings: int) -> Sequence[Any]:
    """A list with an entry of each ranking; Nones where it is none."""
    return value if isinstance(value, list) and len(value) == rankings else [None] * rankings


def _checked(row: FileRow, value: Any, ranking: Order, key: str) -> Order:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise row.error(f"{key!r} must be a list of names, in the order in which the answers were shown")
    if sorted(value) != sorted(ranking):
        raise row.error(f"{key!r} holds other conditions than 'ranking'; name the same ones")
    return tuple(value)


def _labels(reply: Any, conditions: int) -> Sequence[str]:
    """The labels that a reply ranks, best first; none where it does not rank each of them once."""
    try:
        said = (json.loads(reply) if isinstance(reply, str) else reply)["ranking"]
    except (TypeError, ValueError, LookupError, RecursionError):
        return ()
    named = isinstance(said, list) and all(isinstance(label, str) for label in said)
    return said if named and sorted(said) == sorted(LABELS[:conditions]) else ()
