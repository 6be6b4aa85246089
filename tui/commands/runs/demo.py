"""`dempo demo`: writes a planted world and creates a run on it from `examples/demo.toml`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import cast, get_args

from core.config_file import load_config
from core.errors import InputError
from core.program.environment import refuse_launcher
from storage.record.create import create_run
from tui.commands.data.shipped_examples import folder as examples_folder


def prepare(world: str, seed: int, runs: Path, overrides: Sequence[str], until: str | None = None) -> Path:
    """Writes the world below `runs/worlds` and returns the folder of a new run on it.

    Raises:
        InputError, JudgeError: there is no such world, the demo's configuration is missing, or it was changed into
            one that cannot be run, or a package that its stages need is missing.
    """
    from core.data.planted.world import WorldKind
    from core.data.planted.world_folder import write_world
    from core.preflight import preflight
    from core.program.needed_packages import require_packages
    from storage.judging.other_runs import RunsOnDisk

    refuse_launcher(os.environ)
    if world not in get_args(WorldKind):
        raise InputError(f"there is no world {world!r}; the worlds are {', '.join(get_args(WorldKind))}")
    config = examples_folder() / "demo.toml"
    folder = runs / "worlds" / f"{world}-{seed}"
    placed = [
        f"run.name=demo-{world}",
        f"run.seed={seed}",
        f"data.path={folder}",
        f"answer.constitution={folder / 'constitution.txt'}",
        f"answer.questions={folder / 'questions'}",
    ]
    loaded = load_config(config, [*placed, *overrides])
    require_packages(loaded.config, until)
    write_world(folder, cast(WorldKind, world), seed)
    preflight(loaded.config, until, RunsOnDisk())
    return create_run(loaded, config.read_text(encoding="utf-8"), runs)
