"""Conditions, the model, training and recovery."""

from __future__ import annotations

from typing import ClassVar

from core.events.base import Artifact, Event, Number, Part, Sha256, described, sealed, volatile


class WeightRow(Part):
    """Weight w_r of one rater; one pair counts ω = w_r / N_r."""

    rater_id: str
    pairs: int
    weight: float


class ConditionPlanned(Event):
    """What a condition trains on: weights of its raters and the schedule of pairs."""

    kind: ClassVar[str] = "condition.planned"
    condition: str = described("name of the condition")
    source: str = described(
        "none, all, us_rep, draw:<id>, lottery:<name>, population, answers:…, model:… or endpoint:<name>"
    )
    transform: str = described("f in w_r = f(π_r)")
    estimator: str = described("step_normalised or weighted_sampling")
    steps: int = described("optimizer steps")
    batch: int = described("pairs per optimizer step")
    pairs: int = sealed("people", "pairs with positive weight")
    raters: int = described("raters with positive weight")
    effective_pairs: float = sealed("people", "(Σω)²/Σω² over the pairs: the effective sample size")
    weights: list[WeightRow] = sealed("people", "raters with positive weight, in the order of their pseudonyms")
    leaf_key: Sha256 = sealed("people", "key of the salts in the tree below `root`, hex", volatile=True)
    root: Sha256 = volatile("root of the tree over the weights (docs/audit.md)")
    artifact: Artifact | None = sealed("private", "the schedule: pair index and flip per step", default=None)


class ModelReady(Event):
    """The base model that every condition starts from."""

    kind: ClassVar[str] = "model.ready"
    model: str = volatile("what the configuration named")
    architecture: str = described("class of the model")
    parameters: int = described("number of parameters")
    vocabulary: int = described("size of the tokenizer's vocabulary")
    template: Sha256 = described("SHA-256 of the chat template")
    files: dict[str, Sha256] = described("SHA-256 of each file of the base checkpoint")
    pretraining_loss: Number | None = described("last loss of the brief pre-training of a tiny model", default=None)


class ReferenceComputed(Event):
    """Log-probabilities of the frozen reference, once per distinct sequence: a prompt and a response as fitted."""

    kind: ClassVar[str] = "reference.computed"
    sequences: int = described("distinct sequences scored")
    cut_contexts: int = described("sequences whose oldest turns were dropped to fit max_length")
    cut_responses: int = described("sequences whose response was cut to fit max_length")
    artifact: Artifact = sealed("private", "sum of token log-probabilities per sequence")
    rule: int = described("number of the rule by which prompts are fitted (training.md)")


class TrainPredicted(Event):
    """What training will take, before anything is scored: one micro-batch of the longest rows was measured."""

    kind: ClassVar[str] = "train.predicted"
    parameters: int = described("number of the model's parameters")
    trainings: int = described("conditions that are trained")
    steps: int = described("their optimizer steps in all")
    sequences: int = described("rows of the micro-batch that was measured")
    device: str = volatile("cpu or cuda")
    width: int = volatile("tokens of each of its rows, padding included")
    measured: int = volatile("bytes in use at most while it was measured, weights and gradient included")
    optimizer: int = volatile("bytes of the optimizer's state, by the table")
    memory: int = volatile("bytes in use at most that training will take")
    available: int = volatile("bytes that the device has for it")
    micro_batch_seconds: float = volatile("time of the micro-batch")
    step_seconds: float = volatile("time that an optimizer step will take, on average")
    seconds: float = volatile("time that all steps will take")
    reference_seconds: float = volatile("time that scoring the reference will take")
    disk: int = volatile("bytes of disk at most that final models and states will take")
    disk_written: int = volatile("bytes that will be written in all")
    disk_free: int = volatile("bytes that are free")


class TrainStart(Event):
    """The first step of a condition before its update: the policy is its own reference, so every margin is 0."""

    kind: ClassVar[str] = "train.start"
    condition: str = described("name of the condition")
    largest_margin: Number = described("largest |β(Δ_chosen − Δ_rejected)| of a pair of the step")
    tolerance: float = described("above it the condition stops: 0.001, or 6 · layouts where that is more")
    layouts: float | None = described(
        "largest difference of a pair's margin between two layouts of the same pairs; absent in fp32", default=None
    )


class TrainStep(Event):
    """One optimizer step."""

    kind: ClassVar[str] = "train.step"
    condition: str = described("name of the condition")
    step: int = described("from 1")
    loss: Number = described("Σωℓ/Σω over the step (step_normalised) or the mean (weighted_sampling), in nats")
    margin: Number = described("mean implicit reward margin β(Δ_chosen − Δ_rejected), weighted like the loss")
    gradient_norm: Number = described("norm of the gradient before clipping")
    learning_rate: float = described("learning rate of the step")
    seconds: float = volatile("time of the step")
    rule: int = described("number of the rule of the learning rate (training.md)")


class TrainState(Event):
    """What the trainer left on disk so that training goes on from there after an interruption; no result.

    The attempt that goes on from it records the steps before it once more.
    """

    kind: ClassVar[str] = "train.state"
    condition: str = volatile("name of the condition")
    step: int = volatile("optimizer steps done")
    folder: str = volatile("path below the run directory, until a later state or the model takes its place")
    files: dict[str, Sha256] = volatile("SHA-256 of its files")


class TrainCheckpoint(Event):
    """The trained model of a condition."""

    kind: ClassVar[str] = "train.checkpoint"
    condition: str = described("name of the condition")
    step: int = described("optimizer steps done")
    folder: str = described("path below the run directory")
    files: dict[str, Sha256] = described("SHA-256 of the model's files")


class RecoveryMeasured(Event):
    """How well a model's implicit reward predicts citizens of a planted population."""

    kind: ClassVar[str] = "recovery.measured"
    condition: str = described("name of the condition")
    population_log_loss: Number = described("mean over held-out pairs, nats, citizens of the target population")
    margin_agreement: Number = described("share of held-out pairs where the margin's sign agrees with a citizen")
    pairs: int = described("held-out pairs")
    floor: Number | None = described("log-loss of the citizens' true choice probabilities: none is lower", default=None)
    agreement_ceiling: Number | None = described("agreement of the majority's choices: none is higher", default=None)
    world: Sha256 | None = described("SHA-256 of the world's truth", default=None)
