"""`make bench-sortition`: this engine against sortition-algorithms on the same pools, and growth with the pool.

Both sides run as processes of their own, one after the other, on this machine, now; each may take ten minutes.
Prints Markdown tables; nothing is asserted. Ratios travel, seconds don't.
"""

from __future__ import annotations

import csv
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import numpy as np  # noqa: E402
from sortition_pools import pool_of  # noqa: E402

from core.events import QuotaRow  # noqa: E402
from core.sortition.quotas.conflicts import require_panel  # noqa: E402
from core.sortition.quotas.problem import problem_for  # noqa: E402

DATA = HERE.parent.parent / "shared" / "data"
OPPONENT = HERE.parent / ".venv-bench" / "bin" / "python"
CAP = 600
METHODS = ("maximin-highs", "maximin-cbc", "legacy")
GROWTH = (350, 700, 1400, 5000, 20000)


@dataclass(frozen=True)
class Case:
    """A pool as two tables: categories per person, and (attribute, category, min, max) per quota."""

    name: str
    size: int
    attributes: tuple[str, ...]
    people: tuple[tuple[str, ...], ...]
    quotas: tuple[tuple[str, str, int, int], ...]

    def write(self, folder: Path) -> tuple[Path, Path]:
        """respondents.csv and quotas.csv."""
        respondents, quotas = folder / "respondents.csv", folder / "quotas.csv"
        with respondents.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["id", *self.attributes])
            rows.writerows([f"p{i:05d}", *person] for i, person in enumerate(self.people))
        with quotas.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["feature", "value", "min", "max"])
            rows.writerows(self.quotas)
        return respondents, quotas


@dataclass(frozen=True)
class Result:
    """Seconds, peak memory in MiB and π per person; `failed` says what happened instead."""

    seconds: float
    peak: float
    pi: np.ndarray
    failed: str = ""


# ---------------------------------------------------------------- pools


def shared_pools() -> Iterator[Case]:
    """The public pools beside the checkout."""
    for name, size, people, quotas in (
        ("fixture_22", 22, "fixture_22_candidates.csv", "fixture_22_features.csv"),
        ("example_small_20", 20, "example_small_20_respondents.csv", "example_small_20_categories.csv"),
        ("example_large_200", 200, "example_large_200_respondents.csv", "example_large_200_categories.csv"),
    ):
        with (DATA / "pools" / quotas).open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        first, second = ("feature", "value") if "value" in rows[0] else ("category", "feature")
        bounds = tuple((row[first], row[second], int(row["min"]), int(row["max"])) for row in rows)
        attributes = tuple(dict.fromkeys(row[0] for row in bounds))
        with (DATA / "pools" / people).open(encoding="utf-8-sig", newline="") as file:
            found = tuple(tuple(row[a] for a in attributes) for row in csv.DictReader(file))
        yield Case(name, size, attributes, found, bounds)


def prism_pool() -> Case:
    """The PRISM-sized pool with the quotas of examples/prism-us.toml, k = 145."""
    from core.config_file import load_config
    from core.data.stage import read_pool
    from core.sortition.quotas.quotas import quotas_for

    config = load_config(HERE.parent / "examples" / "prism-us.toml", [f"data.path={DATA / 'prism_like'}"]).config
    assert config.population is not None
    pool = read_pool(config)
    (section, *_) = config.lotteries
    quotas = quotas_for(config.population.attributes, pool, section.size, section.tolerance)
    return Case(
        f"PRISM-sized ({len(pool.raters):,} raters)",
        section.size,
        pool.attributes,
        tuple(pool.types[t] for t in pool.type_of),
        tuple((q.attribute, q.category, q.lower, q.upper) for q in quotas),
    )


def grown(base: Case, people: int) -> Case:
    """A pool of another size: raters of `base` drawn with replacement, each attribute taken from another with 20 %.

    The first `base.size` of them are a panel of `base` as it is, so that the pool is feasible whatever was drawn.
    """
    rng = np.random.default_rng(people)
    panel = panel_of(base)
    more = people - len(panel)
    columns = []
    chosen = rng.integers(len(base.people), size=more)
    for a in range(len(base.attributes)):
        other = np.where(rng.random(more) < 0.2, rng.integers(len(base.people), size=more), chosen)
        columns.append([base.people[i][a] for i in other])
    pool = (*panel, *zip(*columns, strict=True))
    return Case(f"n = {people:,}", base.size, base.attributes, pool, base.quotas)


def panel_of(case: Case) -> list[tuple[str, ...]]:
    """The people of some panel within the quotas; ends with a conflict where there is none."""
    pool = pool_of(case.attributes, case.people)
    in_pool = Counter((a, c) for person in case.people for a, c in zip(case.attributes, person, strict=True))
    quotas = [
        QuotaRow(attribute=a, category=c, lower=low, upper=high, slack=False, in_pool=in_pool[a, c])
        for a, c, low, high in case.quotas
    ]
    panel = require_panel(problem_for(pool, quotas, case.size))
    return [kind for kind, count in zip(pool.types, panel, strict=True) for _ in range(count)]


# ---------------------------------------------------------------- the two sides


