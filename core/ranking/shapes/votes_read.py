"""Votes between two conditions out of the rows of a file.

One vote a row (`a`, `b` and `winner`: one of the two, or a tie), or how often each of two won on a question (`model_i`,
`model_j`, `wins_i`, `wins_j`, as the published scripts write them). A tie counts half for each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from core.data.files.rows import shown
from core.errors import InputError
from core.ranking.shapes.file_rows import FileRow
from core.ranking.shapes.orders import Clause, clause_of
from core.ranking.votes import Vote

_PAIRS = (("a", "b"), ("model_a", "model_b"), ("model_i", "model_j"))
_TIES = frozenset({"tie", "tie (bothbad)", "both", "draw"})
_UNNAMED = "votes"
"""The judge of votes that name none: as many of them as there are."""


def is_vote(row: FileRow) -> bool:
    """Whether a row compares two conditions."""
    return _keys(row) is not None and ("winner" in row.values or "wins_i" in row.values)


def votes_in(rows: Iterable[FileRow]) -> Iterator[tuple[Vote, Clause]]:
    """The votes in the order of the file, each with its clause as the file has it; in the vote it is 0.

    Raises:
        InputError: a row is no vote, or one is there twice.
    """
    said: dict[tuple[Any, ...], str] = {}
    for row in rows:
        if not is_vote(row):
            raise row.error("the rows before are votes between two, and this is none: it lacks 'a', 'b' or 'winner'")
        first, second = _keys(row) or _PAIRS[0]
        question, clause = row.name("question_id", "question"), clause_of(row)
        pair = row.name(first), row.name(second)
        if pair[0] == pair[1]:
            raise row.error(f"{shown(pair[0])} is compared with itself")
        named = row.values.get("judge") not in (None, "")
        judge = row.name("judge") if named else _UNNAMED
        counts = "wins_i" in row.values
        if named or counts:
            _refuse_again((clause, question, judge, frozenset(pair)), said, row)
        won, lost = _counts(row, pair) if counts else _won(row, (first, second), pair)
        yield Vote(question, 0, judge, pair, won, lost), clause


def _keys(row: FileRow) -> tuple[str, str] | None:
    return next((keys for keys in _PAIRS if keys[0] in row.values and keys[1] in row.values), None)


def _refuse_again(key: tuple[Any, ...], said: dict[tuple[Any, ...], str], row: FileRow) -> None:
    if key in said:
        raise row.error(
            f"{shown(key[2])} compares {' and '.join(map(shown, sorted(key[3])))} on question {shown(key[1])} a second "
            f"time (first: {said[key]}); leave one of the two out, or give each vote a judge of its own, as 'name#2'"
        )
    said[key] = row.where


def _won(row: FileRow, keys: tuple[str, str], pair: tuple[str, str]) -> tuple[float, float]:
    """What one vote counts for the first and the second: the winner by its name, or by the key of the pair."""
    winner = row.values["winner"]
    if winner is None:
        return 0.5, 0.5
    winner = row.name("winner")
    if winner in _TIES and winner in pair:
        raise row.error(f"a condition is called {shown(winner)}, which also means a tie; rename the condition")
    for names in (pair, keys):
        if winner in names:
            return (1.0, 0.0) if winner == names[0] else (0.0, 1.0)
    if winner.lower() in _TIES:
        return 0.5, 0.5
    raise row.error(f"'winner' is {shown(winner)}; it must be {shown(pair[0])}, {shown(pair[1])} or 'tie'")


def _counts(row: FileRow, pair: tuple[str, str]) -> tuple[float, float]:
    """How often each won; judges who preferred neither count half for each."""
    won, lost = _times(row, "wins_i"), _times(row, "wins_j")
    winner = row.values.get("majority_winner")
    if winner not in (None, "") and winner != (pair[0] if won > lost else pair[1] if lost > won else None):
        raise row.error(f"'majority_winner' is {shown(winner)}, but the wins are {won:g} and {lost:g}; correct one")
    if row.values.get("num_judges") not in (None, ""):
        ties = _times(row, "num_judges") - won - lost
        if ties < 0:
            raise row.error(f"{won:g} and {lost:g} wins are more than 'num_judges' has; correct one of them")
        won, lost = won + ties / 2, lost + ties / 2
    if won + lost == 0:
        raise row.error("nobody compared the two: 'wins_i' and 'wins_j' are 0; leave the row out")
    return won, lost


def _times(row: FileRow, key: str) -> float:
    if key not in row.values:
        raise row.error(f"the key {key!r} is missing")
    value = row.values[key]
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else -1.0
    except (ValueError, OverflowError):
        number = -1.0
    if not 0 <= number <= 1e9 or (2 * number) % 1:
        raise row.error(f"{key!r} must be how often it won, a whole number or a half; it is {shown(value)}")
    return number


def refuse_votes(rows: Iterable[FileRow]) -> Iterator[FileRow]:
    """The same rows, as long as none is a vote between two: for whoever needs whole rankings.

    Raises:
        InputError: one is.
    """
    for row in rows:
        if is_vote(row):
            raise InputError(f"{row.where}: this is a vote between two; whole rankings are needed here, in 'ranking'")
        yield row
