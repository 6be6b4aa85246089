"""Boards of some of the judges: what each says alone, and what is left of the result without each.

A board of some judges is the leaderboard that their rankings alone would give, with the same resamples where they
ranked as many questions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from core.events import (
    AgreementComputed,
    AgreementRow,
    JuryBoard,
    LeaderboardComputed,
    LeaderboardRow,
)
from core.facts.ranking.juries import jury_boards, jury_methods, jury_unit, label_of
from core.facts.ranking.methods import Method
from core.facts.ranking.positions import ORDER_RULE
from core.ranking.judges.jury_agreement import jury_agreement
from core.ranking.leaderboards import Aggregation, Leaderboard, Score
from core.sections.who_judges import RankSection
from core.stage import Context, Unit
from core.types import Ranking

_AGREEMENT = "agreement"


def labels_in(rankings: Iterable[Ranking]) -> list[str]:
    """The judges that ranked anything, in the order in which they appear."""
    return list(dict.fromkeys(label_of(ranking.judge) for ranking in rankings))


def jury_units(config: RankSection, rankings: Iterable[Ranking]) -> list[str]:
    """The units of the jury's boards and agreement."""
    wanted = [(method, *board) for board in jury_boards(labels_in(rankings)) for method in _methods(config)]
    return [_AGREEMENT, *(jury_unit(*one) for one in wanted)]


def _methods(config: RankSection) -> tuple[Method, ...]:
    listed = jury_methods(config.methods, config.jury)
    return tuple(method for method in config.methods if method in listed)


@dataclass(frozen=True)
class PartialBoard:
    """The leaderboard of one judge alone, or `without` it; whether other conditions are first than in that of all."""

    judge: str
    without: bool
    board: Leaderboard
    changes_winner: bool


class Jury:
    """The rankings of several judges, and the leaderboards of some of them."""

    def __init__(self, rankings: Sequence[Ranking], whole: Aggregation) -> None:
        self.rankings = rankings
        self.whole = whole
        self.labels = labels_in(rankings)
        self._last: tuple[tuple[str, bool], Aggregation] | None = None

    @cached_property
    def by_question(self) -> Aggregation:
        """The same rankings, resampled by questions."""
        section = self.whole.config.model_copy(update={"resample": "questions"})
        like = self.whole if self.whole.config.resample == "questions" else None
        return Aggregation(self.rankings, section, self.whole.stream, self.whole.progress, like)

    def board(self, method: Method, judge: str, without: bool) -> Leaderboard:
        """The leaderboard of a judge's rankings, or of all others'."""
        if self._last is None or self._last[0] != (judge, without):
            own = [one for one in self.rankings if (label_of(one.judge) == judge) != without]
            some = Aggregation(own, self.whole.config, self.whole.stream, self.whole.progress, self.whole)
            self._last = (judge, without), some
        return self._last[1].leaderboard(method)

    def boards(self, winners: dict[Method, set[str]]) -> Iterable[PartialBoard]:
        """All boards of some of the judges, for methods whose winners among all judges are given."""
        for judge, without in jury_boards(self.labels):
            for method in _methods(self.whole.config):
                board = self.board(method, judge, without)
                yield PartialBoard(judge, without, board, first_of(board.rows) != winners[method])

    def agreement(self) -> list[AgreementRow]:
        """How far the judges agree, with intervals over questions."""
        return jury_agreement(self.by_question, [label_of(one.judge) for one in self.rankings])


def first_of(rows: Iterable[Score | LeaderboardRow]) -> set[str]:
    """The conditions that share the first position."""
    return {row.condition for row in rows if row.position == 1}


def record_jury(ctx: Context, jury: Jury, boards: Sequence[LeaderboardComputed]) -> None:
    """Records the agreement and every board of some of the judges, a unit each."""
    winners = {board.method: first_of(board.rows) for board in boards}
    ctx.unit(_AGREEMENT, lambda unit: unit.add(AgreementComputed(rows=jury.agreement())))
    for judge, without in jury_boards(jury.labels):
        for method in _methods(ctx.config.rank):
            record = partial(
                _record_board, jury=jury, method=method, judge=judge, without=without, winners=winners[method]
            )
            ctx.unit(jury_unit(method, judge, without), record)


def _record_board(unit: Unit, jury: Jury, method: Method, judge: str, without: bool, winners: set[str]) -> None:
    board = jury.board(method, judge, without)
    unit.add(
        JuryBoard(
            judge=judge,
            without=without,
            method=method,
            rankings=board.rankings,
            units=board.units,
            rows=[LeaderboardRow(**vars(row)) for row in board.rows],
            detail=dict(board.detail),
            changes_winner=first_of(board.rows) != winners,
            rule=ORDER_RULE,
        )
    )
