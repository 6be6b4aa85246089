"""Views of whether the order holds."""

from __future__ import annotations

from storage.record.views.sql_parts import Views, recorded

OF_ROBUSTNESS: Views = {
    "robustness": (
        recorded("robustness.computed"),
        """SELECT a.value->>'$.analysis' AS analysis, a.value->>'$.left_out' AS left_out,
  a.value->>'$.method' AS method,
  (SELECT group_concat(w.value, ' = ') FROM json_each(a.value, '$.order[0]') w) AS winner,
  a.value->'$.order[0]' IS m.p->'$.order[0]' AS same_winner, a.value->'$.order' IS m.p->'$.order' AS same_order,
  a.value->'$.order' AS ranked, m.p->>'$.method' AS primary_method, m.p->'$.order' AS primary_ranked
FROM m, json_each(m.p, '$.analyses') a""",
    ),
    "pair_robustness": (
        recorded("robustness.computed"),
        """SELECT r.value->>'$.condition' AS condition, r.value->>'$.other' AS other, r.value->>'$.agree' AS agree,
  json_array_length(m.p, '$.analyses') AS analyses, r.value->>'$.difference' AS difference,
  r.value->>'$.error_questions' AS error_questions, r.value->>'$.error_rankings' AS error_rankings,
  r.value->>'$.separated_questions' AS separated_questions, r.value->>'$.separated_rankings' AS separated_rankings,
  m.p->>'$.confidence' AS confidence
FROM m, json_each(m.p, '$.pairs') r""",
    ),
    "flips": (
        recorded("robustness.computed"),
        """SELECT f.value->>'$.condition' AS condition, f.value->>'$.other' AS other,
  f.value->>'$.questions' AS questions, f.value->>'$.share' AS share, f.value->'$.removed' AS removed,
  f.value->>'$.measure' AS measure
FROM m, json_each(m.p, '$.flips') f""",
    ),
}
