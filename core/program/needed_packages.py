"""Packages that only some stages import: a run that needs one that is missing is refused before it begins."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec

from core.config import RunConfig
from core.errors import InputError
from core.facts.sources import source_kind
from core.pipeline import STAGES
from core.program.environment import missing_packages

_SOLVER = ("highspy", "pyomo", "scipy")
_MODEL = ("safetensors", "tokenizers", "torch", "transformers")

OF_STAGE = {
    "model": _MODEL,
    "train": (*_MODEL, "accelerate", "datasets", "trl"),
    "rank": ("scipy",),
}
"""What a stage imports, whatever its configuration says; numpy, pydantic and the like are imported before any."""

_WITH_ADAPTERS = ("train", "recovery")


def require_packages(config: RunConfig, until: str | None = None) -> None:
    """Refuses a run whose stages, up to `until`, need packages that are not installed.

    Raises:
        InputError: names all of them, and how to install them.
    """
    wanted = {name for stage in _stages(config, until) for name in _packages(stage, config)}
    missing = sorted(name for name in wanted if find_spec(name) is None)  # to import some takes seconds
    if missing:
        raise InputError(missing_packages(missing))


def _stages(config: RunConfig, until: str | None) -> Iterable[str]:
    """The stages that will not be skipped, in order."""
    for stage in STAGES:
        if stage.skip(config) is None:
            yield stage.name
        if stage.name == until:
            return


def _packages(stage: str, config: RunConfig) -> tuple[str, ...]:
    """What a stage needs under a configuration."""
    if stage == "pairs" and config.data.hub is not None:
        return ("datasets",)
    if stage == "lottery" and any(section.algorithm == "leximin" for section in config.lotteries):
        return _SOLVER
    if stage == "answer":
        writes = config.answer is not None and config.answer.generate is not None
        kinds = {source_kind(condition.source) for condition in config.conditions}
        answers_here = bool(kinds - {"answers", "endpoint"})
        return (*(_MODEL if answers_here else ()), *(("openai",) if writes or "endpoint" in kinds else ()))
    if stage == "judge" and config.judge and any(judge.kind == "openai" for judge in config.judge.judges):
        return ("openai",)
    adapters = ("peft",) if stage in _WITH_ADAPTERS and config.train is not None and config.train.lora else ()
    return (*OF_STAGE.get(stage, ()), *adapters)
