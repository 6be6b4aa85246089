"""Leaderboards with their intervals, and the diagnostics of the judges, computed again from the record."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

from core.config import RankSection
from core.errors import DempoError
from core.events import as_float, decode_text, named_number
from core.types import Judged, Ranking
from storage.verifier.finding import Finding, brief, broken, same, sections, whole
from storage.verifier.judgements import check_answers, check_judge_calls, questions_of_record
from storage.verifier.reading import opened_safely
from storage.verifier.record import Found, Record

TOLERANCE = 1e-9
"""How far a number may lie from the recorded one: other versions of numpy add in another order."""

MOST_RESAMPLED = 10**9
"""Places of rankings over all resamples: a paper's run has 75 million, and five times as many with 75,000 rankings."""

MOST_ORDERED = 16
"""Conditions; the time of the best common order grows exponentially."""

_OF_TEXTS = ("length_rank_correlation", "longer_wins")
"""Diagnostics that are measured on the texts of the answers."""


def estimate_again(record: Record) -> str:
    """Every score, interval and detail of every leaderboard, and every diagnostic.

    Raises:
        Finding: a number is another one, or what it was computed from is not here.
    """
    from core.randomness import RandomStream
    from core.ranking.diagnostics import diagnostics
    from core.ranking.leaderboards import Aggregation

    whole(record)
    boards, measured = record.counted("leaderboard.computed"), record.counted("diagnostics.computed")
    if not boards and not measured:
        return "no interval is recorded"
    check_judge_calls(record)
    check_answers(record)
    judged, withheld = _judged(record)
    _require_bounded(record, judged)
    try:
        settings = RankSection.model_validate(record.genesis["config"].get("rank", {}))
        stream = RandomStream(int(record.genesis["seed"]), "rank")
        aggregation = Aggregation(judged.rankings, settings, stream, lambda done, total, detail: None)
        for board in boards:
            again = aggregation.leaderboard(board.values["method"])
            _compare(board, _numbers(board.values), _numbers(_computed(again)))
            what = f"leaderboard {brief(board.values['method'])}: what is said of its scores"
            same(board.values.get("note", ""), again.note, what, board.seq)
        figures = diagnostics(judged) if measured else {}
    except DempoError as error:
        raise broken(f"the rankings cannot be aggregated: {error}") from None
    for event in measured:
        recorded = event.values["values"]
        _compare(event, _without_texts(recorded) if withheld else recorded, figures)
    told = f"scores and intervals of {len(boards)} leaderboards and {len(figures)} diagnostics computed again"
    if withheld and measured:
        raise Finding("withheld", f"{told}, without those of {withheld} texts that were withheld")
    return told


def _require_bounded(record: Record, judged: Judged) -> None:
    """Refuses what would take hours: more resamples, or conditions, than any run has."""
    settings = record.genesis["config"].get("rank") or {}
    conditions = len(judged.rankings[0].order) if judged.rankings else 0
    resamples = settings.get("resamples", 1000)
    if resamples * max(1, len(judged.rankings)) * conditions > MOST_RESAMPLED or conditions > MOST_ORDERED:
        told = f"{resamples} resamples of {len(judged.rankings)} rankings of {conditions} conditions"
        raise Finding("unknown", f"{told} would take too long to compute again")


def _judged(record: Record) -> tuple[Judged, int]:
    """What the judges said, in planned order, and how many texts of answers are not here."""
    questions = questions_of_record(record)
    by_call = {(event.values["judge"], event.values["question_id"]): event for event in record.counted("judge.called")}
    config = record.genesis["config"]
    planned = [
        by_call[f"{model}#{index}", question]
        for model, section in sections(config.get("judge") or {}, "judges", "model").items()
        for index in range(section.get("rankings", 5))
        for question in questions
        if (f"{model}#{index}", question) in by_call
    ]
    ranked = [event.values for event in planned if "ranking" in event.values]
    lengths = dict(_lengths(record))
    withheld = len(record.counted("answer.given")) - len(lengths)
    judged = Judged(
        rankings=tuple(
            Ranking(call["question_id"], call["clause_id"], call["judge"], tuple(call["ranking"])) for call in ranked
        ),
        shown=tuple(tuple(call["shown_order"]) for call in ranked),
        lengths={} if withheld else lengths,
    )
    return judged, withheld


def _lengths(record: Record) -> Iterator[tuple[tuple[str, str], int]]:
    """Characters of every answer whose text is here."""
    try:
        with closing(opened_safely(record.root / "audit.db")) as db:
            for event in record.counted("answer.given"):
                key = event.values["answer"]["sha256"]
                row = db.execute("SELECT body FROM blobs WHERE sha256 = ?", [key]).fetchone()
                if row is not None:
                    yield (event.values["condition"], event.values["question_id"]), len(decode_text(row[0]))
    except sqlite3.Error as error:
        raise broken(f"the database cannot be read: {error}") from None


def _computed(board: Any) -> dict[str, Any]:
    """A leaderboard with the names of its event's fields."""
    rows = [{**vars(row)} for row in board.rows]
    return {"rows": rows, "detail": dict(board.detail)}


def _numbers(values: Mapping[str, Any]) -> dict[str, Any]:
    """Everything of a leaderboard that has to be the same, under one name each."""
    found = {f"{row['condition']}: {name}": row[name] for row in values["rows"] for name in ("score", "low", "high")}
    found |= {f"{row['condition']}: position": row["position"] for row in values["rows"]}
    return found | dict(values.get("detail", {}))


def _without_texts(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in _OF_TEXTS}


def _compare(event: Found, recorded: Mapping[str, Any], computed: Mapping[str, Any]) -> None:
    what = event.values.get("method", "diagnostics")
    for name in [*recorded, *(computed.keys() - recorded.keys())]:
        if name not in recorded or name not in computed or not _near(recorded[name], computed[name]):
            found, wanted = recorded.get(name), named_number(computed.get(name))
            told = f"{what}: {brief(name)} is {brief(found)}; the rankings give {brief(wanted)}"
            raise broken(told, event.seq)


def _near(recorded: Any, computed: Any) -> bool:
    one, other = as_float(recorded), as_float(computed)
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) and math.isnan(other)
    return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
