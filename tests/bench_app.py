"""`make bench-app`: what the terminal app costs in a real terminal of 80×24. Prints tables; nothing is asserted.

Seconds are those of the processor that the app's process took, from a key until it neither wrote anything nor worked
for `QUIET` seconds. The first paint stands beside that of a Textual app with nothing but a table of as many rows, which
is started in turn with it, as ratio of the two medians. Memory is what the process holds then.

    python tests/bench_app.py [start] [screens] [larger] [idle] [watch]
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from terminal import PATIENCE, Terminal, dempo  # noqa: E402

RUNS, ROUNDS, QUIET, LISTENED, LOOK, WORK = 50, 5, 0.7, 5.0, 0.005, 0.1
"""Runs in the list; starts of each app; seconds of silence; seconds that an idle screen is listened to; seconds between
two looks at what was written; the share of a processor above which a process is at work."""

SETTLED, WATCHED = 4.0, 10.0
"""Seconds until a screen of a run at work is there as a whole, and seconds that it is listened to then."""

TABS = ("overview", "quotas", "draw", "training", "rankings", "leaderboards", "record")

BARE = f"""
from textual.app import App
from textual.widgets import DataTable, Footer, Static

class Bare(App):
    def compose(self):
        yield Static("bare")
        yield DataTable()
        yield Footer()

    def on_mount(self):
        table = self.query_one(DataTable)
        table.add_columns("a", "b", "c")
        for _ in range({RUNS}):
            table.add_row("first", "second", "third")

Bare().run()
"""

Row = tuple[str, str]


class Opened:
    """A process in its terminal, of which the processor time and the memory are asked."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal

    def seconds(self) -> float:
        """Of the processor, all threads, so far."""
        fields = Path(f"/proc/{self.terminal.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def mebibytes(self) -> float:
        lines = Path(f"/proc/{self.terminal.pid}/status").read_text().splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith("VmRSS:"))) / 1024

    def pressed(self, key: str) -> float:
        """Seconds of the processor until all that a key brought about is done and written."""
        before = self.seconds()
        self.terminal.send(key)
        self.rest()
        return self.seconds() - before

    def rest(self) -> None:
        """Waits until the process neither writes nor works."""
        while True:
            before = self.seconds()
            self.terminal.rest(QUIET)
            if self.seconds() - before < WORK * QUIET:
                return


def bench_start() -> list[Row]:
    """The first paint of a list of many runs."""
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(RUNS):
            _sample(Path(scratch), number)
        named, whole, other = [], [], []
        for _ in range(ROUNDS):
            with dempo("--runs-dir", scratch) as terminal:
                named.append(_spent(terminal, f"{RUNS} runs", "Quit", "…"))
                whole.append(_spent(terminal, "completed"))
            with closing(Terminal([sys.executable, "-c", BARE], (80, 24))) as terminal:
                other.append(_spent(terminal, "third"))
    (named_s, _), (whole_s, whole_mib), (other_s, other_mib) = (
        tuple(statistics.median(values) for values in zip(*rounds, strict=True)) for rounds in (named, whole, other)
    )
    return [
        (f"{RUNS} runs by name, with frame and keys", f"{named_s:.2f} s"),
        ("all of them read", f"{whole_s:.2f} s, {whole_mib:.0f} MiB"),
        (f"Textual alone with a table of {RUNS} rows", f"{other_s:.2f} s, {other_mib:.0f} MiB"),
        ("names over Textual alone; read over Textual alone", f"{named_s / other_s:.1f} ×; {whole_s / other_s:.1f} ×"),
    ]


def _sample(runs: Path, number: int) -> None:
    """A small complete run whose name ends in a number: ids of one second differ by their names."""
    from unittest.mock import patch

    import sample_run

    with patch.object(sample_run, "CONFIG", sample_run.CONFIG.replace('name = "sample"', f'name = "sample{number}"')):
        sample_run.make_sample_run(runs)


def _spent(terminal: Terminal, *wanted: str) -> tuple[float, float]:
    """What the process has taken when all of this is written, looked at every few milliseconds: it works on."""
    opened, begun = Opened(terminal), time.monotonic()
    while not all(words.encode() in terminal.raw for words in wanted) and time.monotonic() < begun + PATIENCE:
        terminal.read(LOOK)
    return opened.seconds(), opened.mebibytes()


def bench_screens() -> list[Row]:
    """Every tab of a run with 15,000 judge calls about 3,000 planned questions."""
    return _screens(3_000)


