"""What a new run is made from, and the command that makes it: the form of the app runs that very command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tui.commands.starting.beginning import Beginning


@dataclass(frozen=True)
class RunSource:
    """A configuration in a file (`name` is its path), that of a run (its id), or the demo (its world)."""

    kind: Literal["file", "run", "demo"]
    name: str

    def words(self, overrides: Sequence[str], until: str | None) -> list[str]:
        """What follows `dempo`, without the folder of the runs; the engine is always detached."""
        command = {"file": ["run", self.name], "run": ["clone", self.name], "demo": ["demo"]}[self.kind]
        changes = [word for override in overrides for word in ("--set", override)]
        return [*command, *changes, *(["--until", until] if until else []), "--detach"]

    def begin(self, runs: Path) -> Beginning:
        """What the run is made from, read anew.

        Raises:
            InputError, StorageError: the file or the run cannot be read.
        """
        from tui.commands.starting import beginning

        if self.kind == "file":
            return beginning.from_file(Path(self.name))
        if self.kind == "run":
            return beginning.from_run(self.name, runs)
        return beginning.from_demo(runs, world=self.name)


DEMO = RunSource("demo", "planted")
