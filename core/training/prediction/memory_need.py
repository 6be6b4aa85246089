"""Memory of training by arithmetic: a table of bytes per parameter, and a formula for what a micro-batch keeps.

Of a model built like Llama, a micro-batch of B rows of T tokens keeps for its backward pass, per token and layer:

    its input and what the two norms make of it, queries, keys, values, what attention gives and its copy,
    and four times the inner width of the feed-forward layer (gate, its activation, up, their product)

in the numbers of the forward pass; norms and the residual stream are float32 under autocast. With gradient
checkpointing only the inputs of the layers are kept, and one layer at a time is computed again. The head scores tiles
of at most 4,096 tokens by 32,768 words, never all logits (TRL's fused head). On a CPU tiles meet every position and are
worked on in several copies; a GPU's kernel works in place.

The formula is an estimate. `core.training.prediction.micro_batch` measures the same on the device.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.facts.training.numbers import ONLY_BF16
from core.sections.what_trains import TrainSection
from core.training.models.optimizers import bytes_per_parameter
from core.training.prediction.dimensions import Dimensions

_WEIGHT = {"fp32": 4.0, "bf16_mixed": 4.0, "bf16": 2.0}
"""Bytes of a weight by precision; a gradient has as many."""

_AUTOCAST = {"fp32": 0.0, "bf16_mixed": 2.0, "bf16": 0.0}
"""Bytes for each parameter of the copies that autocast keeps during a micro-batch."""

_TILE_TOKENS, _TILE_WORDS = 4_096, 32_768
"""The largest tile of logits of TRL's fused head."""

_COPIES_TRAINED, _COPIES_SCORED = 10, 5
"""Of such a tile in float32 on a CPU, while it becomes a gradient and while it is only scored."""

_PROCESS = 600 * 1024**2
"""Bytes of a process that has loaded torch, transformers and TRL; 500 to 600 MiB were measured."""

_CONTEXT = 600 * 1024**2
"""Bytes that CUDA and its libraries take of a GPU before any tensor."""


@dataclass(frozen=True)
class MemoryNeed:
    """Bytes in use at most, by what holds them; activations, autocast's copies among them, None: not known.

    base: of the process or the device's libraries.
    """

    base: int
    weights: int
    gradient: int
    optimizer: int
    activations: int | None

    @property
    def states(self) -> int:
        """Weights, gradient and optimizer: what no setting of the batch makes smaller."""
        return self.weights + self.gradient + self.optimizer

    @property
    def peak(self) -> int:
        """All of it; without activations, what is known of it."""
        return self.base + self.states + (self.activations or 0)


def precision_on(train: TrainSection, cuda: bool) -> str:
    """The precision of [train]; where it is left out, that of its optimizer or of the device."""
    if train.precision is None and train.optimizer in ONLY_BF16:
        return "bf16"
    return train.precision or ("bf16_mixed" if cuda else "fp32")


def memory_need(train: TrainSection, parameters: int, dimensions: Dimensions | None, cuda: bool) -> MemoryNeed:
    """What training takes, by the table and the formula.

    Args:
        cuda: on a GPU; else on the CPU.
    """
    precision = precision_on(train, cuda)
    weight = _WEIGHT[precision]
    activations = None
    if dimensions is not None:
        kept = kept_by_micro_batch(train, dimensions, precision, cuda)
        activations = int(kept + _AUTOCAST[precision] * parameters)
    trained = trained_bytes(train, parameters, dimensions, precision)
    return MemoryNeed(
        base=_CONTEXT if cuda else _PROCESS,
        weights=int(weight * parameters) + (trained.weights if train.lora else 0),
        gradient=trained.gradient,
        optimizer=trained.optimizer,
        activations=activations,
    )


@dataclass(frozen=True)
class TrainedBytes:
    """Of all that is trained: the whole model, or adapters in float32."""

    weights: int
    gradient: int
    optimizer: int


def trained_bytes(train: TrainSection, parameters: int, dimensions: Dimensions | None, precision: str) -> TrainedBytes:
    """Bytes of what is trained; of adapters nothing where the dimensions of the model are not known."""
    if train.lora is not None:
        numbers = 0 if dimensions is None else dimensions.adapters(train.lora.rank)
        return TrainedBytes(4 * numbers, 4 * numbers, 8 * numbers)
    weights = int(_WEIGHT[precision] * parameters)
    rest = bytes_per_parameter(precision, train.optimizer) - 2 * _WEIGHT[precision] - _AUTOCAST[precision]
    return TrainedBytes(weights, weights, int(rest * parameters))


def kept_by_micro_batch(train: TrainSection, model: Dimensions, precision: str, cuda: bool) -> int:
    """Bytes that one micro-batch of the longest rows keeps for its backward pass, and works in."""
    tokens = 2 * train.micro_batch * train.max_length
    wide = 2 if precision == "bf16" else 4  # the residual stream
    narrow = 4 if precision == "fp32" else 2  # inside the layers
    norms = 2 * model.hidden * (4 + narrow + (wide if precision != "bf16" else narrow))
    attention = narrow * (2 * model.queries + 2 * model.queries + model.queries)
    forward = narrow * 4 * model.inner
    layer = norms + attention + forward
    backward = narrow * (2 * model.inner + 2 * model.hidden)
    stream = wide * model.hidden
    layers = model.layers * stream + layer if train.gradient_checkpointing else model.layers * layer
    ends = (4 * wide + 4) * model.hidden  # embeddings, the last norm, hidden states and their gradient
    return int(tokens * (layers + backward + ends)) + head_bytes(tokens, model, precision, cuda, train.lora is None)


def head_bytes(tokens: int, model: Dimensions, precision: str, cuda: bool, trained: bool = True) -> int:
    """The tiles of logits of one micro-batch, and the gradient of the head where it is trained."""
    rows, words = min(tokens, _TILE_TOKENS), min(model.vocabulary, _TILE_WORDS)
    buffer = rows * _TILE_WORDS * (4 if precision == "fp32" else 2)
    gradient = 4 * model.vocabulary * model.hidden if trained else 0
    if cuda:
        return buffer + gradient
    return rows * words * 4 * (_COPIES_TRAINED if trained else _COPIES_SCORED) + gradient


def reference_bytes(train: TrainSection, parameters: int, model: Dimensions, cuda: bool) -> int:
    """What scoring the reference takes: weights, one layer of as many tokens as a micro-batch has, and the head."""
    precision = precision_on(train, cuda)
    tokens = 2 * train.micro_batch * train.max_length
    narrow = 4 if precision == "fp32" else 2
    layer = tokens * (narrow * (3 * model.inner + 2 * model.queries + 2 * model.keys) + 8 * model.hidden)
    copies = _AUTOCAST[precision] * parameters
    base = _CONTEXT if cuda else _PROCESS
    return int(
        base + _WEIGHT[precision] * parameters + copies + layer + head_bytes(tokens, model, precision, cuda, False)
    )


def answering_bytes(
    train: TrainSection, parameters: int, model: Dimensions, cuda: bool, batch: int, tokens: int
) -> int:
    """What answering takes: weights, keys and values of `batch` answers of `tokens` each, and their logits."""
    precision = precision_on(train, cuda)
    narrow = 4 if precision == "fp32" else 2
    cache = batch * tokens * model.layers * 2 * model.keys * narrow
    logits = batch * model.vocabulary * 8
    copies = _AUTOCAST[precision] * parameters
    return int((_CONTEXT if cuda else _PROCESS) + _WEIGHT[precision] * parameters + copies + cache + logits)
