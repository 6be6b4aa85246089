"""Inputs of a stage, restored from the record: each stage is given what it uses, and nothing else has to be here.

A redacted copy lacks the texts and the file of the pairs, and no bundle holds a model. Lotteries, draws and
leaderboards need none of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.config import RunConfig
from core.data.pool import pool_of, raters_of
from core.evaluation.answering import ANSWERS, planned_questions
from core.evaluation.answers import Answers
from core.events import ModelReady, PairsBuilt, PoolBuilt, QuestionsPlanned, ReferenceComputed, TrainCheckpoint
from core.facts.sealed import SEALED
from core.facts.sources import has_base, trains
from core.run_folder import RunFolder
from core.stage import E, Stage, only, run_stage
from core.training.planning.conditions import BASE
from core.training.stage import Trained
from core.types import Judged, Pool, Rater
from storage.replay.repetition import Recorded, Repetition

ANSWER_KINDS = tuple(event.kind for event in ANSWERS)

_UNUSED: tuple[str, ...] = ()
"""What a stage is given for an input that it does not look at."""


@dataclass(frozen=True)
class Restorer:
    """Restores what earlier stages gave; `keys` and `stages` are those of the present program, by name."""

    record: Recorded
    config: RunConfig
    repetition: Repetition
    scratch: RunFolder
    stages: Mapping[str, Stage]
    keys: Mapping[str, str]

    def inputs_of(self, stage: Stage) -> list[Any]:
        """The inputs of a stage that is repeated, in the order in which it takes them.

        Raises:
            DempoError, KeyError, ValueError, OSError: the record does not hold them in full, or in another form.
        """
        return [_UNUSED if ignores(stage.name, need, self.config) else self._result(need) for need in stage.needs]

    def _result(self, name: str) -> Any:
        stage = self.stages[name]
        if stage.skip(self.config) is not None:
            return ()
        own = {"pool": self._pool, "train": self._trained, "answer": self._answers, "judge": self._judged}
        if name in own:
            return own[name]()
        return self._restored(stage, [_UNUSED] if name == "model" else self.inputs_of(stage))

    def _restored(self, stage: Stage, inputs: list[Any]) -> Any:
        key = self.keys[stage.name]
        return run_stage(stage, self.config, self.repetition, self.scratch, key, inputs, completed=key)

    def _pool(self) -> Pool:
        """The pool, from its own event and the raters of the pairs; what only `pairs` knows is left out."""
        built = only(self.record.completed("pool").get("pool", ()), PoolBuilt)
        people = {rater.rater_id: rater for rater in raters_of(built)}
        lines = [line for unit in self.record.units("pairs").values() for line in unit]
        if not lines or any(SEALED in line.values for line in lines):
            return pool_of(built, tuple(people.values()))  # only the pairs ask for places among their raters
        named = only(self.record.completed("pairs").get("pairs", ()), PairsBuilt).rater_ids
        return pool_of(built, tuple(people.get(rater_id, Rater(rater_id, {})) for rater_id in named))

    def _trained(self) -> Trained:
        """The model of every condition, by its folder and the recorded hashes of its files."""
        base, ready = self._base, only(self.record.completed("model").get("base", ()), ModelReady)
        models: dict[str, Path] = {}
        files: dict[str, Mapping[str, str]] = {}
        for condition in self.config.conditions:
            if not has_base(condition.source):
                continue
            models[condition.name], files[condition.name] = base, ready.files
            if trains(condition.source):
                recorded = self._events("train", TrainCheckpoint)
                final = only([e for e in recorded if e.condition == condition.name], TrainCheckpoint)
                models[condition.name], files[condition.name] = self.scratch.root / final.folder, final.files
        scored = self._events("train", ReferenceComputed)
        numbers = scored[0].precision if scored else None
        return Trained(models=models, files=files, base=base, base_files=ready.files, numbers=numbers)

    def _answers(self) -> Answers:
        """Questions and answers; "" stands for a text that is not here, which `lacking_texts` counts."""
        text = self.record.text_or_empty
        questions = planned_questions(self.record.completed("answer").get("questions", ()), text)
        units = self.record.completed("answer").values()
        given = [event for events in units for event in events if isinstance(event, ANSWERS)]
        return Answers(
            questions=tuple({question.question_id: question for question in questions}.values()),
            conditions=tuple(condition.name for condition in self.config.conditions),
            answers={(e.condition, e.question_id): text(e.answer.sha256) for e in given if e.answer is not None},
            base=self._base if self.config.has_base else None,
        )

    def _judged(self) -> Judged:
        """What the judges said; without the lengths of the answers where not all of their texts are here."""
        judged: Judged = self._restored(self.stages["judge"], [self._answers()])
        return judged if not lacking_texts(self.record, "judge") else replace(judged, lengths={}, words={})

    @property
    def _base(self) -> Path:
        return self.scratch.checkpoints / BASE

    def _events(self, stage: str, kind: type[E]) -> list[E]:
        """Those of a kind in all units of a stage."""
        return [e for events in self.record.completed(stage).values() for e in events if isinstance(e, kind)]


def ignores(stage: str, need: str, config: RunConfig) -> bool:
    """Whether a stage does not look at what an earlier one gives.

    Pairs make the tiny model, but no other one, and no recovery; conditions that train nothing look at nothing.
    """
    made_of_pairs = config.train is not None and config.train.model == "tiny"
    if stage == "conditions":
        return not any(trains(condition.source) for condition in config.conditions)
    return need == "pairs" and (stage == "recovery" or (stage == "model" and not made_of_pairs))


def lacking_texts(record: Recorded, stage: str) -> list[str]:
    """SHA-256 of every text that `answer` or `judge` is given and the record does not hold."""
    wanted: list[str] = []
    for line in record.of("answer") if stage in ("answer", "judge") else ():
        if line.kind == QuestionsPlanned.kind:
            rows = [*line.values.get("clauses", ()), *line.values.get("questions", ())]
            wanted += [row["text"]["sha256"] for row in rows]
        elif line.kind in ANSWER_KINDS and stage == "judge" and "answer" in line.values:
            wanted.append(line.values["answer"]["sha256"])
    return record.lacking(wanted)
