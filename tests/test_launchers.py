"""A launcher in front of the engine would make a run per process and a model without weights: it is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import dempo, told
from records import small_record

from core.errors import InputError
from core.program.environment import refuse_launcher

TORCHRUN = {"RANK": "1", "WORLD_SIZE": "2"}
CONFIG = '[run]\nname = "x"\n[data]\npath = "."\n'


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.long
@pytest.mark.parametrize("command", ["run", "resume", "clone", "replay", "demo"])
def test_no_engine_works_under_a_launcher_and_nothing_is_made(command: str, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(CONFIG)
    root = small_record(tmp_path)
    given = {"run": [config], "demo": []}.get(command, [root.name])
    before = files(tmp_path)
    error = told(dempo(command, *given, "--runs-dir", root.parent, **TORCHRUN), 2)
    assert "the environment holds RANK and WORLD_SIZE, which launchers" in error
    assert "without a launcher" in error
    assert {name: body for name, body in files(tmp_path).items() if not name.endswith(("-shm", "-wal"))} == before


@pytest.mark.parametrize(
    "variables",
    [{"RANK": "0"}, {"WORLD_SIZE": "1"}, {"LOCAL_RANK": "0"}, {"OMPI_COMM_WORLD_SIZE": "2"}, {"PMI_SIZE": "4"}],
)
def test_every_launcher_is_named(variables: dict[str, str]) -> None:
    with pytest.raises(InputError, match=f"holds {next(iter(variables))}, which .* or unset it"):
        refuse_launcher(variables)


def test_one_process_of_a_cluster_is_an_engine_as_any_other() -> None:
    refuse_launcher({"PMI_SIZE": "1", "SLURM_NTASKS": "1", "HOME": "/"})
