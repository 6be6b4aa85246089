"""What can be refused before a run is created, so that nobody learns of a missing file hours later."""

from __future__ import annotations

from core.config import DataSection, RunConfig
from core.data.prism import open_folder
from core.errors import InputError
from core.evaluation.stage import preflight as check_evaluation
from core.pipeline import STAGE_NAMES


def preflight(config: RunConfig, until: str | None = None) -> None:
    """Refuses a new run whose files, addresses or keys are not there; only those of stages up to `until`.

    Raises:
        InputError, JudgeError: as the stages would.
    """
    _check_data(config.data)
    if until is None or STAGE_NAMES.index(until) >= STAGE_NAMES.index("answer"):
        check_evaluation(config)


def _check_data(data: DataSection) -> None:
    if data.path is not None:
        open_folder(data.path)
    elif data.hub is None:
        raise InputError("data.path is missing: the folder that holds PRISM's files (or data.hub, a name on the hub)")
