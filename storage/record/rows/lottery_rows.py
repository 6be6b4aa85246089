"""Rows about lotteries: quotas, levels, chances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.events import LotteryDiagnosed
from storage.record.rows.typed import of_view


@of_view("quotas")
@dataclass(frozen=True)
class CategoryRow:
    """A category of a lottery with its bounds."""

    attribute: Any
    category: Any
    target: Any
    lower: Any
    upper: Any
    slack: Any
    in_pool: Any


@of_view("lotteries")
@dataclass(frozen=True)
class LotteryRow:
    """A lottery that was solved."""

    algorithm: Any
    method: Any
    estimated: Any
    panels: Any
    max_difference: Any
    denominator: Any


@of_view("levels")
@dataclass(frozen=True)
class LevelRow:
    """A level of LEXIMIN; types and binding are JSON."""

    lottery: Any
    level: Any
    probability: Any
    types: Any
    binding: Any
    proof: Any
    gap: Any


@of_view("lottery_diagnostics", LotteryDiagnosed)
@dataclass(frozen=True)
class DiagnosticsRow:
    """How unequal the probabilities of a lottery are; empty_categories is JSON."""

    smallest: Any
    largest: Any
    equal: Any
    gini: Any
    max_min_ratio: Any
    coefficient_of_variation: Any
    without_chance: Any
    certain: Any
    empty_categories: Any
