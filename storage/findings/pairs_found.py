"""What is found of every pair of conditions, and of the places that they take in the resamples."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

from core.visible import one_line
from storage.findings.plain_numbers import plain_number
from storage.record.reader import Reader
from storage.record.rows import PairRow, PlaceRow, view_rows
from storage.summary.labels import method_words
from storage.summary.name_columns import padded, shortened, widest

_NAMED = 30
"""Characters of a condition's name; a matrix has at least a third of them."""

_CELL = 8
"""Characters of a number in a matrix."""

_NO_NUMBER = "–"

THE_REST = "intervals, majorities and margins: --view pairwise; all places: --view places"
"""Where commands print the numbers that a matrix of win rates and a column of first places leave out."""

_OF_PAIR = {
    "votes": "win_rate",
    "low": "low",
    "high": "high",
    "quest.": "majority_win_rate",
    "low ": "majority_low",
    "high ": "majority_high",
    "margin": "mean_margin",
}
"""Headings and columns of a line about a pair."""

_SPARED = ("majority_low", "majority_high")
"""Columns that a line about a pair does without where names are long."""

_OF_EVERY = (
    "votes: share of votes won, with its interval; quest.: share of questions won by majority, a tie half; margin: "
    "mean over questions of the votes won less those lost, as a share"
)

_READ = "share of votes for the row's answer over the column's; * : its interval leaves out one half"
_NEIGHBOURS = "neighbours in the order of their mean win rates; * : the interval leaves out one half"


