"""Values that nothing else gives again, within what is possible: numbers, the first loss, times."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from core.facts.plural import number_of
from storage.verifier.ground.finding import brief, broken, whole
from storage.verifier.ground.possible import seconds_between
from storage.verifier.ground.record import Found, Record

ROUNDING = 1e-4
"""What float32 leaves of a loss of ln 2, generously."""

FAR_APART = 300.0
"""Seconds between a run's id and its first event that are worth a word: making a run waits for others at most half a
minute."""

STAMP = re.compile(r"(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)-.*", re.ASCII)


def check_values(record: Record) -> str:
    """No number is below what it counts or measures; steps that count are finite, the first loss is ln 2."""
    if record.impossible is not None:
        raise broken(*record.impossible)
    whole(record)
    for told, event in _wrong_counts(record):
        raise broken(told, event.seq)
    steps = record.counted("train.step")
    for event in steps:
        for name in ("loss", "margin", "gradient_norm"):
            if isinstance(event.values[name], str):
                raise broken(f"{name} is {event.values[name]}, and a step that broke down ends its unit", event.seq)
    first = _check_first_losses(record, steps)
    begun = f"; ln 2 is the first loss of {number_of(first, 'condition')}" if first else ""
    return f"no count, norm, loss or length of time of {record.count} events is below what is possible{begun}"


def _wrong_counts(record: Record) -> Iterator[tuple[str, Found]]:
    for event in record.kept.get("pairs.built", []) + record.kept.get("pool.built", []):
        for reason, count in event.values.get("excluded", {}).items():
            if count < 0:
                yield f"{count} are left out as {brief(reason)}", event
        for file in event.values.get("files", []):
            if file["bytes"] < 0 or file["rows"] < 0:
                yield f"file {brief(file['name'])} has {file['bytes']} bytes and {file['rows']} rows", event


def _check_first_losses(record: Record, steps: list[Found]) -> int:
    """−log σ(m) is ln 2 where the margin m is 0, and changes by at most as much as m; in how many conditions it is."""
    starts = {event.values["condition"]: event for event in record.counted("train.start")}
    found = 0
    for event in steps:
        start = starts.get(event.values["condition"])
        if event.values["step"] == 1 and start is not None:
            loss, allowed = float(event.values["loss"]), float(start.values["largest_margin"]) + ROUNDING
            if not abs(loss - math.log(2)) <= allowed:
                told = f"the first loss of condition {brief(event.values['condition'])} is {loss}"
                raise broken(f"{told}, but with every margin at 0 it is ln 2", event.seq)
            found += 1
    return found


def check_times(record: Record) -> str:
    """Every event has a time as this program writes it. What clocks do is said: they are set, and stand wrong."""
    times = record.times
    if times.wrong is not None:
        seq, at = times.wrong
        raise broken(f"event {seq} was recorded at {brief(at)}, which is no time as this program writes it", seq)
    whole(record)
    told = f"{record.count} times, from {times.first} to {times.last}, as the machine's clock had them"
    if times.back:
        seconds, seq = times.furthest
        told += f"; {number_of(times.back, 'time')} it went back, furthest before event {seq}, by {seconds:,.3f} s"
    return f"{told}{_apart(record)}"


def _apart(record: Record) -> str:
    """What is to be said of the time in the run's id."""
    stamped = STAMP.fullmatch(str(record.genesis.get("run_id", "")))
    if stamped is None:
        return ""
    year, month, day, hour, minute, second = stamped.groups()
    try:
        seconds = seconds_between(f"{year}-{month}-{day}T{hour}:{minute}:{second}.000000Z", record.times.first)
    except ValueError:
        return "; the run's id names no time"
    if abs(seconds) <= FAR_APART:
        return ""
    return f"; the run's id names a time {abs(seconds):,.0f} s {'before' if seconds > 0 else 'after'} the first event"
