"""What is found about a jury, for whoever shows it: boards by each judge and without each, agreement, and people."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.visible import one_line
from storage.findings.plain_numbers import UNDEFINED, plain_number
from storage.record.reader import Reader
from storage.record.rows import JuryBoardRow, MeasureRow, PeopleRow, view_rows
from storage.summary.labels import MEASURES, method_words
from storage.summary.name_columns import padded, shortened, widest

WEIGHTS = """SELECT j.value->>'$.label' AS judge, j.value->>'$.weight' AS weight
  FROM run, json_each(run.config, '$.judge.judges') j WHERE j.value->>'$.weight' IS NOT NULL"""

_NAMED = 20
"""Characters of a judge's name."""

_ALL = "all judges"


@dataclass(frozen=True)
class JuryFound:
    """Rows of the views `jury_leaderboards`, `judge_agreement` and `gold_agreement`, and the weights that judges were
    given, by label."""

    boards: Sequence[JuryBoardRow] = ()
    agreement: Sequence[MeasureRow] = ()
    people: Sequence[PeopleRow] = ()
    weights: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_run(cls, reader: Reader) -> JuryFound:
        """Of a run, as of the event that it is read."""
        return cls(
            view_rows(reader, JuryBoardRow),
            view_rows(reader, MeasureRow),
            view_rows(reader, PeopleRow),
            {str(row["judge"]): row["weight"] for row in reader.query(WEIGHTS)},
        )

    def data(self) -> dict[str, list[dict[str, Any]]]:
        """The rows under the names of their views."""
        views = ("jury_leaderboards", "judge_agreement", "gold_agreement")
        return {
            view: [dict(vars(row)) for row in rows]
            for view, rows in zip(views, (self.boards, self.agreement, self.people), strict=True)
        }

    def lines(self, pooled: Iterable[tuple[Any, Any, Any]], width: int = 80) -> list[str]:
        """All of it in words, on lines of this width; none where nothing is recorded.

        Args:
            pooled: method, position and condition of every row of the leaderboards of all judges.
        """
        return [*self._boards(list(pooled), width), *self._agreement(width), *self._people(width)]

    def _boards(self, pooled: Sequence[tuple[Any, Any, Any]], width: int) -> list[str]:
        """A line for each board: who, a mark where another condition is first, and the order."""
        if not self.boards:
            return []
        found = ["Leaderboards by judge"]
        if self.weights:
            given = [f"{one_line(judge, _NAMED)} × {one_line(str(n), 10)}" for judge, n in self.weights.items()]
            found += _filled(f"each ranking counts so many times: {', '.join(given)}", width)
        for method in dict.fromkeys(row.method for row in self.boards):
            found += [one_line(method_words(method), 40), *self._of_method(method, pooled, width)]
        changes = any(row.changes_winner for row in self.boards)
        told = "! : another condition is first than by all judges" if changes else "the same is first on all of them"
        return [*found, *_filled(told, width), ""]

    def _of_method(self, method: Any, pooled: Sequence[tuple[Any, Any, Any]], width: int) -> list[str]:
        orders = {(_ALL, False): [(place, name) for board, place, name in pooled if board == method]}
        for row in self.boards:
            if row.method == method:
                orders.setdefault((_who(row), bool(row.changes_winner)), []).append((row.position, row.condition))
        longest = widest([who for who, _ in orders])
        lines: list[str] = []
        for (who, changes), places in orders.items():
            head = f"  {padded(who, longest)} {'!' if changes else ' '} "
            lines += textwrap.wrap(_order(places), width, initial_indent=head, subsequent_indent=" " * (longest + 5))
        return lines

    def _agreement(self, width: int) -> list[str]:
        if not self.agreement:
            return []
        named = [(_measure(row.name), row) for row in self.agreement]
        longest = min(max(len(words) for words, _ in named), width - 26)
        found = ["Agreement of the judges", f"  {'':<{longest}}{'value':>8}{'low':>8}{'high':>8}"]
        for words, row in named:
            numbers = "".join(f"{plain_number(value):>8}" for value in (row.value, row.low, row.high))
            found.append(f"  {words[:longest]:<{longest}}{numbers}".rstrip())
        undefined = any(plain_number(row.value) == UNDEFINED for _, row in named)
        told = f"{UNDEFINED} : not defined, where no question has two rankings to compare or nothing in them differs"
        return [*found, *(_filled(told, width) if undefined else ()), ""]

    def _people(self, width: int) -> list[str]:
        """Each judge's agreement with people, beside what orders at random reach."""
        if not self.people:
            return []
        longest = widest([shortened(row.judge, _NAMED) for row in self.people])
        head = f"  {'':<{longest}}  {'':<26}{'value':>7}{'low':>7}{'high':>7}{'random':>8}"
        found = ["Agreement with people", head]
        for row in self.people:
            judge, words = (
                shortened(row.judge, _NAMED),
                MEASURES.get(str(row.measure), one_line(str(row.measure), 26)),
            )
            numbers = "".join(f"{plain_number(value):>7}" for value in (row.value, row.low, row.high))
            found.append(f"  {padded(judge, longest)}  {words:<26}{numbers}{plain_number(row.chance):>8}")
        asked = max((row.questions for row in self.people if isinstance(row.questions, int)), default=0)
        return [*found, *_filled(f"on {asked} questions that people ranked", width), ""]


def _who(row: JuryBoardRow) -> str:
    judge = one_line(str(row.judge), _NAMED)
    return f"without {judge}" if row.without else f"{judge} alone"


def _order(places: Sequence[tuple[Any, Any]]) -> str:
    """The conditions, best first; = between those that share a position."""
    text = ""
    for k, (place, condition) in enumerate(places):
        between = " = " if place == places[k - 1][0] else " > "
        text += f"{between if k else ''}{one_line(str(condition), 40)}"
    return text


def _measure(name: Any) -> str:
    """A measure in words: "kendall_tau:within:label" is "Kendall τ within label"."""
    key, _, of = str(name).partition(":")
    words = MEASURES.get(key, one_line(key, 40))
    kind, _, label = of.partition(":")
    if not of:
        return f"{words}, all calls"
    return f"{words} {'between judges' if kind == 'between' else f'within {one_line(label, _NAMED)}'}"


def _filled(words: str, width: int) -> list[str]:
    return textwrap.wrap(words, width, initial_indent="  ", subsequent_indent="  ")
