"""Views of the judges' calls: what they replied, cost and ranked."""

from __future__ import annotations

from core.facts.judging.costs import CHARACTERS_OF_A_TOKEN
from storage.record.views.sql_parts import Views, recorded, text_of

OF_CALLS: Views = {
    "judge_calls": (
        recorded("judge.called"),
        """SELECT p->>'$.question_id' AS question_id, p->>'$.judge' AS judge, p->>'$.outcome' AS outcome,
  p->'$.shown_order' AS shown_order, p->>'$.attempts' AS attempts, p->>'$.prompt_tokens' AS prompt_tokens,
  p->>'$.completion_tokens' AS completion_tokens, p->>'$.detail' AS detail, p->>'$.judge_kind' AS judge_kind,
  p->>'$.cached_tokens' AS cached_tokens, p->>'$.reasoning_tokens' AS reasoning_tokens, p->>'$.seconds' AS seconds
FROM m""",
    ),
    "judge_costs": (
        f"""WITH m AS MATERIALIZED (
  SELECT seq, payload AS p FROM events WHERE kind = 'judge.called' AND payload->'$.reply' IS NOT NULL
),
judges AS MATERIALIZED (
  SELECT j.value->>'$.label' AS judge, j.value->>'$.max_tokens' AS max_tokens, coalesce(j.value->'$.price', (
    SELECT e.value->'$.price' FROM json_each(run.config, '$.endpoints') e
    WHERE e.value->>'$.name' = j.value->>'$.endpoint')) AS price
  FROM run, json_each(run.config, '$.judge.judges') j
),
called AS MATERIALIZED (
  SELECT m.seq, substr(name, 1, length(name) - 1) AS judge, m.p->>'$.prompt_tokens' AS prompt,
    coalesce(m.p->>'$.cached_tokens', 0) AS cached, m.p->>'$.completion_tokens' AS completion,
    m.p->>'$.reasoning_tokens' AS reasoning, m.p->>'$.judge_kind' = 'openai' AS paid,
    (length({text_of("(m.p->'$.prompt')")}) + {CHARACTERS_OF_A_TOKEN - 1}) / {CHARACTERS_OF_A_TOKEN} AS most
  FROM (SELECT *, rtrim(p->>'$.judge', '0123456789') AS name FROM m WHERE p->'$.taken_from' IS NULL) m
),
sums AS MATERIALIZED (
  SELECT c.judge, j.price, min(c.seq) AS first, count(*) AS calls, sum(c.prompt) AS prompt_tokens,
    sum(c.cached) AS cached_tokens, sum(c.completion) AS completion_tokens, sum(c.reasoning) AS reasoning_tokens,
    sum(c.paid AND (c.prompt IS NULL OR c.completion IS NULL)) AS uncounted,
    CASE WHEN sum(c.paid AND c.prompt IS NULL AND c.most IS NULL) = 0
      THEN coalesce(sum(CASE WHEN c.paid AND c.prompt IS NULL THEN c.most END), 0) END AS assumed_prompt_tokens,
    coalesce(sum(CASE WHEN c.paid AND c.completion IS NULL THEN j.max_tokens END), 0) AS assumed_completion_tokens
  FROM called c LEFT JOIN judges j ON j.judge = c.judge GROUP BY 1, 2
)""",
        """SELECT judge, calls, prompt_tokens, cached_tokens, completion_tokens, reasoning_tokens, uncounted,
  assumed_prompt_tokens, assumed_completion_tokens, (
    (coalesce(prompt_tokens, 0) + assumed_prompt_tokens - cached_tokens) * CAST(price->>'$.input' AS REAL)
    + cached_tokens * CAST(coalesce(price->>'$.cached_input', price->>'$.input') AS REAL)
    + (coalesce(completion_tokens, 0) + assumed_completion_tokens) * CAST(price->>'$.output' AS REAL)
  ) / 1000000 AS cost FROM sums ORDER BY first""",
    ),
    "rankings": (
        recorded("judge.called"),
        """SELECT m.p->>'$.question_id' AS question_id, m.p->>'$.clause_id' AS clause_id, m.p->>'$.judge' AS judge,
  r.key + 1 AS position, r.value AS condition
FROM m, json_each(m.p, '$.ranking') r WHERE m.p->>'$.outcome' = 'ranked'""",
    ),
}
