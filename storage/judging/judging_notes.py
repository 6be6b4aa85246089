"""What has to be said of the judging beside leaderboards, from the views, for whoever shows them: too few rankings,
judges that rank by the shown place, answers that are equal."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from core.facts.judging.equal_answers import EqualAnswers, equal_answers, told_of_equal
from core.facts.ranking.shown_places import ShownPlaces, habits, shown_places
from storage.judging.coverage import CALLS, Coverage
from storage.record.reader import Reader

PLACES = """WITH shown AS MATERIALIZED (
  SELECT c.question_id, c.judge, s.value AS condition, s.key AS place
  FROM judge_calls c, json_each(c.shown_order) s WHERE c.outcome = 'ranked'
)
SELECT rankings.judge, shown.place, rankings.position - 1, count(*)
FROM rankings JOIN shown USING (question_id, judge, condition) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""

TEXTS = "SELECT question_id, answer, count(*) FROM answers WHERE answer IS NOT NULL GROUP BY 1, 2"

TIES = "SELECT config->>'$.judge.ties' FROM run"

Query = Callable[[str], Iterable[Iterable[Any]]]
"""The rows of a query, each as its values."""


@dataclass(frozen=True)
class JudgingNotes:
    """places are those of each judge by its label; skipped: none is asked where all answers are equal."""

    coverage: Coverage
    places: dict[str, ShownPlaces]
    equal: EqualAnswers
    skipped: bool = False

    @classmethod
    def of(cls, query: Query) -> JudgingNotes:
        """Of whatever record a query reads."""
        return cls(
            Coverage(tuple(map(tuple, query(CALLS)))),
            _places(query(PLACES)),
            _equal(query(TEXTS)),
            [tuple(row) for row in query(TIES)] == [("skip",)],
        )

    @classmethod
    def of_run(cls, reader: Reader) -> JudgingNotes:
        """Of a run, as of the event that it is read."""
        return cls.of(lambda sql: [row.values() for row in reader.query(sql)])

    @property
    def first(self) -> list[str]:
        """What every leaderboard has to say before all else."""
        return [sentence for sentence in (self.coverage.sentence, *habits(self.places).values()) if sentence]

    @property
    def of_answers(self) -> str:
        """What is said once of equal answers; "" where there are none."""
        return told_of_equal(self.equal, self.skipped)

    def row(self) -> dict[str, Any]:
        """The same as data."""
        told = habits(self.places)
        return {
            "coverage": self.coverage.row(),
            "shown_places": [
                {"judge": label, **found._asdict(), "alert": told.get(label)} for label, found in self.places.items()
            ],
            "equal_answers": self.equal._asdict(),
        }


def _places(rows: Iterable[Iterable[Any]]) -> dict[str, ShownPlaces]:
    counts: dict[str, Counter[tuple[int, int]]] = defaultdict(Counter)
    for judge, place, rank, times in rows:
        counts[str(judge).rpartition("#")[0]][place, rank] += times
    found = {label: shown_places(of_judge) for label, of_judge in counts.items()}
    return {label: places for label, places in found.items() if places is not None}


def _equal(rows: Iterable[Iterable[Any]]) -> EqualAnswers:
    sizes: dict[str, list[int]] = defaultdict(list)
    for question, _, times in rows:
        sizes[str(question)].append(times)
    return equal_answers(sizes.values())
