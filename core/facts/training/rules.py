"""Numbers of the rules by which training is computed, as its events record them, and what they demand."""

from __future__ import annotations

RATE_RULE = 1
"""Of `train.step`: a warm-up counts from the step itself (`learning_rate`)."""

REFERENCE_RULE = 1
"""Of `tokens.made` and `reference.computed`: a prompt is fitted to the longer response of its own pair."""

REFERENCE_TYPE = "application/vnd.dempo.reference+json"
REFERENCE_FORMAT = "dempo-reference-1"
REFERENCE_COLUMNS = ("sequence", "log_probability")

START_MARGIN = 1e-3
"""The largest margin of a pair in the first step that rounding in float32 explains."""

LAYOUTS_ALLOWED = 6
"""In bfloat16: how often the difference of two layouts of the same pairs."""


def start_tolerance(layouts: float | None) -> float:
    """The largest margin of a pair before the first update, where two layouts of the same pairs differ by `layouts`.

    None: not measured, because the numbers are float32.
    """
    return max(START_MARGIN, LAYOUTS_ALLOWED * (layouts or 0.0))


def training_unit(condition: str) -> str:
    """The unit of a condition's training; "tokens" and "reference" are others."""
    return f"condition:{condition}"


def update_unit(condition: str) -> str:
    """The unit in which is measured how far a condition's training moved the model."""
    return f"update:{condition}"
