"""What can be refused before a run is created, so that nobody learns of a missing file hours later."""

from __future__ import annotations

from core.config import DataSection, RunConfig
from core.data.prism import open_folder
from core.data.tables import read_tables, require_sums
from core.errors import InputError
from core.evaluation.stage import preflight as check_evaluation
from core.needed_packages import require_packages
from core.pipeline import STAGE_NAMES


def preflight(config: RunConfig, until: str | None = None) -> tuple[str, ...]:
    """Refuses a new run whose files, addresses or keys are not there; only those of stages up to `until`.

    Returns:
        Notes for the person who starts it, as sentences: nothing is wrong with them.

    Raises:
        InputError, JudgeError, InfeasibleQuotas: as the stages would.
    """
    require_packages(config, until)
    if config.data.format == "tables":
        return _check_tables(config)
    _check_data(config.data)
    if until is None or STAGE_NAMES.index(until) >= STAGE_NAMES.index("answer"):
        check_evaluation(config)
    return ()


def _check_tables(config: RunConfig) -> tuple[str, ...]:
    """Reads the tables once: they are small, and what is wrong in one has a line."""
    tables = read_tables(config.data)
    for section in config.lotteries:
        require_sums(tables, section.name, section.size)
    return tables.notes()


def _check_data(data: DataSection) -> None:
    if data.path is not None:
        open_folder(data.path)
    elif data.hub is None:
        raise InputError("data.path is missing: the folder that holds PRISM's files (or data.hub, a name on the hub)")
