"""Accuracy, margin and log-loss of held-out pairs, against numpy and numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from core.facts.randomness import RandomStream
from core.facts.training.held_out_metrics import (
    CONFIDENCE,
    FEWEST_RATERS,
    METRICS,
    RESAMPLES,
    HeldOutValue,
    RaterResamples,
    held_out_values,
)


def by_name(rows: list[HeldOutValue]) -> dict[tuple[str, str, str | None], HeldOutValue]:
    return {(row.scope, row.metric, row.category): row for row in rows}


def test_numbers_worked_out_by_hand() -> None:
    margins, raters = [0.0, 2.0, -1.0, 1.0, 1.0, 1.0, 1.0], [0, 0, 1, 2, 3, 4, 4]
    overall, categories = held_out_values(margins, raters, {("age", "old"): [0, 1], ("age", "young"): [9]}, None)
    found = by_name([*overall, *categories])
    assert found["micro", "accuracy", None].value == pytest.approx(5.5 / 7), "a tie counts half"
    assert found["macro", "accuracy", None].value == pytest.approx((0.75 + 0 + 1 + 1 + 1) / 5)
    assert found["micro", "margin", None].value == pytest.approx(5 / 7)
    losses = [math.log(2), math.log1p(math.exp(-2)), math.log1p(math.e), *[math.log1p(math.exp(-1))] * 4]
    assert found["micro", "log_loss", None].value == pytest.approx(sum(losses) / 7)
    old = found["category", "accuracy", "old"]
    assert (old.value, old.raters, old.pairs, old.low) == (pytest.approx(0.375), 2, 3, None)
    assert {row.category for row in categories} == {"old"}, "nobody of the other category was measured"


def test_a_large_margin_neither_overflows_nor_vanishes() -> None:
    rows = by_name(held_out_values([-1e4, 1e4, 800.0, -1.0, 1.0], range(5), {}, None)[0])
    assert rows["micro", "log_loss", None].value == pytest.approx(
        (1e4 + math.log1p(math.e) + math.log1p(1 / math.e)) / 5
    )


def test_over_few_raters_every_number_is_about_people() -> None:
    overall, people = held_out_values([1.0] * 4, range(FEWEST_RATERS - 1), {}, None)
    assert overall == []
    assert [(row.scope, row.metric) for row in people] == [(s, m) for s in ("micro", "macro") for m in METRICS]
    assert len(held_out_values([1.0] * 5, range(FEWEST_RATERS), {}, None)[0]) == 6


def test_the_minimum_is_the_lowest_category_with_enough_raters() -> None:
    margins = [-1.0] * 4 + [-1.0, 1.0, 1.0, 1.0, 1.0] + [1.0] * 5
    groups = {("a", "few"): range(4), ("a", "low"): range(4, 9), ("b", "high"): range(9, 14)}
    _, categories = held_out_values(margins, range(14), groups, None)
    lowest = [row for row in categories if row.scope == "minimum"]
    assert [(row.category, row.metric) for row in lowest] == [("low", metric) for metric in METRICS]
    assert lowest[0].value == pytest.approx(0.8)
    assert categories[-3:] == lowest


def test_intervals_are_those_of_numpy_over_the_same_resamples() -> None:
    generator = np.random.default_rng(3)
    margins, raters = generator.normal(size=60), np.sort(generator.integers(0, 12, size=60))
    resamples = RaterResamples(RandomStream(5, "test"))
    groups = {("age", "old"): list(range(0, 12, 2)), ("age", "young"): list(range(1, 12, 2))}
    overall, categories = held_out_values(margins.tolist(), raters.tolist(), groups, resamples)
    present = np.unique(raters)
    numbers = np.stack([(margins > 0).astype(float), margins, np.logaddexp(0, -margins)])
    sums = np.stack([numbers[:, raters == r].sum(axis=1) for r in present], axis=1)  # (3, R)
    counts = np.array([(raters == r).sum() for r in present])
    tails = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    drawn = np.array([list(some) for some in resamples.of(len(present))])
    assert drawn.shape == (RESAMPLES, len(present))
    means = sums / counts
    found = by_name([*overall, *categories])
    for place, metric in enumerate(METRICS):
        micro, macro = found["micro", metric, None], found["macro", metric, None]
        low, high = np.quantile(sums[place][drawn].sum(axis=1) / counts[drawn].sum(axis=1), tails)
        assert (micro.low, micro.high) == (pytest.approx(low), pytest.approx(high))
        low, high = np.quantile(means[place][drawn].mean(axis=1), tails)
        assert (macro.low, macro.high) == (pytest.approx(low), pytest.approx(high))
        for category, listed in (("old", groups["age", "old"]), ("young", groups["age", "young"])):
            own = means[place][np.isin(present, listed)]
            some = np.array([list(chosen) for chosen in resamples.of(len(own))])
            low, high = np.quantile(own[some].mean(axis=1), tails)
            row = found["category", metric, category]
            assert (row.low, row.high, row.raters) == (pytest.approx(low), pytest.approx(high), len(own))


@pytest.mark.long
def test_an_interval_covers_as_often_as_it_says() -> None:
    """Of 150 samples of 40 raters whose accuracies differ, each with 5 pairs; 95 % within four standard errors."""
    generator = np.random.default_rng(11)
    resamples = RaterResamples(RandomStream(1, "test"))
    covered = 0
    for _ in range(150):
        chance = generator.beta(6, 4, size=40)
        margins = np.where(generator.random((40, 5)) < chance[:, None], 1.0, -1.0)
        rows = by_name(
            held_out_values(margins.ravel().tolist(), np.repeat(np.arange(40), 5).tolist(), {}, resamples)[0]
        )
        macro = rows["macro", "accuracy", None]
        assert macro.low is not None
        assert macro.high is not None
        covered += macro.low <= 0.6 <= macro.high
    assert covered >= 150 * (0.93 - 4 * math.sqrt(0.95 * 0.05 / 150))
