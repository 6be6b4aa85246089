"""`dempo rank`: leaderboards of rankings in a file, without a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from core.config import RankSection
from core.errors import InputError
from core.events import named_number
from core.facts.ranking.shown_places import habits_of


def habits_in(path: Path) -> list[str]:
    """A sentence about each judge that ranks by the shown place, where rows say what was shown (`shown`).

    Raises:
        InputError: a row's `shown` is no order of what is ranked.
    """
    from core.ranking.files import read_shown

    return habits_of(read_shown(path))


def rank_file(path: Path, resamples: int, resample: str, seed: int) -> list[dict[str, Any]]:
    """Rows of the `leaderboards` view for the rankings in a JSON Lines file.

    Raises:
        InputError: the file or an option is wrong; the message names the line.
    """
    from core.facts.randomness import RandomStream
    from core.ranking.files import read_rankings
    from core.ranking.leaderboards import leaderboards

    try:
        section = RankSection.model_validate({"resamples": resamples, "resample": resample})
    except ValidationError as error:
        raise InputError(f"--resample {resample!r}: choose questions, rankings or clauses") from error
    boards = leaderboards(read_rankings(path), section, RandomStream(seed, "rank"))
    return [
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
