"""Re-solving: another lottery may be as good, so levels must be equal and π must agree; panels need not.

A lottery agrees with the recorded one where every level is the same fraction for the same types and
max |Δπ| ≤ `PI_TOLERANCE`; the recorded π is both what `lottery.solved` says and what the recorded panels give.
A uniform lottery rounds the optimum, and two roundings of one optimum may differ by the sum of their
distances from it (`max_difference`), which are recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from core.errors import InputError
from core.events import Event, LotterySolved, LotteryTypes, decode
from core.sortition.recording import lottery_from
from core.stage import only
from core.types import Lottery
from storage.replay.compare import EventVerdict, differences, exactly, shown, told, within
from storage.replay.repetition import Line, Repeated

PI_TOLERANCE = 1e-9
"""Largest difference of an inclusion probability between two solutions of one lottery."""

ANOTHER = "another lottery with the same levels and π"
"""What is said of a panel that was not drawn up again, and need not be."""


@dataclass(frozen=True)
class _Solved:
    """How two solutions of one lottery compare."""

    equal: bool
    agrees: bool
    detail: str


class LotteryRule:
    """The comparison of every event of the stage `lottery`."""

    def __init__(self, lines: Sequence[Line], repeated: Sequence[Repeated]) -> None:
        self._lines = lines
        self._repeated = repeated
        self._solved: dict[str, _Solved] = {}

    def __call__(self, line: Line, again: Repeated) -> EventVerdict:
        """The verdict on an event that has a partner."""
        if line.kind in ("lottery.bounded", "people.compared"):
            return within(line, again, PI_TOLERANCE)
        if line.kind == "lottery.level":
            return _level(line, again)
        if line.kind not in ("lottery.panel", "lottery.solved", "lottery.diagnosed"):
            return exactly(line, again)
        solved = self._of(line.values.get("lottery"))
        finding = exactly(line, again)
        if line.kind == "lottery.solved":
            if not solved.agrees:
                return EventVerdict("drift", solved.detail)
            finding = EventVerdict(
                "agrees" if finding.verdict == "drift" else finding.verdict,
                "the same lottery to the last bit" if solved.equal else solved.detail,
            )
        elif finding.verdict == "drift" and solved.agrees:
            return _follows(line, again)
        return finding

    def excuses(self, alone: Line | Repeated) -> bool:
        """Whether an event may lack its partner: the panels of another lottery with the same levels and π may."""
        return alone.kind == "lottery.panel" and self._of(alone.values.get("lottery")).agrees

    def _of(self, name: Any) -> _Solved:
        if name not in self._solved:
            recorded = [line for line in self._lines if line.values.get("lottery") == name]
            repeated = [again for again in self._repeated if again.values.get("lottery") == name]
            self._solved[name] = _compare(recorded, repeated)
        return self._solved[name]


def _level(line: Line, again: Repeated) -> EventVerdict:
    """Levels are equal as fractions; the first version of the record has them as floats."""
    finding = exactly(line, again)
    if finding.verdict != "drift":
        return finding
    one, other = (_of_level(values, "exact" in line.values) for values in (line.values, again.values))
    off = abs(float(line.values.get("probability", "nan")) - float(again.values["probability"]))
    if one != other or not off <= PI_TOLERANCE:
        return EventVerdict("drift", told(differences(one, other)) or told(differences(line.values, again.values)))
    level = shown(line.values.get("exact", line.values.get("probability")))
    return EventVerdict("agrees", f"level {level} of {len(one['types'])} types is the same; its proof is another one")


def _of_level(values: dict[str, Any], as_fraction: bool) -> dict[str, Any]:
    named = {name: values.get(name) for name in ("lottery", "level", *(["exact"] if as_fraction else []))}
    return {**named, "types": sorted(values.get("types") or ())}


def _follows(line: Line, again: Repeated) -> EventVerdict:
    """A panel or a diagnosis of a lottery whose π agrees."""
    if line.kind == "lottery.panel":
        return EventVerdict("agrees", ANOTHER)
    finding = within(line, again, PI_TOLERANCE)
    return (
        finding if finding.verdict != "drift" else EventVerdict("not compared", f"it follows from π; {finding.detail}")
    )


def _compare(lines: Sequence[Line], repeated: Sequence[Repeated]) -> _Solved:
    """The recorded lottery against the one that was solved now."""
    try:
        was, told_was = _lottery([line.event() for line in lines])
    except (InputError, KeyError, ValueError, IndexError) as error:
        return _Solved(False, False, f"the recorded panels are no lottery: {error}")
    now, told_now = _lottery([decode(again.kind, again.values) for again in repeated])
    if len(told_was.pi) != len(told_now.pi):
        return _Solved(False, False, f"types: recorded {len(told_was.pi)}, now {len(told_now.pi)}")
    pi = [float(p) for p in now.inclusion_by_type()]
    worst, at, said = _farthest(pi, told_was.pi)
    from_panels = _farthest(pi, [float(p) for p in was.inclusion_by_type()])
    what = "recorded"
    if from_panels[0] > worst:
        (worst, at, said), what = from_panels, "the recorded panels give"
    uniform = bool(was.members or now.members)
    limit = PI_TOLERANCE + (told_was.max_difference + told_now.max_difference if uniform else 0.0)
    optimum = _farthest(told_now.optimum or [], told_was.optimum or [])[0]
    fixed = ("lottery", "algorithm", "estimated")
    one, two = ({name: getattr(side, name) for name in fixed} for side in (told_was, told_now))
    other = differences(one, two)
    detail = f"max |Δπ| = {worst:.3g} (type {at}: {what} {said!r}, now {pi[at]!r}; tolerance {limit:.3g})"
    if optimum > PI_TOLERANCE:
        detail += f"; the optimum differs by {optimum:.3g}"
    agrees = worst <= limit and optimum <= PI_TOLERANCE and not other
    drawn_from = attrgetter("panels", "numerators", "denominator", "members")
    return _Solved(drawn_from(was) == drawn_from(now), agrees, f"{told(other)}; {detail}" if other else detail)


def _farthest(one: Sequence[float], other: Sequence[float]) -> tuple[float, int, float]:
    """(largest difference, where, the value of `other` there); (0, 0, 0) of nothing."""
    pairs = zip(one, other, strict=False)
    return max(((abs(a - b), t, b) for t, (a, b) in enumerate(pairs)), default=(0.0, 0, 0.0))


def _lottery(events: Sequence[Event]) -> tuple[Lottery, LotterySolved]:
    sizes = {t.type: t.size for t in only(events, LotteryTypes).types}
    return lottery_from(events, tuple(sizes[t] for t in sorted(sizes))), only(events, LotterySolved)
