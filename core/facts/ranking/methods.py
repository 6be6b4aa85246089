"""The aggregation methods by their names."""

from __future__ import annotations

from typing import Literal, get_args

Method = Literal[
    "borda",
    "copeland",
    "copeland_majority",
    "schulze",
    "kemeny",
    "bradley_terry",
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
