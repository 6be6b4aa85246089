"""The files that a pool of tables was made from, and who keeps a seat in a replacement round.

They are not in its pool, so they are read from its files again.
"""

from __future__ import annotations

from core.config import RunConfig
from core.data.tables import Person, read_tables
from core.errors import InputError
from storage.record.reader import Reader

_FILES = """SELECT f.value->>'$.name' AS name, f.value->>'$.sha256' AS sha256
  FROM events e, json_each(e.payload, '$.files') f
  WHERE e.seq = (SELECT max(seq) FROM events WHERE kind = 'pool.built')"""


def pool_files(reader: Reader) -> list[tuple[str, str]]:
    """Name and SHA-256 of each."""
    return [(row["name"], row["sha256"]) for row in reader.query(_FILES)]


def seated(reader: Reader, config: RunConfig) -> tuple[Person, ...]:
    """The people who accepted in earlier rounds; none where the run is no replacement round.

    Raises:
        InputError: a file is missing, or is not the one that the run was made from.
    """
    if not config.data.people_only or config.data.responses is None:
        return ()
    tables = read_tables(config.data)
    recorded = [sha256 for _, sha256 in pool_files(reader)]
    changed = [file.name for file in tables.files if file.sha256 not in recorded]
    if changed:
        raise InputError(f"{', '.join(changed)} changed since the run read it; put the old file back")
    return tables.kept
