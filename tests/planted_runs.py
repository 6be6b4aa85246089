"""Runs of the demo's configuration on planted worlds, up to `recovery`, for claims over several seeds."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from memory_recorder import MemoryRecorder

from core.config import RunConfig
from core.config_file import load_config
from core.data.planted.world import WorldKind
from core.data.planted.world_folder import write_world
from core.events import RecoveryMeasured
from core.pipeline import run_pipeline
from core.run_folder import RunFolder

DEMO = Path(__file__).parent.parent / "examples" / "demo.toml"


def demo_config(world: Path, seed: int, conditions: Sequence[str]) -> RunConfig:
    """The demo's configuration with the given ones of its conditions, and nothing after `recovery`."""
    config = load_config(DEMO, [f"run.seed={seed}", f"data.path={world}"]).config
    kept = tuple(condition for condition in config.conditions if condition.name in conditions)
    assert len(kept) == len(conditions)
    return config.model_copy(update={"conditions": kept, "answer": None, "judge": None})


def excess(kind: WorldKind, seed: int, root: Path, conditions: Sequence[str]) -> dict[str, float]:
    """Population log-loss above the floor, by condition, from a run through the pipeline's own stages."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    world = root / f"{kind}-{seed}"
    write_world(world, kind, seed)
    folder = RunFolder(root / f"run-{kind}-{seed}")
    folder.create()
    recorder = MemoryRecorder()
    run_pipeline(demo_config(world, seed, conditions), recorder, folder, {}, until="recovery")
    measured = recorder.of_kind(RecoveryMeasured)
    return {m.condition: float(m.population_log_loss) - float(m.floor) for m in measured}


def excess_of_seeds(
    kind: WorldKind, seeds: Sequence[int], root: Path, conditions: Sequence[str], processes: int = 2
) -> list[dict[str, float]]:
    """`excess` of several seeds, two at a time in processes of their own."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        runs = [pool.submit(excess, kind, seed, root, conditions) for seed in seeds]
        return [run.result() for run in runs]
