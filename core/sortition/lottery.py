"""From floating-point weights to the exact lottery that is recorded and drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from core.errors import VerificationFailed
from core.sortition.panels import Composition
from core.sortition.quotas.problem import PanelProblem
from core.types import LOTTERY_DENOMINATOR, Lottery


def exact_weights(weights: Sequence[Fraction], denominator: int = LOTTERY_DENOMINATOR) -> list[int]:
    """Numerators over the denominator that sum to it exactly, by largest remainders.

    Each differs from its proportional share by less than one; ties go to the earlier weight.
    """
    if any(w < 0 for w in weights):
        raise ValueError("weights must not be negative")
    total = sum(weights, Fraction(0))
    if total <= 0:
        raise ValueError("a weight must be positive")
    shares = [w * denominator / total for w in weights]
    numerators = [int(share) for share in shares]
    missing = denominator - sum(numerators)
    by_remainder = sorted(range(len(shares)), key=lambda i: (numerators[i] - shares[i], i))
    for i in by_remainder[:missing]:
        numerators[i] += 1
    return numerators


def lottery_of(
    name: str,
    problem: PanelProblem,
    panels: Sequence[Composition],
    weights: Sequence[Fraction],
    *,
    within_quotas: bool = True,
) -> Lottery:
    """The lottery with these compositions; those whose weight rounds to zero are left out.

    Raises:
        VerificationFailed: a composition is not feasible when checked in integers.
    """
    numerators = exact_weights(weights)
    kept = [(panel, numerator) for panel, numerator in zip(panels, numerators, strict=True) if numerator > 0]
    if within_quotas:
        _require_feasible(name, problem, [panel for panel, _ in kept])
    return Lottery(
        name=name,
        size=problem.size,
        type_sizes=problem.type_sizes,
        panels=tuple(panel for panel, _ in kept),
        numerators=tuple(numerator for _, numerator in kept),
    )


def uniform_lottery(
    name: str,
    problem: PanelProblem,
    panels: Sequence[Composition],
    members: Sequence[tuple[int, ...]],
) -> Lottery:
    """The lottery in which each of these panels, with its named members, has the same probability.

    Raises:
        VerificationFailed: a composition is not feasible when checked in integers.
    """
    _require_feasible(name, problem, panels)
    return Lottery(
        name=name,
        size=problem.size,
        type_sizes=problem.type_sizes,
        panels=tuple(panels),
        numerators=(1,) * len(panels),
        denominator=len(panels),
        members=tuple(members),
    )


def _require_feasible(name: str, problem: PanelProblem, panels: Sequence[Composition]) -> None:
    for p, panel in enumerate(panels):
        wrong = problem.violation(panel)
        if wrong is not None:
            raise VerificationFailed(f"panel {p} of lottery {name!r} breaks the quotas: {wrong}")
