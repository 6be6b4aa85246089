"""The database of a run: one append-only table `events`, content-addressed `blobs`, and views.

Triggers stop accidents; the hash chain gives the evidence. Every view that expands JSON
selects from a MATERIALIZED common table expression: without it a join of two views takes minutes.
The views are a public interface: columns may be added, none may be renamed.
"""

from __future__ import annotations

from core.facts.judging.costs import CHARACTERS_OF_A_TOKEN
from core.facts.training.steps_match import CANDIDATE_MARK

TABLES = {
    "events": """CREATE TABLE events (
  seq INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  stage TEXT NOT NULL,
  kind TEXT NOT NULL,
  payload TEXT NOT NULL CHECK (json_valid(payload)),
  prev TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT""",
    "blobs": """CREATE TABLE blobs (
  sha256 TEXT PRIMARY KEY,
  body BLOB NOT NULL
) STRICT""",
}

INDEXES = {"events_kind": "CREATE INDEX events_kind ON events(kind, seq)"}

TRIGGERS = {
    "events_append": """CREATE TRIGGER events_append BEFORE INSERT ON events
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM events)
BEGIN SELECT RAISE(ABORT, 'events are appended in order, one number after the other'); END""",
    "events_no_update": """CREATE TRIGGER events_no_update BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events are never changed'); END""",
    "events_no_delete": """CREATE TRIGGER events_no_delete BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END""",
    "blobs_keep": """CREATE TRIGGER blobs_keep BEFORE INSERT ON blobs
WHEN EXISTS (SELECT 1 FROM blobs WHERE sha256 = NEW.sha256)
BEGIN SELECT RAISE(IGNORE); END""",
    "blobs_no_update": """CREATE TRIGGER blobs_no_update BEFORE UPDATE ON blobs
BEGIN SELECT RAISE(ABORT, 'blobs are never changed'); END""",
    "blobs_no_delete": """CREATE TRIGGER blobs_no_delete BEFORE DELETE ON blobs
BEGIN SELECT RAISE(ABORT, 'blobs are never deleted'); END""",
}

DONE = """done AS MATERIALIZED (
  SELECT stage, payload->>'$.unit' AS unit, max(payload->>'$.attempt') AS attempt
  FROM events WHERE kind = 'unit.completed' GROUP BY 1, 2
)"""
"""CTE `done`: the last completed attempt of every unit."""


def people_of(payload: str) -> str:
    """SQL for the text of the part of a payload that is about people; NULL where it is withheld."""
    return f"(SELECT CAST(body AS TEXT) FROM blobs WHERE sha256 = {payload}->>'$.sealed.people.sha256')"


def private_of(payload: str) -> str:
    """SQL for the text of the part of a payload that leads back to the source; NULL where it is withheld."""
    return f"(SELECT CAST(body AS TEXT) FROM blobs WHERE sha256 = {payload}->>'$.sealed.private.sha256')"


def reason_of(payload: str) -> str:
    """SQL for why an engine ended, in a sentence; NULL where it is withheld."""
    return f"{private_of(payload)}->>'$.reason'"


def _recorded(kind: str, *kinds: str) -> str:
    """CTEs `done` and `m`: payloads `p` of these kinds that belong to the last completed attempt of their unit, with
    their parts `s` about people, and their `kind` where there are several."""
    named = "e.kind AS kind, " if kinds else ""
    wanted = f"IN ({', '.join(map(repr, (kind, *kinds)))})" if kinds else f"= '{kind}'"
    return f"""WITH {DONE}, m AS MATERIALIZED (
  SELECT {named}e.seq AS seq, e.payload AS p, {people_of("e.payload")} AS s FROM events e
  JOIN done ON done.stage = e.stage AND done.unit = e.payload->>'$.unit'
    AND done.attempt = e.payload->>'$.attempt'
  WHERE e.kind {wanted}
)"""


