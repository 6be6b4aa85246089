"""Updates of models measured again from the files, where these are here and reading them does not take long."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from core.errors import InputError
from core.facts.plural import number_of
from core.training.planning.conditions import BASE
from core.training.updates import measure_update
from storage.verifier.beside.checkpoints import READ_UNASKED
from storage.verifier.ground.finding import Finding, brief, broken, same
from storage.verifier.ground.record import Found, Record
from storage.verifier.training.updates import consistent_updates

EXACTLY = 1e-12
"""Of a sum; counts are equal. Whoever sums in another order within a slice is this near."""


def measure_again(record: Record) -> str:
    """Every update whose two models are here, from their files.

    Raises:
        Finding: a number is another one, or some models are not here: those of a search that were not chosen never are.
    """
    found = consistent_updates(record)
    if not found:
        return "no update is recorded"
    folder = record.root / "checkpoints"
    here = {name: event for name, event in found.items() if (folder / name).is_dir() and (folder / BASE).is_dir()}
    absent = [name for name in found if name not in here]
    _require_short(record, here)
    for name, event in here.items():
        try:
            again = measure_update(folder / BASE, folder / name, name).payload()
        except InputError as error:
            raise broken(f"the update of {brief(name)} cannot be measured again: {error}", event.seq) from None
        _compare(event, again)
    told = f"{number_of(len(here), 'update')} measured again"
    if absent:
        first = found[absent[0]].seq
        raise Finding("unknown", f"{told}; the models of {', '.join(map(brief, absent))} are not here", first)
    return told


def _require_short(record: Record, here: Mapping[str, Found]) -> None:
    """As for the files of models: read unasked only where that takes seconds."""
    folders = [record.root / "checkpoints" / name for name in (BASE, *here)] if here else []
    size = sum(path.stat().st_size for folder in folders for path in folder.glob("*.safetensors") if path.exists())
    if record.read_models is False or (record.read_models is None and size > READ_UNASKED):
        seq = next(iter(here.values())).seq if here else None
        told = f"{number_of(len(here), 'update')} consistent; --files measures them again from {size / 1e9:,.1f} GB"
        raise Finding("unknown", told, seq)


def _compare(event: Found, again: Mapping[str, Any]) -> None:
    what = f"the update of {brief(event.values['condition'])}"
    same(event.values["left_out"], again["left_out"], f"{what}: what is left out", event.seq)
    rows = event.values["layers"]
    same([row["layer"] for row in rows], [row["layer"] for row in again["layers"]], f"{what}: its layers", event.seq)
    for was, now in zip((event.values, *rows), (again, *again["layers"]), strict=True):
        own = f"{what}, {was['layer']}" if "layer" in was else what
        for name in now.keys() - {"condition", "layers", "left_out", "layer"}:
            if not math.isclose(float(was[name]), float(now[name]), rel_tol=EXACTLY):
                raise broken(f"{own}: {name} is {was[name]}; its files give {now[name]}", event.seq)
