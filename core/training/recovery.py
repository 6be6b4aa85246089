"""The stage `recovery`: does a model's implicit reward say what citizens of a planted world would say?

For a prompt x and two answers y, y' the implicit reward margin of a model π against the base model is

    m = β·[(ln π(y|x) − ln π_ref(y|x)) − (ln π(y'|x) − ln π_ref(y'|x))]

as in the loss it was trained with; no scale is fitted. The truth gives p, the probability that a citizen
drawn from the target population prefers y. Over the held-out pairs, which no rater saw:

    population log-loss = mean of −p·ln σ(m) − (1−p)·ln σ(−m)       (nats; ln 2 for the base, where m = 0)
    margin agreement    = mean of p where m > 0, 1−p where m < 0, ½ where m = 0

The citizens' own choices are uncertain: the log-loss is at least the mean entropy of p (`floor`), the
agreement at most the mean of max(p, 1−p) (`agreement_ceiling`). Both averages over citizens are computed
from the truth, not sampled, so they add no noise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.data.planted.world import World, load_world
from core.data.planted.world_texts import styles_of
from core.errors import InputError
from core.events import RecoveryMeasured, digest
from core.sections.what_trains import TrainSection
from core.stage import Context, Unit, only
from core.training.planning.conditions import train_section
from core.types import Message, PreferencePairs

if TYPE_CHECKING:
    from core.training.as_tokens.tokens import Key, Tokens
    from core.training.stage import Trained

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class HeldOut:
    """The test pairs: distinct prompts and answers, and per pair the indices of a prompt and two answers to it.

    probability[j] is p for the first answer of pairs[j], shape (pairs,).
    """

    prompts: tuple[str, ...]
    answers: tuple[str, ...]
    pairs: tuple[tuple[int, int, int], ...]
    probability: Floats


def recovery(ctx: Context, pairs: PreferencePairs, trained: Trained) -> tuple[RecoveryMeasured, ...]:
    """Measures every condition that begins with the base model, one unit each; needs the truth of the planted world
    that the data is from.

    Raises:
        InputError: the world or a checkpoint cannot be read.
    """
    path = _world_path(ctx)
    train = train_section(ctx)
    ctx.plan(len(trained.models))
    if ctx.pending(list(trained.models)):
        held_out = held_out_pairs(load_world(path))
        world = digest(path.read_bytes())
        margins = _Margins(ctx, train, held_out, trained)

        def compute(unit: Unit) -> None:
            margin = margins.of(trained.verified(unit.key), unit.key)
            unit.add(_measured(unit.key, held_out.probability, margin, world))

        for condition in trained.models:
            ctx.unit(condition, compute)
    return tuple(only(ctx.recorded(condition) or (), RecoveryMeasured) for condition in trained.models)


def population_log_loss(probability: Floats, margin: Floats) -> float:
    """Mean of −p·ln σ(m) − (1−p)·ln σ(−m) over pairs, in nats; both of shape (pairs,). NaN stays NaN."""
    with np.errstate(invalid="ignore"):
        loss = probability * np.logaddexp(0, -margin) + (1 - probability) * np.logaddexp(0, margin)
    return float(np.mean(loss))


def margin_agreement(probability: Floats, margin: Floats) -> float:
    """The chance that the margin's sign is a citizen's choice, mean over pairs; no sign counts half."""
    agrees = np.select(
        [margin > 0, margin < 0, margin == 0], [probability, 1 - probability, np.full_like(probability, 0.5)], np.nan
    )
    return float(np.mean(agrees))


def log_loss_floor(probability: Floats) -> float:
    """Mean entropy of the citizens' choices in nats: the log-loss of a margin that knows every p."""
    inside = np.clip(probability, 1e-300, 1 - 1e-16)  # p is 0 or 1 only by rounding; p·ln p is 0 there
    return float(np.mean(-probability * np.log(inside) - (1 - probability) * np.log1p(-inside)))


