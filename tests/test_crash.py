"""A crash must not leak what the program was working on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings
from rich.console import Console

from core.errors import InputError
from tui.app import DempoApp
from tui.crash import redacted, write_crash_file

SECRET = "hf_abcdefghijklmnop"


def _fail() -> None:
    token = SECRET
    raise KeyError(f"{token} was rejected")


def _caught() -> BaseException:
    try:
        try:
            _fail()
        except KeyError as error:
            raise RuntimeError("prompt: tell me about " + SECRET) from error
    except RuntimeError as error:
        return error


def test_an_account_has_types_and_places_of_every_cause_and_no_value() -> None:
    text = redacted(_caught())
    assert SECRET not in text
    assert "builtins.KeyError" in text
    assert "builtins.RuntimeError" in text
    assert "in _fail" in text
    assert text.index("KeyError (") < text.index("RuntimeError (")


def test_sentences_for_people_are_kept() -> None:
    assert "the file is missing" in redacted(InputError("the file is missing"))


def test_the_crash_file_is_for_its_owner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    path = write_crash_file(_caught())
    assert path is not None
    assert path.parent == tmp_path / "dempo"
    assert path.stat().st_mode & 0o077 == 0
    assert SECRET not in path.read_text()


def test_where_no_folder_can_be_written_there_is_no_second_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(file))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(file))
    assert write_crash_file(_caught()) is None


async def test_the_app_ends_with_a_sentence_instead_of_locals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    app = DempoApp(tmp_path)
    shown: list[str] = []

    def keep() -> None:
        console = Console(width=200)
        for renderable in app._exit_renderables:
            with console.capture() as capture:
                console.print(renderable)
            shown.append(capture.get())
        app._exit_renderables.clear()

    monkeypatch.setattr(app, "_print_error_renderables", keep)

    async def use() -> None:
        async with app.run_test() as pilot:
            app.call_later(_fail)
            await pilot.pause()

    with pytest.raises(KeyError):
        await use()
    text = "".join(shown)
    assert "because of a defect (KeyError)" in text
    assert SECRET not in text
    (crash,) = (tmp_path / "dempo").glob("crash-*.txt")
    assert str(crash) in text.replace("\n", "")
    assert SECRET not in crash.read_text()


INNER = """
import subprocess
import sys

WRITE = "from tui.crash import write_crash_file; print(write_crash_file(ValueError()))"

def test_a_defect_here_and_one_in_a_child():
    exec(WRITE)
    subprocess.run([sys.executable, "-c", WRITE], check=True)
"""


def test_the_suite_leaves_the_users_state_folder_alone(tmp_path: Path) -> None:
    """A suite of its own, with this conftest and a home where nothing is yet: what crashes there leaves no trace."""
    tests, home, inner = Path(__file__).parent, tmp_path / "home", tmp_path / "inner"
    home.mkdir()
    (tmp_path / "test_inner.py").write_text(INNER)
    path = os.pathsep.join([str(tests.parent), str(tests)])
    variables = {name: value for name, value in os.environ.items() if name != "XDG_STATE_HOME"}
    places = ["--rootdir", str(tmp_path), "--basetemp", str(inner), "test_inner.py"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "conftest", "-p", "no:cacheprovider", *places],
        cwd=tmp_path,
        env=variables | {"HOME": str(home), "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert list(home.iterdir()) == []
    assert len(list(inner.rglob("crash-*.txt"))) == 2


def test_no_property_depends_on_a_time() -> None:
    assert settings().deadline is None
