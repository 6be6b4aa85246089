"""Greedy answers of local models, batched, with stop rules.

A batch is padded on the left and the padding is masked, so a prompt sees the same tokens as alone; its
logits agree up to rounding, and the batches are fixed when the stage is planned, so a batch that is
redone gives the same answers. An answer ends

- at the token that ends a turn in the model's chat template, at its end-of-sequence token, or at one that its
  `generation_config.json` names: finish "stop";
- before the first of the stop strings, which is removed together with what follows it: finish "stop". The default ones
  are what the plain template begins a turn with; under a model's own they are words like any other and end nothing;
- after `max_tokens` tokens: finish "length".

White space around an answer is removed. An answer may be empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from core.evaluation.local_model import LocalModel
from core.facts.training.chat_templates import template_kind
from core.sections.who_judges import PLAIN_STOPS
from core.types import Message, Question

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Answers:
    """Every condition's answer to every question.

    answers has an entry for each (condition, question_id). `base` is the folder of the run's base model,
    for a local judge that uses it; None in a run without one.
    """

    questions: tuple[Question, ...]
    conditions: tuple[str, ...]
    answers: Mapping[tuple[str, str], str]
    base: Path | None

    def __post_init__(self) -> None:
        expected = {(condition, question.question_id) for condition in self.conditions for question in self.questions}
        if set(self.answers) != expected:
            raise ValueError("every condition must have one answer to every question")


@dataclass(frozen=True)
class Generated:
    """One answer. `tokens` counts those whose text is kept in whole or in part."""

    text: str
    tokens: int
    finish: Literal["stop", "length"]


def greedy(local: LocalModel, texts: Sequence[str], max_tokens: int, stop: Sequence[str]) -> list[Generated]:
    """Answers to one batch of questions, each asked on its own as the first message of a conversation."""
    import torch
    from transformers import GenerationConfig, StoppingCriteriaList

    from core.chat import prompt_ids

    tokenizer, model, stop = local.tokenizer, local.model, stop_strings(local.tokenizer.chat_template, stop)
    prompts = prompt_ids(tokenizer, [(Message("user", text),) for text in texts])
    local.require_room(max(map(len, prompts)) + max_tokens, "a question with its answer")
    ids, mask = local.padded(prompts)
    ends = _end_tokens(local)
    # The checkpoint may ask for sampling or penalties, which `generate` would add to ours.
    model.generation_config = GenerationConfig(
        do_sample=False,
        num_beams=1,
        max_new_tokens=max_tokens,
        eos_token_id=ends,
        pad_token_id=tokenizer.pad_token_id,
    )
    criteria = StoppingCriteriaList([_StopStrings(tokenizer, stop, ids.shape[1])] if stop else [])
    with torch.inference_mode(), local.placed.computing():
        output = model.generate(input_ids=ids, attention_mask=mask, stopping_criteria=criteria)
    return [_finished(tokenizer, row, ends, stop) for row in output[:, ids.shape[1] :].tolist()]


def stop_strings(template: str, stop: Sequence[str]) -> Sequence[str]:
    """The stop strings that end answers under a chat template; the default ones end those of the plain one alone."""
    plain = template_kind(template) == "plain"
    return () if tuple(stop) == PLAIN_STOPS and not plain else stop


def _end_tokens(local: LocalModel) -> list[int]:
    """What ends a turn in the chat template, the tokenizer's EOS, and those that the checkpoint names, sorted."""
    from core.chat import turn_end

    named = local.model.generation_config.eos_token_id
    named = [] if named is None else named if isinstance(named, list) else [named]
    end = turn_end(local.tokenizer)
    return sorted({local.tokenizer.eos_token_id, *named, *([] if end is None else [end])})


def _decode(tokenizer: Any, tokens: Sequence[int]) -> str:
    return str(tokenizer.decode(list(tokens), skip_special_tokens=True, clean_up_tokenization_spaces=False))


class _StopStrings:
    """Ends a row once a stop string has appeared near its end.

    A token writes at least one byte, so the last len(bytes) tokens cover a stop string that has just become
    complete; a few more are decoded because special tokens write nothing.
    """

    def __init__(self, tokenizer: Any, stop: Sequence[str], prompt: int) -> None:
        self.tokenizer = tokenizer
        self.stop = stop
        self.prompt = prompt
        self.window = max(len(text.encode()) for text in stop) + 4

    def __call__(self, input_ids: torch.Tensor, scores: Any, **more: Any) -> torch.Tensor:
        """Which rows are done, shape (B,); input_ids has shape (B, prompt + generated)."""
        import torch

        start = max(self.prompt, input_ids.shape[1] - self.window)
        tails = self.tokenizer.batch_decode(
            input_ids[:, start:].tolist(), skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        done = [any(text in tail for text in self.stop) for tail in tails]
        return torch.tensor(done, dtype=torch.bool, device=input_ids.device)


def _finished(tokenizer: Any, tokens: list[int], ends: Sequence[int], stop: Sequence[str]) -> Generated:
    """Cuts what was generated at its end token and before its first stop string."""
    end = next((i for i, token in enumerate(tokens) if token in ends), None)
    tokens = tokens[:end]
    text = _decode(tokenizer, tokens)
    cut = min((text.index(mark) for mark in stop if mark in text), default=None)
    if cut is not None:
        text = text[:cut]
        while tokens and len(_decode(tokenizer, tokens[:-1])) >= cut:
            tokens = tokens[:-1]
    stopped = end is not None or cut is not None
    return Generated(text=text.strip(), tokens=len(tokens), finish="stop" if stopped else "length")
