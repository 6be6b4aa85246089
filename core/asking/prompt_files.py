"""Prompts of one's own: a TOML file of chat messages with places, read when the configuration is.

    [[messages]]
    role = "system"
    content = "You are a judge. …"

    [[messages]]
    role = "user"
    content = "{case} … {labels}"

What it says becomes a part of the configuration (`template`), and so of what is recorded and of the stage's key: the
file itself is not read again, neither by a resume nor by whoever verifies.
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.facts.judging.prompts import Messages, spelled

LONGEST_TEMPLATE = 50_000
"""Characters of a template, as it is recorded."""

PLACES = {"judge": {"case", "labels"}, "writer": {"case", "count"}}
"""What the template of who judges, and of who writes questions, has to hold."""

_ROLES = ("system", "user", "assistant")
_PLACE = re.compile(r"\{([a-z_]+)\}")


def read_template(path: Path, who: str) -> str:
    """The template in a file, as the record holds it.

    Args:
        who: a key of `PLACES`.

    Raises:
        InputError: the file cannot be read or is no such template.
    """
    try:
        content: Any = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read the prompt {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"the prompt {path} is not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"the prompt {path} is not valid TOML: {error}") from error
    if content.keys() != {"messages"}:
        raise InputError(
            f"the prompt {path} holds {', '.join(content) or 'nothing'}; it holds [[messages]] and nothing else"
        )
    try:
        return checked_template(spelled(content["messages"]), who)
    except (TypeError, ValueError) as error:
        raise InputError(f"the prompt {path}: {error}") from error


def checked_template(template: str, who: str) -> str:
    """A template as the record holds it, where it can be asked by.

    Raises:
        ValueError: it is no list of messages, or lacks a place, or has one twice or too many.
    """
    messages: Any = json.loads(template)
    if not isinstance(messages, list) or not messages or not all(map(_is_message, messages)):
        raise ValueError(
            "give a list of messages, each with `content` and a `role` (system, user or assistant) and nothing else"
        )
    if messages[-1]["role"] != "user" or any(message["role"] == "system" for message in messages[1:]):
        raise ValueError("the last message has to be the user's, and only the first can be the system's")
    if len(template) > LONGEST_TEMPLATE:
        raise ValueError(f"it is longer than {LONGEST_TEMPLATE:,} characters")
    _check_places(messages, PLACES[who])
    return template


def template_of_judge(template: str | None) -> str | None:
    """`checked_template` of who judges; None stays None."""
    return None if template is None else checked_template(template, "judge")


def template_of_writer(template: str | None) -> str | None:
    """`checked_template` of who writes questions; None stays None."""
    return None if template is None else checked_template(template, "writer")


def _is_message(message: Any) -> bool:
    return (
        isinstance(message, dict)
        and message.keys() == {"role", "content"}
        and message["role"] in _ROLES
        and isinstance(message["content"], str)
        and bool(message["content"].strip())
    )


def _check_places(messages: Messages, wanted: set[str]) -> None:
    """Each place once, in a message of the user, and nothing in braces that only looks like one."""
    found = [(name, message["role"]) for message in messages for name in _PLACE.findall(message["content"])]
    for name, role in found:
        if name not in wanted:
            raise ValueError(f"{{{name}}} is no place here (places: {', '.join(f'{{{x}}}' for x in sorted(wanted))})")
        if name == "case" and role != "user":
            raise ValueError("{case} stands in a message of the user: what models wrote is never said as the system")
    names = [name for name, _ in found]
    for name in sorted(wanted):
        if names.count(name) != 1:
            raise ValueError(f"it has {{{name}}} {names.count(name)} times; it needs it once")
