"""Where a condition's answers come from: a model that is trained here, one that is not, an endpoint, or answers that
exist already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UNTRAINED = ("none", "model", "endpoint", "answers")
"""Kinds of sources that train nothing."""

WITHOUT_BASE = ("model", "endpoint", "answers")
"""Those whose conditions do not begin with the run's base model."""


def source_kind(source: Any) -> str:
    """The kind of a source: what stands before its colon, or all of it."""
    return str(source).partition(":")[0]


def trains(source: Any) -> bool:
    """Whether a condition with this source has weights and a schedule."""
    return source_kind(source) not in UNTRAINED


def has_base(source: Any) -> bool:
    """Whether a condition with this source is the run's base model, or begins with it."""
    return source_kind(source) not in WITHOUT_BASE


def needs_base(config: Mapping[str, Any]) -> bool:
    """Whether some condition of a resolved configuration has the base model."""
    return any(has_base(condition.get("source")) for condition in config.get("conditions") or ())
