"""Views of published artefacts, and of their numbers beside the run's own."""

from __future__ import annotations

from storage.record.views.sql_parts import Views, recorded

OF_PUBLISHED: Views = {
    "published_artefacts": (
        recorded("people.read", "published.read"),
        """SELECT p->>'$.what' AS what, p->>'$.file.name' AS name, p->>'$.file.rows' AS rows,
  p->>'$.file.bytes' AS bytes, p->>'$.file.sha256' AS sha256, p->>'$.origin' AS origin,
  p->>'$.answers_differ' AS answers_differ
FROM m ORDER BY seq""",
    ),
    "published": (
        recorded("people.compared", "published.compared"),
        """SELECT coalesce(m.p->>'$.name', m.p->>'$.what') AS file, r.value->>'$.method' AS method,
  r.value->>'$.measure' AS measure,
  r.value->>'$.condition' AS condition, r.value->>'$.other' AS other, r.value->>'$.published' AS published,
  r.value->>'$.recomputed' AS recomputed, r.value->>'$.difference' AS difference, r.value->>'$.low' AS low,
  r.value->>'$.high' AS high, r.value->>'$.verdict' AS verdict, r.value->>'$.reason' AS reason
FROM m, json_each(m.p, '$.rows') r ORDER BY m.seq, r.key""",
    ),
}
