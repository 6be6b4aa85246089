"""What was found of a published panel, published π and published weights, in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.facts.plural import number_of
from storage.record.rows import PublishedRow

WHAT_OF_PEOPLE = {"pi": "π", "panel": "panel", "pairs": "weighted pairs"}
"""Kinds of files about people in words."""

REASONS_OF_PEOPLE = {
    "other_people": "the file has other people than the run's pool",
    "other_size": "the file is of a panel of another size",
    "unequal_types": "people with equal attributes have different π",
    "not_optimal": "LEXIMIN did not reach its optimum: a lottery within the quotas gives the worse-off more",
    "beyond_optimum": "no lottery within these quotas gives the worse-off that much: the quotas or the pool are others",
    "other_order": "the same π, and other people have them",
    "no_optimum": "the run's own lottery is not LEXIMIN",
    "quota_broken": "the panel is outside a quota",
    "other_pairs": "people have another number of pairs than in the run",
    "unequal_within": "pairs of one person have different weights",
    "other_weights": "no known transform of π, divided by the number of pairs, gives the weights",
}
"""Keys of reasons in words."""

LEGEND_OF_PEOPLE = "of a panel, π and weights, equal: counts are the same, π and proportions of weights to 0.000001"

_FITS = {
    "identity": "π",
    "sqrt": "√π",
    "square": "π²",
    "clipped": "π clipped at its 5 % and 95 % quantiles",
    "equal": "one weight for every person (as of one panel)",
    "unweighted": "one weight for every pair",
}


def people_told(rows: Iterable[PublishedRow]) -> list[str]:
    """A sentence for π, for the panel and for each source of weights."""
    listed = list(rows)
    found = [_optimum(row) for row in listed if (row.method, row.measure) == ("pi", "leximin")]
    seats = [row for row in listed if (row.method, row.measure) == ("panel", "seats")]
    found += [_quotas(seats)] if seats else []
    of_pi = {"of_published_pi": "published", "of_own_pi": "the run's own"}
    weights = [row for row in listed if row.method == "pairs" and row.measure in of_pi]
    return found + [_weights(row, of_pi[str(row.measure)]) for row in weights]


def _optimum(row: PublishedRow) -> str:
    if row.verdict == "equal":
        return "published π: the optimum of LEXIMIN, level by level"
    apart = f"{row.other} is {row.published:.6g} against {row.recomputed:.6g}"
    if row.reason == "not_optimal":
        return f"published π: not optimal, {apart} of the run's own LEXIMIN"
    return f"published π: {apart} of the run's own lottery; {REASONS_OF_PEOPLE.get(str(row.reason), row.reason)}"


def _quotas(seats: Sequence[PublishedRow]) -> str:
    broken = [row for row in seats if row.verdict != "equal"]
    if not broken:
        return f"published panel: keeps all {len(seats)} quotas"
    told = ", ".join(
        f"{row.other} has {row.published:g} and may have {row.low:g} to {row.high:g}" for row in broken[:5]
    )
    rest = f" and {number_of(len(broken) - 5, 'other')}" if len(broken) > 5 else ""
    return f"published panel: breaks {len(broken)} of {len(seats)} quotas: {told}{rest}"


def _weights(row: PublishedRow, whose: str) -> str:
    fit = _FITS.get(str(row.other), row.other)
    if row.verdict == "equal":
        if row.other in ("equal", "unweighted"):
            return f"published weights: {fit}, whatever {whose} π are"
        return f"published weights: those of {whose} π, as {fit} over the number of pairs"
    return f"published weights: not those of {whose} π; the closest, {fit}, is up to {row.published:.1%} away"
