"""What `dempo rank FILE` reads: whole rankings, or votes between two, of a file in any form (docs/files.md).

People's rankings (`rank.gold`) and those of a recorded judge are read by the same rules.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from core.errors import InputError
from core.ranking.counts import check_order
from core.ranking.shapes.file_rows import rows_of
from core.ranking.shapes.orders import Clause, Listed, listed_in, refuse_twice
from core.ranking.shapes.sizes_in_rows import Sizes, noting_sizes
from core.ranking.shapes.votes_read import is_vote, refuse_votes, votes_in
from core.ranking.votes import Vote
from core.types import Ranking

_EMPTY = "holds no rankings; write one JSON object per line, with 'ranking' or 'rankings'"


@dataclass(frozen=True)
class RankingFile:
    """Either whole rankings or votes, in the order of the file; rankings of two, not always the same, are votes.

    shown[k] is the order in which ranking k saw the answers, empty where unknown; clauses names the clauses by their
    numbers where the file calls them by texts, and no_clause says that no row has a clause; sizes are those of answers.
    """

    rankings: tuple[Ranking, ...]
    votes: tuple[Vote, ...]
    shown: tuple[tuple[str, ...], ...]
    clauses: Mapping[int, str]
    no_clause: bool
    sizes: Sizes = field(default_factory=dict)


def read_file(path: Path) -> RankingFile:
    """Reads a file whole.

    Raises:
        InputError: it cannot be read or holds nothing; or a line is wrong, which the message names.
    """
    rows = rows_of(path, body_of(path))
    first = next(rows, None)
    if first is None:
        raise InputError(f"{path} {_EMPTY}")
    rows = itertools.chain([first], rows)
    if is_vote(first):
        read = list(votes_in(rows))
        numbers, clauses = number_clauses([clause for _, clause in read])
        votes = tuple(replace(vote, clause_id=n) for (vote, _), n in zip(read, numbers, strict=True))
        return RankingFile((), votes, (), clauses, _none(clause for _, clause in read))
    sizes: Sizes = {}
    listed = list(refuse_twice(listed_in(noting_sizes(refuse_votes(rows), sizes))))
    if not listed:
        raise InputError(f"{path} {_EMPTY}")
    no_clause = _none(one.clause for one in listed)
    numbers, clauses = number_clauses([one.clause for one in listed])
    if _of_pairs(listed):
        of_pairs = tuple(
            Vote(x.question_id, n, x.judge, (x.order[0], x.order[1]), 1.0, 0.0)
            for x, n in zip(listed, numbers, strict=True)
        )
        return RankingFile((), of_pairs, (), clauses, no_clause)
    for one in listed:
        check_order(one.order, tuple(dict.fromkeys(listed[0].order)), one.where)
    rankings = tuple(Ranking(x.question_id, n, x.judge, x.order) for x, n in zip(listed, numbers, strict=True))
    return RankingFile(rankings, (), tuple(x.shown for x in listed), clauses, no_clause, sizes)


def listed_rankings(path: Path, body: bytes) -> Iterator[Listed]:
    """The rankings of a file with their places, each for itself: whether they order the same is not looked at.

    Raises:
        InputError: a line is wrong, or a judge ranks a question twice.
    """
    return refuse_twice(listed_in(refuse_votes(rows_of(path, body))))


def body_of(path: Path) -> bytes:
    """The bytes of a file of rankings.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read the rankings {path}: {error.strerror}") from error


def number_clauses(clauses: Sequence[Clause]) -> tuple[list[int], dict[int, str]]:
    """The number of each clause, and their names: numbers stay as they are where all clauses are numbers or none is
    named; otherwise clauses are numbered from 1 in order of appearance."""
    if all(isinstance(clause, int) for clause in clauses):
        return [clause for clause in clauses if isinstance(clause, int)], {}
    seen: dict[Clause, int] = {}
    numbers = [seen.setdefault(clause, len(seen) + 1) for clause in clauses]
    named = {number: "(none)" if clause is None else str(clause) for clause, number in seen.items()}
    return numbers, named if len(seen) > 1 or None not in seen else {}


def _none(clauses: Iterator[Clause]) -> bool:
    return all(clause is None for clause in clauses)


def _of_pairs(listed: Sequence[Listed]) -> bool:
    """Whether each ranking orders two conditions, and not always the same two: these are votes."""
    return (
        all(len(set(one.order)) == len(one.order) == 2 for one in listed)
        and len({n for x in listed for n in x.order}) > 2
    )
