"""Calls of judges that an operator has made again, in a run at rest whose stage `judge` has not ended.

What gave no ranking is named by its outcome and reopened: the engine that comes next makes these calls as a further
attempt each, and the last completed attempt counts. The former replies stay in the record.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.errors import InputError
from core.events import JudgeCalled, JudgeReopened
from core.facts.judging.outcomes import Unranked
from storage.record.log import Log

STAGE = "judge"


def reopen_calls(log: Log, outcomes: Sequence[Unranked]) -> JudgeReopened | None:
    """Records that every call with one of these outcomes is made again; None, and nothing recorded, where none has.

    Calls that failed are made again by every engine; of these, only those that were given up need reopening.

    Raises:
        InputError: the stage has ended.
    """
    run = log.folder.root.name
    if STAGE in log.stage_ends():
        raise InputError(f"stage {STAGE!r} of {run} has ended, and what came of it stays as it is")
    units = sorted(
        unit
        for unit, events in log.completed(STAGE).items()
        if any(isinstance(event, JudgeCalled) and event.outcome in outcomes for event in events)
    )
    if not units:
        return None
    event = JudgeReopened(outcomes=list(outcomes), units=units)
    log.record(STAGE, [event])
    return event
