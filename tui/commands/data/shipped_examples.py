"""The example configurations that come with the program, in a checkout as in an installed package."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.durable import write_durably
from core.errors import InputError
from core.program.place import ROOT


@dataclass(frozen=True)
class Example:
    """A configuration and what it is, from its first line."""

    path: Path
    about: str

    def row(self) -> dict[str, str]:
        """The example for a table and for `--json`."""
        return {"name": self.path.stem, "about": self.about, "path": str(self.path)}


def folder() -> Path:
    """Where the examples lie: inside the installed package, or beside it in a checkout.

    Raises:
        InputError: they are in neither place.
    """
    for place in (ROOT / "tui" / "examples", ROOT / "examples"):
        if (place / "demo.toml").is_file():
            return place
    raise InputError(f"{ROOT / 'tui' / 'examples'} is missing; install dempo again")


def examples() -> list[Example]:
    """All of them, by name."""
    return [Example(path, _about(path)) for path in sorted(folder().glob("*.toml"))]


def _about(path: Path) -> str:
    with path.open(encoding="utf-8") as lines:
        return next(lines, "").removeprefix("#").strip()


def copy_to(target: Path) -> list[Example]:
    """Copies every file of the examples below a folder, which is made; those that are there already stay.

    Returns:
        The copies.

    Raises:
        InputError: a file with another content stands in the way (then nothing is written), or it cannot be written.
    """
    place = folder()
    files = [path for path in sorted(place.rglob("*")) if path.suffix in (".toml", ".csv", ".txt", ".json", ".jsonl")]
    bodies = {target / path.relative_to(place): path.read_bytes() for path in files}
    try:
        taken = [path for path, body in bodies.items() if path.exists() and path.read_bytes() != body]
        if taken:
            raise InputError(f"{taken[0]} exists and is no copy of the example; name another folder")
        for path, body in bodies.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_durably(path, body)
    except OSError as error:
        raise InputError(f"cannot copy the examples to {target}: {error.filename}: {error.strerror}") from error
    return [Example(target / example.path.name, example.about) for example in examples()]
