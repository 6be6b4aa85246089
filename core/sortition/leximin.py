"""LEXIMIN: the lottery whose inclusion probabilities, sorted ascending, are lexicographically largest.

1. The relaxation's LEXIMIN is an upper bound (`relaxation`), found in a second.
2. Where a lottery over real compositions reaches it (`decomposition`), it is the optimum: proved.
3. Where a hyperplane separates it from every composition, it is not reachable, and the optimum
   comes from exact column generation (`column_generation`), which starts from the compositions found.

Anything else ends with a `SolverError` that says what was proved. There is no fourth case and no
weaker objective. π is unique; the lottery is not.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.randomness import RandomStream
from core.sortition.column_generation import generated_leximin
from core.sortition.conflicts import require_panel
from core.sortition.decomposition import Mixture, decompose
from core.sortition.panels import BestComposition, Composition
from core.sortition.problem import PanelProblem
from core.sortition.relaxation import Level, RelaxedOptimum, relaxed_leximin

OnProgress = Callable[[float, str], None]
"""Told how far the work is (0 to 1) and what it is doing, in words."""

TIGHT = "the relaxation's LEXIMIN, reached by a lottery over real panels, which proves that it is the optimum"
GENERATED = "exact column generation, stage by stage; the relaxation's LEXIMIN is out of reach of every lottery"


@dataclass(frozen=True)
class Leximin:
    """The optimum π per type (T,), its levels, and a lottery that reaches it: panels with weights."""

    pi: NDArray[np.float64]
    levels: tuple[Level, ...]
    panels: tuple[Composition, ...]
    weights: NDArray[np.float64]
    method: str


def leximin(problem: PanelProblem, stream: RandomStream, on_progress: OnProgress | None = None) -> Leximin:
    """The LEXIMIN optimum and a lottery that reaches it. The same stream gives the same lottery.

    Raises:
        InfeasibleQuotas: no panel meets the quotas.
        SolverError: the optimum could not be proved.
    """
    tell = on_progress or (lambda _done, _detail: None)
    panel = require_panel(problem)
    relaxed = relaxed_leximin(problem, lambda fixed, _, p: tell(0.1 * fixed / problem.types, _level_text(fixed, p)))
    best = BestComposition(problem)
    mixture = decompose(
        problem, relaxed.pi * problem.n, best, stream, [panel], lambda m, r: tell(_share_done(r), _panel_text(m, r))
    )
    if isinstance(mixture, Mixture):
        return _joined(relaxed, mixture, TIGHT)
    optimum, found = generated_leximin(
        problem,
        best,
        [panel, *mixture.panels],
        on_level=lambda fixed, _, p: tell(fixed / problem.types, "column generation: " + _level_text(fixed, p)),
        on_stage=lambda done, m, z, bound: tell(
            done / problem.types, f"column generation: {m} panels, next level between {z:.6f} and {bound:.6f}"
        ),
    )
    return _joined(optimum, found, GENERATED)


def _joined(optimum: RelaxedOptimum, mixture: Mixture, method: str) -> Leximin:
    return Leximin(optimum.pi, optimum.levels, mixture.panels, mixture.weights, method)


def _share_done(residual: float) -> float:
    """Progress of a decomposition: its residual falls from about 1 to 1e-10, roughly geometrically."""
    return 0.1 + 0.09 * min(10.0, max(0.0, -math.log10(max(residual, 1e-10))))


def _level_text(fixed: int, probability: float) -> str:
    return f"{fixed} types fixed, level {probability:.6f}"


def _panel_text(panels: int, residual: float) -> str:
    return f"{panels} panels, {residual:.1e} from the optimum"
