"""What the stage `judge` may cost: before a call begins, all that was spent and all that calls in flight can cost at
most has to stay within the budget together with it.

What a call can cost at most is a guess where it can only be one: a prompt has as many tokens as the largest that its
judge was counted, or as many as its characters allow; a reply is as long as it may be. Calls whose tokens the endpoint
does not count are taken for the most they can be. What requests cost that ended without a reply nobody says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from core.config import RunConfig, resolved
from core.errors import JudgeError
from core.events import JudgeCalled
from core.facts.judging.costs import CHARACTERS_OF_A_TOKEN, CallTokens, Price, cost_of, money, price_of
from core.facts.plural import number_of
from core.sections.who_judges import JudgeModel


@dataclass
class Budget:
    """The money of the stage `judge`, for the one thread that begins and records calls.

    `total` is how many calls judges behind endpoints have to make; `run` names the run in what people are told.
    """

    limit: Decimal
    prices: Mapping[str, Price]
    run: str
    total: int
    spent: Decimal = Decimal(0)
    calls: int = 0
    uncounted: int = 0
    _held: dict[str, Decimal] = field(default_factory=dict)
    _largest: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, config: RunConfig, run: str, total: int) -> Budget | None:
        """The budget of a configuration, of which nothing is spent; None where it sets none."""
        if config.judge is None or config.judge.budget is None:
            return None
        values = resolved(config)
        judges: list[dict[str, Any]] = (values.get("judge") or {}).get("judges", [])
        priced = {judge["label"]: price_of(judge, values) for judge in judges if judge["kind"] == "openai"}
        prices = {label: price for label, price in priced.items() if price is not None}
        return cls(config.judge.budget, prices, run, total)

    def add(self, model: JudgeModel, event: JudgeCalled, characters: int) -> None:
        """Notes a call that got a reply, now or in an earlier engine; `characters` are those of its prompt."""
        self.calls += 1
        if model.label not in self.prices:
            return
        known = event.prompt_tokens is not None and event.completion_tokens is not None
        self.uncounted += not known
        self._largest[model.label] = max(self._largest.get(model.label, 0), event.prompt_tokens or 0)
        self.spent += cost_of(self.prices[model.label], tokens_of(event, characters, model.max_tokens))

    def release(self, key: str) -> None:
        """Notes that a call ended: nothing is held for it any more."""
        self._held.pop(key, None)

    def holds(self, model: JudgeModel, key: str, characters: int, alone: bool) -> bool:
        """Whether a call may begin now; what it can cost at most is then held for it.

        Args:
            alone: no call is in flight, so that waiting would bring nothing back.

        Raises:
            JudgeError: the budget does not reach, and nothing that is in flight can change that.
        """
        if model.label not in self.prices:
            return True
        prompt = max(self._largest.get(model.label, 0), most_of_prompt(characters))
        most = cost_of(self.prices[model.label], CallTokens(prompt, 0, model.max_tokens))
        if self.spent + sum(self._held.values(), Decimal(0)) + most <= self.limit:
            self._held[key] = most
            return True
        if alone:
            raise JudgeError(self._reached(most))
        return False

    def _reached(self, most: Decimal) -> str:
        guessed = (
            f" ({number_of(self.uncounted, 'call')} of them without counted tokens, taken for the most they can be)"
            if self.uncounted
            else ""
        )
        return (
            f"stopped at the budget: {money(self.spent)} of {money(self.limit)} spent on {self.calls:,} of "
            f"{number_of(self.total, 'call')}{guessed}, and the next call can cost {money(most)}; raise it: "
            f"`dempo resume {self.run} --set judge.budget=…`"
        )


def tokens_of(event: JudgeCalled, characters: int, max_tokens: int) -> CallTokens:
    """The tokens of a call; what the endpoint did not count is taken for the most it can be."""
    prompt = most_of_prompt(characters) if event.prompt_tokens is None else event.prompt_tokens
    completion = max_tokens if event.completion_tokens is None else event.completion_tokens
    return CallTokens(prompt, event.cached_tokens or 0, completion)


def most_of_prompt(characters: int) -> int:
    """The most tokens that a prompt of so many characters, as the record spells it, is taken to have."""
    return -(-characters // CHARACTERS_OF_A_TOKEN)
