"""Views of the pool, and of lotteries over it: quotas, types, levels, panels and chances."""

from __future__ import annotations

from storage.record.views.sql_parts import ATTRIBUTES, Views, pool_with, recorded

OF_LOTTERIES: Views = {
    "raters": (
        f"""{recorded("pool.built")},
types AS MATERIALIZED (
  SELECT t.value->>'$.type' AS type,
    {ATTRIBUTES.format(names="m.p, '$.attributes'", values="t.value, '$.categories'")} AS attributes
  FROM m, json_each(m.s, '$.types') t
),
r AS MATERIALIZED (
  SELECT r.key AS place, r.value->>'$.rater_id' AS rater_id, r.value->>'$.type' AS type,
    r.value->>'$.pairs' AS pairs, r.value->>'$.locale' AS locale
  FROM m, json_each(m.s, '$.raters') r
)""",
        """SELECT r.rater_id, r.type, types.attributes, r.pairs, r.locale
FROM r JOIN types ON types.type = r.type ORDER BY r.place""",
    ),
    "quotas": (
        recorded("lottery.quotas"),
        """SELECT m.p->>'$.lottery' AS lottery,
  q.value->>'$.attribute' AS attribute, q.value->>'$.category' AS category,
  CAST(q.value->>'$.target' AS REAL) AS target, q.value->>'$.lower' AS lower, q.value->>'$.upper' AS upper,
  q.value->>'$.slack' AS slack, q.value->>'$.in_pool' AS in_pool
FROM m, json_each(m.p, '$.quotas') q""",
    ),
    "types": (
        recorded("lottery.types"),
        f"""SELECT m.p->>'$.lottery' AS lottery, t.value->>'$.type' AS type,
  {ATTRIBUTES.format(names="m.p, '$.attributes'", values="t.value, '$.categories'")} AS attributes,
  t.value->>'$.size' AS size
FROM m, json_each(m.s, '$.types') t""",
    ),
    "inclusion_probabilities": (
        f"""{recorded("lottery.solved")},
pi AS MATERIALIZED (
  SELECT m.p->>'$.lottery' AS lottery, t.key AS type, t.value AS pi FROM m, json_each(m.s, '$.pi') t
),
named AS MATERIALIZED (
  SELECT m.p->>'$.lottery' AS lottery, r.key AS place, r.value AS pi FROM m, json_each(m.s, '$.rater_pi') r
),
{pool_with("place", "rater_id", "type")}""",
        """SELECT pi.lottery, pool.rater_id, coalesce(named.pi, pi.pi) AS pi
FROM pi JOIN pool ON pool.type = pi.type
LEFT JOIN named ON named.lottery = pi.lottery AND named.place = pool.place ORDER BY pi.lottery, pool.place""",
    ),
    "levels": (
        recorded("lottery.level"),
        """SELECT p->>'$.lottery' AS lottery, p->>'$.level' AS level, p->>'$.probability' AS probability,
  s->'$.types' AS types, p->'$.binding' AS binding, p->>'$.exact' AS exact, p->>'$.proof' AS proof,
  p->>'$.gap' AS gap, p->>'$.seat' AS seat, p->'$.prices' AS prices, s->'$."values"' AS "values",
  p->>'$.bound' AS bound FROM m""",
    ),
    "panels": (
        recorded("lottery.panel"),
        """SELECT p->>'$.lottery' AS lottery, p->>'$.panel' AS panel, p->>'$.probability' AS probability,
  p->>'$.numerator' AS numerator FROM m""",
    ),
    "panel_raters": (
        f"""{recorded("lottery.panel")},
{pool_with("place", "rater_id")},
named AS MATERIALIZED (
  SELECT m.p->>'$.lottery' AS lottery, m.p->>'$.panel' AS panel, r.value AS place FROM m, json_each(m.s, '$.raters') r
)""",
        """SELECT named.lottery, named.panel, pool.rater_id FROM named JOIN pool ON pool.place = named.place""",
    ),
    "panel_types": (
        recorded("lottery.panel"),
        """SELECT m.p->>'$.lottery' AS lottery, m.p->>'$.panel' AS panel, c.value->>0 AS type, c.value->>1 AS count
FROM m, json_each(m.s, '$.counts') c""",
    ),
    "lotteries": (
        f"""{recorded("lottery.solved")},
wanted AS MATERIALIZED (
  SELECT payload->>'$.lottery' AS lottery, payload->>'$.size' AS size, payload->>'$.tolerance' AS tolerance, max(seq)
  FROM events WHERE kind = 'lottery.quotas' GROUP BY 1
)""",
        """SELECT m.p->>'$.lottery' AS lottery, m.p->>'$.algorithm' AS algorithm, m.p->>'$.method' AS method,
  m.p->>'$.estimated' AS estimated, m.p->>'$.panels' AS panels, m.p->>'$.max_difference' AS max_difference,
  wanted.size, wanted.tolerance, m.p->>'$.denominator' AS denominator, m.p->>'$.spread' AS spread
FROM m LEFT JOIN wanted ON wanted.lottery = m.p->>'$.lottery'""",
    ),
    "lottery_diagnostics": (
        recorded("lottery.diagnosed"),
        """SELECT p->>'$.lottery' AS lottery, p->>'$.raters' AS raters, p->>'$.smallest' AS smallest,
  p->>'$.largest' AS largest, p->>'$.equal' AS equal, p->>'$.gini' AS gini, p->>'$.max_min_ratio' AS max_min_ratio,
  p->>'$.coefficient_of_variation' AS coefficient_of_variation, p->>'$.without_chance' AS without_chance,
  coalesce(s->'$.without_chance_types', '[]') AS without_chance_types, p->>'$.certain' AS certain,
  p->'$.empty_categories' AS empty_categories, p->'$.histogram' AS histogram FROM m""",
    ),
}
