"""What a model trains on, and how: [[conditions]] and [train]."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from core.asking.request_extras import checked_body, checked_headers
from core.facts.places import apart
from core.facts.sources import source_kind
from core.facts.training.families import OVER_DRAWS
from core.facts.training.transforms import LARGEST_POWER, NAMED, is_transform
from core.sections.models_asked import AskedModel, PriceSection
from core.sections.section import (
    Identifier,
    Positive,
    Rate,
    Section,
)

Estimator = Literal["step_normalised", "weighted_sampling", "published"]
BASE_MODEL = ("base", "tiny")
"""Names under which a model is the run's own base model."""
ASKED_SETTINGS = ("model", "concurrency", "timeout", "retries", "extra_body", "headers", "price")
"""Settings of conditions that are asked at an endpoint, and of no others."""


def _of_one_draw(source: object) -> object:
    """The source of one condition: one over several draws has become several where a file was read."""
    if isinstance(source, str) and source.startswith(OVER_DRAWS):
        raise ValueError(f"{source!r} may stand in a file alone, where it becomes a condition for each of its draws")
    return source


def _known_transform(transform: str) -> str:
    """A transform that there is."""
    if is_transform(transform):
        return transform
    known = f"{', '.join(map(repr, NAMED))} and 'power:<p>' with a decimal p above 0 and at most {LARGEST_POWER}"
    raise ValueError(f"{transform!r} is no transform of π; there are {known}, as in 'power:0.75'")


def _placed_source(source: str) -> str:
    """The source with the path of existing answers in full; `#condition` behind it stays."""
    kind, rest = apart(source)
    if kind != "answers:":
        return source
    path, mark, condition = rest.partition("#")
    place = Path(path).expanduser().absolute()
    if not path or not place.name:
        raise ValueError("'answers:' needs the file or folder that holds the answers")
    if mark and not re.fullmatch(r"[a-z0-9_][a-z0-9_-]{0,39}", condition):
        raise ValueError(f"'answers:{path}#…' needs the name of a condition of that run behind #, not {condition!r}")
    return f"{kind}{place}{mark}{condition}"


class ConditionSection(Section):
    """What one model trains on, or where the answers of one that is not trained come from.

    `source` may be `draws:<beginning>*` in a file: then it stands for a condition for each draw whose id begins so. It
    may be `answers:<file or folder>` (they exist), `model:<folder or hub name>` (a model answers as it is) or
    `endpoint:<name>`: then `model` is its name there, and the other settings are those of a judge at an endpoint.
    """

    name: Identifier
    alias: str | None = Field(
        default=None, min_length=1, max_length=200, description="its name in files of rankings, answers and scores"
    )
    source: Annotated[
        str,
        BeforeValidator(_of_one_draw),
        Field(
            pattern=r"^(none|all|us_rep|population|draw:[a-z0-9_-]+|lottery:[a-z0-9_-]+|endpoint:[a-z0-9_-]+"
            r"|answers:.+|model:.+)$"
        ),
        AfterValidator(_placed_source),
    ]
    transform: Annotated[str, AfterValidator(_known_transform)] = Field(
        default="identity", description="identity, sqrt, square, clipped or power:<p>"
    )
    estimator: Estimator = Field(
        default="step_normalised", description="published (inside each micro-batch) is not recommended"
    )
    steps: Positive | None = None
    family: Identifier | None = Field(default=None, description="groups conditions that differ in their draw alone")
    steps_match: tuple[Identifier, ...] = Field(
        default=(), description="conditions whose mean relative update its own is to have; the steps are searched for"
    )
    step_grid: Positive = Field(default=100, description="of steps_match: the counts tried are its multiples")
    tolerance: Rate = Field(default=0.02, description="of steps_match: share of the target that it may be off")
    equal_voice: bool = False
    model: str | None = Field(default=None, min_length=1, description="name of the model at the endpoint")
    concurrency: Positive | None = Field(default=None, description="calls at once; 8 where left out")
    timeout: Rate | None = Field(default=None, description="seconds of a call; 120 where left out")
    retries: int | None = Field(default=None, ge=0, description="4 where left out")
    price: PriceSection | None = Field(default=None, description="of the model, in place of its endpoint's")
    extra_body: Annotated[dict[str, Any] | None, AfterValidator(checked_body)] = None
    headers: Annotated[dict[str, str] | None, AfterValidator(checked_headers)] = None

    @model_validator(mode="after")
    def _settings_of_the_source(self) -> ConditionSection:
        kind = source_kind(self.source)
        given = [name for name in ASKED_SETTINGS if getattr(self, name) is not None]
        if kind != "endpoint" and given:
            raise ValueError(f"a condition with source {kind!r} is asked at no endpoint; remove {' and '.join(given)}")
        if kind == "endpoint" and self.model is None:
            raise ValueError("source 'endpoint:…' needs `model`, the name of the model at the endpoint")
        if kind == "model" and self.source.partition(":")[2] in BASE_MODEL:
            raise ValueError("the run's own base model answers under source 'none'")
        if "stop" in (self.extra_body or {}):
            raise ValueError("extra_body.stop is what answer.stop says; remove it")
        return self

    @property
    def asked(self) -> AskedModel | None:
        """Where it is asked; None for a condition that is asked at no endpoint."""
        kind, _, name = self.source.partition(":")
        if kind != "endpoint":
            return None
        return AskedModel(endpoint=name, extra_body=self.extra_body, headers=self.headers, price=self.price)


