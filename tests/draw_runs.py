"""Runs of a small pool with draws of every kind, made by the pipeline itself, for tests of draws."""

from __future__ import annotations

import shutil
from pathlib import Path

from core.config_file import parse_config
from storage.create import create_run
from tui.console import Console
from tui.process import work

IDS = ("=1+1", "+44", "@ann", "-3", *(f"p{i:02d}" for i in range(20)))
"""The first four are what a spreadsheet takes for formulas."""

PEOPLE = [("w" if i % 3 else "m", ("young", "middle", "old")[i % 4 % 3]) for i in range(24)]
QUOTAS = "category,feature,min,max\ngender,w,3,5\ngender,m,3,5\nage,young,2,5\nage,middle,1,4\nage,old,1,3\n"

CONFIG = """
[run]
name = "small"
seed = 5
[data]
format = "tables"
respondents = "{people}"
quotas = "{quotas}"
id_column = "who"
[[lotteries]]
name = "main"
size = 8
[[lotteries]]
name = "even"
size = 8
panels = 20
[[draws]]
id = "public"
lottery = "main"
randomness = "public"
[[draws]]
id = "first"
lottery = "main"
[[draws]]
id = "numbered"
lottery = "even"
randomness = "public"
"""


def make_draw_run(folder: Path, until: str = "draw") -> Path:
    """A run below `folder`/runs, worked on until a stage: its public draws wait."""
    people, quotas = folder / "people.csv", folder / "quotas.csv"
    rows = [f"{who},{gender},{age}" for who, (gender, age) in zip(IDS, PEOPLE, strict=True)]
    people.write_text("\n".join(["who,gender,age", *rows, ""]), encoding="utf-8")
    quotas.write_text(QUOTAS, encoding="utf-8")
    text = CONFIG.format(people=people, quotas=quotas)
    runs = folder / "runs"
    runs.mkdir()
    root = create_run(parse_config(text), text, runs)
    assert work(root, until, Console(quiet=True)) == 0
    return root


def copied(root: Path, folder: Path) -> Path:
    """A copy of a run under its own name, to be written to."""
    return Path(shutil.copytree(root, folder / "runs" / root.name))
