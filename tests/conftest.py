"""Runs that are made once for all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


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
