"""The pieces of SQL that views are made of: what belongs to a completed unit, and what is sealed beside a payload."""

from __future__ import annotations

import re

Views = dict[str, tuple[str, str]]
"""Of each view: its common table expressions, and the SELECT whose rows it shows."""

DONE = """done AS MATERIALIZED (
  SELECT stage, payload->>'$.unit' AS unit, max(payload->>'$.attempt') AS attempt
  FROM events WHERE kind = 'unit.completed' GROUP BY 1, 2
)"""
"""CTE `done`: the last completed attempt of every unit."""


_RECORDED = re.compile(r"WHERE e\.kind (= '.+'|IN \(.+\))\n\)")
"""How `recorded` ends, with the kinds."""


def from_first(sql: str) -> str:
    """The same SQL, looking only at units that were completed behind the first event of the kinds that it is about:
    a unit is completed behind its events, so what was completed before has none of them.

    A view of few events in a large record is read by it in no time.
    """
    found = _RECORDED.search(sql)
    if found is None or DONE not in sql:
        return sql
    kinds = f"kind {found[1]}"
    stages = f" AND stage IN (SELECT DISTINCT stage FROM events WHERE {kinds})" if "," in kinds else ""
    return sql.replace(DONE, _done_behind(kinds, stages), 1)


def _done_behind(kinds: str, more: str = "") -> str:
    return DONE.replace("GROUP BY", f"AND seq > (SELECT min(seq) FROM events WHERE {kinds}){more} GROUP BY")


DONE_OF_CALLS = _done_behind("kind = 'judge.called'")
"""CTE `done` of what judge calls belong to, as `from_first` has it."""


def people_of(payload: str) -> str:
    """SQL for the text of the part of a payload that is about people; NULL where it is withheld."""
    return f"(SELECT CAST(body AS TEXT) FROM blobs WHERE sha256 = {payload}->>'$.sealed.people.sha256')"


def private_of(payload: str) -> str:
    """SQL for the text of the part of a payload that leads back to the source; NULL where it is withheld."""
    return f"(SELECT CAST(body AS TEXT) FROM blobs WHERE sha256 = {payload}->>'$.sealed.private.sha256')"


def reason_of(payload: str) -> str:
    """SQL for why an engine ended, in a sentence; NULL where it is withheld."""
    return f"{private_of(payload)}->>'$.reason'"


def recorded(kind: str, *kinds: str) -> str:
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


def pool_with(*columns: str) -> str:
    """CTE `pool`: the raters of the newest pool by these fields of theirs; `place` is their place in its list."""
    listed = ", ".join("r.key AS place" if name == "place" else f"r.value->>'$.{name}' AS {name}" for name in columns)
    return f"""pool AS MATERIALIZED (
  SELECT {listed}
  FROM events e, json_each({people_of("e.payload")}, '$.raters') r
  WHERE e.seq = (SELECT max(seq) FROM events WHERE kind = 'pool.built')
)"""


def text_of(reference: str) -> str:
    """SQL for the readable text of a `Text` inside a payload."""
    digest = f"coalesce({reference}->>'shown', {reference}->>'sha256')"
    return f"(SELECT CAST(body AS TEXT) FROM blobs WHERE sha256 = {digest})"


ATTRIBUTES = (
    "(SELECT json_group_object(a.value, c.value) FROM json_each({names}) a JOIN json_each({values}) c USING (key))"
)
