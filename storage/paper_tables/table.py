"""A table as a paper prints it: columns with one precision each, rows of values, and what is said below it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Estimate:
    """A number of the data, the mean of the same over the bootstrap resamples, and the ends of its interval."""

    point: float
    mean: float | None = None
    low: float | None = None
    high: float | None = None

    def times(self, factor: float, shift: float = 0.0) -> Estimate:
        """The same of factor · value + shift, with a positive factor."""
        every = (self.point, self.mean, self.low, self.high)
        return Estimate(*(None if value is None else factor * value + shift for value in every))  # type: ignore[arg-type]


Value = str | int | float | Estimate | None
"""None is a number that the run does not have."""


@dataclass(frozen=True)
class Column:
    """A heading, the decimals of its numbers, and the factor by which they are printed."""

    heading: str
    digits: int = 3
    factor: float = 1.0


@dataclass(frozen=True)
class PaperTable:
    """A table of one run.

    key names it on the command line; printed says which of the paper's tables are laid out so. Where the run has none
    of its numbers there are no rows, and `lacking` says what they would take.
    """

    key: str
    printed: str
    caption: str
    columns: Sequence[Column] = ()
    rows: Sequence[Sequence[Value]] = ()
    remarks: Sequence[str] = ()
    lacking: str = ""


def number(value: Any) -> float | None:
    """A number of a record, "nan" and the infinities included; None for whatever else a stranger wrote there."""
    try:
        return None if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None


def estimate(row: Mapping[str, Any]) -> Estimate | None:
    """The score of a row of the view `leaderboards`."""
    point = number(row["score"])
    return None if point is None else Estimate(point, *(number(row[name]) for name in ("mean", "low", "high")))


def by(rows: Iterable[Mapping[str, Any]], key: str) -> dict[str, list[Mapping[str, Any]]]:
    """Rows by the text of a column, in their order."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(str(row[key]), []).append(row)
    return found
