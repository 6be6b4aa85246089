"""What `dempo list` prints: a row per run, and only the columns that say something."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from storage.draws.waiting import waits_in
from storage.record.damage import looked_through
from storage.record.reader import RunSummary

_COLUMNS = {"folder": "run", "status": "status", "stage": "stage", "done": "done", "units": "of"}
_AT_NEED = {"origin": "origin", "waits_for": "waits for", "problem": "what is wrong"}


def rows_of(runs: Sequence[RunSummary], more: bool = False) -> list[dict[str, Any]]:
    """A row per run, as JSON values; `problem` is empty where the record can be read.

    Args:
        more: with what the app says of a run too: how far it is, who leads, what the last verification said.
    """
    return [_row(run) | (_more(run) if more else {}) for run in map(looked_through, runs)]


def _row(run: RunSummary) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "folder": run.root.name,
        "status": run.status,
        "stage": run.stage,
        "done": run.done,
        "units": run.units,
        "created_at": run.created_at,
        "simulated": run.simulated,
        "imported": run.imported,
        "origin": run.origin,
        "waits_for": "; ".join(waits_in(run.root)) if run.status == "paused" else "",
        "problem": run.detail if run.status in ("not begun", "unreadable", "damaged") else "",
        "path": str(run.root),
    }


def _more(run: RunSummary) -> dict[str, Any]:
    from storage.run_lines.how_far import how_far
    from storage.run_lines.said_of import said_of

    far = how_far(run)
    taken = {"progress": far.share, "seconds_left": far.left, "seconds": run.seconds}
    return taken | said_of(run).row()


def columns_of(rows: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Key and heading of the columns to print."""
    return _COLUMNS | {key: heading for key, heading in _AT_NEED.items() if any(row[key] for row in rows)}
