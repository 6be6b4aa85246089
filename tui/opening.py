"""The entry point behind `dempo`: the app where no command is given, else the command line; errors become sentences.

The app is what is opened most often, over slow lines too, so it does not wait until every command is loaded.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import NoReturn

from core.errors import DempoError, InputError
from core.visible import visible
from tui.terminal.command_line import DEFAULT_RUNS, RUNS_OPTION, RUNS_VARIABLE
from tui.terminal.telling import tell


def main() -> NoReturn:
    """Entry point of the `dempo` command: errors become sentences and exit codes."""
    # One BLAS thread, before NumPy is loaded: sums then don't depend on the number of cores, and the many small
    # systems of a lottery are solved twice as fast. The threads of training are `train.threads`.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        runs = _runs_of_app(sys.argv[1:])
        if runs is not None:
            sys.exit(open_app(runs))
        from tui.cli import app

        app()
    except DempoError as error:
        tell(visible(str(error)))
        sys.exit(error.exit_code)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("", "core", "storage", "tui"):
            raise
        from core.program.environment import missing_packages

        tell(f"{missing_packages([package])}; everything finished before is recorded")
        sys.exit(InputError.exit_code)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        tell(f"{visible(f'{where}{error.strerror or error}')}; everything finished before is recorded")
        sys.exit(1)
    sys.exit(0)


def _runs_of_app(words: Sequence[str]) -> Path | None:
    """The folder on which the app is to be opened; None where anything else is asked for, or the shell completes."""
    if any(name.endswith("_COMPLETE") for name in os.environ):
        return None
    if not words:
        return Path(os.environ.get(RUNS_VARIABLE) or DEFAULT_RUNS)
    if len(words) == 2 and words[0] == RUNS_OPTION and not words[1].startswith("-"):
        return Path(words[1])
    return None


def open_app(runs: Path) -> int:
    """Opens the app on a folder of runs and returns its exit code, once it is closed."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        tell("the app needs a terminal; `dempo list` and `dempo show RUN` print instead")
        return 2
    if "SSH_TTY" in os.environ:
        os.environ.setdefault("TEXTUAL_FPS", "15")  # Textual reads it when it is imported
    from tui.look.app_settings import AppSettings
    from tui.look.background import Background, background_asked

    settings = AppSettings.of_user()
    chosen = settings.theme or os.environ.get("TEXTUAL_THEME") or os.environ.get("NO_COLOR")
    with nullcontext(Background()) if chosen else background_asked() as background:
        from tui.app import DempoApp
    opened = DempoApp(runs, settings=settings, background=background)
    opened.run()
    return opened.return_code or 0