def bench_larger() -> list[Row]:
    """The same, five times as large."""
    return _screens(15_000)


def _screens(questions: int) -> list[Row]:
    from paper_judging import write_judging

    with tempfile.TemporaryDirectory() as scratch:
        write_judging(Path(scratch) / "20260101-000000-paper", questions, resamples=20)
        rows = []
        for size in ((80, 24), (120, 40)):
            with dempo("--runs-dir", scratch, size=size) as terminal:
                rows += _tabs(terminal, f"{5 * questions:,} calls, {size[0]}×{size[1]}")
    return rows


def _tabs(terminal: Terminal, name: str) -> list[Row]:
    terminal.wait_for("1 run")
    opened = Opened(terminal)
    opened.rest()
    rows = [(f"{name}: opening the run", _told(opened.pressed("\r")))]
    for number, tab in enumerate(TABS, start=1):
        first = opened.pressed(str(number))
        opened.pressed("1" if number > 1 else "2")
        again = opened.pressed(str(number))
        rows.append((f"{name}: {tab}", f"{_told(first)}, again {_told(again)}"))
        if tab in ("rankings", "record"):
            rows.append((f"{name}: {tab}, one row down", _told(opened.pressed("\x1b[B"))))
            rows.append((f"{name}: {tab}, next page", _told(opened.pressed("\x1b[6~"))))
            rows.append((f"{name}: {tab}, to the end", _told(opened.pressed("\x1b[F"))))
            rows.append((f"{name}: {tab}, a text looked for", _told(opened.pressed("/1:1\r"))))
    return [*rows, (f"{name}: memory after all tabs", f"{opened.mebibytes():.0f} MiB")]


def _told(seconds: float) -> str:
    return f"{seconds:.2f} s"


def bench_idle() -> list[Row]:
    """Bytes that an open screen writes while nothing changes."""
    from sample_run import make_sample_run

    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        make_sample_run(Path(scratch))
        with dempo("--runs-dir", scratch) as terminal:
            terminal.wait_for("completed", "SIMULATED")
            terminal.rest()
            rows.append(("the list", _heard(terminal)))
            terminal.send("\r")
            terminal.rest()
            for number, tab in enumerate(TABS, start=1):
                terminal.send(str(number))
                terminal.rest()
                rows.append((tab, _heard(terminal)))
    return [(f"idle, {name}", told) for name, told in rows]


def _heard(terminal: Terminal, seconds: float = LISTENED) -> str:
    return f"{terminal.read(seconds) / seconds:,.0f} B/s"


def bench_watch() -> list[Row]:
    """Bytes that an open screen writes while a run records so many events a second."""
    return [row for size in ((80, 24), (120, 40)) for stage in ("train", "judge") for row in _watched(stage, size)]


def _watched(stage: str, size: tuple[int, int]) -> list[Row]:
    from slow_writer import A_SECOND, growing

    tabs = ("overview", "training" if stage == "train" else "rankings", "record")
    rows = []
    with (
        tempfile.TemporaryDirectory() as scratch,
        growing(Path(scratch), stage),
        dempo("--runs-dir", scratch, size=size) as terminal,
    ):
        terminal.wait_for("1 running")
        terminal.read(SETTLED)
        rows.append(("the list", _heard(terminal, WATCHED)))
        terminal.send("\r")
        for tab in tabs:
            terminal.read(SETTLED)
            terminal.send(str(TABS.index(tab) + 1))
            terminal.read(SETTLED)
            rows.append((tab, _heard(terminal, WATCHED)))
    told = f"{stage}, {A_SECOND} events/s, {size[0]}×{size[1]}"
    return [(f"{told}: {name}", heard) for name, heard in rows]


_PARTS: dict[str, Callable[[], list[Row]]] = {
    "start": bench_start,
    "screens": bench_screens,
    "larger": bench_larger,
    "idle": bench_idle,
    "watch": bench_watch,
}


def main(names: Sequence[str]) -> None:
    """Prints the rows of these parts, or of all, as a Markdown table.

    Raises:
        SystemExit: there is no such part.
    """
    unknown = [name for name in names if name not in _PARTS]
    if unknown:
        raise SystemExit(f"there is no part {unknown[0]!r}; the parts are {', '.join(_PARTS)}")
    print("| what | processor time, memory or bytes |\n|---|---|")
    for name in names or _PARTS:
        for what, told in _PARTS[name]():
            print(f"| {what} | {told} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
