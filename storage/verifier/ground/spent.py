"""What judge calls cost by the recorded tokens and prices, in words: nothing of it is claimed anywhere, so none can be
wrong."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from core.facts.judging.costs import CallTokens, cost_of, money, price_of
from storage.verifier.ground.changes import settings_of_record
from storage.verifier.ground.finding import sections
from storage.verifier.ground.record import Found, Record


def told_of_costs(record: Record, calls: Iterable[Found]) -> str:
    """What the calls of judges with a price cost, beside the budget; "" where there is neither.

    Of calls whose tokens the endpoint did not count it is only known that they cost something.
    """
    config = settings_of_record(record)
    judges = sections(config.get("judge") or {}, "judges", "label")
    try:
        prices = {label: price_of(judge, config) for label, judge in judges.items()}
        total, uncounted, priced = Decimal(0), 0, 0
        for event in calls:
            price = prices.get(event.values["judge"].rpartition("#")[0])
            if price is not None:
                priced += 1
                prompt, completion = event.values.get("prompt_tokens"), event.values.get("completion_tokens")
                uncounted += prompt is None or completion is None
                tokens = CallTokens(prompt or 0, event.values.get("cached_tokens") or 0, completion or 0)
                total += cost_of(price, tokens)
        budget = (config.get("judge") or {}).get("budget")
        beside = "" if budget is None else f" of a budget of {money(Decimal(budget))}"
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return ""  # a price or an endpoint that no configuration of this program has; other checks say so
    if not priced and not beside:
        return ""
    return f"they cost {money(total)}{beside}" + (f", {uncounted} of them without counted tokens" if uncounted else "")
