"""Lotteries and quotas: what a panel has to be, what it is on average, and how unequal the chances are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from core.facts.tables import WITHHELD
from storage.export.pages import markup
from storage.export.pages.grid import MOST_ROWS, table
from storage.export.sections.content import Content, Row
from storage.summary.decimals import as_number, decimals_of, shown

_ABREAST = 4
"""Lotteries beside each other in a table that has a line for each measure."""

_MEASURES = {
    "raters": ("people in the pool", ""),
    "smallest": ("smallest π", ""),
    "largest": ("largest π", ""),
    "equal": ("equal chances", "what everybody would have without quotas: size of the panel over the pool"),
    "gini": ("Gini coefficient of π", "0: all equal; 1: one has everything"),
    "max_min_ratio": ("largest over smallest π", "∞ where somebody has no chance"),
    "coefficient_of_variation": ("coefficient of variation of π", "standard deviation over mean"),
    "without_chance": ("people without a chance", "π = 0"),
    "certain": ("people who are certain", "π = 1"),
    "empty_categories": ("empty categories", "with a target or a lower bound, and nobody of it in the pool"),
}

_CHANCES = ("smallest", "largest", "equal")

_LOTTERIES = ("lottery", "size", "tolerance", "algorithm", "method", "panels", "max_difference")

_ABOUT_LOTTERIES = (
    "Tolerance: how far bounds lie from the target, as a share of it. Panels: compositions with a probability. "
    "Furthest from the best π: largest distance between a person's π and the one proven best; up to 1e-9 that is "
    "rounding."
)
_ABOUT_QUOTAS = (
    "Lower, upper: fewest and most members. Target: the share of the panel that was asked for. In the pool: people of "
    "the category. Expected members: what a panel of the lottery has on average, from π and the pool."
)


def lotteries(content: Content) -> str:
    """Each lottery, and what proved or produced it."""
    shown_rows = content.table("lotteries", _LOTTERIES, decimals={"max_difference": -1})
    return markup.under("Lotteries", shown_rows, content.note(_ABOUT_LOTTERIES, "lotteries")) if shown_rows else ""


def quotas(content: Content) -> str:
    """Quotas with target, bounds and expectation; slack ones are named so."""
    shown_rows = table(_quotas(content), whole=content.whole("quotas"), decimals={"target": 3, "expected": 2})
    return markup.under("Quotas", shown_rows, content.note(_ABOUT_QUOTAS, "quotas"), content.plots("quotas"))


def _quotas(content: Content) -> Iterator[Row]:
    expected = {tuple(row[:3]): round(row[3], 3) for row in content.db.execute(_EXPECTED)}
    unknown = WITHHELD if content.withheld("inclusion_probabilities") else None
    for row in content.rows("quotas"):
        key = (row["lottery"], row["attribute"], row["category"])
        bounds = "none" if row["slack"] == 1 else ""
        named = {name: row[name] for name in ("lottery", "attribute", "category", "target", "lower", "upper")}
        average = expected.get(key, 0.0 if row["in_pool"] == 0 else unknown)
        yield {**named, "bound": bounds, "in_pool": row["in_pool"], "expected": average}


def inequality(content: Content) -> str:
    """A line for each measure: there are more of them than lotteries, and a page is narrow."""
    found = list(islice(content.rows("lottery_diagnostics"), MOST_ROWS))
    tables = [_measures(found[first : first + _ABREAST]) for first in range(0, len(found), _ABREAST)]
    return markup.under(
        "How unequal the chances are",
        *tables,
        content.plots("inclusion"),
        content.see("π of every rater", "inclusion_probabilities"),
    )


def _measures(some: list[Row]) -> str:
    names = [str(row["lottery"]) for row in some]
    rows = [
        {
            "measure": words,
            **{name: _measured(row, key) for name, row in zip(names, some, strict=True)},
            "meaning": told,
        }
        for key, (words, told) in _MEASURES.items()
    ]
    return table(rows, {"measure": "measure", **{name: name for name in names}, "meaning": "meaning"})


def _measured(row: Row, measure: str) -> Any:
    """Each line has a precision of its own, so its numbers are made text here."""
    value = row[measure]
    if measure == "empty_categories":
        listed = json.loads(value or "null")
        return ", ".join(map(str, listed)) or "none" if isinstance(listed, list) else value
    number = as_number(value)
    if number is None:
        return value
    return shown(number, 4 if measure in _CHANCES else decimals_of([number]))


_EXPECTED = """WITH
pi AS MATERIALIZED (SELECT lottery, rater_id, pi FROM inclusion_probabilities),
of AS MATERIALIZED (
  SELECT r.rater_id, a.key AS attribute, a.value AS category FROM raters r, json_each(r.attributes) a
)
SELECT pi.lottery, of.attribute, of.category, sum(pi.pi) FROM pi JOIN of ON of.rater_id = pi.rater_id
GROUP BY 1, 2, 3"""
