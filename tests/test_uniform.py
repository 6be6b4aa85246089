"""Uniform lotteries: a public number picks one of m named panels; each must be a panel, and all together fair."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from brute_leximin import brute_leximin, compositions, random_problem

from core.errors import Stopped
from core.facts.randomness import RandomStream
from core.sortition.leximin.relaxation import relaxed_leximin
from core.sortition.quotas.problem import PanelProblem, QuotaConstraint
from core.sortition.uniform.exchange import Seats
from core.sortition.uniform.uniform import Uniform, reached_within, uniform_panels


def people_of(problem: PanelProblem) -> list[int]:
    """The type of every rater, in an order that mixes types."""
    types = [t for t, n in enumerate(problem.type_sizes) for _ in range(n)]
    return [types[i] for i in np.random.default_rng(5).permutation(len(types))]


def check(problem: PanelProblem, type_of: list[int], pi: np.ndarray, found: Uniform | None, m: int) -> np.ndarray:
    """Everything that holds for any uniform lottery; panels of every rater, shape (n,)."""
    assert found is not None
    assert len(found.panels) == len(found.members) == m
    for panel, members in zip(found.panels, found.members, strict=True):
        assert problem.violation(panel) is None
        assert list(members) == sorted(set(members))
        assert len(members) == problem.size
        counts = Counter(type_of[i] for i in members)
        assert tuple(counts[t] for t in range(problem.types)) == panel
    panels = np.bincount([i for members in found.members for i in members], minlength=len(type_of))
    by_type = [panels[np.array(type_of) == t] for t in range(problem.types)]
    assert all(np.ptp(counts) <= 1 for counts in by_type)
    assert found.difference == pytest.approx(np.abs(panels / m - pi[type_of]).max(), abs=1e-15)
    return panels


@pytest.mark.long
@pytest.mark.parametrize("m", [1, 10, 100, 250])
@pytest.mark.parametrize("seed", range(4))
def test_random_pools_are_within_two_panels_of_the_optimum(seed: int, m: int) -> None:
    problem = random_problem(seed, 120, 20, 5, 3, slip=1)
    type_of, pi = people_of(problem), relaxed_leximin(problem).pi
    found = uniform_panels(problem, type_of, pi, m, RandomStream(1, "u"))
    check(problem, type_of, pi, found, m)
    assert found is not None
    assert found.reached
    if m >= 100:
        assert found.difference <= 1.5 / m


def test_raters_without_a_chance_and_certain_raters() -> None:
    """Quota c needs its three raters; nobody of quota d may sit; the rest share the two other seats."""
    problem = PanelProblem(
        5, (1, 2, 3, 4), (QuotaConstraint("a", "c", 3, 3, (0, 1)), QuotaConstraint("a", "d", 0, 0, (2,)))
    )
    type_of = people_of(problem)
    pi = np.array([1, 1, 0, 1 / 2])
    panels = check(problem, type_of, pi, uniform_panels(problem, type_of, pi, 40, RandomStream(1)), 40)
    assert panels.tolist() == [(40, 40, 0, 20)[t] for t in type_of]


def test_optimum_below_the_relaxation_is_reached() -> None:
    """π* from every panel written down, where the relaxation's π is out of reach."""
    for seed in (0, 6, 8):
        problem = random_problem(seed, 30, 7, 6, 3)
        type_of, pi = people_of(problem), brute_leximin(problem, compositions(problem))
        pi = np.clip(pi, 0, 1)
        found = uniform_panels(problem, type_of, pi, 200, RandomStream(1))
        panels = check(problem, type_of, pi, found, 200)
        assert found is not None
        assert found.reached
        assert not panels[pi[type_of] < 1e-9].any()
        assert (panels[pi[type_of] > 1 - 1e-9] == 200).all()


# Five types; the only panel is the fourth and fifth, but the relaxation gives a third to each of the first four.
ODD_CYCLE = PanelProblem(
    2,
    (1, 1, 1, 1, 1),
    tuple(QuotaConstraint("a", str(q), 1, 1, types) for q, types in enumerate([(0, 2, 3), (0, 1, 3), (1, 2, 3)])),
)


