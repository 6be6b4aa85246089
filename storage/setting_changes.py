"""Changing operational settings when a run goes on: what was asked for, compared with what holds by now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.config import RunConfig, from_recorded, resolved
from core.config_file import change
from core.errors import InputError
from core.events import RunCreated, SettingChange, SettingsChanged
from core.facts.settings import settings_in, with_changes
from core.facts.stages import OPERATIONAL, is_operational
from storage.record.reader import Reader

OF_CHANGES = f"SELECT kind, payload FROM events WHERE kind = '{SettingsChanged.kind}' ORDER BY seq"
"""The changes of a run's settings, in their order."""


def settings_after(genesis: RunCreated, changed: Sequence[SettingsChanged]) -> dict[str, Any]:
    """The settings of a run as its record holds them, after all changes; without places."""
    return with_changes(genesis.config, [one for event in changed for one in event.payload()["changes"]])


def config_after(genesis: RunCreated, changed: Sequence[SettingsChanged]) -> RunConfig:
    """The configuration that a run is worked on with: that of its first event, and its changes in their order.

    Raises:
        ValueError: this version of the program cannot read it.
    """
    try:
        return from_recorded(settings_after(genesis, changed), genesis.places)
    except (LookupError, TypeError) as error:
        raise ValueError(f"a change of settings does not fit the configuration: {error}") from error


def changes_of(reader: Reader) -> list[SettingsChanged]:
    """The recorded changes of a run's settings.

    Raises:
        StorageError: the record cannot be read.
        ValueError: a change is none that this version writes.
    """
    return [SettingsChanged.model_validate(values) for _, _, values in reader.recorded(OF_CHANGES)]


def changed_by(
    config: RunConfig, recorded: Mapping[str, Any], overrides: Sequence[str], run: str
) -> tuple[RunConfig, SettingsChanged | None]:
    """The configuration after `--set`, and what has to be recorded of it; None where nothing changes.

    Args:
        config: as it is by now; `recorded` is the same as the record holds it.

    Raises:
        InputError: a value is wrong, or a setting is not operational.
    """
    wanted = change(config, overrides, "--set").config
    now, then = dict(settings_in(resolved(config))), dict(settings_in(resolved(wanted)))
    keys = sorted(key for key in now.keys() | then.keys() if now.get(key) != then.get(key))
    others = [key for key in keys if not is_operational(key)]
    if others:
        raise InputError(
            f"{others[0]} is part of what run {run} is, so it stays as it is when the run goes on; `dempo clone {run} "
            f"--set {others[0]}=…` starts another run with it. What may change here: {', '.join(OPERATIONAL)}"
        )
    if not keys:
        return config, None
    before = dict(settings_in(recorded))
    listed = [SettingChange(key=key, old=before.get(key), new=then.get(key)) for key in keys]
    return wanted, SettingsChanged(changes=listed)
