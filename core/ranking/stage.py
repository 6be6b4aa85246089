"""The stage `rank`: leaderboards and diagnostics of the judges from their rankings."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from core.events import LeaderboardComputed, LeaderboardRow, PairwiseComputed
from core.facts.ranking.methods import Method
from core.facts.ranking.positions import ORDER_RULE
from core.stage import Context, Unit, only
from core.types import Judged

if TYPE_CHECKING:
    from core.ranking.leaderboards import Leaderboard


def rank(ctx: Context, judged: Judged) -> tuple[LeaderboardComputed, ...]:
    """Computes one leaderboard per method of `[rank]`, win rates of pairs, and what is found about judges and clauses;
    one unit of work each. Then the tests of the plan, whether the order holds, boards of some of the judges, how far
    they agree with each other, and with people; and what was published, beside it.

    Every method uses the same resamples, drawn from the stream ("bootstrap",) of this stage.

    Returns:
        The leaderboards as recorded, in the order of the methods.

    Raises:
        InputError: there are no rankings, or they don't all order the same conditions.
        Stopped: the operator asked for it.
    """
    from core.publication.comparing import published_units, record_published
    from core.ranking.hypotheses import record_tests, tested_units
    from core.ranking.judges.findings import JUDGE_UNITS, record_findings
    from core.ranking.judges.gold import gold_units, record_gold
    from core.ranking.juries import Jury, jury_units, record_jury
    from core.ranking.leaderboards import Aggregation
    from core.ranking.pairwise import pairwise
    from core.ranking.robustness.stands import record_robustness

    methods = ctx.config.rank.methods
    juries, people = jury_units(ctx.config.rank, judged.rankings), gold_units(ctx.config.rank)
    beside = len(people) + len(published_units(ctx.config.rank))
    ctx.plan(len(methods) + len(JUDGE_UNITS) + 2 + tested_units(ctx) + len(juries) + beside)
    aggregation = Aggregation(judged.rankings, ctx.config.rank, ctx.stream(), ctx.go_on)

    def aggregate(method: Method) -> Callable[[Unit], None]:
        return lambda unit: unit.add(board_event(aggregation.leaderboard(method), judged.calls))

    found = record_findings(ctx, judged, aggregation.ballots)
    boards = tuple(only(ctx.unit(method, aggregate(method)), LeaderboardComputed) for method in methods)
    pairs = only(ctx.unit("pairwise", lambda unit: unit.add(pairwise(aggregation))), PairwiseComputed)
    record_tests(ctx, aggregation)
    record_robustness(ctx, judged.rankings, aggregation, boards)
    record_jury(ctx, Jury(judged.rankings, aggregation), boards)
    record_gold(ctx, judged)
    record_published(ctx, judged.rankings, [*boards, pairs, *found], aggregation)
    return boards


def board_event(board: Leaderboard, calls: int) -> LeaderboardComputed:
    """A leaderboard as it is recorded, out of so many judge calls."""
    return LeaderboardComputed(
        method=board.method,
        rankings=board.rankings,
        calls=calls,
        resample=board.resample,
        resamples=board.resamples,
        confidence=board.confidence,
        rows=[LeaderboardRow(**vars(row)) for row in board.rows],
        detail=dict(board.detail),
        rule=ORDER_RULE,
        units=board.units,
        places={condition: list(shares) for condition, shares in board.places.items()} or None,
        means=dict(board.means),
        interval=board.interval,
    )
