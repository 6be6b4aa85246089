"""What a leaderboard says beside its numbers, as sentences made of its recorded values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.facts.ranking.intervals import EXPANDED, EXPANDED_BELOW, MOST_WITH_INTERVALS, NO_INTERVAL, PERCENTILE
from core.facts.ranking.methods import CONSENSUS_METHODS, LARGEST_DYNAMIC

REMEDY = "half a win each way was added to every pair"
"""What is done where the likelihood has no maximum."""


def notes_of(
    method: str,
    resample: str,
    units: int,
    places: Mapping[str, int],
    detail: Mapping[str, Any],
    families: Sequence[str] = (),
    interval: str = PERCENTILE,
) -> list[str]:
    """All notes of one board.

    Args:
        units: how many questions, rankings or clauses the intervals resample.
        places: the position of each condition.
        detail: what else the method found, by name; flags are 0 or 1.
        families: of conditions on the board that differ in their draw, whose spread is shown beside it.
        interval: the kind of the board's intervals.

    Raises:
        TypeError, ValueError: a detail is no number.
    """
    found = {name: float(value) for name, value in detail.items() if ":" not in name}
    return [
        *_interval(interval, resample, units),
        *_spread_shown(families),
        *_shared_places(places, method),
        *_of_method(method, found),
        *(_best_orders(found, len(places)) if "orders" in found else ()),
        *_same_order(found),
    ]


def held_fixed(resample: str, units: int) -> str:
    """What the intervals hold fixed."""
    told = "and say nothing of other draws or training seeds"
    note = f"checkpoints held fixed: intervals resample {resample} ({units} of them) {told}"
    return f"{note}; there is only one {resample.removesuffix('s')}, so intervals have no width" if units == 1 else note


def _interval(kind: str, resample: str, units: int) -> Iterator[str]:
    """Which intervals these are, where they are no plain percentiles, and what they hold fixed."""
    if kind == NO_INTERVAL:
        asked = "rank.published_intervals = true, or `dempo rank --published-intervals`, asks for them"
        yield f"no intervals above {MOST_WITH_INTERVALS} conditions: {asked}"
        return
    yield held_fixed(resample, units)
    if kind == EXPANDED:
        few = f"fewer than {EXPANDED_BELOW} {resample}"
        yield f"percentiles are expanded by Student's t, since those of {few} cover too little"


def _spread_shown(families: Sequence[str]) -> Iterator[str]:
    """That the spread over the members of families is shown, which intervals leave out."""
    if families:
        yield f"the spread between the members of {', '.join(families)} is shown beside the leaderboards"


def _shared_places(places: Mapping[str, int], method: str) -> Iterator[str]:
    """Which conditions share a position, if any do, and what they have in common for it."""
    tied: dict[int, list[str]] = {}
    for condition, position in places.items():
        tied.setdefault(position, []).append(condition)
    groups = [" = ".join(sorted(names)) for _, names in sorted(tied.items()) if len(names) > 1]
    if groups:
        equal = "places in the consensus" if method in CONSENSUS_METHODS else "scores"
        yield f"equal {equal} share the better position: {', '.join(groups)}"


def _of_method(method: str, found: Mapping[str, float]) -> Iterator[str]:
    if method == "copeland":
        yield "score is pairwise votes won minus votes lost"
    if method == "bradley_terry_majority":
        yield "a question counts once, for its majority, a tie half each way: whole questions or clauses are resampled"
    if method == "kemeny":
        yield "score is the mean position over resamples"
    if method == "mallows" and "train_rankings" in found:
        kept = f"the {found['train_rankings']:.0f} rankings that are not held out"
        yield f"score is the mean position over resamples of {kept}"
    if found.get("separable"):
        yield f"no finite estimate exists, because some conditions are always ranked above the others: {REMEDY}"
    elif found.get("separable_resamples"):
        yield f"no finite estimate exists in {found['separable_resamples']:.0f} resamples: {REMEDY} there"
    if found.get("majority_separable"):
        yield f"the majority-level estimate does not exist: {REMEDY} there"
    yield from _of_published(found)


def _of_published(found: Mapping[str, float]) -> Iterator[str]:
    """What became of the published iteration for Plackett-Luce."""
    vanished, gone = found.get("vanished", 0), found.get("vanished_resamples", 0)
    if vanished or gone:
        yield (
            "the published iteration drives the weight of a condition that is often last to zero, here in "
            f"{_where(vanished > 0, gone)}: its score is -inf there, and the others' scores sum to zero"
        )
    unsettled, others = not found.get("settled", 1), found.get("unsettled_resamples", 0)
    if unsettled or others:
        yield f"the published iteration did not settle in {_where(unsettled, others)}; scores are what it reached"


def _where(data: bool, resamples: float) -> str:
    return f"the data as given and {resamples:.0f} resamples" if data else f"{resamples:.0f} resamples"


def _same_order(found: Mapping[str, float]) -> Iterator[str]:
    """How often the resamples have the order of the data, or one of several."""
    if "exact_match" in found:
        which = "this order" if found.get("orders", 1) == 1 else "one of these"
        yield f"{found['exact_match']:.1%} of the resamples have {which}"


def _best_orders(found: Mapping[str, float], conditions: int) -> Iterator[str]:
    """How many orders are equally good, a lower bound where they were not all counted, and which one the board has."""
    orders, counted = found["orders"], bool(found.get("orders_counted", 1))
    if found.get("gap"):
        yield f"the order is not proven the best: another may have up to {found['gap']:.4g} votes more for it"
    elif orders == 1 and counted:
        yield "rows stand in the Kemeny order, which is unique"
    else:
        many = f"{'' if counted else 'at least '}{orders:.0f} Kemeny orders are equally good"
        yield f"{many}; rows stand in the order of the mean place over them"
    if found.get("unproven_resamples"):
        many = f"{found['unproven_resamples']:.0f} resamples"
        yield f"orders of {many} are not proven the best: no single condition can be moved in them for the better"
    if conditions > LARGEST_DYNAMIC:
        yield f"in cycles of more than {LARGEST_DYNAMIC} conditions one best order stands for all"
