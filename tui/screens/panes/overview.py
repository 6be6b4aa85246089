"""The first tab: the run as a whole, its stages with progress, and what it holds so far."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.text import Text
from textual.containers import Container, VerticalScroll

from core.facts.stages import STAGE_NAMES
from core.facts.times import recorded_time
from core.facts.words import in_words
from core.visible import one_line
from storage.draws.waiting import waits_for
from storage.imports.origin import Origin, origin_of
from storage.record.glances import (
    Counts,
    Stop,
    counts_of,
    last_stop,
    newest_calls,
    newest_steps,
    under_way,
    work_begun,
)
from storage.record.reader import Reader
from storage.record.rows import StageRow, view_rows
from storage.run_lines.how_far import share_of
from storage.withheld import people_left_out
from tui.actions.table import key_of
from tui.commands.record.origin_text import origin_lines
from tui.messages import Pulse
from tui.screens.panes.moving import Moving, moving, moving_lines
from tui.screens.panes.pane import BROAD, Pane
from tui.widgets.figures import bar, duration, left, moment, percent, right, whole
from tui.widgets.lists.whole_list import WholeList
from tui.widgets.status import status
from tui.widgets.words import Words

_STAGES, _FRAME = 92, 3
"""Columns of the stages where counts stand beside them; lines of title, tabs and keys."""

_RUN = """SELECT run_id, name, created_at, seed, versions,
  EXISTS (SELECT 1 FROM json_each(config, '$.judge.judges') WHERE value->>'$.kind' IS NOT 'openai') AS asked_again
  FROM run"""


@dataclass(frozen=True)
class Overview:
    """What the tab shows."""

    path: str
    run: dict[str, Any]
    stages: list[StageRow]
    counts: Counts
    recorded: dict[str, int]
    stop: Stop | None
    origin: Origin | None
    waits: list[str]
    absent: str
    """Why raters and types are not here."""
    begun: str
    """When the last engine or stage began, whichever came later."""
    moves: list[Moving]


class OverviewPane(Pane):
    """Stages with glyph, units, bar, time and replay grade; the engine's own note; counts."""

    key = "overview"

    def __init__(self) -> None:
        super().__init__()
        self._found: Overview | None = None
        self._pulse: Pulse | None = None
        self._facts, self._counts, self._moves = Words(id="facts"), Words(id="counts"), Words(id="moves")
        self._stages = WholeList(id="stages", show_cursor=False)
        beside = VerticalScroll(self._moves, self._counts, id="counts-scroll", can_focus=False)
        self.parts = (self._facts, Container(self._stages, beside, id="stages-and-counts"))

    @classmethod
    def read(cls, reader: Reader, request: Any) -> Overview:
        run = reader.query(_RUN)
        return Overview(
            path=str(reader.folder.root),
            run=run[0] if run else {},
            stages=view_rows(reader, StageRow),
            counts=counts_of(reader),
            recorded=under_way(reader),
            stop=last_stop(reader),
            origin=origin_of(reader.folder.root),
            waits=waits_for(reader),
            absent=people_left_out(reader, "raters"),
            begun=work_begun(reader),
            moves=moving(newest_steps(reader), newest_calls(reader)),
        )

    def show(self, found: Overview) -> None:
        self._found = found
        self._show_live()

    def pulse(self, pulse: Pulse) -> None:
        self._pulse = pulse
        self._show_live()

    def _show_live(self) -> None:
        """The parts that change while no event is added: engine, progress note, state of the stages."""
        if self._found is None or self._pulse is None:
            return
        facts = _facts(self._found, self._pulse)
        self._facts.say(facts)
        wide = self.app.size.width >= 100
        headings = ["stage", "state", ">units", "progress" if wide else "", ">time", "replay"]
        self._stages.fill(headings, stage_rows(self._found, self._pulse, 30 if wide else 12))
        broad = self.app.size.width >= BROAD
        room = self.app.size.width - (_STAGES + 4 if broad else 2)
        self._moves.say(moving_lines(self._found.moves, room))
        counts = _counts(self._found, "\n" if broad else " · ")
        self._counts.say(counts)
        beneath = 0 if broad else _lines(facts, room) + _lines(counts, room) + len(self._stages.keys) + 1
        self._moves.display = 0 < len(self._found.moves) <= self.app.size.height - _FRAME - beneath

    def fit(self) -> None:
        self._show_live()


