"""Reading what a model replied. A reply counts only if it says one thing clearly; nothing is repaired.

A judge's verdict is its own last statement: an object `{"ranking": …}`, or, in a reply in which no object begins, a
list of the labels or a line like `B > A > C`. It reads texts of which each may hold such a statement, and may quote
one. So all objects in a reply must agree, and neither the words that lead into the last one, nor any words after it,
nor comments in them may name a label: "Answer C says {…}", or "{…}. I rank B first", is no ranking. The same holds of
lists and lines. Words themselves are not read: whatever they say, what counts is whether a label is among them, and not
which ranking that would favour. What a model thinks between <think> and </think> before it speaks is no statement.

How labels may be spelled is said in `spellings`, how objects may be in `objects`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import Any, NamedTuple

from core.facts.judging.objects import LONGEST_REPLY, MOST_STARTS, Malformed, objects_in
from core.facts.judging.spellings import bare_orders, labels_named, names_a_label

READING_RULE = 1
"""The rule by which judges' replies are read and sorted (`outcomes`); a record names it with each call."""

SEEMING = re.compile(r"""\{\s*(?:["'}]|//|\w+\s*:)""")
"""Where somebody began an object, whether or not it can be read."""

THOUGHTS = re.compile(r"\s*<think>.*?</think>", re.DOTALL)
DRAFTS = re.compile(r"\{[^{}]*\}|\[[^\[\]]*\]")
LEADING = re.compile(r"(?:[:：]|```\w*)$")


class Statement(NamedTuple):
    """What a reply says, all its statements agreeing; the words before and after the last, and those of comments."""

    value: Any
    before: str
    after: str
    remarks: str


class _Said(NamedTuple):
    """One statement of a reply, and where it begins and ends."""

    value: Any
    begin: int
    end: int
    remarks: str


def parse_ranking(text: str, labels: Sequence[str]) -> tuple[str, ...]:
    """The labels, best first.

    Raises:
        Malformed: there is no ranking, or it may be a quotation, or it is not the last word, or there are several that
            disagree, or it is not an order of exactly these labels.
    """
    named = labels_named(_last_word(text, labels), labels)
    if named is None:
        raise Malformed("`ranking` is not a list of labels")
    if sorted(named) != sorted(labels):
        raise Malformed(f"`ranking` must name each of {', '.join(labels)} once")
    return named


def parse_questions(text: str, count: int) -> tuple[str, ...]:
    """The first `count` distinct questions, trimmed: how replies were read before there was a rule (`written`).

    Raises:
        Malformed: there is no list of texts, or it has too few distinct ones.
    """
    distinct = questions_listed(text)
    if len(distinct) < count:
        raise Malformed(f"{len(distinct)} distinct questions, {count} were asked for")
    return tuple(distinct)[:count]


def questions_listed(text: str) -> list[str]:
    """The distinct questions of a reply, trimmed; two that differ only in case or spacing are one.

    Raises:
        Malformed: there is no list of texts.
    """
    questions = _stated(_spoken(text), "questions", lambda value: value).value
    if not isinstance(questions, list) or not all(isinstance(question, str) for question in questions):
        raise Malformed("`questions` is not a list of texts")
    distinct: dict[str, str] = {}
    for question in questions:
        words = " ".join(question.casefold().split())
        if words and not any("\ud800" <= character <= "\udfff" for character in question):
            distinct.setdefault(words, question.strip())
    return list(distinct.values())


def _last_word(text: str, labels: Sequence[str]) -> Any:
    """The ranking of which nothing in the reply says that it is another's, or not the last word."""

    def meaning(value: Any) -> Any:
        named = labels_named(value, labels)
        return value if named is None else list(named)

    spoken = _outspoken(text, labels)
    said = _stated(spoken, "ranking", meaning, lambda: _said_bare(spoken, labels))
    if names_a_label(said.remarks, labels):
        raise Malformed("comments inside the JSON object name answers, so it may not be the last word")
    if names_a_label(said.after, labels):
        raise Malformed("words after the ranking name answers, so it is not the last word")
    if names_a_label(_lead_in(said.before), labels):
        raise Malformed("the words that lead into the ranking name an answer, so it may be a quotation")
    return said.value


def _outspoken(text: str, labels: Sequence[str]) -> str:
    """What a judge says aloud.

    A thought that does not end is none of it. Templates of some servers take away where thoughts begin. But an end may
    be quoted: where the words that lead into it name an answer, it ends nothing.
    """
    if "</think>" not in text:
        return "" if text.lstrip().startswith("<think>") else text
    thought, _, spoken = text.partition("</think>")
    if "<think>" in text or "</think>" in spoken or names_a_label(_lead_in(DRAFTS.sub("", thought)), labels):
        return _spoken(text)
    return spoken


def _spoken(text: str) -> str:
    """A reply without the thoughts that it begins with; where they end twice, a quotation may have ended them."""
    thoughts = THOUGHTS.match(text) if text.count("</think>") == 1 else None
    return text[thoughts.end() :] if thoughts else text


def _lead_in(before: str) -> str:
    """The words just before a statement: those in its line, and in lines above that a colon or a fence ends."""
    *above, line = before.split("\n")
    lines = (line.strip() for line in reversed(above))
    spoken = (line for line in lines if any(map(str.isalnum, line)) and not line.startswith("```"))
    return "\n".join([line, *takewhile(LEADING.search, spoken)])


def _stated(
    text: str, key: str, meaning: Callable[[Any], Any], otherwise: Callable[[], list[_Said]] = list
) -> Statement:
    """What the objects with `key` mean, or else other statements, which has to be the same."""
    if len(text) > LONGEST_REPLY:
        raise Malformed(f"the reply is longer than {LONGEST_REPLY} characters")
    said = [
        _Said(meaning(found.value[key]), found.begin, found.end, found.remarks)
        for found in objects_in(text)
        if key in found.value
    ] or otherwise()
    if not said:
        raise Malformed(f"no JSON object with `{key}` in the reply")
    if any(one.value != said[0].value for one in said):
        raise Malformed(f"several statements of `{key}` that disagree")
    ends = [0, *(one.end for one in said)]
    words = [text[last : one.begin] for last, one in zip(ends, said, strict=False)]
    return Statement(said[0].value, "".join(words), text[ends[-1] :], "\n".join(one.remarks for one in said))


def _said_bare(text: str, labels: Sequence[str]) -> list[_Said]:
    """Orders of labels outside of objects; none where an object was begun, since they may be parts of it."""
    if SEEMING.search(text):
        return []
    found = bare_orders(text, labels, MOST_STARTS)
    if len(found) > MOST_STARTS:
        raise Malformed(f"the reply holds more than {MOST_STARTS} orders of labels")
    if not all(order.placed for order in found):
        raise Malformed("an order of labels is part of a sentence, a list or a quotation, so it may be no statement")
    return [_Said(list(order.labels), order.begin, order.end, "") for order in found]
