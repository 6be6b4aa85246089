"""Draws by public randomness, made again from the recorded commitment and the recorded value."""

from __future__ import annotations

from core.errors import DempoError
from core.events import DrawCommitted, DrawDecided, DrawMade, Event
from core.facts.sortition.draw import COMMITTED_PARTS, hashes_of
from core.sortition.draws.commitment import commitment_to, proposal
from core.sortition.draws.stage import events_of
from core.sortition.recording import RecordedLottery, recorded_lottery
from storage.replay.compare import EventVerdict, exactly
from storage.replay.repetition import Line, Recorded, Repeated

STAGE = "draw"


def repeat_public_draw(record: Recorded, draw: str) -> list[Event] | None:
    """The events of an accepted draw's unit, from its commitment and value; None where it is no public draw.

    Raises:
        InputError: the value does not fit the rule, or the recorded lottery is incomplete.
    """
    lines = record.units(STAGE).get(draw, ())
    made = next((line.event() for line in lines if line.kind == DrawMade.kind), None)
    if not isinstance(made, DrawMade) or made.commitment is None or made.value is None:
        return None
    again, source = _again(record, made)
    return events_of(again, source.rater_ids, source.type_of)


def step_again(record: Recorded, line: Line) -> EventVerdict:
    """A commitment, a proposed panel or a decision of people, all of which stand outside the draw's unit."""
    try:
        event = line.event()
        if isinstance(event, DrawDecided):
            return EventVerdict("recorded", "people decided this")
        if isinstance(event, DrawCommitted):
            return _commitment(record, event)
        assert isinstance(event, DrawMade), "one of the three kinds of steps"
        again, _ = _again(record, event)
    except (DempoError, KeyError, ValueError) as error:
        return EventVerdict("drift", f"it cannot be made again: {error}")
    return exactly(line, Repeated(line.kind, again.payload(), None))


def _commitment(record: Recorded, committed: DrawCommitted) -> EventVerdict:
    """The hash of the terms, and the hashes of what the record holds now."""
    commitment = commitment_to(committed, record.genesis.run_id)
    if commitment != committed.commitment:
        return EventVerdict("drift", f"commitment: recorded {committed.commitment}, now {commitment}")
    hashes = hashes_of((line.kind, line.payload) for line in _sources(record, committed.lottery))
    for part in COMMITTED_PARTS:
        if committed.hashes.get(part) != hashes[part]:
            return EventVerdict("drift", f"hash of {part}: recorded {committed.hashes.get(part)}, now {hashes[part]}")
    return EventVerdict("same", "the terms and the record hash to the commitment")


def _again(record: Recorded, made: DrawMade) -> tuple[DrawMade, RecordedLottery]:
    """The panel that a recorded value draws; what people decided (outcome, reason) is taken from the record."""
    assert made.value is not None, "a public draw has a value"
    committed = _committed(record, made)
    source = recorded_lottery([line.event() for line in _sources(record, committed.lottery)])
    again = proposal(committed, source, made.value, made.leaf_key)
    return again.model_copy(update={"outcome": made.outcome, "reason": made.reason}), source


def _committed(record: Recorded, made: DrawMade) -> DrawCommitted:
    for line in record.of(STAGE):
        if line.kind == DrawCommitted.kind and line.unit is None and line.values.get("draw") == made.draw:
            event = line.event()
            if isinstance(event, DrawCommitted) and event.commitment == made.commitment:
                return event
    raise ValueError(f"the record holds no commitment {made.commitment}")


def _sources(record: Recorded, lottery: str) -> list[Line]:
    """The counting events of pool and lottery that a commitment binds, in the order of the record."""
    kinds = {kind for kinds in COMMITTED_PARTS.values() for kind in kinds}
    units = [lines for stage in ("pool", "lottery") for lines in record.units(stage).values()]
    found = [line for lines in units for line in lines if line.kind in kinds]
    return sorted((line for line in found if line.values.get("lottery", lottery) == lottery), key=lambda line: line.seq)
