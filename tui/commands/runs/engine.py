"""Stopping and resuming engines from the outside: what screens and commands may do to a run.

An engine started here is a process in a session of its own, so it outlives the app, the shell and the
SSH connection that started it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from core.config import RunConfig
from core.errors import InputError
from core.program.environment import refuse_launcher
from core.program.place import import_path
from core.run_folder import RunFolder
from storage.draws.history import config_of, genesis_of
from storage.errors import StorageError
from storage.record.foreign import refuse_imported
from storage.record.reader import Reader
from storage.setting_changes import changed_by, changes_of, settings_after


def resume(root: Path, until: str | None = None, overrides: Sequence[str] = ()) -> int:
    """Starts an engine on an existing run, which changes operational settings first; returns its process id.

    Raises:
        InputError: a setting cannot be changed so, or nothing is left to do with it; or a launcher stands in front of
            this process, and would stand in front of the engine.
        JudgeError: an endpoint that is asked much later cannot be used; the engine would say so to nobody.
        StorageError: an engine works on the run already, or it was imported.
    """
    refuse_launcher(os.environ)
    refuse_imported(root)
    reader = Reader(root)
    pid = reader.engine_pid()
    if pid is not None:
        raise StorageError(f"an engine (process {pid}) works on {root.name} already")
    config = config_of(reader)
    if overrides:
        recorded = settings_after(genesis_of(reader), changes_of(reader))
        config, _ = changed_by(config, recorded, overrides, root.name)
    _check_work(reader, config, until, bool(overrides))
    command = [sys.executable, "-P", "-m", "tui", "resume", str(root), "--quiet"]
    if until is not None:
        command += ["--until", until]
    for override in overrides:
        command += ["--set", override]
    with reader.folder.log.open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=os.environ | {"PYTHONPATH": import_path()},
        )
    return process.pid


def _check_work(reader: Reader, config: RunConfig, until: str | None, changes: bool) -> None:
    """Says what an engine would say to nobody: endpoints that cannot be used, settings with nothing left to do."""
    from core.pipeline import nothing_left  # as above
    from core.preflight import check_endpoints

    ended = [row["stage"] for row in reader.view("stages") if row["status"] in ("completed", "skipped")]
    if changes and nothing_left(dict.fromkeys(ended, ""), until):
        raise InputError(f"nothing is left to do in {reader.folder.root.name}, so no setting is changed")
    check_endpoints(config, ended, until)


def request_stop(root: Path) -> None:
    """Asks the engine to stop at the next safe point (between two units, or two training steps).

    Raises:
        StorageError: no engine works on the run, or it was imported.
    """
    refuse_imported(root)
    folder = RunFolder(root)
    if not Reader(root).live():
        raise StorageError(f"no engine works on {root.name}; there is nothing to stop")
    folder.stop_request.write_text("operator\n", encoding="utf-8")
