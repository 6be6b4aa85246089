"""Rows about whether the order holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from storage.record.rows.typed import of_view


@of_view("robustness")
@dataclass(frozen=True)
class AnalysisRow:
    """An analysis of the order beside the primary method's; `ranked` is JSON, those of one position together."""

    analysis: Any
    left_out: Any
    method: Any
    winner: Any
    same_winner: Any
    same_order: Any
    ranked: Any
    primary_method: Any
    primary_ranked: Any


@of_view("pair_robustness")
@dataclass(frozen=True)
class PairStandsRow:
    """A pair of conditions: how many analyses have it as the primary method does, and how far it is apart."""

    condition: Any
    other: Any
    agree: Any
    analyses: Any
    difference: Any
    error_questions: Any
    error_rankings: Any
    separated_questions: Any
    separated_rankings: Any
    confidence: Any


@of_view("flips")
@dataclass(frozen=True)
class FlipRow:
    """The fewest questions whose removal turns two neighbours of the order round; `removed` is JSON."""

    condition: Any
    other: Any
    questions: Any
    share: Any
    removed: Any
    measure: Any