def test_unreachable_optimum_is_told() -> None:
    pi = relaxed_leximin(ODD_CYCLE).pi
    found = uniform_panels(ODD_CYCLE, range(5), pi, 100, RandomStream(1))
    assert found is not None
    assert not found.reached
    assert found.difference == pytest.approx(2 / 3)


def test_certainty_that_no_panel_can_give() -> None:
    problem = PanelProblem(1, (1, 1), (QuotaConstraint("a", "c", 0, 0, (0,)),))
    assert uniform_panels(problem, [0, 1], np.array([1.0, 0.0]), 10, RandomStream(1)) is None


def test_same_stream_gives_the_same_panels() -> None:
    problem = random_problem(2, 120, 20, 5, 3, slip=1)
    type_of, pi = people_of(problem), relaxed_leximin(problem).pi
    one = uniform_panels(problem, type_of, pi, 80, RandomStream(1, "u"))
    assert one == uniform_panels(problem, type_of, pi, 80, RandomStream(1, "u"))
    other = uniform_panels(problem, type_of, pi, 80, RandomStream(2, "u"))
    assert one is not None
    assert other is not None
    assert one.members != other.members


def test_members_of_a_type_meet_in_changing_company() -> None:
    """Two of four seats, many panels: a rotation without chance would only ever seat the same pairs."""
    problem = PanelProblem(2, (4,), ())
    found = uniform_panels(problem, [0] * 4, np.array([1 / 2]), 60, RandomStream(1))
    check(problem, [0] * 4, np.array([1 / 2]), found, 60)
    assert found is not None
    assert found.difference == 0
    assert len(set(found.members)) == 6


def test_request_to_stop_is_honoured_in_every_phase() -> None:
    problem = random_problem(2, 120, 20, 5, 3, slip=1)
    type_of, pi = people_of(problem), relaxed_leximin(problem).pi
    for phase in ("20 of 60", "at most"):

        def stop(done: float, text: str, phase: str = phase) -> None:
            assert 0 <= done <= 1
            if phase in text:
                raise Stopped("stop")

        with pytest.raises(Stopped):
            uniform_panels(problem, type_of, pi, 60, RandomStream(1), stop)


def test_exchanges_bring_a_lopsided_list_of_panels_to_what_is_due() -> None:
    """Ten raters, ten panels of the same two: seats must move until everybody has two."""
    problem = PanelProblem(2, (1,) * 10, ())
    seats = Seats(problem, np.full(10, 0.2), [(1, 1, *(0,) * 8)] * 10)
    while any(seats.exchange(t, 0) for t in range(10)):
        pass
    assert seats.seats.tolist() == [2.0] * 10
    assert all(problem.violation(panel) is None for panel in seats.compositions())


def test_exchanges_stay_inside_the_quotas() -> None:
    """One of types 0 and 1 on every panel: a surplus of type 0 may only go to type 1."""
    problem = PanelProblem(2, (1, 1, 1, 1), (QuotaConstraint("a", "c", 1, 1, (0, 1)),))
    seats = Seats(problem, np.array([0.5, 0.5, 0.5, 0.5]), [(1, 0, 1, 0)] * 4)
    while any(seats.exchange(t, 0) for t in range(4)):
        pass
    assert seats.seats.tolist() == [2.0] * 4
    assert all(problem.violation(panel) is None for panel in seats.compositions())


def test_what_counts_as_reached() -> None:
    assert reached_within(10) == pytest.approx(0.2)
    assert reached_within(1000) == 0.002
    assert reached_within(10_000) == 0.002


def test_at_least_one_panel() -> None:
    with pytest.raises(ValueError, match="at least one panel"):
        uniform_panels(PanelProblem(1, (2,), ()), [0, 0], np.array([0.5]), 0, RandomStream(1))
