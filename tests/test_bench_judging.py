"""The benchmark of judging measures what it says, and runs."""

from __future__ import annotations

import pytest
from bench_judging import busy, main


def test_the_mean_number_in_flight_is_that_between_two_moments() -> None:
    changes = [(0.0, 1), (1.0, 2), (3.0, 1), (4.0, 0), (9.0, 0)]
    assert busy(changes, 0.0, 4.0) == (1 + 2 + 2 + 1) / 4
    assert busy(changes, 2.0, 3.5) == (2 + 0.5) / 1.5


def test_it_runs_and_prints_its_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_CUSTOM_HEADERS", "DEMPO_KEY_HOSTS"):
        monkeypatch.delenv(name, raising=False)
    main(20, 4, 0.05)
    rows = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines()]
    (most,) = (int(value) for what, value in rows if what.startswith("most calls"))
    assert 1 <= most <= 4
    assert len(rows) == 7
