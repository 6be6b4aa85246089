"""`dempo doctor`: what this machine has, and whether a configuration's endpoints can be used, in one table."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Sequence
from importlib.metadata import requires
from pathlib import Path
from typing import Any

from core.config import RunConfig
from core.config_file import load_config
from core.errors import InputError, JudgeError
from core.evaluation.endpoints.endpoint import endpoint_for
from core.preflight import reaches
from core.program.environment import devices, environment, package_version
from core.program.machine import LEAST_FREE, free_at
from core.program.provenance import provenance
from core.sections.who_judges import JudgeModel
from storage.draws.history import config_of
from storage.record.reader import Reader, find_run
from storage.signatures import sshsig
from storage.signatures.signing_key import VARIABLE, chosen_key, default_key, lies_inside
from storage.verifier.vouching.ssh_signature import fingerprint
from tui.commands.runs.disk import disk_rows
from tui.commands.runs.estimate import estimate_rows
from tui.commands.runs.training_rows import training_rows

_LEAST_SQLITE = (3, 38, 0)
"""`->>` came with 3.38."""


def named(name: str, runs: Path, overrides: Sequence[str] = ()) -> tuple[RunConfig, Reader | None]:
    """The configuration in a file, changed by --set, or that of a run, with the run.

    Raises:
        InputError: the configuration cannot be used, or that of a run should be changed.
        NotFound: no run is called so, and there is no such file.
    """
    if Path(name).is_file() or name.endswith(".toml"):
        return load_config(Path(name), list(overrides)).config, None
    if overrides:
        raise InputError("--set changes a value of a configuration that is a file; that of a run is what it is")
    reader = Reader(find_run(name, runs))
    return config_of(reader), reader


def examine(
    runs: Path,
    config: RunConfig | None = None,
    run: Reader | None = None,
    device_memory: float | None = None,
    measured: bool = False,
) -> list[dict[str, Any]]:
    """One row per thing looked at: name, state (ok, note, missing) and detail; `estimate` where there are numbers.

    Args:
        device_memory, measured: as `training_rows`.
    """
    return [
        *(configured(config, runs, run, device_memory, measured) if config else ()),
        _program(),
        *_packages(),
        _sqlite(),
        *_devices(),
        free_disk(runs),
        *disk_rows(runs),
        _signing_key(runs),
        *_variables(config.key_variables if config else ()),
    ]


def configured(
    config: RunConfig,
    runs: Path,
    run: Reader | None = None,
    device_memory: float | None = None,
    measured: bool = False,
    until: str | None = None,
) -> list[dict[str, Any]]:
    """The rows about a configuration: endpoints, training and judging, as far as a run up to `until` comes to them."""
    return [
        *(_endpoints(config) if reaches("answer", until) else ()),
        *(training_rows(config, runs, device_memory, measured) if reaches("train", until) else ()),
        *(estimate_rows(config, runs, run) if reaches("judge", until) else ()),
    ]


def _endpoints(config: RunConfig) -> list[dict[str, Any]]:
    """Where judges and the writer of questions are asked, and with which key; missing where they cannot be."""
    rows = []
    for who, asked in config.asked.items():
        try:
            found = endpoint_for(config, asked, os.environ)
        except JudgeError as error:
            taken = isinstance(asked, JudgeModel) and asked.takes_over
            told = f"{error} (needed only where the run named by `recorded` lacks a reply)" if taken else str(error)
            rows.append(_row(who, "note" if taken else "missing", told))
            continue
        key = f"with the key in {found.variable}" if found.key else "without a key"
        rows.append(_row(who, "ok", f"asked at {found.url} {key}"))
    return rows


def _program() -> dict[str, Any]:
    """Which program this is, as its records say it."""
    ran = provenance()
    commit = f"commit {ran.commit}" if ran.commit else "commit unknown"
    changed = ", changed since" if ran.dirty else ""
    return _row("program", "ok", f"dempo {ran.version}, {commit}{changed}; SHA-256 of its files {ran.files}")


def _packages() -> list[dict[str, Any]]:
    try:
        declared = requires("dempo") or []
    except ImportError:
        return [_row("package dempo", "note", "runs from a checkout that is not installed")]
    rows = []
    for line in declared:
        requirement, _, condition = line.partition(";")
        name = re.split("[<>=!~ ]", requirement.strip())[0]
        absent = ("note", "not installed; dempo[train] has it") if condition else ("missing", f"pip install {name}")
        if not condition or "train" in condition:
            found = package_version(name)
            rows.append(_row(f"package {name}", *(("ok", found) if found else absent)))
    return rows


def _sqlite() -> dict[str, Any]:
    enough = sqlite3.sqlite_version_info >= _LEAST_SQLITE
    return _row("SQLite", "ok" if enough else "missing", f"{sqlite3.sqlite_version} (3.38 or newer is needed)")


def _devices() -> list[dict[str, Any]]:
    found = devices()
    if not found:
        return [_row("accelerator", "note", "none found; training runs on the CPU")]
    return [_row(f"accelerator {i}", "ok", name) for i, name in enumerate(found)]


def free_disk(runs: Path) -> dict[str, Any]:
    """How much is free where the runs are."""
    free = free_at(runs)
    return _row("free disk", "ok" if free >= LEAST_FREE else "note", f"{free / 1024**3:.1f} GiB for {runs}")


def _signing_key(runs: Path) -> dict[str, Any]:
    """Which key signs the heads of runs; a key that is there but cannot sign is missing."""
    name, key = "signing key", chosen_key(os.environ)
    if key is None and VARIABLE in os.environ:
        return _row(name, "note", f"{VARIABLE} is empty, so heads are not signed")
    if key is None:
        place = default_key(os.environ)
        return _row(name, "note", f"absent, so heads are not signed; `dempo doctor --keygen` makes {place}")
    origin = f"named by {VARIABLE}" if VARIABLE in os.environ else "the default one"
    try:
        signer = fingerprint(sshsig.sign(b"dempo doctor\n", key, "dempo-doctor").public_key)
    except sshsig.SigningError as error:
        return _row(name, "missing", f"{origin}: {error}")
    if lies_inside(key, runs):
        where = f"but it lies inside {runs}, where it may travel with a run; move it elsewhere"
        return _row(name, "note", f"{key} ({origin}), {signer}, {where}")
    return _row(name, "ok", f"{key} ({origin}), {signer}")


def _variables(key_variables: Sequence[str]) -> list[dict[str, Any]]:
    return [_row(name, "note", value) for name, value in environment(os.environ, key_variables).items()]


def _row(name: str, state: str, detail: str) -> dict[str, Any]:
    return {"name": name, "state": state, "detail": detail}
