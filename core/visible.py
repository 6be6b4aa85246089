"""Showing text that may be hostile: data, models, judges and other people's runs.

A terminal obeys control characters, and bidirectional ones reorder what a person reads, so each of
them is replaced by a sign of its own. Markup is a matter of the caller: use `rich.text.Text`.
"""

from __future__ import annotations

import json
import re
import unicodedata

from core.facts.cells import sign_of

LIMIT = 20_000
"""Characters of one text that a screen shows; the record keeps all of it."""

_PERHAPS_UNSEEN = re.compile(r"[^\n\x20-\x7e]")

_MARKS_IN_A_ROW = 4
"""Combining marks that may follow one character; more would paint over the neighbouring lines."""


def visible(text: str) -> str:
    """The text with control, bidirectional and other unseen characters shown as signs.

    Line feeds stay. Other C0 controls and DEL become their pictures (ESC is ␛, NUL is ␀); what else
    has no look of its own (C1, U+202E, zero-width characters, lone surrogates) becomes <U+XXXX>.
    """
    if text.isascii() and text.isprintable():
        return text
    shown, marks = [], 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        shown.append(sign_of(character) if marks > _MARKS_IN_A_ROW else _sign(character))
    return "".join(shown)


def one_line(text: str, width: int = 200) -> str:
    """`visible`, on one line and cut to `width` characters with an ellipsis: for cells of tables."""
    shown = visible(text[: width + 1]).replace("\n", "␊")
    return shown if len(shown) <= width else shown[: width - 1] + "…"


def escaped(document: str) -> str:
    """A JSON document with everything that has no look of its own as \\u escapes; it says the same."""
    return _PERHAPS_UNSEEN.sub(lambda c: c[0] if _sign(c[0]) == c[0] else json.dumps(c[0])[1:-1], document)


def clipped(text: str, length: int | None = None, limit: int = LIMIT) -> str:
    """`visible`, with a note where only the beginning is shown.

    `length` is the length of the whole text where `text` holds only its beginning.
    """
    whole = len(text) if length is None else length
    if whole <= limit:
        return visible(text)
    return f"{visible(text[:limit])}\n[… {limit:,} of {whole:,} characters shown; the record holds all of them]"


def _sign(character: str) -> str:
    return sign_of(character) if character != "\n" and _unseen(character, ord(character)) else character


def _unseen(character: str, code: int) -> bool:
    """Controls, formats, surrogates, private use, unassigned, line separators, variation selectors."""
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        return True
    return 0xFE00 <= code <= 0xFE0D or 0xE0100 <= code <= 0xE01EF
