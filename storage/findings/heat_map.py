"""Clauses down, conditions across: the Borda score of each condition on each clause, and the same in plain text."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any

from rich.cells import cell_len

from core.visible import one_line
from storage.findings.plain_numbers import as_number, plain_number
from storage.record.rows import ClauseLeaderRow, ClauseScoreRow
from storage.summary.name_columns import indented, padded, shortened

MOST_CLAUSES = 20
"""Lines; a paper's constitution has 75 clauses."""

MARK = "* : the best of the clause"

_SHORT = 12
"""Characters of a condition's name that may head its column."""

_CLAUSE, _BESIDE = 8, 18
"""Cells for the number of the clause, and for the difficulty and τ."""


@dataclass(frozen=True)
class HeatMap:
    """The scores by clause and condition, and who leads.

    clauses stand in the order of the record, conditions by their score over all clauses, the best first.
    """

    clauses: tuple[str, ...]
    conditions: tuple[str, ...]
    cells: Mapping[tuple[str, str], ClauseScoreRow]
    leaders: Mapping[str, ClauseLeaderRow]

    @classmethod
    def of(cls, scores: Sequence[ClauseScoreRow], leaders: Sequence[ClauseLeaderRow]) -> HeatMap:
        """Of the rows of the views `clause_scores` and `clause_leaders`."""
        return cls(
            tuple(dict.fromkeys(str(row.clause_id) for row in scores)),
            tuple(_best_first(scores)),
            {(str(row.clause_id), str(row.condition)): row for row in scores},
            {str(row.clause_id): row for row in leaders},
        )

    def score(self, clause: str, condition: str) -> Any:
        """As it is recorded; None where there is none."""
        row = self.cells.get((clause, condition))
        return row.borda if row else None

    def best(self, clause: str) -> set[str]:
        """The conditions of the highest score on a clause, to nine decimals."""
        found = {name: as_number(self.score(clause, name)) for name in self.conditions}
        known = {name: round(value, 9) for name, value in found.items() if value is not None}
        return {name for name, value in known.items() if value == max(known.values())}

    def marked(self, clause: str, condition: str, best: set[str]) -> str:
        """A score with two decimals, and behind it the mark of the best or a blank."""
        return plain_number(self.score(clause, condition), 2) + ("*" if condition in best else " ")

    def letters(self) -> tuple[str, ...]:
        """What stands for the conditions where their names are too long."""
        if len(self.conditions) <= len(ascii_uppercase):
            return tuple(ascii_uppercase[: len(self.conditions)])
        return tuple(str(k + 1) for k in range(len(self.conditions)))

    def short_names(self, cell: int, room: int) -> tuple[str, ...]:
        """The names, where all are short and columns of at least `cell` cells fit the room with them; else nothing."""
        names = tuple(one_line(name, 200) for name in self.conditions)
        sizes = [cell_len(name) for name in names]
        fit = max(sizes, default=0) <= _SHORT and sum(max(size + 1, cell) for size in sizes) <= room
        return names if fit else ()


def heat_map(scores: Sequence[ClauseScoreRow], leaders: Sequence[ClauseLeaderRow], width: int, rest: str) -> list[str]:
    """The table, on lines of this width, with the best of each clause marked.

    Args:
        rest: where all of it is, after "the rest: ".
    """
    if not scores:
        return []
    found = HeatMap.of(scores, leaders)
    cell = 6 if len(found.conditions) <= 10 else 7  # scores go up to one less than there are conditions
    heads, legend = _heads(found, cell, width)
    wide = [max(cell_len(head) + 1, cell) for head in heads]
    line = f"  {'clause':<{_CLAUSE}}" + "".join(indented(f"{head} ", w) for head, w in zip(heads, wide, strict=True))
    lines = ["Clauses: Borda score of each condition", f"{line}{'difficulty':>11}{'τ':>7}"]
    for clause in found.clauses[:MOST_CLAUSES]:
        best = found.best(clause)
        line = f"  {padded(shortened(clause, _CLAUSE - 1), _CLAUSE)}"
        for condition, w in zip(found.conditions[: len(heads)], wide, strict=True):
            line += f"{found.marked(clause, condition, best):>{w}}"
        of = found.leaders.get(clause)
        line += f"{plain_number(of.difficulty, 2):>11}{plain_number(of.kendall_tau, 2):>7}" if of else ""
        lines.append(line.rstrip())
    lines += _filled(f"{MARK}{legend}", width)
    left_out = _left_out(len(found.clauses), len(found.conditions), len(heads))
    return [*lines, *(_filled(f"{left_out}; the rest: {rest}", width) if left_out else []), ""]


def _best_first(scores: Sequence[ClauseScoreRow]) -> list[str]:
    """The conditions by their score over all clauses, the best first."""
    sums: dict[str, float] = {}
    for row in scores:
        sums.setdefault(str(row.condition), 0.0)
        sums[str(row.condition)] += (as_number(row.borda) or 0.0) * (as_number(row.rankings) or 0.0)
    return sorted(sums, key=lambda name: (-sums[name], name))


def _heads(found: HeatMap, cell: int, width: int) -> tuple[Sequence[str], str]:
    """What stands above the columns: names where all are short and fit, else letters with what they stand for."""
    room = width - 2 - _CLAUSE - _BESIDE
    names = found.short_names(cell, room)
    if names:
        return names, ""
    shown = found.letters()[: min(len(found.conditions), max(1, room // cell))]
    told = (f"{letter} {one_line(name, 60)}" for letter, name in zip(shown, found.conditions, strict=False))
    return shown, "; " + ", ".join(told)


def _left_out(clauses: int, conditions: int, shown: int) -> str:
    some = [f"{MOST_CLAUSES} of {clauses} clauses"] if clauses > MOST_CLAUSES else []
    return ", ".join([*some, *([f"{shown} of {conditions} conditions"] if shown < conditions else [])])


def _filled(words: str, width: int) -> list[str]:
    return textwrap.wrap(words, width, initial_indent="  ", subsequent_indent="  ")
