"""What was planned and what came of it, in words, for whoever shows it: the rows of the view `hypotheses`."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from core.visible import one_line
from storage.record.rows import HypothesisRow
from storage.summary.labels import method_words

HEADING = "Hypotheses"

REMARK = (
    "as planned: recorded before any ranking that it is tested on; deviated: planned, and then something was changed; "
    "exploratory: rankings existed before it was planned, so it is no prediction. supported: the interval of the "
    "difference lies above what was planned, and p after Holm is in that tail; contradicted: it lies below"
)

_NAMED = 40
_LONGEST = 400


def plan_lines(rows: Sequence[HypothesisRow], width: int) -> list[str]:
    """Two lines or more of each hypothesis, on lines of this width; none where nothing is planned."""
    if not rows:
        return []
    found = [HEADING]
    for row in rows:
        found += _filled(_expected(row), width, "  ")
        for told in filter(None, [_numbers(row), one_line(str(row.reason or ""), _LONGEST)]):
            found += _filled(told, width, "    ")
    return [*found, *_filled(REMARK, width, "  "), ""]


def status_of(row: HypothesisRow) -> str:
    """The verdict and how it is to be read."""
    return f"{one_line(str(row.verdict or 'not tested yet'), _NAMED)}, {one_line(str(row.status), _NAMED)}"


def _expected(row: HypothesisRow) -> str:
    name, better, than = (one_line(str(value), _NAMED) for value in (row.hypothesis, row.better, row.than))
    by = f" by more than {_number(row.by)}" if row.by else ""
    return f"{name}: {better} over {than}{by} ({one_line(method_words(row.method), _NAMED)}): {status_of(row)}"


def _numbers(row: HypothesisRow) -> str:
    if row.verdict is None:
        return ""
    shares = f"holds in {_percent(row.holds)} of the resamples, p {_number(row.p)}, after Holm {_number(row.adjusted)}"
    return f"difference {_number(row.difference)} ({_number(row.low)} to {_number(row.high)}), {shares}"


def _number(value: Any) -> str:
    found = _float(value)
    return "?" if found is None else f"{found:z.3f}" if math.isfinite(found) else str(found)


def _percent(value: Any) -> str:
    found = _float(value)
    return "?" if found is None or not math.isfinite(found) else f"{100 * found:.1f} %"


def _float(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _filled(words: str, width: int, indent: str) -> Iterable[str]:
    return textwrap.wrap(words, width, initial_indent=indent, subsequent_indent=f"{indent}  ")
