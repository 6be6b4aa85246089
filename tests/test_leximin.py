"""LEXIMIN: a lottery that is not the optimum treats somebody in the pool worse than it had to."""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from brute_leximin import brute_leximin, compositions, random_problem, relaxed_by_scipy
from night import of_the_day

from core.facts.randomness import RandomStream
from core.sortition.leximin.column_generation import generated_leximin
from core.sortition.leximin.leximin import Leximin, leximin
from core.sortition.leximin.relaxation import relaxed_leximin
from core.sortition.lottery import lottery_of
from core.sortition.panels import BestComposition
from core.sortition.quotas.problem import PanelProblem, QuotaConstraint


def solve(problem: PanelProblem) -> Leximin:
    return leximin(problem, RandomStream(1, "test"))


def mixed(problem: PanelProblem, found: Leximin) -> np.ndarray:
    """π per type from the panels and weights, shape (T,)."""
    return found.weights @ np.array(found.panels) / problem.n


def quota(name: str, lower: int, upper: int, *types: int) -> QuotaConstraint:
    return QuotaConstraint("attribute", name, lower, upper, types)


# Types: woman-old (1 rater), woman-young (1), man-old (2), man-young (2). One woman, at least one old.
# Panels are wo+mo, wo+my, wy+mo. Let a = P(wo) and m = P(a young man): m ≤ a, P(wy) = 1 − a, and the
# men have m/2 and (1 − m)/2 each, so the minimum is best at m = 1/2, then the women at a = 1/2.
WOMEN_AND_OLD = PanelProblem(2, (1, 1, 2, 2), (quota("woman", 1, 1, 0, 1), quota("old", 1, 2, 0, 2)))

# Types a = {1,2}, b = {2,3}, c = {1,3}, e = {1,2,3}, o = {}; each of the features 1, 2, 3 exactly once, k = 2.
# The only panel is e + o, but the relaxation mixes a, b and c by halves: with a = b = c = s/2,
# e = 1 − s and o = 1 − s/2 its best minimum is s/2 = 1 − s = 1/3.
ODD_CYCLE = PanelProblem(
    2, (1, 1, 1, 1, 1), (quota("1", 1, 1, 0, 2, 3), quota("2", 1, 1, 0, 1, 3), quota("3", 1, 1, 1, 2, 3))
)


def test_without_quotas_everyone_has_the_same_chance() -> None:
    found = solve(PanelProblem(2, (1, 3, 1), ()))
    assert found.pi == pytest.approx([2 / 5] * 3, abs=1e-12)


def test_hand_worked_pool() -> None:
    found = solve(WOMEN_AND_OLD)
    assert found.pi == pytest.approx([1 / 2, 1 / 2, 1 / 4, 1 / 4], abs=1e-12)
    assert mixed(WOMEN_AND_OLD, found) == pytest.approx(found.pi, abs=1e-9)
    assert [level.probability for level in found.levels] == pytest.approx([1 / 4, 1 / 2], abs=1e-12)
    assert found.method == "tight"


def test_levels_name_the_quotas_that_bind() -> None:
    """One old rater among five, two seats for the old at least: the quota is why the young get less."""
    problem = PanelProblem(3, (2, 4), (quota("old", 2, 3, 0),))
    found = solve(problem)
    assert found.pi == pytest.approx([1, 1 / 4], abs=1e-12)
    assert found.levels[0].types == (1,)
    assert set(found.levels[0].binding) == {"attribute: old (lower)"}


def test_rater_in_no_feasible_panel_has_no_chance_even_where_the_relaxation_gives_one() -> None:
    assert relaxed_leximin(ODD_CYCLE).pi[:3] == pytest.approx([1 / 3] * 3)
    found = solve(ODD_CYCLE)
    assert found.method == "generated"
    assert found.pi == pytest.approx([0, 0, 0, 1, 1], abs=1e-12)
    assert found.panels == ((0, 0, 0, 1, 1),)


def test_forced_rater_is_certain() -> None:
    """Three seats, all for the only three of a category."""
    found = solve(PanelProblem(3, (1, 2, 5), (quota("c", 3, 3, 0, 1),)))
    assert found.pi == pytest.approx([1, 1, 0], abs=1e-12)


def test_whole_pool_as_panel() -> None:
    found = solve(PanelProblem(4, (1, 3), (quota("c", 1, 4, 0),)))
    assert found.panels == ((1, 3),)


@pytest.mark.parametrize("seed", range(40))
def test_agrees_with_enumeration(seed: int) -> None:
    """Random pools against every panel written down and another solver."""
    rng = np.random.default_rng(10_000 + seed)
    sizes = (int(rng.integers(8, 20)), int(rng.integers(3, 7)), int(rng.integers(2, 6)), int(rng.integers(2, 5)))
    problem = random_problem(seed, *sizes, slip=int(rng.integers(0, 2)))
    _check_against_enumeration(problem)


@pytest.mark.parametrize("seed", [0, 6, 8, 14, 31, 35, 37, 38, 39])
def test_agrees_with_enumeration_where_the_relaxation_is_out_of_reach(seed: int) -> None:
    problem = random_problem(seed, 30, 7, 6, 3)
    assert _check_against_enumeration(problem).method == "generated"


