"""What stands beneath the list of runs about the one under the cursor."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from core.facts.plural import number_of
from core.visible import one_line, visible
from tui.messages import RunsRead
from tui.screens.runs_list.run_rows import age_of
from tui.terminal.command_line import command_line
from tui.widgets.figures import duration, moment
from tui.widgets.status import STAMP

if TYPE_CHECKING:
    from storage.record.reader import RunSummary
    from storage.run_lines.said_of import Makings, SaidOf

_WRONG = ("not begun", "unreadable", "damaged")


def run_detail(run: RunSummary, found: RunsRead, runs: Path, now: datetime) -> Text:
    """Folder and makings, what the engine is at or waits for, what came out, what proves it, and the command."""
    said = found.said.get(run.root)
    text = Text(overflow="fold")
    text.append(one_line(str(run.root), 300), style="bold")
    if run.simulated:
        text.append("  ").append(STAMP)
    for line in (_makings(run, said.makings if said else None), *_origin(run, found)):
        if line:
            text.append(f"\n{line}")
    for line in found.waits.get(run.root, ()):
        text.append(f"\n{one_line(line, 300)}")
    if run.status in _WRONG:
        text.append(f"\n{one_line(run.detail, 400)}", style="bad")
    elif run.status == "completed":
        text.append(_result(run, said))
    elif said is not None and said.ended:
        text.append(f"\n{run.status}: {one_line(said.ended, 300)}")
    elif run.detail and run.note is not None and run.note.stage == run.stage:
        text.append(f"\n{one_line(run.stage, 14)}: {one_line(run.detail, 300)}")
    if said is not None and run.status not in _WRONG[:2]:
        text.append(f"\n{_proof(said, now)}")
    text.append(f"\n$ {visible(twin(run, runs))}", style="accent")
    return text


def twin(run: RunSummary, runs: Path) -> str:
    """The command line that shows the run, or follows it while an engine works on it."""
    return command_line("watch" if run.status == "running" else "show", run.root.name, runs=runs)


def _makings(run: RunSummary, of: Makings | None) -> str:
    """Seed, panel sizes, conditions, questions and the time of creation, as far as they are recorded."""
    parts = [f"seed {one_line(run.seed, 25)}"] if run.seed else []
    if of is not None:
        if of.sizes:
            pool = f" of {of.raters:,}" if of.raters else ""
            parts.append(f"k = {', '.join(f'{size:,}' for size in of.sizes[:6])}{pool}")
        parts += [number_of(of.conditions, "condition")] if of.conditions else []
        parts += [number_of(of.questions, "question")] if of.questions else []
    if run.created_at:
        parts.append(f"{moment(run.created_at, seconds=False)} UTC")
    return " · ".join(parts)


def _origin(run: RunSummary, found: RunsRead) -> list[str]:
    from tui.commands.record.origin_text import origin_lines

    origin = found.origins.get(run.root)
    return origin_lines(origin) if origin is not None else []


def _result(run: RunSummary, said: SaidOf | None) -> str:
    took = f"took {duration(run.seconds)}" if run.seconds is not None else ""
    result = one_line(said.result, 300) if said is not None else ""
    told = " · ".join(filter(None, [took, result]))
    return f"\n{told}" if told else ""


def _proof(said: SaidOf, now: datetime) -> str:
    """When the run was verified last, and what was found, as the column says it in signs."""
    noted = said.verified
    if noted is None:
        return "never verified here"
    age = age_of(noted.at, now)
    when = {"": "", "now": " within the last hour"}.get(age, f" {age} ago")
    counts = ", ".join(f"{number} {verdict}" for verdict, number in noted.counts.items())
    told = f"verified{when}: {counts}"
    if noted.failed:
        where = f" at event {noted.event:,}" if noted.event is not None else ""
        told += f"; {one_line(noted.failed, 40)} failed first{where}"
    return f"{told}; events were recorded since" if said.grown else told
