"""Levels of LEXIMIN that floating-point arithmetic could not decide: which they are, and how that is said.

Each level is recorded with the gap that its proof leaves. Up to `DECIDED` that is rounding. A larger gap says that
duals in floats did not prove the level: the best one may be higher by the gap, and the levels above it are proved
only for lotteries that keep it as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from core.facts.sortition.proof import ALLOWED_DIFFERENCE, DECIDED


def room(level: Mapping[str, Any]) -> float | None:
    """By how much a recorded level may be higher at most, as far as its proof tells; None where it is decided.

    `level` has `probability` and, where the record holds proofs, `gap` (a fraction as text). A gap that is
    no number leaves everything open: it comes from a stranger's record.
    """
    highest = 1 - float(level["probability"] or 0)
    try:
        gap = Fraction(level.get("gap") or 0)
    except (TypeError, ValueError, ZeroDivisionError):
        return highest
    return min(float(min(gap, Fraction(1))), highest) if gap > DECIDED else None


def undecided(levels: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The recorded levels that are not decided, in their order."""
    return [level for level in levels if room(level) is not None]


def allowed_difference(solved: Mapping[str, Any], levels: Sequence[Mapping[str, Any]]) -> Fraction:
    """How far π may be from the levels: by rounding; by what the record states of a uniform lottery, whose seats are
    whole, and of one with undecided levels, whose types may have more than the level that fixes them."""
    stated = "rater_pi" in solved or undecided(levels)
    return ALLOWED_DIFFERENCE + (Fraction(solved["max_difference"]) if stated else 0)


def undecided_sentence(lottery: str, levels: Iterable[Mapping[str, Any]]) -> str:
    """What has to be said of a lottery with undecided levels; empty where there is none.

    `levels` also have `level`, their number from 0.
    """
    found = undecided(levels)
    if not found:
        return ""
    first, widest = found[0], max(room(level) or 0 for level in found)
    further = f" ({len(found)} such levels; the widest room is {widest:.1e})" if len(found) > 1 else ""
    return (
        f"lottery {lottery!r}: floating-point arithmetic could not decide level {first['level']} (counted from 0), at "
        f"a probability of {float(first['probability']):.6f}: the best possible may be up to {room(first):.1e} "
        f"higher{further}. Every panel keeps the quotas, but from this level on the lottery is not proved to be LEXIMIN"
    )
