"""When an engine can be stopped or started, and the sentence where it cannot: for the list of runs and for a run."""

from __future__ import annotations

_AT_WORK = ("running", "stopping")
_RESUMABLE = ("paused", "stopped", "failed", "interrupted", "created")


def stop_refused(name: str, status: str) -> str:
    """Why no engine of a run in this state can be stopped; "" where it can."""
    return "" if status in _AT_WORK else f"no engine works on {name}; there is nothing to stop"


def resume_refused(name: str, status: str, detail: str) -> str:
    """Why no engine can be started on a run in this state; "" where it can.

    Args:
        detail: what is wrong with a record that cannot be read.
    """
    if status in _RESUMABLE:
        return ""
    if status == "completed":
        return f"{name} is complete; there is nothing to resume"
    if status in _AT_WORK:
        return f"an engine works on {name} already"
    return detail or f"{name} cannot be read, so nothing works on it"
