"""`dempo rank`: leaderboards of the rankings of a file or a run. Nothing is recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from core.events import named_number
from core.facts.plural import number_of
from storage.findings.judges_found import JudgesFound
from storage.findings.pairs_found import PairsFound
from storage.findings.robustness_found import RobustnessFound
from storage.judging.board_notes import by_method
from storage.judging.jury import JuryFound
from storage.record.rows import BoardRow, JuryBoardRow, MeasureRow, PairRow, PlaceRow
from storage.summary.standing import who_is_ahead
from tui.commands.ranking.rank_source import RankSource

if TYPE_CHECKING:
    from core.ranking.leaderboards import Aggregation, Leaderboard
    from core.ranking.pairs_of_votes import VotedPairs
    from core.sections.who_judges import RankSection


@dataclass(frozen=True)
class Ranked:
    """Rows of the views `leaderboards`, with a note, `leaderboard_details`, `places` and `pairwise`; of whole rankings
    also what is found of juries and judges, and whether the order holds; and what `RankSource` has to say."""

    rows: list[dict[str, Any]]
    details: list[dict[str, Any]]
    first: Sequence[str]
    notes: Sequence[str]
    clauses: Mapping[int, str]
    pairs: PairsFound = field(default_factory=PairsFound)
    jury: JuryFound = field(default_factory=JuryFound)
    judges: JudgesFound = field(default_factory=JudgesFound)
    robustness: RobustnessFound = field(default_factory=RobustnessFound)
    ahead: str = ""
    """Who is ahead by the primary method, in words."""


def ranked(source: RankSource) -> Ranked:
    """The leaderboards, and of rankings by several judges their boards and agreement.

    Raises:
        InputError: there is nothing to aggregate, or too much of it.
    """
    whole = _aggregation(source)
    boards = [whole.leaderboard(method) for method in source.section.methods]
    if source.votes and source.section.resample == "rankings":
        boards = [replace(board, resample="votes") for board in boards]
    rows = [
        {
            "method": board.method,
            "condition": row.condition,
            "score": named_number(row.score),
            "low": named_number(row.low),
            "high": named_number(row.high),
            "position": row.position,
            "rankings": board.rankings,
            "resample": board.resample,
            "resamples": board.resamples,
            "confidence": board.confidence,
            "units": board.units,
            "interval": board.interval,
            "mean": named_number(board.means[row.condition]),
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
    told = Ranked(
        rows,
        details,
        source.first,
        source.notes,
        source.clauses,
        jury=JuryFound(weights=source.weights),
        ahead=who_is_ahead(by_method(BoardRow(**_as_in_view(row)) for row in rows), source.planned),
    )
    if source.votes:
        pairs, notes = _pairs_of_votes(whole, boards)
        return replace(told, pairs=pairs, notes=[*told.notes, *notes])
    return replace(
        told,
        pairs=_pairs(whole, boards),
        jury=_jury(source, whole, boards),
        judges=_judges(source, whole),
        robustness=_stands(source, whole, boards),
    )


def _as_in_view(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of a board as a run has it; no draw belongs to a file."""
    return {**{name: value for name, value in row.items() if name != "note"}, "draws": None}


def _judges(source: RankSource, whole: Aggregation) -> JudgesFound:
    from core.ranking.judges.findings import findings

    return JudgesFound.of_events(findings(source.judged, whole.ballots).values())


def _stands(source: RankSource, whole: Aggregation, boards: Sequence[Leaderboard]) -> RobustnessFound:
    from core.ranking.robustness.stands import robustness

    return RobustnessFound.of_event(robustness(source.rankings, whole, boards, source.planned))


def _pairs(whole: Aggregation, boards: Sequence[Leaderboard]) -> PairsFound:
    from core.ranking.pairwise import pairwise

    return PairsFound([PairRow(**row.model_dump()) for row in pairwise(whole).rows], _places(boards))


def _pairs_of_votes(whole: Aggregation, boards: Sequence[Leaderboard]) -> tuple[PairsFound, list[str]]:
    """The same of votes between two, and what is to be said of it."""
    from core.ranking.pairs_of_votes import pairs_of_votes

    found = pairs_of_votes(whole)
    rows = [PairRow(**{name: named_number(value) for name, value in vars(row).items()}) for row in found.rows]
    return PairsFound(rows, _places(boards)), _notes_of_pairs(found, whole.config)


def _notes_of_pairs(found: VotedPairs, section: RankSection) -> list[str]:
    """Which win rates or intervals there are not, and what the others are of."""
    told = []
    if found.never_compared:
        told.append(f"{number_of(found.never_compared, 'pair')} never compared: there is no win rate")
    if found.by_one:
        unit = "vote" if section.resample == "rankings" else section.resample.removesuffix("s")
        told.append(f"{number_of(found.by_one, 'pair')} compared by one {unit} alone: the win rate has no interval")
    if found.most_left_out:
        left_out = f"up to {found.most_left_out} of {section.resamples}"
        told.append(f"the interval of a win rate leaves out the resamples without a vote on its pair: {left_out}")
    return told


def _places(boards: Sequence[Leaderboard]) -> list[PlaceRow]:
    return [
        PlaceRow(board.method, condition, place, share)
        for board in boards
        for condition, shares in board.places.items()
        for place, share in enumerate(shares, 1)
    ]


def _aggregation(source: RankSource) -> Aggregation:
    from core.facts.randomness import RandomStream
    from core.ranking.leaderboards import Aggregation
    from core.ranking.votes import encode_votes, require_room

    votes = encode_votes(source.votes) if source.votes else None
    whole = Aggregation(
        votes or source.rankings,
        source.section,
        RandomStream(source.seed, "rank"),
        lambda done, total, detail: None,
    )
    if votes is not None:
        require_room(whole.units, source.section.resamples, len(votes.conditions))
    return whole


def _jury(source: RankSource, whole: Aggregation, boards: Sequence[Leaderboard]) -> JuryFound:
    from core.ranking.juries import Jury, first_of

    jury = Jury(source.rankings, whole)
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
    return JuryFound(placed, agreement, (), source.weights)
