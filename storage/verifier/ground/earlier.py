"""Sentences that early records hold where there are keys now. They are frozen: what is shown is said anew."""

from __future__ import annotations

import re
from typing import Any

from core.facts.sortition.draw import DRAW_DOMAIN
from storage.verifier.ground.finding import same

_PUBLIC_SENTENCE = f"SHA-256 of '{DRAW_DOMAIN}', the commitment and the public value, each after its length as 8 bytes"

EARLIER = {
    "only_people": r"no preference data: data\.format is 'tables'",
    "no_world": "the data is no planted world",
    "stage": r"SHA-256 of the run seed \d+ and the stage's name; units add their keys",
    "unit": r"SHA-256 of the run seed \d+, the stage '[a-z]+' and the unit .+",
    "public_hash": _PUBLIC_SENTENCE,
    "public_number": f"the public value is the panel's number; for the alternates, {_PUBLIC_SENTENCE}",
    "legacy": r"LEGACY, uniform over \d+ sampled panels; π is a Monte Carlo estimate",
    "random": r"simple random selection without quotas, .+; its true π is \d+/\d+ for every rater",
    **{f"no_{name}": rf"the configuration has no \[\[{name}\]\]" for name in ("lotteries", "draws", "conditions")},
    **{f"no_{name}": rf"the configuration has no \[{name}\]" for name in ("train", "answer", "judge")},
}


def same_key(found: Any, key: str | None, what: str, event: int) -> None:
    """Ends a check where neither a key nor the sentence of before stands where it follows from the rest."""
    if not (isinstance(found, str) and key in EARLIER and re.fullmatch(EARLIER[key], found)):
        same(found, key, what, event)
