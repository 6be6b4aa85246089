"""The draw: which panel and members a key picks, who stands in for them, and what a public draw commits to.

From an exact lottery:

1. A number below the lottery's denominator picks the composition p with probability λ_p.
2. For each type in its order, x_{p,t} of its n_t raters are taken uniformly, in a forward shuffle of
   the type's raters in the order of the pool.

So P(rater i is drawn) = Σ_p λ_p·x_{p,t(i)} / n_{t(i)} = π_i. From a uniform lottery step 1 is the
whole draw: each of its m panels names its members.

Alternates stand in for members of their own type, so that every quota stays met. Their order comes from
a stream of its own, the child "alternates" of the draw's key. The random numbers are SHA-256 in counter
mode with rejection sampling (`core.facts.randomness`), so anyone can redo the draw with a hash function.

A public draw's randomness nobody could choose, because its terms were published first:

1. The *commitment* is SHA-256 over the canonical JSON (RFC 8785) of the terms: run, draw, round, lottery,
   the future public source of randomness, the rule, and a hash each of pool, quotas, lottery and certificate.
2. Later the source publishes a *value*. Rule "hash": the key of the draw's random stream is SHA-256 over
   "dempo-draw-1", the commitment (hex) and the value, each after its length as 8 big-endian bytes. Rule
   "number" (uniform lotteries): the value is the panel's number; the same key orders the alternates only.

The four hashes are SHA-256 over the recorded payloads of some kinds of events (`COMMITTED_PARTS`), one after the
other as they stand in the record. Nothing is taken out of them, fields that may differ between two runs
(the solver's version, the attempt) included: a commitment binds this record, not a repetition of it, and so
anyone recomputes it from the database with one query and a hash function.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, Literal

from core.facts.randomness import RandomStream

Rule = Literal["hash", "number"]

DRAW_DOMAIN = "dempo-draw-1"

COMMITTED_PARTS: Mapping[str, tuple[str, ...]] = {
    "pool": ("pool.built",),
    "quotas": ("lottery.quotas", "lottery.types"),
    "lottery": ("lottery.panel", "lottery.solved"),
    "certificate": ("lottery.level",),
}
"""What a commitment hashes: name of the part, and the kinds of events that it is made of."""

PUBLIC_ORIGINS: Mapping[str, str] = {"hash": "public_hash", "number": "public_number"}
"""Where the seed of a public draw comes from (a key of `words.ORIGINS`), by rule."""


def draw_members(composition: Mapping[int, int], by_type: Sequence[Sequence[int]], stream: RandomStream) -> list[int]:
    """Pool indices of the members, in order.

    Args:
        composition: how many members each type has.
        by_type: pool indices of every type's raters, in order.
        stream: the draw's, after it picked the composition.
    """
    drawn: list[int] = []
    for t, count in sorted(composition.items()):
        if count:
            drawn += stream.sample(by_type[t], count)
    return sorted(drawn)


def draw_alternates(
    types: Iterable[int], by_type: Sequence[Sequence[int]], members: Collection[int], key: bytes
) -> dict[int, tuple[int, ...]]:
    """For each type on the panel: its raters who are not on it, in the order in which they stand in.

    Args:
        types: those on the panel.
        by_type: pool indices of every type's raters, in order.
        members: pool indices of the panel.
        key: the key of the draw (32 bytes).
    """
    stream, on_panel = RandomStream(key, "alternates"), set(members)
    found: dict[int, tuple[int, ...]] = {}
    for t in sorted(set(types)):
        others = [i for i in by_type[t] if i not in on_panel]
        found[t] = tuple(stream.sample(others, len(others)))
    return found


def seats_of(
    attributes: Sequence[str], types: Sequence[Sequence[str]], members: Iterable[int]
) -> dict[str, dict[str, int]]:
    """How many members have each category that any of them has, by attribute.

    Args:
        types: of each type, its category in each attribute.
        members: the type of each member.
    """
    found: dict[str, dict[str, int]] = {name: {} for name in attributes}
    for t in members:
        for name, category in zip(attributes, types[t], strict=True):
            found[name][category] = found[name].get(category, 0) + 1
    return found


def people_rows(
    rater_ids: Sequence[str],
    type_of: Sequence[int],
    attributes: Sequence[str],
    types: Sequence[Sequence[str]],
    chances: Iterable[Fraction],
    members: Collection[int],
) -> Iterator[dict[str, Any]]:
    """What a draw says of each person of the pool, in the order of the pool: the entries of its tree.

    Args:
        types: of each type, its category in each attribute.
        chances: π of each person.
        members: pool indices of the panel.
    """
    drawn = set(members)
    for i, (rater_id, t, chance) in enumerate(zip(rater_ids, type_of, chances, strict=True)):
        categories = dict(zip(attributes, types[t], strict=True))
        yield {"rater_id": rater_id, "attributes": categories, "pi": float(chance), "drawn": i in drawn}


def commitment_of(terms: Mapping[str, Any]) -> str:
    """SHA-256 over the terms as canonical JSON, hex; they hold texts and integers alone."""
    text = json.dumps(terms, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def hashes_of(payloads: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The hash of each of `COMMITTED_PARTS`.

    Args:
        payloads: kind and recorded payload of the events, in the order of the record.
    """
    states = {part: hashlib.sha256() for part in COMMITTED_PARTS}
    part_of = {kind: part for part, kinds in COMMITTED_PARTS.items() for kind in kinds}
    for kind, payload in payloads:
        states[part_of[kind]].update(payload.encode())
    return {part: state.hexdigest() for part, state in states.items()}


def draw_key(commitment: str, value: str) -> bytes:
    """The key of a public draw's random stream, 32 bytes."""
    state = hashlib.sha256()
    for text in (DRAW_DOMAIN, commitment, value):
        encoded = text.encode()
        state.update(len(encoded).to_bytes(8, "big"))
        state.update(encoded)
    return state.digest()


def has_numbered_panels(numerators: Sequence[int], members: Collection[object]) -> bool:
    """Whether the number of a panel, drawn uniformly, is the whole draw: panels name members and are equally likely."""
    return bool(members) and len(set(numerators)) == 1


def digits_of(panels: int) -> int:
    """How many digits the number of a panel is written with."""
    return len(str(panels - 1))


def is_panel_number(value: str, panels: int) -> bool:
    """Whether a value is the number of a panel, with exactly as many digits as the last one has ("007" of 1,000)."""
    return re.fullmatch(f"[0-9]{{{digits_of(panels)}}}", value) is not None and int(value) < panels
