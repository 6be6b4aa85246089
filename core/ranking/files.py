"""Rankings from a JSONL file, for `dempo rank RANKINGS.jsonl`.

Two formats, told apart row by row: this program's export, one ranking per row,

    {"question_id": "1:2", "clause_id": 1, "judge": "model#0", "ranking": ["hard", "soft", …]}

and the published one, all rankings of a question in one row (the k-th is judge "judge#k", from 0):

    {"question_id": "1:2", "clause_id": 1, "rankings": [["hard", "soft", …], …], …}

Orders are best first; other keys are ignored here (`file_extras` looks at some).
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.ranking.counts import check_order
from core.types import Ranking


def read_rankings(path: Path) -> tuple[Ranking, ...]:
    """Reads all rankings of a file, in its order.

    Raises:
        InputError: the file cannot be read, holds no ranking, or a line is not JSON, lacks a key, or holds
            a ranking that is partial, has duplicates, or orders other conditions than the first one.
    """
    rankings: list[Ranking] = []
    for where, ranking in located_rankings(path, body_of(path)):
        conditions = rankings[0].order if rankings else tuple(dict.fromkeys(ranking.order))
        check_order(ranking.order, conditions, where)
        rankings.append(ranking)
    if not rankings:
        raise InputError(f"{path} holds no rankings; write one JSON object per line, with 'ranking' or 'rankings'")
    return tuple(rankings)


def body_of(path: Path) -> bytes:
    """The bytes of a file of rankings.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read the rankings {path}: {error.strerror}") from error


def located_rankings(path: Path, body: bytes) -> Iterator[tuple[str, Ranking]]:
    """The rankings of a file with "file, line n", each for itself: whether they order the same is not looked at.

    Raises:
        InputError: a line is not JSON, or lacks a key.
    """
    for where, text in _lines(path, body):
        for ranking in _row(_parse(text, where), where):
            yield where, ranking


def _lines(path: Path, body: bytes) -> Iterator[tuple[str, str]]:
    """Lines that are not blank, with "file, line n"."""
    for number, line in enumerate(io.BytesIO(body), start=1):
        where = f"{path}, line {number}"
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        except UnicodeDecodeError as error:
            raise InputError(f"{where}: this is not UTF-8 text") from error
        if text:
            yield where, text


def _parse(text: str, where: str) -> Mapping[str, Any]:
    try:
        row = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply"
        raise InputError(f"{where}: this is not JSON ({reason}); write one JSON object per line") from error
    if not isinstance(row, dict):
        raise InputError(f"{where}: expected a JSON object with 'question_id', 'clause_id' and 'ranking' or 'rankings'")
    return row


def _row(row: Mapping[str, Any], where: str) -> Iterator[Ranking]:
    question = _field(row, "question_id", str, where)
    clause = _field(row, "clause_id", int, where)
    if "ranking" in row:
        judge = _field(row, "judge", str, where)
        yield Ranking(question, clause, judge, _order(row["ranking"], "ranking", where))
        return
    if "rankings" not in row:
        raise InputError(f"{where}: the key 'ranking' (one order) or 'rankings' (a list of orders) is missing")
    judge = _field(row, "judge", str, where) if "judge" in row else "judge"
    for k, order in enumerate(_field(row, "rankings", list, where)):
        yield Ranking(question, clause, f"{judge}#{k}", _order(order, f"rankings[{k}]", where))


_NAMES: Mapping[type, str] = {str: "a text", int: "an integer", list: "a list of orders, best first"}


def _field(row: Mapping[str, Any], key: str, kind: type, where: str) -> Any:
    if key not in row:
        raise InputError(f"{where}: the key {key!r} is missing")
    value = row[key]
    if not isinstance(value, kind) or isinstance(value, bool):
        raise InputError(f"{where}: {key!r} must be {_NAMES[kind]}; it is {json.dumps(value)[:60]}")
    return value


def _order(value: Any, key: str, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(name, str) for name in value):
        raise InputError(f"{where}: {key!r} must be a list of names, best first; it is {json.dumps(value)[:60]}")
    return tuple(value)