def agreement_ceiling(probability: Floats) -> float:
    """Mean of max(p, 1−p): the agreement of a margin with the majority's sign on every pair."""
    return float(np.mean(np.maximum(probability, 1 - probability)))


def held_out_pairs(world: World) -> HeldOut:
    """The world's fixed test pairs, with the true probability that a citizen prefers the first answer."""
    triples = world.held_out_pairs()
    prompts = {prompt: i for i, prompt in enumerate(dict.fromkeys(prompt for prompt, _, _ in triples))}
    answers = {answer: i for i, answer in enumerate(dict.fromkeys(a for _, *both in triples for a in both))}
    read = styles_of(list(answers))
    pairs = tuple((prompts[prompt], answers[a], answers[b]) for prompt, a, b in triples)
    difference = read[[a for _, a, _ in pairs]] - read[[b for _, _, b in pairs]]
    return HeldOut(tuple(prompts), tuple(answers), pairs, world.choice_probability(difference))


class _Margins:
    """Scores the held-out answers; the base model is scored once, when the first margin is asked for."""

    def __init__(self, ctx: Context, train: TrainSection, held_out: HeldOut, trained: Trained) -> None:
        self.ctx = ctx
        self.train = train
        self.held_out = held_out
        self.base = trained.base
        self.numbers = trained.numbers
        self._reference: Mapping[Key, float] | None = None

    def of(self, model: Path, condition: str) -> Floats:
        """m of every held-out pair, shape (pairs,); exactly zero for the base model."""
        if model == self.base:
            return np.zeros(len(self.held_out.pairs))
        if self._reference is None:
            self._reference = self._score(self.base, "the base model")
        scores = self._score(model, condition)
        gain = {key: scores[key] - self._reference[key] for key in scores}
        pairs = [self._tokens.keys(*pair) for pair in self.held_out.pairs]
        return self.train.beta * np.array([gain[a] - gain[b] for a, b in pairs])

    @cached_property
    def _tokenizer(self) -> Any:
        from core.chat import load_tokenizer

        return load_tokenizer(self.base)

    @cached_property
    def _tokens(self) -> Tokens:
        from core.training.as_tokens.fitting import tokenise

        contexts = [(Message("user", prompt),) for prompt in self.held_out.prompts]
        pairs = sorted({(c, min(a, b), max(a, b)) for c, a, b in self.held_out.pairs})
        return tokenise(self._tokenizer, contexts, self.held_out.answers, pairs, self.train.max_length)

    def _score(self, folder: Path, name: str) -> dict[Key, float]:
        """ln π(answer | prompt) of every held-out sequence, in nats."""
        from core.training.models.model import load_model
        from core.training.models.precision import memory_guard, placement, quiet_libraries
        from core.training.reference import log_probs, with_fused_head

        quiet_libraries()

        def progress(done: int, total: int) -> None:
            self.ctx.go_on(done, total, f"scoring held-out answers under {name}")

        placed = placement(self.train, self.numbers)
        sequences, pad = self._tokens.sequences(), self._tokenizer.pad_token_id
        budget = 2 * self.train.micro_batch * self.train.max_length
        with memory_guard(self.train, f"scoring held-out answers under {name}"):
            model = with_fused_head(load_model(folder, placed))
            return log_probs(model, self._tokens, sequences, placed, pad, budget, progress)


def _measured(condition: str, probability: Floats, margin: Floats, world: str) -> RecoveryMeasured:
    return RecoveryMeasured(
        condition=condition,
        population_log_loss=population_log_loss(probability, margin),
        margin_agreement=margin_agreement(probability, margin),
        pairs=len(probability),
        floor=log_loss_floor(probability),
        agreement_ceiling=agreement_ceiling(probability),
        world=world,
    )


def _world_path(ctx: Context) -> Path:
    data = ctx.config.data
    if data.path is None or data.world is None:
        raise InputError("data.path and data.world are not set, so there is no truth to compare the models with")
    return data.path / data.world
