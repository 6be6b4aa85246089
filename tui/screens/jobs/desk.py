"""All jobs of the app: what begins one, which is shown, and how they end with it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from textual.screen import Screen

from core.visible import one_line, visible
from tui.actions.table import ACTIONS
from tui.messages import JobMoved
from tui.screens.confirm import ConfirmScreen
from tui.screens.jobs.job import Job, named
from tui.screens.jobs.job_screen import JobScreen
from tui.screens.jobs.outcome import outcome_of

if TYPE_CHECKING:
    from tui.app import DempoApp

_LEAVES = {
    "export": "What it has written so far goes; a file that it was to replace stays as it was.",
    "import": "What it has unpacked goes; nothing was imported.",
    "remove": "It ends in a moment.",
}
"""Of the commands that write: what becomes of that where they are ended."""


class JobDesk:
    """Begins jobs, and finds the one that was begun: one of a kind for a run at a time."""

    def __init__(self, app: DempoApp) -> None:
        self._app = app
        self._jobs: dict[tuple[str, Path | None], Job] = {}
        self._ended: list[Job] = []

    @property
    def runs(self) -> Path:
        """The folder of the runs."""
        return self._app.runs

    # ------------------------------------------------------------ what a person can ask for

    def verify(self, root: Path) -> None:
        """Checks a run, or shows the check that was begun."""
        if not self._shown("verify", root):
            self._begin("verify", root, [])

    def replay(self, root: Path, as_of: int | None = None) -> None:
        """Asks which stages, and repeats them beside the record, as of an event where one is named."""
        from tui.screens.jobs.ask_replay import AskReplayScreen

        if not self._shown("replay", root):
            self._ask("replay", root, AskReplayScreen(root, self.runs, as_of))

    def export(self, root: Path) -> None:
        """Asks where to, and writes the bundle."""
        from tui.screens.jobs.ask_export import AskExportScreen

        if not self._shown("export", root):
            self._ask("export", root, AskExportScreen(root, self.runs))

    def import_bundle(self) -> None:
        """Asks for a bundle, and takes it in."""
        from tui.screens.jobs.ask_import import AskImportScreen

        if not self._shown("import", None):
            self._ask("import", None, AskImportScreen(self.runs))

    def remove(self, root: Path) -> None:
        """Says what would go, has the id typed, and removes the run."""
        from tui.screens.jobs.ask_removal import AskRemovalScreen

        if not self._shown("remove", root):
            self._ask("remove", root, AskRemovalScreen(root, self.runs))

    def _ask(self, what: str, root: Path | None, form: Screen[list[str] | None]) -> None:
        """A form returns the words behind the command's name, but for the run; None where it was closed."""

        def answered(words: list[str] | None) -> None:
            if words is not None:
                self._begin(what, root, words)

        self._app.push_screen(form, answered)

    def _shown(self, what: str, root: Path | None) -> bool:
        """Shows the job of this kind that runs, or ended behind somebody's back; False where there is none."""
        job = self._jobs.get((what, root))
        if job is None or job.seen:
            return False
        self._app.push_screen(JobScreen(job))
        return True

    def _begin(self, what: str, root: Path | None, words: Iterable[str]) -> None:
        run = [] if root is None else [named(root, self.runs)]
        job = Job(
            what,
            (what, *run, *words),
            self.runs,
            root,
            leaves=_LEAVES.get(what, ""),
            progress=what != "remove",
            stoppable=what != "remove",
        )
        self._jobs[what, root] = job
        job.start(lambda job: self._app.post_message(JobMoved(job)))
        self._app.push_screen(JobScreen(job))

    # ------------------------------------------------------------ what becomes of them

    def moved(self, job: Job) -> None:
        """Shows it where it is looked at; where it is not, says that it ended."""
        screen = next((one for one in self._app.screen_stack if isinstance(one, JobScreen) and one.job is job), None)
        if screen is not None and screen.is_active:
            screen.read_soon()
        if job.code is None or any(
            job is one for one in self._ended
        ):  # steps that were told of before it ended may arrive behind that
            return
        self._ended.append(job)
        outcome = outcome_of(job)
        if outcome.run is not None:
            self._app.point_at_run(outcome.run.name)
        if screen is None:  # nor does it wait beneath a dialog
            self._tell(job, outcome.summary)

    def _tell(self, job: Job, summary: str) -> None:
        about = f" of {one_line(job.root.name, 60)}" if job.root is not None else ""
        said = job.told[-1] if job.told else job.leaves
        ended = {"completed": "ended", "failed": "failed", "stopped": "was cancelled"}[job.state]
        more = f": {visible(summary or said)[:400]}" if summary or said else ""
        told = f"{job.what}{about} {ended}{more}\n{_key(job.what)} shows it"
        self._app.notify(told, severity="error" if job.state == "failed" else "information", timeout=10, markup=False)

    def cancel(self, job: Job) -> None:
        """Has a job end, in a thread that waits for it."""
        threading.Thread(target=job.end, name="cancel", daemon=True).start()

    def writing(self) -> list[Job]:
        """Jobs under way that write something."""
        return [job for job in self._jobs.values() if job.code is None and job.leaves]

    def end_all(self) -> None:
        """Ends what still runs, all at once, and returns when it is gone."""
        enders = [threading.Thread(target=job.end) for job in self._jobs.values() if job.code is None]
        for ender in enders:
            ender.start()
        for ender in enders:
            ender.join()

    def asked_before_leaving(self, leave: Callable[[], object]) -> bool:
        """Asks where closing the app would end something that writes; False where there is nothing to ask."""
        writing = self.writing()
        if not writing:
            return False
        jobs = "\n".join(
            f"{job.what} {one_line(job.root.name, 50) if job.root else ''}: {job.leaves}" for job in writing
        )

        def answered(yes: bool | None) -> None:
            if yes:
                leave()

        self._app.push_screen(ConfirmScreen(f"Close the app and end this?\n{jobs}", writing[0].command), answered)
        return True


def _key(what: str) -> str:
    """The key that begins and shows a job of this kind."""
    return next((action.key for action in ACTIONS if action.id == f"job.{what}"), "")
