"""From duals to exact proofs: every lottery that is solved carries one that the checker accepts."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from random import Random

import numpy as np
import pytest
from brute_leximin import brute_leximin, compositions, random_problem
from certificates import certificate_of
from hypothesis import given
from hypothesis import strategies as st
from plain_column_generation import plain_leximin

from core.facts.randomness import RandomStream
from core.facts.sortition.proof import Checked, SolverFact, check
from core.sortition.leximin import certificate, rational
from core.sortition.leximin.certificate import LeximinStage, quota_level, solver_facts
from core.sortition.leximin.leximin import Leximin, leximin
from core.sortition.leximin.rational import null_vector, scaled_integers, small_integers
from core.sortition.leximin.relaxation import relaxed_leximin
from core.sortition.quotas.problem import PanelProblem, QuotaConstraint


def solve(problem: PanelProblem) -> Leximin:
    return leximin(problem, RandomStream(1, "test"))


def checked(problem: PanelProblem, found: Leximin) -> Checked:
    """The check of what would be recorded, with the facts for a solver solved for again."""
    result = check(certificate_of(problem, found))
    assert result.failure is None
    assert solver_facts(problem, result.facts) is None
    return result


def quota(name: str, lower: int, upper: int, *types: int) -> QuotaConstraint:
    return QuotaConstraint("attribute", name, lower, upper, types)


# The pools of test_proof, whose proofs were found by hand there.
WOMEN_AND_OLD = PanelProblem(2, (1, 1, 2, 2), (quota("woman", 1, 1, 0, 1), quota("old", 1, 2, 0, 2)))
ODD_CYCLE = PanelProblem(
    2, (1, 1, 1, 1, 1), (quota("1", 1, 1, 0, 2, 3), quota("2", 1, 1, 0, 1, 3), quota("3", 1, 1, 1, 2, 3))
)


# ---------------------------------------------------------------- by hand


def test_levels_are_fractions() -> None:
    found = solve(WOMEN_AND_OLD)
    assert [level.exact for level in found.levels] == [Fraction(1, 4), Fraction(1, 2)]
    assert [level.types for level in found.levels] == [(2, 3), (0, 1)]
    assert [(level.proof, level.gap) for level in found.levels] == [("quotas", 0)] * 2
    assert checked(WOMEN_AND_OLD, found).facts == ()


def test_prices_worked_by_hand() -> None:
    """Three seats, two for the old at least, two old and four young: 4 young pay for one seat."""
    problem = PanelProblem(3, (2, 4), (quota("old", 2, 3, 0),))
    level = solve(problem).levels[0]
    assert (level.exact, level.seat, level.prices) == (Fraction(1, 4), 1, (-1,))
    # Were the old to give a seat back, the four young would share one more.
    assert level.binding == {"attribute: old (lower)": 0.25}


@pytest.mark.parametrize(("sizes", "lower", "upper", "side"), [((30, 9, 5), 0, 1, "upper"), ((6, 9, 5), 3, 4, "lower")])
def test_binding_is_what_one_more_seat_changes(sizes: tuple[int, ...], lower: int, upper: int, side: str) -> None:
    """The level of the pool with the quota one member wider, less the level that was recorded."""
    problem = PanelProblem(5, sizes, (quota("c", lower, upper, 0),))
    wider = PanelProblem(5, sizes, (quota("c", lower - (side == "lower"), upper + (side == "upper"), 0),))
    before, after = solve(problem).levels[0], solve(wider).levels[0]
    assert before.binding == {f"attribute: c ({side})": pytest.approx(float(after.exact - before.exact))}


def test_no_feasible_panel_is_a_fact_for_the_solver() -> None:
    found = solve(ODD_CYCLE)
    assert found.method == "generated"
    impossible = [level for level in found.levels if level.exact == 0]
    assert sorted(t for level in impossible for t in level.types) == [0, 1, 2]
    assert {level.proof for level in impossible} == {"panels"}
    assert (found.levels[-1].exact, found.levels[-1].types, found.levels[-1].proof) == (1, (3, 4), "certain")
    facts = checked(ODD_CYCLE, found).facts
    assert [fact.level for fact in facts] == list(range(len(impossible)))
    assert {fact.bound for fact in facts} == {0}


def test_solver_refuses_a_false_fact() -> None:
    wrong = solver_facts(ODD_CYCLE, [SolverFact(3, ((3, 2), (4, 1)), 2)])
    assert wrong == (
        "level 3: the record says that no panel's values sum to more than 2, but the solver finds a bound of 3"
    )


# ---------------------------------------------------------------- against other methods


def _quick_pool(seed: int) -> PanelProblem:
    rng = np.random.default_rng(30_000 + seed)
    sizes = (int(rng.integers(10, 26)), int(rng.integers(3, 8)), int(rng.integers(2, 7)), int(rng.integers(2, 5)))
    return random_problem(seed, *sizes, slip=int(rng.integers(0, 2)))


SEEDS = 240
CHUNK = 20


@pytest.mark.long
@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_certificates_of_random_pools(first: int) -> None:
    """Every certificate is accepted, and its levels are those of every panel written down."""
    compared = 0
    for seed in range(first, first + CHUNK):
        problem = _quick_pool(seed)
        panels = compositions(problem)
        if len(panels) > 1500:
            continue
        found = solve(problem)
        result = checked(problem, found)
        assert result.gap == 0, seed
        assert result.difference <= 1e-9
        exact = np.empty(problem.types)
        for level in found.levels:
            exact[list(level.types)] = float(level.exact)
        assert exact == pytest.approx(brute_leximin(problem, panels), abs=1e-6), seed
        compared += 1
    assert compared >= 17


@pytest.mark.parametrize(
    ("seed", "method", "without_chance", "certain"),
    [
        (13, "generated", True, True),
        (80, "generated", True, False),
        (2, "generated", False, False),
        (6, "tight", True, True),
        (0, "tight", False, False),
    ],
)
def test_the_random_pools_are_of_every_kind(seed: int, method: str, without_chance: bool, certain: bool) -> None:
    """Out of the relaxation's reach or within it, with raters who have no chance and with raters who are certain."""
    found = solve(_quick_pool(seed))
    assert found.method == method
    assert (found.levels[0].exact == 0, found.levels[-1].exact == 1) == (without_chance, certain)


