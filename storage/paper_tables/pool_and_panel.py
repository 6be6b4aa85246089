"""The figures of the paper's appendix about pool and panel: quotas reached, places, and how unequal chances are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from storage.paper_tables.table import Column, PaperTable, by, number
from storage.record.reader import Reader


def panels(reader: Reader) -> PaperTable:
    """Of each draw's panel: how many quotas it breaks, how far it is from the targets, and how many places it has."""
    drawn = by(reader.view("panel_composition"), "draw")
    caption = "Panels drawn"
    if not drawn:
        return PaperTable("panels", "Appendix A.4 and A.5", caption, lacking="the run has drawn no panel")
    locales = by(reader.view("locale_composition"), "draw")
    columns = (
        Column("Draw"),
        Column("Members", 0),
        Column("Quotas broken", 0),
        Column("Largest deviation (points)", 2, 100.0),
        Column("Locales", 0),
    )
    rows = [
        (draw, _members(categories), _broken(categories), _farthest(categories), len(locales.get(draw, ())) or None)
        for draw, categories in drawn.items()
    ]
    remark = "The largest deviation of a share from its target is taken over categories with a quota (no slack)."
    return PaperTable("panels", "Appendix A.4 and A.5", caption, columns, rows, (remark,))


def _members(categories: Sequence[Mapping[str, Any]]) -> float | None:
    first = str(categories[0]["attribute"])
    counts = [number(row["members"]) for row in categories if str(row["attribute"]) == first]
    return sum(count for count in counts if count is not None) or None


def _broken(categories: Sequence[Mapping[str, Any]]) -> int:
    return sum(
        not lower <= members <= upper
        for row in categories
        for members, lower, upper in [(number(row["members"]), number(row["lower"]), number(row["upper"]))]
        if members is not None and lower is not None and upper is not None
    )


def _farthest(categories: Sequence[Mapping[str, Any]]) -> float | None:
    known = [number(row["deviation"]) for row in categories if not row["slack"]]
    return max((abs(value) for value in known if value is not None), default=None)


def chances(reader: Reader) -> PaperTable:
    """Of each lottery: the sum of all chances, raters without one, and how unequal they are."""
    rows = reader.view("lottery_diagnostics")
    caption = "Inclusion probabilities π"
    if not rows:
        return PaperTable("chances", "Appendix A.6", caption, lacking="the run has no lottery")
    sums = {
        lottery: sum(value for row in raters if (value := number(row["pi"])) is not None)
        for lottery, raters in by(reader.view("inclusion_probabilities"), "lottery").items()
    }
    columns = (
        Column("Lottery"),
        Column("Raters", 0),
        Column("Σπ", 3),
        Column("π = 0", 0),
        Column("Smallest π", 4),
        Column("Largest π", 4),
        Column("Largest / smallest", 2),
        Column("Gini", 4),
        Column("CV", 4),
    )
    named = ("smallest", "largest", "max_min_ratio", "gini", "coefficient_of_variation")
    told = [
        (
            str(row["lottery"]),
            number(row["raters"]),
            sums.get(str(row["lottery"])),
            number(row["without_chance"]),
            *(number(row[name]) for name in named),
        )
        for row in rows
    ]
    return PaperTable("chances", "Appendix A.6", caption, columns, told)