def run(command: Sequence[str], environment: dict[str, str]) -> tuple[int, str, float, float]:
    """Exit code, standard output, seconds and peak memory in MiB of a process that may take `CAP` seconds."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        begun, most = time.perf_counter(), 0.0
        process = subprocess.Popen(command, stdout=out, stderr=err, env={**os.environ, **environment})
        while process.poll() is None:
            if time.perf_counter() - begun > CAP:
                process.kill()
                process.wait()
                break
            most = max(most, held(process.pid))
            time.sleep(0.02)
        out.seek(0)
        return process.returncode, out.read(), time.perf_counter() - begun, most


def held(pid: int) -> float:
    """MiB that a process has held at most so far; `wait4` would count what this benchmark held when it started that."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024 if "VmHWM:" in status else 0.0


def ours(case: Case, folder: Path, panels: int = 0) -> Result:
    """This program: a run up to the lottery; seconds are those of its lottery stage."""
    respondents, quotas = case.write(folder)
    config = folder / "config.toml"
    config.write_text(
        f"""[run]
name = "bench"
[data]
format = "tables"
respondents = "{respondents}"
quotas = "{quotas}"
id_column = "id"
[[lotteries]]
name = "main"
size = {case.size}
panels = {panels}
"""
    )
    command = [sys.executable, "-m", "tui", "run", str(config), "--until", "lottery", "--quiet", "--json"]
    command += ["--runs-dir", str(folder / "runs")]
    code, out, seconds, peak = run(command, {"PYTHONPATH": str(HERE.parent)})
    if code:
        return Result(seconds, peak, np.empty(0), f"stopped after {CAP} s" if code < 0 else f"exit code {code}")
    with sqlite3.connect(Path(json.loads(out)["path"]) / "audit.db") as db:
        (seconds,) = db.execute("SELECT seconds FROM stages WHERE stage = 'lottery'").fetchone()
        pi = [row[0] for row in db.execute("SELECT pi FROM inclusion_probabilities")]
    return Result(seconds, peak, np.array(pi))


def theirs(case: Case, folder: Path, method: str) -> Result:
    """sortition-algorithms with one of its methods."""
    respondents, quotas = case.write(folder)
    command = [str(OPPONENT), str(HERE / "opponent.py"), str(respondents), str(quotas), str(case.size), method]
    code, out, seconds, peak = run(command, {})
    if code:
        return Result(seconds, peak, np.empty(0), f"stopped after {CAP} s" if code < 0 else f"exit code {code}")
    found = json.loads(out.splitlines()[-1])
    return Result(found["seconds"], peak, np.array(found["pi"]))


# ---------------------------------------------------------------- tables


def spread(case: Case, pi: np.ndarray) -> float:
    """Largest difference of π between two people with the same attributes."""
    by_type = defaultdict(list)
    for person, value in zip(case.people, pi, strict=True):
        by_type[person].append(value)
    return max(max(values) - min(values) for values in by_type.values())


def compare(case: Case) -> None:
    """One line per side: seconds, against ours, memory, difference from the optimum, spread inside types."""
    with tempfile.TemporaryDirectory() as scratch:
        best = ours(case, Path(scratch))
        rows = [("dempo, LEXIMIN", best)]
        rows.append(("dempo, uniform over 1,000 panels", ours(case, Path(scratch), panels=1000)))
        if OPPONENT.is_file():
            rows += [(f"sortition-algorithms, {m}", theirs(case, Path(scratch), m)) for m in METHODS]
    for side, found in rows:
        if found.failed:
            shown = f"{found.failed} | > {found.seconds / best.seconds:.1f} × | {found.peak:.0f} MiB | | |"
        else:
            shown = (
                f"{found.seconds:.1f} s | {found.seconds / best.seconds:.1f} × | {found.peak:.0f} MiB | "
                f"{found.pi.min():.4f} | {np.abs(found.pi - best.pi).max():.1e} | {spread(case, found.pi):.1e} |"
            )
        print(f"| {case.name}, k = {case.size} | {side} | {shown}", flush=True)


def growth(base: Case) -> None:
    """This engine alone, on pools of growing size."""
    for people in GROWTH:
        case = grown(base, people)
        with tempfile.TemporaryDirectory() as scratch:
            found = ours(case, Path(scratch))
        types = len(set(case.people))
        shown = found.failed or f"{found.seconds:.1f} s"
        print(f"| {people:,} | {types:,} | {shown} | {found.peak:.0f} MiB |", flush=True)


def main() -> None:
    """Prints every line as it is measured; with arguments, only the cases whose name holds one of them."""
    wanted = sys.argv[1:]
    if not DATA.is_dir():
        print("the shared pools are not beside this checkout")
        return
    if not OPPONENT.is_file():
        print("the opponent is not installed: `make bench-sortition` does it")
    prism = prism_pool()
    print("| pool | side | wall | against ours | peak memory | smallest π | max difference | spread inside types |")
    print("|---|---|---|---|---|---|---|---|")
    for case in (*shared_pools(), prism):
        if not wanted or any(word in case.name for word in wanted):
            compare(case)
    if not wanted or "growth" in wanted:
        print("\n| raters | types | lottery | peak memory |\n|---|---|---|---|")
        growth(prism)


if __name__ == "__main__":
    main()
