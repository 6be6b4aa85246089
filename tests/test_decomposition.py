"""From π to real panels: a lottery that misses its π, or depends on the machine, cannot be audited."""

from __future__ import annotations

import os
import threading
import time

import numpy as np
import pytest
from brute_leximin import compositions, random_problem

from core.errors import Stopped
from core.facts.randomness import RandomStream
from core.sortition.leximin import searchers
from core.sortition.leximin.decomposition import REACHED, Mixture, Separated, decompose
from core.sortition.leximin.nearby import NearbyCompositions
from core.sortition.leximin.relaxation import relaxed_leximin
from core.sortition.panels import BestComposition
from core.sortition.quotas.problem import PanelProblem, QuotaConstraint
from core.sortition.solver import Highs, SolverError

TIGHT = random_problem(3, 120, 20, 5, 3, slip=1)

# The only panel is the fourth and fifth type; the relaxation mixes the first three by thirds.
ODD_CYCLE = PanelProblem(
    2,
    (1, 1, 1, 1, 1),
    tuple(QuotaConstraint("a", str(q), 1, 1, types) for q, types in enumerate([(0, 2, 3), (0, 1, 3), (1, 2, 3)])),
)


def target_of(problem: PanelProblem) -> np.ndarray:
    return relaxed_leximin(problem).pi * problem.n


def mixture_of(problem: PanelProblem, target: np.ndarray) -> Mixture:
    found = decompose(problem, target, BestComposition(problem), RandomStream(1, "test"))
    assert isinstance(found, Mixture)
    return found


@pytest.mark.parametrize("seed", [1, 3, 5, 8])
def test_lottery_has_the_wanted_inclusion_probabilities(seed: int) -> None:
    problem = random_problem(seed, 120, 20, 5, 3, slip=1)
    target = target_of(problem)
    found = mixture_of(problem, target)
    assert found.weights @ np.array(found.panels) == pytest.approx(target, abs=REACHED)
    assert found.weights.min() > 0
    assert found.weights.sum() == pytest.approx(1, abs=1e-9)
    assert all(problem.violation(panel) is None for panel in found.panels)


def test_unreachable_target_is_refuted_by_a_hyperplane_that_no_panel_crosses() -> None:
    target = target_of(ODD_CYCLE)
    found = decompose(ODD_CYCLE, target, BestComposition(ODD_CYCLE), RandomStream(1))
    assert isinstance(found, Separated)
    panels = np.array(compositions(ODD_CYCLE))
    assert (panels @ found.direction).max() <= found.bound + 1e-9
    assert found.direction @ target > found.bound + 1e-9


@pytest.mark.parametrize("cores", [1, 2, 16])
def test_same_lottery_whatever_the_number_of_cores(cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    target = target_of(TIGHT)
    expected = mixture_of(TIGHT, target)
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    again = mixture_of(TIGHT, target)
    assert again.panels == expected.panels
    assert again.weights.tobytes() == expected.weights.tobytes()


def test_same_lottery_whatever_the_timing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Searches that are held up at odd moments find the same, and so does the order in which they end."""
    target = target_of(TIGHT)
    expected = mixture_of(TIGHT, target)
    find = NearbyCompositions.find
    delays = iter(range(1_000_000))

    def slow(self: NearbyCompositions, weight: np.ndarray) -> tuple[int, ...] | None:
        time.sleep(0.003 * (next(delays) % 3))
        return find(self, weight)

    monkeypatch.setattr(NearbyCompositions, "find", slow)
    again = mixture_of(TIGHT, target)
    assert again.panels == expected.panels
    assert again.weights.tobytes() == expected.weights.tobytes()


def test_known_panels_are_mixed_in() -> None:
    target = target_of(TIGHT)
    first = mixture_of(TIGHT, target)
    again = decompose(TIGHT, target, BestComposition(TIGHT), RandomStream(2), known=first.panels)
    assert isinstance(again, Mixture)
    assert again.weights @ np.array(again.panels) == pytest.approx(target, abs=REACHED)


def test_request_to_stop_ends_running_searches_and_leaves_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searchers, "TICK", 0.01)
    monkeypatch.setattr(NearbyCompositions, "find", lambda self, weight: time.sleep(0.05))
    before = threading.active_count()
    told: list[int] = []

    def stop(panels: int, residual: float) -> None:
        told.append(panels)
        raise Stopped("stop")

    begun = time.monotonic()
    with pytest.raises(Stopped):
        decompose(TIGHT, target_of(TIGHT), BestComposition(TIGHT), RandomStream(1), on_residual=stop)
    assert told == [0]
    assert time.monotonic() - begun < 30
    assert threading.active_count() == before


def test_request_to_stop_between_batches_leaves_no_thread() -> None:
    before = threading.active_count()
    calls = 0

    def stop(panels: int, residual: float) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise Stopped("stop")

    with pytest.raises(Stopped):
        decompose(TIGHT, target_of(TIGHT), BestComposition(TIGHT), RandomStream(1), on_residual=stop)
    assert threading.active_count() == before


def test_error_in_a_search_is_raised_and_leaves_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: NearbyCompositions, weight: np.ndarray) -> None:
        raise ZeroDivisionError("in a thread")

    monkeypatch.setattr(NearbyCompositions, "find", broken)
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError):
        mixture_of(TIGHT, target_of(TIGHT))
    assert threading.active_count() == before


def test_repair_that_highs_cannot_solve_is_only_a_miss(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repairs prove nothing; one that ends in a solve error must not end a lottery of hundreds of panels."""
    solve, calls = Highs.solve_integer, iter(range(1_000_000))

    def sometimes(self: Highs) -> object:
        if next(calls) % 5 == 2:
            raise SolverError("HiGHS ended with 'Solve error'")
        return solve(self)

    monkeypatch.setattr(Highs, "solve_integer", sometimes)
    monkeypatch.setattr(BestComposition, "best", lambda self, weight: pytest.fail("exact pricing was not needed"))
    target = target_of(TIGHT)
    found = mixture_of(TIGHT, target)
    assert found.weights @ np.array(found.panels) == pytest.approx(target, abs=REACHED)


@pytest.mark.parametrize("items", [1, 3, 9])
def test_results_come_in_the_order_of_the_weights(items: int) -> None:
    """Each weight singles out one type; its panel must come back in its place."""
    problem = PanelProblem(1, (1,) * 9, ())
    target = np.full(9, 1 / 9)
    weights = [np.eye(9)[i] for i in range(items)]
    with searchers.Threads(lambda: None) as threads:
        found = searchers.Searchers(threads, problem, target, RandomStream(1)).find(weights)
    assert [panel.index(1) for panel in found if panel is not None] == list(range(items))
