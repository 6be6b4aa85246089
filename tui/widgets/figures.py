"""Numbers as people read them: sensible digits, aligned, and a name for what is no number."""

from __future__ import annotations

import math
from typing import Any

from rich.text import Text

from core.visible import one_line


def as_float(value: Any) -> float | None:
    """The float that a recorded number stands for ("nan" and "inf" are names); None where there is none."""
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        return None


def number(value: Any, digits: int = 3) -> str:
    """A number with a fixed count of decimals; "–" where there is none."""
    found = as_float(value)
    if found is None:
        return "–"
    if math.isnan(found):
        return "nan"
    if math.isinf(found):
        return "∞" if found > 0 else "−∞"
    return f"{found:,.{digits}f}"


def whole(value: Any) -> str:
    """An integer with separators; "–" where there is none."""
    return f"{value:,}" if isinstance(value, int) else "–"


def percent(share: Any, digits: int = 1) -> str:
    """A share as a percentage; "–" where there is none."""
    found = as_float(share)
    return "–" if found is None else f"{100 * found:.{digits}f} %"


def duration(seconds: Any) -> str:
    """A length of time with two units at most."""
    found = as_float(seconds)
    if found is None or not math.isfinite(found):
        return "–"
    if found < 60:
        return f"{found:.1f} s"
    minutes, rest = divmod(round(found), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} m" if hours else f"{minutes} m {rest:02d} s"


def bar(done: Any, total: Any, width: int) -> str:
    """A bar of `width` cells in half-cell steps; full only where everything is done, empty where nobody can say."""
    finished, planned = as_float(done) or 0.0, as_float(total) or 0.0
    share = min(max(finished / planned, 0.0), 1.0) if 0 < planned < math.inf and math.isfinite(finished) else 0.0
    full, half = divmod(int(share * width * 2), 2)
    return ("━" * full + "╸" * half).ljust(width, "·")


def right(text: str) -> Text:
    """A cell for a column of numbers."""
    return Text(text, justify="right", no_wrap=True)


def left(value: Any, width: int = 200) -> Text:
    """A cell for a column of words: the value as text, made visible and cut to `width` characters."""
    return Text(one_line(str(value), width), no_wrap=True)


def moment(at: Any, seconds: bool = True) -> str:
    """A recorded time (UTC, ISO 8601) without its fractions; what else stands in its place is made visible."""
    if not isinstance(at, str) or len(at) < 19:
        return "–"
    return one_line(at[: 19 if seconds else 16].replace("T", " "))
