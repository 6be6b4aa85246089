"""`dempo doctor`: what this machine has, in one table."""

from __future__ import annotations

import os
import shutil
import sqlite3
from importlib.metadata import requires
from pathlib import Path
from typing import Any

from core.environment import devices, environment, package_version

_LEAST_SQLITE = (3, 38, 0)
"""`->>` came with 3.38."""

_LEAST_FREE = 2 * 1024**3


def examine(runs: Path) -> list[dict[str, Any]]:
    """One row per thing looked at: name, state (ok, note, missing) and detail."""
    return [*_packages(), _sqlite(), *_devices(), _disk(runs), *_variables()]


def _packages() -> list[dict[str, Any]]:
    try:
        declared = [line for line in requires("dempo") or [] if "extra ==" not in line]
    except ImportError:
        return [_row("package dempo", "note", "runs from a checkout that is not installed")]
    rows = []
    for line in declared:
        name = line.split(";")[0].split(">")[0].split("<")[0].split("=")[0].strip()
        found = package_version(name)
        rows.append(_row(f"package {name}", "ok" if found else "missing", found or "pip install " + name))
    return rows


def _sqlite() -> dict[str, Any]:
    enough = sqlite3.sqlite_version_info >= _LEAST_SQLITE
    return _row("SQLite", "ok" if enough else "missing", f"{sqlite3.sqlite_version} (3.38 or newer is needed)")


def _devices() -> list[dict[str, Any]]:
    found = devices()
    if not found:
        return [_row("accelerator", "note", "none found; training runs on the CPU")]
    return [_row(f"accelerator {i}", "ok", name) for i, name in enumerate(found)]


def _disk(runs: Path) -> dict[str, Any]:
    place = next(p for p in (runs, *runs.resolve().parents) if p.exists())
    free = shutil.disk_usage(place).free
    return _row("free disk", "ok" if free >= _LEAST_FREE else "note", f"{free / 1024**3:.1f} GiB for {runs}")


def _variables() -> list[dict[str, Any]]:
    return [_row(name, "note", value) for name, value in environment(os.environ).items()]


def _row(name: str, state: str, detail: str) -> dict[str, Any]:
    return {"name": name, "state": state, "detail": detail}
