"""Deviations from a plan that an operator tells: recorded in a run at rest, and never taken back."""

from __future__ import annotations

from collections.abc import Sequence

from core.errors import InputError
from core.events import PlanDeviated
from storage.record.log import Log

LONGEST_REASON = 2000


def deviate(log: Log, hypotheses: Sequence[str], reason: str) -> PlanDeviated:
    """Records that hypotheses were not tested as planned; all of the plan where none is named.

    Raises:
        InputError: the run has no plan, or no such hypothesis, or the reason is empty or too long.
    """
    run, plan = log.folder.root.name, log.genesis().config.get("plan")
    if not plan:
        raise InputError(f"{run} has no plan ([plan] is missing in its configuration), so nothing can deviate from one")
    planned = [one["name"] for one in plan["hypotheses"]]
    unknown = [name for name in hypotheses if name not in planned]
    if unknown:
        raise InputError(f"{run} plans no hypothesis {unknown[0]!r} (it plans {', '.join(map(repr, planned))})")
    reason = " ".join(reason.split())
    if not reason:
        raise InputError("a deviation needs a reason: what differs from the plan, and why; give --reason TEXT")
    if len(reason) > LONGEST_REASON:
        raise InputError(f"the reason has {len(reason)} characters; {LONGEST_REASON} are the most")
    event = PlanDeviated(hypotheses=[name for name in planned if not hypotheses or name in hypotheses], reason=reason)
    log.record("run", [event])
    return event
