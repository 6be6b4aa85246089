"""The app and commands that only read open in a moment, also without a GPU stack: they load no engine library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import sample_run

CHECKOUT = Path(__file__).resolve().parent.parent
ENGINE = ("torch", "transformers", "trl", "accelerate", "datasets", "pyomo", "highspy", "openai", "scipy")
WRITING = ("sqlite_utils", "pandas", "pyarrow")
"""What comes with the library that writes records."""
PLOTTING = ("numpy", "textual_plot", "textual_hires_canvas")
"""What paints curves in the terminal; a tab loads it with its first plot."""
SHOWING = ("typer.rich_utils", "rich.console", "rich.markdown", "rich.syntax", "markdown_it", "pygments")
"""What typer would draw help and errors with; it takes longer than all the rest of the command line."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete run; tests only read it."""
    return sample_run.make_sample_run(tmp_path_factory.mktemp("runs"))


def loaded(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after some code."""
    code = f"import sys\n{code}\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_importing_the_app_loads_no_engine_library_and_no_stage() -> None:
    modules = loaded("import tui.app")
    assert modules & {*ENGINE, *WRITING} == set()
    parts = ("core.data", "core.sortition", "core.training", "core.evaluation", "core.ranking", "core.pipeline")
    assert [name for name in modules if name.startswith(parts)] == []


def test_opening_the_app_loads_no_command() -> None:
    """Nor what reads a command line: the app is what is opened most often."""
    modules = loaded("import tui.opening, tui.app")
    assert [name for name in modules if name.startswith(("tui.cli", "typer", "tui.terminal.options"))] == []


@pytest.mark.parametrize(
    ("words", "variables", "runs"),
    [
        ([], {}, "runs"),
        ([], {"DEMPO_RUNS": "/there"}, "/there"),
        ([], {"DEMPO_RUNS": ""}, "runs"),
        (["--runs-dir", "here"], {"DEMPO_RUNS": "/there"}, "here"),
        (["--runs-dir", "--help"], {}, None),
        (["--runs-dir"], {}, None),
        (["list"], {}, None),
        ([], {"_DEMPO_COMPLETE": "complete_bash"}, None),
    ],
)
def test_where_nothing_else_is_asked_for_the_app_is_opened(
    words: list[str], variables: dict[str, str], runs: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tui.opening import _runs_of_app

    monkeypatch.delenv("DEMPO_RUNS", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert _runs_of_app(words) == (None if runs is None else Path(runs))


def test_the_list_of_runs_is_painted_before_what_reads_a_record_is_loaded() -> None:
    """Kinds of events, settings and checks take as long as all else of a start: a thread loads them behind it."""
    modules = loaded("import tui.app")
    assert "tui.screens.runs" in modules
    assert [name for name in modules if name.startswith(("pydantic", "storage", "core.events", "core.config"))] == []


def test_the_app_and_the_screen_of_a_run_load_nothing_that_paints_plots_before_there_is_one() -> None:
    assert loaded("import tui.app, tui.screens.run") & {*PLOTTING} == set()
    assert loaded("from tui.widgets.curves import load\nload()") >= {*PLOTTING}


def test_the_lines_of_the_list_are_read_without_the_kinds_of_events(run: Path) -> None:
    """A line is of views alone; whoever decodes events loads their classes then."""
    modules = loaded(
        "from pathlib import Path\nfrom tui.commands.runs.run_list import RunList\n"
        f"(found,) = RunList(Path({str(run.parent)!r})).read().runs\nassert found.status == 'completed', found"
    )
    assert "storage.record.reader" in modules
    assert modules & {"pydantic", "core.events", "core.config", "numpy"} == set()


@pytest.mark.parametrize(
    ("command", "further"),
    [
        (["--help"], ["numpy", "pydantic", "storage", *SHOWING]),
        (["--no-such-option"], ["numpy", "pydantic", "storage", *SHOWING]),
        (["list"], ["numpy", "core.events", "core.config"]),
        (["show"], ["numpy"]),
        (["verify"], []),
    ],
    ids=lambda value: value[0] if value and value[0] != "numpy" else "",
)
def test_a_command_that_reads_loads_no_library_that_it_does_not_use(
    run: Path, command: list[str], further: list[str]
) -> None:
    where = {"list": ["--runs-dir", str(run.parent)], "--help": [], "--no-such-option": []}.get(command[0], [str(run)])
    code = f"import tui.cli\ntry:\n    tui.cli.app({[*command, *where]!r})\nexcept (SystemExit, Exception):\n    pass"
    modules = loaded(code)
    assert "tui.cli" in modules
    assert modules & {*ENGINE, *WRITING, *further} == set()
