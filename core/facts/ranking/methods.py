"""The aggregation methods by their names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

Method = Literal[
    "borda",
    "copeland",
    "copeland_majority",
    "schulze",
    "kemeny",
    "bradley_terry",
    "bradley_terry_majority",
    "plackett_luce",
    "plackett_luce_published",
    "mallows",
]

METHODS: tuple[Method, ...] = get_args(Method)

CONSENSUS_METHODS: frozenset[str] = frozenset({"kemeny", "mallows"})
"""Methods that look for the best order of the data. Their score is the mean position over the resamples, and so the
lower the better; of all others a higher score is better."""

LARGEST_DYNAMIC = 12
"""Conditions in a cycle of majorities up to which all best orders are counted; beyond, one stands for all."""


def primary_method(methods: Sequence[str], planned: str | None, *otherwise: str) -> str:
    """The method that speaks for a run wherever one does: that which its plan names, if it has one.

    Args:
        methods: those that there are leaderboards of, in their order.
        planned: `plan.primary`, None of a run without a plan.
        otherwise: what speaks in its place, the first that is there; the first of all methods where none is.
    """
    wanted = [method for method in (planned, *otherwise) if method is not None and method in methods]
    return (wanted or methods)[0]


def resample_of(method: str, asked: str) -> str:
    """What the intervals of a method resample where a configuration asks for questions, rankings or clauses.

    Only a question as a whole has a majority: of rankings that are drawn one by one, many a question would have one or
    none. So majorities resample questions where rankings are asked for, as the authors' Bradley–Terry always does.
    """
    return "questions" if method == "bradley_terry_majority" and asked == "rankings" else asked