def _lines(text: Text, width: int) -> int:
    """How many lines a text takes, or one less where a long word is carried over."""
    return sum(max(1, -(-len(line) // max(1, width))) for line in text.plain.split("\n"))


def _facts(found: Overview, pulse: Pulse) -> Text:
    lines = Text(overflow="fold")
    run_id = str(found.run.get("run_id", "–"))
    if Path(found.path).name != run_id:  # else the folder says it
        lines.append(f"{'run':<8}", style="bold").append(f"{one_line(run_id, 70)}\n")
    for name, value in (
        ("folder", one_line(found.path, 200)),
        ("seed", one_line(str(found.run.get("seed", "–")), 25)),
        ("created", f"{moment(found.run.get('created_at'))} UTC"),
    ):
        lines.append(f"{name:<8}", style="bold")
        lines.append(value)
        lines.append("   " if name == "seed" else "\n")
    if found.origin is not None:
        lines.append(f"{'origin':<8}", style="bold")
        lines.append("\n        ".join(origin_lines(found.origin)) + "\n")
    lines.append(f"{'engine':<8}", style="bold")
    lines.append(_engine(found, pulse))
    for line in found.waits if _waits_anew(found) else ():
        lines.append(f"\n{'waits':<8}", style="bold")
        lines.append(one_line(line, 300))
    return lines


def _waits_anew(found: Overview) -> bool:
    """Whether a paused run waits for something else than what its engine said when it ended."""
    return bool(found.waits) and found.waits != [found.stop.told if found.stop else ""]


def _engine(found: Overview, pulse: Pulse) -> str:
    """What the engine says it is at, or how the last one ended."""
    if pulse.past and pulse.status in ("running", "created"):
        return "was at work" if pulse.status == "running" else "had not started"
    if pulse.status in ("running", "stopping"):
        words = f"process {pulse.pid}" if pulse.pid else "at work"
        if pulse.status == "stopping":
            words += ", stops at the next safe point"
        note, at = pulse.progress, _under_way(found)
        if note is None or note.stage in _ended(found):
            return words + (f" · {one_line(at, 20)}" if at else "")
        if isinstance(note.done, (int, float)) and isinstance(note.total, (int, float)):
            share = f" {percent(note.done / note.total, 0)}" if note.total else ""
            words += f" · {one_line(str(note.stage), 20)}{share} {one_line(str(note.detail), 120)}".rstrip()
        return words
    if found.origin is not None and found.stop is None:
        return "its record ends without the end of an engine"
    if found.origin is None and pulse.status == "interrupted":
        resumes = f"{key_of('run.resume')} resumes from the last unit"
        return f"ended without a word (killed, or the machine went down); {resumes}"
    if found.stop is None:
        return f"has not started; {key_of('run.resume')} starts it"
    if _waits_anew(found):
        return f"{one_line(str(found.stop.outcome))}; `dempo show` names the command that goes on"
    return f"{one_line(str(found.stop.outcome))}: {one_line(found.stop.told, 300)}"


def _under_way(found: Overview) -> str:
    """The stage that was begun and has not ended."""
    return next((str(row.stage) for row in reversed(found.stages) if row.status == "started"), "")


def _ended(found: Overview) -> set[str]:
    """Stages that are done: what the engine noted last may still be about one of them."""
    return {str(row.stage) for row in found.stages if row.status != "started"}


def stage_rows(found: Overview, pulse: Pulse, width: int) -> list[tuple[str, list[Text]]]:
    """One row per stage in pipeline order; a stage that isn't recorded yet is waiting."""
    recorded = {row.stage: row for row in found.stages}
    names = [*STAGE_NAMES, *(name for name in recorded if name not in STAGE_NAMES)]
    return [(name, _cells(name, recorded.get(name), found, pulse, width)) for name in names]


def _cells(name: str, row: StageRow | None, found: Overview, pulse: Pulse, width: int) -> list[Text]:
    done, units = (row.completed or 0, row.units) if row else (0, None)
    share = _share(name, row, pulse)
    return [
        left(name, 14),
        status(_state(row, pulse)),
        right(f"{whole(done)}/{whole(units)}" if units else ""),
        Text(bar(share, 1, width) if share is not None else "", style="accent", no_wrap=True),
        right(_time(row, found, pulse)),
        left(_replay(row, found), 14),
    ]


def _share(name: str, row: StageRow | None, pulse: Pulse) -> float | None:
    """How much of a stage is done, the unit under way counted in."""
    if row is None or not (isinstance(row.units, int) and isinstance(row.completed, int)):
        return None
    note = pulse.progress if pulse.status in ("running", "stopping") and not pulse.past else None
    return share_of(name, row.completed, row.units, note, recorded_time(pulse.at))


def _state(row: StageRow | None, pulse: Pulse) -> str:
    if row is None:
        return "waiting"
    if row.status == "started":
        ended = pulse.status if pulse.status in ("paused", "stopped", "failed") else "interrupted"
        return "running" if pulse.status in ("running", "stopping") else ended
    return str(row.status)


def _time(row: StageRow | None, found: Overview, pulse: Pulse) -> str:
    """How long a stage took; of one that is under way or was broken off, since the last engine began to work on it."""
    if row is None or row.status == "skipped":
        return ""
    if row.seconds is not None:
        return duration(row.seconds)
    live = pulse.status in ("running", "stopping") and not pulse.past
    begun, end = recorded_time(found.begun), datetime.now(UTC) if live else recorded_time(pulse.at)
    return duration(round((end - begun).total_seconds())) if begun and end and end >= begun else "…"


def _replay(row: StageRow | None, found: Overview) -> str:
    """How far a stage can be replayed: judges that are no API's are asked again, whatever the stage says of all."""
    grade = str(row.replay or "") if row else ""
    return "re-run" if grade == "not replayable" and found.run.get("asked_again") else grade


_ANSWERS = ("answer.given", "answer.read", "answer.received")


def _counts(found: Overview, between: str = " · ") -> Text:
    counts, recorded = found.counts, found.recorded
    rounds = f", {whole(counts.rounds)} rounds" if counts.rounds != counts.draws else ""
    parts = [
        (counts.raters, "rater", "raters"),
        (counts.types, "type", "types"),
        (counts.pairs, "pair", "pairs"),
        (counts.lotteries, "lottery", "lotteries"),
        (counts.draws, f"draw{rounds}", f"draws{rounds}"),
        (counts.conditions, "condition", "conditions"),
        (recorded.get("train.step"), "optimizer step", "optimizer steps"),
        (sum(recorded.get(kind, 0) for kind in _ANSWERS), "answer", "answers"),
        (recorded.get("judge.called"), "judge call", "judge calls"),
        (recorded.get("leaderboard.computed"), "leaderboard", "leaderboards"),
    ]
    told = [f"{whole(value)} {one if value == 1 else many}" for value, one, many in parts if value]
    lines = Text()
    lines.append("recorded  ", style="bold")
    lines.append((between if between == " · " else f"{between}{' ' * 10}").join(told) or "nothing yet")
    if found.absent:
        lines.append(f"\n– raters, types and pairs {found.absent}")
    for reason, stages in _skipped(found).items():
        lines.append(f"\n– {', '.join(stages)} skipped: {reason}")
    return lines


def _skipped(found: Overview) -> dict[str, list[str]]:
    """The stages that were skipped, by their reason: most often one reason is that of many."""
    reasons: dict[str, list[str]] = {}
    for row in found.stages:
        if row.status == "skipped":
            reasons.setdefault(one_line(in_words(row.reason), 200), []).append(one_line(str(row.stage), 14))
    return reasons
