"""How long an endpoint asks to wait."""

from __future__ import annotations

import pytest

from core.evaluation.endpoints.retry_after import wait_asked


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "2"}, 2),
        ({"retry-after-ms": "0", "retry-after": "2"}, 2),
    ],
)
def test_seconds_and_milliseconds_are_read(headers: dict[str, str], seconds: float) -> None:
    assert wait_asked(headers) == seconds


def test_a_date_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1445412480.0 - 42)
    assert wait_asked({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 42


@pytest.mark.parametrize(
    "value",
    [
        "0",
        "-3",
        "Wed, 21 Oct 2015 07:28:00 GMT",
        "Wed, 99 Oct 99999999999 07:28:00 GMT",
        "soon",
        "nan",
        "inf",
        "-inf",
        "",
    ],
)
def test_what_asks_for_no_wait_says_nothing(value: str) -> None:
    """Or five tries would be gone within milliseconds."""
    assert wait_asked({"retry-after": value}) is None
    assert wait_asked({"retry-after-ms": value}) is None


def test_no_header_says_nothing() -> None:
    assert wait_asked({}) is None
