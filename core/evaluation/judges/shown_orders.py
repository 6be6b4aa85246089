"""In which order answers were shown to the judges of a file of rankings, as far as the file says.

A row of one ranking says it by `shown`; a published row of several by `judge_orders` (in some files `order`): a list of
models for each ranking. Where that is missing, the labels that each judge gave (`judge_raw`) tell: a judge that says
"B, A" and was read as "hard, soft" saw "soft" as A and "hard" as B.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.facts.judging.prompts import LABELS
from core.ranking.files import body_of, rows_of


def read_shown_orders(path: Path) -> Iterator[tuple[str, ...]]:
    """The shown order of every ranking, in the order of `read_rankings`, which read the file before; () where unknown.

    Raises:
        InputError: an order holds other names than its ranking, or does not go with the labels of the reply.
    """
    for where, row in rows_of(path, body_of(path)):
        if "ranking" in row:
            yield _checked(row["shown"], row["ranking"], where, "shown") if "shown" in row else ()
            continue
        rankings = row["rankings"]
        orders = _of_each(row.get("judge_orders") or row.get("order"), len(rankings))
        orders = orders if all(isinstance(order, list) for order in orders) else [None] * len(rankings)
        replies = _of_each(row.get("judge_raw"), len(rankings))
        for k, (ranking, order, reply) in enumerate(zip(rankings, orders, replies, strict=True)):
            labels = _labels(reply, len(ranking))
            said = tuple(name for _, name in sorted(zip(labels, ranking, strict=True))) if labels else ()
            if order is None:
                yield said
                continue
            shown = _checked(order, ranking, where, f"judge_orders[{k}]")
            if said not in ((), shown):
                raise InputError(
                    f"{where}: judge_raw[{k}] names the answers in another order than rankings[{k}], given that they "
                    f"were shown as judge_orders[{k}] says"
                )
            yield shown


def _of_each(value: Any, rankings: int) -> Sequence[Any]:
    """A list with an entry of each ranking; Nones where it is none."""
    return value if isinstance(value, list) and len(value) == rankings else [None] * rankings


def _checked(value: Any, ranking: Sequence[str], where: str, key: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise InputError(f"{where}: {key!r} must be a list of names, in the order in which the answers were shown")
    if sorted(value) != sorted(ranking):
        raise InputError(f"{where}: {key!r} holds other conditions than the ranking; name the same ones")
    return tuple(value)


def _labels(reply: Any, conditions: int) -> Sequence[str]:
    """The labels that a reply ranks, best first; none where it does not rank each of them once."""
    said = reply.get("ranking") if isinstance(reply, Mapping) else None
    if not isinstance(said, list) or not all(isinstance(label, str) for label in said):
        return ()
    return said if sorted(said) == sorted(LABELS[:conditions]) else ()
