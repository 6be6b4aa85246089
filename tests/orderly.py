"""A secret whose pseudonyms are in the order of some source ids, so that a test can say who comes first."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from core.data.pseudonyms import keep_secret, pseudonyms
from core.run_folder import SECRET_FILE, RunFolder


def keep_orderly_secret(root: Path, source_ids: Sequence[str]) -> None:
    """Gives a run that has none yet such a secret; for a handful of ids."""
    folder = RunFolder(root)
    folder.create()
    if (folder.private / SECRET_FILE).exists():
        return
    wanted = sorted(source_ids)
    for number in range(1_000_000):
        secret = hashlib.sha256(str(number).encode()).digest()
        names = pseudonyms(secret, wanted)
        if list(names) == sorted(names):
            keep_secret(folder.private, secret)
            return
    raise AssertionError("too many ids for a search")
