"""The one callback: records every optimizer step, keeps states to go on from, and completes the unit of a condition."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from core.errors import DempoError
from core.events import Event, TrainCheckpoint, TrainStart, TrainState, TrainStep
from core.facts.training.rules import RATE_RULE, training_unit
from core.stage import Context, Unit
from core.training.checkpoints import flush, fresh_folder, hash_files, publish
from core.training.dpo import StepMetrics, WeightedDPOTrainer
from core.training.heldout.measuring import HeldOutMeasuring
from core.training.models.model import require_weights, save_model
from core.training.start import Start

UNHASHED = ("training_args.bin",)
"""Written by the Trainer and never read: holds paths of this machine."""


class Recording(TrainerCallback):
    """Records steps live, keeps a state every few minutes, and completes the unit once the model is on disk.

    A state is recorded once it is flushed and hashed; only then does the one before it go. So at any moment the last
    recorded state is on disk.
    """

    trainer: WeightedDPOTrainer
    start: Start | None = None
    """What the first step is held to; None where it was taken before an interruption."""
    held_out: HeldOutMeasuring | None = None
    """What the condition is measured on now and then; None where no pair is held out."""

    def __init__(
        self, ctx: Context, condition: str, before: Sequence[Event], state: Path, advance: Callable[[int], None]
    ) -> None:
        """
        Args:
            before: what an interrupted attempt recorded up to the state that this one goes on from.
            state: folder of the trainer's checkpoints.
            advance: told the number of steps done, for progress.
        """
        assert ctx.config.train is not None, "a training stage has [train]"
        self.ctx = ctx
        self.condition = condition
        self.before = before
        self.every = 60 * ctx.config.train.checkpoint_minutes
        self.saved = time.monotonic()
        self.state = state
        self.advance = advance
        self.unit: Unit | None = None
        self.begun = 0.0
        self.rate = 0.0

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Begins the unit, with what is there already."""
        if self.unit is None:
            self.unit = self.ctx.begin(training_unit(self.condition))
            self.unit.now(*self.before)
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
            condition=self.condition, largest_margin=largest, tolerance=start.tolerance, layouts=start.layouts
        )
        self.unit.now(compared)
        if largest > start.tolerance:
            raise DempoError(
                f"condition {self.condition!r} does not start at its reference: before any update the margin of every "
                f"pair is 0 but for rounding ({start.tolerance:.2g}), and one is {largest:.3g}; "
                f"{start.differing(self.trainer.model)}"
            )

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Records the step; keeps the finished model, or asks for a state where it is time or a stop was asked for.

        Raises:
            DempoError: the training broke down; the step is recorded with the value by its name.
        """
        assert self.unit is not None, "a step has begun"
        metrics = self.trainer.take_metrics()
        self.unit.now(self._event(state.global_step, metrics))
        if not metrics.finite:
            raise DempoError(
                f"condition {self.condition!r} broke down at step {state.global_step}: loss {metrics.loss}, "
                f"gradient norm {metrics.gradient_norm}; clone the run with a lower train.learning_rate"
                + ("" if args.max_grad_norm <= 1 else " or train.max_gradient_norm = 1")
            )
        self.advance(state.global_step)
        self._measure(state.global_step, state.max_steps)
        if state.global_step == state.max_steps:
            self._finish(state.global_step)
        elif self.ctx.stop_asked or time.monotonic() - self.saved >= self.every:
            control.should_save = True

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
        self.saved = time.monotonic()
        self.ctx.check_stop()

    def _finish(self, step: int) -> None:
        """The trained model takes its place and completes the unit; the trainer's state goes."""
        assert self.unit is not None, "a step has begun"
        temporary = fresh_folder(self.state / "final")
        save_model(self.trainer.model, self.trainer.processing_class, temporary)
        final = self.ctx.folder.checkpoints / self.condition
        publish(temporary, final)
        place = final.relative_to(self.ctx.folder.root).as_posix()
        self.unit.add(TrainCheckpoint(condition=self.condition, step=step, folder=place, files=hash_files(final)))
        self.unit.complete()
        shutil.rmtree(self.state)

    def _event(self, step: int, metrics: StepMetrics) -> TrainStep:
        return TrainStep(
            condition=self.condition,
            step=step,
            loss=metrics.loss,
            margin=metrics.margin,
            gradient_norm=metrics.gradient_norm,
            learning_rate=self.rate,
            rule=RATE_RULE,
            seconds=round(time.monotonic() - self.begun, 4),
        )


def state_folder(state: Path, step: int) -> Path:
    """Where the Trainer keeps its checkpoint after `step` steps."""
    return state / f"checkpoint-{step}"


def keep_only(state: Path, step: int) -> None:
    """Removes every checkpoint but the one after `step` steps (0: all)."""
    kept = state_folder(state, step)
    for path in state.iterdir() if state.is_dir() else ():
        if path != kept:
            shutil.rmtree(path)
