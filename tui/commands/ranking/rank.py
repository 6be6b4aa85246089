"""`dempo rank`: leaderboards of rankings in a file, without a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from core.errors import InputError
from core.events import named_number
from core.facts.ranking.juries import MOST_WEIGHT, label_of
from core.facts.ranking.shown_places import habits_of
from core.sections.who_judges import RankSection
from storage.judging.jury import JuryFound
from storage.judging.pairs_found import THE_REST, PairsFound
from storage.judging.robustness import RobustnessFound
from storage.record.rows import JuryBoardRow, MeasureRow, PairRow, PlaceRow
from tui.terminal import tables

if TYPE_CHECKING:
    from core.ranking.leaderboards import Aggregation, Leaderboard
    from core.types import Ranking


def habits_in(path: Path) -> list[str]:
    """A sentence about each judge that ranks by the shown place, where rows say what was shown (`shown`).

    Raises:
        InputError: a row's `shown` is no order of what is ranked.
    """
    from core.ranking.files import read_shown

    return habits_of(read_shown(path))


@dataclass(frozen=True)
class Ranked:
    """Rows of the views `leaderboards`, with a note, and `leaderboard_details`; what is found of pairs and judges, and
    whether the order holds."""

    rows: list[dict[str, Any]]
    details: list[dict[str, Any]]
    pairs: PairsFound
    jury: JuryFound
    robustness: RobustnessFound

    def data(self) -> dict[str, list[dict[str, Any]]]:
        """All rows under the names of their views."""
        columns = ("method", "condition", "score", "low", "high", "position")
        of_jury = self.jury.data()
        return {
            "leaderboards": [{key: row[key] for key in columns} for row in self.rows],
            "leaderboard_details": self.details,
            **self.pairs.data(),
            **self.robustness.data(),
            **{view: of_jury[view] for view in ("jury_leaderboards", "judge_agreement")},
        }

    def view(self, name: str) -> list[dict[str, Any]]:
        """The rows of one of them.

        Raises:
            InputError: there is none of this name.
        """
        data = self.data()
        if name not in data:
            raise InputError(f"--view {name!r}: rankings in a file give {', '.join(data)}")
        return data[name]

    def text(self, first: Sequence[str], width: int) -> str:
        """Leaderboards, win rates and what the judges say alone, on lines of this width.

        Args:
            first: what has to be said before all else.
        """
        pooled = [(row["method"], row["position"], row["condition"]) for row in self.rows]
        lines = [
            *self.pairs.win_rates(width, THE_REST),
            *self.robustness.lines(width),
            *self.jury.lines(pooled, width),
        ]
        return "\n".join([tables.leaderboards(self.rows, first, self.pairs.firsts()), "", *lines]).rstrip()


def rank_file(path: Path, resamples: int, resample: str, seed: int, weights: Sequence[str] = ()) -> Ranked:
    """The leaderboards of the rankings in a JSON Lines file, and of its judges where there are several.

    Args:
        weights: "label=n", how many times each ranking of a judge counts.

    Raises:
        InputError: the file or an option is wrong; the message names the line.
    """
    from core.facts.randomness import RandomStream
    from core.ranking.files import read_rankings
    from core.ranking.leaderboards import Aggregation
    from core.ranking.robustness.stands import robustness

    try:
        section = RankSection.model_validate({"resamples": resamples, "resample": resample})
    except ValidationError as error:
        raise InputError(f"--resample {resample!r}: choose questions, rankings or clauses") from error
    rankings, given = _weighted(read_rankings(path), weights)
    whole = Aggregation(rankings, section, RandomStream(seed, "rank"), lambda done, total, detail: None)
    boards = [whole.leaderboard(method) for method in section.methods]
    rows = [
        {
            "method": board.method,
            "condition": row.condition,
            "score": named_number(row.score),
            "low": named_number(row.low),
            "high": named_number(row.high),
            "position": row.position,
            "rankings": board.rankings,
            "note": "; ".join(board.notes),
        }
        for board in boards
        for row in board.rows
    ]
    details = [
        {"method": board.method, "name": name, "value": named_number(value)}
        for board in boards
        for name, value in board.detail.items()
    ]
    stands = RobustnessFound.of_event(robustness(rankings, whole, boards))
    return Ranked(rows, details, _pairs(whole, boards), _jury(rankings, whole, boards, given), stands)


def _pairs(whole: Aggregation, boards: Sequence[Leaderboard]) -> PairsFound:
    from core.ranking.pairwise import pairwise

    places = [
        PlaceRow(board.method, condition, place, share)
        for board in boards
        for condition, shares in board.places.items()
        for place, share in enumerate(shares, 1)
    ]
    return PairsFound([PairRow(**row.model_dump()) for row in pairwise(whole).rows], places)


def _weighted(rankings: Sequence[Ranking], weights: Sequence[str]) -> tuple[list[Ranking], dict[str, int]]:
    """The rankings with the weights of their judges, and these.

    Raises:
        InputError: a weight is none, or of a judge that the file does not have.
    """
    labels = list(dict.fromkeys(label_of(ranking.judge) for ranking in rankings))
    given: dict[str, int] = {}
    for text in weights:
        label, _, number = text.rpartition("=")
        if label not in labels:
            raise InputError(f"--weight {text!r}: write JUDGE=NUMBER; the file's judges are {', '.join(labels[:20])}")
        if not number.isascii() or not number.isdigit() or not 1 <= int(number) <= MOST_WEIGHT:
            raise InputError(f"--weight {text!r}: a judge's rankings count 1 to {MOST_WEIGHT} times, as a whole number")
        given[label] = int(number)
    return [replace(ranking, weight=given.get(label_of(ranking.judge), 1)) for ranking in rankings], given


def _jury(
    rankings: Sequence[Ranking], whole: Aggregation, boards: Sequence[Leaderboard], weights: dict[str, int]
) -> JuryFound:
    from core.ranking.juries import Jury, first_of

    jury = Jury(rankings, whole)
    some = jury.boards({board.method: first_of(board.rows) for board in boards})
    placed = [
        JuryBoardRow(
            one.board.method,
            one.judge,
            int(one.without),
            row.condition,
            named_number(row.score),
            named_number(row.low),
            named_number(row.high),
            row.position,
            one.board.rankings,
            one.board.units,
            int(one.changes_winner),
        )
        for one in some
        for row in one.board.rows
    ]
    agreement = [MeasureRow(row.name, row.value, row.low, row.high) for row in jury.agreement()]
    return JuryFound(placed, agreement, (), weights)
