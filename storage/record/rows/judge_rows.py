"""Rows about the judges: between questions, clauses and juries, and beside people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from storage.record.rows.typed import of_view


@of_view("judge_diagnostics")
@dataclass(frozen=True)
class JudgesRow:
    """What was measured about the judges."""

    name: Any
    value: Any


@of_view("question_agreement")
@dataclass(frozen=True)
class QuestionRow:
    """How far the rankings of a question agree."""

    question_id: Any
    clause_id: Any
    rankings: Any
    kendall_tau: Any
    top1_agreement: Any
    top1_margin: Any


@of_view("clause_scores")
@dataclass(frozen=True)
class ClauseScoreRow:
    """A condition's score on a clause."""

    clause_id: Any
    condition: Any
    borda: Any
    firsts: Any
    rankings: Any


@of_view("clause_leaders")
@dataclass(frozen=True)
class ClauseLeaderRow:
    """Who leads on a clause, and how far it parts the judges."""

    clause_id: Any
    leader: Any
    difficulty: Any
    kendall_tau: Any


@of_view("length_controlled")
@dataclass(frozen=True)
class LengthRow:
    """A condition with the length of answers held fixed, beside what length is worth, or why there is no estimate."""

    condition: Any
    ability: Any
    error: Any
    win_rate: Any
    raw_win_rate: Any
    length: Any
    length_error: Any
    problem: Any


@of_view("jury_leaderboards")
@dataclass(frozen=True)
class JuryBoardRow:
    """A condition's place by one judge alone, or without it."""

    method: Any
    judge: Any
    without: Any
    condition: Any
    score: Any
    low: Any
    high: Any
    position: Any
    rankings: Any
    units: Any
    changes_winner: Any


@of_view("judge_agreement")
@dataclass(frozen=True)
class MeasureRow:
    """A measure of the judges' agreement, with an interval where it has one."""

    name: Any
    value: Any
    low: Any
    high: Any


@of_view("gold_agreement")
@dataclass(frozen=True)
class PeopleRow:
    """How far a judge agrees with people, by one measure."""

    judge: Any
    measure: Any
    value: Any
    low: Any
    high: Any
    chance: Any
    questions: Any
