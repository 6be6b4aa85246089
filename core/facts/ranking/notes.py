"""What a leaderboard says beside its numbers, as sentences."""

from __future__ import annotations

from collections.abc import Mapping

from core.facts.ranking.positions import BY_SCORE

VOTES_NOTE = "score is pairwise votes won minus votes lost"

MEAN_POSITION_NOTE = "score is the mean position over resamples"

REMEDY = "half a win each way was added to every pair"
"""What is done where the likelihood has no maximum."""

MAJORITY_NOTE = f"the majority-level estimate does not exist: {REMEDY} there"


def held_fixed_note(resample: str, units: int) -> str:
    """What the intervals hold fixed; `resample` is questions, rankings or clauses, `units` how many there are."""
    note = (
        f"checkpoints held fixed: intervals resample {resample} ({units} of them) "
        "and say nothing of other draws or training seeds"
    )
    one = resample.removesuffix("s")
    return note if units > 1 else f"{note}; there is only one {one}, so intervals have no width"


def shared_places_notes(places: Mapping[str, int], rule: int) -> tuple[str, ...]:
    """Which conditions share a position, if any do, and what they have in common for it."""
    tied: dict[int, list[str]] = {}
    for condition, position in places.items():
        tied.setdefault(position, []).append(condition)
    groups = [" = ".join(sorted(names)) for _, names in sorted(tied.items()) if len(names) > 1]
    equal = "scores" if rule == BY_SCORE else "places in the consensus"
    return (f"equal {equal} share the better position: {', '.join(groups)}",) if groups else ()


def separable_notes(data: bool, resamples: int) -> tuple[str, ...]:
    """Where no finite estimate exists: in the data as given, or in how many resamples."""
    if data:
        return (f"no finite estimate exists, because some conditions are always ranked above the others: {REMEDY}",)
    if resamples:
        return (f"no finite estimate exists in {resamples} resamples: {REMEDY} there",)
    return ()


def published_notes(vanished: tuple[bool, int], unsettled: tuple[bool, int]) -> tuple[str, ...]:
    """What became of the published iteration: each pair says whether in the data, and in how many resamples."""
    notes: list[str] = []
    if any(vanished):
        notes.append(
            "the published iteration drives the weight of a condition that is often last to zero, here in "
            f"{_where(*vanished)}: its score is -inf there, and the others' scores sum to zero"
        )
    if any(unsettled):
        notes.append(f"the published iteration did not settle in {_where(*unsettled)}; scores are what it reached")
    return tuple(notes)


def _where(data: bool, resamples: int) -> str:
    return f"the data as given and {resamples} resamples" if data else f"{resamples} resamples"


def best_orders_note(orders: int, counted: bool, rule: int) -> str:
    """How many orders are equally good, a lower bound where they were not all counted, and which one the board has."""
    least = "" if counted else "at least "
    if rule == BY_SCORE:
        if orders == 1 and counted:
            return "the Kemeny order is unique"
        return f"{least}{orders} Kemeny orders are equally good; a position is the mean over them"
    if orders == 1 and counted:
        return "rows stand in the Kemeny order, which is unique"
    return f"{least}{orders} Kemeny orders are equally good; rows stand in the order of the mean place over them"


def train_note(rankings: int) -> str:
    """What Mallows' score is the mean of."""
    return f"score is the mean position over resamples of the {rankings} rankings that are not held out"
