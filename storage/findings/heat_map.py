"""Clauses down, conditions across: the Borda score of each condition on each clause, in plain text."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any

from core.visible import one_line
from storage.findings.plain_numbers import as_number, plain_number
from storage.record.rows import ClauseLeaderRow, ClauseScoreRow

MOST_CLAUSES = 20
"""Lines; a paper's constitution has 75 clauses."""

_SHORT = 12
"""Characters of a condition's name that may head its column."""

_CLAUSE, _BESIDE = 8, 18
"""Cells for the number of the clause, and for the difficulty and τ."""


def heat_map(scores: Sequence[ClauseScoreRow], leaders: Sequence[ClauseLeaderRow], width: int, rest: str) -> list[str]:
    """The table, on lines of this width, with the best of each clause marked.

    Args:
        rest: where all of it is, after "the rest: ".
    """
    if not scores:
        return []
    cells = {(str(row.clause_id), str(row.condition)): row for row in scores}
    clauses = list(dict.fromkeys(str(row.clause_id) for row in scores))
    conditions = _best_first(scores)
    cell = 6 if len(conditions) <= 10 else 7  # scores go up to one less than there are conditions
    heads, legend = _heads(conditions, cell, width)
    told = {str(row.clause_id): row for row in leaders}
    wide = [max(len(head) + 1, cell) for head in heads]
    line = f"  {'clause':<{_CLAUSE}}" + "".join(f"{head + ' ':>{w}}" for head, w in zip(heads, wide, strict=True))
    lines = ["Clauses: Borda score of each condition", f"{line}{'difficulty':>11}{'τ':>7}"]
    for clause in clauses[:MOST_CLAUSES]:
        best = _best(cells, clause, conditions)
        line = f"  {one_line(clause, _CLAUSE - 1):<{_CLAUSE}}"
        for condition, w in zip(conditions[: len(heads)], wide, strict=True):
            row = cells.get((clause, condition))
            mark = "*" if condition in best else " "
            line += f"{plain_number(row.borda if row else None, 2) + mark:>{w}}"
        of = told.get(clause)
        line += f"{plain_number(of.difficulty, 2):>11}{plain_number(of.kendall_tau, 2):>7}" if of else ""
        lines.append(line.rstrip())
    lines += _filled(f"* : the best of the clause{legend}", width)
    left_out = _left_out(len(clauses), len(conditions), len(heads))
    return [*lines, *(_filled(f"{left_out}; the rest: {rest}", width) if left_out else []), ""]


def _best_first(scores: Sequence[ClauseScoreRow]) -> list[str]:
    """The conditions by their score over all clauses, the best first."""
    sums: dict[str, float] = {}
    for row in scores:
        sums.setdefault(str(row.condition), 0.0)
        sums[str(row.condition)] += (as_number(row.borda) or 0.0) * (as_number(row.rankings) or 0.0)
    return sorted(sums, key=lambda name: (-sums[name], name))


def _heads(conditions: Sequence[str], cell: int, width: int) -> tuple[list[str], str]:
    """What stands above the columns: names where all are short and fit, else letters with what they stand for."""
    room = width - 2 - _CLAUSE - _BESIDE
    names = [one_line(name, 200) for name in conditions]
    if all(len(name) <= _SHORT for name in names) and sum(max(len(name) + 1, cell) for name in names) <= room:
        return names, ""
    letters = list(ascii_uppercase) if len(names) <= len(ascii_uppercase) else [str(k + 1) for k in range(len(names))]
    shown = letters[: min(len(names), max(1, room // cell))]
    return shown, "; " + ", ".join(f"{letter} {one_line(name, 60)}" for letter, name in zip(shown, names, strict=False))


def _best(cells: Mapping[tuple[str, str], ClauseScoreRow], clause: str, conditions: Sequence[str]) -> set[str]:
    """Those of the highest score to nine decimals."""
    found: dict[str, Any] = {name: as_number(row.borda) for name in conditions if (row := cells.get((clause, name)))}
    known = {name: round(value, 9) for name, value in found.items() if value is not None}
    return {name for name, value in known.items() if value == max(known.values())}


def _left_out(clauses: int, conditions: int, shown: int) -> str:
    some = [f"{MOST_CLAUSES} of {clauses} clauses"] if clauses > MOST_CLAUSES else []
    return ", ".join([*some, *([f"{shown} of {conditions} conditions"] if shown < conditions else [])])


def _filled(words: str, width: int) -> list[str]:
    return textwrap.wrap(words, width, initial_indent="  ", subsequent_indent="  ")
