"""What a new run begins with: a file, the configuration of another run, or a simulated world with the demo's.

`dempo run`, `clone` and `demo` make their runs here, and the form of the app asks here what would come of it. What
reads stages is imported where it is needed: the app, which only shows the values, does without.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

from core.config import RunConfig, resolved
from core.config_file import Given, changed, checked, given_by, given_in
from core.errors import InputError
from core.program.environment import refuse_launcher
from storage.draws.history import config_of
from storage.record.reader import Reader, find_run
from storage.withheld import places_left_out
from tui.commands.data.shipped_examples import folder as examples_folder

if TYPE_CHECKING:
    from core.data.planted.world import WorldKind


@dataclass(frozen=True)
class DemoWorld:
    """A simulated world that is written before the run is made."""

    folder: Path
    kind: WorldKind
    seed: int


@dataclass(frozen=True)
class Beginning:
    """The values that a run is made of, before they are changed.

    text is what is kept as its config.toml, linked_to the run that it repeats; notes are for whoever starts it.
    """

    given: Given
    text: str
    linked_to: Path | None = None
    notes: tuple[str, ...] = ()
    world: DemoWorld | None = None

    def refuse(self, config: RunConfig, until: str | None, runs: Path) -> tuple[str, ...]:
        """Refuses what cannot be run; a world that is not written yet is no reason.

        Returns:
            What there is to say beside the notes that are known already.

        Raises:
            InputError, JudgeError, InfeasibleQuotas: as `preflight`.
        """
        from core.preflight import preflight
        from core.program.needed_packages import require_packages
        from storage.judging.other_runs import RunsOnDisk

        if self.world is not None and not self.world.folder.exists():
            require_packages(config, until)
            return (f"the simulated world is written to {self.world.folder} when the run is started",)
        return tuple(preflight(config, until, RunsOnDisk(), runs))

    def make(
        self, overrides: Sequence[str], until: str | None, runs: Path, tell: Callable[[Sequence[str]], None]
    ) -> Path:
        """Creates a run of these values with the changes and returns its folder; `tell` is given the notes before.

        Raises:
            InputError, JudgeError, InfeasibleQuotas: it cannot be run as it is.
            StorageError: it could not be created.
        """
        from core.data.planted.world_folder import write_world
        from core.program.needed_packages import require_packages
        from storage.record.create import create_run

        loaded = checked(changed(self.given, overrides))
        if self.world is not None:
            refuse_launcher(os.environ)
            require_packages(loaded.config, until)
            write_world(self.world.folder, self.world.kind, self.world.seed)
        tell(self.notes)  # also where it is refused for what they are about
        tell(self.refuse(loaded.config, until, runs))
        return create_run(loaded, self.text, runs, linked_to=self.linked_to)


def from_file(config: Path) -> Beginning:
    """A configuration in a file.

    Raises:
        InputError: it is missing or no TOML.
    """
    given = given_in(config)
    return Beginning(given, config.read_text(encoding="utf-8"))


def from_run(name: str, runs: Path) -> Beginning:
    """The configuration of a run, by its id, a unique prefix of it, or its folder.

    Raises:
        StorageError: there is no such run, or its record cannot be read.
    """
    original = find_run(name, runs)
    reader = Reader(original)
    given = given_by(resolved(config_of(reader)), "the clone's configuration")
    left_out = places_left_out(reader)
    notes = (f"{left_out}; they are looked for in the current folder, or where --set says",) if left_out else ()
    file = original / "config.toml"  # an imported run has none: nobody checked it
    text = file.read_text(encoding="utf-8") if file.is_file() else f"# as recorded in run {original.name}\n"
    return Beginning(given, text, original, notes)


def from_demo(runs: Path, world: str = "planted", seed: int = 1) -> Beginning:
    """The demo's configuration on a world below `runs/worlds`.

    Raises:
        InputError: there is no such world, or the demo's configuration is missing.
    """
    from core.data.planted.world import WorldKind

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
    begun = from_file(config)
    return Beginning(changed(begun.given, placed), begun.text, world=DemoWorld(folder, cast("WorldKind", world), seed))
