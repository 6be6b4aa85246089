"""The files that events refer to, where they are here: each by its hash, under `artifacts/`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from storage.verifier.contents.whole import is_plain_file, withheld_by
from storage.verifier.ground.finding import Finding, same
from storage.verifier.ground.record import Record


def artifact_file(
    record: Record, artifact: Mapping[str, Any], media_type: str, what: str, seq: int, so: str = ""
) -> Path:
    """The file of an artifact of this type; where it is not here, the check ends with that.

    Args:
        what: the file, as sentences call it.
        so: what follows from its absence, from a comma on.
    """
    same(artifact["media_type"], media_type, f"the type of {what}", seq)
    path = record.root / "artifacts" / artifact["sha256"]
    if not is_plain_file(path):
        withheld = artifact["sha256"] in withheld_by(record.root)[1]
        told = "was withheld from this copy" if withheld else "is not here"
        raise Finding("withheld" if withheld else "unknown", f"{what} {told}{so}", seq)
    return path
