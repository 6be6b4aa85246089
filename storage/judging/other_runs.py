"""The records of other runs, for a run that goes on from there: what one asked, what was answered, what judges said."""

from __future__ import annotations

from pathlib import Path

from core.events.earlier_calls import EarlierCalls
from core.types import Earlier


class RunsOnDisk:
    """Runs in their folders (`core.events.earlier_calls.OtherRuns`)."""

    def earlier(self, root: Path) -> Earlier:
        """What a run asked and was answered.

        Raises:
            InputError: its record cannot be read, or holds no questions, or not their texts.
        """
        from storage.judging.earlier import earlier_run  # it reads records as `storage.record.log` writes them

        return earlier_run(root)

    def earlier_calls(self, root: Path, label: str) -> EarlierCalls:
        """What the judge of a label was asked and said.

        Raises:
            InputError: its record cannot be read or was altered, or it lacks texts.
        """
        from storage.judging.earlier_calls import earlier_calls  # as above

        return earlier_calls(root, label)
