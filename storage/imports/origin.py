"""How somebody else's run came here: imported and checked, or unzipped by hand and checked by nobody."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from storage.export.redaction import NOTE
from storage.record.foreign import arrival, import_note

_MOST_BYTES = 4 * 1024**2
"""Of a verifier that is worth comparing."""

Verifier = Literal["same", "different", "missing", "unknown"]


@dataclass(frozen=True)
class Origin:
    """What is known of a run that came in a bundle.

    Attributes:
        how: imported by `dempo import`, or unpacked by somebody; only an import checks.
        source: file name of the bundle; "" where nobody noted it.
        sha256: of the bundle, or "".
        at: when it was imported, or "".
        redacted: whether texts were withheld.
        verifier: whether its verify.py is the one of the release that looked.
        chain: the same of its chain.py.
        verdicts: each check at import and what it said; none of an unpacked bundle.
    """

    how: Literal["imported", "unpacked"]
    source: str
    sha256: str
    at: str
    redacted: bool
    verifier: Verifier
    chain: Verifier
    verdicts: tuple[tuple[str, str], ...]

    def row(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self) | {"verdicts": dict(self.verdicts)}


def origin_of(root: Path) -> Origin | None:
    """How the run in this folder came here; None for a run that was made here."""
    how = arrival(root)
    if how == "":
        return None
    if how == "unpacked":
        from storage.verifier.shipped import CHAIN_NAME, VERIFIER_NAME

        verifier, chain = (verifier_in(root, name) for name in (VERIFIER_NAME, CHAIN_NAME))
        return Origin("unpacked", "", "", "", (root / NOTE).exists(), verifier, chain, ())
    note = import_note(root)
    return Origin(
        how="imported",
        source=_word(note.get("source")),
        sha256=_word(note.get("sha256")),
        at=_word(note.get("imported_at")),
        redacted=(root / NOTE).exists(),
        verifier=_stated(note.get("verifier")),
        chain=_stated(note.get("chain")),
        verdicts=_verdicts(note.get("checks")),
    )


def _stated(stated: object) -> Verifier:
    return stated if stated in ("same", "different", "missing") else "unknown"


def verifier_in(root: Path, name: str) -> Verifier:
    """Whether the verify.py or chain.py in a folder is the one that this program would have written."""
    path = root / name
    if not path.is_file():
        return "missing"
    try:
        with path.open("rb") as stream:
            body = stream.read(_MOST_BYTES)
    except OSError:
        return "unknown"
    return compared(name, hashlib.sha256(body).hexdigest())


def compared(name: str, digest: str | None) -> Verifier:
    """Whether the SHA-256 of a bundle's verify.py or chain.py is that of the one that this program writes."""
    if digest is None:
        return "missing"
    from storage.verifier.shipped import released_digest  # loads every check, and most runs came in no bundle

    return "same" if digest == released_digest(name) else "different"


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""


def _verdicts(checks: object) -> tuple[tuple[str, str], ...]:
    rows = checks if isinstance(checks, list) else []
    return tuple((_word(row.get("name")), _word(row.get("verdict"))) for row in rows if isinstance(row, dict))