@pytest.mark.long
@pytest.mark.parametrize(
    ("seed", "sizes", "method"),
    [
        (0, (36, 9, 5, 3, 0), "generated"),
        (1, (60, 12, 7, 4, 0), "generated"),
        (2, (60, 12, 7, 4, 0), "generated"),
        (3, (40, 10, 4, 3, 1), "tight"),
        (0, (80, 14, 4, 3, 1), "tight"),
    ],
)
def test_pools_too_large_to_write_down(seed: int, sizes: tuple[int, int, int, int, int], method: str) -> None:
    problem = random_problem(seed, *sizes[:4], slip=sizes[4])
    found = solve(problem)
    assert found.method == method
    assert found.pi == pytest.approx(plain_leximin(problem), abs=1e-6)
    checked(problem, found)


@pytest.mark.parametrize("seed", range(30))
def test_another_lottery_cannot_borrow_the_proof(seed: int) -> None:
    """All panels alike often, levels fitted to what that gives, and the prices of the optimum: refused."""
    problem = _quick_pool(seed)
    panels = compositions(problem)
    totals = [sum(panel[t] for panel in panels) for t in range(problem.types)]
    pi = [Fraction(x, len(panels) * n) for x, n in zip(totals, problem.type_sizes, strict=True)]
    found = solve(problem)
    forged = certificate_of(problem, found)
    forged["denominator"] = str(len(panels))
    forged["panels"] = [{"numerator": "1", "counts": [[t, x] for t, x in enumerate(panel) if x]} for panel in panels]
    proofs = forged["levels"]
    forged["levels"] = [
        proofs[min(j, len(proofs) - 1)]
        | {
            "level": j,
            "exact": str(value),
            "probability": float(value),
            "types": [t for t in range(len(pi)) if pi[t] == value],
        }
        for j, value in enumerate(sorted(set(pi)))
    ]
    optimal = max(abs(float(a) - b) for a, b in zip(pi, found.pi, strict=True)) <= 1e-9
    assert check(forged).accepted <= optimal


