"""The first page of the results: recovery where truth is planted, whether the order holds, and every leaderboard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.text import Text

from core.facts.ranking.intervals import NO_INTERVAL
from core.facts.ranking.methods import CONSENSUS_METHODS
from core.visible import one_line
from storage.findings.pairs_found import PairsFound
from storage.findings.robustness_found import RobustnessFound
from storage.judging.board_notes import board_notes, by_method, primary_first
from storage.judging.families import REMARK, spread_table
from storage.judging.judging_notes import HeldNotes
from storage.plans.planned_rows import planned_method, status_of
from storage.record.reader import Reader
from storage.record.rows import BoardDetailRow, BoardRow, FamilyRow, HypothesisRow, RecoveryRow, view_rows
from storage.summary.decimals import SCIENTIFIC, decimals_of
from storage.summary.labels import better, method_words
from storage.summary.name_columns import padded, shortened, widest
from storage.summary.standing import Standing, agreed
from tui.screens.panes.pane import skipped
from tui.screens.results.page import TextPage, filled
from tui.widgets.figures import as_float, number, percent, whole
from tui.widgets.status import STAMP
from tui.widgets.whisker import axis, whisker


@dataclass(frozen=True)
class BoardPage(TextPage):
    """Rows of the views `leaderboards`, by method, and `recovery`, and what is found of places and of the order.

    notes are what each method says beside its numbers, robustness whether the order holds, judging what all have to say
    before them and of equal answers: None while it is still to be read, for which all calls are gone through.
    """

    boards: dict[str, list[BoardRow]]
    recovery: list[RecoveryRow]
    simulated: bool
    skipped: str
    notes: dict[str, list[str]] = field(default_factory=dict)
    judging: HeldNotes | None = None
    pairs: PairsFound = field(default_factory=PairsFound)
    spread: list[dict[str, Any]] = field(default_factory=list)
    robustness: RobustnessFound = field(default_factory=RobustnessFound)
    planned: list[HypothesisRow] = field(default_factory=list)

    view = "leaderboards"

    @classmethod
    def read(cls, reader: Reader) -> BoardPage:
        return cls.read_with(reader, None, whole=True)

    @classmethod
    def read_with(cls, reader: Reader, held: HeldNotes | None, whole: bool) -> BoardPage:
        """The page with what is held of the judging if nothing of it changed; else it is read, or left out."""
        planned = view_rows(reader, HypothesisRow)
        boards = primary_first(by_method(view_rows(reader, BoardRow)), planned_method(planned))
        run = reader.query("SELECT simulated FROM run")
        if held is None or not held.holds(reader):
            held = HeldNotes.of_run(reader) if whole and boards else None
        spread = view_rows(reader, FamilyRow)
        return cls(
            boards=boards,
            recovery=view_rows(reader, RecoveryRow),
            simulated=bool(run and run[0]["simulated"]),
            skipped=skipped(reader, "rank"),
            notes=board_notes(boards, view_rows(reader, BoardDetailRow), spread),
            spread=spread_table(spread),
            judging=held,
            pairs=PairsFound.of_run(reader),
            robustness=RobustnessFound.of_run(reader),
            planned=planned,
        )

    def text(self, width: int) -> Text:
        text = Text(no_wrap=True, overflow="ellipsis")
        if self.recovery:
            _recovery(text, self)
        if not self.boards:
            return text.append(filled([self.skipped or "no leaderboard is recorded yet"], width).lstrip())
        longest = widest([shortened(row.condition, 20) for rows in self.boards.values() for row in rows])
        told = {method: _settings(method, self) for method in self.boards}
        common = [part for part in told[next(iter(told))] if all(part in parts for parts in told.values())]
        text.append("Leaderboards ", style="bold")
        if self.simulated:
            text.append(STAMP)
        if self.unread:
            text.append("\n  … what is said of the judging is being read", style="muted")
        for sentence in self._first:
            text.append(f"\n{filled([f'! {one_line(sentence, 400)}'], width)}")
        text.append(f"\n{filled([*common, *_draws(self), self._equal], width)}\n", style="muted")
        for sentence in filter(None, [self._planned, self._agreed, self.robustness.sentence]):
            text.append(f"{filled([sentence], width, most=3)}\n")
        text.append("\n")
        leads = self.pairs.firsts()
        for method, rows in self.boards.items():
            own = [part for part in told[method] if part not in common]
            _board(text, method, rows, filled(own, width), longest, width, leads)
        if self.spread:
            _spread(text, self.spread, width)
        return text

    @property
    def unread(self) -> bool:
        """Whether there is still something to be read."""
        return bool(self.boards) and self.judging is None

    @property
    def _first(self) -> list[str]:
        """What all boards have to say before their numbers."""
        return [] if self.judging is None else self.judging.notes.first

    @property
    def _equal(self) -> str:
        return "" if self.judging is None else self.judging.notes.of_answers

    @property
    def _agreed(self) -> str:
        """By how many methods the same conditions are first."""
        method, rows = next(iter(self.boards.items()))
        told = agreed(self.boards, Standing.of(method, rows).first).removesuffix(".")
        return told[:1].lower() + told[1:]

    @property
    def _planned(self) -> str:
        """What came of each hypothesis."""
        told = [f"{one_line(str(row.hypothesis), 40)} {status_of(row)}" for row in self.planned]
        return f"planned: {'; '.join(told)}" if told else ""


def _draws(found: BoardPage) -> list[str]:
    """Every draw that was made in this run, whatever became of it."""
    made = next(iter(found.boards.values()))[0].draws
    return [f"draws made: {one_line(str(made), 300)}"] if made else []


def _recovery(text: Text, found: BoardPage) -> None:
    """Sorted by log-loss; the ceiling is a model trained on labels of the population itself."""
    text.append("Recovery of the planted population ", style="bold")
    text.append(STAMP)
    text.append(f"\n  {'condition':<20}{'population log-loss':>20}{'margin agreement':>18}{'pairs':>8}\n", "muted")
    for row in sorted(found.recovery, key=lambda row: as_float(row.population_log_loss) or 0.0):
        text.append(
            f"  {one_line(str(row.condition), 19):<20}{number(row.population_log_loss, 4):>20}"
            f"{percent(row.margin_agreement):>18}{whole(row.pairs):>8}\n"
        )
    text.append("  held-out pairs, nats; lower log-loss and higher agreement are better\n\n", style="muted")


def _board(
    text: Text,
    method: str,
    rows: list[BoardRow],
    remarks: str,
    longest: int,
    width: int,
    leads: Mapping[tuple[Any, Any], Any],
) -> None:
    """One method: its settings only where they differ from those above.

    Args:
        leads: by method and condition, the share of the resamples in which it is first; empty where that is not known.
    """
    text.append(one_line(method_words(method), 40), style="bold")
    consensus = "; in the order of the consensus" if method in CONSENSUS_METHODS else ""
    text.append(f"  {better(method)}{consensus}\n", style="muted")
    if remarks:
        text.append(f"{remarks}\n", style="muted")
    span = axis([(row.low, row.score, row.high) for row in rows])
    ends = [number(end, 0 if max(map(abs, span)) >= 100 else 2) for end in span]
    digits = decimals_of(value for row in rows for value in (row.score, row.low, row.high))
    cells = [
        [number(value, digits if digits != SCIENTIFIC else 3) for value in (row.score, row.low, row.high)]
        for row in rows
    ]
    wide = max(9, *(1 + len(cell) for own in cells for cell in own))
    room = max(10, width - longest - 3 * wide - (22 if leads else 14))
    last = f"{'P(1st)':>8}" if leads else ""
    head = "".join(f"{words:>{wide}}" for words in ("score", "low", "high"))
    text.append(f"  {'#':>2}  {'':<{longest}}{head}{last}   ", style="muted")
    text.append(f"{ends[0]} {ends[1]:>{max(1, room - len(ends[0]) - 1)}}\n", "muted")
    for row, own in sorted(zip(rows, cells, strict=True), key=lambda pair: as_float(pair[0].position) or 0.0):
        drawn = whisker(row.low, row.score, row.high, span, room)
        last = f"{number(leads.get((row.method, row.condition))):>8}" if leads else ""
        text.append(
            f"  {whole(row.position):>2}  {padded(shortened(row.condition, 20), longest)}"
            f"{''.join(f'{cell:>{wide}}' for cell in own)}{last}   "
        )
        text.append(f"{drawn}\n", style="accent")
    text.append("\n")


def _spread(text: Text, rows: list[dict[str, Any]], width: int) -> None:
    """How much the conditions of one family differ, by method."""
    text.append("Spread between the members of families\n", style="bold")
    text.append(f"  {'method':<14}{'family':<14}{'members':>8}{'mean':>10}{'smallest':>10}{'largest':>10}", "muted")
    text.append(f"{'deviation':>11}{'width':>9}\n", style="muted")
    for row in rows:
        method = one_line(method_words(row["method"]), 13)
        text.append(f"  {method:<14}{one_line(str(row['family']), 13):<14}")
        text.append(f"{whole(row['members']):>8}{number(row['mean']):>10}{number(row['smallest']):>10}")
        text.append(f"{number(row['largest']):>10}{number(row['deviation']):>11}{number(row['width']):>9}\n")
    text.append(f"{filled([REMARK], width)}\n\n", style="muted")


def _settings(method: str, found: BoardPage) -> list[str]:
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
