"""What is found about the order of the conditions, for whoever shows it: how many analyses agree, how far pairs are
apart, and the fewest questions that turn two neighbours round."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.events import RobustnessComputed
from core.facts.plural import number_of
from core.visible import one_line
from storage.record.reader import Reader
from storage.record.rows import AnalysisRow, FlipRow, PairStandsRow, view_rows
from storage.summary.labels import method_words
from storage.summary.name_columns import padded, shortened, widest

VIEWS_OF_ROBUSTNESS = ("robustness", "pair_robustness", "flips")

_NAMED = 24
"""Characters of a condition's name in a sentence."""

_TOLD = 5
"""Pairs that are named in a sentence."""

_MEASURES = {"borda": "by Borda", "votes": "by their votes"}

_CELL = 16
"""Characters of a number of questions with its share."""


@dataclass(frozen=True)
class RobustnessFound:
    """Rows of the views `robustness`, `pair_robustness` and `flips`; empty where nothing is recorded."""

    analyses: Sequence[AnalysisRow] = ()
    pairs: Sequence[PairStandsRow] = ()
    flips: Sequence[FlipRow] = ()

    @classmethod
    def of_run(cls, reader: Reader) -> RobustnessFound:
        """Of a run, as of the event that it is read."""
        return cls(view_rows(reader, AnalysisRow), view_rows(reader, PairStandsRow), view_rows(reader, FlipRow))

    @classmethod
    def of_event(cls, event: RobustnessComputed) -> RobustnessFound:
        """Of what was computed without a run."""
        return cls(
            [
                AnalysisRow(
                    analysis=one.analysis,
                    left_out=one.left_out,
                    method=one.method,
                    winner=" = ".join(one.order[0]),
                    same_winner=int(one.order[0] == event.order[0]),
                    same_order=int(one.order == event.order),
                    ranked=json.dumps(one.order, ensure_ascii=False, separators=(",", ":")),
                    primary_method=event.method,
                    primary_ranked=json.dumps(event.order, ensure_ascii=False, separators=(",", ":")),
                )
                for one in event.analyses
            ],
            [
                PairStandsRow(**pair.model_dump(), analyses=len(event.analyses), confidence=event.confidence)
                for pair in event.pairs
            ],
            [
                FlipRow(**flip.model_dump() | {"removed": json.dumps(flip.removed, ensure_ascii=False)})
                for flip in event.flips
            ],
        )

    def data(self) -> dict[str, list[dict[str, Any]]]:
        """The rows under the names of their views."""
        listed = (self.analyses, self.pairs, self.flips)
        return {view: [dict(vars(row)) for row in rows] for view, rows in zip(VIEWS_OF_ROBUSTNESS, listed, strict=True)}

    @property
    def sentence(self) -> str:
        """How many analyses agree; "" where there is none, or one condition alone."""
        if not self.analyses or not self.pairs:
            return ""
        first, every = self.analyses[0], len(self.analyses)
        best = " = ".join(shortened(name, _NAMED) for name in _conditions(first.primary_ranked)[:1])
        winner = sum(bool(row.same_winner) for row in self.analyses)
        order = sum(bool(row.same_order) for row in self.analyses)
        if order == every:
            return f"all {every} analyses put {best} first and give the same whole order"
        least = min(self.pairs, key=lambda row: row.agree if isinstance(row.agree, int) else 0)
        return (
            f"{winner} of {every} analyses put {best} first; {order} give the same whole order; the pair "
            f"{_pair(least)} is the least stable ({one_line(str(least.agree), 10)} of {every})"
        )

    @property
    def notes(self) -> list[str]:
        """Which analyses these are, and which pairs are separated under which resampling."""
        if not self.sentence:
            return []
        kinds = [row.analysis for row in self.analyses]
        left = [
            f"without each of {number_of(kinds.count(kind), kind)}" for kind in ("clause", "judge") if kind in kinds
        ]
        others = kinds.count("method")
        told = [
            *left,
            *(["by the majorities of questions"] if "majority" in kinds else []),
            *([f"by {number_of(others, 'other method')}"] if others else []),
        ]
        method = one_line(method_words(self.analyses[0].primary_method), 40)
        return [f"compared with the order by {method}: {', '.join(told)}", self._separated()]

    def _separated(self) -> str:
        """What changes where single rankings are resampled and not questions."""
        both = [row for row in self.pairs if row.separated_questions and row.separated_rankings]
        questions = [row for row in self.pairs if row.separated_questions and not row.separated_rankings]
        rankings = [row for row in self.pairs if row.separated_rankings and not row.separated_questions]
        told = f"{len(both)} of {number_of(len(self.pairs), 'pair')} separated in Borda whether questions or "
        told = f"{told}rankings are resampled"
        only = [
            f"; {', '.join(map(_pair, rows[:_TOLD]))}{' and more' if len(rows) > _TOLD else ''} only by {what}"
            for rows, what in ((questions, "questions"), (rankings, "rankings"))
            if rows
        ]
        return told + "".join(only)

    def lines(self, width: int = 80) -> list[str]:
        """All of it in words, on lines of this width; none where nothing is recorded."""
        if not self.sentence:
            return []
        told = [line for sentence in (self.sentence, *self.notes) for line in _indented(sentence, width)]
        return ["Robustness of the order", *told, "", *self._flips(width)]

    def _flips(self, width: int) -> list[str]:
        """A line for each pair of neighbours: how many questions turn it round by each measure, and their share."""
        by_pair: dict[tuple[Any, Any], dict[str, FlipRow]] = {}
        for row in self.flips:
            by_pair.setdefault((row.condition, row.other), {})[str(row.measure)] = row
        if not by_pair:
            return []
        most = max(8, (width - len("   over ") - len(_MEASURES) * _CELL) // 2)
        named = [_pair(next(iter(rows.values())), most) for rows in by_pair.values()]
        longest = widest(named)
        head = "".join(f"{words:>{_CELL}}" for words in _MEASURES.values())
        found = ["Fewest questions whose removal turns two neighbours round", f"  {'':<{longest}}{head}"]
        for pair, rows in zip(named, by_pair.values(), strict=True):
            cells = (_turned(rows.get(measure)) for measure in _MEASURES)
            found.append(f"  {padded(pair, longest)}" + "".join(f"{cell:>{_CELL}}" for cell in cells))
        told = (
            ["0: by this measure the other is ahead already"] if any(row.questions == 0 for row in self.flips) else []
        )
        if any(row.questions is None for row in self.flips):
            told.append("none: whatever is removed, the other is never ahead")
        return [*found, *(_indented("; ".join(told), width) if told else ()), ""]


def _turned(row: FlipRow | None) -> str:
    """So many questions, and their share."""
    if row is None or row.questions is None:
        return "none"
    share = f"{row.share:.1%}" if isinstance(row.share, int | float) else "?"
    return f"{one_line(str(row.questions), 10)} ({share:>5})"


def _pair(row: PairStandsRow | FlipRow, most: int = _NAMED) -> str:
    return f"{shortened(row.condition, most)} over {shortened(row.other, most)}"


def _conditions(ranked: Any) -> list[str]:
    """The groups of an order as texts; of what a stranger wrote, nothing where it is no list of lists."""
    try:
        return [" = ".join(map(str, group)) for group in json.loads(ranked)]
    except (TypeError, ValueError, RecursionError):
        return ["?"]


def _indented(words: str, width: int) -> list[str]:
    return textwrap.wrap(words, width, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
