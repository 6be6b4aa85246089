"""Views of leaderboards, and of what stands beside their scores."""

from __future__ import annotations

from storage.record.views.sql_parts import Views, recorded

OF_BOARDS: Views = {
    "leaderboards": (
        f"""{recorded("leaderboard.computed")},
made AS MATERIALIZED (
  SELECT group_concat(draw || CASE WHEN round > 1 THEN ' (round ' || round || ')' ELSE '' END || ' ' || outcome, ', ')
    AS draws FROM draws
)""",
        """SELECT m.p->>'$.method' AS method, r.value->>'$.condition' AS condition, r.value->>'$.score' AS score,
  r.value->>'$.low' AS low, r.value->>'$.high' AS high, r.value->>'$.position' AS position,
  m.p->>'$.rankings' AS rankings, m.p->>'$.resample' AS resample,
  made.draws, m.p->>'$.resamples' AS resamples, m.p->>'$.confidence' AS confidence,
  m.p->>'$.units' AS units, coalesce(m.p->>'$.interval', 'percentile') AS interval,
  (SELECT e.value FROM json_each(m.p, '$.means') e WHERE e.key = r.value->>'$.condition') AS mean
FROM made, m, json_each(m.p, '$.rows') r""",
    ),
    "families": (
        f"""{recorded("leaderboard.computed", "condition.planned")},
planned AS MATERIALIZED (
  SELECT seq, p->>'$.condition' AS condition, p->>'$.family' AS family FROM m
  WHERE kind = 'condition.planned' AND p->>'$.family' IS NOT NULL
),
scores AS MATERIALIZED (
  SELECT m.seq AS board, planned.seq AS first, m.p->>'$.method' AS method, planned.family AS family,
    r.value->>'$.score' AS score, r.value->>'$.low' AS low, r.value->>'$.high' AS high
  FROM m, json_each(m.p, '$.rows') r JOIN planned ON planned.condition = r.value->>'$.condition'
  WHERE m.kind = 'leaderboard.computed'
),
sums AS MATERIALIZED (
  SELECT board, min(first) AS first, method, family, count(*) AS members, avg(score) AS mean, min(score) AS smallest,
    max(score) AS largest, avg(high - low) AS width,
    sum('text' IN (typeof(score), typeof(low), typeof(high))) = 0 AS finite
  FROM scores GROUP BY board, family
)""",
        """SELECT method, family, members, CASE WHEN finite THEN mean END AS mean,
  CASE WHEN finite THEN smallest END AS smallest, CASE WHEN finite THEN largest END AS largest,
  CASE WHEN finite AND members > 1 THEN (
    SELECT sum((score - mean) * (score - mean)) FROM scores s WHERE s.board = sums.board AND s.family = sums.family
  ) / (members - 1) END AS variance, CASE WHEN finite THEN width END AS width
FROM sums ORDER BY board, first""",
    ),
    "leaderboard_details": (
        recorded("leaderboard.computed"),
        """SELECT m.p->>'$.method' AS method, d.key AS name, d.value AS value FROM m, json_each(m.p, '$.detail') d""",
    ),
    "places": (
        recorded("leaderboard.computed"),
        """SELECT m.p->>'$.method' AS method, c.key AS condition, s.key + 1 AS place, s.value AS share
FROM m, json_each(m.p, '$.places') c, json_each(CASE c.type WHEN 'array' THEN c.value ELSE '[]' END) s""",
    ),
    "pairwise": (
        recorded("pairwise.computed"),
        """SELECT r.value->>'$.condition' AS condition, r.value->>'$.other' AS other, r.value->>'$.votes' AS votes,
  r.value->>'$.votes_against' AS votes_against, r.value->>'$.win_rate' AS win_rate, r.value->>'$.low' AS low,
  r.value->>'$.high' AS high, r.value->>'$.majority_win_rate' AS majority_win_rate,
  r.value->>'$.majority_low' AS majority_low, r.value->>'$.majority_high' AS majority_high,
  r.value->>'$.mean_margin' AS mean_margin
FROM m, json_each(m.p, '$.rows') r""",
    ),
}
