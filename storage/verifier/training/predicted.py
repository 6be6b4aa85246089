"""What training was predicted to take: of the model and the schedules of the record, and by sums that come out."""

from __future__ import annotations

import math
from collections.abc import Mapping

from core.facts.sources import trains
from storage.verifier.ground.finding import broken, same
from storage.verifier.ground.record import Found, Record

_TIMES = ("micro_batch_seconds", "step_seconds", "seconds", "reference_seconds")
NEVER_BELOW_ZERO = (*_TIMES, "optimizer", "disk", "disk_written", "disk_free")


def check_predicted(record: Record, planned: Mapping[str, Found]) -> None:
    """Parameters, trainings and steps are those of the record; a training that was predicted not to fit was refused."""
    for event in record.counted("train.predicted"):
        values, seq = event.values, event.seq
        for model in record.counted("model.ready"):
            same(values["parameters"], model.values["parameters"], "the parameters that a prediction is for", seq)
        section = record.genesis["config"].get("train") or {}
        same(values["sequences"], 2 * section["micro_batch"], "the rows of the micro-batch that was measured", seq)
        if planned:
            trained = [one.values["steps"] for one in planned.values() if trains(one.values["source"])]
            same(values["trainings"], len(trained), "the trainings that were predicted", seq)
            same(values["steps"], sum(trained), "the steps that were predicted", seq)
        _check_sums(event)


def _check_sums(event: Found) -> None:
    values, seq = event.values, event.seq
    for name in (name for name in NEVER_BELOW_ZERO if name in values):  # times are withheld with the pairs
        if not 0 <= values[name] < math.inf:
            raise broken(f"a prediction's {name} is {values[name]}", seq)
    if values["memory"] < values["measured"] + values["optimizer"]:
        raise broken("less memory was predicted than the measured micro-batch and the optimizer take", seq)
    if values["memory"] > values["available"] or values["disk"] > values["disk_free"]:
        raise broken("training went on although it was predicted not to fit", seq)
    steps, seconds = values["steps"], values.get("seconds")
    if seconds is not None and abs(values["step_seconds"] * steps - seconds) > 0.001 + 1e-6 * steps:
        raise broken("the time that was predicted is not that of a step times the steps", seq)
