"""Roots of trees over rows about people, worked out again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from core.facts.trees import root_of_rows
from storage.verifier.ground.finding import same
from storage.verifier.ground.record import Found


def check_root(event: Found, rows: Iterable[Mapping[str, Any]], title: str) -> None:
    """The rows have the root that their event names, under the key that it holds."""
    key = event.values["leaf_key"]
    same(event.values["root"], root_of_rows(key, rows), f"{title}: the root of its tree", event.seq)
