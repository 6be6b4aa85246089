"""The tab of results: leaderboards with intervals, agreement of the judges, and recovery where truth is planted."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.text import Text
from textual.containers import VerticalScroll

from core.facts.ranking.intervals import NO_INTERVAL
from core.facts.ranking.methods import CONSENSUS_METHODS, primary_method
from core.visible import one_line
from storage.findings.pairs_found import PairsFound
from storage.findings.robustness_found import RobustnessFound
from storage.judging.board_notes import board_notes, by_method, primary_first
from storage.judging.families import REMARK, spread_table
from storage.judging.judging_notes import JudgingNotes
from storage.judging.jury import JuryFound
from storage.plans.planned_rows import plan_lines, planned_method
from storage.record.reader import Reader
from storage.record.rows import (
    BoardDetailRow,
    BoardRow,
    FamilyRow,
    HypothesisRow,
    JudgesRow,
    RecoveryRow,
    view_rows,
)
from tui.screens.panes.pane import Pane, skipped
from tui.widgets.figures import as_float, number, percent, whole
from tui.widgets.status import STAMP
from tui.widgets.whisker import axis, whisker
from tui.widgets.words import Words


@dataclass(frozen=True)
class Results:
    """Rows of the views `leaderboards`, by method, `recovery` and `judge_diagnostics`, and what is found of pairs and a
    jury.

    notes are what each method says beside its numbers; first is what all have to say before them, equal what is said
    of equal answers, robustness whether the order holds.
    """

    boards: dict[str, list[BoardRow]]
    recovery: list[RecoveryRow]
    diagnostics: list[JudgesRow]
    simulated: bool
    skipped: str
    notes: dict[str, list[str]] = field(default_factory=dict)
    first: list[str] = field(default_factory=list)
    equal: str = ""
    jury: JuryFound = field(default_factory=JuryFound)
    pairs: PairsFound = field(default_factory=PairsFound)
    spread: list[dict[str, Any]] = field(default_factory=list)
    robustness: RobustnessFound = field(default_factory=RobustnessFound)
    planned: list[HypothesisRow] = field(default_factory=list)


class LeaderboardsPane(Pane):
    """One scrolling page: recovery first where there is one, then a table with dot-whiskers per method."""

    label = "Leaderboards"
    key = "leaderboards"

    def __init__(self) -> None:
        super().__init__()
        self._found: Results | None = None
        self._results = Words(id="results")
        self._scroll = VerticalScroll(self._results, id="results-scroll")
        self.parts = (self._scroll,)

    @classmethod
    def read(cls, reader: Reader, request: Any) -> Results:
        planned = view_rows(reader, HypothesisRow)
        boards = primary_first(by_method(view_rows(reader, BoardRow)), planned_method(planned))
        run = reader.query("SELECT simulated FROM run")
        judging = JudgingNotes.of_run(reader)
        spread = view_rows(reader, FamilyRow)
        return Results(
            boards=boards,
            recovery=view_rows(reader, RecoveryRow),
            diagnostics=view_rows(reader, JudgesRow),
            simulated=bool(run and run[0]["simulated"]),
            skipped=skipped(reader, "rank"),
            notes=board_notes(boards, view_rows(reader, BoardDetailRow), spread),
            spread=spread_table(spread),
            first=judging.first,
            equal=judging.of_answers,
            jury=JuryFound.of_run(reader),
            pairs=PairsFound.of_run(reader),
            robustness=RobustnessFound.of_run(reader),
            planned=planned,
        )

    def show(self, found: Results) -> None:
        self._found = found
        width = max(20, self._scroll.size.width - 2)
        self._results.say(page(found, width))

    def fit(self) -> None:
        if self._found is not None:
            self.show(self._found)


def page(found: Results, width: int) -> Text:
    """The whole page for a terminal of this width."""
    text = Text(no_wrap=True, overflow="ellipsis")
    if found.recovery:
        _recovery(text, found, width)
    if not found.boards:
        text.append(textwrap.fill(found.skipped or "no leaderboard is recorded yet", width))
        return text
    longest = max(len(one_line(str(row.condition), 20)) for rows in found.boards.values() for row in rows)
    told = {method: _settings(method, found) for method in found.boards}
    common = [part for part in told[next(iter(told))] if all(part in parts for parts in told.values())]
    text.append("Leaderboards ", style="bold")
    if found.simulated:
        text.append(STAMP)
    for sentence in found.first:
        text.append(f"\n{_wrapped([f'! {one_line(sentence, 400)}'], width)}")
    text.append(f"\n{_wrapped([*common, *_draws(found), *filter(None, [found.equal])], width)}\n\n", style="dim")
    leads = found.pairs.firsts()
    for line in plan_lines(found.planned, width):
        text.append(f"{line}\n", style="" if line.startswith(" ") else "bold")
    for method, rows in found.boards.items():
        own = [part for part in told[method] if part not in common]
        _board(text, method, rows, _wrapped(own, width), longest, width, leads)
    if found.spread:
        _spread(text, found.spread, width)
    consensus = [method for method in found.boards if method in CONSENSUS_METHODS]
    speaks = primary_method(list(found.boards), planned_method(found.planned), *consensus)
    grid = found.pairs.places_by(speaks, width)
    _lines(text, [*found.pairs.win_rates(width), *grid])
    if found.diagnostics:
        text.append("Judges\n", style="bold")
        for row in found.diagnostics:
            text.append(f"  {one_line(str(row.name), 50).replace('_', ' ')}: {_plain(row.value)}\n")
        text.append("\n")
    for line in found.robustness.lines(width):
        text.append(f"{line}\n", style="" if line.startswith(" ") else "bold")
    pooled = [(method, row.position, row.condition) for method, rows in found.boards.items() for row in rows]
    _lines(text, found.jury.lines(pooled, width))
    return text


def _lines(text: Text, lines: list[str]) -> None:
    """Lines of which those that are not indented are headings."""
    for line in lines:
        text.append(f"{line}\n", style="" if line.startswith(" ") else "bold")


def _draws(found: Results) -> list[str]:
    """Every draw that was made in this run, whatever became of it."""
    made = next(iter(found.boards.values()))[0].draws
    return [f"draws made: {one_line(str(made), 300)}"] if made else []


def _plain(value: Any) -> str:
    """Counts without decimals, shares and correlations with three."""
    found = as_float(value)
    return number(value, 0 if found is not None and found.is_integer() and abs(found) > 1 else 3)


def _recovery(text: Text, found: Results, width: int) -> None:
    """Sorted by log-loss; the ceiling is a model trained on labels of the population itself."""
    text.append("Recovery of the planted population ", style="bold")
    text.append(STAMP)
    text.append(f"\n  {'condition':<20}{'population log-loss':>20}{'margin agreement':>18}{'pairs':>8}\n", "dim")
    for row in sorted(found.recovery, key=lambda row: as_float(row.population_log_loss) or 0.0):
        text.append(
            f"  {one_line(str(row.condition), 19):<20}{number(row.population_log_loss, 4):>20}"
            f"{percent(row.margin_agreement):>18}{whole(row.pairs):>8}\n"
        )
    text.append("  held-out pairs, nats; lower log-loss and higher agreement are better\n\n", style="dim")


def _board(
    text: Text,
    method: str,
    rows: list[BoardRow],
    own: str,
    longest: int,
    width: int,
    leads: Mapping[tuple[Any, Any], Any],
) -> None:
    """One method: its settings only where they differ from those above.

    Args:
        leads: by method and condition, the share of the resamples in which it is first; empty where that is not known.
    """
    text.append(one_line(method, 40), style="bold")
    text.append(
        "  lower is better; in the order of the consensus" if method in CONSENSUS_METHODS else "  higher is better",
        style="dim",
    )
    text.append("\n")
    if own:
        text.append(f"{own}\n", style="dim")
    span = axis([(row.low, row.score, row.high) for row in rows])
    room = max(10, width - longest - (49 if leads else 41))
    last = f"{'P(1st)':>8}" if leads else ""
    text.append(f"  {'#':>2}  {'':<{longest}}{'score':>9}{'low':>9}{'high':>9}{last}   ", style="dim")
    text.append(f"{number(span[0], 2)}{number(span[1], 2):>{max(1, room - len(number(span[0], 2)))}}\n", "dim")
    for row in sorted(rows, key=lambda row: as_float(row.position) or 0.0):
        drawn = whisker(row.low, row.score, row.high, span, room)
        last = f"{number(leads.get((row.method, row.condition))):>8}" if leads else ""
        text.append(
            f"  {whole(row.position):>2}  {one_line(str(row.condition), 20):<{longest}}"
            f"{number(row.score):>9}{number(row.low):>9}{number(row.high):>9}{last}   "
        )
        text.append(f"{drawn}\n", style="cyan")
    text.append("\n")


def _spread(text: Text, rows: list[dict[str, Any]], width: int) -> None:
    """How much the conditions of one family differ, by method."""
    text.append("Spread between the members of families\n", style="bold")
    text.append(f"  {'method':<14}{'family':<14}{'members':>8}{'mean':>10}{'smallest':>10}{'largest':>10}", "dim")
    text.append(f"{'deviation':>11}{'width':>9}\n", style="dim")
    for row in rows:
        text.append(f"  {one_line(str(row['method']), 13):<14}{one_line(str(row['family']), 13):<14}")
        text.append(f"{whole(row['members']):>8}{number(row['mean']):>10}{number(row['smallest']):>10}")
        text.append(f"{number(row['largest']):>10}{number(row['deviation']):>11}{number(row['width']):>9}\n")
    text.append(f"{_wrapped([REMARK], width)}\n\n", style="dim")


def _wrapped(parts: list[str], width: int) -> str:
    """Remarks on lines of this width, indented like the tables (which are never wrapped)."""
    return textwrap.fill("; ".join(parts), width, initial_indent="  ", subsequent_indent="  ")


def _settings(method: str, found: Results) -> list[str]:
    """How many rankings went in, what the intervals resample, what they hold fixed, and other remarks."""
    row = found.boards[method][0]
    what, share = one_line(str(row.resample), 20), percent(row.confidence, 0)
    parts = [
        f"{whole(row.rankings)} rankings",
        *(
            [f"{share} intervals from {whole(row.resamples)} resamples of {what}"]
            if row.interval != NO_INTERVAL
            else []
        ),
    ]
    return [*parts, *(one_line(part, 300) for note in found.notes.get(method, ()) for part in note.split("; "))]
