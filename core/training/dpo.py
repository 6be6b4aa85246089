"""DPO with weighted pairs, normalised over the whole optimizer step.

For the pairs b of one optimizer step, with Δ_b = log π_θ(y)/π_ref(y) of chosen minus rejected,

    ℓ_b = −log σ(β · Δ_b)                 loss = Σ_b ω_b ℓ_b / W,   W = Σ_b ω_b.

The sums run over every micro-batch of the accumulation and over every process. Normalising inside each
micro-batch instead is wrong: with one pair per micro-batch every weight cancels, and Soft trains exactly
like Full. So the trainer learns W before the first backward pass of a step, and micro-batch j contributes
Σ_{b∈j} (ω_b / W) ℓ_b; data-parallel training averages gradients over n processes, hence the factor n.

With `weighted_sampling` the weights are one and the loss is the plain mean. With `published`, which does normalise
inside each micro-batch, the rows' weights are ω over the sum of their micro-batch (`weights_in_loss`): then the same
loss is the mean of the published ones, in whatever layout and over however many processes a step is computed.

Import this module only where training runs: it loads torch and TRL.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from datasets import Dataset
from transformers import PrinterCallback, TrainerCallback
from trl import DPOConfig, DPOTrainer

from core.errors import InputError
from core.facts.training.learning_rate import rate_share
from core.sections.what_trains import TrainSection
from core.training.batches import PairCollator
from core.training.checkpoints import saving
from core.training.models.adapters import lora_config
from core.training.models.dropout import switch_off_dropout
from core.training.models.made_optimizers import make_optimizer
from core.training.models.precision import Placement
from core.training.reference import response_log_probs

_CHECKPOINTING = next(
    name for name in ("activation_checkpointing", "gradient_checkpointing") if name in DPOConfig.__dataclass_fields__
)
"""The option's name: transformers 5.23 renamed it, older versions know only the second."""


@dataclass(frozen=True)
class StepMetrics:
    """What one optimizer step measured, over all micro-batches and processes."""

    loss: float
    margin: float
    gradient_norm: float

    @property
    def finite(self) -> bool:
        """False where the training has broken down."""
        return all(map(math.isfinite, (self.loss, self.margin, self.gradient_norm)))


class WeightedDPOTrainer(DPOTrainer):
    """TRL's trainer with the loss of this module, reference log-probabilities and weights from the collator.

    Rows are taken in the order of the schedule; the collator brings tokens that are fitted already.
    """

    loss_is_scaled_for_ga = True
    """The loss below is a part of the step's loss; the Trainer must not divide it by the accumulation."""

    optimizer: Any
    lr_scheduler: Any

    def __init__(
        self, model: Any, tokenizer: Any, arguments: DPOConfig, collator: PairCollator, train: TrainSection
    ) -> None:
        rows = Dataset.from_dict({"row": list(range(len(collator.rows)))})
        super().__init__(
            model=model,
            args=arguments,
            train_dataset=rows,
            processing_class=tokenizer,
            data_collator=collator,
            peft_config=None if train.lora is None else lora_config(train.lora),
        )
        self.remove_callback(PrinterCallback)
        self.collator = collator
        self._train = train
        self._sums = torch.zeros(3, dtype=torch.float64, device=self.args.device)
        self._largest = torch.zeros(1, device=self.args.device)
        self._norm = torch.zeros((), device=self.args.device)

    def create_optimizer(self, model: Any = None) -> Any:
        """Ours, with the Trainer's rule of which parameters weight decay is for: not biases, not norms."""
        if self.optimizer is None:
            trained = [(n, p) for n, p in self.model.named_parameters() if p.requires_grad]
            decaying = set(self.get_decay_parameter_names(self.model))
            groups = [
                {"params": [p for n, p in trained if n in decaying], "weight_decay": self._train.weight_decay},
                {"params": [p for n, p in trained if n not in decaying], "weight_decay": 0.0},
            ]
            self.optimizer = make_optimizer(
                groups,
                name=self._train.optimizer,
                learning_rate=self._train.learning_rate,
                device=self.args.device.type,
            )
        return self.optimizer

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        """The schedule of `core.facts.training.learning_rate`; those of transformers begin a warm-up at rate 0."""
        if self.lr_scheduler is None:
            share = partial(
                rate_share, steps=num_training_steps, warmup=self._train.warmup, schedule=self._train.schedule
            )
            self.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer or self.optimizer, share)
        return self.lr_scheduler

    def _save_checkpoint(self, *args: Any, **kwargs: Any) -> None:
        """A disk that is full is an error of the system, as everywhere."""
        with saving(Path(self.args.output_dir)):
            super()._save_checkpoint(*args, **kwargs)

    def _prepare_dataset(self, dataset: Dataset, *args: Any, **kwargs: Any) -> Dataset:
        """The rows are numbers; there is no text to prepare, and no row may be dropped."""
        return dataset

    def _precompute_ref_logps(self, dataset: Dataset, *args: Any, **kwargs: Any) -> Dataset:
        """The collator brings the reference's log-probabilities, computed once for all conditions."""
        return dataset

    def _get_train_sampler(self, train_dataset: Any = None) -> torch.utils.data.Sampler[int]:
        """The schedule's order."""
        return torch.utils.data.SequentialSampler(self.train_dataset)

    def _send_telemetry(self) -> None:
        """Nothing is sent anywhere."""

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """No card: the record says how a checkpoint was made."""

    def _get_num_items_in_batch(self, batch_samples: list[dict[str, torch.Tensor]], device: Any) -> torch.Tensor:
        """W = Σω over the micro-batches of this step, here and in the other processes; float64, shape ().

        Raises:
            InputError: all weights of the step are zero, so that its loss is not defined.
        """
        total = torch.stack([batch["weight"].sum() for batch in batch_samples]).sum().to(self.args.device)
        total = self.accelerator.gather(total.reshape(1)).sum()
        if not total.item() > 0:
            raise InputError(
                f"optimizer step {self.state.global_step + 1}: the weights of its pairs sum to {total.item()}, "
                "so the weighted loss is not defined; pairs of weight zero must not be in a schedule"
            )
        return total

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """This micro-batch's part of the step's loss, times the number of processes.

        Args:
            inputs: what `PairCollator` makes; 2m sequences, chosen first.
            num_items_in_batch: W, from `_get_num_items_in_batch`.
        """
        if return_outputs or num_items_in_batch is None:
            raise ValueError("the step-normalised loss is defined for training steps only")
        chosen, rejected = response_log_probs(model, inputs).chunk(2)  # (m,), (m,)
        margin = self.beta * ((chosen - inputs["ref_chosen_logps"]) - (rejected - inputs["ref_rejected_logps"]))
        losses = -F.logsigmoid(margin)
        weight = inputs["weight"]
        with torch.no_grad():
            self._sums += torch.stack([(weight * losses).sum(), (weight * margin).sum(), weight.sum()])
            self._largest = torch.maximum(self._largest, margin.abs().max())
        share = (weight / num_items_in_batch).to(losses.dtype)  # divided in float64
        return (share * losses).sum() * self.accelerator.num_processes

    def _clip_grad_norm(self, model: Any) -> Any:
        self._norm = super()._clip_grad_norm(model)
        return self._norm

    def largest_margin(self) -> float:
        """The largest |margin| of a pair in the step so far. Call it in every process."""
        return float(self.accelerator.gather(self._largest).max())

    def take_metrics(self) -> StepMetrics:
        """The metrics of the step that just ended; starts those of the next. Call it in every process."""
        loss, margin, weight = self.accelerator.gather(self._sums.reshape(1, 3)).sum(dim=0).tolist()
        self._sums.zero_()
        self._largest = torch.zeros_like(self._largest)
        return StepMetrics(loss=loss / weight, margin=margin / weight, gradient_norm=float(self._norm))


