"""What raters with high and low π are due of a Soft condition's weight, and what its steps give them, as tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from storage.record.rows import ConditionRow, ShareRow

HEADING = "Weight by tenths of the raters of each Soft condition, in %; tenth 10 has the highest π"
REMARK = (
    "pairs: their share of the pairs; due: of the weight; realised: what the steps of the schedule give them of it in "
    "the loss, under the condition's estimator"
)
_SHARES = ("pairs", "due", "realised")


def share_table(rows: Iterable[ShareRow]) -> list[dict[str, Any]]:
    """A line for each condition and share, with a column for each tenth; whatever a stranger wrote there."""
    found: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
    for row in rows:
        for share in _SHARES:
            line = found[str(row.condition), share]
            line.setdefault("condition", str(row.condition))
            line.setdefault("share", share)
            line[str(row.decile)] = _percent(getattr(row, share))
    return list(found.values())


def top_sentences(rows: Iterable[ShareRow]) -> list[str]:
    """What the tenth with the highest π is due and gets, in each condition."""
    top = {str(row.condition): row for row in rows if row.decile == 10}
    return [
        f"{name}: the tenth of raters with the highest π is due {_percent(row.due)} % of the weight and gets "
        f"{_percent(row.realised)} %"
        for name, row in top.items()
    ]


def not_recommended(conditions: Iterable[ConditionRow]) -> list[str]:
    """A sentence where conditions normalise weights inside micro-batches."""
    names = [str(row.condition) for row in conditions if row.estimator == "published"]
    return [f"{', '.join(names)}: the estimator 'published' is not recommended (training.md)"] if names else []


def _percent(share: Any) -> str:
    return f"{100 * share:.1f}" if isinstance(share, int | float) else str(share)
