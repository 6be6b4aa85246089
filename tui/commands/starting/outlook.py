"""What a run that is not started yet would take, and why it cannot be: for the form that starts it.

A process of its own works it out (`outlook_process`), since the rules of all stages take seconds to load.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import DempoError
from tui.commands.starting.source import RunSource


@dataclass(frozen=True)
class Outlook:
    """refused is why the run cannot be started, "" where it can; notes and rows are as `dempo run` and `doctor` say."""

    refused: str
    notes: tuple[str, ...] = ()
    rows: tuple[dict[str, Any], ...] = ()


def look(source: RunSource, overrides: Sequence[str], until: str | None, runs: Path) -> Outlook:
    """What would come of starting a run so; nothing is created."""
    from core.config_file import changed, checked
    from tui.commands.runs.doctor import configured, free_disk

    try:
        begun = source.begin(runs)
        config = checked(changed(begun.given, overrides)).config
    except (DempoError, OSError) as error:
        return Outlook(str(error))
    rows = configured(config, runs, until=until)
    if any(row["name"].startswith("training") for row in rows):
        rows.append(free_disk(runs))
    try:
        return Outlook("", (*begun.notes, *begun.refuse(config, until, runs)), tuple(rows))
    except (DempoError, OSError) as error:
        return Outlook(str(error), begun.notes, tuple(rows))