class TinySection(Section):
    """A tiny Llama made from a configuration and pre-trained briefly on the run's own texts."""

    hidden: Positive = 64
    layers: Positive = 2
    heads: Positive = 4
    vocabulary: int = Field(default=768, ge=300)
    steps: int = Field(default=250, ge=0)
    batch: Positive = 24
    learning_rate: Rate = 6e-3


class LoraSection(Section):
    """Low-rank adapters in place of all parameters: W + (alpha / rank) · B A, with B A of rank `rank`."""

    rank: Positive = 16
    alpha: Positive = 32
    targets: tuple[str, ...] = Field(
        default=(), description="names of the linear layers that get one; where left out, all but the head"
    )
    merged: bool = Field(default=False, description="keep whole models, adapters merged into their weights")


class HeldOutSection(Section):
    """Preference pairs that no condition trains on, and on which every condition is measured.

    `by` is what is held out whole: comparisons of the same two responses after the same context, by whomever;
    conversations that open with the same message; or raters with all their pairs.
    """

    share: float = Field(
        gt=0, lt=1, description="of the comparisons, conversations or raters; at least one is held out"
    )
    by: Literal["pair", "conversation", "rater"] = Field(
        description="of which none is on both sides; pair: comparisons, conversation: opening messages"
    )
    every: int = Field(default=0, ge=0, description="optimizer steps between measurements; 0: only after the last step")
    max_pairs: Positive | None = Field(
        default=None, description="held-out pairs that are measured, a random choice; all where left out"
    )


class TrainSection(Section):
    """Weighted DPO. `batch` is the number of pairs per optimizer step over all processes."""

    model: str = Field(description="'tiny', a folder, or a name on the Hugging Face hub")
    revision: str | None = None
    template: Literal["plain", "model"] | None = Field(
        default=None,
        description="the chat template of training and answers: 'plain' (one shared form, for base models) or 'model' "
        "(the model's own turns, for instruct models); has to be said where the tokenizer carries one",
    )
    tiny: TinySection = TinySection()
    beta: Rate = 0.1
    learning_rate: Rate = 5e-6
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    warmup: float = Field(default=0.0, ge=0, le=1, description="share of the steps")
    order: Literal["shuffles", "with_replacement"] = Field(
        default="shuffles",
        description="of the pairs of a condition; weighted_sampling draws with replacement in any case",
    )
    steps: Positive = 100
    batch: Positive = 32
    micro_batch: Positive = 4
    max_length: int = Field(default=1024, ge=16)
    max_gradient_norm: float = Field(default=1.0, ge=0, allow_inf_nan=False, description="0 clips nothing")
    weight_decay: float = Field(default=0.0, ge=0)
    optimizer: str = Field(
        default="adamw", description="adamw, or for bf16 weights adamw_kahan, adamw_sr or adamw_sr_8bit"
    )
    precision: Literal["fp32", "bf16_mixed", "bf16"] | None = Field(
        default=None,
        description="left out: bf16 for an optimizer that is made for it, else bf16_mixed on a GPU, fp32 on a CPU",
    )
    gradient_checkpointing: bool = False
    lora: LoraSection | None = None
    checkpoint_minutes: float | None = Field(
        default=None,
        ge=0,
        allow_inf_nan=False,
        description="between states on disk that training goes on from after an interruption; 0: after every step; "
        "absent: 20, or half of the time that a condition takes where that is more",
    )
    held_out: HeldOutSection | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int = Field(default=1, ge=0, description="CPU threads of torch; 0 leaves the default")

    @model_validator(mode="after")
    def _batches_divide(self) -> TrainSection:
        if self.batch % self.micro_batch:
            raise ValueError(f"batch ({self.batch}) must be a multiple of micro_batch ({self.micro_batch})")
        return self
