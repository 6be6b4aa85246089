"""The view of what was planned, and of what came of it."""

from __future__ import annotations

from storage.record.views.sql_parts import Views, recorded

OF_PLANS: Views = {
    "hypotheses": (
        f"""{recorded("plan.recorded", "plan.tested")},
planned AS MATERIALIZED (
  SELECT m.seq, h.key AS place, m.p->>'$.primary' AS method, h.value AS h FROM m, json_each(m.p, '$.hypotheses') h
  WHERE m.kind = 'plan.recorded'
),
tested AS MATERIALIZED (
  SELECT r.value->>'$.name' AS name, r.value AS r FROM m, json_each(m.p, '$.rows') r WHERE m.kind = 'plan.tested'
),
told AS MATERIALIZED (
  SELECT e.seq, n.value AS name, e.payload->>'$.reason' || ' (event ' || e.seq || ')' AS reason
  FROM events e, json_each(e.payload, '$.hypotheses') n WHERE e.kind = 'plan.deviated'
  UNION ALL
  SELECT e.seq, p.h->>'$.name',
    json_array_length(e.payload, '$.units') || ' calls were made again (event ' || e.seq || ')'
  FROM events e, planned p WHERE e.kind = 'judge.reopened'
),
deviated AS MATERIALIZED (
  SELECT name, group_concat(reason, '; ') AS reason FROM (SELECT * FROM told ORDER BY seq) GROUP BY 1
)""",
        """SELECT p.h->>'$.name' AS hypothesis, p.h->>'$.better' AS better, p.h->>'$.than' AS than,
  p.h->>'$.by' AS "by", p.method, t.r->>'$.difference' AS difference, t.r->>'$.low' AS low, t.r->>'$.high' AS high,
  t.r->>'$.holds' AS holds, t.r->>'$.p' AS p, t.r->>'$.adjusted' AS adjusted, t.r->>'$.verdict' AS verdict,
  CASE WHEN p.h->>'$.standing' = 'as planned' AND d.name IS NOT NULL THEN 'deviated' ELSE p.h->>'$.standing' END
    AS status,
  CASE WHEN p.h->>'$.reason' = '' THEN coalesce(d.reason, '') WHEN d.reason IS NULL THEN p.h->>'$.reason'
    ELSE (p.h->>'$.reason') || '; ' || d.reason END AS reason, p.h->>'$.note' AS note, p.seq AS event
FROM planned p LEFT JOIN tested t ON t.name = p.h->>'$.name' LEFT JOIN deviated d ON d.name = p.h->>'$.name'
ORDER BY p.seq, p.place""",
    ),
}
