"""`dempo plan`: what a run planned before its judges were asked, what came of it, and where it was deviated from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.run_folder import RunFolder
from core.visible import one_line, visible
from storage.plans.planned_rows import plan_lines
from storage.record.reader import Reader
from storage.record.rows import HypothesisRow, view_rows
from storage.summary.labels import method_words
from tui.terminal import tables
from tui.terminal.options import print_data

_WIDTH = 80
"""Cells of a line in a file or a pipe."""

_CONFIGURED = "SELECT config->'$.plan' AS plan, config->'$.rank' AS rank FROM run"

_NAMED = 60


def show_plan(root: Path, as_json: bool) -> None:
    """Prints the plan and what the rankings say of it.

    Raises:
        InputError: the run plans nothing.
    """
    reader = Reader(root)
    plan, rank = (json.loads(value or "null") for value in reader.query(_CONFIGURED)[0].values())
    if not isinstance(plan, dict):
        raise InputError(
            f"{root.name} plans nothing ([plan] is missing in its configuration), and a run that exists is given no "
            "plan; a run that you make with [plan] has one, and says which rankings existed before it"
        )
    rows = view_rows(reader, HypothesisRow)
    data = {"run_id": root.name, "plan": plan, "hypotheses": [vars(row) for row in rows]}
    text = [*_heading(plan, rank, rows), *(plan_lines(rows, tables.terminal() or _WIDTH) or _configured(plan))]
    print_data(data, as_json, "\n".join(text).rstrip())


def deviate_from(root: Path, hypotheses: Sequence[str], reason: str, as_json: bool) -> None:
    """Records that hypotheses were not tested as planned; all of them where none is named.

    Raises:
        InputError: there is no plan or no such hypothesis, or no reason is given.
    """
    from storage.plans.deviations import deviate
    from storage.record.log import Log

    with Log.open(RunFolder(root)) as log:
        event = deviate(log, hypotheses, reason)
        seq, digest = log.head
    data = {"run_id": root.name, **event.payload(), "head": {"event": seq, "hash": digest}}
    who = f"{', '.join(event.hypotheses)} {'deviates' if len(event.hypotheses) == 1 else 'deviate'}"
    told = f"event {seq} says that {who} from the plan: {event.reason}"
    print_data(data, as_json, visible(told))


def _heading(plan: Mapping[str, Any], rank: Any, rows: Sequence[HypothesisRow]) -> Iterator[str]:
    """What is tested how, and when that was recorded."""
    if plan.get("title"):
        yield one_line(str(plan["title"]), 400)
    rank = rank if isinstance(rank, dict) else {}
    of, share = one_line(str(rank.get("resample")), _NAMED), rank.get("confidence")
    level = f"{100 * share:.4g} %" if isinstance(share, (int, float)) else "the"
    method = one_line(method_words(plan.get("primary")), _NAMED)
    yield f"tested by {method}, {level} intervals from resamples of {of}"
    recorded = f"recorded in event {rows[0].event}" if rows else "in event 1; no judge was asked yet"
    yield f"{recorded}\n"


def _configured(plan: Mapping[str, Any]) -> Iterator[str]:
    """The hypotheses as the configuration has them, whatever a stranger wrote there."""
    listed = plan.get("hypotheses")
    for one in listed if isinstance(listed, list) else ():
        values = one if isinstance(one, dict) else {}
        name, better, than = (one_line(str(values.get(key)), _NAMED) for key in ("name", "better", "than"))
        by = f" by more than {one_line(str(values['by']), 20)}" if values.get("by") else ""
        yield f"  {name}: {better} over {than}{by}"
