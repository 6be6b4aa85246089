"""The command `dempo`: it looks whether the packages that Python found are this program's own, and hands over to them.

`core`, `storage` and `tui` are names that others use too: a folder on PYTHONPATH, or another distribution in the same
environment, may stand in the way of this program's. Only the standard library is imported here.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

OWN = ("core", "storage", "tui")
HERE = Path(__file__).resolve().parent
ELSEWHERE = "install dempo in an environment of its own (`pipx install dempo`, `uv tool install dempo`)"


def main() -> NoReturn:
    """Entry point: a sentence where something stands in the way, else the command line."""
    refuse(unusable(os.name) or foreign())
    try:
        from tui.opening import main as opened

        opened()
    except ImportError as error:
        refuse(cannot_import(error))
        raise


def unusable(system: str) -> str | None:
    """Why the operating system (`os.name`) is none that this program runs on; None where it is."""
    if system == "posix":
        return None
    return "this program runs on Linux and macOS; on Windows, run it in WSL (the Windows Subsystem for Linux)"


def foreign() -> str | None:
    """Which package is not this program's own, and where it lies; None where all are."""
    for name in OWN:
        spec = find_spec(name)
        if spec is None:
            return f"its package {name!r} is missing from {HERE}; {ELSEWHERE}"
        place = spec.origin or next(iter(spec.submodule_search_locations or ()), "")
        if Path(place).resolve() != HERE / name / "__init__.py":
            return (
                f"a foreign package {name!r} stands in the way: Python finds {place} before this program's own "
                f"{HERE / name}; take its folder out of PYTHONPATH, or {ELSEWHERE}"
            )
    return None


def cannot_import(error: ImportError) -> str | None:
    """What to do about an import that failed: a package is missing, or one of ours was written over."""
    package = (error.name or "").partition(".")[0]
    if package in OWN:
        return f"its package {package!r} in {HERE} was written over by another one ({error}); {ELSEWHERE}"
    if isinstance(error, ModuleNotFoundError) and package:
        return f"the package {package!r} is missing; `{sys.executable} -m pip install {package}` installs it"
    return None


def refuse(sentence: str | None) -> None:
    """Ends the program with a sentence, where there is one."""
    if sentence:
        print(f"dempo: {sentence}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
