"""The levels of LEXIMIN with their proofs: whole, since whoever checks a lottery reads them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from core.facts.sortition.undecided import room
from core.facts.tables import WITHHELD
from core.facts.words import undecided_sentences
from storage.export.pages import markup
from storage.export.pages.grid import table
from storage.export.sections.content import Content, Row
from storage.summary.decimals import SCIENTIFIC, as_number

_COLUMNS = {
    "lottery": "lottery",
    "level": "level",
    "probability": "chance",
    "exact": "exactly",
    "types": "types of people fixed here",
    "proof": "proof",
    "gap": "room left by the proof",
    "binding": "what holds the level down, and its price",
}

_ABOUT = (
    "The lowest chance is as high as the quotas allow (level 1, counted as --why does), then the next lowest, and so "
    "on. A type is all people with the same attributes. Proof: what shows that no lottery gives more. The price of a "
    "quota is by how many percentage points the level would rise, at most, for each seat by which the quota gives way: "
    "a bound on what one would gain, not a forecast. Where that bound reaches 100 %, it says nothing."
)


def levels(content: Content) -> str:
    """A row for each stage of each lottery; stages that reach one value are one level."""
    shown = table(
        _levels(content), _COLUMNS, whole=content.whole("levels"), decimals={"probability": 4, "gap": SCIENTIFIC}
    )
    undecided = [markup.note(f"Not decided: {told}.") for told in undecided_sentences(content.rows("levels"))]
    return markup.under("Levels of LEXIMIN", shown, *undecided, markup.note(_ABOUT)) if shown else ""


def _levels(content: Content) -> Iterator[Row]:
    numbers: dict[str, dict[Any, int]] = {}
    for row in content.rows("levels"):
        reached = numbers.setdefault(str(row["lottery"]), {})
        yield {
            "lottery": row["lottery"],
            "level": reached.setdefault(row["probability"], len(reached) + 1),
            "probability": row["probability"],
            "exact": _exactly(row),
            "types": _types(row["types"]),
            "proof": row["proof"],
            "gap": _gap(row["gap"]),
            "binding": _prices(row),
        }


def _exactly(row: Row) -> Any:
    if row["probability"] == WITHHELD:
        return row["exact"]
    higher = room(row)
    return row["exact"] if higher is None else f"undecided: up to {higher:.1e} above the chance"


def _types(types: Any) -> Any:
    if types == WITHHELD:
        return types
    listed = json.loads(types or "null")
    return len(listed) if isinstance(listed, list) else None


def _gap(gap: Any) -> Any:
    """A fraction as a number; nothing where it is zero, and what a stranger wrote as it stands."""
    try:
        return float(Fraction(gap)) or None
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return gap


def _prices(row: Row) -> list[str]:
    """Every quota that holds a level down, the dearest first, each whole."""
    if row["binding"] == WITHHELD:
        return [WITHHELD]
    binding = json.loads(row["binding"] or "null")
    if not isinstance(binding, Mapping):
        return []
    highest = 1 - (as_number(row["probability"]) or 0)
    prices = [(str(quota), as_number(price)) for quota, price in binding.items()]
    dearest = sorted(((quota, price) for quota, price in prices if price is not None), key=lambda entry: -entry[1])
    return [f"{quota}: {_price(price, highest)}" for quota, price in dearest]


def _price(price: float, highest: float) -> str:
    return "up to 100 %" if price >= highest else f"{100 * price:.3g} points a seat"
