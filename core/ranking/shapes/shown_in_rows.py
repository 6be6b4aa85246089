"""In which order the answers stood before a judge, as far as a row of rankings says.

A row of one ranking says it by `shown`; a published row of several by `judge_orders` (in some files `order`): a list of
conditions for each ranking. Where that is missing, the labels that each judge gave (`judge_raw`) tell: one that says
"B, A" and was read as "hard, soft" saw "soft" as A and "hard" as B.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
    key = row.first_of("judge_orders", "order") or "order"
    orders, replies = _of_each(row.values.get(key), len(rankings)), _of_each(row.values.get("judge_raw"), len(rankings))
    if not all(isinstance(order, list) for order in orders):
        orders = [None] * len(rankings)
    for k, (ranking, order, reply) in enumerate(zip(rankings, orders, replies, strict=True)):
        labels = _labels(reply, len(ranking))
        said = tuple(name for _, name in sorted(zip(labels, ranking, strict=True))) if labels else ()
        if order is None:
            yield said
            continue
        found = _checked(row, order, ranking, f"{key}[{k}]")
        if said not in ((), found):
            raise row.error(
                f"judge_raw[{k}] names the answers in another order than rankings[{k}], given that they were shown as "
                f"{key}[{k}] says"
            )
        yield found


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
    said = reply.get("ranking") if isinstance(reply, Mapping) else None
    if not isinstance(said, list) or not all(isinstance(label, str) for label in said):
        return ()
    return said if sorted(said) == sorted(LABELS[:conditions]) else ()
