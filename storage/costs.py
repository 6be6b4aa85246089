"""What the judges of a run took: calls, tokens and what these cost, from the view `judge_costs` and the prices."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from core.facts.judging.costs import CallTokens, Price, cost_of, price_of
from core.facts.plural import number_of
from storage.errors import StorageError
from storage.record.reader import Reader


@dataclass(frozen=True)
class JudgeCosts:
    """The rows of the view with exact costs, None where a judge has no price; and the budget, None without one."""

    rows: tuple[dict[str, Any], ...]
    budget: Decimal | None

    @classmethod
    def of_run(cls, reader: Reader) -> JudgeCosts:
        """Of a run, as of the event that it is read; of judges that are asked at an endpoint."""
        found = reader.view("judge_costs")
        called = [row for row in found if row["uncounted"] or row["prompt_tokens"] or row["completion_tokens"]]
        if not called:
            return cls((), None)
        try:
            config = json.loads(reader.query("SELECT config FROM run")[0]["config"])
            judges = {judge["label"]: judge for judge in config["judge"]["judges"]}
            rows = [row | {"cost": _exact(row, price_of(judges[row["judge"]], config))} for row in called]
            budget = config["judge"].get("budget")
            return cls(tuple(rows), None if budget is None else Decimal(budget))
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise StorageError("the configuration is not what this program writes; run `dempo verify`") from error

    @property
    def total(self) -> Decimal | None:
        """What all judges cost together; None where none of them has a price."""
        known = [row["cost"] for row in self.rows if row["cost"] is not None]
        return sum(known, Decimal(0)) if known else None

    @property
    def notes(self) -> list[str]:
        """What has to be said beside the numbers."""
        uncounted = sum(row["uncounted"] or 0 for row in self.rows)
        calls = number_of(uncounted, "call")
        told = f"nobody counted all tokens of {calls}; what is missing is taken for the most that it can be"
        return [told] if uncounted else []

    def row(self) -> dict[str, Any]:
        """The same as data; amounts as texts, since they are exact."""
        return {
            "judges": [row | {"cost": _text(row["cost"])} for row in self.rows],
            "cost": _text(self.total),
            "budget": _text(self.budget),
        }


def _exact(row: Mapping[str, Any], price: Price | None) -> Decimal | None:
    if price is None or row["assumed_prompt_tokens"] is None:
        return None
    prompt = (row["prompt_tokens"] or 0) + row["assumed_prompt_tokens"]
    completion = (row["completion_tokens"] or 0) + row["assumed_completion_tokens"]
    return cost_of(price, CallTokens(prompt, row["cached_tokens"] or 0, completion))


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount.normalize():f}"
