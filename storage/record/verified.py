"""What the last verification of a run said, for whoever lists runs; kept in `control/verified.json`, beside the record.

It proves nothing to anybody: whoever can write the record can write this note. Only `dempo verify` says how a record
stands, and this says what it said here, and when.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from core.durable import write_durably
from core.run_folder import RunFolder
from storage.check import VERDICTS, Check
from storage.errors import StorageError
from storage.record.codec import now
from storage.record.foreign import is_imported
from storage.record.reader import Reader

_MOST_BYTES = 10_000
"""Of a note that is looked at."""


@dataclass(frozen=True)
class Verified:
    """The outcome of a verification.

    Attributes:
        at: when it ended.
        seq, hash: the last event that was recorded when it began; 0 and "" where the record could not be read.
        counts: how many checks had each verdict; those with none are left out.
        failed: the first check that failed, or "".
        event: the first event that breaks it, where there is one.
    """

    at: str
    seq: int
    hash: str
    counts: Mapping[str, int]
    failed: str = ""
    event: int | None = None

    @property
    def unchecked(self) -> int:
        """Checks that could not be made."""
        return self.counts.get("unchecked", 0)


def recorded_head(root: Path) -> tuple[int, str]:
    """Number and hash of the last event, to be asked before a verification begins; (0, "") where nobody can say."""
    with suppress(StorageError):
        seq, found = Reader(root).head()
        if isinstance(seq, int) and isinstance(found, str):
            return seq, found
    return 0, ""


def counted(at: str, head: tuple[int, str], checks: Sequence[tuple[str, str, int | None]]) -> Verified:
    """The outcome of checks by name, verdict and the event that breaks it."""
    verdicts = [verdict for _, verdict, _ in checks]
    counts: dict[str, int] = {verdict: verdicts.count(verdict) for verdict in VERDICTS if verdict in verdicts}
    failed, event = next(((name, event) for name, verdict, event in checks if verdict == "failed"), ("", None))
    return Verified(at, *head, counts, failed, event)


def note_verification(root: Path, head: tuple[int, str], checks: Sequence[Check]) -> None:
    """Leaves a note of what the checks of a run said. Into somebody else's run, and where nothing can be written,
    nothing is, and nothing is said of it.

    Args:
        head: `recorded_head`, before they began.
    """
    note = counted(now(), head, [(check.name, check.verdict, check.event) for check in checks])
    folder = RunFolder(root)
    with suppress(OSError):
        if not is_imported(root):
            folder.control.mkdir(exist_ok=True)
            write_durably(folder.verified, json.dumps(asdict(note)).encode())


def last_verification(root: Path) -> Verified | None:
    """What the last verification of a run said; None where there was none, where the note says nothing that can be
    understood, and of somebody else's run, in whose folder nobody here writes."""
    try:
        if is_imported(root):
            return None
        with RunFolder(root).verified.open("rb") as stream:
            return _understood(json.loads(stream.read(_MOST_BYTES)))
    except (OSError, ValueError, RecursionError, TypeError, AttributeError):
        return None


def _understood(note: dict[str, Any]) -> Verified:
    """
    Raises:
        ValueError, TypeError, AttributeError: it is not what `note_verification` writes.
    """
    found = Verified(**note)
    datetime.fromisoformat(found.at)
    texts = (found.at, found.hash, found.failed)
    numbers = (found.seq, *found.counts.values(), *([] if found.event is None else [found.event]))
    if not all(type(text) is str for text in texts) or not all(type(n) is int and n >= 0 for n in numbers):
        raise ValueError("a text is no text, or a number no number")
    if not found.counts.keys() <= set(VERDICTS) or bool(found.failed) != bool(found.counts.get("failed")):
        raise ValueError("the counts are not those of the verdicts")
    return found
