"""What a record says about its draws: the rounds of each, and where it stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from core.config import RunConfig
from core.errors import InputError
from core.events import DrawCommitted, DrawDecided, DrawMade, Event, RunCreated, decode
from core.facts.chain import NO_EVENT
from core.facts.sealed import PEOPLE, SEALED, WITHHELD_ROWS
from core.sections.who_is_drawn import DrawSection
from storage.errors import StorageError, readable_configuration
from storage.record.reader import Reader
from storage.record.sealing import known
from storage.record.views.sql_parts import DONE
from storage.setting_changes import changes_of, config_after

State = Literal["none", "committed", "proposed", "rejected", "aborted", "accepted"]

RecordedRow = tuple[str, str, dict[str, Any]]
"""Kind, payload and values of an event, as `Reader.recorded` gives them."""

OF_DONE_UNITS = f"""WITH {DONE}
SELECT e.kind, e.payload FROM events e
JOIN done ON done.stage = e.stage AND done.unit = e.payload->>'$.unit' AND done.attempt = e.payload->>'$.attempt'
"""
"""Kind and payload of the events of completed units; a condition on `e` may follow."""


@dataclass(frozen=True)
class Round:
    """One attempt at a draw: its commitment, and what became of it so far."""

    committed: DrawCommitted
    made: DrawMade | None = None
    decided: DrawDecided | None = None

    @property
    def state(self) -> State:
        """What became of it; acceptance is told by the draw's unit."""
        if self.decided is not None:
            return self.decided.outcome
        return "committed" if self.made is None else "proposed"


@dataclass(frozen=True)
class History:
    """A draw of the configuration and everything that was done about it; `accepted` is its final outcome."""

    section: DrawSection
    rounds: tuple[Round, ...]
    accepted: DrawMade | None

    @property
    def state(self) -> State:
        """Where the draw stands."""
        if self.accepted is not None:
            return "accepted"
        return self.rounds[-1].state if self.rounds else "none"


def config_of(reader: Reader) -> RunConfig:
    """The configuration that a run is worked on with: as it was created, and as it was changed since.

    Raises:
        InputError: this version of the program cannot read it.
    """
    with readable_configuration(reader.folder.root.name):
        return config_after(genesis_of(reader), changes_of(reader))


def history_of(reader: Reader, draw: str) -> History:
    """What the record says about a draw; its panels are of nobody where who is on them was withheld.

    Raises:
        InputError: the configuration has no such draw; the message lists those it has.
        StorageError: the record has steps of a round without its commitment.
    """
    sections = {section.id: section for section in config_of(reader).draws}
    if draw not in sections:
        known = f"the draws are {', '.join(sections)}" if sections else "the configuration has no [[draws]]"
        raise InputError(f"there is no draw {draw!r} in {reader.folder.root.name}; {known}")
    steps = reader.recorded(
        "SELECT kind, payload FROM events WHERE kind IN ('draw.committed', 'draw.made', 'draw.decided') "
        "AND payload->>'$.unit' IS NULL AND payload->>'$.draw' = ? ORDER BY seq",
        [draw],
    )
    made = reader.recorded(OF_DONE_UNITS + "WHERE e.kind = 'draw.made' AND e.payload->>'$.draw' = ?", [draw])
    accepted = [event for event in decoded(_of_nobody(made)) if isinstance(event, DrawMade)]
    try:
        rounds = tuple(_rounds(decoded(_of_nobody(steps))))
    except LookupError as error:
        raise StorageError(
            f"{reader.folder.database}: draw {draw!r} has a round without its commitment; run `dempo verify`"
        ) from error
    return History(sections[draw], rounds, accepted[-1] if accepted else None)


def _of_nobody(rows: Sequence[RecordedRow]) -> list[RecordedRow]:
    """The rows, with nobody as members where theirs are not here: what became of a draw is known all the same."""
    nobody: dict[str, Any] = {"members": [], "leaf_key": NO_EVENT}
    return [(kind, payload, nobody | values if SEALED in values else values) for kind, payload, values in rows]


def _rounds(events: Iterator[Event]) -> list[Round]:
    rounds: dict[int, Round] = {}
    for event in events:
        if isinstance(event, DrawCommitted):
            rounds[event.round] = Round(event)
        elif isinstance(event, DrawMade):
            rounds[event.round] = replace(rounds[event.round], made=event)
        elif isinstance(event, DrawDecided):
            rounds[event.round] = replace(rounds[event.round], decided=event)
    return list(rounds.values())


def decoded(rows: Sequence[RecordedRow]) -> Iterator[Event]:
    """The events that rows stand for.

    Raises:
        StorageError: one of them is not what this program writes.
    """
    for kind, _, values in rows:
        try:
            yield decode(kind, known(values))
        except (ValueError, TypeError, LookupError) as error:
            if SEALED in values:
                raise StorageError(f"{kind}: this copy is without {WITHHELD_ROWS[PEOPLE]}") from None
            raise StorageError(f"an event {kind} is not what this program writes; run `dempo verify`") from error


def genesis_of(reader: Reader) -> RunCreated:
    """The first event of a run.

    Raises:
        StorageError: there is none.
    """
    rows = reader.recorded("SELECT kind, payload FROM events WHERE seq = 1")
    if not rows:
        raise StorageError(f"{reader.folder.database} holds no event; this run was never begun")
    return RunCreated.model_validate(known(rows[0][2]))
