"""What was found of a published panel, published π and published weights, in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.facts.plural import number_of
from storage.findings.plain_numbers import as_number
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
    found = [_optimum(row, _others(listed, "pi")) for row in listed if (row.method, row.measure) == ("pi", "leximin")]
    seats = [row for row in listed if (row.method, row.measure) == ("panel", "seats")]
    found += [_quotas(seats, _others(listed, "panel"))] if seats else []
    of_pi = {"of_published_pi": "published", "of_own_pi": "the run's own"}
    weights = [row for row in listed if row.method == "pairs" and row.measure in of_pi]
    return found + [_weights(row, of_pi[str(row.measure)]) for row in weights]


def _others(rows: Iterable[PublishedRow], method: str) -> str:
    """What to add where a file and the pool do not have the same people."""
    told = ("people", "people_unknown") if method == "pi" else ("people_unknown",)
    counts = [row for row in rows if row.method == method and row.measure in told]
    return ", of the people whom both the file and the pool have" if any(r.verdict != "equal" for r in counts) else ""


def _optimum(row: PublishedRow, others: str) -> str:
    if row.verdict == "equal":
        return f"published π: the optimum of LEXIMIN, level by level{others}"
    if row.verdict == "not_computed":
        return f"published π: whether they are LEXIMIN's is not known, for {REASONS_OF_PEOPLE['no_optimum']}"
    apart = f"{row.other} is {_shown(row.published)} against {_shown(row.recomputed)}"
    if row.reason == "not_optimal":
        return f"published π: not optimal, {apart} of the run's own LEXIMIN"
    return f"published π: {apart} of the run's own lottery; {REASONS_OF_PEOPLE.get(str(row.reason), row.reason)}"


def _quotas(seats: Sequence[PublishedRow], others: str) -> str:
    broken = [row for row in seats if row.verdict != "equal"]
    if not broken:
        return f"published panel: keeps all {len(seats)} quotas{others}"
    told = ", ".join(
        f"{row.other} has {_shown(row.published)} and may have {_shown(row.low)} to {_shown(row.high)}"
        for row in broken[:5]
    )
    rest = f" and {number_of(len(broken) - 5, 'other')}" if len(broken) > 5 else ""
    return f"published panel: breaks {len(broken)} of {len(seats)} quotas{others}: {told}{rest}"


def _weights(row: PublishedRow, whose: str) -> str:
    named = f"published weights ({row.file})"
    fit = _FITS.get(str(row.other), row.other)
    if row.verdict == "equal":
        if row.other in ("equal", "unweighted"):
            return f"{named}: {fit}, whatever {whose} π are"
        return f"{named}: those of {whose} π, as {fit} over the number of pairs"
    away = f"differs by up to {_shown(row.published)} in proportion"
    return f"{named}: not those of {whose} π; the closest, {fit}, {away}"


def _shown(value: object) -> str:
    """A number of a view, which in a stranger's record may be none."""
    found = as_number(value)
    return "?" if found is None else f"{found:.6g}"
