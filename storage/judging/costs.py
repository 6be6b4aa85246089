"""What the judges of a run took: calls, tokens and what these cost, from the view `judge_costs` and the prices."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from core.facts.judging.costs import CallTokens, Price, cost_of, price_of
from core.facts.plural import number_of
from storage.record.reader import Reader

_DIGITS = 40
"""Of an amount before the point; what a stranger's record holds may have a million."""

T = TypeVar("T")

_ASSUMED = ("assumed_prompt_tokens", "assumed_completion_tokens")

_WRITTEN = """SELECT 'questions by ' || max(payload->>'$.model') AS judge, count(*) AS calls,
  sum(payload->>'$.prompt_tokens') AS prompt_tokens, sum(coalesce(payload->>'$.cached_tokens', 0)) AS cached_tokens,
  sum(payload->>'$.completion_tokens') AS completion_tokens, sum(payload->>'$.reasoning_tokens') AS reasoning_tokens,
  sum(payload->>'$.prompt_tokens' IS NULL OR payload->>'$.completion_tokens' IS NULL) AS uncounted
FROM events WHERE kind = 'questions.generated'"""
"""As `judge_costs` for the model that wrote questions: one row, whose calls are 0 where none did."""

_ANSWERED = """SELECT payload->>'$.condition' AS condition, count(*) AS calls,
  sum(payload->>'$.prompt_tokens') AS prompt_tokens, sum(coalesce(payload->>'$.cached_tokens', 0)) AS cached_tokens,
  sum(payload->>'$.completion_tokens') AS completion_tokens, sum(payload->>'$.reasoning_tokens') AS reasoning_tokens,
  sum(payload->>'$.prompt_tokens' IS NULL OR payload->>'$.completion_tokens' IS NULL) AS uncounted
FROM events WHERE kind = 'answer.received' AND payload->>'$.outcome' <> 'failed' GROUP BY 1 ORDER BY min(seq)"""
"""As `judge_costs` for the conditions that models behind endpoints answered for."""


@dataclass(frozen=True)
class JudgeCosts:
    """The rows of the view with exact costs, None where a judge has no price; and the budget, None without one."""

    rows: tuple[dict[str, Any], ...]
    budget: Decimal | None
    written: dict[str, Any] | None = None
    """The same of the model that wrote the questions, if one did; it has no part in total and budget."""
    answered: tuple[dict[str, Any], ...] = ()
    """The same of each condition that a model behind an endpoint answered for; they have no part in these either."""

    @classmethod
    def of_run(cls, reader: Reader) -> JudgeCosts:
        """Of a run, as of the event that it is read; of judges that are asked at an endpoint."""
        prices = _Prices(json.loads(reader.query("SELECT config FROM run")[0]["config"]))
        called = [row for row in reader.view("judge_costs") if prices.asks(row["judge"])]
        written = [row for row in reader.query(_WRITTEN) if row["calls"]]
        answered = reader.query(_ANSWERED)
        if not called and not written and not answered:
            return cls((), None)
        return cls(
            tuple(row | {"cost": _exact(row, prices.of_judge(row["judge"]))} for row in called),
            prices.budget,
            next((row | {"cost": _exact(row, prices.of_writer())} for row in written), None),
            tuple(
                {"judge": f"answers of {row['condition']}", **row}
                | {"cost": _exact(row, prices.of_condition(row["condition"]))}
                for row in answered
            ),
        )

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
            "written": None if self.written is None else self.written | {"cost": _text(self.written["cost"])},
            "answered": [row | {"cost": _text(row["cost"])} for row in self.answered],
            "judges": [row | {"cost": _text(row["cost"])} for row in self.rows],
            "cost": _text(self.total),
            "budget": _text(self.budget),
        }


class _Prices:
    """What a configuration says of prices. One that a stranger wrote may say anything: what is none is unknown."""

    def __init__(self, config: Any) -> None:
        self.config = config

    @property
    def budget(self) -> Decimal | None:
        return _or_none(lambda: Decimal(self.config["judge"]["budget"]))

    def asks(self, label: str) -> bool:
        """Whether a judge is asked at an endpoint, as far as the configuration says."""
        kind = _or_none(lambda: str(_named(self.config["judge"]["judges"], "label", label)["kind"]))
        return kind in (None, "openai")

    def of_judge(self, label: str) -> Price | None:
        return _or_none(lambda: price_of(_named(self.config["judge"]["judges"], "label", label), self.config))

    def of_writer(self) -> Price | None:
        return _or_none(lambda: price_of(self.config["answer"]["generate"], self.config))

    def of_condition(self, name: str) -> Price | None:
        def price() -> Price | None:
            section = _named(self.config["conditions"], "name", name)
            asked = {"endpoint": section["source"].partition(":")[2], "price": section.get("price")}
            return price_of(asked, self.config)

        return _or_none(price)


def _named(sections: Any, key: str, name: str) -> Any:
    return next(section for section in sections if section[key] == name)


def _or_none(value: Callable[[], T | None]) -> T | None:
    try:
        return value()
    except (ArithmeticError, AttributeError, LookupError, StopIteration, TypeError, ValueError):
        return None


def _exact(row: Mapping[str, Any], price: Price | None) -> Decimal | None:
    """None without a price, and where nothing says how many tokens it is for: a text is withheld, or nobody counted
    them and no most is known."""
    if price is None:
        return None
    assumed = [row.get(name, None if row["uncounted"] else 0) for name in _ASSUMED]
    if None in assumed:
        return None
    prompt, completion = assumed
    tokens = CallTokens(
        (row["prompt_tokens"] or 0) + prompt, row["cached_tokens"] or 0, (row["completion_tokens"] or 0) + completion
    )
    return cost_of(price, tokens)


def _text(amount: Decimal | None) -> str | None:
    if amount is None or not amount.is_finite() or amount.adjusted() > _DIGITS:
        return None if amount is None else str(amount)
    return f"{amount.normalize():f}"
