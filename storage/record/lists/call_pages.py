"""Judge calls page by page, with what was said in each.

The views answer it too, but go through all calls and answers of the run each time. So the numbers of their events are
read once, in the order in which they are listed, and what a page shows is then read by these numbers; behind them only
what was recorded since. Of a unit that is redone, the last attempt counts.
"""

from __future__ import annotations

import json
import sys
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from storage.record.reader import Reader
from storage.record.rows import typed_rows
from storage.record.views.sql_parts import DONE, text_of

_DONE_SINCE = DONE.replace("GROUP BY", "AND stage = 'judge' AND seq > :since AND seq <= :seq GROUP BY")
"""Of judge calls; behind `since` no unit is completed again, or everything is read anew."""

_CALLS = f"""WITH {_DONE_SINCE}
SELECT e.seq, e.payload->>'$.question_id' AS question_id, e.payload->>'$.judge' AS judge,
  e.payload->>'$.outcome' AS outcome
FROM events e JOIN done ON done.stage = e.stage AND done.unit = e.payload->>'$.unit'
  AND done.attempt = e.payload->>'$.attempt'
WHERE e.kind = 'judge.called' AND e.seq > :since AND e.seq <= :seq ORDER BY e.seq"""

_COMPLETED = "SELECT coalesce(max(seq), 0) AS seq FROM events WHERE kind = 'unit.completed' AND seq <= ?"

_GIVEN = """SELECT seq, payload->>'$.question_id' AS question_id FROM events
WHERE kind IN ('answer.given', 'answer.read', 'answer.received') AND seq > ? AND seq <= ?
  AND payload->'$.answer' IS NOT NULL ORDER BY seq"""

_PLANNED = """SELECT q.key AS place, q.value->>'$.question_id' AS question_id, q.value->>'$.clause_id' AS clause_id
FROM events e, json_each(e.payload, '$.questions') q
WHERE e.seq = (SELECT max(seq) FROM events WHERE kind = 'questions.planned')"""

_REDONE = """SELECT 1 FROM events
WHERE kind = 'unit.completed' AND stage IN ('answer', 'judge') AND seq > ? AND payload->>'$.attempt' > 1
UNION ALL SELECT 1 FROM events WHERE kind = 'questions.planned' AND seq > ? LIMIT 1"""

_PAGE = """SELECT e.seq AS seq, payload->>'$.question_id' AS question_id, payload->>'$.judge' AS judge,
  payload->>'$.outcome' AS outcome, payload->'$.shown_order' AS shown_order, payload->'$.ranking' AS ranking,
  payload->>'$.attempts' AS attempts, payload->>'$.detail' AS detail, payload->>'$.prompt_tokens' AS prompt_tokens,
  payload->>'$.completion_tokens' AS completion_tokens
FROM json_each(?) wanted CROSS JOIN events e ON e.seq = wanted.value ORDER BY wanted.key"""

_QUESTION = f"""WITH planned AS MATERIALIZED (
  SELECT payload AS p FROM events WHERE seq = (SELECT max(seq) FROM events WHERE kind = 'questions.planned')
), asked AS MATERIALIZED (
  SELECT {text_of("(q.value->'$.text')")} AS question, (
    SELECT {text_of("(c.value->'$.text')")} FROM json_each(p, '$.clauses') c
    WHERE c.value->>'$.clause_id' IS q.value->>'$.clause_id') AS clause
  FROM planned, json_each(p, '$.questions') q WHERE q.value->>'$.question_id' IS ? LIMIT 1
)
SELECT substr(question, 1, ?) AS question, length(question) AS question_length,
  substr(clause, 1, ?) AS clause, length(clause) AS clause_length FROM asked"""

_ANSWERS = f"""WITH given AS MATERIALIZED (
  SELECT max(e.seq) AS seq, payload AS p FROM json_each(?) wanted JOIN events e ON e.seq = wanted.value
  GROUP BY payload->>'$.condition'
), shown AS MATERIALIZED (SELECT seq, p, {text_of("(p->'$.answer')")} AS body FROM given)
SELECT p->>'$.condition' AS condition, substr(body, 1, ?) AS answer, length(body) AS length,
  coalesce(p->>'$.tokens', p->>'$.completion_tokens') AS tokens,
  coalesce(p->>'$.finish', p->>'$.finish_reason') AS finish FROM shown ORDER BY seq"""

_REPLY = f"""WITH reply AS MATERIALIZED (
  SELECT {text_of("(payload->'$.reply')")} AS body FROM events WHERE seq = ? AND payload->>'$.reply.sha256' IS NOT NULL
)
SELECT substr(body, 1, ?) AS text, length(body) AS length FROM reply"""


@dataclass(frozen=True)
class CallRow:
    """A judge call; seq is that of its event, shown_order and ranking (best first) are JSON."""

    seq: int
    question_id: Any
    judge: Any
    outcome: Any
    shown_order: str | None
    ranking: str | None
    attempts: Any
    detail: Any
    prompt_tokens: Any
    completion_tokens: Any

    @property
    def order(self) -> list[str]:
        """The conditions, best first; empty where there is no ranking."""
        return [str(name) for name in json.loads(self.ranking or "null") or ()]


