"""What judges and question writers are asked, as chat messages.

The words, and how hostile texts are quoted, stand in `core.facts.judging.prompts`; a local model's own special tokens
are taken apart by `core.chat.taming`. A text can still *say* that it is the best answer: that is for the judge to see
through. What comes back is checked in `core.facts.judging.replies`, whatever the judge was talked into.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from core.errors import InputError
from core.facts.judging.prompts import (
    LABELS,
    TEMPLATES,
    Messages,
    asked_by,
    case_to_judge,
    case_to_write,
    quoted_text,
    spelled,
)
from core.types import Context, Message, Question


def labels_for(count: int) -> tuple[str, ...]:
    """The labels of `count` answers.

    Raises:
        InputError: fewer than two answers, or more than there are letters.
    """
    if count < 2:
        raise InputError(f"judging compares conditions, and there is {count}; configure at least two")
    if count > len(LABELS):
        raise InputError(f"{count} conditions cannot be ranked in one call; at most {len(LABELS)} can (labels A to Z)")
    return tuple(LABELS[:count])


@cache
def template_text(kind: str, own: str | None = None) -> str:
    """The template of a kind of judge, or of the writer, as the record holds it: its own, else the shipped one."""
    return own or spelled(TEMPLATES[kind])


def judge_messages(question: Question, answers: Sequence[str], kind: str = "openai", own: str | None = None) -> Context:
    """What a kind of judge is asked, by its `own` template or the shipped; answers[i] stands under the i-th label."""
    case, labels = quoted_case(question, answers), labels_for(len(answers))
    return _context(asked_by(json.loads(template_text(kind, own)), case, labels))


def ranking_schema(labels: Sequence[str], reasoning: bool = False) -> dict[str, Any]:
    """The JSON schema of a ranking, with the keywords that strict structured output allows; `reasoning` comes first,
    since what a model writes first is what the rest follows from."""
    schema = _list_schema("ranking", {"type": "string", "enum": list(labels)}, len(labels), len(labels))
    if not reasoning:
        return schema
    properties = {"reasoning": {"type": "string"}, **schema["properties"]}
    return {**schema, "properties": properties, "required": list(properties)}


def writer_messages(clause: str, count: int, own: str | None = None) -> Context:
    """Asks for `count` questions about one clause."""
    return _context(asked_by(json.loads(template_text("writer", own)), case_to_write(quoted_text(clause)), count=count))


def recorded_prompt(messages: Context) -> str:
    """A prompt as the record holds it."""
    return spelled([{"role": message.role, "content": message.content} for message in messages])


def _context(messages: Messages) -> Context:
    return tuple(Message(message["role"], message["content"]) for message in messages)  # type: ignore[arg-type]


def questions_schema(count: int) -> dict[str, Any]:
    """The JSON schema of a list of questions; some more than `count`, since those that repeat one do not count."""
    return _list_schema("questions", {"type": "string"}, count, 2 * count)


def _list_schema(name: str, items: Mapping[str, Any], least: int, most: int) -> dict[str, Any]:
    """An object with one list. Without a bound a weak model that is held to the schema never ends it."""
    return {
        "type": "object",
        "properties": {name: {"type": "array", "items": items, "minItems": least, "maxItems": most}},
        "required": [name],
        "additionalProperties": False,
    }


def quoted_case(question: Question, answers: Sequence[str]) -> str:
    """Rule, question and labelled answers as one JSON object."""
    labels_for(len(answers))
    return case_to_judge(quoted_text(question.clause), quoted_text(question.text), [quoted_text(a) for a in answers])
