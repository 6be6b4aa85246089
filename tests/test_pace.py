"""How many requests an endpoint gets at once, and how long it is waited for."""

from __future__ import annotations

import threading

import pytest
from jumping_clock import JumpingClock

from core.evaluation.endpoints.pace import Clock, Pace, Ticket

NEVER = threading.Event()


def pace(most: int = 32, patience: float = 1800.0) -> tuple[Pace, JumpingClock]:
    clock = JumpingClock()
    return Pace(most, patience, clock), clock


def send(one: Pace, count: int) -> list[Ticket]:
    """Tickets of requests that are in flight together."""
    tickets = [one.enter(NEVER) for _ in range(count)]
    return [ticket for ticket in tickets if ticket is not None]


def succeed(one: Pace, times: int) -> None:
    for _ in range(times):
        (ticket,) = send(one, 1)
        one.leave(ticket, "success")


def test_the_first_goes_alone_and_each_success_lets_one_more_in() -> None:
    one, _ = pace(most=4)
    seen = [one.at_once]
    for _ in range(5):
        succeed(one, 1)
        seen.append(one.at_once)
    assert seen == [1, 2, 3, 4, 4, 4]


def test_an_error_lets_nobody_in() -> None:
    one, _ = pace()
    (ticket,) = send(one, 1)
    one.leave(ticket, "other")
    assert one.at_once == 1


def test_no_more_than_that_are_in_flight() -> None:
    one, _ = pace(most=2)
    succeed(one, 5)
    first, _second = send(one, 2)
    entered = threading.Event()

    def third() -> None:
        one.enter(NEVER)
        entered.set()

    thread = threading.Thread(target=third, daemon=True)
    thread.start()
    assert not entered.wait(0.05)
    one.leave(first, "success")
    assert entered.wait(20)
    thread.join(20)


@pytest.mark.parametrize("came", ["limit", "busy"])
def test_a_push_back_halves_once_per_round_trip_and_never_below_one(came: str) -> None:
    one, _ = pace()
    succeed(one, 31)
    assert one.at_once == 32
    for ticket in send(one, 32):
        one.leave(ticket, came)  # type: ignore[arg-type]
    assert one.at_once == 16
    for expected in (8, 4, 2, 1, 1):
        (ticket,) = send(one, 1)
        one.leave(ticket, came)  # type: ignore[arg-type]
        assert one.at_once == expected


def test_after_a_push_back_a_window_of_successes_lets_one_more_in() -> None:
    one, _ = pace()
    succeed(one, 7)
    (ticket,) = send(one, 1)
    one.leave(ticket, "busy")
    assert one.at_once == 4
    succeed(one, 3)
    assert one.at_once == 4
    succeed(one, 1)
    assert one.at_once == 5
    succeed(one, 5 + 6)
    assert one.at_once == 7


def test_a_wait_that_is_asked_for_holds_every_call() -> None:
    one, clock = pace()
    succeed(one, 3)
    limited, other = send(one, 2)
    one.leave(limited, "limit", 42.0)
    one.leave(other, "success")
    assert one.told() == "rate limited, waiting 42 s, 2 of 32 at once"
    send(one, 1)
    assert clock.moment == 42


@pytest.mark.parametrize("waits", [(2.0, 30.0), (30.0, 2.0)])
def test_the_longest_wait_of_a_round_trip_counts(waits: tuple[float, float]) -> None:
    one, clock = pace()
    succeed(one, 3)
    first, second = send(one, 2)
    one.leave(first, "limit", waits[0])
    one.leave(second, "limit", waits[1])
    send(one, 1)
    assert clock.moment == 30


def test_without_a_word_pauses_grow_until_something_succeeds() -> None:
    one, clock = pace()
    waits = []
    for _ in range(9):
        (ticket,) = send(one, 1)
        before = clock.moment
        one.leave(ticket, "limit")
        (ticket,) = send(one, 1)
        waits.append(clock.moment - before)
        one.leave(ticket, "other")
    assert waits == [1, 2, 4, 8, 16, 30, 30, 30, 30]
    succeed(one, 1)
    (ticket,) = send(one, 1)
    before = clock.moment
    one.leave(ticket, "limit")
    send(one, 1)
    assert clock.moment - before == 1


def test_many_limits_of_one_round_trip_are_one_pause() -> None:
    one, clock = pace()
    succeed(one, 7)
    for ticket in send(one, 8):
        one.leave(ticket, "limit")
    send(one, 1)
    assert clock.moment == 1


def test_nothing_but_limits_is_waited_for_until_patience_is_over() -> None:
    one, clock = pace(patience=600)
    tries = 0
    while not one.exhausted:
        (ticket,) = send(one, 1)
        one.leave(ticket, "limit")
        tries += 1
    assert clock.moment == 600, "the last try comes when it ends"
    assert tries < 40


@pytest.mark.parametrize("came", ["success", "other"])
def test_any_other_answer_begins_patience_anew(came: str) -> None:
    one, clock = pace(patience=600)
    for _ in range(30):
        (ticket,) = send(one, 1)
        one.leave(ticket, "limit", 100.0)
        assert not one.exhausted
        (ticket,) = send(one, 1)
        one.leave(ticket, came)  # type: ignore[arg-type]
    assert clock.moment == 3000
    assert one.told() == ""


def test_no_answer_does_not_begin_patience_anew() -> None:
    one, _ = pace(patience=100)
    for came in ("limit", "busy", "limit"):
        (ticket,) = send(one, 1)
        one.leave(ticket, came, 60.0 if came == "limit" else None)  # type: ignore[arg-type]
    assert one.exhausted


def test_a_wait_longer_than_patience_is_not_begun() -> None:
    """Also where another call, sent before, gets its reply meanwhile."""
    one, clock = pace(patience=600)
    succeed(one, 1)
    succeed(one, 1)
    limited, other, later = send(one, 3)
    one.leave(limited, "limit", 601.0)
    one.leave(other, "success")
    clock.moment += 10
    one.leave(later, "limit")
    assert one.exhausted


def test_a_stop_ends_a_pause_and_a_wait_for_a_place() -> None:
    """Both would last for ever otherwise."""
    for came in ("limit", "success"):
        one, stop = Pace(1, 1e300, Clock()), threading.Event()
        (ticket,) = send(one, 1)
        one.leave(ticket, came, 1e300)  # type: ignore[arg-type]
        if came == "success":
            send(one, 1)
        found: list[Ticket | None] = []
        thread = threading.Thread(target=lambda one=one, stop=stop, found=found: found.append(one.enter(stop)))
        thread.start()
        thread.join(0.05)
        assert not found
        stop.set()
        thread.join(20)
        assert found == [None]
