"""A payload as the one thing that every reader finds in it: read, and refused where another reader may read another.

Python knows `{"\\u0070osition": 1}` by its name, and SQLite before 3.45 does not; of a field named twice each takes the
one it likes. So a payload has to be its own RFC 8785 form, byte for byte.
"""

from __future__ import annotations

import json
import re
from typing import Any

from core.facts.canonical import LARGEST_INTEGER, canonical_text

_PYTHON_WRITES = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, sort_keys=True, separators=(",", ":")
)

_ODD_NUMBER = re.compile(r"\.0\b|\de[-+]")
"""Where Python may set out a number otherwise than RFC 8785."""


def parsed(text: str) -> dict[str, Any]:
    """A payload as a table.

    Raises:
        ValueError: it is no JSON object, is nested too deeply, or is not in its canonical form.
    """
    try:
        values = json.loads(text, parse_int=whole_number, parse_constant=_no_constant)
        canonical = is_canonical(text, values)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(values, dict):
        raise ValueError("it is no JSON object")
    if not canonical:
        raise ValueError("it is not in canonical form (RFC 8785), so other readers may read it otherwise")
    return values


def whole_number(digits: str) -> float:
    """Reads a number without a fraction as RFC 8785 means it: beyond ±(2^53 − 1) it is a double, written out."""
    number = int(digits)
    return number if abs(number) <= LARGEST_INTEGER else float(digits)


def _no_constant(name: str) -> Any:
    raise ValueError(f"it holds {name}, which is no JSON")


def is_canonical(text: str, value: Any) -> bool:
    """Whether a text is RFC 8785, byte for byte, that was read as `value` (with `whole_number` for its integers)."""
    try:
        return _is_plainly_canonical(text, value) or canonical_text(value) == text
    except ValueError:
        return False


def _is_plainly_canonical(text: str, value: Any) -> bool:
    """The quick way, for nearly all events: as Python's own encoder writes it, and nothing in it that this writes
    otherwise (numbers; the order of keys beyond U+D7FF)."""
    odd = (".0" in text or "e-" in text or "e+" in text) and _ODD_NUMBER.search(text)
    return text.isascii() and not odd and _PYTHON_WRITES.encode(value) == text
