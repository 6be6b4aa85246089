"""A job: its command, how far it is, and what came of it in rows. Leaving it ends nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, VerticalScroll

from core.visible import one_line, visible
from tui.actions.bindings import bindings_of
from tui.screens.confirm import ConfirmScreen
from tui.screens.copying import Copyable
from tui.screens.jobs.job import Job
from tui.screens.jobs.outcome import Outcome, outcome_of
from tui.screens.panes.live import LiveScreen
from tui.terminal.exit_codes import ended_with
from tui.widgets.figures import bar, duration
from tui.widgets.keys_line import KeysLine
from tui.widgets.lists.long_list import LongList
from tui.widgets.lists.whole_list import WholeList
from tui.widgets.status import status
from tui.widgets.titlebar import TitleBar
from tui.widgets.words import Words


class JobScreen(LiveScreen):
    """One job, while it runs and after it."""

    place = "job"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(place)

    def __init__(self, job: Job) -> None:
        super().__init__()
        self._last_line = KeysLine()
        self.job = job
        self._outcome = Outcome("")
        self._ended = False
        self._titlebar, self._command, self._progress = TitleBar(), Words(id="job-command"), Words(id="job-progress")
        self._said = Words(id="job-said-text")
        self._said_scroll = VerticalScroll(self._said, id="job-said")
        self._rows, self._detail = WholeList(id="job-rows"), Words(id="job-detail")
        self._split = Container(self._rows, VerticalScroll(self._detail, id="job-detail-scroll"), classes="split")

    def compose(self) -> ComposeResult:
        yield self._titlebar
        yield self._command
        yield self._progress
        yield self._said_scroll
        yield self._split
        yield self._last_line

    def on_mount(self) -> None:
        self._command.say(f"$ {visible(self.job.command)}")
        self._rows.focus()

    def tick(self) -> None:
        """Only the time goes on by itself."""
        if self.job.code is None:
            self._show_progress()

    def read_soon(self) -> None:
        """Shows the job as it is now."""
        job = self.job
        job.seen = job.code is not None
        self._outcome = found = outcome_of(job)
        self._show_progress()
        said = _said(job)
        self._said.say(said)
        self._said_scroll.display, self._split.display = bool(said), bool(found.rows) or not said
        self._said_scroll.set_class(not found.rows, "-alone")
        self._rows.fill(found.headings, found.rows) if found.headings else None
        if found.rows and not self._ended:
            self._rows.point_at(found.rows[-1 if job.code is None else 0][0])
        self._ended = job.code is not None
        self._show_detail()
        if job.code is not None and not found.rows:
            self._said_scroll.focus()
        self.refresh_bindings()

    def _show_progress(self) -> None:
        job = self.job
        spent = duration(job.passed) if job.seconds is not None else f"{job.passed:.0f} s"
        if job.root is not None:
            self._titlebar.name_run(job.root.name, job.what, status(job.state), Text(spent))
        else:
            self._titlebar.tell(job.what, status(job.state), Text(spent))
        self._progress.say(_progress(job, self._outcome, self.app.size.width))

    @on(LongList.Moved, "#job-rows")
    def _show_detail(self) -> None:
        """What there is to say of the row under the cursor."""
        chosen = self._rows.chosen
        self._detail.say(self._outcome.details.get(chosen, Text()) if chosen is not None else Text())

    # ------------------------------------------------------------ keys

    def offered(self, action: str, parameters: tuple[object, ...]) -> bool:
        return action != "cancel" or (self.job.code is None and self.job.stoppable)

    def why_not(self, action: str) -> str:
        if self.job.code is not None:
            return "the command has ended; there is nothing to cancel"
        return "this cannot be cancelled half-way; it takes a moment"

    def copyable(self) -> Sequence[Copyable]:
        """The command, and what the row under the cursor says."""
        detail = self._detail_text
        return (*([Copyable("value", detail)] if detail else []), Copyable("command", self.job.command))

    @property
    def _detail_text(self) -> str:
        chosen = self._rows.chosen
        return self._outcome.details[chosen].plain if chosen in self._outcome.details else ""

    def action_back(self) -> None:
        """The job goes on."""
        self.dismiss()

    def action_cancel(self) -> None:
        """Asks, and has the command end."""
        job = self.job
        question = f"Cancel this {job.what}?\n{job.leaves or 'It writes nothing, so nothing is left of it.'}"

        def answered(yes: bool | None) -> None:
            if yes:
                self._dempo.jobs.cancel(job)

        self._dempo.push_screen(ConfirmScreen(question, job.command), answered)


def _progress(job: Job, outcome: Outcome, width: int) -> Text:
    """What it is at with a bar; after it, one line about what came of it."""
    text = Text(overflow="fold")
    if job.code is not None:
        return text.append(visible(outcome.summary), style="bold")
    step = job.step
    if job.stopped:
        return text.append("asked to end …")
    if step is None:
        return text.append("starting …")
    if step.total:
        text.append(f"{bar(step.done, step.total, 20 if width < 100 else 40)} ")
        text.append(f"{100 * step.done / step.total:3.0f} %  ")
    text.append(one_line(step.step, 40))
    return text.append(f"  {one_line(step.detail, 200)}" if step.detail not in ("", "…") else "")


def _said(job: Job) -> Text:
    """What the command said on standard error, and how it ended where that was not well. What a bundle lacks stands in
    the rows."""
    if job.code is None or (job.what == "export" and job.state == "completed"):
        return Text()
    text = Text(overflow="fold")
    failed = job.state == "failed"
    for line in job.told:
        text.append(f"{visible(line)}\n", style="bad" if failed else "")
    if job.stopped and job.code:
        text.append(f"cancelled. {job.leaves}".rstrip())
    elif failed:
        text.append(ended_with(job.code))
    text.rstrip()
    return text
