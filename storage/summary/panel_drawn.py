"""What became of each draw: members, quotas that are kept, and how the panel was drawn, in a sentence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from core.facts.plural import number_of
from storage.summary.decimals import as_number

_STATES: Mapping[str, str] = {
    "accepted": "accepted",
    "rejected": "rejected",
    "aborted": "withdrawn before its value was known",
    "committed": "waits for its public value",
    "proposed": "proposed, and not accepted yet",
}

Row = Mapping[str, Any]


def panels_drawn(draws: Iterable[Row], composition: Iterable[Row]) -> list[str]:
    """A sentence for the last round of each draw.

    Args:
        draws: rows of the view `draws`.
        composition: rows of the view `panel_composition`.
    """
    seats: dict[str, list[Row]] = defaultdict(list)
    for row in composition:
        seats[str(row["draw"])].append(row)
    last = {str(row["draw"]): row for row in draws}
    return [_told(name, row, seats[name]) for name, row in last.items()]


def _told(name: str, draw: Row, seats: list[Row]) -> str:
    state = _STATES.get(str(draw["outcome"]), str(draw["outcome"]))
    members = _members(seats)
    panel = f"panel {draw['panel']} of lottery {draw['lottery']}" if draw["panel"] is not None else "no panel yet"
    who = f", {number_of(members, 'member')}, {_quotas(seats)}" if members and draw["panel"] is not None else ""
    return f"draw {name}, round {draw['round']}: {panel}{who}; {state}"


def _members(seats: list[Row]) -> int:
    """Everybody has one category of an attribute, so the members of one attribute are all."""
    numbers = [as_number(row["members"]) for row in seats if row["attribute"] == seats[0]["attribute"]]
    return int(sum(number for number in numbers if number is not None))


def _quotas(seats: list[Row]) -> str:
    kept = [_kept(row) for row in seats if not row["slack"]]
    if all(kept):
        return f"all {number_of(len(kept), 'quota')} kept"
    return f"{sum(kept)} of {number_of(len(kept), 'quota')} kept"


def _kept(row: Row) -> bool:
    lower, members, upper = (as_number(row[name]) for name in ("lower", "members", "upper"))
    return None not in (lower, members, upper) and lower <= members <= upper  # type: ignore[operator]
