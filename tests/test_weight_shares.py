"""Due and realised weight: what an estimator takes from those whom the lottery gives more."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.facts.randomness import RandomStream
from core.facts.training.schedule import eligible_draws, weighted_draws
from core.facts.training.shares import deciles_by, realised_shares, shares_of, weights_in_loss
from storage.record.rows import ShareRow
from storage.weight_shares import share_table, top_sentences

OMEGA = st.lists(st.floats(1e-6, 1e3), min_size=12, max_size=12)


@given(OMEGA)
def test_the_published_loss_is_the_mean_of_means_over_micro_batches(omega):
    losses = np.arange(1.0, 13.0)
    expected = np.mean([np.average(losses[i : i + 4], weights=omega[i : i + 4]) for i in range(0, 12, 4)])
    counted = weights_in_loss(omega, "published", 4)
    assert np.average(losses, weights=counted) == pytest.approx(expected)


@given(OMEGA)
def test_one_micro_batch_is_the_step_and_one_pair_cancels_every_weight(omega):
    losses = np.arange(1.0, 13.0)
    whole = np.average(losses, weights=weights_in_loss(omega, "step_normalised", 4))
    assert np.average(losses, weights=weights_in_loss(omega, "published", 12)) == pytest.approx(whole)
    assert weights_in_loss(omega, "published", 1) == [1.0] * 12 == weights_in_loss(omega, "weighted_sampling", 3)


def test_deciles_are_tenths_in_the_given_order_where_chances_are_equal():
    assert deciles_by([Fraction(1, 3)] * 20) == [d for d in range(1, 11) for _ in range(2)]
    assert deciles_by([Fraction(1, 3), Fraction(1, 3) - Fraction(1, 2**53)] * 5) == list(range(1, 11))
    assert deciles_by([Fraction(25 - i, 30) for i in range(25)])[:3] == [10, 10, 9]
    assert [deciles_by([Fraction(i, 30) for i in range(25)]).count(d) for d in range(1, 11)] == [3, 2] * 5
    assert deciles_by([Fraction(1, 2), Fraction(1, 3), Fraction(1)]) == [4, 1, 7]


@given(st.lists(st.tuples(st.integers(1, 10), st.floats(1e-3, 10)), min_size=1, max_size=30))
def test_shares_add_up(rows):
    found = shares_of([d for d, _ in rows], [a for _, a in rows])
    assert sum(found) == pytest.approx(1)
    assert found[2] == pytest.approx(sum(a for d, a in rows if d == 3) / sum(a for _, a in rows))


RATERS, STEPS, BATCH = 400, 3000, 32


@pytest.fixture(scope="module")
def skewed():
    """(deciles, weights, counts, first pair) of raters of whom few have a large π, as on PRISM."""
    generator = np.random.default_rng(0)
    chances = [
        Fraction(float(pi)).limit_denominator(10**6) for pi in np.exp(generator.normal(-3, 1.3, RATERS)).clip(0, 1)
    ]
    counts = generator.integers(20, 60, RATERS)
    return deciles_by(chances), np.array([float(pi) for pi in chances]), counts, np.cumsum(counts) - counts


def expected_top_share(skewed, size, draws=400_000):
    """E of the top tenth's share of Σω over `size` pairs drawn uniformly, by numpy's own draws."""
    deciles, weights, counts, _ = skewed
    top, generator = np.array(deciles) == 10, np.random.default_rng(1)
    omega = np.repeat(weights / counts, counts)
    inside = np.repeat(top, counts)
    picked = generator.integers(len(omega), size=(draws // size, size))
    return float(((omega * inside)[picked].sum(axis=1) / omega[picked].sum(axis=1)).mean())


def realised_top(skewed, estimator, micro_batch):
    """The top tenth's realised share over a schedule, as a condition would record it."""
    deciles, weights, counts, first = skewed
    stream = RandomStream(3, "shares")
    if estimator == "weighted_sampling":
        rater = [r for r, _ in weighted_draws(weights.tolist(), counts.tolist(), STEPS * BATCH, stream)]
    else:
        pairs = eligible_draws(range(int(counts.sum())), STEPS * BATCH, "with_replacement", stream)
        rater = (np.searchsorted(first, pairs, side="right") - 1).tolist()
    counted = weights_in_loss([weights[r] / counts[r] for r in rater], estimator, micro_batch)
    return realised_shares([deciles[r] for r in rater], counted, BATCH)[9]


@pytest.mark.long
@pytest.mark.parametrize("size", [1, 2, 4, 8, 16])
def test_the_published_estimator_gives_what_its_micro_batches_expect(skewed, size):
    assert realised_top(skewed, "published", size) == pytest.approx(expected_top_share(skewed, size), abs=0.01)


@pytest.mark.long
def test_more_pairs_give_more_and_weighted_draws_give_what_is_due(skewed):
    deciles, weights, counts, _ = skewed
    due, unweighted = shares_of(deciles, weights.tolist())[9], shares_of(deciles, counts.tolist())[9]
    assert realised_top(skewed, "step_normalised", 4) == pytest.approx(expected_top_share(skewed, BATCH), abs=0.01)
    assert realised_top(skewed, "published", BATCH) == pytest.approx(realised_top(skewed, "step_normalised", 4))
    found = [realised_top(skewed, "published", size) for size in (1, 2, 4, 8, 16, 32)]
    assert found == sorted(found)
    assert found[0] == pytest.approx(unweighted, abs=0.01)
    assert found[2] < 0.6 * due
    assert realised_top(skewed, "weighted_sampling", 4) == pytest.approx(due, abs=0.01)


def test_the_table_has_a_line_for_each_share():
    rows = [ShareRow("soft", d, 0.1, d / 55, 0.09) for d in range(1, 11)]
    table = share_table(rows)
    assert [(line["condition"], line["share"]) for line in table] == [
        (("soft"), s) for s in ("pairs", "due", "realised")
    ]
    assert (table[0]["1"], table[1]["10"], table[2]["4"]) == ("10.0", "18.2", "9.0")
    assert top_sentences(rows) == [
        "soft: the tenth of raters with the highest π is due 18.2 % of the weight and gets 9.0 %"
    ]
    assert share_table([ShareRow("soft", 1, "x", None, [])])[0]["1"] == "x", "a stranger's record may hold anything"
