"""From a point of the relaxation to a lottery over real compositions, or to a proof that there is none.

Given x* (expected members of each type), compositions are generated one after another and mixed so
that Σ_p λ_p·x_p comes as near to x* as it can (`projection`). The residual r = x* − Σλ_p·x_p says what
is missing: the next composition is one of large r·x. Two cases end this:

- r = 0: λ is a lottery with exactly the wanted inclusion probabilities;
- max { r·x : x ∈ X } < r·x*: the hyperplane r separates x* from every composition, so no lottery
  reaches x*. That maximum is taken over all of X by an integer programme and is a proof.

Where floats tell neither, the best composition along r being in the mixture already, it ends without an answer.

Most compositions come from a cheap search near x* (`nearby`), several at a time (`searchers`). Work goes
in rounds, and what a round adds depends only on the compositions and weights before it, so that a
killed run takes it up between two rounds and ends with the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.facts.randomness import RandomStream
from core.sortition.leximin.checkpoint import Checkpoints, State, identity_of, packed, unpacked
from core.sortition.leximin.nearby import noise
from core.sortition.leximin.projection import NearestMixture
from core.sortition.leximin.searchers import Searchers, Threads
from core.sortition.panels import BestComposition, Composition
from core.sortition.quotas.problem import PanelProblem
from core.sortition.solver import SolverError

REACHED = 1e-10
"""Largest |r_t| at which x* counts as reached."""

CLEARLY = 1e-8
"""Depth from which on a separation is believed; integer programmes are solved to 1e-9."""

HERD = 0.4
"""First compositions, per type; measured: 0.25 takes a quarter longer, 0.7 a quarter too, and ends in more panels."""

ROUND = 100
TYPES_PER_ROUND = 8
"""Compositions from one saved state to the next: so many, or one for so many types."""

TYPES_PER_SEARCH = 150
"""A batch along one residual has one search for so many types; measured: batches twice as large need a tenth
more compositions."""

OnResidual = Callable[[int, float], None]
"""Told now and then: compositions so far, largest |r_t|."""


@dataclass(frozen=True)
class Mixture:
    """Compositions and positive weights with Σ_p λ_p·x_p = x* up to `residual` (largest |r_t|)."""

    panels: tuple[Composition, ...]
    weights: NDArray[np.float64]
    residual: float


@dataclass(frozen=True)
class Separated:
    """Proof that no lottery reaches x*: direction·x ≤ bound < direction·x* for every composition x."""

    direction: NDArray[np.float64]
    bound: float
    panels: tuple[Composition, ...]


@dataclass(frozen=True)
class Stalled:
    """Neither: rounding hides whether a lottery reaches x*, of which the compositions fall short by `residual`."""

    panels: tuple[Composition, ...]
    residual: float


def decompose(
    problem: PanelProblem,
    target: NDArray[np.float64],
    best: BestComposition,
    stream: RandomStream,
    known: Sequence[Composition] = (),
    on_residual: OnResidual | None = None,
    checkpoints: Checkpoints | None = None,
) -> Mixture | Separated | Stalled:
    """A lottery whose expectation is `target`, or the proof that there is none; or word that floats tell neither.

    Args:
        target: x*, shape (T,), in the relaxation (size and quotas hold up to 1e-10).
        best: exact pricing over X.
        stream: its seed and path choose repair neighbourhoods and break ties; they fix the result.
        known: compositions found earlier, mixed in where they help.
        on_residual: is also called while searches run; what it raises ends them and is raised here.
        checkpoints: where the compositions found so far are kept from round to round.

    Raises:
        SolverError: HiGHS could not solve a programme.
    """
    identity = identity_of(problem, stream, target.tolist(), list(known))
    checkpoint = (checkpoints or Checkpoints()).of("decomposition", identity)
    work = _resumed(target, known, checkpoint.load())

    def tell() -> None:
        if on_residual:
            on_residual(len(work.mixture.panels), float(np.abs(work.mixture.residual).max()))

    with Threads(tell) as threads:
        while True:
            round_stream = stream.child(f"round {work.number}")
            searchers = Searchers(threads, problem, target, round_stream)
            if work.to_herd > 0:
                _herd(work, searchers)
            else:
                ended = _refine(work.mixture, searchers, best, round_stream, tell, work.enough)
                if ended is not None:
                    return ended
            work.number += 1
            checkpoint.save(work.state())


@dataclass
class _Work:
    """What a round depends on: mixture, number of the round, and how many compositions herding has yet to find.

    Solvers and random numbers are fresh in every round, so that work can be taken up between rounds.
    """

    mixture: NearestMixture
    number: int
    to_herd: int

    @property
    def enough(self) -> int:
        """Compositions after which a round ends."""
        return max(ROUND, len(self.mixture.target) // TYPES_PER_ROUND)

    def state(self) -> State:
        panels, weights = packed(self.mixture.panels), self.mixture.weights.tolist()
        return {"round": self.number, "to_herd": self.to_herd, "panels": panels, "weights": weights}


def _resumed(target: NDArray[np.float64], known: Sequence[Composition], state: State | None) -> _Work:
    """The work as it was saved, or its beginning."""
    mixture = NearestMixture(target)
    if state is None:
        mixture.add(known)
        return _Work(mixture, 0, int(HERD * len(target)))
    mixture.add(unpacked(state["panels"], len(target)))
    mixture.weights[:] = state["weights"]
    return _Work(mixture, state["round"], state["to_herd"])


def _herd(work: _Work, searchers: Searchers) -> None:
    """Compositions that make up, together, for what those before them left short of x*."""
    mixture, count = work.mixture, min(work.enough, work.to_herd)
    short = np.zeros(len(mixture.target))
    if mixture.panels:
        short = len(mixture.panels) * mixture.target - np.sum(np.array(mixture.panels), axis=0)
    found = searchers.herd(count, short)
    mixture.add(found)
    work.to_herd = work.to_herd - count if len(found) == count else 0


def _refine(
    mixture: NearestMixture,
    searchers: Searchers,
    best: BestComposition,
    stream: RandomStream,
    tell: Callable[[], None],
    count: int,
) -> Mixture | Separated | Stalled | None:
    """Compositions along the residual: the end, or None after `count` of them."""
    mixture.restart()
    enough = len(mixture.panels) + count
    while True:
        largest = mixture.solve()
        tell()
        if largest <= REACHED:
            return _supported(mixture)
        if len(mixture.panels) >= enough:
            return None
        if not _improve(mixture, searchers, stream):
            proof = _price(mixture, best)
            if proof is not None:
                return proof


def _improve(mixture: NearestMixture, searchers: Searchers, stream: RandomStream) -> bool:
    """Adds compositions near x* along the residual; whether any of them can shorten it."""
    residual = mixture.residual
    direction = residual / float(np.abs(residual).max())
    needed = 1e-3 * float(residual @ residual)
    batch = max(1, len(residual) // TYPES_PER_SEARCH)
    blurred = [direction + 0.3 * (noise(stream, len(direction)) - 0.5) for _ in range(batch - 1)]
    found = {panel for panel in searchers.find([direction, *blurred]) if panel is not None and panel not in mixture}
    fresh = sorted(found)
    mixture.add(fresh)
    return any(float(residual @ np.array(panel)) > needed for panel in fresh)


def _price(mixture: NearestMixture, best: BestComposition) -> Separated | Stalled | None:
    """Adds the composition of X that is best along the residual, or returns the separating hyperplane.

    Where that composition is in the mixture already, although the hyperplane does not separate, work has stalled.

    The residual is orthogonal to the mixture, so r·x* = ‖r‖² up to rounding; x* can only be a mixture of
    compositions if one of them has r·x ≥ r·x*.
    """
    residual = mixture.residual
    direction = residual / float(np.abs(residual).max())
    best.solver.forget()
    found = best.best(direction)
    if found is None:
        raise SolverError("the panels became infeasible while they were being generated")
    wanted = float(direction @ mixture.target)
    if found.bound < wanted - CLEARLY:
        return Separated(direction, found.bound, tuple(mixture.panels))
    if mixture.add([found.panel]) == 0:
        return Stalled(tuple(mixture.panels), float(np.abs(residual).max()))
    return None


def _supported(mixture: NearestMixture) -> Mixture:
    """The compositions with positive weight, in a fixed order."""
    weights = mixture.weights
    order = sorted(np.flatnonzero(weights > 0).tolist(), key=lambda p: mixture.panels[p], reverse=True)
    return Mixture(
        tuple(mixture.panels[p] for p in order), weights[order].copy(), float(np.abs(mixture.residual).max())
    )
