"""Names of runs that tell them apart in few cells: name, seed and time, or the end of the id where these are equal."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from core.visible import one_line

_RUN_ID = re.compile(r"(\d{8}-\d{6})-(.+)")

SIMULATED = "◇"
"""Marks a simulated run in one cell."""

_SEED = 6
"""Digits of a seed that is shown whole; of a longer one the last are."""

_NAME = 3
"""Characters of a name that are left of it at least."""


@dataclass(frozen=True)
class RunName:
    """What a run is called by: its folder, and what is known of it."""

    folder: str
    name: str
    seed: str = ""
    created: datetime | None = None
    simulated: bool = False

    @classmethod
    def of_folder(cls, folder: str) -> RunName:
        """Of a run that is not read yet, from its id."""
        found = _RUN_ID.fullmatch(folder)
        if found is None:
            return cls(folder, folder)
        try:
            return cls(folder, found[2], created=datetime.strptime(found[1], "%Y%m%d-%H%M%S").replace(tzinfo=UTC))
        except ValueError:
            return cls(folder, folder)


def labels(runs: Sequence[RunName], today: date, width: int) -> dict[str, str]:
    """A label of so many characters at most for each run, by its folder; where two are equal, both say more."""
    found: dict[str, str] = {}
    left = list(runs)
    for form in _FORMS:
        same: dict[str, list[RunName]] = defaultdict(list)
        for run in left:
            same[form(run, today, width)].append(run)
        for label, of in same.items():
            found |= {run.folder: label for run in of}
        left = [run for of in same.values() if len(of) > 1 for run in of]
    return found | _apart(left, width)


def whole_names(runs: Sequence[RunName], width: int) -> dict[str, str]:
    """The ids, by folder."""
    return {run.folder: _tail(run, date.min, width) for run in runs}


def _short(run: RunName, today: date, width: int) -> str:
    return _joined(run, _day(run.created, today), width)


def _longer(run: RunName, today: date, width: int) -> str:
    if run.created is None:
        return _tail(run, today, width)
    form = "%H:%M:%S" if run.created.date() == today else "%m-%d %H:%M"
    return _joined(run, run.created.strftime(form), width)


def _tail(run: RunName, today: date, width: int) -> str:
    """The end of the id, which is never used twice."""
    shown = one_line(run.folder, len(run.folder))
    mark = SIMULATED if run.simulated else ""
    room = width - len(mark)
    return mark + (shown if len(shown) <= room else f"…{shown[1 - room :]}")


def _apart(runs: Sequence[RunName], width: int) -> dict[str, str]:
    """Ids that end alike, without their common end."""
    ends = zip(*(reversed(run.folder) for run in runs), strict=False)
    common = next((place for place, of in enumerate(ends) if len({*of}) > 1), 0)
    return {run.folder: f"…{one_line(run.folder[: len(run.folder) - common][2 - width :], width - 2)}…" for run in runs}


_FORMS: tuple[Callable[[RunName, date, int], str], ...] = (_short, _longer, _tail)


def _day(created: datetime | None, today: date) -> str:
    """The time of today, else the day of this year, else the month."""
    if created is None:
        return ""
    if created.date() == today:
        return f"{created:%H:%M}"
    return f"{created:%b} {created.day}" if created.year == today.year else f"{created:%b %Y}"


def _joined(run: RunName, when: str, width: int) -> str:
    """Name, seed and time; where the name would be nothing but its beginning, without the seed."""
    seed = one_line(run.seed if len(run.seed) <= _SEED else f"…{run.seed[-4:]}", _SEED)
    mark = SIMULATED if run.simulated else "·" if seed else ""
    for part in (f"{mark}{seed}", SIMULATED if run.simulated else ""):
        rest = f"{part} {when}".rstrip()
        if width - len(rest) >= min(_NAME, len(run.name)):
            return f"{one_line(run.name, width - len(rest))}{rest}"
    return _tail(run, date.min, width)