def make_trainer(
    model: Any,
    tokenizer: Any,
    collator: PairCollator,
    train: TrainSection,
    placed: Placement,
    folder: Path,
    seed: int,
    callback: TrainerCallback | None = None,
) -> WeightedDPOTrainer:
    """A trainer over a whole schedule; `callback` sees every step and decides what is saved.

    Args:
        collator: holds the rows of the schedule; their number is steps × `train.batch`.
        folder: where the trainer keeps its state.
        seed: of torch's generator, from which nothing but an optimizer that rounds by chance draws while dropout
            is off. Every state of the trainer holds the generator's.
    """
    steps = len(collator.rows) // train.batch
    processes = _processes()
    share, rest = divmod(train.batch, train.micro_batch * processes)
    if rest:
        raise InputError(
            f"train.batch ({train.batch}) must be a multiple of train.micro_batch ({train.micro_batch}) "
            f"times the number of processes ({processes})"
        )
    arguments = DPOConfig(
        output_dir=str(folder),
        beta=train.beta,
        loss_type=["sigmoid"],
        max_length=None,
        precompute_ref_log_probs=True,
        per_device_train_batch_size=train.micro_batch,
        gradient_accumulation_steps=share,
        max_steps=steps,
        learning_rate=train.learning_rate,
        weight_decay=train.weight_decay,
        max_grad_norm=train.max_gradient_norm or math.inf,  # the norm is measured where nothing is clipped, too
        bf16=placed.autocast,
        fp16=False,
        **{_CHECKPOINTING: train.gradient_checkpointing},
        use_cpu=placed.device == "cpu",
        dataloader_pin_memory=placed.device != "cpu",
        remove_unused_columns=False,
        save_strategy="no",
        logging_strategy="no",
        logging_nan_inf_filter=False,
        report_to="none",
        disable_tqdm=True,
        seed=seed % 2**32,
    )
    _one_device(arguments)
    switch_off_dropout(model)
    torch.manual_seed(arguments.seed)  # an adapter's A is drawn when the trainer is made
    trainer = WeightedDPOTrainer(model, tokenizer, arguments, collator, train)
    if callback is not None:
        trainer.add_callback(callback)
    torch.manual_seed(seed)
    return trainer


def _processes() -> int:
    """Processes of this training, as torchrun and accelerate announce them."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def _one_device(arguments: DPOConfig) -> None:
    """A process trains on one GPU, the first it sees; torch's DataParallel would be a different trainer."""
    if arguments.n_gpu > 1:
        arguments._n_gpu = 1
