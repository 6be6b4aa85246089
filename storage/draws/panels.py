"""Every panel that was ever drawn: the accepted ones, and those that were proposed or rejected."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from core.events import DrawMade
from storage.draws.history import History, Round, config_of, history_of
from storage.draws.people import PROPOSED
from storage.record.reader import Reader


def rounds_listed(reader: Reader) -> list[dict[str, Any]]:
    """The view `draws` with the public source that each round was committed to; None where the seed drew."""
    rows = reader.query("SELECT draw, round, source FROM draw_commitments")
    sources = {(row["draw"], row["round"]): row["source"] for row in rows}
    return [row | {"source": sources.get((row["draw"], row["round"]))} for row in reader.view("draws")]


def members_listed(reader: Reader) -> list[dict[str, Any]]:
    """One row per member of every panel that was drawn: draw, round, outcome, pseudonym and attributes.

    Raises:
        StorageError: the record cannot be read.
    """
    pool = {row["rater_id"]: json.loads(row["attributes"]) for row in reader.view("raters")}
    return [
        {"draw": made.draw, "round": made.round, "outcome": outcome, "rater_id": member, **pool.get(member, {})}
        for section in config_of(reader).draws
        for outcome, made in _panels(history_of(reader, section.id))
        for member in made.members
    ]


def _panels(history: History) -> Iterator[tuple[str, DrawMade]]:
    """Outcome and panel of every round that has one, in order."""
    accepted = history.accepted
    for tried in history.rounds:
        if tried.made is not None and (accepted is None or tried.made.round != accepted.round):
            yield _outcome(tried), tried.made
    if accepted is not None:
        yield "accepted", accepted


def _outcome(tried: Round) -> str:
    return PROPOSED if tried.state == "proposed" else tried.state
