"""One condition against another: votes won, by pairs."""

from __future__ import annotations

from typing import Any

from storage.export.pages import markup
from storage.export.pages.grid import table
from storage.export.sections.content import Content

_COLUMNS = ("condition", "other", "votes", "votes_against", "win_rate", "low", "high", "majority_win_rate")

_REMARK = (
    "Each row's condition against each column's: the share of the votes that the row's won, in %. Above 50 the row's "
    "is preferred."
)


def pairwise(content: Content) -> str:
    """The win rates as a square, and every pair once with its interval."""
    rows = content.some("pairwise")
    if not rows:
        return ""
    names = list(dict.fromkeys(str(row["condition"]) for row in rows))
    rate = {(str(row["condition"]), str(row["other"])): row["win_rate"] for row in rows}
    square = [{"": name, **{other: _percent(rate.get((name, other))) for other in names}} for name in names]
    ahead = [row for row in rows if names.index(str(row["condition"])) < _place(names, row["other"])]
    return markup.stacked(
        table(square, {"": "", **{name: name for name in names}}, decimals=dict.fromkeys(names, 1)),
        markup.note(_REMARK),
        markup.under(
            "Every pair",
            table(ahead, _COLUMNS, whole=content.whole("pairwise"), decimals={"win_rate": 3, "low": 3, "high": 3}),
        ),
    )


def _percent(share: Any) -> Any:
    return 100 * share if isinstance(share, (int, float)) else share


def _place(names: list[str], name: Any) -> int:
    return names.index(str(name)) if str(name) in names else len(names)
