"""Rows about leaderboards, and what stands beside their scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from storage.record.rows.typed import of_view


@of_view("families")
@dataclass(frozen=True)
class FamilyRow:
    """The scores of the conditions of a family, as one over several draws, in the leaderboard of a method."""

    method: Any
    family: Any
    members: Any
    mean: Any
    smallest: Any
    largest: Any
    variance: Any
    width: Any


@of_view("leaderboards")
@dataclass(frozen=True)
class BoardRow:
    """A condition's place in the leaderboard of a method; draws are all that the run made, in words."""

    method: Any
    condition: Any
    score: Any
    low: Any
    high: Any
    position: Any
    rankings: Any
    resample: Any
    draws: Any
    resamples: Any
    confidence: Any
    units: Any
    interval: Any
    mean: Any


@of_view("leaderboard_details")
@dataclass(frozen=True)
class BoardDetailRow:
    """What a method found beside the scores."""

    method: Any
    name: Any
    value: Any


@of_view("places")
@dataclass(frozen=True)
class PlaceRow:
    """In which share of the resamples a condition has a place, by a method."""

    method: Any
    condition: Any
    place: Any
    share: Any


@of_view("pairwise")
@dataclass(frozen=True)
class PairRow:
    """How often a condition is preferred to another, on votes and on majorities of questions."""

    condition: Any
    other: Any
    votes: Any
    votes_against: Any
    win_rate: Any
    low: Any
    high: Any
    majority_win_rate: Any
    majority_low: Any
    majority_high: Any
    mean_margin: Any
