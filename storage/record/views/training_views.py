"""Views of conditions: their weights, steps, held-out pairs, updates, and how well they recover a population."""

from __future__ import annotations

from storage.record.views.sql_parts import Views, people_of, private_of, recorded

OF_TRAINING: Views = {
    "conditions": (
        recorded("condition.planned"),
        """SELECT p->>'$.condition' AS condition, p->>'$.source' AS source, p->>'$.transform' AS transform,
  p->>'$.estimator' AS estimator, s->>'$.pairs' AS pairs, p->>'$.raters' AS raters, p->>'$.steps' AS steps,
  p->>'$.batch' AS batch, s->>'$.effective_pairs' AS effective_pairs, s->>'$.held_out_raters' AS held_out_raters
FROM m""",
    ),
    "weights": (
        recorded("condition.planned"),
        """SELECT m.p->>'$.condition' AS condition, w.value->>'$.rater_id' AS rater_id, w.value->>'$.pairs' AS pairs,
  w.value->>'$.weight' AS weight FROM m, json_each(m.s, '$.weights') w""",
    ),
    "weight_shares": (
        recorded("weights.realised"),
        """SELECT m.p->>'$.condition' AS condition, d.value->>'$.decile' AS decile, d.value->>'$.raters' AS raters,
  d.value->>'$.pairs' AS pairs, d.value->>'$.due' AS due, d.value->>'$.realised' AS realised
FROM m, json_each(m.s, '$.deciles') d""",
    ),
    "train_steps": (
        f"""{recorded("train.step")},
batches AS MATERIALIZED (
  SELECT payload->>'$.condition' AS condition, max(payload->>'$.batch') AS batch
  FROM events WHERE kind = 'condition.planned' GROUP BY 1
),
counted AS MATERIALIZED (SELECT seq, p, {private_of("p")} AS own FROM m)""",
        """SELECT p->>'$.condition' AS condition, p->>'$.step' AS step, p->>'$.loss' AS loss, p->>'$.margin' AS margin,
  p->>'$.learning_rate' AS learning_rate, p->>'$.seconds' AS seconds, p->>'$.gradient_norm' AS gradient_norm,
  own->>'$.effective_pairs' AS effective_pairs, own->>'$.tokens' AS tokens,
  round(batch / nullif(p->>'$.seconds', 0), 3) AS pairs_per_second,
  round((own->>'$.tokens') / nullif(p->>'$.seconds', 0), 1) AS tokens_per_second, p->>'$.memory' AS memory
FROM counted LEFT JOIN batches ON batches.condition = p->>'$.condition' ORDER BY seq""",
    ),
    "heldout_split": (
        recorded("heldout.split"),
        """SELECT p->>'$.by' AS held_out_by, p->>'$.share' AS share, p->>'$.groups' AS groups_in_all,
  p->>'$.held_out' AS groups_held_out, p->>'$.raters' AS raters, p->>'$.emptied' AS emptied, s->>'$.pairs' AS pairs,
  s->>'$.measured' AS measured FROM m""",
    ),
    "heldout": (
        f"""{recorded("heldout.measured")},
split AS MATERIALIZED (
  SELECT {people_of("e.payload")}->>'$.measured' AS measured FROM events e
  WHERE e.seq = (SELECT max(seq) FROM events WHERE kind = 'heldout.split')
),
r AS MATERIALIZED (
  SELECT m.seq AS seq, 0 AS part, r.key AS place, m.p AS p, r.value AS row FROM m, json_each(m.p, '$.rows') r
  UNION ALL
  SELECT m.seq, 1, r.key, m.p, r.value FROM m, json_each(m.s, '$.categories') r
)""",
        """SELECT p->>'$.condition' AS condition, p->>'$.step' AS step, row->>'$.metric' AS metric,
  row->>'$.scope' AS scope, row->>'$.attribute' AS attribute, row->>'$.category' AS category,
  row->>'$.value' AS value, row->>'$.low' AS low, row->>'$.high' AS high, row->>'$.raters' AS raters,
  coalesce(row->>'$.pairs', (SELECT measured FROM split)) AS pairs FROM r ORDER BY seq, part, place""",
    ),
    "updates": (
        f"""{recorded("update.measured")},
moved AS MATERIALIZED (
  SELECT m.seq, -1 AS place, m.p->>'$.condition' AS condition, 'all' AS layer, m.p AS v FROM m
  UNION ALL
  SELECT m.seq, l.key, m.p->>'$.condition', l.value->>'$.layer', l.value FROM m, json_each(m.p, '$.layers') l
)""",
        """SELECT condition, layer, v->>'$.numbers' AS parameters, v->>'$.l2' AS l2, v->>'$.rms' AS rms,
  v->>'$.mean_abs' AS mean_abs, v->>'$.relative' AS relative, v->>'$.changed' AS changed,
  v->>'$.changed_bf16' AS changed_bf16 FROM moved ORDER BY seq, place""",
    ),
    "recovery": (
        recorded("recovery.measured"),
        """SELECT p->>'$.condition' AS condition, p->>'$.population_log_loss' AS population_log_loss,
  p->>'$.margin_agreement' AS margin_agreement, p->>'$.pairs' AS pairs, p->>'$.floor' AS floor,
  p->>'$.agreement_ceiling' AS agreement_ceiling FROM m""",
    ),
}
