"""What came of a judge's call, from what came back: one rule for whoever records it and whoever checks it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from core.facts.plural import number_of

Outcome = Literal["ranked", "refused", "truncated", "malformed", "failed"]

Unranked = Literal["refused", "truncated", "malformed", "failed"]
"""What came of a call that gave no ranking."""

WANTED_COVERAGE = 0.95
"""Share of calls with a ranking below which it is said, where a run sets no other."""


def outcome_of(ranks: bool, finish: str | None, refusal: bool, tokens: int | None, limit: int) -> Outcome:
    """What a reply is. A whole ranking is a ranking, however the reply ended: or one that displeases could be lost by
    a word about its end.

    Args:
        ranks: the reply gives a ranking.
        finish: why it ended, as the endpoint says.
        refusal: the endpoint said that the model, or a filter, refused.
        tokens: how long it is, where the endpoint counted.
        limit: how long it may be; one that is shorter was not cut off by this limit, whatever the endpoint says.
    """
    if ranks:
        return "ranked"
    if refusal or finish == "content_filter":
        return "refused"
    if finish == "length" and (tokens is None or tokens >= limit):
        return "truncated"
    return "malformed"


def lost_calls(outcomes: Mapping[str, int]) -> str:
    """How many calls ended in which way without a ranking, in words; "" where none did."""
    return ", ".join(f"{count:,} {outcome}" for outcome, count in outcomes.items() if outcome != "ranked" and count)


def low_coverage(outcomes: Mapping[str, int], wanted: float) -> str:
    """What has to be said first of what comes out of these calls; "" where enough of them gave a ranking."""
    calls, ranked = sum(outcomes.values()), outcomes.get("ranked", 0)
    if not calls or ranked / calls >= wanted:
        return ""
    return (
        f"coverage {ranked / calls:.1%}: {ranked:,} of {number_of(calls, 'judge call')} gave a ranking "
        f"({lost_calls(outcomes)}), fewer than judge.coverage = {wanted:g} asks for; "
        "what was lost need not be like the rest"
    )
