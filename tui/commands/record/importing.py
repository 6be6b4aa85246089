"""`dempo import`: what it says, and how it ends where somebody ends it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType

from core.signals import handled
from core.visible import visible
from storage.check import Check
from storage.imports.importing import Imported, import_bundle
from storage.verifier.shipped import CHAIN_NAME, VERIFIER_NAME
from storage.verifier.vouching.vouching import summary_of
from tui.terminal import tables
from tui.terminal.console import Console
from tui.terminal.options import print_data

_VERIFIERS = {
    "same": "the bundle's {} is the one of this version",
    "different": "the bundle's {} is not the one of this version; don't run it, unless you know whose it is",
    "missing": "the bundle holds no {}",
}


def import_run(bundle: Path, runs: Path, console: Console, told: Callable[[str, float, float], None]) -> Imported:
    """Imports a bundle; ended by a signal, it leaves nothing behind and exits with 128 and the signal's number.

    Raises:
        InputError, VerificationFailed, StorageError: as `storage.imports.importing.import_bundle` does.
    """
    with _ended_by_signals(console):
        return import_bundle(bundle, runs, told)


def print_imported(done: Imported, console: Console, as_json: bool) -> None:
    """What was imported and found."""
    texts = " (redacted: texts were withheld)" if done.redacted else ""
    console.say(f"dempo: imported {done.run_id}{texts}; it can be read, verified and cloned, never continued")
    columns = {"name": "check", "verdict": "verdict", "detail": "what was found"}
    summary = summary_of(checks_of(done))
    print_data(asdict(done), as_json, f"{tables.table(done.checks, columns)}\n\n{summary}\n\nrun: {visible(done.path)}")
    for name, found in ((VERIFIER_NAME, done.verifier), (CHAIN_NAME, done.chain)):
        console.say(f"dempo: {_VERIFIERS[found].format(name)}")


def checks_of(done: Imported) -> list[Check]:
    """The checks that were made before it was taken in."""
    return [Check(**row) for row in done.checks]


@contextmanager
def _ended_by_signals(console: Console) -> Iterator[None]:
    """A signal becomes an exception, so that what was unpacked is removed and the checks end with this process."""

    def end(number: int, frame: FrameType | None) -> None:
        for other in numbers:
            signal.signal(other, signal.SIG_IGN)  # what is under way is only removing things
        console.say(f"dempo: ended by {signal.Signals(number).name}; nothing was imported")
        sys.exit(128 + number)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    with handled(end, *numbers):
        yield