def _panels_drawn() -> str:
    """CTEs that end in `m`: every draw that was decided in its stage, else the last panel drawn for it."""
    return f"""{_recorded("draw.made").replace("m AS MATERIALIZED", "decided AS MATERIALIZED")},
proposed AS MATERIALIZED (
  SELECT max(seq) AS seq, payload AS p, {people_of("payload")} AS s FROM events
  WHERE kind = 'draw.made' AND payload->>'$.unit' IS NULL GROUP BY payload->>'$.draw'
),
m AS MATERIALIZED (
  SELECT seq, p, s FROM decided
  UNION ALL SELECT seq, p, s FROM proposed WHERE p->>'$.draw' NOT IN (SELECT p->>'$.draw' FROM decided)
)"""


def _pool(*columns: str) -> str:
    """CTE `pool`: the raters of the newest pool by these fields of theirs; `place` is their place in its list."""
    listed = ", ".join("r.key AS place" if name == "place" else f"r.value->>'$.{name}' AS {name}" for name in columns)
    return f"""pool AS MATERIALIZED (
  SELECT {listed}
  FROM events e, json_each({people_of("e.payload")}, '$.raters') r
  WHERE e.seq = (SELECT max(seq) FROM events WHERE kind = 'pool.built')
)"""


def _text(reference: str) -> str:
    """SQL for the readable text of a `Text` inside a payload."""
    digest = f"coalesce({reference}->>'shown', {reference}->>'sha256')"
    return f"(SELECT CAST(body AS TEXT) FROM blobs WHERE sha256 = {digest})"


_ATTRIBUTES = (
    "(SELECT json_group_object(a.value, c.value) FROM json_each({names}) a JOIN json_each({values}) c USING (key))"
)


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

