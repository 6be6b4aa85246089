"""The one callback: records every optimizer step, keeps states to go on from, and completes the unit of a condition."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

from core.errors import DempoError
from core.events import Event, TrainCheckpoint, TrainStart, TrainState, TrainStep
from core.facts.training.numbers import ROUNDED_AT_RANDOM, rounding_seed
from core.facts.training.rules import RATE_RULE, training_unit
from core.facts.training.weights import effective_number
from core.stage import Context, Unit
from core.training.checkpoints import flush, fresh_folder, hash_files, publish
from core.training.disk_need import state_minutes
from core.training.dpo import StepMetrics, WeightedDPOTrainer
from core.training.heldout.measuring import HeldOutMeasuring
from core.training.keeping.final_model import Numbers, save_final
from core.training.keeping.room import bytes_of_state, lacking_room, require_room_for_model
from core.training.keeping.speed import Speed, told
from core.training.models.adapters import save_adapter
from core.training.models.model import require_weights
from core.training.prediction.peak import most_resident
from core.training.start import Start

UNHASHED = ("training_args.bin",)
"""Written by the Trainer and never read: holds paths of this machine."""


class Recording(TrainerCallback):
    """Records steps live, keeps a state now and then, and completes the unit once the model is on disk.

    A state is recorded once it is flushed and hashed; only then does the one before it go. So at any moment the last
    recorded state is on disk, and there are never more than two. Where the disk has no room for another one, training
    goes on with the one that there is.
    """

    trainer: WeightedDPOTrainer
    start: Start | None = None
    """What the first step is held to; None where it was taken before an interruption."""
    held_out: HeldOutMeasuring | None = None
    """What the condition is measured on now and then; None where no pair is held out."""

    def __init__(
        self,
        ctx: Context,
        condition: str,
        before: Sequence[Event],
        state: Path,
        numbers: Numbers,
        later: int,
        advance: Callable[[int, str, float], None],
    ) -> None:
        """
        Args:
            before: what an interrupted attempt recorded up to the state that this one goes on from.
            state: folder of the trainer's checkpoints.
            numbers: those that the base model is stored in, and the trained one will be.
            later: optimizer steps of the conditions that are trained after this one.
            advance: told, for progress, the number of steps done, what there is to say of the last one, and the seconds
                until everything is trained.
        """
        assert ctx.config.train is not None, "a training stage has [train]"
        self.ctx = ctx
        self.condition = condition
        self.before = before
        self.train = ctx.config.train
        self.saved = time.monotonic()
        self.kept = max((event.step for event in before if isinstance(event, TrainState)), default=0)
        self.state = state
        self.numbers = numbers
        self.later = later
        self.advance = advance
        self.speed = Speed()
        self.lacking: str | None = None
        self.unit: Unit | None = None
        self.begun = 0.0
        self.rate = 0.0

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Begins the unit, with what is there already."""
        if self.unit is None:
            self.unit = self.ctx.begin(training_unit(self.condition))
            self.unit.now(*self.before)
            if torch.cuda.is_available():
                torch.cuda.reset_peak_memory_stats()
        self.begun = time.monotonic()

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Notes the learning rate that this step uses; before the first update, compares policy and reference.

        Raises:
            DempoError: they differ by more than rounding; nothing has been trained.
        """
        self.rate = float(kwargs["optimizer"].param_groups[0]["lr"])
        if self.start is not None and state.global_step == 0:
            self._compare(self.start)

    def _compare(self, start: Start) -> None:
        assert self.unit is not None, "a step has begun"
        largest = self.trainer.largest_margin()
        compared = TrainStart(
            condition=self.condition,
            largest_margin=largest,
            tolerance=start.tolerance,
            layouts=start.layouts,
            rounding_seed=self._rounding_seed(start.train.optimizer),
        )
        self.unit.now(compared)
        if largest > start.tolerance:
            raise DempoError(
                f"condition {self.condition!r} does not start at its reference: before any update the margin of every "
                f"pair is 0 but for rounding ({start.tolerance:.2g}), and one is {largest:.3g}; "
                f"{start.differing(self.trainer.model)}"
            )

    def _rounding_seed(self, optimizer: str) -> str | None:
        if optimizer not in ROUNDED_AT_RANDOM:
            return None
        return str(rounding_seed(self.ctx.config.run.seed, self.condition))

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Records the step; keeps the finished model, or asks for a state where it is time or a stop was asked for.

        Raises:
            DempoError: the training broke down; the step is recorded with the value by its name.
        """
        assert self.unit is not None, "a step has begun"
        metrics = self.trainer.take_metrics()
        event = self._event(state.global_step, metrics)
        self.unit.now(event)
        if not metrics.finite:
            raise DempoError(
                f"condition {self.condition!r} broke down at step {state.global_step}: loss {metrics.loss}, "
                f"gradient norm {metrics.gradient_norm}; clone the run with a lower train.learning_rate"
                + ("" if args.max_grad_norm <= 1 else " or train.max_gradient_norm = 1")
            )
        self.speed.add(event.seconds)
        self._tell(event, state.max_steps - state.global_step + self.later)
        self._measure(state.global_step, state.max_steps)
        if state.global_step == state.max_steps:
            self._finish(state.global_step)
        elif self.ctx.stop_asked or self._due(state.max_steps):
            control.should_save = self._has_room()

    def _tell(self, event: TrainStep, left: int) -> None:
        seconds = self.speed.seconds_of(left)
        line = told(event, self.train.batch, seconds)
        self.advance(event.step, line if self.lacking is None else f"no state kept ({self.lacking}), {line}", seconds)

    def _due(self, steps: int) -> bool:
        """Whether it is time for a state, by the time that the condition is going to take as far as is known."""
        minutes = state_minutes(self.train.checkpoint_minutes, self.speed.minutes_of(steps))
        return time.monotonic() - self.saved >= 60 * minutes

    def _has_room(self) -> bool:
        """Whether the disk can hold one more state; where it cannot, that is said until one is kept.

        Raises:
            Stopped: the operator asked for it; training will go on from the state before, if there is one.
        """
        self.lacking = lacking_room(self.state, bytes_of_state(self.trainer.model, self.trainer.optimizer))
        if self.lacking is not None:
            self.saved = time.monotonic()
            self.ctx.check_stop()
        return self.lacking is None

    def _measure(self, step: int, steps: int) -> None:
        """Records what the policy makes of the held-out pairs, where it is time to."""
        assert self.unit is not None, "a step has begun"
        if self.held_out is not None and self.held_out.due(step, steps):
            self.unit.now(self.held_out.measure(self.trainer.model, self.condition, step, last=step == steps))

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Records the state, which is on disk, and lets go of the one before it.

        Raises:
            Stopped: the operator asked for it.
        """
        assert self.unit is not None, "a step has begun"
        folder = state_folder(self.state, state.global_step)
        for name in UNHASHED:
            (folder / name).unlink(missing_ok=True)
        require_weights(folder, self.trainer.model)
        flush(folder)
        place = folder.relative_to(self.ctx.folder.root).as_posix()
        self.unit.now(
            TrainState(condition=self.condition, step=state.global_step, folder=place, files=hash_files(folder))
        )
        keep_only(self.state, state.global_step)
        self.kept, self.saved = state.global_step, time.monotonic()
        self.ctx.check_stop()

    def _finish(self, step: int) -> None:
        """The trained model takes its place and completes the unit; the trainer's state goes."""
        assert self.unit is not None, "a step has begun"
        temporary = fresh_folder(self.state / "final")
        kept = f"its state after step {self.kept}" if self.kept else "its start"
        trained, lora = self._trained(), self.train.lora
        model, tokenizer = self.trainer.model, self.trainer.processing_class
        if lora is not None and not lora.merged:
            save_adapter(model, tokenizer, temporary)
            require_weights(temporary, model)
        else:
            require_room_for_model(temporary, self.numbers.size, self.condition, kept)
            save_final(model.merge_and_unload() if lora else model, tokenizer, temporary, self.numbers)
        final = self.ctx.folder.checkpoints / self.condition
        publish(temporary, final)
        place = final.relative_to(self.ctx.folder.root).as_posix()
        self.unit.add(
            TrainCheckpoint(condition=self.condition, step=step, folder=place, files=hash_files(final), adapter=trained)
        )
        self.unit.complete()
        shutil.rmtree(self.state)

    def _trained(self) -> int | None:
        """How many numbers an adapter has; None where all of the model is trained."""
        if self.train.lora is None:
            return None
        return int(self.trainer.model.num_parameters(only_trainable=True))

    def _event(self, step: int, metrics: StepMetrics) -> TrainStep:
        seconds = round(time.monotonic() - self.begun, 4)
        collator, batch = self.trainer.collator, self.train.batch
        numbers = range((step - 1) * batch, step * batch)
        return TrainStep(
            condition=self.condition,
            step=step,
            loss=metrics.loss,
            margin=metrics.margin,
            gradient_norm=metrics.gradient_norm,
            learning_rate=self.rate,
            rule=RATE_RULE,
            seconds=seconds,
            effective_pairs=effective_number(collator.rows.weight[numbers.start : numbers.stop].tolist()),
            tokens=sum(collator.tokens.length(key) for keys in collator.keys(numbers) for key in keys),
            memory=_most_memory(self.trainer.args.device.type),
        )


def _most_memory(device: str) -> int:
    """Bytes that a GPU has held at most since the condition began, or the process since it was last measured."""
    if device == "cuda":
        return int(torch.cuda.max_memory_allocated())
    return most_resident()


def state_folder(state: Path, step: int) -> Path:
    """Where the Trainer keeps its checkpoint after `step` steps."""
    return state / f"checkpoint-{step}"


def keep_only(state: Path, step: int) -> None:
    """Removes every checkpoint but the one after `step` steps (0: all)."""
    kept = state_folder(state, step)
    for path in state.iterdir() if state.is_dir() else ():
        if path != kept:
            shutil.rmtree(path)
