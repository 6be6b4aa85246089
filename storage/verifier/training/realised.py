"""Due and realised weight by deciles of π, worked out again from the weights, the lottery and the schedule."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from core.facts.sources import source_kind
from core.facts.training.shares import DECILES, deciles_by, realised_shares, shares_of, weights_in_loss
from storage.verifier.contents.lotteries import chances_by_rater
from storage.verifier.contents.pool import PoolRead, in_order_of_pairs
from storage.verifier.ground.finding import brief, broken, same, spend
from storage.verifier.ground.record import Found, Record

FIRST_WITH_SHARES = 2
"""The version of the stage `conditions` from which on it measures what raters get of the weight."""


def has_shares(record: Record) -> bool:
    """Whether the code that made the stage `conditions` measured shares of weight."""
    started = [event for event in record.kept.get("stage.started", []) if event.stage == "conditions"]
    return bool(started) and started[-1].values["version"] >= FIRST_WITH_SHARES


def check_realised(record: Record, planned: Found, pool: PoolRead, pairs: Sequence[int]) -> None:
    """The shares of a condition, where it has them, are those of its schedule.

    Args:
        pairs: the numbers of the pairs of the schedule, as it was drawn again.
    """
    name = planned.values["condition"]
    for event in record.counted("weights.realised"):
        if event.values["condition"] == name:
            _check_shares(record, event, planned, pool, pairs)


def _check_shares(record: Record, event: Found, planned: Found, pool: PoolRead, pairs: Sequence[int]) -> None:
    kind, _, lottery = str(planned.values["source"]).partition(":")
    what = f"condition {brief(planned.values['condition'])}"
    if kind != "lottery":
        raise broken(f"{what} has shares of weight by π, and no lottery", event.seq)
    spend(record, 5 * len(pairs))
    chances = chances_by_rater(record, lottery, pool, event.seq)
    rows = {row["rater_id"]: row for row in planned.values["weights"]}
    everybody = in_order_of_pairs(record, pool)
    trained = [rater for rater, _ in everybody if rater in rows and rows[rater]["pairs"]]
    deciles = deciles_by([chances[rater] for rater in trained])
    decile = dict(zip(trained, deciles, strict=True))
    ends = list(accumulate(n for _, n in everybody))
    drawn = [everybody[bisect_right(ends, pair)][0] for pair in pairs]
    omega = [float(rows[rater]["weight"]) / rows[rater]["pairs"] for rater in drawn]
    counted = weights_in_loss(omega, planned.values["estimator"], planned.values.get("micro_batch") or 1)
    wanted: dict[str, list[float]] = {
        "raters": [float(deciles.count(number)) for number in range(1, DECILES + 1)],
        "pairs": shares_of(deciles, [rows[rater]["pairs"] for rater in trained]),
        "due": shares_of(deciles, [float(rows[rater]["weight"]) for rater in trained]),
        "realised": realised_shares([decile[rater] for rater in drawn], counted, planned.values["batch"]),
    }
    same(len(event.values["deciles"]), DECILES, f"{what}: the number of deciles of π", event.seq)
    for number, row in enumerate(event.values["deciles"]):
        same(row["decile"], number + 1, f"{what}: the number of a decile of π", event.seq)
        for key, values in wanted.items():
            told = f"{what}: {key} of decile {number + 1} of π"
            same(float(row[key]), values[number], told, event.seq)


def shares_in_unit(record: Record, source: object) -> int:
    """How many events of shares the unit of a condition with this source holds."""
    return int(source_kind(source) == "lottery" and has_shares(record))
