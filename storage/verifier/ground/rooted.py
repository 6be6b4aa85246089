"""Roots of trees over rows about people, worked out again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from core.facts.trees import root_of_rows
from storage.verifier.ground.finding import broken, same
from storage.verifier.ground.record import Found

KEY_OF_SALTS = re.compile("[0-9a-f]{64}")


def check_root(event: Found, rows: Iterable[Mapping[str, Any]], title: str) -> None:
    """The rows have the root that their event names, under the key that it holds."""
    key = event.values["leaf_key"]
    if not KEY_OF_SALTS.fullmatch(key):
        raise broken(f"{title}: the key of its tree is not 64 hex digits", event.seq)
    same(event.values["root"], root_of_rows(key, rows), f"{title}: the root of its tree", event.seq)
