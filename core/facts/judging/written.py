"""Questions that a model writes for a clause: which of those in its reply are taken.

Taken are, in the order of the reply, those that stand by themselves and are unlike every question taken before them, in
the reply and of clauses recorded earlier. Two questions are alike where they have the same words (sequences of letters,
digits and `_`, whatever their case), or where of all sequences of three words that either holds, both hold at least
`ALIKE`. A question does not stand by itself where it names what nobody sees: an earlier turn, or a picture or a file.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from core.facts.judging.replies import Malformed, parse_questions, questions_listed
from core.facts.plural import number_of

WRITING_RULE = 1
"""The number of this rule; records without one are of before there was any."""

ALIKE = 0.8

_WORD = re.compile(r"\w+")
_SHOWN = "chart|diagram|figure|graph|image|photo|picture|screenshot|attachment|spreadsheet"
_UNSEEN = re.compile(
    r"\bas (?:you|i|we) (?:just )?(?:said|mentioned|told|discussed|wrote|explained)\b"
    r"|\b(?:you|i|we) (?:just )?(?:said|mentioned|discussed) (?:above|earlier|before)\b"
    r"|\b(?:your|my|the|our) (?:previous|earlier|last|preceding) (?:answer|reply|response|message|question|turn)\b"
    r"|\babove[- ]mentioned\b"
    rf"|\bth(?:is|ese) (?:{_SHOWN})s?\b"
    rf"|\bthe (?:attached|enclosed) \w+"
    rf"|\bthe (?:{_SHOWN}|text|article|passage|document) (?:above|below)\b",
    re.IGNORECASE,
)


class Taken:
    """Questions that are taken; `spending` is told how many comparisons come next."""

    def __init__(self, spending: Callable[[int], object] = lambda steps: None) -> None:
        self.spending = spending
        self._words: set[tuple[str, ...]] = set()
        self._holders: dict[tuple[str, ...], list[int]] = {}
        self._sizes: list[int] = []

    def add(self, question: str) -> None:
        """Takes a question."""
        words = words_of(question)
        threes = _threes(words)
        self._words.add(words)
        for three in threes:
            self._holders.setdefault(three, []).append(len(self._sizes))
        self._sizes.append(len(threes))

    def like(self, question: str) -> bool:
        """Whether a question is like one that is taken."""
        words = words_of(question)
        threes = _threes(words)
        held = [self._holders.get(three, []) for three in threes]
        self.spending(1 + len(held) + sum(map(len, held)))
        shared = Counter(holder for holders in held for holder in holders)
        return words in self._words or any(
            both >= ALIKE * (len(threes) + self._sizes[holder] - both) for holder, both in shared.items()
        )


def words_of(question: str) -> tuple[str, ...]:
    """What two questions are compared by."""
    return tuple(_WORD.findall(question.casefold()))


def _threes(words: tuple[str, ...]) -> set[tuple[str, ...]]:
    return {words[at : at + 3] for at in range(len(words) - 2)}


def written_questions(reply: str, count: int, taken: Taken, rule: int | None = WRITING_RULE) -> tuple[str, ...]:
    """The first `count` questions of a reply that are taken; `taken` stays as it is.

    Args:
        rule: None for a record of before there was one: then distinct questions are taken.

    Raises:
        Malformed: the reply lists no questions, or too few that are taken.
    """
    if rule is None:
        return parse_questions(reply, count)
    kept: list[str] = []
    own, refused = Taken(taken.spending), Counter[str]()
    for question in questions_listed(reply):
        if _UNSEEN.search(question):
            refused["about something that nobody sees"] += 1
        elif own.like(question) or taken.like(question):
            refused["like another"] += 1
        else:
            own.add(question)
            kept.append(question)
        if len(kept) == count:
            return tuple(kept)
    told = ", ".join(f"{number:,} {why}" for why, number in sorted(refused.items()))
    raise Malformed(f"{number_of(len(kept), 'usable question')}, {count} were asked for{f' ({told})' if told else ''}")
