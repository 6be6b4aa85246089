"""The pictures of docs/app.md: the app itself, driven by its keys, on small runs.

    python screenshots.py [DOCS]     writes DOCS/app.svg and DOCS/screens/*.svg; DOCS is docs where it is left out

The clock that the runs are recorded by stands still but for its own steps, today is a day on which they were made, the
machine has what `draw` says, and the folder has a short name, so that the same program draws the same pictures on every
machine.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
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

OTHERS = (
    ("assembly", datetime(2026, 1, 14, 16, 20, tzinfo=UTC)),
    ("pilot", datetime(2026, 1, 14, 10, 5, tzinfo=UTC)),
    ("paid-judge", datetime(2026, 1, 13, 18, 40, tzinfo=UTC)),
    ("old-disk", datetime(2025, 12, 19, 8, 15, tzinfo=UTC)),
)
"""Runs beside the sample run, by name and when they were begun: verified, stopped, failed, damaged."""

TODAY = datetime(2026, 1, 15, 11, 30, tzinfo=UTC)
GIB = 1024**3

SCREENS: tuple[tuple[str, tuple[int, int], str, tuple[str, ...], str], ...] = (
    ("verified", SMALL, "dempo-dark", ("down", "v"), "nothing that was checked is wrong"),
    ("list", SMALL, "dempo-dark", (), "✗ damaged"),
    ("form", SMALL, "dempo-dark", ("n", *"assembly", "enter"), "can be started"),
    ("overview", LARGE, "dempo-dark", ("enter",), "optimizer step"),
    ("quotas", MIDDLE, "dempo-dark", ("enter", "2"), "k = 4"),
    ("draw", MIDDLE, "dempo-dark", ("enter", "3"), "probability"),
    ("training", MIDDLE, "dempo-light", ("enter", "4"), "reward margin"),
    ("rankings", MIDDLE, "dempo-dark", ("enter", "5"), "Clause 1"),
    ("leaderboards", MIDDLE, "dempo-dark", ("enter", "6"), "Recovery"),
)
"""Name, size, theme, keys from the list on, and what shows that the screen is read. The list is drawn when the run has
been verified in the app."""


@contextmanager
def recorded_from(begun: datetime) -> Iterator[None]:
    """What is recorded is recorded at times from this one on, a quarter of a second apart."""
    ticks = itertools.count()

    def now(*_: object) -> datetime:
        return begun + timedelta(milliseconds=250 * next(ticks))

    with (
        patch("storage.record.log.now", lambda: f"{now():%Y-%m-%dT%H:%M:%S.%fZ}"),
        patch("storage.record.create.datetime", SimpleNamespace(now=now)),
    ):
        yield


def write_runs(folder: Path) -> None:
    """The sample run, and the others beside it."""
    from draw_runs import CONFIG, IDS, PEOPLE, QUOTAS
    from table_runs import make_table_run

    from core.events import EngineStopped
    from core.run_folder import RunFolder
    from storage.record.log import Log

    (assembly, drawn), (pilot, stopped), (paid, failed), (old, damaged) = OTHERS
    people = ["who,gender,age", *(f"{who},{gender},{age}" for who, (gender, age) in zip(IDS, PEOPLE, strict=True)), ""]
    without_public_draws = CONFIG.replace('randomness = "public"\n', "")
    with recorded_from(drawn), patch("core.stage.round", lambda *_: 0.25, create=True):  # of each length of time
        make_table_run(folder, assembly, "\n".join(people), QUOTAS, without_public_draws)
    runs = folder / "runs"
    write_sample(runs, pilot, stopped, "train")
    root = write_sample(runs, paid, failed, "judge")
    with recorded_from(failed + timedelta(minutes=9)), Log.open(RunFolder(root)) as log:
        log.record("run", [sample_run().started(resumed=True)])
        sentence = "the judge's endpoint answers 401: the key in DEMPO_JUDGE_KEY is not valid"
        log.record("run", [EngineStopped(outcome="failed", reason=sentence, exit_code=3)])
    change_a_text(write_sample(runs, old, damaged) / "audit.db")
    write_sample(runs, "sample", BEGUN)


def sample_run() -> Any:
    import sample_run

    return sample_run


def write_sample(runs: Path, name: str, begun: datetime, stop_before: str | None = None) -> Path:
    sample = sample_run()
    config = sample.CONFIG.replace('name = "sample"', f'name = "{name}"')
    ticks = itertools.count(step=0.25)
    clock = SimpleNamespace(monotonic=lambda: next(ticks), perf_counter=lambda: 0.0)
    with recorded_from(begun), patch("core.stage.time", clock), patch.multiple("sample_run", **KIND, CONFIG=config):
        return Path(sample.make_sample_run(runs, stop_before=stop_before))


def change_a_text(database: Path) -> None:
    """As a bad disk does."""
    content = database.read_bytes()
    whole = KIND["NULS"].encode()
    assert whole in content
    database.write_bytes(content.replace(whole, whole.replace(b"today", b"toda~")))


async def draw(runs: Path, size: tuple[int, int], theme: str, keys: tuple[str, ...], told: str) -> str:
    """The screen that these keys lead to, as SVG.

    Raises:
        AssertionError: it is not read in time.
    """
    from core.program.machine import Devices, Machine
    from tui.app import DempoApp

    spare = Machine(412 * GIB, 58 * GIB, Devices(1, 0.0, 0, 80 * GIB))
    app = DempoApp(runs, 0.1)
    app.theme = theme
    with (
        patch("tui.commands.data.shipped_examples.folder", lambda: Path("examples").absolute()),
        patch("core.program.machine.machine_now", lambda _: spare),
        patch("tui.screens.runs.utc_now", lambda: TODAY),
        patch("tui.screens.jobs.job_screen.duration", lambda seconds: "1.5 s"),
        patch("tui.screens.jobs.outcome._took", lambda seconds: "0 s"),
    ):
        return await _driven(app, size, keys, told)


async def _driven(app: Any, size: tuple[int, int], keys: tuple[str, ...], told: str) -> str:
    async with app.run_test(size=size) as pilot:
        await wait_for(app, "damaged")
        for key in keys:
            await pilot.press(key)
            await pilot.pause(0.5 if len(key) > 1 else 0.2)
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


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder of one name on every machine: the form shows where data are."""
    folder = Path("/tmp/dempo")
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def main(docs: Path) -> None:
    for name in ("NO_COLOR", "TEXTUAL_THEME", "SSH_TTY"):
        os.environ.pop(name, None)
    (docs / "screens").mkdir(parents=True, exist_ok=True)
    with _folder() as scratch:
        os.chdir(scratch)
        write_runs(Path("."))
        shutil.copytree(HERE.parent / "examples", "examples")
        for name, size, theme, keys, told in SCREENS:
            picture = asyncio.run(draw(Path("runs"), size, theme, keys, told))
            for found in (str(Path.home()), str(HERE.parent)):
                assert found.lstrip("/") not in picture, f"{name}: a path of this machine"
            picture = "\n".join(line.rstrip() for line in picture.splitlines()) + "\n"
            (docs / "screens" / f"{name}.svg").write_text(picture, encoding="utf-8")
            if name == "leaderboards":
                (docs / "app.svg").write_text(picture, encoding="utf-8")
        os.chdir(HERE)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else HERE.parent / "docs").absolute())
