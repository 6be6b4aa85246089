"""LEXIMIN: the lottery whose inclusion probabilities, sorted ascending, are lexicographically largest.

1. The relaxation's LEXIMIN is an upper bound (`relaxation`), found in a second.
2. Where a lottery over real compositions reaches it (`decomposition`), it is the optimum: proved.
3. Where a hyperplane separates it from every composition, it is not reachable, and the optimum
   comes from exact column generation (`column_generation`), which starts from the compositions found.

There is no weaker objective. π is unique; the lottery is not. Every level carries its proof (`certificate`).
A level that floats cannot decide carries the gap that its proof leaves (`facts.sortition.undecided`); the lottery
then is near LEXIMIN, and nothing says that it is the optimum.

A uniform lottery needs no exact one: m panels near the bound are near the optimum, which lies between
them. Where they cannot come near the bound, the optimum is found as above and they are built near that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.facts.randomness import RandomStream
from core.facts.sortition.proof import DECIDED
from core.sortition.leximin.certificate import Level
from core.sortition.leximin.checkpoint import Checkpoints, identity_of
from core.sortition.leximin.column_generation import generated_leximin
from core.sortition.leximin.decomposition import Mixture, Separated, decompose
from core.sortition.leximin.relaxation import RelaxedOptimum, relaxed_leximin
from core.sortition.panels import BestComposition, Composition
from core.sortition.progress import OnProgress, silent
from core.sortition.quotas.conflicts import require_panel
from core.sortition.quotas.problem import PanelProblem
from core.sortition.solver import SolverError
from core.sortition.uniform.uniform import Uniform, reached_within, uniform_panels

OnBound = Callable[[NDArray[np.float64]], None]
"""Told the relaxation's π, shape (T,), as soon as it is known."""


@dataclass(frozen=True)
class Leximin:
    """The optimum π per type (T,), its levels, and a lottery that reaches it: panels with weights."""

    pi: NDArray[np.float64]
    levels: tuple[Level, ...]
    panels: tuple[Composition, ...]
    weights: NDArray[np.float64]
    method: str


def leximin(
    problem: PanelProblem,
    stream: RandomStream,
    tell: OnProgress = silent,
    on_bound: OnBound | None = None,
    checkpoints: Checkpoints | None = None,
) -> Leximin:
    """The LEXIMIN optimum and a lottery that reaches it. The same stream gives the same lottery.

    Raises:
        InfeasibleQuotas: no panel meets the quotas.
        SolverError: HiGHS could not solve a programme.
    """
    panel, relaxed = _bounded(problem, tell, on_bound)
    return _exact(problem, panel, relaxed, stream, tell, checkpoints or Checkpoints())


def uniform_leximin(
    problem: PanelProblem,
    type_of: Sequence[int],
    m: int,
    stream: RandomStream,
    tell: OnProgress = silent,
    on_bound: OnBound | None = None,
    checkpoints: Checkpoints | None = None,
) -> tuple[RelaxedOptimum, Uniform, str]:
    """m panels with named members near the LEXIMIN optimum; the optimum (or its bound), the panels, and in words how.

    Raises:
        InfeasibleQuotas: no panel meets the quotas.
        SolverError: the panels do not come near enough (`reached_within`), or HiGHS could not solve a programme.
    """
    kept = checkpoints or Checkpoints()
    panel, relaxed = _bounded(problem, tell, on_bound)
    built = uniform_panels(problem, type_of, relaxed.pi, m, stream, tell, kept)
    if built is not None and built.reached:
        return relaxed, built, "near_relaxed"
    found = _exact(problem, panel, relaxed, stream, tell, kept)
    optimum = RelaxedOptimum(found.pi, found.levels)
    built = uniform_panels(problem, type_of, found.pi, m, stream.child("exact"), tell, kept)
    if built is None or not built.reached:
        off = (
            "no panels with its certain and impossible raters were found"
            if built is None
            else f"{built.difference:.4f}"
        )
        raise SolverError(
            f"{m} panels of equal probability do not come near enough to the optimum ({off}; accepted: "
            f"{reached_within(m):.4f}); ask for more panels, or for the exact lottery with panels = 0"
        )
    return optimum, built, f"near_{found.method}"


def _bounded(problem: PanelProblem, tell: OnProgress, on_bound: OnBound | None) -> tuple[Composition, RelaxedOptimum]:
    """A panel, and the relaxation's LEXIMIN."""
    panel = require_panel(problem)
    relaxed = relaxed_leximin(problem, lambda done, detail: tell(0.1 * done, detail))
    if on_bound:
        on_bound(relaxed.pi)
    return panel, relaxed


def _exact(
    problem: PanelProblem,
    panel: Composition,
    relaxed: RelaxedOptimum,
    stream: RandomStream,
    tell: OnProgress,
    checkpoints: Checkpoints,
) -> Leximin:
    """The optimum and a lottery, from the bound."""
    best = BestComposition(problem)
    mixture = decompose(
        problem,
        relaxed.pi * problem.n,
        best,
        stream,
        [panel],
        lambda m, r: tell(_share_done(r), _panel_text(m, r)),
        checkpoints,
    )
    if isinstance(mixture, Mixture):
        return _joined(relaxed, mixture, "tight")
    known = [panel, *mixture.panels]
    kept = checkpoints.of("levels", identity_of(problem, stream, known))
    optimum, found = generated_leximin(problem, best, known, tell, kept)
    return _joined(optimum, found, "generated" if isinstance(mixture, Separated) else "stalled")


def _joined(optimum: RelaxedOptimum, mixture: Mixture, method: str) -> Leximin:
    decided = all(level.gap <= DECIDED for level in optimum.levels)
    return Leximin(optimum.pi, optimum.levels, mixture.panels, mixture.weights, method if decided else "undecided")


def _share_done(residual: float) -> float:
    """Progress of a decomposition: its residual falls from about 1 to 1e-10, roughly geometrically."""
    return 0.1 + 0.09 * min(10.0, max(0.0, -math.log10(max(residual, 1e-10))))


def _panel_text(panels: int, residual: float) -> str:
    return f"{panels} panels, {residual:.1e} from the optimum"
