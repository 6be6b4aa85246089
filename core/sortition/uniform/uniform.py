"""Uniform lotteries: m panels with named members, each of probability 1/m, near a given π*.

A public number between 1 and m then picks the panel (Flanigan, Kehne & Procaccia, Fair Sortition Made
Transparent, NeurIPS 2021). The panels are built directly:

1. herding: each composition maximises what its predecessors left short of x*_t = n_t·π*_t for each panel,
   so that the shortage stays bounded instead of growing with m;
2. exchanges and replacements bring the numbers of panels nearer to m·π* (`exchange`);
3. the seats of a type go round among its raters: those who have been on fewest panels come first.

π_i = (panels with rater i)/m. Seats are whole, so a difference of about 1/(2m) has to remain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.facts.randomness import RandomStream
from core.sortition.draws.draw import raters_by_type
from core.sortition.leximin.checkpoint import Checkpoints, identity_of, packed, unpacked
from core.sortition.leximin.nearby import NEAR, NearbyCompositions, noise
from core.sortition.panels import BestComposition, Composition
from core.sortition.progress import OnProgress, silent
from core.sortition.quotas.problem import PanelProblem
from core.sortition.uniform.exchange import improve

ROUND = 50
"""Panels from one saved state to the next."""

LOOSE_GAP = 0.05
"""Relative gap of the exact search where the one near x* fails: a good panel is enough."""


@dataclass(frozen=True)
class Uniform:
    """m panels: compositions, their members as sorted pool indices, and the largest |π_i − π*_i|."""

    panels: tuple[Composition, ...]
    members: tuple[tuple[int, ...], ...]
    difference: float

    @property
    def reached(self) -> bool:
        """Whether these panels count as reaching π*."""
        return self.difference <= reached_within(len(self.panels))


def reached_within(m: int) -> float:
    """The largest |π_i − π*_i| at which m uniform panels count as reaching π*: max(0.002, 2/m).

    Seats are whole, so a difference of 1/(2m) for one rater and nearly 1/m inside a type cannot be
    avoided; twice that is what herding reaches where π* is reachable. Where it is not, the shortage
    grows in proportion to m, and the difference stays where it is however many panels there are. From
    m = 1000 on 0.002 is near enough for everybody, whatever m would allow.
    """
    return max(0.002, 2 / m)


def uniform_panels(
    problem: PanelProblem,
    type_of: Sequence[int],
    pi: NDArray[np.float64],
    m: int,
    stream: RandomStream,
    tell: OnProgress = silent,
    checkpoints: Checkpoints | None = None,
) -> Uniform | None:
    """m panels, drawn uniformly, with inclusion probabilities near `pi`.

    Raters with π* = 0 are on no panel and raters with π* = 1 on every one. None where no panel can do
    that, which shows that no lottery has these π*; a `Uniform` that is not `reached` is the other sign.

    Args:
        type_of: the type of every pool member.
        pi: π* by type, shape (T,).
        m: number of panels, at least 1.
        stream: its seed and path fix the result.

    Raises:
        SolverError: a search ended without an answer.
    """
    if m < 1:
        raise ValueError(f"a uniform lottery needs at least one panel, not {m}")
    herded = _herded(problem, pi, m, stream, tell, checkpoints or Checkpoints())
    if herded is None:
        return None
    panels = improve(
        problem,
        pi,
        herded,
        stream.child("improve"),
        lambda worst: tell(0.9, f"{m} panels, at most {worst / m:.5f} from the optimum"),
    )
    members = _seated(panels, type_of, stream.child("seats"))
    return Uniform(tuple(panels), members, _difference(members, type_of, pi))


def _herded(
    problem: PanelProblem,
    pi: NDArray[np.float64],
    m: int,
    stream: RandomStream,
    tell: OnProgress,
    checkpoints: Checkpoints,
) -> list[Composition] | None:
    """m compositions whose sum stays near m·x*, in rounds that depend on the compositions before them."""
    checkpoint = checkpoints.of("uniform", identity_of(problem, stream, pi.tolist(), m))
    state = checkpoint.load()
    panels = unpacked(state["panels"], problem.types) if state else []
    while len(panels) < m:
        herd = _Herd(problem, pi, panels, stream.child(f"panels from {len(panels)}"))
        for _ in range(min(ROUND, m - len(panels))):
            panel = herd.next()
            if panel is None:
                return None
            panels.append(panel)
            tell(0.9 * len(panels) / m, f"{len(panels)} of {m} panels")
        checkpoint.save({"panels": packed(panels)})
    return panels


class _Herd:
    """Compositions that make up, one after another, for what their predecessors left short."""

    def __init__(
        self, problem: PanelProblem, pi: NDArray[np.float64], before: Sequence[Composition], stream: RandomStream
    ) -> None:
        self.problem = problem
        self.target = pi * problem.n
        self.stream = stream
        self.nearby = NearbyCompositions(problem, self.target, stream)
        self.short = len(before) * self.target
        if before:
            self.short = self.short - np.sum(np.array(before), axis=0)
        self._exact: BestComposition | None = None

    def next(self) -> Composition | None:
        self.short = self.short + self.target
        weight = self.short + 1e-3 * noise(self.stream, len(self.short))
        panel = self.nearby.find(weight) or self._far(weight)
        if panel is not None:
            self.short = self.short - np.array(panel)
        return panel

    def _far(self, weight: NDArray[np.float64]) -> Composition | None:
        """A good panel that may be anywhere, except for raters with π* = 0 and π* = 1."""
        if self._exact is None:
            self._exact = BestComposition(self.problem)
            n = self.problem.n
            never, always = self.target <= NEAR, self.target >= n - NEAR
            self._exact.solver.set_column_bounds(np.where(always, n, 0.0), np.where(never, 0.0, n))
            self._exact.solver.accept_gap(LOOSE_GAP)
        self._exact.solver.forget()
        found = self._exact.best(weight)
        return None if found is None else found.panel


class _Rotation:
    """Members of one type taking turns; `waiting` are those who have been on fewest panels."""

    def __init__(self, members: Sequence[int], stream: RandomStream) -> None:
        self.members = members
        self.stream = stream
        self.waiting: list[int] = []

    def take(self, count: int) -> list[int]:
        """The next members; who comes first among equals is random."""
        first, self.waiting = self.waiting[:count], self.waiting[count:]
        if len(first) == count:
            return first
        taken = set(first)
        again = [i for i in self.members if i not in taken]
        self.stream.shuffle(again)
        more = count - len(first)
        self.waiting = again[more:] + first
        self.stream.shuffle(self.waiting)
        return first + again[:more]


def _seated(panels: Sequence[Composition], type_of: Sequence[int], stream: RandomStream) -> tuple[tuple[int, ...], ...]:
    """The members of every panel: inside a type nobody is on more than one panel more than another."""
    rotations = [_Rotation(members, stream) for members in raters_by_type(type_of, len(panels[0]))]
    return tuple(
        tuple(sorted(i for t, count in enumerate(panel) if count for i in rotations[t].take(count))) for panel in panels
    )


def _difference(members: Sequence[Sequence[int]], type_of: Sequence[int], pi: NDArray[np.float64]) -> float:
    """max_i |π_i − π*_i|."""
    counts = np.zeros(len(type_of))
    for panel in members:
        counts[list(panel)] += 1
    return float(np.abs(counts / len(members) - pi[list(type_of)]).max())
