"""What judge calls cost, from their tokens and a price: one rule for the budget and for reports."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Context, Decimal
from typing import Any, NamedTuple

from core.facts.judging.endpoints import endpoint_of

CHARACTERS_OF_A_TOKEN = 3
"""Of a prompt whose tokens nobody counted, so few that its real tokens are rarely more."""

_SIXTY_DIGITS = Context(prec=60)
"""Tokens and prices have at most 16 and 19 digits."""

_TOLD_IN_FULL = 15
"""Digits of an amount that is told in full."""


class Price(NamedTuple):
    """Of a million tokens, as `price` in the configuration says it."""

    input: Decimal
    output: Decimal
    cached_input: Decimal


class CallTokens(NamedTuple):
    """Of one call, or of many: those of the prompt, how many of these came from a cache, and those of the reply."""

    prompt: int = 0
    cached: int = 0
    completion: int = 0


def price_of(judge: Mapping[str, Any], config: Mapping[str, Any]) -> Price | None:
    """What the tokens of a judge cost: its own price, else that of its endpoint; None where neither has one."""
    given = judge.get("price") or endpoint_of(judge, config).get("price")
    if given is None:
        return None
    plain, output = Decimal(given["input"]), Decimal(given["output"])
    return Price(plain, output, Decimal(given.get("cached_input", plain)))


def cost_of(price: Price, tokens: CallTokens) -> Decimal:
    """What tokens cost, exact."""
    sums = [
        _SIXTY_DIGITS.multiply(price.input, Decimal(tokens.prompt - tokens.cached)),
        _SIXTY_DIGITS.multiply(price.cached_input, Decimal(tokens.cached)),
        _SIXTY_DIGITS.multiply(price.output, Decimal(tokens.completion)),
    ]
    total = Decimal(0)
    for one in sums:
        total = _SIXTY_DIGITS.add(total, one)
    return _SIXTY_DIGITS.scaleb(total, -6)


def money(amount: Decimal) -> str:
    """An amount for people: two digits after the point, or as many as it takes to see something of a small one."""
    if not amount.is_finite() or amount.adjusted() > _TOLD_IN_FULL:
        return f"{amount:.2e}"  # no run costs so much, but somebody's record may say so in a million digits
    if amount == 0 or abs(amount) >= Decimal("0.1"):
        return f"{amount:,.2f}"
    return f"{amount:.2g}"
