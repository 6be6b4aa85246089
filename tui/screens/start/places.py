"""Files and folders that begin with what is typed, to complete the path of a configuration."""

from __future__ import annotations

import os
from pathlib import Path

_MOST = 100


def completions(typed: str) -> tuple[list[str], str]:
    """Folders (with a slash behind) and TOML files, written as what is typed; and why a folder cannot be listed."""
    begun = typed.rpartition("/")[2]
    before = typed[: len(typed) - len(begun)]
    inside = expanded(before or ".")
    found = []
    try:
        with os.scandir(inside) as entries:
            for entry in entries:
                if entry.name.startswith(begun) and (begun or not entry.name.startswith(".")):
                    found += [f"{before}{entry.name}/"] if _is_folder(entry) else []
                    found += [f"{before}{entry.name}"] if entry.name.endswith(".toml") else []
    except (FileNotFoundError, ValueError):
        return [], ""
    except OSError as error:
        return [], f"{inside}: {error.strerror}"
    return sorted(found)[:_MOST], ""


def expanded(typed: str) -> Path:
    """The path that is meant: `~` is the folder of whoever types it."""
    try:
        return Path(typed).expanduser()
    except RuntimeError:  # nobody is called so
        return Path(typed)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
