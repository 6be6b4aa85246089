"""What holds for all tests, and runs that are made once for them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from night import TODAY

# A deadline is a time, and the health check of slow generation grows with it: neither may fail a test because the
# machine has other work. What hangs is ended by pytest-timeout.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


def pytest_report_header() -> str:
    """The day whose slices are tried, for whoever wants them again."""
    return f"slices of {TODAY} (DEMPO_TEST_DATE)"


@pytest.fixture(scope="session", autouse=True)
def _state_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where crash files go in this process and in those that it starts, instead of the user's own folder."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        folder = tmp_path_factory.mktemp("state")
        monkeypatch.setenv("XDG_STATE_HOME", str(folder))
        yield folder


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real run through all stages, as small as it goes. Nobody writes into it."""
    from verified_runs import make_trained_run

    os.environ["HF_HUB_OFFLINE"] = "1"
    return make_trained_run(tmp_path_factory.mktemp("trained"))


@pytest.fixture(scope="session")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real small run that an endpoint judged, four of 24 calls without a ranking. Nobody writes into it."""
    from verified_runs import make_judged_run

    os.environ["HF_HUB_OFFLINE"] = "1"
    return make_judged_run(tmp_path_factory.mktemp("judged"))
