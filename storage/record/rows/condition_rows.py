"""Rows about conditions: what was planned, realised and recovered, and how far the model moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.events import ConditionPlanned, RecoveryMeasured
from storage.record.rows.typed import of_view


@of_view("conditions", ConditionPlanned)
@dataclass(frozen=True)
class ConditionRow:
    """A condition, its estimator, how many optimizer steps were planned for it, of how many pairs, and their source."""

    condition: Any
    estimator: Any
    steps: Any
    batch: Any
    source: Any


@of_view("weight_shares")
@dataclass(frozen=True)
class ShareRow:
    """A tenth of the raters of a Soft condition: what they are due of its weight, and what they get."""

    condition: Any
    decile: Any
    pairs: Any
    due: Any
    realised: Any


@of_view("updates")
@dataclass(frozen=True)
class UpdateOfLayer:
    """How far a condition moved a layer of the model, or all of it."""

    condition: Any
    layer: Any
    relative: Any


@of_view("recovery", RecoveryMeasured)
@dataclass(frozen=True)
class RecoveryRow:
    """How well a condition predicts a planted population."""

    condition: Any
    population_log_loss: Any
    margin_agreement: Any
    pairs: Any
