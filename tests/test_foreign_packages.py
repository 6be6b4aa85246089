"""A foreign `core`, a missing package or another system ends with a sentence at the start, and not with a traceback."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import dempo
from core.config_file import parse_config
from core.errors import InputError
from core.program.needed_packages import require_packages
from tui.commands.starting.beginning import from_demo
from tui.opening import main as command_line
from tui.terminal.options import tell_notes

ROOT = Path(__file__).resolve().parent.parent
LISTED = "import sys; sys.path[:0] = {paths!r}; sys.argv = ['dempo', 'list']; from dempo import main; main()"


def started(foreign: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """`dempo list` where Python looks into a folder before this program's, as PYTHONPATH makes an installed one do."""
    return subprocess.run(
        [sys.executable, "-P", "-c", LISTED.format(paths=[str(foreign), str(ROOT)])],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", ["core", "storage", "tui"])
@pytest.mark.parametrize("as_folder", [True, False])
def test_a_foreign_package_is_named_with_its_place(tmp_path: Path, name: str, as_folder: bool) -> None:
    place = tmp_path / "other" / name / "__init__.py" if as_folder else tmp_path / "other" / f"{name}.py"
    place.parent.mkdir(parents=True)
    place.write_text("raise SystemExit('a stranger was run')\n")
    done = started(tmp_path / "other", tmp_path)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(f"dempo: a foreign package {name!r} stands in the way: Python finds {place} before")
    assert "pipx install dempo" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_folder_that_is_no_package_does_not_stand_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "other" / "core").mkdir(parents=True)
    done = started(tmp_path / "other", tmp_path)
    assert done.returncode == 0, done.stderr


def test_an_engine_finds_its_own_packages_before_those_of_pythonpath(tmp_path: Path) -> None:
    """What the app starts (`tui.commands.runs.engine`): this program's folder comes first."""
    from core.program.place import import_path

    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "__init__.py").write_text("raise SystemExit('a stranger was run')\n")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        path = import_path()
    command = [sys.executable, "-P", "-m", "tui", "resume", "nothing"]
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert "no run" in done.stderr
    assert "stranger" not in done.stderr


def test_a_package_that_was_written_over_is_a_sentence(tmp_path: Path) -> None:
    """Another distribution with the same top-level name replaces files of this one; pip says nothing."""
    for name in dempo.OWN:
        shutil.copytree(ROOT / name, tmp_path / "site" / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "dempo.py", tmp_path / "site")
    (tmp_path / "site" / "core" / "errors.py").write_text("class TheirError(Exception): ...\n")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "dempo", "list"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "was written over by another one" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_package_at_the_start_is_named() -> None:
    error = ModuleNotFoundError("No module named 'pydantic'", name="pydantic.main")
    assert "the package 'pydantic' is missing; `" in str(dempo.cannot_import(error))
    assert dempo.cannot_import(ImportError("cannot import name 'x'", name="numpy")) is None


def test_windows_is_told_where_this_program_runs() -> None:
    assert "Linux and macOS" in str(dempo.unusable("nt"))
    assert dempo.unusable("posix") is None


# ---------------------------------------------------------------- packages that only some commands need


def hide(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    for name in names:
        monkeypatch.setitem(sys.modules, name, None)


def test_a_package_that_a_later_stage_needs_is_told_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    config = parse_config((ROOT / "examples" / "prism-small.toml").read_text()).config
    require_packages(config)
    hide(monkeypatch, "datasets", "trl")
    with pytest.raises(InputError, match=r"this needs 'datasets', 'trl'; the packages are not installed .*pip install"):
        require_packages(config)
    require_packages(config, "lottery")


def test_the_demo_says_what_is_missing_before_it_writes_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide(monkeypatch, "trl")
    with pytest.raises(InputError, match="this needs 'trl'"):
        from_demo(tmp_path / "runs").make((), None, tmp_path / "runs", tell_notes)
    assert not (tmp_path / "runs").exists()


def test_an_assembly_needs_no_package_of_training(monkeypatch: pytest.MonkeyPatch) -> None:
    config = parse_config((ROOT / "examples" / "assembly.toml").read_text()).config
    hide(monkeypatch, "torch", "transformers", "trl", "datasets", "openai", "accelerate", "safetensors", "tokenizers")
    require_packages(config)
    hide(monkeypatch, "highspy")
    with pytest.raises(InputError, match="'highspy'; the package is not installed"):
        require_packages(config)


def test_a_package_that_is_missed_on_the_way_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`dempo rank` has no preflight; scipy is imported where the file is read."""
    rankings = tmp_path / "rankings.jsonl"
    rankings.write_text('{"question": "q", "ranking": ["a", "b"]}\n')
    hide(monkeypatch, "tui.commands.ranking.rank")
    monkeypatch.setattr(sys, "argv", ["dempo", "rank", str(rankings)])
    with pytest.raises(ModuleNotFoundError):  # one of this program's own is a defect
        command_line()
    monkeypatch.delitem(sys.modules, "tui.commands.ranking.rank")
    for name in [name for name in sys.modules if name.startswith(("core.ranking", "scipy"))]:
        monkeypatch.delitem(sys.modules, name)
    hide(monkeypatch, "scipy")
    with pytest.raises(SystemExit) as ended:
        command_line()
    assert ended.value.code == 2
    assert "dempo: this needs 'scipy'; the package is not installed (" in capsys.readouterr().err


def test_every_package_that_a_stage_needs_is_declared() -> None:
    from core.program.needed_packages import OF_STAGE

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = [*project["dependencies"], *project["optional-dependencies"]["train"]]
    names = {line.split(">")[0] for line in declared}
    assert {name for needed in OF_STAGE.values() for name in needed} <= names
    assert "pyomo>=6.9.3" in declared, "6.9.0 to 6.9.2 cannot compile a model without an objective's sense"
