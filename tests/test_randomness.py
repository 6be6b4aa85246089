"""The audited stream: anyone must be able to re-derive it with the standard library alone."""

from __future__ import annotations

import hashlib
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.facts.randomness import RandomStream, derive_seed
from core.random_arrays import integers


def words_by_hand(seed: int, path: list[str], count: int) -> list[int]:
    """The documented construction, written again from its description."""
    message = b""
    for part in ["dempo-random-1", str(seed), *path]:
        message += len(part.encode()).to_bytes(8, "big") + part.encode()
    key = hashlib.sha256(message).digest()
    out: list[int] = []
    for counter in range(count):
        block = hashlib.sha256(key + counter.to_bytes(8, "big")).digest()
        out += [int.from_bytes(block[i : i + 8], "big") for i in range(0, 32, 8)]
    return out[:count]


def test_words_are_sha256_in_counter_mode() -> None:
    stream = RandomStream(7, "draw", "main")
    assert [stream.word() for _ in range(9)] == words_by_hand(7, ["draw", "main"], 9)


def test_below_skips_words_that_would_bias_the_result() -> None:
    n = 2**63 + 1  # the largest multiple of n below 2^64 is n itself, so about half of all words are skipped
    expected = [w % n for w in words_by_hand(1, ["x"], 64) if w < n][:20]
    stream = RandomStream(1, "x")
    assert [stream.below(n) for _ in range(20)] == expected


@given(st.integers(1, 1000), st.lists(st.integers(0, 9), max_size=6))
def test_bulk_integers_equal_single_ones_however_they_are_mixed(n: int, sizes: list[int]) -> None:
    bulk, single = RandomStream(3, "mix"), RandomStream(3, "mix")
    for size in sizes:
        assert list(integers(bulk, n, size)) == [single.below(n) for _ in range(size)]
        assert bulk.word() == single.word()
        assert bulk.many_below(n, size) == [single.below(n) for _ in range(size)]


def test_bulk_integers_skip_the_words_that_single_ones_skip() -> None:
    n = 2**62 - 1  # some of the words are skipped
    few = 2**63 + 1  # and here about half
    bulk, single = RandomStream(4, "skip"), RandomStream(4, "skip")
    assert list(integers(bulk, n, 50)) == [single.below(n) for _ in range(50)]
    assert bulk.many_below(few, 50) == [single.below(few) for _ in range(50)]
    assert bulk.word() == single.word()


@pytest.mark.parametrize("n", [0, -1, 2**64 + 1])
def test_below_refuses_a_range_it_cannot_cover(n: int) -> None:
    with pytest.raises(ValueError, match="between 1 and"):
        RandomStream(0).below(n)


def test_paths_do_not_collide_by_concatenation() -> None:
    assert RandomStream(0, "ab", "c").word() != RandomStream(0, "a", "bc").word()
    assert RandomStream(0, "a").child("b").word() == RandomStream(0, "a", "b").word()
    assert derive_seed(0, "a") != derive_seed(1, "a")
    assert 0 <= derive_seed(5, "x") < 2**63


@given(st.integers(0, 2**32), st.integers(0, 12), st.integers(0, 12))
def test_a_sample_holds_distinct_items_and_a_shuffle_keeps_them(seed: int, size: int, k: int) -> None:
    items = list(range(size))
    stream = RandomStream(seed, "s")
    if k <= size:
        taken = stream.sample(items, k)
        assert len(set(taken)) == k
        assert set(taken) <= set(items)
    else:
        with pytest.raises(ValueError, match="cannot take"):
            stream.sample(items, k)
    shuffled = items.copy()
    stream.shuffle(shuffled)
    assert sorted(shuffled) == items


def test_weighted_draws_follow_their_integer_weights() -> None:
    stream = RandomStream(11, "w")
    counts = Counter(stream.weighted([1, 0, 3]) for _ in range(4000))
    assert counts[1] == 0
    assert 0.22 < counts[0] / 4000 < 0.28  # four standard errors around 1/4


def test_every_order_of_three_is_equally_likely() -> None:
    stream = RandomStream(2, "orders")
    counts: Counter[tuple[int, ...]] = Counter()
    for _ in range(6000):
        items = [0, 1, 2]
        stream.shuffle(items)
        counts[tuple(items)] += 1
    assert len(counts) == 6
    assert all(abs(count - 1000) < 130 for count in counts.values())  # more than four standard deviations
