"""What was measured of models in a planted world."""

from __future__ import annotations

import math

from storage.verifier.ground.finding import (
    brief,
    broken,
    one_of,
    same,
    sections,
    whole,
)
from storage.verifier.ground.record import Record


def check_recovery(record: Record) -> str:
    """What was measured in a planted world: the same pairs for all, within what is possible, ln 2 where untrained."""
    whole(record)
    found = record.counted("recovery.measured")
    if not found:
        return "no recovery is recorded"
    listed = sections(record.genesis["config"], "conditions", "name")
    first = found[0].values
    for event in found:
        values, what = event.values, f"the recovery of {brief(event.values['condition'])}"
        for name in ("pairs", "floor", "agreement_ceiling", "world"):
            same(values.get(name), first.get(name), f"{what}: {name}", event.seq)
        section = one_of(listed, values["condition"], "the configuration's condition", event.seq)
        loss, agrees = float(values["population_log_loss"]), float(values["margin_agreement"])
        if section.get("source") == "none" and not (
            math.isclose(loss, math.log(2), rel_tol=1e-9) and math.isclose(agrees, 0.5, rel_tol=1e-9)
        ):
            raise broken(f"{what} is that of a trained model, and it was not trained", event.seq)
        if loss < float(values["floor"]) - 1e-9 or agrees > float(values["agreement_ceiling"]) + 1e-9:
            raise broken(f"{what} is better than a model can be that knows the truth", event.seq)
    return f"{len(found)} recoveries within what is possible; the numbers themselves take the models to measure"
