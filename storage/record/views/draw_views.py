"""Views of draws, and of the panels that were drawn."""

from __future__ import annotations

from storage.record.views.sql_parts import Views, people_of, pool_with, recorded


def _panels_drawn() -> str:
    """CTEs that end in `m`: every draw that was decided in its stage, else the last panel drawn for it."""
    return f"""{recorded("draw.made").replace("m AS MATERIALIZED", "decided AS MATERIALIZED")},
proposed AS MATERIALIZED (
  SELECT max(seq) AS seq, payload AS p, {people_of("payload")} AS s FROM events
  WHERE kind = 'draw.made' AND payload->>'$.unit' IS NULL GROUP BY payload->>'$.draw'
),
m AS MATERIALIZED (
  SELECT seq, p, s FROM decided
  UNION ALL SELECT seq, p, s FROM proposed WHERE p->>'$.draw' NOT IN (SELECT p->>'$.draw' FROM decided)
)"""


OF_DRAWS: Views = {
    "draws": (
        f"""{recorded("draw.made")},
public AS MATERIALIZED (
  SELECT seq, kind, payload AS p, payload->>'$.draw' AS draw, payload->>'$.round' AS round FROM events
  WHERE kind IN ('draw.committed', 'draw.made', 'draw.decided') AND payload->>'$.unit' IS NULL
),
tried AS MATERIALIZED (
  SELECT draw, round, min(seq) AS seq,
    max(CASE kind WHEN 'draw.made' THEN p END) AS made,
    max(CASE kind WHEN 'draw.decided' THEN p END) AS decided,
    max(CASE kind WHEN 'draw.committed' THEN p END) AS committed
  FROM public GROUP BY 1, 2
)""",
        """SELECT draw, lottery, panel, seed, origin, outcome, reason, round, commitment, value FROM (
  SELECT seq, p->>'$.draw' AS draw, p->>'$.lottery' AS lottery, p->>'$.panel' AS panel, p->>'$.seed' AS seed,
    p->>'$.origin' AS origin, p->>'$.outcome' AS outcome, p->>'$.reason' AS reason, p->>'$.round' AS round,
    p->>'$.commitment' AS commitment, p->>'$.value' AS value FROM m
  UNION ALL
  SELECT seq, draw, coalesce(made->>'$.lottery', committed->>'$.lottery'), made->>'$.panel', made->>'$.seed',
    coalesce(made->>'$.origin', committed->>'$.source'),
    coalesce(decided->>'$.outcome', CASE WHEN made IS NULL THEN 'committed' ELSE 'proposed' END),
    coalesce(decided->>'$.reason', ''), round, committed->>'$.commitment', made->>'$.value'
  FROM tried
  WHERE NOT EXISTS (
    SELECT 1 FROM m WHERE m.p->>'$.draw' = tried.draw AND m.p->>'$.round' = tried.round
      AND m.p->>'$.commitment' IS NOT NULL
  )
) ORDER BY seq""",
    ),
    "draw_commitments": (
        """WITH m AS MATERIALIZED (SELECT at, payload AS p FROM events WHERE kind = 'draw.committed' ORDER BY seq)""",
        """SELECT at, p->>'$.draw' AS draw, p->>'$.round' AS round, p->>'$.lottery' AS lottery,
  p->>'$.source' AS source, p->>'$.rule' AS rule, p->>'$.commitment' AS commitment, p->'$.hashes' AS hashes FROM m""",
    ),
    "alternates": (
        recorded("draw.alternates"),
        """SELECT m.p->>'$.draw' AS draw, a.value->>'$.type' AS type, r.key + 1 AS position, r.value AS rater_id
FROM m, json_each(m.s, '$.alternates') a, json_each(a.value, '$.raters') r""",
    ),
    "panel_members": (
        _panels_drawn(),
        """SELECT m.p->>'$.draw' AS draw, r.value AS rater_id FROM m, json_each(m.s, '$.members') r""",
    ),
    "panel_composition": (
        f"""{_panels_drawn()},
drawn AS MATERIALIZED (
  SELECT m.p->>'$.draw' AS draw, a.key AS attribute, c.key AS category, c.value AS members
  FROM m, json_each(m.p, '$.seats') a, json_each(a.value) c
),
wanted AS MATERIALIZED (
  SELECT payload->>'$.lottery' AS lottery, payload AS p, max(seq) FROM events WHERE kind = 'lottery.quotas' GROUP BY 1
)""",
        """SELECT m.p->>'$.draw' AS draw, q.value->>'$.attribute' AS attribute, q.value->>'$.category' AS category,
  CAST(q.value->>'$.target' AS REAL) AS target, q.value->>'$.lower' AS lower, q.value->>'$.upper' AS upper,
  q.value->>'$.slack' AS slack, q.value->>'$.in_pool' AS in_pool, coalesce(drawn.members, 0) AS members,
  coalesce(drawn.members, 0) * 1.0 / (wanted.p->>'$.size') AS share,
  coalesce(drawn.members, 0) * 1.0 / (wanted.p->>'$.size') - CAST(q.value->>'$.target' AS REAL) AS deviation
FROM m JOIN wanted ON wanted.lottery = m.p->>'$.lottery', json_each(wanted.p, '$.quotas') q
LEFT JOIN drawn ON drawn.draw = m.p->>'$.draw' AND drawn.attribute = q.value->>'$.attribute'
  AND drawn.category = q.value->>'$.category'""",
    ),
    "locale_composition": (
        f"""{_panels_drawn()},
{pool_with("rater_id", "locale")},
locales AS MATERIALIZED (SELECT locale, count(*) AS in_pool FROM pool GROUP BY 1),
members AS MATERIALIZED (
  SELECT m.p->>'$.draw' AS draw, r.value AS rater_id FROM m, json_each(m.s, '$.members') r
),
drawn AS MATERIALIZED (
  SELECT members.draw, pool.locale, count(*) AS members
  FROM members JOIN pool ON pool.rater_id = members.rater_id GROUP BY 1, 2
)""",
        """SELECT m.p->>'$.draw' AS draw, locales.locale, coalesce(drawn.members, 0) AS members, locales.in_pool
FROM m, locales LEFT JOIN drawn ON drawn.draw = m.p->>'$.draw' AND drawn.locale = locales.locale""",
    ),
}