@pytest.mark.long
@pytest.mark.night
@pytest.mark.parametrize("seed", of_the_day(range(200), 40))
def test_agrees_with_enumeration_on_two_hundred_harder_pools(seed: int) -> None:
    rng = np.random.default_rng(20_000 + seed)
    sizes = (int(rng.integers(20, 45)), int(rng.integers(5, 11)), int(rng.integers(4, 8)), int(rng.integers(2, 5)))
    _check_against_enumeration(random_problem(seed, *sizes))


@pytest.mark.long
def test_pool_of_a_few_hundred_raters() -> None:
    """350 raters, seven attributes, 40 seats: the relaxation bounds the optimum, and the lottery reaches it."""
    problem = random_problem(1, 350, 40, 7, 4, slip=1)
    found = solve(problem)
    assert found.method == "tight"
    assert found.pi == pytest.approx(relaxed_by_scipy(problem), abs=1e-8)
    assert mixed(problem, found) == pytest.approx(found.pi, abs=1e-9)
    assert all(problem.violation(panel) is None for panel in found.panels)


def _check_against_enumeration(problem: PanelProblem) -> Leximin:
    panels = compositions(problem)
    if len(panels) > 5000:
        pytest.skip("too many panels to write down")
    found = solve(problem)
    assert set(found.panels) <= set(panels)
    assert found.pi == pytest.approx(brute_leximin(problem, panels), abs=1e-6)
    assert mixed(problem, found) == pytest.approx(found.pi, abs=1e-9)
    return found


@pytest.mark.parametrize("seed", range(5))
def test_column_generation_agrees_where_the_relaxation_is_reached(seed: int) -> None:
    """Two proofs of one optimum: by relaxation and by generated panels, on a pool too large to enumerate."""
    problem = random_problem(seed, 40, 10, 4, 3, slip=1)
    by_relaxation = solve(problem)
    by_generation, _ = generated_leximin(problem, BestComposition(problem), by_relaxation.panels[:1])
    assert by_relaxation.method == "tight"
    assert by_generation.pi == pytest.approx(by_relaxation.pi, abs=1e-8)


def test_same_stream_gives_the_same_lottery() -> None:
    """A redone unit must record the same numbers to the last bit."""
    problem = random_problem(3, 40, 10, 4, 3, slip=1)
    one, two = solve(problem), solve(problem)
    assert one.panels == two.panels
    assert one.weights.tolist() == two.weights.tolist()
    assert one.pi.tolist() == two.pi.tolist()


def test_progress_is_told() -> None:
    told: list[tuple[float, str]] = []
    leximin(random_problem(3, 40, 10, 4, 3, slip=1), RandomStream(1), lambda done, text: told.append((done, text)))
    assert all(0 <= done <= 1 for done, _ in told)
    assert any("types fixed" in text for _, text in told)
    assert any("from the optimum" in text for _, text in told)


def test_a_level_whose_bound_never_closes_carries_the_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pricing bound that says nothing must not end as a proof; the lottery is what the panels give."""
    best = BestComposition(ODD_CYCLE)
    panel = best.best(np.zeros(5))
    assert panel is not None
    monkeypatch.setattr(best, "best", lambda _weight: type(panel)(panel.panel, 1.0, 5.0))
    optimum, mixture = generated_leximin(ODD_CYCLE, best, [panel.panel])
    assert min(level.gap for level in optimum.levels[:-1]) >= 1
    assert optimum.levels[-1].proof == "certain"
    assert mixture.panels == ((0, 0, 0, 1, 1),)


DETACHED = """
import os, sys
for descriptor in (0, 1, 2):
    os.close(descriptor)
audit = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)   # takes descriptor 0
other = os.open(sys.argv[2], os.O_RDWR | os.O_CREAT)   # takes descriptor 1, as a log might
assert other == 1
from core.facts.randomness import RandomStream
from core.sortition.leximin.leximin import leximin
from core.sortition.quotas.problem import PanelProblem, QuotaConstraint
rows = (QuotaConstraint("g", "w", 1, 1, (0, 1)), QuotaConstraint("a", "o", 1, 2, (0, 2)))
found = leximin(PanelProblem(2, (1, 1, 2, 2), rows), RandomStream(1))
os.write(audit, repr([round(float(p), 9) for p in found.pi]).encode())
"""


def test_solving_in_a_detached_process_leaves_descriptors_alone(tmp_path: Path) -> None:
    """With closed streams, descriptor 1 may be the audit log: nothing may be redirected or printed there."""
    audit, other = tmp_path / "audit", tmp_path / "other"
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", DETACHED, str(audit), str(other)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        timeout=120,
        check=False,
    )
    assert done.returncode == 0
    assert audit.read_text() == "[0.5, 0.5, 0.25, 0.25]"
    assert other.read_bytes() == b""


def test_solving_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    solve(ODD_CYCLE)
    assert capfd.readouterr() == ("", "")


def test_panel_sizes_and_probabilities_are_exact() -> None:
    problem = random_problem(5, 40, 10, 4, 3, slip=1)
    found = solve(problem)
    made = lottery_of("x", problem, found.panels, [Fraction(float(w)) for w in found.weights])
    pi = made.inclusion_by_type()
    assert sum(p * n for p, n in zip(pi, problem.type_sizes, strict=True)) == problem.size
    assert max(abs(float(p) - o) for p, o in zip(pi, found.pi, strict=True)) < 1e-9
