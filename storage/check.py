"""What one check of a record says."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

Verdict = Literal["ok", "failed", "unchecked", "unknown", "withheld"]

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
"""In the order in which they are counted for people."""


@dataclass(frozen=True)
class Check:
    """One check: `event` is the number of the first event that breaks it.

    unchecked: it could not be checked, because it is newer than this verifier,
    or could not be read. unknown: what is there agrees, but something that the verdict needs is not there. withheld:
    the same, and the bundle says that it was left out on purpose.
    """

    name: str
    verdict: Verdict
    detail: str
    event: int | None = None

    def row(self) -> dict[str, Any]:
        """The check as a JSON row."""
        return asdict(self)
