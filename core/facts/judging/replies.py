"""Reading what a model replied. A reply counts only if it says one thing clearly; nothing is repaired.

A judge's verdict is its own last statement: a JSON object `{"ranking": …}`. It reads texts of which each may hold such
an object, and may quote one. So all objects in a reply must agree, and neither the words that lead into the last one
nor any words after it may name a label: "Answer C says {…}", or "{…}. I rank B first", is no ranking. Words themselves
are not read: whatever they say, what counts is whether a label is among them, and not which ranking that would favour.
What a model thinks between <think> and </think> before it speaks is no statement.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

READING_RULE = 1
"""The rule by which judges' replies are read and sorted (`outcomes`); a record names it with each call."""

LONGEST_REPLY = 200_000
"""Characters; a longer reply is not searched for JSON."""

MOST_READ = 10 * LONGEST_REPLY
"""Characters that are read in search of JSON, from all places together where an object could begin."""

MOST_STARTS = 200
"""Places where an object seems to begin and is none: an error at each takes as long as the text before it."""

BEGINNINGS = re.compile(r'\{[ \t\n\r]*["}]')
"""Where a JSON object can begin."""

THOUGHTS = re.compile(r"\s*<think>.*?</think>", re.DOTALL)
PRONOUN = "I"
"""A label that is also a word; by itself it names no answer."""


class Malformed(ValueError):
    """The reply cannot be read; the message says why."""


class Statement(NamedTuple):
    """A value that a reply gives in its JSON objects, and the words before and after the last of them."""

    value: Any
    before: str
    after: str


def parse_ranking(text: str, labels: Sequence[str]) -> tuple[str, ...]:
    """The labels, best first.

    Raises:
        Malformed: there is no ranking, or it may be a quotation, or it is not the last word, or there are several that
            disagree, or it is not an order of exactly these labels.
    """
    ranking = _last_word(text, labels)
    if not isinstance(ranking, list) or not all(isinstance(label, str) for label in ranking):
        raise Malformed("`ranking` is not a list of labels")
    if sorted(ranking) != sorted(labels):
        raise Malformed(f"`ranking` must name each of {', '.join(labels)} once")
    return tuple(ranking)


def parse_questions(text: str, count: int) -> tuple[str, ...]:
    """The first `count` distinct questions, trimmed; two that differ only in case or spacing are one.

    Raises:
        Malformed: there is no list of texts, or it has too few distinct ones.
    """
    questions = _statement(_spoken(text), "questions").value
    if not isinstance(questions, list) or not all(isinstance(question, str) for question in questions):
        raise Malformed("`questions` is not a list of texts")
    distinct: dict[str, str] = {}
    for question in questions:
        words = " ".join(question.casefold().split())
        if words and not any("\ud800" <= character <= "\udfff" for character in question):
            distinct.setdefault(words, question.strip())
    if len(distinct) < count:
        raise Malformed(f"{len(distinct)} distinct questions, {count} were asked for")
    return tuple(distinct.values())[:count]


def _last_word(text: str, labels: Sequence[str]) -> Any:
    """The ranking of which nothing in the reply says that it is another's, or not the last word."""
    said = _statement(_spoken(text), "ranking")
    if _naming(said.after, labels):
        raise Malformed("words after the JSON object name answers, so it is not the last word")
    if _naming(_lead_in(said.before), labels):
        raise Malformed("the words that lead into the JSON object name an answer, so it may be a quotation")
    return said.value


def _spoken(text: str) -> str:
    """A reply without the thoughts that it begins with; where they end twice, a quotation may have ended them."""
    thoughts = THOUGHTS.match(text) if text.count("</think>") == 1 else None
    return text[thoughts.end() :] if thoughts else text


def _lead_in(before: str) -> str:
    """The words just before an object: those in its line, else the line above it where that ends with a colon."""
    *above, line = before.split("\n")
    if any(map(str.isalnum, line)):
        return line
    lines = (line.strip() for line in reversed(above))
    last = next((line for line in lines if any(map(str.isalnum, line)) and not line.startswith("```")), "")
    return last if last.endswith(":") else ""


def _naming(words: str, labels: Sequence[str]) -> bool:
    """Whether a label stands among words, by itself."""
    letters = "".join(label for label in labels if label != PRONOUN)
    return re.search(rf"(?<![^\W_])[{letters}](?![^\W_])", words) is not None


def _statement(text: str, key: str) -> Statement:
    """What the objects with `key` say, which has to be the same."""
    if len(text) > LONGEST_REPLY:
        raise Malformed(f"the reply is longer than {LONGEST_REPLY} characters")
    said = [(found[key], begin, end) for found, begin, end in _objects(text) if key in found]
    if not said:
        raise Malformed(f"no JSON object with `{key}` in the reply")
    if any(value != said[0][0] for value, _, _ in said):
        raise Malformed(f"several JSON objects with `{key}` that disagree")
    ends = [0, *(end for _, _, end in said)]
    words = [text[last:begin] for last, (_, begin, _) in zip(ends, said, strict=False)]
    return Statement(said[0][0], "".join(words), text[ends[-1] :])


def _objects(text: str) -> Iterator[tuple[dict[str, Any], int, int]]:
    """JSON objects of the text that lie outside each other, from left to right, each with where it begins and ends."""
    decoder = json.JSONDecoder(object_pairs_hook=_without_repeats)
    begun, read, starts = BEGINNINGS.search(text), 0, 0
    while begun is not None:
        position = begun.start()
        try:
            value, end = decoder.raw_decode(text, position)
        except Malformed:
            raise
        except RecursionError as error:
            raise Malformed("the reply is nested too deeply") from error
        except ValueError as error:
            read, starts = read + getattr(error, "pos", len(text)) - position, starts + 1
            end = position + 1
        else:
            yield value, position, end
        if read > MOST_READ or starts > MOST_STARTS:
            raise Malformed("the reply holds too much that begins like JSON and is none")
        begun = BEGINNINGS.search(text, end)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    for name in ("ranking", "questions"):
        if names.count(name) > 1:
            raise Malformed(f"a JSON object says `{name}` twice")
    return dict(pairs)
