"""Settings that were changed when a run went on: which may be, and the configuration that holds after them."""

from __future__ import annotations

from typing import Any

from core.facts.settings import settings_in, with_changes
from core.facts.stages import is_operational
from storage.verifier.ground.finding import brief, broken, once, same
from storage.verifier.ground.record import Found, Record
from storage.verifier.ground.shapes import misfit


@once
def settings_of_record(record: Record) -> dict[str, Any]:
    """The configuration that the run was worked on with last: that of the first event, and every change after it.

    Raises:
        Finding: a setting was changed that stays as it is while a run exists, or that was another one before.
    """
    config: dict[str, Any] = dict(record.genesis["config"])
    for event in record.kept.get("settings.changed", []):
        config = _changed(config, event, record)
    return config


def _changed(config: dict[str, Any], event: Found, record: Record) -> dict[str, Any]:
    before = dict(settings_in(config))
    for change in event.values["changes"]:
        key = change["key"]
        if not is_operational(key):
            raise broken(f"{brief(key)} was changed, which is part of what the run is", event.seq)
        same(change.get("old"), before.get(key), f"{brief(key)} before it was changed", event.seq)
        if change.get("old") == change.get("new"):
            raise broken(f"{brief(key)} was changed into what it was", event.seq)
    try:
        config = with_changes(config, event.values["changes"])
    except (LookupError, TypeError, ValueError):
        raise broken("a setting was changed that the configuration has no place for", event.seq) from None
    wrong = misfit(config, record.facts.config)
    if wrong is not None:
        raise broken(f"after a change the configuration is none that this program resolves ({wrong})", event.seq)
    return config
