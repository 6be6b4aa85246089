"""The files that `dempo export` writes, and what each is."""

from __future__ import annotations

import re

from storage.verifier.contents.whole import REDACTION_NOTE
from storage.verifier.ground.reading import FOREIGN_MARKS, MANIFEST_NAME

FILES = {
    "README.txt": "what this bundle is, how to check it and what is in it",
    "audit.db": "the record: one SQLite database, an append-only table of chained events",
    "events.jsonl": "the same events, one canonical JSON object per line",
    "config.toml": "the configuration as given",
    "config.resolved.json": "the configuration as resolved, from the first event",
    "versions.json": "versions, code, environment and devices of every engine that worked on the run",
    "report.html": "the run for people, in one self-contained file, as the exporter shows it",
    "LICENSES.md": "whose the parts of this bundle are",
    "LIMITS.md": "what this record can and cannot show",
    "verify.py": "checks the record with Python's standard library alone",
    "chain.py": "the same for schema, chain, texts and artifacts alone, short enough to be read first",
    REDACTION_NOTE: "what was withheld",
    FOREIGN_MARKS[0]: "this bundle as a Process Run Crate (RO-Crate 1.1)",
    MANIFEST_NAME: "SHA-256 of every other file",
}
FOLDERS = {
    "tables/": (r"[a-z_]{1,60}\.csv", "a view of the record as CSV"),
    "plots/": (r"[a-z0-9_-]{1,60}\.svg", "a plot of the record"),
    "artifacts/": ("[0-9a-f]{64}", "a large file that events refer to by its SHA-256"),
    "heads/": (r"[1-9][0-9]{0,15}\.json", "a signed head of the chain"),
    "keys/": (r"[0-9a-f]{16}\.pub", "the public key that signed heads"),
}
"""Of each folder: what its files are called, as a regular expression, and what one of them is."""

WRITTEN_BY_EXPORT = re.compile(
    "|".join([*map(re.escape, FILES), *(folder + name for folder, (name, _) in FOLDERS.items())])
)
