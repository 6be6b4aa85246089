"""Answers that are the same text: whatever a judge says of them, it says nothing of the models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from core.facts.plural import number_of


class EqualAnswers(NamedTuple):
    """Of so many questions: on how many all answers are one text, on how many some are and not all; pairs of equal
    answers to one question."""

    questions: int
    all_equal: int
    some_equal: int
    pairs: int


def equal_answers(questions: Iterable[Sequence[int]]) -> EqualAnswers:
    """Counts them.

    Args:
        questions: of each question how many of its answers are each text, one number for each different text.
    """
    listed = [list(sizes) for sizes in questions]
    all_equal = sum(len(sizes) == 1 < sizes[0] for sizes in listed)
    shared = sum(max(sizes, default=0) > 1 for sizes in listed)
    pairs = sum(size * (size - 1) // 2 for sizes in listed for size in sizes)
    return EqualAnswers(len(listed), all_equal, shared - all_equal, pairs)


def told_of_equal(found: EqualAnswers, skipped: bool) -> str:
    """What is said of them; "" where no two answers are equal.

    Args:
        skipped: judges are not asked where all are (`judge.ties` = "skip").
    """
    if not found.pairs:
        return ""
    asked, pairs = number_of(found.questions, "question"), f"({number_of(found.pairs, 'pair')} of equal answers)"
    if not found.all_equal:
        return f"some answers are the same text on {found.some_equal:,} of {asked} {pairs}"
    left = ", which no judge was asked about" if skipped else ""
    more = f", some on {found.some_equal:,} more" if found.some_equal else ""
    return f"all answers are the same text on {found.all_equal:,} of {asked}{left}{more} {pairs}"
