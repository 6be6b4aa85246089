"""Views of questions, and of answers to them."""

from __future__ import annotations

from storage.record.views.sql_parts import Views, recorded, text_of

OF_ANSWERS: Views = {
    "questions": (
        f"""{recorded("questions.planned")},
clauses AS MATERIALIZED (
  SELECT c.value->>'$.clause_id' AS clause_id, {text_of("(c.value->'$.text')")} AS clause
  FROM m, json_each(m.p, '$.clauses') c
),
q AS MATERIALIZED (
  SELECT q.key AS place, q.value->>'$.question_id' AS question_id, q.value->>'$.clause_id' AS clause_id,
    {text_of("(q.value->'$.text')")} AS question
  FROM m, json_each(m.p, '$.questions') q
)""",
        """SELECT q.question_id, q.clause_id, clauses.clause, q.question
FROM q LEFT JOIN clauses ON clauses.clause_id = q.clause_id ORDER BY q.place""",
    ),
    "answers": (
        recorded("answer.given", "answer.read", "answer.received"),
        f"""SELECT p->>'$.condition' AS condition, p->>'$.question_id' AS question_id, p->>'$.clause_id' AS clause_id,
  {text_of("(p->'$.answer')")} AS answer, coalesce(p->>'$.tokens', p->>'$.completion_tokens') AS tokens,
  coalesce(p->>'$.finish', p->>'$.finish_reason') AS finish, substr(kind, 8) AS origin FROM m ORDER BY seq""",
    ),
    "answer_speed": (
        f"""{recorded("answer.given")},
batches AS MATERIALIZED (
  SELECT p->>'$.condition' AS condition, count(*) AS answers, sum(p->>'$.tokens') AS tokens, max(seq) AS last
  FROM m GROUP BY p->>'$.unit'
)""",
        """SELECT b.condition AS condition, sum(b.answers) AS answers, sum(b.tokens) AS tokens,
  round(sum(e.payload->>'$.seconds'), 3) AS seconds,
  round(sum(b.tokens) / nullif(sum(e.payload->>'$.seconds'), 0), 1) AS tokens_per_second
FROM batches b LEFT JOIN events e ON e.seq = b.last + 1 AND e.kind = 'unit.completed'
GROUP BY b.condition ORDER BY min(b.last)""",
    ),
}
