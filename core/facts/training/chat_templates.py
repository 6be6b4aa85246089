"""Chat templates: the plain one of this program, and the text that is used of a model's own."""

from __future__ import annotations

PLAIN_TEMPLATE = (
    "{% if bos_token %}{{ bos_token }}{% endif %}"
    "{% for message in messages %}"
    "{% if not loop.first %}{{ '\\n' }}{% endif %}"
    "{% if message['role'] == 'assistant' %}{{ 'Assistant: ' + message['content'] + eos_token }}"
    "{% elif message['role'] == 'system' %}{{ 'System: ' + message['content'] }}"
    "{% else %}{{ 'User: ' + message['content'] }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{% if messages %}{{ '\\n' }}{% endif %}{{ 'Assistant:' }}{% endif %}"
)
"""The plain template in Jinja, as it is saved beside every checkpoint."""

TEMPLATE_FILE = "chat_template.jinja"
"""The file of a checkpoint that holds its chat template."""

_CLOCK = "strftime_now"
_DATE = {
    "%d": "26",
    "%b": "Jul",
    "%B": "July",
    "%m": "07",
    "%Y": "2024",
    "%y": "24",
    "%A": "Friday",
    "%a": "Fri",
    "%H": "00",
    "%I": "12",
    "%M": "00",
    "%S": "00",
    "%p": "AM",
}
"""Llama 3.1 and 3.2 write this date themselves where there is no clock."""

_STOPPED_CLOCK = (
    "{% macro strftime_now(format) %}{{ format"
    + "".join(f" | replace('{code}', '{text}')" for code, text in _DATE.items())
    + " }}{% endmacro +%}"
)


def without_clock(template: str) -> str:
    """The text that is used of a model's own template: one that asks for the date is given 26 July 2024 each time.

    Its own text follows, letter by letter, on a macro of the name of the clock, so the same conversation gives the
    same tokens on any day, here and wherever else the saved template is used.
    """
    if _CLOCK not in template or template.startswith(_STOPPED_CLOCK):
        return template
    return _STOPPED_CLOCK + template


def template_kind(template: str) -> str:
    """What a template is called: "plain", or "model" for a model's own."""
    return "plain" if template == PLAIN_TEMPLATE else "model"
