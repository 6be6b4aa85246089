"""How models spell labels and orders of them: "Answer b", `A.`, "B > A > C", `["B", "A", "C"]`.

A spelling has one reading or none. Letters outside A to Z count only in their full-width forms.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

PRONOUN = "I"
"""A label that is also a word; by itself it names no answer."""

FULL_WIDTH = {0xFEE0 + ord(letter): letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"}

_NOUN = "(?i:answer|response|option|candidate)"
_MARKS = r"[ \t*_`]"
_BEGIN, _END = r"(?<![^\W_])", r"(?![^\W_])"
"""Around a word; an underscore is a mark of emphasis, not a letter."""

_OVER = "[>＞≻]"
_ENTRY = re.compile(rf"[\W_]*(?:{_NOUN}[\W_]*)?([A-Za-zＡ-Ｚａ-ｚ])[\W_]*")
_ORDER = re.compile(r"""[\w\s.,*`'"()>＞≻]*""")
"""What a text may hold that is an order: with `=`, `<` or `≥` among it, it is another one, or none."""

_TEXT = r'"[^"\\\[\]\n]{0,40}"'
_LIST = rf"\[\s*{_TEXT}(?:\s*,\s*{_TEXT})*\s*\]"


class BareOrder(NamedTuple):
    """Labels in an order, as a JSON list or as `B > A` among the words of a reply, and where it begins and ends.

    `placed` where it stands as a statement does: no part of a larger list; `B > A` in a line of its own, or after a
    colon and before a full stop; neither in a line that is marked as a quotation.
    """

    labels: tuple[str, ...]
    begin: int
    end: int
    placed: bool


def labels_named(value: Any, labels: Sequence[str]) -> tuple[str, ...] | None:
    """The label that each entry of a list, or of a text like "A > B" or "A, B", names; "" for an entry that names none.

    Returns:
        None where the value is no such thing.
    """
    if isinstance(value, str):
        over = re.split(_OVER, value)
        value = over if len(over) > 1 else value.split(",")
        if len(value) < 2 or not all(map(_ORDER.fullmatch, value)):
            return None
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        return None
    return tuple(_label(entry, labels) for entry in value)


def bare_orders(text: str, labels: Sequence[str], most: int) -> list[BareOrder]:
    """The first orders of labels in a text outside of objects, from left to right: `most` of them and one more."""
    found: list[BareOrder] = []
    for match in re.finditer(f"{_LIST}|{_chain(_letters(labels))}", text):
        listed = match.group().startswith("[")
        entries = re.findall(_TEXT, match.group()) if listed else re.split(_OVER, match.group())
        named = tuple(_label(entry, labels) for entry in entries)
        if any(named):
            found.append(BareOrder(named, *match.span(), _is_stated(text, *match.span(), listed)))
        if len(found) > most:
            break
    return found


def names_a_label(words: str, labels: Sequence[str]) -> bool:
    """Whether words name an answer: a capital by itself, or a small letter that can be no word.

    That is one in quotes, one after "answer" and its like, or one in an order such as `b > a`.
    """
    said = [label for label in labels if label != PRONOUN]
    small = _letters(said)
    capitals = "".join(letter for letter in small if letter.isupper())
    return bool(said) and any(
        re.search(pattern, words)
        for pattern in (
            rf"{_BEGIN}[{capitals}]{_END}",
            rf"{_BEGIN}{_NOUN}s?[ \t*_`\"':#(]+[{small}]{_END}",
            rf"([\"'`])[{small}]\1",
            _chain(small),
        )
    )


def _is_stated(text: str, begin: int, end: int, listed: bool) -> bool:
    """Whether an order of labels stands as a statement does."""
    stop = text.find("\n", end)
    before, after = text[text.rfind("\n", 0, begin) + 1 : begin], text[end : stop if stop >= 0 else len(text)]
    if before.lstrip().startswith(">"):
        return False
    if listed:
        return not text[:begin].rstrip().endswith("[") and not text[end:].lstrip().startswith("]")
    before, after = before.strip(" \t\r*_`#-"), after.strip(" \t\r*_`")
    return (not before or before.endswith((":", "："))) and (not after or after.startswith("."))


def _label(entry: str, labels: Sequence[str]) -> str:
    """The label that an entry names, "" if none: by case, "answer" before it, and marks around it none is another."""
    found = _ENTRY.fullmatch(entry)
    letter = found.group(1).translate(FULL_WIDTH).upper() if found else ""
    return letter if letter in tuple(labels) else ""


def _letters(labels: Sequence[str]) -> str:
    """All letters that stand for labels."""
    plain = "".join(labels) + "".join(labels).lower()
    return plain + "".join(chr(ord(letter) + 0xFEE0) for letter in plain)


def _chain(letters: str) -> str:
    """A pattern of `B > A` and the like."""
    one = rf"(?:{_NOUN}{_MARKS}+)?[{letters}]{_END}"
    return rf"{_BEGIN}{one}(?:{_MARKS}*{_OVER}{_MARKS}*{one})+"
