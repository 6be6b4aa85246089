"""Small changes to a list of panels that bring everybody's number of panels nearer to what is due.

Of m panels a rater of type t is due m·π*_t. With c_t seats for the type in all panels, shared out evenly,
its n_t raters sit on ⌊c_t/n_t⌋ or ⌈c_t/n_t⌉ panels; the type's deviation is the larger distance of the two
from m·π*_t. Two kinds of change lower the deviations, the largest ones first:

- an exchange: on one panel a rater of one type gives way to one of another type, inside the quotas;
- a replacement: a panel that sits on many surpluses gives way to a new one from the search near x*.

Both lower the potential Σ_t deviation_t⁴ (and, where that is flat, the squared surplus), so they end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from core.facts.randomness import RandomStream
from core.sortition.leximin.nearby import NEAR, NearbyCompositions
from core.sortition.panels import Composition
from core.sortition.quotas.problem import PanelProblem

ENOUGH = 1.0
"""Deviation in panels from which on no replacement is looked for: seats are whole, so one half to one remains."""

PASSES = 5
"""Times that every type is looked at for exchanges."""

CANDIDATES = 200
"""Panels looked at for one exchange."""

REPLACEMENTS = 100
"""Searches for replacements."""

FLAT = 0.01
"""Weight of the squared surplus beside the fourth power of the deviation."""


class Seats:
    """Panels (m, T) as they change, their members of every quota (m, Q), and seats by type (T,)."""

    def __init__(self, problem: PanelProblem, pi: NDArray[np.float64], panels: Sequence[Composition]) -> None:
        self.n = problem.n
        self.due = len(panels) * pi
        self.panels = np.array(panels, dtype=np.int32)
        self.member = problem.member
        self.lower = np.array([row.lower for row in problem.rows], dtype=np.float64)
        self.upper = np.array([row.upper for row in problem.rows], dtype=np.float64)
        self.inside = self.panels @ self.member.T
        self.seats = self.panels.sum(axis=0).astype(np.float64)
        self.movable = (pi * self.n > NEAR) & (pi * self.n < self.n - NEAR)

    def deviation(self, seats: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """Largest distance of a rater's panels from what is due, by type, shape (T,), in panels."""
        share = (self.seats if seats is None else seats) / self.n
        return np.maximum(np.abs(np.floor(share) - self.due), np.abs(np.ceil(share) - self.due))

    def surplus(self, seats: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """Mean panels of a type's raters above what is due, shape (T,)."""
        return (self.seats if seats is None else seats) / self.n - self.due

    def cost(self, seats: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """Each type's part of the potential, shape (T,)."""
        return self.deviation(seats) ** 4 + FLAT * self.surplus(seats) ** 2

    def compositions(self) -> list[Composition]:
        return [tuple(panel) for panel in self.panels.tolist()]

    def exchange(self, t: int, offset: int) -> bool:
        """Brings type t one seat nearer to what is due, at the cost of no larger deviation; whether it could."""
        step = 1 if self.surplus()[t] > 0 else -1
        cost = self.cost()
        gain_here = float(cost[t] - self.cost(self.seats - step)[t])
        if gain_here <= 0:
            return False
        gain = cost - self.cost(self.seats + step)
        panel, other = self._partner(t, step, np.where(self.movable, gain, -np.inf), offset)
        if other is None or gain_here + gain[other] <= NEAR:
            return False
        self.panels[panel, t] -= step
        self.panels[panel, other] += step
        self.seats[t] -= step
        self.seats[other] += step
        self.inside[panel] += step * (self.member[:, other] - self.member[:, t])
        return True

    def _partner(self, t: int, step: int, gain: NDArray[np.float64], offset: int) -> tuple[int, int | None]:
        """The panel and the other type by whose change most is gained.

        A quota that holds only one of the two types gains or loses a member, which it must have room for.
        """
        here = self.panels[:, t]
        places = np.flatnonzero(here > 0 if step > 0 else here < self.n[t])
        stride = max(1, len(places) // CANDIDATES)
        places = places[offset % stride :: stride]
        room_up, room_down = self.inside[places] < self.upper, self.inside[places] > self.lower
        into, out = (room_up, room_down) if step > 0 else (room_down, room_up)
        blocked = (~into & (self.member[:, t] == 0)) @ self.member + (~out & (self.member[:, t] == 1)) @ (
            1 - self.member
        )
        free = self.panels[places] < self.n if step > 0 else self.panels[places] > 0
        possible = (blocked < 0.5) & free
        possible[:, t] = False
        reachable = np.where(possible.any(axis=0), gain, -np.inf) if len(places) else np.full(len(gain), -np.inf)
        other = int(np.argmax(reachable))
        if reachable[other] == -np.inf:
            return 0, None
        return int(places[np.flatnonzero(possible[:, other])[0]]), other

    def replace(self, place: int, panel: Composition) -> bool:
        """Puts another panel in this place if that lowers the potential; whether it did."""
        fresh = np.array(panel, dtype=np.int32)
        seats = self.seats - self.panels[place] + fresh
        if self.cost(seats).sum() >= self.cost().sum() - NEAR:
            return False
        self.panels[place], self.seats = fresh, seats
        self.inside[place] = self.member @ fresh
        return True


def improve(
    problem: PanelProblem,
    pi: NDArray[np.float64],
    panels: Sequence[Composition],
    stream: RandomStream,
    tell: Callable[[float], None],
) -> list[Composition]:
    """The panels after exchanges, replacements where somebody is still off by more than `ENOUGH`, and exchanges.

    Args:
        pi: π*, shape (T,); types at 0 or 1 are left alone.
        tell: told the largest deviation (in panels) now and then; may raise.
    """
    seats = Seats(problem, pi, panels)
    _exchange_all(seats, tell)
    if float(seats.deviation().max()) > ENOUGH:
        _replace_worst(seats, NearbyCompositions(problem, pi * problem.n, stream), tell)
        _exchange_all(seats, tell)
    return seats.compositions()


def _exchange_all(seats: Seats, tell: Callable[[float], None]) -> None:
    """Exchanges for one type after another, those with the largest deviation first, while any succeeds."""
    for turn in range(PASSES):
        done = False
        for t in np.argsort(-seats.deviation(), kind="stable"):
            if not seats.movable[t]:
                continue
            offset = turn
            while seats.exchange(int(t), offset):
                done = True
                offset += 1
            tell(float(seats.deviation().max()))
        if not done:
            return


def _replace_worst(seats: Seats, nearby: NearbyCompositions, tell: Callable[[float], None]) -> None:
    """Replaces panels that sit on the largest surpluses, as long as somebody is off by more than `ENOUGH`."""
    tried: set[int] = set()
    for _ in range(REPLACEMENTS):
        worst = float(seats.deviation().max())
        tell(worst)
        if worst <= ENOUGH or len(tried) == len(seats.panels):
            return
        burden = seats.panels @ (seats.surplus() ** 3 / seats.n)
        burden[list(tried)] = -np.inf
        place = int(np.argmax(burden))
        tried.add(place)
        missing = -seats.surplus(seats.seats - seats.panels[place])
        weight = missing**3
        panel = nearby.find(weight / max(float(np.abs(weight).max()), NEAR))
        if panel is not None and seats.replace(place, panel):
            tried.clear()
