"""Numbers of the rules by which training is computed, as its events record them.

An event that names no rule followed rule 1.
"""

from __future__ import annotations

RATE_RULE = 2
"""Of `train.step`. 1: a warm-up counts from 0, so that its first step learns nothing; 2: from the step itself."""

REFERENCE_RULE = 2
"""Of `reference.computed`. 1: a prompt is fitted to the longest response that follows it in any schedule, so that
pairs which are cut depend on the run's other conditions; 2: to the longer response of its own pair."""

REFERENCE_TYPE = "application/vnd.dempo.reference+json"
REFERENCE_LAYOUTS = {
    1: ("dempo-reference-1", ("context", "response", "log_probability")),
    2: ("dempo-reference-2", ("sequence", "log_probability")),
}
"""Format and columns of the file of the reference, by the rule of its event."""

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
    """The unit of a condition's training; "reference" is another one."""
    return f"condition:{condition}"
