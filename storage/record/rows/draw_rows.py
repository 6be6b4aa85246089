"""Rows about draws, and the panels that were drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.events import DrawCommitted
from storage.record.rows.lottery_rows import CategoryRow
from storage.record.rows.typed import of_view


@of_view("draws")
@dataclass(frozen=True)
class DrawRow:
    """A round of a draw."""

    draw: Any
    lottery: Any
    panel: Any
    seed: Any
    origin: Any
    outcome: Any
    reason: Any
    round: Any
    commitment: Any
    value: Any


@of_view("draw_commitments", DrawCommitted)
@dataclass(frozen=True)
class CommitmentRow:
    """The public source that a round of a draw was committed to."""

    round: Any
    source: Any


@of_view("panel_composition")
@dataclass(frozen=True)
class CompositionRow(CategoryRow):
    """A category of a lottery beside the panel of a draw."""

    members: Any
    deviation: Any


@of_view("locale_composition")
@dataclass(frozen=True)
class LocaleRow:
    """How many members of a panel are from one place."""

    locale: Any
    members: Any