# ---------------------------------------------------------------- where no small integers fit


@pytest.mark.parametrize("seed", [30, 37, 60, 0])
def test_gap_is_stated_where_no_small_integers_fit(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounded duals prove the level up to a gap, which is recorded and small; the optimum is the same."""
    problem = _quick_pool(seed)
    exact = solve(problem)
    monkeypatch.setattr(certificate, "null_vector", lambda *_: None)
    monkeypatch.setattr(certificate, "small_integers", lambda *_: None)
    found = solve(problem)
    result = checked(problem, found)
    assert 0 < result.gap < 1e-8
    assert result.uncertainty <= certificate.CERTAIN
    assert found.pi == pytest.approx(exact.pi, abs=1e-8)


def test_a_level_too_long_to_write_down_is_given_with_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = _quick_pool(0)
    monkeypatch.setattr(certificate, "LONGEST", 1)
    found = solve(problem)
    assert max(level.gap for level in found.levels) > 0
    checked(problem, found)


def test_duals_that_fix_nothing_make_no_level() -> None:
    stage = LeximinStage(WOMEN_AND_OLD)
    assert quota_level(stage, 0.0, np.zeros(2), 0.25) is None
    # A price at which nobody is worth anything.
    assert quota_level(stage, -1.0, np.zeros(2), 0.25) is None


def test_duals_off_by_rounding_give_the_same_integers() -> None:
    stage = LeximinStage(WOMEN_AND_OLD)
    level = quota_level(stage, 0.25 + 1e-12, np.array([-0.25 + 3e-12, 1e-13]), 0.25 - 1e-11)
    assert level is not None
    assert (level.exact, level.seat, level.prices, level.types) == (Fraction(1, 4), 1, (-1, 0), (2, 3))


# ---------------------------------------------------------------- integers from floats


def test_null_vector_by_hand() -> None:
    # 2a = 3b, b + c = 0
    assert null_vector([[2, -3, 0], [0, 1, 1]], 3) in {(3, 2, -2), (-3, -2, 2)}
    # The third follows from the two before.
    assert null_vector([[2, -3, 0], [4, -6, 0], [0, 1, 1]], 3) in {(3, 2, -2), (-3, -2, 2)}
    assert null_vector([[1, -1, 0]], 3) is None
    assert null_vector([], 1) == (1,)


@given(st.lists(st.integers(-9, 9), min_size=2, max_size=8).filter(any), st.randoms(use_true_random=False))
def test_null_vector_is_found_again(vector: list[int], random: Random) -> None:
    """Equations that a vector solves give it back, without its common divisor and up to sign."""
    size = len(vector)
    equations = []
    for i, j in itertools.combinations(range(size), 2):
        equation = [0] * size
        equation[i], equation[j] = vector[j], -vector[i]
        equations.append(equation)
    random.shuffle(equations)
    found = null_vector(equations, size)
    divisor = math.gcd(*vector)
    assert found in {tuple(v // divisor for v in vector), tuple(-v // divisor for v in vector)}


def test_small_integers_are_found_through_rounding() -> None:
    assert small_integers([1 / 7, 0.0, 3 / 14 + 1e-13]) == (2, 0, 3)
    assert small_integers([0.25, 0.5]) == (1, 2)
    assert small_integers([1.0, 2**0.5]) is None
    assert small_integers([1.0, 1e-9]) is None
    assert small_integers([0.0]) is None


def test_scaled_integers_keep_the_proportions() -> None:
    assert scaled_integers([0.5, 1.0, -0.25]) == (rational.SCALE // 2, rational.SCALE, -rational.SCALE // 4)


# ---------------------------------------------------------------- exactness carried from level to level


def test_many_levels_stay_exact() -> None:
    """27 categories in a row, each with a quota of its own: level after level, no rounding builds up."""
    sizes = tuple(range(2, 29))
    rows = tuple(QuotaConstraint("a", str(t), 1, 1, (t,)) for t in range(26))
    problem = PanelProblem(27, sizes, rows)
    found = relaxed_leximin(problem)
    assert [level.exact for level in found.levels] == [Fraction(1, n) for n in sorted(sizes, reverse=True)]
