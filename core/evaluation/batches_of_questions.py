"""In which batches models on this machine answer the questions of a run: planned before the stage, and recorded."""

from __future__ import annotations

from collections.abc import Sequence

from core.sections.who_judges import AnswerSection

BYTES_OF_A_TOKEN = 3
"""Of a question, so few that its tokens are rarely more: what a tokenizer makes of it is known with the model alone."""

WRAPPING = 32
"""Tokens that a chat template puts around a question; most put fewer."""


def batch_sizes(texts: Sequence[str], section: AnswerSection) -> list[int]:
    """How many questions each batch holds, in their order.

    `answer.batch` each; where `answer.batch_tokens` is given, fewer in a batch whose rows, each as long as the
    longest question of the batch and its answer may be, would have more tokens together. One at least.
    """
    if section.batch_tokens is None:
        full, left = divmod(len(texts), section.batch)
        return [section.batch] * full + ([left] if left else [])
    sizes: list[int] = []
    size = longest = 0
    for text in texts:
        row = max(longest, -(-len(text.encode()) // BYTES_OF_A_TOKEN) + WRAPPING + section.max_tokens)
        if size and (size == section.batch or (size + 1) * row > section.batch_tokens):
            sizes.append(size)
            size, row = 0, -(-len(text.encode()) // BYTES_OF_A_TOKEN) + WRAPPING + section.max_tokens
        size, longest = size + 1, row
    return sizes + ([size] if size else [])
