"""The pictures of docs/app.md: the app itself, driven by its keys, on the sample run.

    python screenshots.py [DOCS]     writes DOCS/app.svg and DOCS/screens/*.svg; DOCS is docs where it is left out

The clock that the run is recorded by stands still but for its own steps, and the folder has a short name, so that the
same program draws the same pictures on every machine.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

BEGUN = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)
SMALL, MIDDLE, LARGE = (80, 24), (120, 40), (200, 60)
PATIENCE = 60.0

KIND = {
    "MARKUP": "What would make this week a little easier for you?",
    "ESCAPES": "I am sorry to hear that. It often helps to talk about it with somebody whom you trust.",
    "REVERSED": "There is no hurry. Would you like to hear what others did in such a case, or shall I just listen?",
    "NULS": "That sounds hard. Begin with one thing that you can do today, and leave the rest for tomorrow.",
}
"""In the place of the texts by which the sample run tries what a terminal bears."""

SCREENS: tuple[tuple[str, tuple[int, int], str, tuple[str, ...], str], ...] = (
    ("list", SMALL, "dempo-dark", (), "completed"),
    ("form", SMALL, "dempo-dark", ("n",), "New run"),
    ("overview", LARGE, "dempo-dark", ("enter",), "optimizer step"),
    ("quotas", MIDDLE, "dempo-dark", ("enter", "2"), "k = 4"),
    ("draw", MIDDLE, "dempo-dark", ("enter", "3"), "probability"),
    ("training", MIDDLE, "dempo-light", ("enter", "4"), "reward margin"),
    ("rankings", MIDDLE, "dempo-dark", ("enter", "5"), "Clause 1"),
    ("leaderboards", MIDDLE, "dempo-dark", ("enter", "6"), "Recovery"),
)
"""Name, size, theme, keys from the list on, and what shows that the screen is read."""


def write_run(runs: Path) -> None:
    """The sample run, as recorded by a clock of its own."""
    from sample_run import make_sample_run

    ticks = itertools.count()

    def now(*_: object) -> datetime:
        return BEGUN + timedelta(milliseconds=250 * next(ticks))

    clock = SimpleNamespace(monotonic=lambda: (now() - BEGUN).total_seconds(), perf_counter=lambda: 0.0)
    with (
        patch("storage.record.log.now", lambda: f"{now():%Y-%m-%dT%H:%M:%S.%fZ}"),
        patch("storage.record.create.datetime", SimpleNamespace(now=now)),
        patch("core.stage.time", clock),
        patch.multiple("sample_run", **KIND),
    ):
        make_sample_run(runs)


async def draw(runs: Path, size: tuple[int, int], theme: str, keys: tuple[str, ...], told: str) -> str:
    """The screen that these keys lead to, as SVG.

    Raises:
        AssertionError: it is not read in time.
    """
    from tui.app import DempoApp

    app = DempoApp(runs, 0.1)
    app.theme = theme
    examples = patch("tui.commands.data.shipped_examples.folder", lambda: Path("examples").absolute())
    with examples:
        return await _driven(app, size, keys, told)


async def _driven(app: Any, size: tuple[int, int], keys: tuple[str, ...], told: str) -> str:
    async with app.run_test(size=size) as pilot:
        await wait_for(app, "completed")
        for key in keys:
            await pilot.press(key)
            await pilot.pause(0.5)
        await wait_for(app, told)
        await pilot.pause(1.0)  # what is read behind it: plots, and the text of the first row
        return app.export_screenshot(title="dempo")


async def wait_for(app: Any, told: str) -> None:
    text = ""
    for _ in range(int(PATIENCE / 0.05)):
        await asyncio.sleep(0.05)
        text = "\n".join(strip.text for strip in app.screen._compositor.render_strips())
        if told in text:
            return
    raise AssertionError(f"{told!r} never came:\n{text}")


def main(docs: Path) -> None:
    for name in ("NO_COLOR", "TEXTUAL_THEME", "SSH_TTY"):
        os.environ.pop(name, None)
    (docs / "screens").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        write_run(Path("runs"))
        shutil.copytree(HERE.parent / "examples", "examples")
        for name, size, theme, keys, told in SCREENS:
            picture = asyncio.run(draw(Path("runs"), size, theme, keys, told))
            for found in (scratch, str(Path.home()), str(HERE.parent)):
                assert found.lstrip("/") not in picture, f"{name}: a path of this machine"
            picture = "\n".join(line.rstrip() for line in picture.splitlines()) + "\n"
            (docs / "screens" / f"{name}.svg").write_text(picture, encoding="utf-8")
            if name == "leaderboards":
                (docs / "app.svg").write_text(picture, encoding="utf-8")
        os.chdir(HERE)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else HERE.parent / "docs").absolute())