@dataclass(frozen=True)
class PairsFound:
    """Rows of the views `pairwise` and `places`."""

    pairs: Sequence[PairRow] = ()
    places: Sequence[PlaceRow] = ()

    @classmethod
    def of_run(cls, reader: Reader) -> PairsFound:
        """Of a run, as of the event that it is read."""
        return cls(view_rows(reader, PairRow), view_rows(reader, PlaceRow))

    def data(self) -> dict[str, list[dict[str, Any]]]:
        """The rows under the names of their views."""
        found: dict[str, Sequence[Any]] = {"places": self.places, "pairwise": self.pairs}
        return {view: [dict(vars(row)) for row in rows] for view, rows in found.items()}

    def firsts(self) -> dict[tuple[Any, Any], Any]:
        """By method and condition, the share of the resamples in which it has the first place."""
        return {(row.method, row.condition): row.share for row in self.places if row.place == 1}

    def win_rates(self, width: int, beside: str = "") -> list[str]:
        """The win rates as a matrix, where it is wider than this those of neighbours; nothing of one condition.

        Args:
            beside: where the reader finds the rest.
        """
        rates, names = self._ordered()
        if len(names) < 2:
            return []
        room = width - len("  ") - len(str(len(names))) - len(" ") - _CELL * len(names)
        if room >= min(_NAMED // 3, widest(names)):
            lines, told = _matrix(names, rates, room), _READ + _blank(names, rates)
        else:
            lines, told = [_neighbours(one, other, rates, width) for one, other in pairwise(names)], _NEIGHBOURS
        return ["Win rates", *lines, *_filled("; ".join(filter(None, [told, beside])), width), ""]

    def every_pair(self, width: int) -> list[str]:
        """A line for each pair, the one with the better mean win rate first: its win rate on votes with the interval,
        that on majorities of questions (its interval too, where names are whole beside it), and the mean margin;
        nothing of one condition."""
        rates, names = self._ordered()
        if len(names) < 2:
            return []
        longest = widest([shortened(name, _NAMED) for name in names])
        columns = _OF_PAIR
        if _room(width, columns) < longest:
            columns = {words: column for words, column in _OF_PAIR.items() if column not in _SPARED}
        most = max(2, min(longest, _room(width, columns)))
        pairs = [((a, b), f"{shortened(a, most)} over {shortened(b, most)}") for a, b in combinations(names, 2)]
        wide = widest([words for _, words in pairs])
        lines = [f"  {'':<{wide}}" + "".join(f"{words:>{_CELL}}" for words in columns)]
        for pair, words in pairs:
            row = rates.get(pair)
            cells = (plain_number(getattr(row, column)) if row else _NO_NUMBER for column in columns.values())
            lines.append(f"  {padded(words, wide)}" + "".join(f"{cell:>{_CELL}}" for cell in cells))
        return ["Every pair", *lines, *_filled(_OF_EVERY, width), ""]

    def _ordered(self) -> tuple[dict[tuple[str, str], PairRow], list[str]]:
        """The rows by their pair, and the conditions in the order of their mean win rates."""
        rates = {(str(row.condition), str(row.other)): row for row in self.pairs}
        names = {one for pair in rates for one in pair}
        return rates, sorted(names, key=lambda name: (-_mean_rate(name, rates), name))

    def places_by(self, method: str, width: int) -> list[str]:
        """In which percentage of the resamples each condition has each place, the best mean place first; none where the
        lines are longer than this."""
        shares: dict[str, dict[int, float]] = {}
        for row in self.places:
            if row.method == method and isinstance(row.place, int):
                shares.setdefault(str(row.condition), {})[row.place] = _as_float(row.share)
        longest = widest([shortened(name, _NAMED) for name in shares])
        if not shares or 2 + longest + _CELL * len(shares) > width:
            return []
        every = range(1, 1 + len(shares))
        ordered = sorted(shares, key=lambda name: (sum(p * x for p, x in shares[name].items()), name))
        head = f"  {'':<{longest}}" + "".join(f"{place:>{_CELL}}" for place in every)
        lines = [
            f"  {padded(shortened(name, _NAMED), longest)}"
            + "".join(_percent(shares[name].get(place)) for place in every)
            for name in ordered
        ]
        return [f"Places in the resamples, % ({one_line(method_words(method), 40)})", head, *lines, ""]


def _room(width: int, columns: Mapping[str, str]) -> int:
    """Characters for each of two names in a line with these columns."""
    return (width - len("   over ") - _CELL * len(columns)) // 2


def _matrix(names: Sequence[str], rates: dict[tuple[str, str], PairRow], room: int) -> list[str]:
    """Rows and columns in the same order; the columns have the numbers of the rows."""
    longest = min(room, widest([shortened(name, _NAMED) for name in names]))
    digits = len(str(len(names)))
    lines = [" " * (2 + digits + 1 + longest) + "".join(f"{k:>{_CELL - 1}} " for k in range(1, 1 + len(names)))]
    for k, name in enumerate(names, 1):
        cells = [f"{_NO_NUMBER:>{_CELL - 1}} " if name == other else _rate(rates.get((name, other))) for other in names]
        lines.append(f"  {k:>{digits}} {padded(shortened(name, longest), longest)}{''.join(cells)}")
    return [line.rstrip() for line in lines]


def _blank(names: Sequence[str], rates: dict[tuple[str, str], PairRow]) -> str:
    """What an empty cell says, where there is one."""
    return "; empty: never compared" if len(rates) < len(names) * (len(names) - 1) else ""


def _neighbours(one: str, other: str, rates: dict[tuple[str, str], PairRow], width: int) -> str:
    row = rates.get((one, other))
    found = ": –" if row is None else f": {_rate(row).strip()}  {_interval(row)}"
    most = max(2, min(_NAMED, (width - len(f"   over {found}")) // 2))
    return f"  {shortened(one, most)} over {shortened(other, most)}{found}"


def _rate(row: PairRow | None) -> str:
    """A win rate with its mark."""
    if row is None:
        return " " * _CELL
    low, high = _as_float(row.low), _as_float(row.high)
    mark = "*" if low > 0.5 or high < 0.5 else " "
    return f"{_as_float(row.win_rate):>{_CELL - 1}.3f}{mark}"


def _interval(row: PairRow) -> str:
    low, high = _as_float(row.low), _as_float(row.high)
    return "no interval" if math.isnan(low) or math.isnan(high) else f"{low:.3f} to {high:.3f}"


def _mean_rate(name: str, rates: dict[tuple[str, str], PairRow]) -> float:
    found = [_as_float(row.win_rate) for (one, _), row in rates.items() if one == name]
    mean = sum(found) / len(found) if found else 0.0
    return mean if math.isfinite(mean) else 0.0


def _percent(share: float | None) -> str:
    return f"{_NO_NUMBER:>{_CELL}}" if share is None else f"{100 * share:>{_CELL}.1f}"


def _as_float(value: Any) -> float:
    """The number; not a number where a stranger wrote something else."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def _filled(words: str, width: int) -> list[str]:
    return textwrap.wrap(words, width, initial_indent="  ", subsequent_indent="  ")
