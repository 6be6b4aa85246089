"""Where a text stands: the events and judge calls that hold it, found by SQLite without handing rows over.

Letters from a to z fit in both sizes.
"""

from __future__ import annotations

from storage.record.lists.call_pages import CallIndex
from storage.record.reader import Reader
from storage.record.views.sql_parts import text_of

_EVENTS = """SELECT seq FROM events
WHERE payload LIKE :held ESCAPE '\\' OR kind LIKE :held ESCAPE '\\' OR stage LIKE :held ESCAPE '\\'"""

_ANSWERS = """SELECT DISTINCT e.payload->>'$.question_id' AS question_id
FROM events e CROSS JOIN blobs b ON b.sha256 = coalesce(e.payload->>'$.answer.shown', e.payload->>'$.answer.sha256')
WHERE e.kind IN ('answer.given', 'answer.read', 'answer.received') AND CAST(b.body AS TEXT) LIKE :held ESCAPE '\\'"""

_CALLS = f"""SELECT seq FROM events WHERE kind = 'judge.called' AND (
  payload->>'$.question_id' LIKE :held ESCAPE '\\' OR payload->>'$.judge' LIKE :held ESCAPE '\\'
  OR payload->>'$.outcome' LIKE :held ESCAPE '\\' OR payload->>'$.ranking' LIKE :held ESCAPE '\\'
  OR payload->>'$.detail' LIKE :held ESCAPE '\\' OR {text_of("(payload->'$.reply')")} LIKE :held ESCAPE '\\')"""

_QUESTIONS = f"""WITH planned AS MATERIALIZED (
  SELECT payload AS p FROM events WHERE seq = (SELECT max(seq) FROM events WHERE kind = 'questions.planned')
), clauses AS MATERIALIZED (
  SELECT c.value->>'$.clause_id' AS clause_id FROM planned, json_each(p, '$.clauses') c
  WHERE {text_of("(c.value->'$.text')")} LIKE :held ESCAPE '\\'
)
SELECT q.value->>'$.question_id' AS question_id FROM planned, json_each(p, '$.questions') q
WHERE {text_of("(q.value->'$.text')")} LIKE :held ESCAPE '\\'
  OR q.value->>'$.clause_id' IN (SELECT clause_id FROM clauses)"""


def events_holding(reader: Reader, text: str) -> set[int]:
    """The numbers of the events whose payload, kind or stage holds a text."""
    return {row["seq"] for row in reader.query(_EVENTS, {"held": pattern(text)})}


def calls_holding(reader: Reader, index: CallIndex, text: str) -> set[int]:
    """The numbers of the judge calls in whose row, reply, question, clause or answers a text stands."""
    held = {"held": pattern(text)}
    calls = {row["seq"] for row in reader.query(_CALLS, held)}
    asked = {row["question_id"] for sql in (_ANSWERS, _QUESTIONS) for row in reader.query(sql, held)}
    of_questions = zip(index.calls, index.questions, strict=True)
    return calls | {call for call, question in of_questions if question in asked}


def pattern(text: str) -> str:
    """What `LIKE … ESCAPE '\\'` takes for any text that holds this one as it stands."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
