"""Who is ahead on a leaderboard, and whether the intervals of the first three overlap, in sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from core.facts.plural import number_of
from core.facts.ranking.methods import primary_method
from storage.record.rows import BoardRow
from storage.summary.decimals import as_number, decimals_of, shown
from storage.summary.labels import better, method_words

_COMPARED = 3
"""Conditions at the head of a board whose intervals are compared."""

_NAMED = 4
"""Methods that are named where they differ."""

Boards = Mapping[str, Sequence[BoardRow]]


@dataclass(frozen=True)
class Standing:
    """The head of the board of one method, which may be the one that the run's plan names."""

    method: str
    rows: tuple[BoardRow, ...]
    """Best first."""
    planned: bool = False

    @classmethod
    def of(cls, method: str, rows: Sequence[BoardRow], planned: bool = False) -> Standing:
        """Of the rows of a board, whatever a stranger wrote there."""
        return cls(method, tuple(sorted(rows, key=_place)), planned)

    @property
    def first(self) -> list[str]:
        """The conditions on the first place."""
        return [str(row.condition) for row in self.rows if _place(row) == _place(self.rows[0])]

    @property
    def not_told_apart(self) -> list[str]:
        """Those behind the first place whose interval overlaps that of the first."""
        behind = [row for row in self.rows if _place(row) != _place(self.rows[0])]
        return [str(row.condition) for row in behind if overlap(self.rows[0], row)]

    def sentences(self) -> list[str]:
        """Who is ahead, by how much, and which intervals of the first three overlap."""
        if len(self.rows) < 2:
            return [f"{_listed(self.first)} is alone on the board."] if self.rows else []
        return [self._ahead(), *self._overlaps()]

    def _ahead(self) -> str:
        by = f"by {method_words(self.method)}{', the planned method,' if self.planned else ''}"
        if len(self.first) > 1:
            return f"{_listed(self.first)} share the first place {by.rstrip(',')}."
        row, second = self.rows[0], self.rows[1]
        decimals = decimals_of(number for row in self.rows for number in (row.score, row.low, row.high))
        level = confidence_of({self.method: self.rows})
        of = f"{better(self.method)}; in brackets {level} intervals" if level else better(self.method)
        return (
            f"{row.condition} is ahead {by} with {_score(row, decimals)}; next is {second.condition} with "
            f"{_score(second, decimals)} ({of})."
        )

    def _overlaps(self) -> list[str]:
        some = self.rows[:_COMPARED]
        pairs = [(one, other, overlap(one, other)) for one, other in combinations(some, 2)]
        if any(found is None for _, _, found in pairs):
            return ["Not all of the first have an interval, so whether they overlap is open."]
        yes = [f"{one.condition} and {other.condition}" for one, other, found in pairs if found]
        no = [f"{one.condition} and {other.condition}" for one, other, found in pairs if not found]
        of = f"the first {number_in_words(len(some))}"
        if not no:
            return [f"The intervals of {of} all overlap."]
        if not yes:
            return [f"No intervals of {of} overlap."]
        return [f"Of {of}, the intervals of {'; '.join(yes)} overlap; those of {'; '.join(no)} do not."]


def who_is_ahead(boards: Boards, planned: str | None) -> str:
    """By the method of `primary_standing`, and whether the others agree; "" where nothing is ranked."""
    standing = primary_standing(boards, planned)
    return "" if standing is None else " ".join(filter(None, [*standing.sentences(), agreed(boards, standing.first)]))


def primary_standing(boards: Boards, planned: str | None) -> Standing | None:
    """The head of the board of the primary method; None where nothing is ranked.

    Args:
        planned: the primary method of the run's plan, None without a plan: then the first one speaks.
    """
    if not boards:
        return None
    method = primary_method(list(boards), planned)
    return Standing.of(method, boards[method], method == planned)


def agreed(boards: Boards, first: Sequence[str]) -> str:
    """By how many of the methods the same conditions are first; "" where there is one method alone."""
    others = [method for method, rows in boards.items() if Standing.of(method, rows).first != list(first)]
    if len(boards) < 2:
        return ""
    if not others:
        return f"All {number_of(len(boards), 'method')} agree on the first place."
    told = [f"{method_words(of)} ({', '.join(Standing.of(of, boards[of]).first)})" for of in others]
    named = "; ".join([*told[:_NAMED], *([f"{len(told) - _NAMED} more"] if len(told) > _NAMED else [])])
    return f"{len(boards) - len(others)} of {len(boards)} methods agree on the first place; others: {named}."


def overlap(one: BoardRow, other: BoardRow) -> bool | None:
    """Whether two intervals have a number in common; None where one of them is none."""
    ends = [as_number(value) for value in (one.low, one.high, other.low, other.high)]
    numbers = [end for end in ends if end is not None and not math.isnan(end)]
    if len(numbers) < len(ends):
        return None
    low, high, other_low, other_high = numbers
    return low <= other_high and other_low <= high


def confidence_of(boards: Boards) -> str:
    """The level of the intervals, as "95 %"; "" where it is not recorded."""
    found = next((as_number(rows[0].confidence) for rows in boards.values() if rows), None)
    return f"{100 * found:.4g} %" if found is not None and math.isfinite(found) else ""


def number_in_words(number: int) -> str:
    """Two and three as words."""
    return {2: "two", 3: "three"}.get(number, str(number))


def _score(row: BoardRow, decimals: int) -> str:
    numbers = [as_number(value) for value in (row.score, row.low, row.high)]
    score, low, high = ("no number" if number is None else shown(number, decimals) for number in numbers)
    return f"{score} [{low} to {high}]"


def _place(row: BoardRow) -> float:
    found = as_number(row.position)
    return math.inf if found is None or math.isnan(found) else found


def _listed(names: Sequence[str]) -> str:
    """Names with "and" before the last."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
