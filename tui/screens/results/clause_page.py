"""The heat map: clauses down, conditions across, the Borda score of each in figures, with a mark at the best."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from rich.text import Text

from core.visible import clipped, one_line
from storage.findings.asked_texts import AskedText, clause_texts
from storage.findings.heat_map import MARK, HeatMap
from storage.findings.plain_numbers import as_number, plain_count, plain_number
from storage.record.reader import Reader
from storage.record.rows import ClauseLeaderRow, ClauseScoreRow, view_rows
from storage.summary.name_columns import padded, shortened, widest
from storage.withheld import copy_without
from tui.screens.results.page import RowsShown, TablePage, filled
from tui.widgets.figures import left, right
from tui.widgets.lists.whole_list import Row

SHOWN = 2_000
"""Characters of a clause that are shown."""

_SHADES = (
    "#ffffff on #440154",
    "#ffffff on #3b528b",
    "#ffffff on #1f7a76",
    "#000000 on #5ec962",
    "#000000 on #fde725",
)

"""From the lowest fifth of what a score can be to the highest, after viridis: brightness alone gives the order."""

_PADDING = 2
"""Cells that a table adds to each column."""

_OTHERS = 8 + _PADDING + 10 + _PADDING + 5 + _PADDING + 1
"""Cells of the clause, its difficulty, τ, and the scrollbar."""

_NOTE = "Borda score of each condition on each clause, 0 to {most}; {mark}"

_OF_DIFFICULTY = "difficulty: 0 where one condition is always first, 1 where all are equally often"

_BAR = 24
"""Cells of a bar at most."""


@dataclass(frozen=True)
class ClausePage(TablePage):
    """The scores, the texts of the clauses, and what stands in place of a text that is not here."""

    kinds: ClassVar[tuple[str, ...]] = ("clauses.scored",)

    found: HeatMap
    texts: Mapping[str, AskedText] = field(default_factory=dict)
    absent: str = ""

    view = "clause_scores"

    @classmethod
    def read(cls, reader: Reader) -> ClausePage:
        found = HeatMap.of(view_rows(reader, ClauseScoreRow), view_rows(reader, ClauseLeaderRow))
        return cls(found, clause_texts(reader, SHOWN), f"({copy_without(reader.folder.root, 'the text')})")

    def listed(self, width: int, room: int) -> RowsShown:
        cell = len("9.99*") if self._most < 10 else len("99.99*")
        names = self.found.short_names(cell + _PADDING, room - _OTHERS)
        heads = names or self.found.letters()
        wide = [max(cell, len(head) + 1) for head in heads]
        above = (f"{head + ' ':>{w}}" for head, w in zip(heads, wide, strict=True))
        told = [_NOTE.format(most=self._most, mark=MARK.replace(" : ", ": "))]
        if not names:
            told += [", ".join(f"{h} {one_line(c, 60)}" for h, c in zip(heads, self.found.conditions, strict=True))]
        headings = ["clause", *above, ">difficulty", ">τ"]
        rows = [self._row(clause, wide) for clause in self.found.clauses]
        return RowsShown(filled(told, width, most=3), headings, rows)

    @property
    def _most(self) -> int:
        """The score of a condition that is always first."""
        return len(self.found.conditions) - 1

    def _row(self, clause: str, wide: Sequence[int]) -> Row:
        best, leader = self.found.best(clause), self.found.leaders.get(clause)
        scores = [self._cell(clause, name, best, w) for name, w in zip(self.found.conditions, wide, strict=True)]
        beside = (leader.difficulty, leader.kendall_tau) if leader else (None, None)
        return clause, [left(clause, 8), *scores, *(right(plain_number(value, 2)) for value in beside)]

    def _cell(self, clause: str, condition: str, best: set[str], width: int) -> Text:
        """Padded here and not aligned: aligning takes the blank in the place of the mark off."""
        cell = Text(f"{self.found.marked(clause, condition, best):>{width}}", no_wrap=True)
        share = self._share(clause, condition)
        if share is not None:
            cell.stylize(_SHADES[min(int(share * len(_SHADES)), len(_SHADES) - 1)])
        return cell

    def _share(self, clause: str, condition: str) -> float | None:
        """A score as a share of the greatest that there can be; None where it is none, or lies elsewhere."""
        score = as_number(self.found.score(clause, condition))
        return score / self._most if score is not None and self._most and 0 <= score <= self._most else None

    def told(self, key: Hashable, width: int) -> Text:
        """The clause in its words, who leads, and the conditions by their score, the best first."""
        clause, text = str(key), Text(overflow="fold")
        text.append(f"Clause {one_line(clause, 40)}\n", style="bold")
        known = self.texts.get(clause)
        text.append(
            f"{self.absent if known is None or known.text is None else clipped(str(known.text), known.length, SHOWN)}\n"
        )
        leader = self.found.leaders.get(clause)
        if leader is not None:
            text.append(_facts(leader, self._rankings(clause)), style="muted")
        ranked = sorted(self.found.conditions, key=lambda name: -(as_number(self.found.score(clause, name)) or 0.0))
        rows = [(name, self.found.cells.get((clause, name)), self._share(clause, name)) for name in ranked]
        _bars(text, rows, width)
        return text.append(_OF_DIFFICULTY, style="muted")

    def _rankings(self, clause: str) -> Any:
        return next((row.rankings for (own, _), row in self.found.cells.items() if own == clause), None)


def _facts(leader: ClauseLeaderRow, rankings: Any) -> str:
    """Who leads, and what is said of the judges."""
    return (
        f"leader {one_line(str(leader.leader), 80)} · {plain_count(rankings)} rankings · difficulty "
        f"{plain_number(leader.difficulty, 2)} · Kendall τ {plain_number(leader.kendall_tau, 2)}\n"
    )


def _bars(text: Text, rows: Sequence[tuple[str, ClauseScoreRow | None, float | None]], width: int) -> None:
    """A line for each condition: its score, how often it was first, and where there is room its score as a length."""
    longest = widest([shortened(name, 24) for name, _, _ in rows])
    room = max(0, min(_BAR, width - longest - len("  score  firsts  ")))
    text.append(f"{'':<{longest}}{'score':>7}{'firsts':>8}\n", style="muted")
    for name, row, share in rows:
        score, firsts = (plain_number(row.borda, 2), plain_count(row.firsts)) if row else ("", "")
        text.append(f"{padded(shortened(name, 24), longest)}{score:>7}{firsts:>8}  ")
        text.append("━" * round((share or 0.0) * room) + "\n", style="accent")
