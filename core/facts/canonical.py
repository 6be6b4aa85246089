"""Canonical JSON (RFC 8785): the one text of a payload, so that no two readers can find two payloads in it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

LARGEST_INTEGER = 2**53 - 1
"""The largest that every reader of JSON holds exactly, and the limit of all integers in a payload."""

_PLAIN = json.JSONEncoder(ensure_ascii=False)
"""Writes texts as RFC 8785 does: `"`, the backslash and control characters escaped, and nothing else."""


def canonical_text(value: Any) -> str:
    """RFC 8785 JSON of a value.

    Raises:
        ValueError: it holds an integer beyond ±(2^53 − 1), NaN, an infinity or a lone surrogate.
        TypeError: it holds what JSON has no form for.
    """
    text = _written(value)
    text.encode("utf-8")
    return text


def _written(value: Any) -> str:
    if isinstance(value, str):
        return _PLAIN.encode(value)
    if isinstance(value, (list, tuple)):
        return f"[{','.join(map(_written, value))}]"
    if isinstance(value, Mapping):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
        return f"{{{','.join([f'{_PLAIN.encode(key)}:{_written(value[key])}' for key in keys])}}}"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        raise ValueError(f"the integer {str(value)[:40]} is beyond ±(2^53 − 1)")
    return _PLAIN.encode(value)


def _number(value: float) -> str:
    """ECMAScript's Number::toString; Python finds the same digits, the shortest that read back, and sets them out
    otherwise."""
    if not math.isfinite(value):
        raise ValueError(f"JSON has no number for {value}")
    if value == 0:
        return "0"
    text = float.__repr__(value)
    if "e" not in text:
        return text[:-2] if text.endswith(".0") else text
    digits, exponent = text.split("e")
    return f"{Decimal(text):f}" if -7 < int(exponent) < 21 else f"{digits}e{int(exponent):+d}"
