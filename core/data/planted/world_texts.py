"""The language of planted worlds: prompts, answers in a known style, and a reader of styles.

An answer has one of three levels (−1, 0, +1) on each of four axes of style:

| axis      | −1                      | 0                      | +1                         |
|-----------|-------------------------|------------------------|----------------------------|
| warmth    | a blunt opening         | a neutral opening      | a warm opening             |
| certainty | perhaps, maybe, …       | usually, often, …      | definitely, certainly, …   |
| detail    | one piece of advice     | two: "then"            | three: "then", "finally"   |
| ending    | a closing remark        | something to do        | a question back            |

Every level has its own marker words, so that `styles` reads an answer back without knowing how it was
made, and also what a tiny model writes. Answers never name the topic of the prompt: a model with two
layers cannot copy it, and this way it need not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from core.facts.randomness import RandomStream

GRAMMAR_VERSION = 1
"""Goes up with any change to the texts; `world.json` names the one it was written with."""

AXES = ("warmth", "certainty", "detail", "ending")
LEVELS = (-1, 0, 1)

Style = tuple[int, int, int, int]
"""One level per axis, in the order of `AXES`."""

OPENINGS: dict[int, tuple[str, ...]] = {
    -1: ("Look here.", "Listen up."),
    0: ("Consider the following.", "Here are some notes."),
    1: ("What a lovely thing to ask!", "So glad you came!"),
}
CERTAINTIES: dict[int, tuple[str, ...]] = {
    -1: ("Perhaps", "Maybe"),
    0: ("Usually", "Often"),
    1: ("Definitely", "Certainly"),
}
ADVICE = (
    "make a short plan",
    "start with a small part",
    "ask someone who knows",
    "check the basics first",
    "take your time",
    "write down each step",
    "set a clear date",
    "keep it simple",
    "read a good guide",
    "wait one day",
)
ENDINGS: dict[int, tuple[str, ...]] = {
    -1: ("That is all.", "Nothing more to say."),
    0: ("Try it today.", "Begin this week."),
    1: ("What do you think?", "Does that suit you?"),
}

_OPENING_WORDS: dict[int, tuple[str, ...]] = {
    -1: ("look here", "listen"),
    0: ("consider", "notes"),
    1: ("lovely", "glad"),
}
_ENDING_WORDS: dict[int, tuple[str, ...]] = {
    -1: ("is all", "nothing"),
    0: ("today", "this week"),
    1: ("?",),
}

ASKS = (
    "How do I get better at {}?",
    "What is the best way to learn {}?",
    "I want to try {}. Where do I begin?",
    "Give me advice about {}.",
    "My friend asked me about {}. What should I say?",
    "Why do people like {}?",
    "Is {} worth the effort?",
    "How can I find time for {}?",
    "Tell me something useful about {}.",
    "What mistakes do people make with {}?",
    "Can {} help me relax?",
    "How do I talk to my family about {}?",
)
TOPICS = (
    "cooking",
    "gardening",
    "chess",
    "running",
    "painting",
    "saving money",
    "public speaking",
    "sleep",
    "hiking",
    "music",
    "reading",
    "travel",
    "baking bread",
    "photography",
    "swimming",
    "letters",
    "birds",
    "knitting",
    "neighbours",
    "old maps",
)
FOLLOW_UPS = (
    "Can you say more?",
    "What else should I know?",
    "And if that does not work?",
    "Thanks. What comes next?",
    "Could you put it another way?",
)

Patterns = dict[int, re.Pattern[str]]


def _patterns(words: Mapping[int, tuple[str, ...]]) -> Patterns:
    """One pattern per level that finds any of its markers as whole words, whatever the case."""

    def marker(word: str) -> str:
        return rf"\b{re.escape(word)}\b" if word[0].isalpha() else re.escape(word)

    return {level: re.compile("|".join(map(marker, found)), re.IGNORECASE) for level, found in words.items()}


_OPENING_MARKS = _patterns(_OPENING_WORDS)
_CERTAINTY_MARKS = _patterns(CERTAINTIES)
_ENDING_MARKS = _patterns(_ENDING_WORDS)
_THIRD = re.compile(r"\bfinally\b", re.IGNORECASE)
_SECOND = re.compile(r"\bthen\b", re.IGNORECASE)


def prompts() -> tuple[str, ...]:
    """All 240 prompts, twelve ways of asking about each of twenty topics."""
    return tuple(ask.format(topic) for topic in TOPICS for ask in ASKS)


def random_style(stream: RandomStream) -> Style:
    """A style with every axis uniform over its levels, independently."""
    a, b, c, d = (LEVELS[stream.below(3)] for _ in AXES)
    return (a, b, c, d)


def write_answer(style: Style, stream: RandomStream) -> str:
    """An answer in a style; the stream picks among the wordings of each level."""
    warmth, certainty, detail, ending = style

    def pick(options: Sequence[str]) -> str:
        return options[stream.below(len(options))]

    pieces = stream.sample(ADVICE, detail + 2)
    sentences = [pick(OPENINGS[warmth]), f"{pick(CERTAINTIES[certainty])} {pieces[0]}."]
    sentences += [f"{word} {piece}." for word, piece in zip(("Then", "Finally,"), pieces[1:], strict=False)]
    sentences.append(pick(ENDINGS[ending]))
    return " ".join(sentences)


def styles(text: str) -> NDArray[np.float64]:
    """Reads the style of any text, shape (4,), values −1, 0 or +1 in the order of `AXES`.

    Of several openings or certainties the first one counts, of several endings the last one. An axis
    without any marker is read as 0, so that broken text is neither liked nor disliked for it; detail
    is the number of pieces announced, so text that announces none is short.
    """
    return np.array(
        [
            _level_at(text, _OPENING_MARKS, last=False),
            _level_at(text, _CERTAINTY_MARKS, last=False),
            _detail(text),
            _level_at(text, _ENDING_MARKS, last=True),
        ],
        dtype=np.float64,
    )


def styles_of(texts: Sequence[str]) -> NDArray[np.float64]:
    """`styles` of several texts, shape (n, 4)."""
    return np.array([styles(text) for text in texts], dtype=np.float64).reshape(len(texts), len(AXES))


def grammar() -> dict[str, object]:
    """The texts' building blocks, for `world.json`; levels are the keys."""

    def by_level(options: dict[int, tuple[str, ...]]) -> dict[str, list[str]]:
        return {str(level): list(found) for level, found in options.items()}

    return {
        "version": GRAMMAR_VERSION,
        "axes": list(AXES),
        "levels": list(LEVELS),
        "warmth": by_level(OPENINGS),
        "certainty": by_level(CERTAINTIES),
        "detail": {"-1": ["one piece of advice"], "0": ["then"], "1": ["then", "finally"]},
        "ending": by_level(ENDINGS),
        "advice": list(ADVICE),
    }


def _level_at(text: str, marks: Patterns, *, last: bool) -> int:
    """The level whose marker comes first (or last) in the text; 0 where there is none."""
    found = [(match.start(), level) for level, pattern in marks.items() for match in pattern.finditer(text)]
    if not found:
        return 0
    return (max(found) if last else min(found))[1]


def _detail(text: str) -> int:
    if _THIRD.search(text):
        return 1
    return 0 if _SECOND.search(text) else -1
