"""The unit of a LEXIMIN lottery: the bound at once, then the lottery with its certificate, checked before it counts."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from core.errors import VerificationFailed
from core.events import Event, LotteryBounded, LotteryQuotas, LotterySolved, LotteryTypes
from core.facts.sortition.proof import check_record
from core.facts.sortition.undecided import allowed_difference
from core.sortition.leximin.checkpoint import Checkpoints
from core.sortition.leximin.leximin import leximin, uniform_leximin
from core.sortition.lottery import lottery_of, uniform_lottery
from core.sortition.progress import OnProgress
from core.sortition.quotas.problem import PanelProblem
from core.sortition.recording import level_events, panel_events, solved_event
from core.stage import Unit, only
from core.types import Lottery


def solve_leximin(
    problem: PanelProblem,
    type_of: Sequence[int],
    panels: int,
    unit: Unit,
    asked: Sequence[Event],
    tell: OnProgress,
) -> Lottery:
    """Solves, checks the certificate as a reviewer would, and adds everything to the unit.

    Args:
        type_of: the type of each member of the pool, shape (n,).
        panels: 0, or the number of equally likely ones.
        asked: the recorded events of the same quotas and types, as the reviewer reads them.

    Raises:
        InfeasibleQuotas: no panel meets the quotas.
        SolverError: HiGHS could not solve a programme.
        VerificationFailed: the certificate does not hold; nothing is recorded.
    """
    name = only(asked, LotteryQuotas).lottery
    stream, kept = unit.ctx.stream(unit.key), Checkpoints(unit.ctx.folder.checkpoints / f"lottery-{name}")

    def bound(pi: NDArray[np.float64]) -> None:
        unit.now(LotteryBounded(lottery=name, pi=pi.tolist()))

    if panels:
        optimum, built, method = uniform_leximin(problem, type_of, panels, stream, tell, bound, kept)
        made = uniform_lottery(name, problem, built.panels, built.members)
        levels, pi = optimum.levels, optimum.pi
    else:
        found = leximin(problem, stream, tell, bound, kept)
        made = lottery_of(name, problem, found.panels, [Fraction(float(w)) for w in found.weights])
        levels, pi, method = found.levels, found.pi, found.method
    proved = list(level_events(name, levels, problem))
    support = list(panel_events(made))
    solved = solved_event(made, type_of, pi.tolist(), method)
    require_proved(asked, proved, support, solved)
    unit.add(*proved, *support, solved)
    kept.discard()
    return made


def require_proved(
    asked: Sequence[Event], levels: Sequence[Event], panels: Sequence[Event], solved: LotterySolved
) -> None:
    """Runs the reviewer's checker on what is about to be recorded.

    Raises:
        VerificationFailed: with what does not hold.
    """
    found, proofs = solved.payload(), [event.payload() for event in levels]
    checked = check_record(
        only(asked, LotteryQuotas).payload(),
        only(asked, LotteryTypes).payload(),
        proofs,
        [event.payload() for event in panels],
        found,
        allowed_difference(found, proofs),
    )
    if checked.failure is not None:
        raise VerificationFailed(
            f"lottery {solved.lottery!r}: its certificate does not hold ({checked.failure}); it was not recorded"
        )
