"""Commit and reveal: a draw whose randomness nobody could choose, because its terms were published first.

1. The *commitment* is SHA-256 over the canonical JSON (RFC 8785) of the terms: run, draw, round, lottery,
   the future public source of randomness, the rule, and a hash each of pool, quotas, lottery and certificate.
2. Later the source publishes a *value*. Rule "hash": the key of the draw's random stream is SHA-256 over
   "dempo-draw-1", the commitment (hex) and the value, each after its length as 8 big-endian bytes. Rule
   "number" (uniform lotteries): the value is the panel's number; the same key orders the alternates only.

The four hashes are SHA-256 over the recorded payloads of some kinds of events (`PARTS`), one after the
other as they stand in the record. Nothing is taken out of them, fields that may differ between two runs
(the solver's version, the attempt) included: a commitment binds this record, not a repetition of it, and so
anyone recomputes it from the database with one query and a hash function.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Literal

import rfc8785

from core.errors import InputError
from core.events import DrawCommitted
from core.facts.randomness import RandomStream
from core.sortition.draw import draw_panel
from core.types import Lottery

Rule = Literal["hash", "number"]

DOMAIN = "dempo-draw-1"

PARTS: Mapping[str, tuple[str, ...]] = {
    "pool": ("pool.built",),
    "quotas": ("lottery.quotas", "lottery.types"),
    "lottery": ("lottery.panel", "lottery.solved"),
    "certificate": ("lottery.level",),
}
"""What a commitment hashes: name of the part, and the kinds of events that it is made of."""

_WHITE = " \t\r\n"
_NOT_EXACT = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True)
class Terms:
    """What is fixed before the randomness exists."""

    run: str
    draw: str
    round: int
    lottery: str
    hashes: Mapping[str, str]
    source: str
    rule: Rule

    def commitment(self) -> str:
        """SHA-256 over the terms as canonical JSON, hex."""
        return hashlib.sha256(rfc8785.dumps(asdict(self))).hexdigest()

    def event(self) -> DrawCommitted:
        """The commitment as it is recorded; the run is that of the record."""
        return DrawCommitted(
            draw=self.draw,
            round=self.round,
            lottery=self.lottery,
            hashes=dict(self.hashes),
            source=self.source,
            rule=self.rule,
            commitment=self.commitment(),
        )


def terms_of(committed: DrawCommitted, run: str) -> Terms:
    """The terms that a recorded commitment stands for."""
    return Terms(
        run=run,
        draw=committed.draw,
        round=committed.round,
        lottery=committed.lottery,
        hashes=committed.hashes,
        source=committed.source,
        rule=committed.rule,
    )


def hashes_of(payloads: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The hash of each of `PARTS`.

    Args:
        payloads: kind and recorded payload of the events, in the order of the record.
    """
    states = {part: hashlib.sha256() for part in PARTS}
    part_of = {kind: part for part, kinds in PARTS.items() for kind in kinds}
    for kind, payload in payloads:
        states[part_of[kind]].update(payload.encode())
    return {part: state.hexdigest() for part, state in states.items()}


def draw_key(commitment: str, value: str) -> bytes:
    """The key of the draw's random stream, 32 bytes."""
    state = hashlib.sha256()
    for text in (DOMAIN, commitment, value):
        encoded = text.encode()
        state.update(len(encoded).to_bytes(8, "big"))
        state.update(encoded)
    return state.digest()


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


def has_numbered_panels(lottery: Lottery) -> bool:
    """Whether the number of a panel, drawn uniformly, is the whole draw."""
    return bool(lottery.members) and len(set(lottery.numerators)) == 1


def panel_number(value: str, panels: int) -> int:
    """The number that a value writes with exactly as many digits as the last panel has ("007" of 1,000).

    Raises:
        InputError: it is written in another way, or there is no such panel.
    """
    digits = digits_of(panels)
    span = f"{0:0{digits}d} to {panels - 1}"
    if not re.fullmatch(f"[0-9]{{{digits}}}", value):
        raise InputError(f"the value {_short(value)} is not a number of {digits} digits; the panels are {span}")
    if int(value) >= panels:
        raise InputError(f"there is no panel {value}; the panels are {span}")
    return int(value)


def digits_of(panels: int) -> int:
    """How many digits the number of a panel is written with."""
    return len(str(panels - 1))


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