_VIEWS: dict[str, tuple[str, str]] = {
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
    "raters": (
        f"""{_recorded("pool.built")},
types AS MATERIALIZED (
  SELECT t.value->>'$.type' AS type,
    {_ATTRIBUTES.format(names="m.p, '$.attributes'", values="t.value, '$.categories'")} AS attributes
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
        _recorded("lottery.quotas"),
        """SELECT m.p->>'$.lottery' AS lottery,
  q.value->>'$.attribute' AS attribute, q.value->>'$.category' AS category,
  CAST(q.value->>'$.target' AS REAL) AS target, q.value->>'$.lower' AS lower, q.value->>'$.upper' AS upper,
  q.value->>'$.slack' AS slack, q.value->>'$.in_pool' AS in_pool
FROM m, json_each(m.p, '$.quotas') q""",
    ),
    "types": (
        _recorded("lottery.types"),
        f"""SELECT m.p->>'$.lottery' AS lottery, t.value->>'$.type' AS type,
  {_ATTRIBUTES.format(names="m.p, '$.attributes'", values="t.value, '$.categories'")} AS attributes,
  t.value->>'$.size' AS size
FROM m, json_each(m.s, '$.types') t""",
    ),
    "inclusion_probabilities": (
        f"""{_recorded("lottery.solved")},
pi AS MATERIALIZED (
  SELECT m.p->>'$.lottery' AS lottery, t.key AS type, t.value AS pi FROM m, json_each(m.s, '$.pi') t
),
named AS MATERIALIZED (
  SELECT m.p->>'$.lottery' AS lottery, r.key AS place, r.value AS pi FROM m, json_each(m.s, '$.rater_pi') r
),
{_pool("place", "rater_id", "type")}""",
        """SELECT pi.lottery, pool.rater_id, coalesce(named.pi, pi.pi) AS pi
FROM pi JOIN pool ON pool.type = pi.type
LEFT JOIN named ON named.lottery = pi.lottery AND named.place = pool.place ORDER BY pi.lottery, pool.place""",
    ),
    "levels": (
        _recorded("lottery.level"),
        """SELECT p->>'$.lottery' AS lottery, p->>'$.level' AS level, p->>'$.probability' AS probability,
  s->'$.types' AS types, p->'$.binding' AS binding, p->>'$.exact' AS exact, p->>'$.proof' AS proof,
  p->>'$.gap' AS gap, p->>'$.seat' AS seat, p->'$.prices' AS prices, s->'$."values"' AS "values",
  p->>'$.bound' AS bound FROM m""",
    ),
    "panels": (
        _recorded("lottery.panel"),
        """SELECT p->>'$.lottery' AS lottery, p->>'$.panel' AS panel, p->>'$.probability' AS probability,
  p->>'$.numerator' AS numerator FROM m""",
    ),
    "panel_raters": (
        f"""{_recorded("lottery.panel")},
{_pool("place", "rater_id")},
named AS MATERIALIZED (
  SELECT m.p->>'$.lottery' AS lottery, m.p->>'$.panel' AS panel, r.value AS place FROM m, json_each(m.s, '$.raters') r
)""",
        """SELECT named.lottery, named.panel, pool.rater_id FROM named JOIN pool ON pool.place = named.place""",
    ),
    "panel_types": (
        _recorded("lottery.panel"),
        """SELECT m.p->>'$.lottery' AS lottery, m.p->>'$.panel' AS panel, c.value->>0 AS type, c.value->>1 AS count
FROM m, json_each(m.s, '$.counts') c""",
    ),
    "lotteries": (
        f"""{_recorded("lottery.solved")},
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
        _recorded("lottery.diagnosed"),
        """SELECT p->>'$.lottery' AS lottery, p->>'$.raters' AS raters, p->>'$.smallest' AS smallest,
  p->>'$.largest' AS largest, p->>'$.equal' AS equal, p->>'$.gini' AS gini, p->>'$.max_min_ratio' AS max_min_ratio,
  p->>'$.coefficient_of_variation' AS coefficient_of_variation, p->>'$.without_chance' AS without_chance,
  coalesce(s->'$.without_chance_types', '[]') AS without_chance_types, p->>'$.certain' AS certain,
  p->'$.empty_categories' AS empty_categories, p->'$.histogram' AS histogram FROM m""",
    ),
    "draws": (
        f"""{_recorded("draw.made")},
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
        _recorded("draw.alternates"),
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
{_pool("rater_id", "locale")},
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
    "conditions": (
        _recorded("condition.planned"),
        """SELECT p->>'$.condition' AS condition, p->>'$.source' AS source, p->>'$.transform' AS transform,
  p->>'$.estimator' AS estimator, s->>'$.pairs' AS pairs, p->>'$.raters' AS raters, p->>'$.steps' AS steps,
  p->>'$.batch' AS batch, s->>'$.effective_pairs' AS effective_pairs, s->>'$.held_out_raters' AS held_out_raters
FROM m""",
    ),
    "weights": (
        _recorded("condition.planned"),
        """SELECT m.p->>'$.condition' AS condition, w.value->>'$.rater_id' AS rater_id, w.value->>'$.pairs' AS pairs,
  w.value->>'$.weight' AS weight FROM m, json_each(m.s, '$.weights') w""",
    ),
    "weight_shares": (
        _recorded("weights.realised"),
        """SELECT m.p->>'$.condition' AS condition, d.value->>'$.decile' AS decile, d.value->>'$.raters' AS raters,
  d.value->>'$.pairs' AS pairs, d.value->>'$.due' AS due, d.value->>'$.realised' AS realised
FROM m, json_each(m.s, '$.deciles') d""",
    ),
    "train_steps": (
        f"""{_recorded("train.step")},
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
        _recorded("heldout.split"),
        """SELECT p->>'$.by' AS held_out_by, p->>'$.share' AS share, p->>'$.groups' AS groups_in_all,
  p->>'$.held_out' AS groups_held_out, p->>'$.raters' AS raters, p->>'$.emptied' AS emptied, s->>'$.pairs' AS pairs,
  s->>'$.measured' AS measured FROM m""",
    ),
    "heldout": (
        f"""{_recorded("heldout.measured")},
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
        f"""{_recorded("update.measured")},
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
        _recorded("recovery.measured"),
        """SELECT p->>'$.condition' AS condition, p->>'$.population_log_loss' AS population_log_loss,
  p->>'$.margin_agreement' AS margin_agreement, p->>'$.pairs' AS pairs, p->>'$.floor' AS floor,
  p->>'$.agreement_ceiling' AS agreement_ceiling FROM m""",
    ),
    "questions": (
        f"""{_recorded("questions.planned")},
clauses AS MATERIALIZED (
  SELECT c.value->>'$.clause_id' AS clause_id, {_text("(c.value->'$.text')")} AS clause
  FROM m, json_each(m.p, '$.clauses') c
),
q AS MATERIALIZED (
  SELECT q.key AS place, q.value->>'$.question_id' AS question_id, q.value->>'$.clause_id' AS clause_id,
    {_text("(q.value->'$.text')")} AS question
  FROM m, json_each(m.p, '$.questions') q
)""",
        """SELECT q.question_id, q.clause_id, clauses.clause, q.question
FROM q LEFT JOIN clauses ON clauses.clause_id = q.clause_id ORDER BY q.place""",
    ),
    "answers": (
        _recorded("answer.given", "answer.read", "answer.received"),
        f"""SELECT p->>'$.condition' AS condition, p->>'$.question_id' AS question_id, p->>'$.clause_id' AS clause_id,
  {_text("(p->'$.answer')")} AS answer, coalesce(p->>'$.tokens', p->>'$.completion_tokens') AS tokens,
  coalesce(p->>'$.finish', p->>'$.finish_reason') AS finish, substr(kind, 8) AS origin FROM m ORDER BY seq""",
    ),
    "answer_speed": (
        f"""{_recorded("answer.given")},
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
    "judge_calls": (
        _recorded("judge.called"),
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
    (length({_text("(m.p->'$.prompt')")}) + {CHARACTERS_OF_A_TOKEN - 1}) / {CHARACTERS_OF_A_TOKEN} AS most
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
        _recorded("judge.called"),
        """SELECT m.p->>'$.question_id' AS question_id, m.p->>'$.clause_id' AS clause_id, m.p->>'$.judge' AS judge,
  r.key + 1 AS position, r.value AS condition
FROM m, json_each(m.p, '$.ranking') r WHERE m.p->>'$.outcome' = 'ranked'""",
    ),
    "leaderboards": (
        f"""{_recorded("leaderboard.computed")},
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
        f"""{_recorded("leaderboard.computed", "condition.planned")},
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
        _recorded("leaderboard.computed"),
        """SELECT m.p->>'$.method' AS method, d.key AS name, d.value AS value FROM m, json_each(m.p, '$.detail') d""",
    ),
    "places": (
        _recorded("leaderboard.computed"),
        """SELECT m.p->>'$.method' AS method, c.key AS condition, s.key + 1 AS place, s.value AS share
FROM m, json_each(m.p, '$.places') c, json_each(CASE c.type WHEN 'array' THEN c.value ELSE '[]' END) s""",
    ),
    "pairwise": (
        _recorded("pairwise.computed"),
        """SELECT r.value->>'$.condition' AS condition, r.value->>'$.other' AS other, r.value->>'$.votes' AS votes,
  r.value->>'$.votes_against' AS votes_against, r.value->>'$.win_rate' AS win_rate, r.value->>'$.low' AS low,
  r.value->>'$.high' AS high, r.value->>'$.majority_win_rate' AS majority_win_rate,
  r.value->>'$.majority_low' AS majority_low, r.value->>'$.majority_high' AS majority_high,
  r.value->>'$.mean_margin' AS mean_margin
FROM m, json_each(m.p, '$.rows') r""",
    ),
    "judge_diagnostics": (
        _recorded("diagnostics.computed"),
        """SELECT d.key AS name, d.value AS value FROM m, json_each(m.p, '$.values') d""",
    ),
    "robustness": (
        _recorded("robustness.computed"),
        """SELECT a.value->>'$.analysis' AS analysis, a.value->>'$.left_out' AS left_out,
  a.value->>'$.method' AS method,
  (SELECT group_concat(w.value, ' = ') FROM json_each(a.value, '$.order[0]') w) AS winner,
  a.value->'$.order[0]' IS m.p->'$.order[0]' AS same_winner, a.value->'$.order' IS m.p->'$.order' AS same_order,
  a.value->'$.order' AS ranked, m.p->>'$.method' AS primary_method, m.p->'$.order' AS primary_ranked
FROM m, json_each(m.p, '$.analyses') a""",
    ),
    "pair_robustness": (
        _recorded("robustness.computed"),
        """SELECT r.value->>'$.condition' AS condition, r.value->>'$.other' AS other, r.value->>'$.agree' AS agree,
  json_array_length(m.p, '$.analyses') AS analyses, r.value->>'$.difference' AS difference,
  r.value->>'$.error_questions' AS error_questions, r.value->>'$.error_rankings' AS error_rankings,
  r.value->>'$.separated_questions' AS separated_questions, r.value->>'$.separated_rankings' AS separated_rankings,
  m.p->>'$.confidence' AS confidence
FROM m, json_each(m.p, '$.pairs') r""",
    ),
    "flips": (
        _recorded("robustness.computed"),
        """SELECT f.value->>'$.condition' AS condition, f.value->>'$.other' AS other,
  f.value->>'$.questions' AS questions, f.value->>'$.share' AS share, f.value->'$.removed' AS removed,
  f.value->>'$.measure' AS measure
FROM m, json_each(m.p, '$.flips') f""",
    ),
    "question_agreement": (
        _recorded("question_agreement.computed"),
        """SELECT r.value->>'$.question_id' AS question_id, r.value->>'$.clause_id' AS clause_id,
  r.value->>'$.rankings' AS rankings, r.value->>'$.kendall_tau' AS kendall_tau,
  r.value->>'$.top1_agreement' AS top1_agreement, r.value->>'$.top1_margin' AS top1_margin
FROM m, json_each(m.p, '$.rows') r ORDER BY 4, 5, 6, m.seq, r.key""",
    ),
    "clause_scores": (
        _recorded("clauses.scored"),
        """SELECT r.value->>'$.clause_id' AS clause_id, c.value->>'$.condition' AS condition,
  c.value->>'$.borda' AS borda, c.value->>'$.firsts' AS firsts, r.value->>'$.rankings' AS rankings
FROM m, json_each(m.p, '$.rows') r, json_each(r.value, '$.conditions') c""",
    ),
    "clause_leaders": (
        _recorded("clauses.scored"),
        """SELECT r.value->>'$.clause_id' AS clause_id,
  (SELECT group_concat(l.value, ' = ') FROM json_each(r.value, '$.leaders') l) AS leader,
  r.value->>'$.difficulty' AS difficulty, r.value->>'$.kendall_tau' AS kendall_tau
FROM m, json_each(m.p, '$.rows') r""",
    ),
    "length_controlled": (
        _recorded("length_controlled.computed"),
        """SELECT r.value->>'$.condition' AS condition, r.value->>'$.ability' AS ability, r.value->>'$.error' AS error,
  r.value->>'$.win_rate' AS win_rate, r.value->>'$.raw_win_rate' AS raw_win_rate, m.p->>'$.length' AS length,
  m.p->>'$.length_error' AS length_error, m.p->>'$.problem' AS problem
FROM m LEFT JOIN json_each(m.p, '$.rows') r""",
    ),
    "jury_leaderboards": (
        _recorded("jury.board"),
        """SELECT m.p->>'$.method' AS method, m.p->>'$.judge' AS judge, m.p->>'$.without' AS without,
  r.value->>'$.condition' AS condition, r.value->>'$.score' AS score, r.value->>'$.low' AS low,
  r.value->>'$.high' AS high, r.value->>'$.position' AS position, m.p->>'$.rankings' AS rankings,
  m.p->>'$.units' AS units, m.p->>'$.changes_winner' AS changes_winner
FROM m, json_each(m.p, '$.rows') r""",
    ),
    "judge_agreement": (
        _recorded("agreement.computed"),
        """SELECT r.value->>'$.name' AS name, r.value->>'$.value' AS value, r.value->>'$.low' AS low,
  r.value->>'$.high' AS high
FROM m, json_each(m.p, '$.rows') r""",
    ),
    "gold_rankings": (
        _recorded("gold.read"),
        """SELECT g.value->>'$.question_id' AS question_id, g.value->>'$.person' AS person, r.key + 1 AS position,
  r.value AS condition
FROM m, json_each(m.p, '$.rankings') g, json_each(g.value, '$.ranking') r""",
    ),
    "published_artefacts": (
        _recorded("people.read", "published.read"),
        """SELECT p->>'$.what' AS what, p->>'$.file.name' AS name, p->>'$.file.rows' AS rows,
  p->>'$.file.bytes' AS bytes, p->>'$.file.sha256' AS sha256, p->>'$.origin' AS origin,
  p->>'$.answers_differ' AS answers_differ
FROM m ORDER BY seq""",
    ),
    "published": (
        _recorded("people.compared", "published.compared"),
        """SELECT coalesce(m.p->>'$.name', m.p->>'$.what') AS file, r.value->>'$.method' AS method,
  r.value->>'$.measure' AS measure,
  r.value->>'$.condition' AS condition, r.value->>'$.other' AS other, r.value->>'$.published' AS published,
  r.value->>'$.recomputed' AS recomputed, r.value->>'$.difference' AS difference, r.value->>'$.low' AS low,
  r.value->>'$.high' AS high, r.value->>'$.verdict' AS verdict, r.value->>'$.reason' AS reason
FROM m, json_each(m.p, '$.rows') r ORDER BY m.seq, r.key""",
    ),
    "gold_agreement": (
        _recorded("gold.compared"),
        """SELECT r.value->>'$.judge' AS judge, r.value->>'$.measure' AS measure, r.value->>'$.value' AS value,
  r.value->>'$.low' AS low, r.value->>'$.high' AS high, r.value->>'$.chance' AS chance,
  r.value->>'$.questions' AS questions
FROM m, json_each(m.p, '$.rows') r""",
    ),
    "hypotheses": (
        f"""{_recorded("plan.recorded", "plan.tested")},
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
"""Of each view: its common table expressions, and the SELECT whose rows it shows."""


def _view(name: str, tables: str, select: str) -> str:
    """The rows are MATERIALIZED too, so that a join of two views can index them."""
    return f"CREATE VIEW {name} AS\n{tables},\nv AS MATERIALIZED (\n{select}\n)\nSELECT * FROM v"


VIEWS = {name: _view(name, *parts) for name, parts in _VIEWS.items()}

FORMAT: dict[str, str] = {**TABLES, **INDEXES, **TRIGGERS}
"""Name and exact SQL of what belongs to `SCHEMA_VERSION` and is held exactly."""

OBJECTS: dict[str, str] = {**FORMAT, **VIEWS}
"""Name and exact SQL of everything in a new database."""

VIEWS_VERSION = 2
"""Of the views alone, which show what is recorded and hold nothing: a record keeps those that it was made with, is
continued with them, and is read through these here."""

RELEASED_VIEWS = {
    1: "50ec0b5a936ee803640e535632b8a940008e45fc2bef2d061265a7ada37ed692",
    2: "1cfe55fd51fb1a6e0f8c70f2e682e5fcc695dd8542e812ecc7fa8bff60877794",
}
"""`schema_digest` of the views of each version; records hold no others."""
