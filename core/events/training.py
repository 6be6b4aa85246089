"""Conditions, the model, training and recovery."""

from __future__ import annotations

from typing import ClassVar, Literal

from core.events.base import Artifact, Event, Number, Part, Sha256, Text, described, sealed, volatile


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
    estimator: str = described("step_normalised, weighted_sampling or published (not recommended)")
    steps: int = described("optimizer steps")
    batch: int = described("pairs per optimizer step")
    pairs: int = sealed("people", "pairs with positive weight")
    raters: int = described("raters with positive weight")
    effective_pairs: float = sealed("people", "(Σω)²/Σω² over the pairs: the effective sample size")
    weights: list[WeightRow] = sealed("people", "raters with positive weight, in the order of their pseudonyms")
    leaf_key: Sha256 = sealed("people", "key of the salts in the tree below `root`, hex", volatile=True)
    root: Sha256 = volatile("root of the tree over the weights (docs/audit.md)")
    family: str | None = described("family of conditions that it belongs to, as one over several draws", default=None)
    order: str | None = described("with_replacement where the pairs of steps are drawn so", default=None)
    micro_batch: int | None = described("pairs inside which weights are normalised (published)", default=None)
    clip: list[float] | None = sealed("people", "the quantiles q05 and q95 of positive π (clipped)", default=None)
    artifact: Artifact | None = sealed("private", "the schedule: pair index and flip per step", default=None)
    held_out_raters: int | None = sealed(
        "people",
        "raters of the source who drop out, since all their pairs are held out; absent where none are",
        default=None,
    )


class HeldOutRater(Part):
    """How many pairs of a rater are held out, and how many of these are measured."""

    rater_id: str
    pairs: int
    measured: int


class HeldOutSplit(Event):
    """The pairs that no condition trains on; those of a rater that are left are the rater's N_r."""

    kind: ClassVar[str] = "heldout.split"
    by: str = described("what is held out whole: pair (a comparison), conversation (an opening message) or rater")
    share: float = described("of the groups, as asked for")
    groups: int = described("comparisons, conversations or raters that there are")
    held_out: int = described("of them held out")
    raters: int = described("raters with a held-out pair")
    emptied: int = described("of them raters with no pair left to train on")
    pairs: int = sealed("people", "pairs held out")
    measured: int = sealed("people", "of them measured")
    rows: list[HeldOutRater] = sealed("people", "raters with a held-out pair, in the order of their pseudonyms")
    artifact: Artifact = sealed("private", "numbers of the pairs that are held out, and that are measured")
    rule: int = described("number of the rule of the split (training.md)")


class DecileShare(Part):
    """A tenth of the raters that a condition trains on, by their π: shares of 1."""

    decile: int
    raters: int
    pairs: float
    due: float
    realised: float


class WeightsRealised(Event):
    """What raters with high and low π are due of a Soft condition's weight, and what its steps give them."""

    kind: ClassVar[str] = "weights.realised"
    condition: str = described("name of the condition")
    deciles: list[DecileShare] = sealed(
        "people",
        "from the lowest π (training.md): raters; pairs, their share of the pairs; due, of Σω; realised, the mean over "
        "the steps of the schedule of their share of the weight in the loss",
    )


class ModelReady(Event):
    """The base model that every condition starts from."""

    kind: ClassVar[str] = "model.ready"
    model: str = volatile("what the configuration named")
    architecture: str = described("class of the model")
    parameters: int = described("number of parameters")
    vocabulary: int = described("size of the tokenizer's vocabulary")
    template: Sha256 = described("SHA-256 of the chat template")
    template_kind: Literal["plain", "model"] | None = described(
        "the plain template of this program, or the model's own", default=None
    )
    template_text: Text | None = described("the chat template", default=None)
    files: dict[str, Sha256] = described("SHA-256 of each file of the base checkpoint")
    pretraining_loss: Number | None = described("last loss of the brief pre-training of a tiny model", default=None)


class TokensMade(Event):
    """The tokens of every pair that a run trains on, made once for the reference and all conditions."""

    kind: ClassVar[str] = "tokens.made"
    pairs: int = sealed("private", "distinct pairs of texts: a context and two responses")
    prompts: int = sealed("private", "distinct prompts as fitted")
    responses: int = sealed("private", "distinct responses as fitted")
    sequences: int = described("distinct sequences: a prompt and a response as fitted")
    tokens: int = sealed("private", "tokens of the distinct prompts and responses together")
    window: int = described("max_length: no sequence has more tokens")
    cut_contexts: int = described("sequences whose oldest turns were dropped, or the start of a message, to fit")
    cut_responses: int = described("sequences whose response was cut to fit")
    template: Sha256 = described("SHA-256 of the chat template that the texts were put into")
    artifact: Artifact = sealed("private", "the tokens, and what was cut of each sequence (training.md)")
    rule: int = described("number of the rule by which prompts are fitted (training.md)")


class ReferenceComputed(Event):
    """Log-probabilities of the frozen reference, once per distinct sequence: a prompt and a response as fitted."""

    kind: ClassVar[str] = "reference.computed"
    sequences: int = described("distinct sequences scored")
    cut_contexts: int = described("sequences whose oldest turns were dropped to fit max_length")
    cut_responses: int = described("sequences whose response was cut to fit max_length")
    artifact: Artifact = sealed("private", "sum of token log-probabilities per sequence")
    rule: int = described("number of the rule by which prompts are fitted (training.md)")
    precision: str | None = described(
        "numbers that reference and conditions compute in: fp32, tf32, bf16_mixed or bf16; absent in older records, "
        "which computed as their configuration says",
        default=None,
    )


