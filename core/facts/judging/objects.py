"""JSON objects in what a model replied, found between its words.

Models also write objects as other languages do: with a comma after the last entry, in single quotes, with comments
after `//`, with line breaks inside a text. Such an object is read where no JSON is. Nothing that is missing is put in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

LONGEST_REPLY = 200_000
"""Characters; a longer reply is not searched for JSON."""

MOST_READ = 10 * LONGEST_REPLY
"""Characters that are read in search of JSON, from all places together where an object could begin."""

MOST_READ_AGAIN = LONGEST_REPLY
"""Characters of them that are read a second time without an object: that takes longer for each."""

MOST_STARTS = 200
"""Places where an object seems to begin and no JSON is: an error at each takes as long as the text before it."""

BEGINNINGS = re.compile(r"""\{[ \t\n\r]*(?://[^\n{]*\n[ \t\n\r]*)*["'}]""")
"""Where an object can begin. A comment before its first key holds no brace, or each of many would read all others."""

TOKENS = re.compile(
    r"""(?P<blank>[ \t\n\r]+) | (?P<comment>//[^\n]*)
    | (?P<double>"[^"\\]*(?:\\.[^"\\]*)*") | (?P<single>'[^'\\]*(?:\\.[^'\\]*)*')
    | (?P<mark>[\[\]{},:]) | (?P<word>-?[0-9][0-9.eE+-]*|true|false|null)""",
    re.DOTALL | re.VERBOSE,
)
REQUOTED = re.compile(r'\\.|"', re.DOTALL)
TOLD = ("ranking", "questions")
"""Keys that models are asked for, in small letters; they may write them in others."""


class Malformed(ValueError):
    """The reply cannot be read; the message says why."""


class FoundObject(NamedTuple):
    """An object, where it begins and ends, and the words of its comments."""

    value: dict[str, Any]
    begin: int
    end: int
    remarks: str


def objects_in(text: str) -> Iterator[FoundObject]:
    """The objects of a text that lie outside each other, from left to right.

    Raises:
        Malformed: an object says something twice or is nested too deeply, or too much begins like one and is none.
    """
    begun, read, again, starts = BEGINNINGS.search(text), 0, 0, 0
    while begun is not None:
        position = begun.start()
        found, reached = _decoded(text, position)
        if found is None:
            read, starts = read + reached - position, starts + 1
            found, reached = _respelled(text, position)
            if found is None:
                again += reached - position
            if read > MOST_READ or again > MOST_READ_AGAIN or starts > MOST_STARTS:
                raise Malformed("the reply holds too much that begins like JSON and is none")
        if found is not None:
            yield found
        begun = BEGINNINGS.search(text, position + 1 if found is None else found.end)


def _decoded(text: str, position: int) -> tuple[FoundObject | None, int]:
    """The JSON object that begins at a place, if one does, and how far the text was read."""
    try:
        value, end = _STRICT.raw_decode(text, position)
    except Malformed:
        raise
    except RecursionError as error:
        raise Malformed("the reply is nested too deeply") from error
    except ValueError as error:
        return None, getattr(error, "pos", len(text))
    return FoundObject(value, position, end, ""), end


def _respelled(text: str, position: int) -> tuple[FoundObject | None, int]:
    """The object at a place where no JSON is, spelled as JSON token by token; and how far the text was read."""
    written: list[str] = []
    remarks: list[str] = []
    depth, end = 0, position
    while depth or not written:
        token = TOKENS.match(text, end)
        if token is None:
            return None, len(text) if text.startswith(('"', "'"), end) else end
        kind, piece, end = token.lastgroup, token.group(), token.end()
        if kind == "comment":
            remarks.append(piece[2:])
        elif kind != "blank":
            depth += (piece in ("{", "[")) - (piece in ("}", "]"))
            if piece in ("}", "]") and written[-1] == "," and written[-2] not in ("{", "[", ",", ":"):
                written.pop()
            written.append(_in_double_quotes(piece) if kind == "single" else piece)
    try:
        return FoundObject(_LOOSE.decode("".join(written)), position, end, "\n".join(remarks)), end
    except Malformed:
        raise
    except RecursionError as error:
        raise Malformed("the reply is nested too deeply") from error
    except ValueError:
        return None, end


def _in_double_quotes(piece: str) -> str:
    """A text in single quotes as one in double quotes."""
    spelled = {"\\'": "'", '"': '\\"'}
    inner = REQUOTED.sub(lambda found: spelled.get(found.group(), found.group()), piece[1:-1])
    return f'"{inner}"'


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object with the keys that models are asked for in small letters."""
    told = [(name.lower() if name.lower() in TOLD else name, value) for name, value in pairs]
    names = [name for name, _ in told]
    for name in TOLD:
        if names.count(name) > 1:
            raise Malformed(f"a JSON object says `{name}` twice")
    return dict(told)


_STRICT = json.JSONDecoder(object_pairs_hook=_without_repeats)
_LOOSE = json.JSONDecoder(object_pairs_hook=_without_repeats, strict=False)
"""It takes line breaks inside a text."""
