"""In which order each judge call shows the answers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from core.facts.randomness import RandomStream


def shown_orders(
    stream: RandomStream,
    question: str,
    label: str,
    conditions: Sequence[str],
    calls: int,
    shuffling: Callable[[], object] = lambda: None,
) -> list[tuple[str, ...]]:
    """The order of the answers in each of a judge's calls for a question.

    Call i shuffles the conditions with the stream (…, question, label, i), again while an earlier call has
    that order; once all m! orders have been shown, they may come again. Each call's order is uniform.

    Args:
        stream: that of the stage `judge` below "order".
        question, label: the question's id and the judge's label.
        shuffling: called before each shuffle: near the end of a round of m! there are many.
    """
    rounds = math.factorial(len(conditions))
    orders: list[tuple[str, ...]] = []
    taken: set[tuple[str, ...]] = set()
    for index in range(calls):
        if index % rounds == 0:
            taken = set()
        child = stream.child(question, label, str(index))
        while len(orders) == index:
            shuffling()
            order = list(conditions)
            child.shuffle(order)
            if tuple(order) not in taken:
                orders.append(tuple(order))
        taken.add(orders[-1])
    return orders