class TrainPredicted(Event):
    """What training will take, before anything is scored: one micro-batch of the longest rows was measured."""

    kind: ClassVar[str] = "train.predicted"
    parameters: int = described("number of the model's parameters")
    trainings: int = described("conditions that are trained")
    steps: int = described("their optimizer steps in all")
    sequences: int = described("rows of the micro-batch that was measured")
    device: str = volatile("cpu or cuda")
    width: int = sealed("private", "tokens of each of its rows, padding included", volatile=True)
    measured: int = volatile("bytes in use at most while it was measured, weights and gradient included")
    optimizer: int = volatile("bytes of the optimizer's state, by the table")
    memory: int = volatile("bytes in use at most that training will take")
    available: int = volatile("bytes that the device has for it")
    micro_batch_seconds: float = volatile("time of the micro-batch")
    step_seconds: float = sealed("private", "time that an optimizer step will take, on average", volatile=True)
    seconds: float = sealed("private", "time that all steps will take", volatile=True)
    reference_seconds: float = sealed("private", "time that scoring the reference will take", volatile=True)
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
    rounding_seed: str | None = described(
        "seed of the generator by which the optimizer rounds weights up or down, in decimal digits; absent where no "
        "chance is in it",
        default=None,
    )


class TrainStep(Event):
    """One optimizer step."""

    kind: ClassVar[str] = "train.step"
    condition: str = described("name of the condition")
    step: int = described("from 1")
    loss: Number = described(
        "in nats: Σωℓ/Σω over the step (step_normalised), the mean (weighted_sampling), or the mean over micro-batches "
        "of Σωℓ/Σω inside each (published)"
    )
    margin: Number = described("mean implicit reward margin β(Δ_chosen − Δ_rejected), weighted like the loss")
    gradient_norm: Number = described("norm of the gradient before clipping")
    learning_rate: float = described("learning rate of the step")
    seconds: float = volatile("time of the step")
    rule: int = described("number of the rule of the learning rate (training.md)")
    effective_pairs: float | None = sealed(
        "private", "(Σω)²/Σω² over the pairs of the step: how many of equal weight they are worth", default=None
    )
    tokens: int | None = sealed(
        "private", "tokens of prompt and response as fitted, of both responses of every pair; no padding", default=None
    )
    memory: int | None = volatile(
        "bytes held at most so far: on a GPU since the condition began, else by the process", default=None
    )


class HeldOutRow(Part):
    """A metric of held-out pairs: accuracy, margin or log_loss (nats); an interval where it was worked out."""

    scope: str
    metric: str
    value: float
    raters: int
    pairs: int | None = None
    attribute: str | None = None
    category: str | None = None
    low: float | None = None
    high: float | None = None


class HeldOutMeasured(Event):
    """How well a condition predicts the held-out pairs after a step (training.md); the base has margins of 0."""

    kind: ClassVar[str] = "heldout.measured"
    condition: str = described("name of the condition")
    step: int = described("optimizer steps done")
    rows: list[HeldOutRow] = described(
        "micro (mean over pairs) and macro (mean over raters of their means); none over few raters"
    )
    categories: list[HeldOutRow] = sealed(
        "people", "macro over raters of each category, and of the minimum; all over few raters"
    )
    artifact: Artifact = sealed("private", "the margin of every measured pair")


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
    adapter: int | None = described(
        "numbers that were trained, those of an adapter (LoRA); absent where all of the model was", default=None
    )


class UpdateRow(Part):
    """How far some numbers of a model moved from the base model; sums in float64 of float32 differences."""

    layer: str
    numbers: int
    l2: Number
    rms: Number
    mean_abs: Number
    base_l2: Number
    relative: Number
    changed: float
    changed_bf16: float


class UpdateMeasured(Event):
    """How far the training of a condition moved the model from the base model, as both stand on disk.

    Numbers are those of the tensors that both have, by name and shape; a tensor that two names share is there once.
    """

    kind: ClassVar[str] = "update.measured"
    condition: str = described("name of the condition, or of a candidate of `steps.matched` (<condition>@<steps>)")
    numbers: int = described("numbers compared, d")
    l2: Number = described("‖Δθ‖, the square root of the sum of the squared differences")
    rms: Number = described("l2 / √d")
    mean_abs: Number = described("mean absolute difference")
    base_l2: Number = described("‖θ_base‖ over the same numbers")
    relative: Number = described("l2 / base_l2")
    changed: float = described("share of the numbers that differ, as float32")
    changed_bf16: float = described("share of the numbers that differ once both are rounded to bfloat16")
    layers: list[UpdateRow] = described("the same for each layer: embeddings, layers.<number>, norm, head, other")
    left_out: list[str] = described(
        "tensors that are not compared: only one model has them, or of another shape or type"
    )


class Candidate(Part):
    """A training with another number of steps, and how far it moved the model."""

    steps: int
    relative: Number


class StepsMatched(Event):
    """The number of steps after which a condition's update is as large as that of others, found by bisection.

    Each candidate is trained, and measured, in units of its own; the model of the chosen one is the condition's.
    """

    kind: ClassVar[str] = "steps.matched"
    condition: str = described("name of the condition")
    like: list[str] = described("the conditions whose updates are matched")
    target: Number = described("mean of their relative updates")
    tolerance: float = described("share of the target by which the update may be off")
    grid: int = described("candidates are its multiples, and the condition's own number of steps")
    candidates: list[Candidate] = described("every candidate, in the order in which they were trained")
    steps: int = described("of the chosen candidate")
    relative: Number = described("its relative update")
    matched: bool = described(
        "whether that is within the tolerance; else it is the closest not above the target, if any"
    )
    rising: bool = described("whether every candidate with more steps moved further, which bisection takes for granted")


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
