"""Public draws as the engine makes them: the commitment to their terms, and what a value draws.

The rules are those of `core.facts.sortition.draw`.
"""

from __future__ import annotations

import re

from core.errors import InputError
from core.events import DrawCommitted, DrawMade
from core.facts.randomness import RandomStream
from core.facts.sortition.draw import (
    PUBLIC_ORIGINS,
    Rule,
    commitment_of,
    digits_of,
    draw_key,
    is_panel_number,
    people_rows,
    seats_of,
)
from core.facts.trees import root_of_rows
from core.sortition.draws.draw import draw_panel
from core.sortition.recording import RecordedLottery
from core.types import Lottery

_WHITE = " \t\r\n"
_NOT_EXACT = re.compile("[\0\ud800-\udfff]")


def commitment_to(terms: DrawCommitted, run: str) -> str:
    """SHA-256 over the terms as canonical JSON, hex: the run, and all that is recorded beside the commitment itself."""
    return commitment_of({"run": run, **terms.model_dump(exclude={"commitment"})})


def proposal(committed: DrawCommitted, source: RecordedLottery, value: str, leaf_key: str) -> DrawMade:
    """The panel that a public value draws, proposed until people decide.

    Raises:
        InputError: the rule is "number" and the value is no number of a panel.
    """
    key = draw_key(committed.commitment, value)
    panel, members = panel_by_rule(source.lottery, source.type_of, committed.rule, key, value)
    chances = source.lottery.inclusion(source.type_of)
    people = people_rows(source.rater_ids, source.type_of, source.attributes, source.types, chances, members)
    return DrawMade(
        draw=committed.draw,
        lottery=committed.lottery,
        panel=panel,
        seed=key.hex(),
        origin=PUBLIC_ORIGINS[committed.rule],
        members=[source.rater_ids[i] for i in members],
        leaf_key=leaf_key,
        root=root_of_rows(leaf_key, people),
        seats=seats_of(source.attributes, source.types, [source.type_of[i] for i in members]),
        outcome="proposed",
        round=committed.round,
        commitment=committed.commitment,
        value=value,
    )


def panel_by_rule(
    lottery: Lottery, type_of: tuple[int, ...], rule: Rule, key: bytes, value: str
) -> tuple[int, tuple[int, ...]]:
    """(number of the panel, pool indices of its members) that a public value draws.

    Raises:
        InputError: the rule is "number" and the value is no number of a panel.
    """
    if rule == "hash":
        return draw_panel(lottery, type_of, RandomStream.from_key(key))
    panel = panel_number(value, len(lottery.panels))
    return panel, lottery.members[panel]


def panel_number(value: str, panels: int) -> int:
    """The number that a value writes with exactly as many digits as the last panel has ("007" of 1,000).

    Raises:
        InputError: it is written in another way, or there is no such panel.
    """
    if is_panel_number(value, panels):
        return int(value)
    digits = digits_of(panels)
    span = f"{0:0{digits}d} to {panels - 1}"
    if re.fullmatch(f"[0-9]{{{digits}}}", value):
        raise InputError(f"there is no panel {value}; the panels are {span}")
    raise InputError(f"the value {_short(value)} is not a number of {digits} digits; the panels are {span}")


def given(text: str, what: str) -> str:
    """A text that people gave, without white space around it.

    Raises:
        InputError: it is empty, or the record could not hold it exactly.
    """
    stripped = text.strip(_WHITE)
    if not stripped:
        raise InputError(f"{what} is empty; write it in words that others can check")
    if _NOT_EXACT.search(stripped):
        raise InputError(f"{what} holds NUL or bytes that are not UTF-8 text, which the record cannot hold exactly")
    return stripped


def _short(value: str) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}…"
