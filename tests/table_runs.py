"""Runs on two CSV files of people and quotas, for tests of lotteries and draws."""

from __future__ import annotations

from pathlib import Path

from core.config_file import parse_config
from storage.record.create import create_run
from tui.commands.runs.process import work
from tui.terminal.console import Console

HEAD = """
[run]
name = "{name}"
seed = 5
[data]
format = "tables"
respondents = "{people}"
quotas = "{quotas}"
id_column = "who"
"""


def make_table_run(
    folder: Path,
    name: str,
    people: str,
    quotas: str,
    rest: str,
    until: str | None = None,
    files: tuple[str, str] = ("people.csv", "quotas.csv"),
) -> Path:
    """A run below `folder`/runs, worked on until a stage.

    Args:
        people: CSV with the ids in the column `who`; quotas: CSV.
        rest: of the configuration, from the lotteries on.
        files: where people and quotas are written to, below `folder`.
    """
    respondents, bounds = (folder / file for file in files)
    for file in (respondents, bounds):
        file.parent.mkdir(exist_ok=True)
    respondents.write_text(people, encoding="utf-8")
    bounds.write_text(quotas, encoding="utf-8")
    text = HEAD.format(name=name, people=respondents, quotas=bounds) + rest
    runs = folder / "runs"
    runs.mkdir()
    root = create_run(parse_config(text), text, runs)
    assert work(root, until, Console(quiet=True)) == 0
    return root
