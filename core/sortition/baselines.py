"""LEGACY and simple random selection: what LEXIMIN is compared with. Their π is estimated by sampling.

LEGACY is the greedy heuristic that the Sortition Foundation used for years, as described by Flanigan,
Gölz, Gupta, Hennig and Procaccia (Nature 596, 2021): until the panel is full, take the
category with the greatest need per remaining rater, (lower − selected) / remaining, and select one of
its remaining raters uniformly; once a category has reached its upper quota, its remaining raters are
removed from the pool; when a category can no longer reach its lower quota, start over. The
description leaves two things open; here ties between categories are broken uniformly, and once every
lower quota is met, any remaining rater may be selected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.facts.randomness import RandomStream
from core.sortition.panels import Composition
from core.sortition.progress import OnProgress, silent
from core.sortition.quotas.conflicts import require_panel
from core.sortition.quotas.problem import PanelProblem

SAMPLES = 1000
"""Panels drawn per baseline."""

ATTEMPTS = 1000
"""Restarts of LEGACY in a row after which it counts as unable to fill a panel."""


@dataclass(frozen=True)
class Sampled:
    """Panels of a Monte Carlo run with their relative frequencies, and the standard error of π, shape (T,)."""

    panels: tuple[Composition, ...]
    weights: tuple[Fraction, ...]
    standard_error: NDArray[np.float64]


def sampled_baseline(
    problem: PanelProblem, inside: bool, name: str, stream: RandomStream, tell: OnProgress = silent
) -> Sampled:
    """`SAMPLES` panels of LEGACY (inside the quotas) or of random selection.

    Raises:
        InfeasibleQuotas: LEGACY, and no panel meets the quotas.
        InputError: random selection of more raters than the pool has.
    """
    if inside:
        require_panel(problem)
        draw_one = partial(Legacy(problem).draw, stream)
    else:
        members = sum(problem.type_sizes)
        if problem.size > members:
            raise InputError(f"lotteries: {name!r} draws {problem.size} raters, but the pool has {members}")
        draw_one = partial(simple_random, problem, stream)
    return sample_panels(
        draw_one, problem.type_sizes, SAMPLES, lambda done: tell(done / SAMPLES, f"{done} of {SAMPLES} panels")
    )


def sample_panels(
    draw_one: Callable[[], Composition], type_sizes: Sequence[int], samples: int, on_sample: Callable[[int], None]
) -> Sampled:
    """The uniform distribution over `samples` independent panels, equal ones counted together."""
    drawn = []
    for i in range(samples):
        drawn.append(draw_one())
        on_sample(i + 1)
    counted = Counter(drawn)
    panels = tuple(sorted(counted, reverse=True))
    shares = np.array(drawn, dtype=np.float64) / np.array(type_sizes)
    error = shares.std(axis=0, ddof=1) / np.sqrt(samples) if samples > 1 else np.full(len(type_sizes), np.inf)
    return Sampled(panels, tuple(Fraction(counted[p], samples) for p in panels), error)


def simple_random(problem: PanelProblem, stream: RandomStream) -> Composition:
    """The composition of k raters drawn uniformly from the pool, without quotas."""
    type_of = [t for t, n in enumerate(problem.type_sizes) for _ in range(n)]
    counts = [0] * problem.types
    for t in stream.sample(type_of, problem.size):
        counts[t] += 1
    return tuple(counts)


class Legacy:
    """LEGACY on a pool; every call of `draw` gives the composition of one panel."""

    def __init__(self, problem: PanelProblem) -> None:
        self.problem = problem
        self.sizes = np.array(problem.type_sizes, dtype=np.int64)
        self.member = problem.member.astype(np.int64)
        self.lower = np.array([row.lower for row in problem.rows], dtype=np.int64)
        self.upper = np.array([row.upper for row in problem.rows], dtype=np.int64)

    def draw(self, stream: RandomStream) -> Composition:
        """One panel inside every quota.

        Raises:
            InputError: `ATTEMPTS` attempts in a row ended in a dead end.
        """
        for _ in range(ATTEMPTS):
            panel = self._attempt(stream)
            if panel is not None:
                return panel
        raise InputError(
            f"LEGACY found no panel of {self.problem.size} in {ATTEMPTS} attempts, although there is one; "
            'use algorithm = "leximin" or a larger tolerance'
        )

    def _attempt(self, stream: RandomStream) -> Composition | None:
        """One greedy pass, or None at a dead end."""
        remaining = self.sizes.copy()
        panel = np.zeros_like(remaining)
        selected = np.zeros_like(self.lower)
        for _ in range(self.problem.size):
            full = selected >= self.upper
            remaining[self.member[full].any(axis=0)] = 0
            left = self.member @ remaining
            if np.any(selected + left < self.lower) or not remaining.any():
                return None
            t = _one_of(remaining * self._most_urgent(selected, left, stream), stream)
            panel[t] += 1
            remaining[t] -= 1
            selected += self.member[:, t]
        inside = np.all((self.lower <= selected) & (selected <= self.upper))
        return tuple(panel.tolist()) if inside else None

    def _most_urgent(
        self, selected: NDArray[np.int64], left: NDArray[np.int64], stream: RandomStream
    ) -> NDArray[np.int64]:
        """1 for the types of the most urgent category (ties uniformly), for all types where none is in need."""
        need = self.lower - selected
        in_need = (need > 0) & (left > 0)
        if not in_need.any():
            return np.ones_like(self.sizes)
        urgency = np.where(in_need, need / np.maximum(left, 1), -1.0)
        tied = np.flatnonzero(urgency == urgency.max())
        return self.member[tied[stream.below(len(tied))]]


def _one_of(counts: NDArray[np.int64], stream: RandomStream) -> int:
    """A type, with probability proportional to its remaining raters."""
    up_to = np.cumsum(counts)
    return int(np.searchsorted(up_to, stream.below(int(up_to[-1])), side="right"))
