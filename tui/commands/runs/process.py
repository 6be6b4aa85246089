"""The engine process: it joins `core.pipeline` to `storage.record.log` and turns every end into an exit code."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType

from core.errors import DempoError, InputError, Stopped, Waiting
from core.events import EngineStarted, EngineStopped, Event, OperatorAction, SettingsChanged
from core.program.environment import engine_started, refuse_launcher
from core.run_folder import RunFolder
from core.signals import handled
from core.visible import visible
from storage.draws.history import history_of
from storage.draws.waiting import draw_waits_for
from storage.errors import StorageError, readable_configuration
from storage.record.create import complete_creation
from storage.record.log import Log
from storage.record.reader import Reader
from storage.record.registry import enter_rest
from storage.setting_changes import changed_by, config_after, settings_after
from storage.signatures.heads import HeadSigner
from storage.signatures.signing_key import chosen_key, refuse_inside
from tui.commands.people.draw_text import next_steps
from tui.commands.results.measured_lines import weight_lines
from tui.terminal.command_line import DEFAULT_RUNS
from tui.terminal.console import Console
from tui.terminal.telling import tell

_SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


def work(root: Path, until: str | None, console: Console, overrides: Sequence[str] = ()) -> int:
    """Runs the stages of a run that are left and returns the exit code of the process.

    `overrides` change operational settings from now on; what changes is recorded before anything else is done.

    Raises:
        InputError: a launcher started several of these processes, or a setting cannot be changed so.
        JudgeError: an endpoint that is asked much later cannot be used.
        StorageError: there is no run, or another engine works on it.
    """
    from core.pipeline import check_until, nothing_left, run_pipeline
    from core.preflight import check_endpoints

    refuse_launcher(os.environ)
    check_until(until)
    folder = RunFolder(root)
    with Log.open(folder) as log:
        if complete_creation(log):
            console.say("dempo: note: this run was cut off while it was made; registry.db names it from now on")
        if nothing_left(log.stage_ends(), until):
            told = f"nothing left to do{f' up to stage {until}' if until else ''}; the record is unchanged"
            if overrides:
                raise InputError(f"{told}, and so are the settings")
            console.say(told)
            return 0
        log.signer = _signer(root)
        genesis, changes = log.genesis(), log.every(SettingsChanged)
        with readable_configuration(root.name):
            config = config_after(genesis, changes)
        changed = None
        if overrides:
            config, changed = changed_by(config, settings_after(genesis, changes), overrides, root.name)
        check_endpoints(config, log.stage_ends(), until)
        resumed = log.has(EngineStarted.kind)
        resumption = [OperatorAction(action="resume", detail=f"until {until}" if until else "")] if resumed else []
        started = engine_started(resumed, log.sealer.secret, config.key_variables)
        log.record("run", [started, *resumption, *([changed] if changed else [])])
        log.sign_head()
        log.listener = console.progress
        try:
            with _signals_ask_for_a_stop(folder):
                done = run_pipeline(config, log, folder, log.stage_ends(), until, partial(_stage, root, console))
        except Stopped as stop:
            return _stopped(log, folder, str(stop), console)
        except Waiting as wait:
            return _waiting(log, wait, console)
        except DempoError as error:
            _record_end(log, console, EngineStopped(outcome="failed", reason=str(error), exit_code=error.exit_code))
            raise
        except BaseException as error:
            reason = f"{type(error).__name__}: {error}"
            _record_end(log, console, EngineStopped(outcome="failed", reason=reason, exit_code=1))
            raise
        outcome, reason = ("completed", "all stages") if done else ("paused", f"up to stage {until}, as asked")
        _record_end(log, console, EngineStopped(outcome=outcome, reason=reason, exit_code=0))
    return 0


def _stage(root: Path, console: Console, name: str, what: str, seconds: float) -> None:
    """Says that a stage began or ended; before anything is trained, what raters get of the weight they are due."""
    console.stage(name, what, seconds)
    if (name, what) == ("conditions", "completed"):
        for line in weight_lines(Reader(root)):
            console.say(line)


def _stopped(log: Log, folder: RunFolder, reason: str, console: Console) -> int:
    asked_by = folder.stop_request.read_text(encoding="utf-8").strip()
    folder.stop_request.unlink(missing_ok=True)
    code = next((code for number, code in _SIGNALS.items() if number.name == asked_by), Stopped.exit_code)
    _record_end(
        log,
        console,
        OperatorAction(action="stop", detail=asked_by),
        EngineStopped(outcome="stopped", reason=reason, exit_code=code),
    )
    return code


def _waiting(log: Log, wait: Waiting, console: Console) -> int:
    """Records the pause, and says which commands bring the draws forward."""
    root = log.folder.root
    histories = [history_of(Reader(root), draw) for draw in wait.draws]
    waits = [draw_waits_for(history) for history in histories]
    recorded = [step for history in histories for step in next_steps(history, root.name, DEFAULT_RUNS)]
    reason = "; ".join([*waits, *recorded])
    _record_end(log, console, EngineStopped(outcome="paused", reason=reason, exit_code=wait.exit_code))
    for sentence, history in zip(waits, histories, strict=True):
        console.insist(visible(f"dempo: {sentence}"))
        for step in next_steps(history, root.name, root.parent):
            console.insist(step)
    return wait.exit_code


def _record_end(log: Log, console: Console, *events: Event) -> None:
    """Records how the engine ended, and says the head that should be kept elsewhere.

    Where even that cannot be written, the first error is the one to report.
    """
    try:
        log.record("run", events)
    except StorageError as error:
        tell(f"the end of this engine could not be recorded: {error}")
        return
    signed = log.sign_head()
    try:
        enter_rest(log.folder.root.resolve(), *log.head)
    except StorageError as error:
        tell(f"the end of this engine is not entered beside its run: {error}")
    console.head(*log.head)
    if signed is not None:
        console.say(f"signed: event {signed.seq}, by {signed.fingerprint} (heads/{signed.seq}.json)")
    elif log.signer is None:
        console.say("not signed: there is no signing key; `dempo doctor --keygen` makes one")


def _signer(root: Path) -> HeadSigner | None:
    """Signs the heads of this run, where there is a key; what goes wrong is a sentence on standard error.

    Raises:
        InputError: the key lies inside the folder of the run.
    """
    key = chosen_key(os.environ)
    if key is None:
        return None
    refuse_inside(key, root)
    return HeadSigner(key, tell)


@contextmanager
def _signals_ask_for_a_stop(folder: RunFolder) -> Iterator[None]:
    """The first signal asks for a stop at the next safe point; the second one ends the process at once.

    Under `nohup` a terminal that hangs up stops nothing.
    """

    def ask(number: int, frame: FrameType | None) -> None:
        folder.stop_request.write_text(f"{signal.Signals(number).name}\n", encoding="utf-8")
        signal.signal(number, signal.SIG_DFL)

    with handled(ask, *_SIGNALS):
        yield
