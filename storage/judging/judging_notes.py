"""What has to be said of the judging beside leaderboards, from the views, for whoever shows them: too few rankings,
judges that rank by the shown place, answers that are equal, models of which adapters alone were trained."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from core.facts.judging.equal_answers import EqualAnswers, equal_answers, told_of_equal
from core.facts.ranking.shown_places import ShownPlaces, habits, shown_places
from storage.judging.coverage import Coverage
from storage.record.reader import Reader
from storage.record.views.sql_parts import DONE_OF_CALLS, recorded

CALLED = f"""WITH {DONE_OF_CALLS}
SELECT payload->>'$.outcome', payload->>'$.judge_kind', payload->>'$.judge', payload->'$.shown_order',
  payload->'$.ranking'
FROM events e JOIN done ON done.stage = e.stage AND done.unit = payload->>'$.unit'
  AND done.attempt = payload->>'$.attempt'
WHERE kind = 'judge.called'"""
"""The views `judge_calls` and `rankings` in one: each call goes through once, with all its places."""

TEXTS = f"""{recorded("answer.given", "answer.read", "answer.received")},
texts AS MATERIALIZED (
  SELECT p->>'$.question_id' AS question, coalesce(p->>'$.answer.shown', p->>'$.answer.sha256') AS text FROM m
)
SELECT question, text, count(*) FROM texts WHERE EXISTS (SELECT 1 FROM blobs WHERE sha256 = text) GROUP BY 1, 2"""
"""Answers that are here, by their hashes: what is equal has one."""

SETTINGS = "SELECT config->>'$.judge.coverage', config->>'$.judge.ties', config->>'$.train.lora.rank' FROM run"

KINDS = ("judge.called", "answer.given", "answer.read", "answer.received", "settings.changed")
"""Of the events that change what is said."""

_LAST = "SELECT coalesce(max(seq), 0) FROM events WHERE kind = ?"

_ENDED = "SELECT min(seq) FROM events WHERE kind = 'unit.completed' AND seq > ?"

_ORDERS = 4096
"""Orders of conditions that are kept while calls are counted: of six conditions there are 720."""

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
        calls = Counter(tuple(row) for row in query(CALLED))
        wanted, ties, rank = next((tuple(row) for row in query(SETTINGS)), (None, None, None))
        return cls(_coverage(calls, wanted), _places(calls), _equal(query(TEXTS)), ties == "skip", rank)

    @classmethod
    def of_run(cls, reader: Reader) -> JudgingNotes:
        """Of a run, as of the event that it is read."""
        return cls.of(reader.rows)

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


Change = tuple[int, int | None]
"""Number of the last event that changed what is said, and of the end of its unit; (0, …) where there is none."""


@dataclass(frozen=True)
class HeldNotes:
    """What is said of the judging as of the last event that changed it: to read it, all calls and answers are gone
    through."""

    change: Change
    notes: JudgingNotes

    @classmethod
    def of_run(cls, reader: Reader) -> HeldNotes:
        """Of a run, as of the event that it is read."""
        return cls(_last_change(reader), JudgingNotes.of_run(reader))

    def holds(self, reader: Reader) -> bool:
        """Whether nothing of it was recorded since."""
        return self.change == _last_change(reader)


def _last_change(reader: Reader) -> Change:
    last = max(int(reader.rows(_LAST, [kind])[0][0]) for kind in KINDS)
    ((ended,),) = reader.rows(_ENDED, [last])
    return last, ended


def _coverage(calls: Mapping[tuple[Any, ...], int], wanted: Any) -> Coverage:
    counts: Counter[tuple[Any, Any]] = Counter()
    for (outcome, kind, *_), times in calls.items():
        counts[outcome, kind] += times
    return Coverage(tuple((*found, counts[found], wanted) for found in sorted(counts, key=lambda of: [*map(str, of)])))


def _places(calls: Mapping[tuple[Any, ...], int]) -> dict[str, ShownPlaces]:
    """Calls that are alike in all that is counted are counted together."""
    place_of = lru_cache(_ORDERS)(_place_by_condition)
    counts: dict[str, Counter[tuple[int, int]]] = defaultdict(Counter)
    for (outcome, _, judge, shown, ranking), times in calls.items():
        if outcome == "ranked":
            of_judge, rank = counts[str(judge).rpartition("#")[0]], place_of(ranking)
            for name, at in place_of(shown).items():
                if name in rank:
                    of_judge[at, rank[name]] += times
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
