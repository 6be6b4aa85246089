"""The names of files that `dempo export` writes; a bundle with any other is refused.

The manifest lists whatever a stranger put in, and people run the (genuine) `verify.py` inside the folder that they
unpacked: a `json.py` there may be run in place of Python's own, a `sitecustomize.py` wherever Python starts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from storage.imports.bundle import MANIFEST, BundleRefused

_ROOT = (
    "LICENSES.md",
    "LIMITS.md",
    "README.txt",
    "audit.db",
    "config.resolved.json",
    "config.toml",
    "events.jsonl",
    MANIFEST,
    "redacted.json",
    "report.html",
    "ro-crate-metadata.json",
    "verify.py",
    "versions.json",
)
_FOLDERS = (
    r"artifacts/[0-9a-f]{64}",
    r"heads/[1-9][0-9]{0,15}\.json",
    r"keys/[0-9a-f]{16}\.pub",
    r"plots/[a-z0-9_-]{1,60}\.svg",
    r"tables/[a-z_]{1,60}\.csv",
)
_WRITTEN = re.compile("|".join([*map(re.escape, _ROOT), *_FOLDERS]))


def refuse_strange(names: Iterable[str]) -> None:
    """Stops at a file that no export writes.

    Raises:
        BundleRefused: with its name.
    """
    for name in names:
        if _WRITTEN.fullmatch(name) is None:
            raise BundleRefused(
                f"it holds {name!r}, which `dempo export` does not write; don't unpack it, and don't run anything in it"
            )
