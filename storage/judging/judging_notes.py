"""What has to be said of the judging beside leaderboards, from the views, for whoever shows them: too few rankings,
judges that rank by the shown place, answers that are equal, models of which adapters alone were trained."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from core.facts.judging.equal_answers import EqualAnswers, equal_answers, told_of_equal
from core.facts.ranking.shown_places import ShownPlaces, habits, shown_places
from storage.judging.coverage import CALLS, Coverage
from storage.record.reader import Reader
from storage.record.views.sql_parts import recorded

RANKED = f"""{recorded("judge.called")}
SELECT p->>'$.judge', p->'$.shown_order', p->'$.ranking' FROM m WHERE p->>'$.outcome' = 'ranked'"""
"""The views `judge_calls` and `rankings` in one: each call goes through once, with all its places."""

TEXTS = f"""{recorded("answer.given", "answer.read", "answer.received")},
texts AS MATERIALIZED (
  SELECT p->>'$.question_id' AS question, coalesce(p->>'$.answer.shown', p->>'$.answer.sha256') AS text FROM m
)
SELECT question, text, count(*) FROM texts WHERE EXISTS (SELECT 1 FROM blobs WHERE sha256 = text) GROUP BY 1, 2"""
"""Answers that are here, by their hashes: what is equal has one."""

TIES = "SELECT config->>'$.judge.ties' FROM run"

RANK = "SELECT config->>'$.train.lora.rank' FROM run"

Query = Callable[[str], Iterable[Iterable[Any]]]
"""The rows of a query, each as its values."""


@dataclass(frozen=True)
class JudgingNotes:
    """places are those of each judge by its label; skipped: none is asked where all answers are equal; lora_rank is
    that of the adapters where these were trained in place of all parameters."""

    coverage: Coverage
    places: dict[str, ShownPlaces]
    equal: EqualAnswers
    skipped: bool = False
    lora_rank: Any = None

    @classmethod
    def of(cls, query: Query) -> JudgingNotes:
        """Of whatever record a query reads."""
        return cls(
            Coverage(tuple(map(tuple, query(CALLS)))),
            _places(query(RANKED)),
            _equal(query(TEXTS)),
            [tuple(row) for row in query(TIES)] == [("skip",)],
            next((rank for (rank,) in query(RANK)), None),
        )

    @classmethod
    def of_run(cls, reader: Reader) -> JudgingNotes:
        """Of a run, as of the event that it is read."""
        return cls.of(lambda sql: [row.values() for row in reader.query(sql)])

    @property
    def first(self) -> list[str]:
        """What every leaderboard has to say before all else."""
        told = (self.coverage.sentence, *habits(self.places).values(), self._of_training)
        return [sentence for sentence in told if sentence]

    @property
    def _of_training(self) -> str:
        if self.lora_rank is None:
            return ""
        return (
            f"not full-parameter: adapters of rank {str(self.lora_rank)[:8]} (LoRA) were trained, and no other weight"
        )

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
            "lora_rank": self.lora_rank,
        }


def _places(calls: Iterable[Iterable[Any]]) -> dict[str, ShownPlaces]:
    counts: dict[str, Counter[tuple[int, int]]] = defaultdict(Counter)
    for judge, shown, ranking in calls:
        rank = _place_by_condition(ranking)
        pairs = [(at, rank[name]) for name, at in _place_by_condition(shown).items() if name in rank]
        counts[str(judge).rpartition("#")[0]].update(pairs)
    found = {label: shown_places(of_judge) for label, of_judge in sorted(counts.items())}
    return {label: places for label, places in found.items() if places is not None}


def _place_by_condition(shown: Any) -> dict[Any, int]:
    """Where each condition stands, from 0; of what a stranger wrote, nothing where it is no list of names."""
    try:
        return {condition: at for at, condition in enumerate(json.loads(shown))}
    except (TypeError, ValueError, RecursionError):
        return {}


def _equal(rows: Iterable[Iterable[Any]]) -> EqualAnswers:
    sizes: dict[str, list[int]] = defaultdict(list)
    for question, _, times in rows:
        sizes[str(question)].append(times)
    return equal_answers(sizes.values())
