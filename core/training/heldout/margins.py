"""The file of the margins of held-out pairs."""

from __future__ import annotations

import json
from collections.abc import Sequence

from core.errors import InputError
from core.facts.training.split import MARGINS_FORMAT


def encode_margins(margins: Sequence[float]) -> bytes:
    """The margins as JSON, `{"format", "margins"}`, in the order of the measured pairs."""
    body = {"format": MARGINS_FORMAT, "margins": list(margins)}
    return json.dumps(body, separators=(",", ":"), allow_nan=False).encode()


def decode_margins(body: bytes) -> list[float]:
    """The inverse of `encode_margins`.

    Raises:
        InputError: they are of another format.
    """
    values = json.loads(body)
    if values["format"] != MARGINS_FORMAT:
        raise InputError(f"margins of format {values['format']!r} cannot be read; this program reads {MARGINS_FORMAT}")
    return [float(margin) for margin in values["margins"]]
