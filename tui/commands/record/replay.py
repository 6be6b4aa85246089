"""`dempo replay`: prints what came of repeating the stages of a run beside its record."""

from __future__ import annotations

from pathlib import Path

from core.errors import InputError, Stopped, Unchecked, VerificationFailed
from core.facts.plural import number_of
from storage.replay.replaying import replay_run
from tui.commands.record.replay_text import data_of, text_of
from tui.terminal.console import Console
from tui.terminal.options import print_data
from tui.terminal.progress_lines import listener


def replay(
    root: Path,
    stage: str | None,
    until: int | None,
    everything: bool,
    quiet: bool,
    as_json: bool,
    all_events: bool = False,
    progress: bool = False,
) -> None:
    """Replays, prints the report on standard output, and ends with what it means for the exit code.

    Args:
        all_events: print every event, and not only those that tell something.
        progress: say how far it is as lines for programs.

    Raises:
        VerificationFailed: an event drifted.
        Unchecked: an event was made by another rule than this program's.
        InputError: the stage that was asked for cannot be replayed here.
        Stopped: by Ctrl-C.
    """
    console = Console(quiet)
    try:
        report = replay_run(root, stage, until, everything, listener(console, progress))
    except KeyboardInterrupt:
        raise Stopped("stopped; replay writes nothing, so nothing is left") from None
    finally:
        console.clear()
    print_data(data_of(report), as_json, text_of(report, all_events))
    drifted, unchecked = report.drifted, report.unchecked
    if drifted:
        first = drifted[0]
        where = f"event {first.event}" if first.event is not None else f"unit {first.unit} of stage {first.stage}"
        raise VerificationFailed(
            f"{report.run_id}: {number_of(len(drifted), 'event')} did not come out again; the first is {where} "
            f"({first.kind}): {first.detail}"
        )
    if unchecked:
        raise Unchecked(
            f"{report.run_id}: {number_of(len(unchecked), 'event')} could not be compared; the first is event "
            f"{unchecked[0].event} ({unchecked[0].kind}): {unchecked[0].detail}"
        )
    missing = [found for found in report.stages if found.outcome == "not available"]
    if stage is not None and missing:
        raise InputError(f"stage {stage!r} cannot be replayed here: {missing[0].detail}")
