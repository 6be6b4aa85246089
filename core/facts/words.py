"""What the keys in a record mean, in words, for whoever shows them. No check reads these sentences."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from core.facts.sortition.draw import DRAW_DOMAIN
from core.facts.sortition.undecided import undecided_sentence

_EXACT = "exact column generation, stage by stage"
_PUBLIC = f"SHA-256 of {DRAW_DOMAIN!r}, the commitment and the public value, each after its length as 8 bytes"

SKIPPED: Mapping[str, str] = {
    "only_people": "no preference data: data.format is 'tables'",
    "no_data": "the configuration has no data: nothing is trained on it",
    "no_base": "no condition begins with the run's base model",
    "no_world": "the data is no planted world",
    "no_lotteries": "the configuration has no [[lotteries]]",
    "no_draws": "the configuration has no [[draws]]",
    "no_conditions": "the configuration has no [[conditions]]",
    "no_train": "the configuration has no [train]",
    "no_answer": "the configuration has no [answer]",
    "no_judge": "the configuration has no [judge]",
}
"""Why a stage has nothing to do: `stage.skipped`, reason."""

ORIGINS: Mapping[str, str] = {
    "stage": "SHA-256 of the run's seed and the stage's name; units add their keys",
    "unit": "SHA-256 of the run's seed, the stage's name and the unit's key",
    "public_hash": _PUBLIC,
    "public_number": f"the public value is the panel's number; for the alternates, {_PUBLIC}",
}
"""Where a seed comes from: `seed.derived` and `draw.made`, origin."""

_OPTIMUM: Mapping[str, str] = {
    "tight": "the relaxation's LEXIMIN, reached by a lottery over real panels, which proves that it is the optimum",
    "generated": f"{_EXACT}; the relaxation's LEXIMIN is out of reach of every lottery",
    "stalled": f"{_EXACT}; no lottery was found that reaches the relaxation's LEXIMIN",
    "undecided": "near LEXIMIN and not proved to be it: levels that floating-point arithmetic could not decide are "
    "recorded with their gaps",
}

NEAR_KEY = "near_"
"""Begins the keys of lotteries of a given number of panels."""

_NEAR = "panels of equal probability, built near"

SOLVED: Mapping[str, str] = {
    **_OPTIMUM,
    f"{NEAR_KEY}relaxed": f"{_NEAR} the relaxation's LEXIMIN, which no lottery exceeds",
    **{f"{NEAR_KEY}{key}": f"{_NEAR} the optimum; {how}" for key, how in _OPTIMUM.items()},
    "legacy": "LEGACY, uniform over sampled panels; π is a Monte Carlo estimate",
    "random": "simple random selection without quotas, uniform over sampled panels; everybody's true π is the size of "
    "the panel over that of the pool",
}
"""What proved or produced a lottery: `lottery.solved`, method."""


def in_words(key: Any) -> str:
    """The sentence for a key. What is none is said as it stands."""
    return next((words[key] for words in (SKIPPED, ORIGINS, SOLVED) if isinstance(key, str) and key in words), str(key))


def undecided_sentences(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The sentences of all lotteries, from the rows of the view `levels`."""
    levels: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        levels[str(row["lottery"])].append(row)
    told = (undecided_sentence(lottery, listed) for lottery, listed in levels.items())
    return [sentence for sentence in told if sentence]
