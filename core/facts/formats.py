"""Marks of what dempo writes, by which a reader knows it: of a record's database, and of the file of the pairs."""

PROGRAM_ID = 0x64656D70
"""`PRAGMA application_id` of a record's database: the letters "demp"."""

PAIRS_TYPE = "application/jsonl"
PAIRS_LAYOUT = {"format": "dempo-pairs", "version": 1}
"""How the first line of the file of the pairs begins."""
