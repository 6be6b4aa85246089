"""What a paused run waits for, in words.

The engine recorded why it ended, but draws by public randomness go on between two engines: what they wait for now
follows from their rounds.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import DempoError, quoted
from storage.errors import StorageError, sentences
from storage.record.reader import Reader

if TYPE_CHECKING:
    from storage.draws.history import History


def waits_for(reader: Reader) -> list[str]:
    """Sentences about a paused run; none for any other.

    Raises:
        StorageError: the record cannot be read.
    """
    if reader.status() != "paused":
        return []
    from storage.draws.history import config_of, history_of  # with the kinds of events, for runs that wait alone

    try:
        histories = [history_of(reader, s.id) for s in config_of(reader).draws if s.randomness == "public"]
    except DempoError:  # the configuration of another version, or a changed record; `dempo verify` says which
        return _as_recorded(reader)
    begun = [history for history in histories if history.state in ("committed", "proposed")]
    if not _draw_stage_is_open(reader):
        return [*_as_recorded(reader), *map(draw_waits_for, begun)]
    left = [draw_waits_for(history) for history in histories if history.state != "accepted"]
    return left or ["all draws are accepted; `dempo resume` goes on with the run"]


def waits_in(root: Path) -> list[str]:
    """The same of the run in a folder, or that it cannot be told; nothing is raised."""
    try:
        with sentences(root):
            return waits_for(Reader(root))
    except (StorageError, LookupError, TypeError, ValueError):
        return ["what it waits for cannot be read; `dempo verify` says what is wrong with its record"]


def draw_waits_for(history: History) -> str:
    """What a draw by public randomness that is not accepted waits for."""
    draw = f"draw {history.section.id!r}"
    if history.state == "none":
        return f"{draw} waits for a commitment to a public source of randomness"
    last = history.rounds[-1].committed
    if history.state == "committed":
        return f"{draw} waits for the value of its public source, {quoted(last.source)}"
    if history.state == "proposed":
        return f"{draw} waits for its proposed panel to be accepted or rejected"
    return f"{draw} waits for a new commitment (round {last.round} was {history.state})"


def _draw_stage_is_open(reader: Reader) -> bool:
    return bool(reader.query("SELECT 1 FROM stages WHERE stage = 'draw' AND status = 'started'"))


def _as_recorded(reader: Reader) -> list[str]:
    from storage.record.glances import last_stop

    stop = last_stop(reader)
    return [] if stop is None else [stop.told]
