"""What whoever starts a run should know of its estimators; nothing is wrong with them."""

from __future__ import annotations

from core.config import RunConfig
from core.facts.sources import trains


def estimator_notes(config: RunConfig) -> tuple[str, ...]:
    """A sentence where conditions normalise weights as the published trainer does."""
    names = [c.name for c in config.conditions if c.estimator == "published" and trains(c.source)]
    if not names or config.train is None:
        return ()
    size = config.train.micro_batch
    inside = f"each micro-batch of {size} pairs" if size > 1 else "micro-batches of one pair"
    lost = "so that much of their correction is lost" if size > 1 else "where every weight cancels"
    return (
        f"condition{'s' if len(names) > 1 else ''} {', '.join(map(repr, names))}: estimator 'published' is not "
        f"recommended; it normalises weights inside {inside} (train.micro_batch), {lost}: how much is printed before "
        "the training. step_normalised loses less of it, weighted_sampling none",
    )
