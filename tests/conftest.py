"""What holds for all tests, and runs that are made once for them."""

from __future__ import annotations

import fcntl
import gc
import os
import shutil
from collections.abc import Callable, Iterator
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


@pytest.fixture(scope="module", autouse=True)
def _loaded_for_good() -> None:
    """What is loaded stays loaded: the garbage collector, called after every training, need not look through it."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real run through all stages, as small as it goes. Nobody writes into it."""
    from verified_runs import make_trained_run

    return _made_once(tmp_path_factory, "trained", make_trained_run)


@pytest.fixture(scope="session")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real small run that an endpoint judged, four of 24 calls without a ranking. Nobody writes into it."""
    from verified_runs import make_judged_run

    return _made_once(tmp_path_factory, "judged", make_judged_run)


@pytest.fixture(scope="session")
def prism_sized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `prism_sized.make_prism_sized` makes. Nobody writes into it."""
    from prism_sized import make_prism_sized

    return _made_once(tmp_path_factory, "prism-sized", make_prism_sized)


def _made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Path]) -> Path:
    """A copy of a run that the first process that needs it makes; the others wait for it meanwhile."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    own = factory.getbasetemp()
    common = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder, said = common / f"made-{name}", common / f"made-{name}.txt"
    with (common / f"made-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not said.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            said.write_text(make(folder).name)
    return Path(shutil.copytree(folder, own / name)) / said.read_text()


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one complete run, where a module has no other one of this name; tests only read it."""
    from sample_run import make_sample_run

    folder = tmp_path_factory.mktemp("runs")
    make_sample_run(folder)
    return folder
