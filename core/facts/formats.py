"""Marks of what dempo writes, by which a reader knows it: of a record's database, and of the file of the pairs."""

PROGRAM_ID = 0x64656D70
"""`PRAGMA application_id` of a record's database: the letters "demp"."""

SCHEMA_VERSION = 3
"""Of tables, indexes, triggers and the fields that events have. It rises where a record of before would no longer fit:
a field that is gone, renamed, of another type or newly required. Fields that may be absent and new kinds need none."""

PAIRS_TYPE = "application/jsonl"
PAIRS_LAYOUT = {"format": "dempo-pairs", "version": 1}
"""How the first line of the file of the pairs begins."""
