"""Runs of a small pool with draws of every kind, made by the pipeline itself, for tests of draws."""

from __future__ import annotations

import shutil
from pathlib import Path

from table_runs import make_table_run

IDS = ("=1+1", "+44", "@ann", "-3", *(f"p{i:02d}" for i in range(20)))
"""The first four are what a spreadsheet takes for formulas."""

PEOPLE = [("w" if i % 3 else "m", ("young", "middle", "old")[i % 4 % 3]) for i in range(24)]
QUOTAS = "category,feature,min,max\ngender,w,3,5\ngender,m,3,5\nage,young,2,5\nage,middle,1,4\nage,old,1,3\n"

CONFIG = """
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


def make_draw_run(folder: Path, until: str = "draw", files: tuple[str, str] = ("people.csv", "quotas.csv")) -> Path:
    """A run below `folder`/runs, worked on until a stage: its public draws wait."""
    rows = [f"{who},{gender},{age}" for who, (gender, age) in zip(IDS, PEOPLE, strict=True)]
    return make_table_run(folder, "small", "\n".join(["who,gender,age", *rows, ""]), QUOTAS, CONFIG, until, files)


def copied(root: Path, folder: Path) -> Path:
    """A copy of a run under its own name, to be written to."""
    return Path(shutil.copytree(root, folder / "runs" / root.name))
