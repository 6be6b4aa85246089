"""Reading what a model replied. A reply counts only if it says one thing clearly; nothing is repaired.

The reply is JSON, or holds exactly one such JSON object among other words. Two objects that disagree are
no ranking: a judge that quotes an answer in which somebody wrote `{"ranking": …}` must not be misread.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

LONGEST_REPLY = 200_000
"""Characters; a longer reply is not searched for JSON."""


class Malformed(ValueError):
    """The reply cannot be read; the message says why."""


def parse_ranking(text: str, labels: Sequence[str]) -> tuple[str, ...]:
    """The labels, best first.

    Raises:
        Malformed: there is no ranking, more than one, or it is not an order of exactly these labels.
    """
    ranking = _only_value(text, "ranking")
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
    questions = _only_value(text, "questions")
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


def _only_value(text: str, key: str) -> Any:
    """The value under `key` in the reply's one JSON object that has it."""
    if len(text) > LONGEST_REPLY:
        raise Malformed(f"the reply is longer than {LONGEST_REPLY} characters")
    values = [found[key] for found in _objects(text) if key in found]
    if not values:
        raise Malformed(f"no JSON object with `{key}` in the reply")
    if any(value != values[0] for value in values):
        raise Malformed(f"several JSON objects with `{key}` that disagree")
    return values[0]


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """JSON objects of the text that lie outside each other, from left to right."""
    decoder = json.JSONDecoder(object_pairs_hook=_without_repeats)
    position = text.find("{")
    while position >= 0:
        try:
            value, end = decoder.raw_decode(text, position)
        except Malformed:
            raise
        except RecursionError as error:
            raise Malformed("the reply is nested too deeply") from error
        except ValueError:
            end = position + 1
        else:
            yield value
        position = text.find("{", end)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    for name in ("ranking", "questions"):
        if names.count(name) > 1:
            raise Malformed(f"a JSON object says `{name}` twice")
    return dict(pairs)
