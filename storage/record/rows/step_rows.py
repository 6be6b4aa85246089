"""Rows about optimizer steps and held-out pairs, and those of a condition that is still training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.events import TrainStep
from storage.record.reader import Reader
from storage.record.rows.typed import of_view, typed_rows
from storage.record.views.sql_parts import private_of


@of_view("train_steps", TrainStep)
@dataclass(frozen=True)
class StepRow:
    """An optimizer step."""

    condition: Any
    step: Any
    loss: Any
    margin: Any
    learning_rate: Any
    seconds: Any
    effective_pairs: Any
    tokens: Any
    memory: Any


@of_view("heldout")
@dataclass(frozen=True)
class HeldOutValueRow:
    """A metric of held-out pairs after a step of a condition."""

    condition: Any
    step: Any
    metric: Any
    scope: Any
    attribute: Any
    category: Any
    value: Any
    low: Any
    high: Any
    raters: Any
    pairs: Any


_UNDER_WAY = f"""WITH m AS MATERIALIZED (SELECT seq, payload AS p FROM events WHERE kind = 'train.step'),
last AS MATERIALIZED (
  SELECT max(seq) AS seq, min(seq) AS first FROM m GROUP BY p->>'$.condition', p->>'$.step'
),
counted AS MATERIALIZED (SELECT p, first, {private_of("p")} AS own FROM last JOIN m USING (seq))
SELECT p->>'$.condition' AS condition, p->>'$.step' AS step, p->>'$.loss' AS loss,
  p->>'$.margin' AS margin, p->>'$.learning_rate' AS learning_rate, p->>'$.seconds' AS seconds,
  own->>'$.effective_pairs' AS effective_pairs, own->>'$.tokens' AS tokens, p->>'$.memory' AS memory
FROM counted ORDER BY first"""


def steps_under_way(reader: Reader) -> list[StepRow]:
    """Optimizer steps recorded so far, those of a condition that isn't finished included.

    Where a step was redone, the last record of it counts.
    """
    return typed_rows(reader, StepRow, _UNDER_WAY)


@dataclass(frozen=True)
class HeldOutPoint:
    """The mean log-loss over held-out pairs after a step, and how often the margin's sign is the rater's choice."""

    condition: Any
    step: Any
    log_loss: Any
    accuracy: Any


_MEASURED_SO_FAR = """WITH m AS MATERIALIZED (SELECT seq, payload AS p FROM events WHERE kind = 'heldout.measured')
SELECT p->>'$.condition' AS condition, p->>'$.step' AS step,
  (SELECT r.value->>'$.value' FROM json_each(p, '$.rows') r
    WHERE r.value->>'$.scope' = 'micro' AND r.value->>'$.metric' = 'log_loss') AS log_loss,
  (SELECT r.value->>'$.value' FROM json_each(p, '$.rows') r
    WHERE r.value->>'$.scope' = 'micro' AND r.value->>'$.metric' = 'accuracy') AS accuracy, max(seq)
FROM m GROUP BY 1, 2 ORDER BY min(seq)"""


def held_out_so_far(reader: Reader) -> list[HeldOutPoint]:
    """Measurements of held-out pairs recorded so far, those of a condition that isn't finished included."""
    return typed_rows(reader, HeldOutPoint, _MEASURED_SO_FAR)
