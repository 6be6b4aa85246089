"""Rankings of some of the conditions or by some of the judges: what they alone say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from core.data.files.csv_table import names, nearest
from core.errors import InputError, quoted
from core.facts.ranking.juries import label_of
from core.ranking.votes import Vote
from core.types import Ranking

Ballot = TypeVar("Ballot", Ranking, Vote)


def conditions_in(ballots: Iterable[Ranking] | Iterable[Vote]) -> list[str]:
    """The conditions in order of their names."""
    return sorted({name for one in ballots for name in (one.order if isinstance(one, Ranking) else one.pair)})


def chosen(texts: Iterable[str], known: Sequence[str], option: str, what: str) -> list[str]:
    """The names that an option lists: each text is one of the known names, or several with commas between them.

    Raises:
        InputError: a name is not known; with those that are.
    """
    found: list[str] = []
    for text in texts:
        for name in [text] if text in known else [part.strip() for part in text.split(",")]:
            if name not in known:
                raise InputError(
                    f"{option}: there is no {what} {quoted(name)}{nearest(name, known)} (there are: {names(known, 30)})"
                )
            found.append(name)
    return list(dict.fromkeys(found))


def of_judges(ballots: Sequence[Ballot], texts: Sequence[str]) -> list[Ballot]:
    """Those of some judges, named by label or by "label#n"; all where none is named.

    Raises:
        InputError: no judge is called so.
    """
    if not texts:
        return list(ballots)
    known = list(dict.fromkeys(name for one in ballots for name in (label_of(one.judge), one.judge)))
    wanted = set(chosen(texts, known, "--judge", "judge"))
    return [one for one in ballots if one.judge in wanted or label_of(one.judge) in wanted]


def of_conditions(ballots: Sequence[Ballot], only: Sequence[str], drop: Sequence[str]) -> list[Ballot]:
    """The same, restricted to some conditions: the others are struck out, and the order of the rest stays.

    Raises:
        InputError: no condition is called so, or fewer than two are left.
    """
    if not only and not drop:
        return list(ballots)
    known = conditions_in(ballots)
    dropped = set(chosen(drop, known, "--drop", "condition"))
    kept = {name for name in chosen(only, known, "--only", "condition") or known if name not in dropped}
    if len(kept) < 2:
        raise InputError(
            f"{'--only and --drop leave' if only and drop else '--only leaves' if only else '--drop leaves'} "
            f"{names(sorted(kept)) if kept else 'no condition'}; there is something to rank from two conditions on"
        )
    some = [one for one in (_restricted(one, kept) for one in ballots) if one is not None]
    if not some:
        raise InputError(f"no vote compares two of {names(sorted(kept))}; name others in --only or --drop")
    return some


def _restricted(one: Ballot, kept: set[str]) -> Ballot | None:
    if isinstance(one, Vote):
        return one if kept.issuperset(one.pair) else None
    return replace(one, order=tuple(name for name in one.order if name in kept))
