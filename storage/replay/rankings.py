"""What the stage `rank` found where the texts of the answers are not here: all but what takes how long they are."""

from __future__ import annotations

from dataclasses import replace

from core.events import DiagnosticsComputed, LengthControlledComputed
from storage.replay.compare import EventVerdict, exactly
from storage.replay.repetition import Line, Repeated
from storage.verifier.ranking.estimates import OF_TEXTS


def without_lengths(line: Line, again: Repeated) -> EventVerdict:
    """`exactly`, but for what takes the lengths of the answers, which is not compared."""
    if line.kind == LengthControlledComputed.kind:
        return EventVerdict("not compared", "it takes texts of answers that are not here")
    if line.kind != DiagnosticsComputed.kind:
        return exactly(line, again)
    recorded = line.values.get("values")
    if not isinstance(recorded, dict) or recorded.keys().isdisjoint(OF_TEXTS):
        return exactly(line, again)
    kept = {name: value for name, value in recorded.items() if name not in OF_TEXTS}
    finding = exactly(replace(line, values={**line.values, "values": kept}), again)
    if finding.verdict == "drift":
        return finding
    left_out = ", ".join(sorted(recorded.keys() & OF_TEXTS))
    return EventVerdict(
        "not compared", f"{left_out} take texts of answers that are not here; all other figures are the same"
    )