@dataclass(frozen=True)
class CallIndex:
    """Where everything about judging stands in the record, up to the event `seq`.

    completed is the last event that completed a unit: all calls of a unit are recorded with it, one after the other.
    calls are the numbers of the events of all judge calls, by question and judge, ended the outcome of each; answers
    those of all answers to a question; clauses the clause of each question.
    """

    seq: int = 0
    completed: int = 0
    calls: Sequence[int] = ()
    ended: Sequence[str] = ()
    outcomes: Mapping[str, int] = field(default_factory=dict)
    clauses: Mapping[Any, Any] = field(default_factory=dict)
    answers: Mapping[Any, Sequence[int]] = field(default_factory=dict)
    keys: Sequence[_Key] = ()
    """What the calls are ordered by, one for each."""

    @property
    def questions(self) -> Iterator[Any]:
        """The question of each call."""
        return (question for _, (_, question), _ in self.keys)

    @property
    def judges(self) -> Iterator[Any]:
        """The judge of each call."""
        return (judge for _, _, (_, judge) in self.keys)


@dataclass(frozen=True)
class AskedRow:
    """A question with its clause, cut; the lengths are those of the whole texts. None: the text is not here."""

    question: str | None
    question_length: int | None
    clause: str | None
    clause_length: int | None


@dataclass(frozen=True)
class Answer:
    """A condition's answer, cut."""

    condition: Any
    answer: str | None
    length: int | None
    tokens: Any
    finish: Any


@dataclass(frozen=True)
class ReplyRow:
    """What a judge said, raw, cut."""

    text: str | None
    length: int | None


def call_index(reader: Reader, seq: int, held: CallIndex | None = None) -> CallIndex:
    """The index up to an event `seq` of the reader's; from one held from before only what came since is read.

    An engine may record more meanwhile: whatever is behind `seq` is left for the next time, so that nothing is read
    twice.
    """
    if held is not None and held.seq == seq:
        return held
    if held is None or held.seq > seq or reader.query(_REDONE, [held.seq, held.seq]):
        held = CallIndex()
    planned = reader.rows(_PLANNED) if not held.clauses else []
    clauses = {question: clause for _, question, clause in planned} or held.clauses
    places = {question: place for place, question in enumerate(clauses)}
    completed = int(reader.query(_COMPLETED, [seq])[0]["seq"])
    found = [
        (_key(places.get(question, -1), question, judge), at, sys.intern(_word(outcome)))
        for at, question, judge, outcome in reader.rows(_CALLS, {"since": held.completed, "seq": completed})
    ]
    order = [*zip(held.keys, held.calls, held.ended, strict=True), *found]
    if found:
        order.sort()
    ended = [word for _, _, word in order]
    answers = {question: array("q", numbers) for question, numbers in held.answers.items()}
    for at, question in reader.rows(_GIVEN, [held.seq, seq]):
        answers.setdefault(question, array("q")).append(at)
    return CallIndex(
        seq,
        completed,
        array("q", [at for _, at, _ in order]),
        ended,
        dict(Counter(ended)),
        clauses,
        answers,
        [key for key, *_ in order],
    )


def calls_at(reader: Reader, numbers: Sequence[int]) -> list[CallRow]:
    """The judge calls of these events, in the order of the numbers."""
    return typed_rows(reader, CallRow, _PAGE, [json.dumps(list(numbers))])


def asked(reader: Reader, question: Any, most: int) -> AskedRow | None:
    """A question and its clause, up to so many characters each."""
    return next(iter(typed_rows(reader, AskedRow, _QUESTION, [question, most, most])), None)


def answers_at(reader: Reader, numbers: Sequence[int], most: int) -> dict[str, Answer]:
    """The answers of these events by condition, up to so many characters each; the last of a condition counts."""
    listed = typed_rows(reader, Answer, _ANSWERS, [json.dumps(list(numbers)), most])
    return {str(answer.condition): answer for answer in listed}


def reply_of(reader: Reader, call: CallRow, most: int) -> ReplyRow | None:
    """The reply of a call, up to so many characters; None where the judge sends none."""
    return next(iter(typed_rows(reader, ReplyRow, _REPLY, [call.seq, most])), None)


_Key = tuple[int, tuple[int, Any], tuple[int, Any]]


def _key(place: int, question: Any, judge: Any) -> _Key:
    """By the place of the question, then by ids as SQLite orders values: nothing, numbers, texts, bytes."""
    return place, _rank_of(question), _rank_of(judge)


def _word(outcome: Any) -> str:
    return "–" if outcome is None else str(outcome)


@lru_cache(maxsize=2**15, typed=True)
def _rank_of(value: Any) -> tuple[int, Any]:
    """One and the same for all calls of a question or a judge, which are many."""
    if value is None:
        return 0, 0
    return (1 if isinstance(value, int | float) else 2 if isinstance(value, str) else 3), value
