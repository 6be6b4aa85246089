"""Views of the run itself, its stages and seeds, and of what operators did."""

from __future__ import annotations

from core.facts.training.steps_match import CANDIDATE_MARK
from storage.record.views.sql_parts import Views


def _path(key: str) -> str:
    """SQL for the JSON path of a setting from its key path; lists that hold operational settings are these."""
    listed = "".join(
        f"WHEN {key} LIKE '{above}.%' THEN '$.{above}[' || substr({rest}, 1, instr({rest}, '.') - 1) || ']'"
        f" || substr({rest}, instr({rest}, '.'))\n    "
        for above in ("judge.judges", "endpoints", "conditions")
        for rest in [f"substr({key}, {len(above) + 2})"]
    )
    return f"CASE {listed}ELSE '$.' || {key} END"


_CHANGES = f"""changes AS MATERIALIZED (
  SELECT row_number() OVER (ORDER BY e.seq, c.key) AS n,
    {_path("(c.value->>'$.key')")} AS path, c.value->'$.new' AS new
  FROM events e, json_each(e.payload, '$.changes') c WHERE e.kind = 'settings.changed'
),
effective AS (
  SELECT 0 AS n, p->'$.config' AS config FROM genesis
  UNION ALL
  SELECT changes.n, CASE WHEN changes.new IS NULL THEN json_remove(effective.config, changes.path)
    ELSE json_set(effective.config, changes.path, json(changes.new)) END
  FROM effective JOIN changes ON changes.n = effective.n + 1
)"""
"""CTEs from `genesis` on: `effective`, the configuration after each change of a setting."""

OF_THE_RUN: Views = {
    "run": (
        f"""WITH genesis AS MATERIALIZED (SELECT at, payload AS p FROM events WHERE seq = 1),
last AS MATERIALIZED (
  SELECT kind, payload AS p FROM events WHERE kind IN ('engine.started', 'engine.stopped') ORDER BY seq DESC LIMIT 1
),
started AS MATERIALIZED (SELECT payload AS p FROM events WHERE kind = 'engine.started' ORDER BY seq DESC LIMIT 1),
{_CHANGES}""",
        """SELECT g.p->>'$.run_id' AS run_id, g.p->>'$.name' AS name, g.at AS created_at,
  coalesce((SELECT CASE kind WHEN 'engine.started' THEN 'running' ELSE p->>'$.outcome' END FROM last), 'created')
    AS status,
  g.p->>'$.seed' AS seed, (SELECT config FROM effective ORDER BY n DESC LIMIT 1) AS config,
  (SELECT json_set(p->'$.packages', '$.dempo', p->>'$.program', '$.python', p->>'$.python') FROM started) AS versions,
  g.p->>'$.simulated' AS simulated, g.p->>'$.schema_version' AS schema_version,
  (SELECT p->>'$.cores' FROM started) AS cores
FROM genesis g""",
    ),
    "stages": (
        f"""WITH m AS MATERIALIZED (
  SELECT seq, at, kind, payload->>'$.name' AS name, payload AS p FROM events
  WHERE kind IN ('stage.started', 'stage.planned', 'stage.completed', 'stage.skipped')
),
units AS MATERIALIZED (
  SELECT stage, count(DISTINCT CASE WHEN stage IS NOT 'train' OR instr(payload->>'$.unit', '{CANDIDATE_MARK}') = 0
    THEN payload->>'$.unit' END) AS completed FROM events
  WHERE kind = 'unit.completed' GROUP BY stage
)""",
        """SELECT m.name AS stage,
  CASE WHEN max(m.kind = 'stage.completed') THEN 'completed'
    WHEN max(m.kind = 'stage.skipped') THEN 'skipped' ELSE 'started' END AS status,
  max(CASE m.kind WHEN 'stage.planned' THEN m.p->>'$.units' END) AS units,
  coalesce(max(units.completed), 0) AS completed,
  min(CASE m.kind WHEN 'stage.started' THEN m.at END) AS started_at,
  max(CASE m.kind WHEN 'stage.completed' THEN m.at END) AS completed_at,
  max(CASE m.kind WHEN 'stage.completed' THEN m.p->>'$.seconds' END) AS seconds,
  max(CASE m.kind WHEN 'stage.started' THEN m.p->>'$.replay' END) AS replay,
  max(CASE m.kind WHEN 'stage.skipped' THEN m.p->>'$.reason' END) AS reason
FROM m LEFT JOIN units ON units.stage = m.name
GROUP BY m.name ORDER BY min(m.seq)""",
    ),
    "seeds": (
        """WITH m AS MATERIALIZED (SELECT seq, stage, payload AS p FROM events WHERE kind = 'seed.derived')""",
        """SELECT 'run' AS stage, payload->>'$.seed' AS seed, 'configuration' AS origin FROM events WHERE seq = 1
UNION ALL SELECT stage, seed, origin FROM (
  SELECT stage, p->>'$.seed' AS seed, p->>'$.origin' AS origin, min(seq) AS first FROM m GROUP BY 1, 2, 3 ORDER BY first
)""",
    ),
}


OF_OPERATORS: Views = {
    "operator_actions": (
        """WITH m AS MATERIALIZED (
  SELECT seq, at, kind, payload AS p FROM events
  WHERE kind IN ('operator.action', 'settings.changed', 'judge.reopened', 'plan.deviated')
),
changed AS MATERIALIZED (
  SELECT m.seq, group_concat(c.value->>'$.key' || ' = '
    || CASE json_type(c.value, '$.new') WHEN 'true' THEN 'true' ELSE coalesce(c.value->>'$.new', 'none') END
    || ', before: '
    || CASE json_type(c.value, '$.old') WHEN 'true' THEN 'true' ELSE coalesce(c.value->>'$.old', 'none') END, '; ')
    AS detail
  FROM m, json_each(m.p, '$.changes') c WHERE m.kind = 'settings.changed' GROUP BY 1
),
reopened AS MATERIALIZED (
  SELECT m.seq, json_array_length(m.p, '$.units') || ' of: '
    || (SELECT group_concat(o.value, ', ') FROM json_each(m.p, '$.outcomes') o) AS detail
  FROM m WHERE m.kind = 'judge.reopened'
),
deviated AS MATERIALIZED (
  SELECT m.seq, (SELECT group_concat(h.value, ', ') FROM json_each(m.p, '$.hypotheses') h) || ': ' || (m.p->>'$.reason')
    AS detail
  FROM m WHERE m.kind = 'plan.deviated'
)""",
        """SELECT m.at,
  CASE m.kind WHEN 'settings.changed' THEN 'set' WHEN 'judge.reopened' THEN 'judge again'
    WHEN 'plan.deviated' THEN 'deviate' ELSE m.p->>'$.action' END AS action,
  coalesce(changed.detail, reopened.detail, deviated.detail, m.p->>'$.detail') AS detail
FROM m LEFT JOIN changed ON changed.seq = m.seq LEFT JOIN reopened ON reopened.seq = m.seq
LEFT JOIN deviated ON deviated.seq = m.seq ORDER BY m.seq""",
    ),
}
