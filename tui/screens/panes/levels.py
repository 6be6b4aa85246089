"""The levels of LEXIMIN as a table: who shares a probability, and which quotas hold it down."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from rich.text import Text

from core.facts.sortition.undecided import room, undecided
from core.visible import one_line
from storage.record.rows import LevelRow
from storage.withheld import word_of
from tui.widgets.figures import left, number, right, whole

HEADINGS = [">level", ">π", ">raters", ">types", "proof", "held down by"]

_MOST_NAMED = 3


def level_rows(levels: Sequence[LevelRow], sizes: Mapping[int, int], absent: str) -> list[tuple[int, list[Text]]]:
    """One row per level, lowest first; sizes[t] is the number of raters of type t, `absent` why types are not here."""
    return [(level.level, _cells(level, sizes, word_of(absent))) for level in levels]


def _cells(level: LevelRow, sizes: Mapping[int, int], absent: str) -> list[Text]:
    types = json.loads(level.types or "[]")
    return [
        right(whole(level.level)),
        right(number(level.probability, 4)),
        right(absent or whole(sum(sizes.get(t, 0) for t in types))),
        right(absent or whole(len(types))),
        left(proof_word(level)),
        left(_binding(json.loads(level.binding or "{}"))),
    ]


def proof_word(level: LevelRow) -> str:
    """What the proof of a level rests on, in a word or two."""
    words = {"quotas": "exact", "panels": "needs a solver", "certain": "certain"}
    found = words.get(str(level.proof), "–")
    higher = room(vars(level))
    if higher is not None:
        return f"undecided: up to {higher:.1e} higher"
    if not _has_gap(level):
        return found
    return f"{'proved' if found == 'exact' else found}, with a gap"  # what is known up to rounding is not exact


def _has_gap(level: LevelRow) -> bool:
    return level.gap not in (None, "0")


def _binding(binding: Mapping[str, float]) -> str:
    """The quotas that matter most first: 'religion: Christian (upper)'."""
    ordered = sorted(binding, key=lambda name: -binding[name])
    named = ", ".join(one_line(name, 40) for name in ordered[:_MOST_NAMED])
    more = len(ordered) - _MOST_NAMED
    return f"{named} and {more} more" if more > 0 else named


def proof_note(levels: Sequence[LevelRow]) -> str:
    """One sentence about the certificate as a whole."""
    if not levels or any(level.proof is None for level in levels):
        return ""
    solver = sum(level.proof == "panels" for level in levels)
    open_levels = len(undecided(map(vars, levels)))
    gaps = sum(map(_has_gap, levels)) - open_levels
    count = f"{len(levels)} level{'s' if len(levels) != 1 else ''}"
    if not solver and not gaps and not open_levels:
        return f"{count}, each proved by exact fractions that need no solver to check"
    parts = [f"{solver} rest on a bound that only a solver can confirm"] if solver else []
    parts += [f"{gaps} leave a stated gap"] if gaps else []
    parts += [f"{open_levels} could not be decided, so LEXIMIN is not proved"] if open_levels else []
    return f"{count}, of which {', '.join(parts[:-1])}{' and ' if parts[1:] else ''}{parts[-1]}"
