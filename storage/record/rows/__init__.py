"""Rows of views and queries as frozen dataclasses, by the subject of what they show; `typed` reads them."""

from __future__ import annotations

from storage.record.rows.board_rows import BoardDetailRow, BoardRow, FamilyRow, PairRow, PlaceRow
from storage.record.rows.condition_rows import ConditionRow, RecoveryRow, ShareRow, UpdateOfLayer
from storage.record.rows.draw_rows import CommitmentRow, CompositionRow, DrawRow, LocaleRow
from storage.record.rows.judge_rows import (
    ClauseLeaderRow,
    ClauseScoreRow,
    JudgesRow,
    JuryBoardRow,
    LengthRow,
    MeasureRow,
    PeopleRow,
    QuestionRow,
)
from storage.record.rows.lottery_rows import CategoryRow, DiagnosticsRow, LevelRow, LotteryRow
from storage.record.rows.plan_rows import HypothesisRow
from storage.record.rows.published_rows import ArtefactRow, PublishedRow
from storage.record.rows.robustness_rows import AnalysisRow, FlipRow, PairStandsRow
from storage.record.rows.run_rows import StageRow
from storage.record.rows.step_rows import HeldOutPoint, HeldOutValueRow, StepRow, held_out_so_far, steps_under_way
from storage.record.rows.typed import VIEW_OF, as_rows, of_view, typed_rows, view_rows

__all__ = [
    "VIEW_OF",
    "AnalysisRow",
    "ArtefactRow",
    "BoardDetailRow",
    "BoardRow",
    "CategoryRow",
    "ClauseLeaderRow",
    "ClauseScoreRow",
    "CommitmentRow",
    "CompositionRow",
    "ConditionRow",
    "DiagnosticsRow",
    "DrawRow",
    "FamilyRow",
    "FlipRow",
    "HeldOutPoint",
    "HeldOutValueRow",
    "HypothesisRow",
    "JudgesRow",
    "JuryBoardRow",
    "LengthRow",
    "LevelRow",
    "LocaleRow",
    "LotteryRow",
    "MeasureRow",
    "PairRow",
    "PairStandsRow",
    "PeopleRow",
    "PlaceRow",
    "PublishedRow",
    "QuestionRow",
    "RecoveryRow",
    "ShareRow",
    "StageRow",
    "StepRow",
    "UpdateOfLayer",
    "as_rows",
    "held_out_so_far",
    "of_view",
    "steps_under_way",
    "typed_rows",
    "view_rows",
]
