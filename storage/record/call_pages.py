"""Judge calls page by page, with what was said in each.

The views answer it too, but go through all calls of the run for each page. Of a call that is redone, the last counts.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from storage.record.reader import Reader
from storage.record.rows import typed_rows

_CALLS = """WITH q AS MATERIALIZED (SELECT row_number() OVER () AS place, question_id, clause_id FROM questions),
j AS MATERIALIZED (SELECT * FROM judge_calls),
counted AS MATERIALIZED (SELECT coalesce(outcome, '–') AS outcome, count(*) AS calls FROM j GROUP BY 1)
SELECT j.question_id AS question_id, q.clause_id AS clause_id, j.judge AS judge, j.outcome AS outcome,
  j.shown_order AS shown_order, j.attempts AS attempts, j.detail AS detail,
  j.prompt_tokens AS prompt_tokens, j.completion_tokens AS completion_tokens,
  (SELECT json_group_object(outcome, calls) FROM counted) AS outcomes
FROM j LEFT JOIN q ON q.question_id = j.question_id
ORDER BY q.place, j.question_id, j.judge LIMIT ? OFFSET ?"""

_QUESTION = """SELECT substr(question, 1, ?) AS question, length(question) AS question_length,
  substr(clause, 1, ?) AS clause, length(clause) AS clause_length FROM questions WHERE question_id IS ?"""

_ORDERS = """SELECT payload->>'$.question_id' AS question_id, payload->>'$.judge' AS judge,
  payload->'$.ranking' AS ranking
FROM events WHERE kind = 'judge.called' AND payload->>'$.outcome' = 'ranked'
  AND payload->>'$.question_id' IN (SELECT value FROM json_each(?)) ORDER BY seq"""

_ANSWERS = """WITH given AS MATERIALIZED (
  SELECT max(seq) AS seq, payload AS p FROM events
  WHERE kind IN ('answer.given', 'answer.read', 'answer.received') AND payload->>'$.question_id' IS ?
    AND payload->'$.answer' IS NOT NULL GROUP BY payload->>'$.condition'
), shown AS MATERIALIZED (
  SELECT seq, p, CAST(b.body AS TEXT) AS body FROM given
  LEFT JOIN blobs b ON b.sha256 = coalesce(given.p->>'$.answer.shown', given.p->>'$.answer.sha256')
)
SELECT p->>'$.condition' AS condition, substr(body, 1, ?) AS answer, length(body) AS length,
  coalesce(p->>'$.tokens', p->>'$.completion_tokens') AS tokens,
  coalesce(p->>'$.finish', p->>'$.finish_reason') AS finish FROM shown ORDER BY seq"""

_REPLY = """WITH call AS MATERIALIZED (
  SELECT payload AS p FROM events WHERE kind = 'judge.called'
    AND payload->>'$.question_id' IS ? AND payload->>'$.judge' IS ? ORDER BY seq DESC LIMIT 1
), reply AS MATERIALIZED (
  SELECT CAST(b.body AS TEXT) AS body FROM call
  LEFT JOIN blobs b ON b.sha256 = coalesce(call.p->>'$.reply.shown', call.p->>'$.reply.sha256')
  WHERE call.p->>'$.reply.sha256' IS NOT NULL
)
SELECT substr(body, 1, ?) AS text, length(body) AS length FROM reply"""

CallName = tuple[str, str]
"""Question id and judge: what names a judge call."""


@dataclass(frozen=True)
class CallRow:
    """A judge call; shown_order is JSON, and outcomes counts all calls of the run by their outcome, as JSON."""

    question_id: Any
    clause_id: Any
    judge: Any
    outcome: Any
    shown_order: str | None
    attempts: Any
    detail: Any
    prompt_tokens: Any
    completion_tokens: Any
    outcomes: str

    @property
    def name(self) -> CallName:
        return str(self.question_id), str(self.judge)


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


def calls_of(reader: Reader, most: int, start: int) -> list[CallRow]:
    """So many calls from a place on, in the order of questions and judges."""
    return typed_rows(reader, CallRow, _CALLS, [most, start])


def orders_of(reader: Reader, questions: Collection[str]) -> dict[CallName, list[str]]:
    """The rankings of all calls about these questions, best first."""
    rows = reader.query(_ORDERS, [json.dumps(sorted(questions))])
    return {
        (str(row["question_id"]), str(row["judge"])): [str(name) for name in json.loads(row["ranking"] or "[]")]
        for row in rows
    }


def asked(reader: Reader, question: Any, most: int) -> AskedRow | None:
    """A question and its clause, up to so many characters each."""
    return next(iter(typed_rows(reader, AskedRow, _QUESTION, [most, most, question])), None)


def answers_to(reader: Reader, question: Any, most: int) -> dict[str, Answer]:
    """The answers to a question by condition, up to so many characters each."""
    return {str(answer.condition): answer for answer in typed_rows(reader, Answer, _ANSWERS, [question, most])}


def reply_of(reader: Reader, call: CallRow, most: int) -> ReplyRow | None:
    """The reply of a call, up to so many characters; None where the judge sends none."""
    return next(iter(typed_rows(reader, ReplyRow, _REPLY, [call.question_id, call.judge, most])), None)
