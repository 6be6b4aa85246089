"""Rankings by people on a run's own questions and conditions: read whole, recorded, and compared with each judge's.

Names of people are not recorded: they are numbered as the file names them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import InputError
from core.events import GoldCompared, GoldRanking, GoldRead, digest
from core.ranking.counts import check_order
from core.ranking.files import body_of, listed_rankings
from core.ranking.shapes.orders import Listed
from core.sections.who_judges import RankSection
from core.stage import Context, Unit, only
from core.types import Judged

_READ, _COMPARED = "gold", "gold/compared"


@dataclass(frozen=True)
class Gold:
    """What a file of people's rankings holds: its SHA-256, and the rankings in its order."""

    sha256: str
    rankings: tuple[GoldRanking, ...]


def read_gold(path: Path, conditions: Sequence[str], questions: Mapping[str, int | None] | None) -> Gold:
    """Reads the file that `rank.gold` names.

    Args:
        conditions: of the run; every ranking has to order all of them.
        questions: clause of each question of the run, by its id, as far as it is known; None where a model has still
            to write the questions.

    Raises:
        InputError: with the line: no such question, another clause, other conditions, or a person who ranks a question
            twice; or there is no ranking.
    """
    try:
        body = body_of(path)
    except InputError as error:
        raise InputError(f"rank.gold: {error}") from None
    people: dict[str, int] = {}
    found = []
    for one in listed_rankings(path, body):
        _check_question(one, questions)
        check_order(one.order, conditions, one.where)
        person = people.setdefault(one.judge, len(people) + 1)
        found.append(GoldRanking(question_id=one.question_id, person=person, ranking=list(one.order)))
    if not found:
        raise InputError(f"{path} (rank.gold) holds no rankings; write one JSON object per line, with 'ranking'")
    return Gold(digest(body), tuple(found))


def _check_question(one: Listed, questions: Mapping[str, int | None] | None) -> None:
    if questions is None:
        return
    if one.question_id not in questions:
        raise InputError(
            f"{one.where}: this run asks no question {one.question_id!r} (it has {len(questions)}, the first is "
            f"{next(iter(questions), 'none')!r}); rank.gold holds rankings of the run's own questions"
        )
    clause = questions[one.question_id]
    if clause is not None and one.clause is not None and clause != one.clause:
        raise InputError(
            f"{one.where}: question {one.question_id!r} is one of clause {clause}, not {one.clause!r}; correct it, or "
            "leave 'clause_id' out"
        )


def gold_units(config: RankSection) -> tuple[str, ...]:
    """The units that reading and comparing take."""
    return (_READ, _COMPARED) if config.gold is not None else ()


def record_gold(ctx: Context, judged: Judged) -> None:
    """Records the people's rankings, and how far each judge agrees with them, where the configuration names a file.

    Raises:
        InputError: as `read_gold`, where the file is not recorded yet.
    """
    path = ctx.config.rank.gold
    if path is None:
        return

    def read(unit: Unit) -> None:
        asked: dict[str, int | None] = {question: None for _, question in judged.lengths}
        asked |= {one.question_id: one.clause_id for one in judged.rankings}
        gold = read_gold(path, judged.rankings[0].order, asked)
        unit.add(GoldRead(sha256=gold.sha256, rankings=list(gold.rankings)))

    recorded = only(ctx.unit(_READ, read), GoldRead)

    def compare(unit: Unit) -> None:
        from core.ranking.judges.gold_agreement import gold_agreement

        unit.add(GoldCompared(rows=gold_agreement(judged.rankings, recorded.rankings, ctx.config.rank, ctx.stream())))

    ctx.unit(_COMPARED, compare)
