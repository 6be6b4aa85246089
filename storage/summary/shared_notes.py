"""Notes of leaderboards: what all of them say is said once, above them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def shared(notes: Mapping[str, Sequence[str]]) -> tuple[list[str], dict[str, list[str]]]:
    """What all boards say, and what each says beside it; of one board alone, everything is its own."""
    first = next(iter(notes.values()), [])
    common = [note for note in first if len(notes) > 1 and all(note in of for of in notes.values())]
    return common, {method: [note for note in of if note not in common] for method, of in notes.items()}
