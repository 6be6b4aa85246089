"""The draw: anyone must be able to redo it from the record, and everyone must have the chance recorded."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence

import pytest

from core.facts.randomness import RandomStream, derive_key
from core.sortition.draws.draw import alternates_of, draw_panel
from core.types import LOTTERY_DENOMINATOR, Lottery

TYPE_OF = (1, 0, 1, 2, 1, 0, 2, 1)
SIXTEENTH = LOTTERY_DENOMINATOR // 16
LOTTERY = Lottery(
    name="main",
    size=3,
    type_sizes=(2, 4, 2),
    panels=((2, 1, 0), (1, 1, 1), (0, 3, 0)),
    numerators=(5 * SIXTEENTH, 8 * SIXTEENTH, 3 * SIXTEENTH),
)


def words(key: bytes) -> Iterator[int]:
    """The stream's 64-bit words, written from the description in `core.facts.randomness`."""
    block = 0
    while True:
        body = hashlib.sha256(key + block.to_bytes(8, "big")).digest()
        for i in range(0, 32, 8):
            yield int.from_bytes(body[i : i + 8], "big")
        block += 1


def redraw(numerators: Sequence[int], panels: Sequence[Sequence[int]], type_of: Sequence[int], seed: str) -> list[int]:
    """The draw with the standard library alone."""
    source = words(bytes.fromhex(seed))

    def below(n: int) -> int:
        while (value := next(source)) >= 2**64 - 2**64 % n:
            pass
        return value % n

    point, panel = below(sum(numerators)), 0
    while point >= numerators[panel]:
        point -= numerators[panel]
        panel += 1
    chosen = []
    for t, count in enumerate(panels[panel]):
        people = [i for i, other in enumerate(type_of) if other == t]
        for j in range(count):
            swap = j + below(len(people) - j)
            people[j], people[swap] = people[swap], people[j]
        chosen += people[:count]
    return sorted(chosen)


def test_draw_is_rederived_from_the_recorded_seed_by_hashlib_alone() -> None:
    for number in range(200):
        path = ("draw", f"d{number}")
        _, members = draw_panel(LOTTERY, TYPE_OF, RandomStream(7, *path))
        assert list(members) == redraw(LOTTERY.numerators, LOTTERY.panels, TYPE_OF, derive_key(7, *path).hex())


def test_draw_has_the_composition_it_names_and_is_in_source_order() -> None:
    for number in range(50):
        panel, members = draw_panel(LOTTERY, TYPE_OF, RandomStream(1, str(number)))
        counted = Counter(TYPE_OF[i] for i in members)
        assert tuple(counted[t] for t in range(3)) == LOTTERY.panels[panel]
        assert list(members) == sorted(set(members))


def test_frequencies_are_the_inclusion_probabilities() -> None:
    """4,000 draws: every rater's share lies within 4.5 standard errors of π (seeds are fixed)."""
    draws = 4000
    counted: Counter[int] = Counter()
    for number in range(draws):
        counted.update(draw_panel(LOTTERY, TYPE_OF, RandomStream(2, str(number)))[1])
    for i, t in enumerate(TYPE_OF):
        pi = float(LOTTERY.inclusion_by_type()[t])
        assert counted[i] / draws == pytest.approx(pi, abs=4.5 * (pi * (1 - pi) / draws) ** 0.5)


def test_draw_from_another_pool_is_refused() -> None:
    with pytest.raises(ValueError, match="made for a pool with other types"):
        draw_panel(LOTTERY, (0, 1, 2), RandomStream(1))


UNIFORM = Lottery(
    name="even",
    size=3,
    type_sizes=(2, 4, 2),
    panels=((1, 1, 1), (1, 1, 1), (0, 3, 0)),
    numerators=(1, 1, 1),
    denominator=3,
    members=((0, 1, 3), (2, 5, 6), (0, 2, 4)),
)


def test_the_panel_of_a_uniform_lottery_names_its_members() -> None:
    drawn: Counter[int] = Counter()
    for number in range(300):
        panel, members = draw_panel(UNIFORM, TYPE_OF, RandomStream(1, str(number)))
        assert panel == next(words(derive_key(1, str(number)))) % 3
        assert members == UNIFORM.members[panel]
        drawn[panel] += 1
    assert min(drawn.values()) > 75


def alternates_by_hand(type_of: Sequence[int], members: Sequence[int], seed: str) -> dict[int, list[int]]:
    """The order of the alternates with the standard library alone."""
    message = b"".join(
        len(part).to_bytes(8, "big") + part for part in (b"dempo-random-1", bytes.fromhex(seed), b"alternates")
    )
    source = words(hashlib.sha256(message).digest())
    found = {}
    for t in sorted({type_of[i] for i in members}):
        people = [i for i, other in enumerate(type_of) if other == t and i not in members]
        for j in range(len(people)):
            left = len(people) - j
            while (value := next(source)) >= 2**64 - 2**64 % left:
                pass
            swap = j + value % left
            people[j], people[swap] = people[swap], people[j]
        found[t] = people
    return found


def test_alternates_are_rederived_from_the_recorded_seed_by_hashlib_alone() -> None:
    for number in range(100):
        key = derive_key(7, "draw", f"d{number}")
        _, members = draw_panel(LOTTERY, TYPE_OF, RandomStream.from_key(key))
        found = alternates_of(TYPE_OF, members, key)
        assert {t: list(order) for t, order in found.items()} == alternates_by_hand(TYPE_OF, members, key.hex())


def test_alternates_are_everyone_else_of_the_types_on_the_panel() -> None:
    assert {t: sorted(order) for t, order in alternates_of(TYPE_OF, (0, 2, 4), bytes(32)).items()} == {1: [7]}
    everyone = alternates_of(TYPE_OF, (0, 1, 3), bytes(32))
    assert {t: sorted(order) for t, order in everyone.items()} == {0: [5], 1: [2, 4, 7], 2: [6]}


def test_every_order_of_alternates_is_equally_likely() -> None:
    """2,400 keys: each of six orders within 4.5 standard errors of 400."""
    orders = Counter(alternates_of(TYPE_OF, (0,), derive_key(3, str(n)))[1] for n in range(2400))
    assert len(orders) == 6
    assert all(abs(count - 400) < 4.5 * (2400 * 5 / 36) ** 0.5 for count in orders.values())


def test_a_stream_from_its_key_is_the_stream() -> None:
    stream = RandomStream(7, "draw", "main")
    again = RandomStream.from_key(stream.key)
    assert [again.word() for _ in range(9)] == [stream.word() for _ in range(9)]
    assert again.child("a", "b").word() == again.child("a").child("b").word()
    assert again.child("a").word() != RandomStream.from_key(stream.key).word()
    with pytest.raises(ValueError, match="has 32 bytes, not 3"):
        RandomStream.from_key(b"abc")
