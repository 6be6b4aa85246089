"""The rankings that a run recorded, in their planned order: what its leaderboards were computed from."""

from __future__ import annotations

import json
from typing import Any

from core.config import RunConfig
from core.errors import InputError
from core.facts.ranking.juries import label_of
from core.facts.ranking.lengths import words_in
from core.ranking.shapes.sizes_in_rows import Sizes
from core.types import Ranking
from storage.record.reader import Reader

_RANKED = """SELECT question_id, clause_id, judge, json_group_array(condition) AS ranking
  FROM (SELECT * FROM rankings ORDER BY question_id, judge, position) GROUP BY question_id, judge"""


def rankings_of_run(reader: Reader, config: RunConfig) -> tuple[Ranking, ...]:
    """Every ranking with the weight of its judge: by judge, then call, then question, as the stage `rank` has them.

    Raises:
        InputError: the run has no rankings, or they are not those of its configuration.
    """
    found = {(row["judge"], row["question_id"]): row for row in reader.query(_RANKED)}
    run = reader.folder.root.name
    if not found or config.judge is None:
        raise InputError(f"{run} has no rankings yet; `dempo show {run}` says how far it is")
    asked = [row["question_id"] for row in reader.query("SELECT question_id FROM questions")]
    judges = {judge.label: judge for judge in config.judge.judges}
    planned = [
        (f"{label}#{index}", question)
        for label, judge in judges.items()
        for index in range(judge.rankings)
        for question in asked
    ]
    listed = tuple(
        _ranking(found.pop(key), judges[label_of(key[0])].weight or 1, run) for key in planned if key in found
    )
    if found:
        judge, question = next(iter(found))
        raise InputError(f"{run} holds a ranking of question {question!r} by {judge!r}, which its plan does not have")
    return listed


def shown_in_run(reader: Reader) -> dict[tuple[str, str], tuple[str, ...]]:
    """The orders in which answers were shown, by question and call of a judge; empty where a call knows none."""
    rows = reader.query("SELECT question_id, judge, shown_order FROM judge_calls WHERE outcome = 'ranked'")
    return {(row["question_id"], row["judge"]): tuple(json.loads(row["shown_order"] or "[]")) for row in rows}


def sizes_in_run(reader: Reader) -> Sizes:
    """Characters and words of every answer whose text is here."""
    rows = reader.query("SELECT condition, question_id, answer FROM answers WHERE answer IS NOT NULL")
    return {(row["condition"], row["question_id"]): (len(row["answer"]), words_in(row["answer"])) for row in rows}


def _ranking(row: dict[str, Any], weight: int, run: str) -> Ranking:
    """A row as a ranking; a stranger's record may hold any value in its place."""
    order, clause = json.loads(row["ranking"]), row["clause_id"]
    if not all(isinstance(name, str) for name in (*order, row["judge"], row["question_id"])) or type(clause) is not int:
        raise InputError(f"a ranking of run {run} is none that an engine records; `dempo verify {run}` says more")
    return Ranking(row["question_id"], clause, row["judge"], tuple(order), weight)
