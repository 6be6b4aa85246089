"""dempo as others install it: a wheel in an environment of its own, outside the checkout, without the extra `train`.

    python tests/installed.py [--lowest]

Runs the assembly example to its panel, checks the record with `dempo verify` and with the stand-alone file, ranks a
file of rankings, opens the app, and reads the sentence for what a run with training lacks. `--lowest` installs the
lowest versions that are declared, not those in `constraints.txt`. Needs a package index; ends with the first failure.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
MOST_ON_DISK = 400 * 1024**2
"""Bytes of the whole environment, pip and all."""

MOST_DOWNLOADED = 100
"""Megabytes."""

TRAINING = ("torch", "transformers", "trl", "accelerate", "datasets", "pandas", "pyarrow", "torchao", "optimi")


def main() -> None:
    lowest = "--lowest" in sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="dempo-installed-") as place:
        there = Path(place)
        wheel = built(there)
        venv.create(there / "env", with_pip=True)
        install(there, wheel, lowest)
        size = on_disk(there / "env")
        print(f"on disk: {size / 1024**2:.0f} MiB", flush=True)
        require(lowest or size <= MOST_ON_DISK, "the base installation is too large")
        present = [
            name
            for name in TRAINING
            if subprocess.run(
                [there / "env/bin/python", "-c", f"import {name}"], capture_output=True, check=False
            ).returncode
            == 0
        ]
        require(not present, f"the base installs {present}")
        used(there)
    print("the installed program works", flush=True)


def built(there: Path) -> Path:
    """The wheel of this checkout; sources are copied, so that nothing is left in it."""
    source = there / "source"
    listing = ["git", "ls-files", "-z"]
    tracked = subprocess.run(listing, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, tracked.split("\0")):
        if (CHECKOUT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((CHECKOUT / name).read_bytes())
    run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", there, source], there)
    (wheel,) = there.glob("dempo-*.whl")
    return wheel


def install(there: Path, wheel: Path, lowest: bool) -> None:
    constraints = CHECKOUT / "constraints.txt"
    if lowest:
        project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        constraints = there / "lowest.txt"
        constraints.write_text("".join(re.sub(">=", "==", line) + "\n" for line in project["dependencies"]))
    pip = [there / "env/bin/python", "-m", "pip", "install", "--disable-pip-version-check"]
    said = run([*pip, "--constraint", constraints, wheel], there)
    sizes = re.findall(r"(?:Downloading|Using cached) \S+\.whl \(([0-9.]+) (kB|MB)\)", said)
    downloads = sum(float(n) / (1000 if unit == "kB" else 1) for n, unit in sizes)
    print(f"downloads: {downloads:.0f} MB", flush=True)
    require(lowest or downloads <= MOST_DOWNLOADED, "the base installation downloads too much")


def on_disk(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def used(there: Path) -> None:
    home = there / "work"
    home.mkdir()
    dempo = there / "env/bin/dempo"
    run([dempo, "examples", "--to", "mine"], home)
    run([dempo, "run", "mine/assembly.toml", "--until", "draw", "--quiet"], home)
    (listed,) = json.loads(run([dempo, "list", "--json"], home))["runs"]
    run([dempo, "verify", listed["run_id"]], home)
    run([dempo, "export", listed["run_id"], "--to", "bundle.zip"], home)
    run([there / "env/bin/python", "-m", "zipfile", "-e", "bundle.zip", "opened"], home)
    (alone,) = (home / "opened").rglob("verify.py")
    run([there / "env/bin/python", "-I", alone, alone.parent], home)
    orders = [["a", "b", "c"], ["a", "c", "b"], ["b", "a", "c"]]
    rankings = [
        {"question_id": str(n), "clause_id": 1, "judge": "j", "ranking": order} for n, order in enumerate(orders)
    ]
    (home / "rankings.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rankings))
    run([dempo, "rank", "rankings.jsonl", "--resamples", "50"], home)
    app = "from pathlib import Path\nfrom tui.app import DempoApp\nimport asyncio\n" + (
        "async def look():\n    app = DempoApp(Path('runs'), 0.2)\n    async with app.run_test() as pilot:\n"
        "        await pilot.pause(1.0)\n        await pilot.press('q')\nasyncio.run(look())\n"
    )
    run([there / "env/bin/python", "-c", app], home)
    demo = subprocess.run([dempo, "demo"], cwd=home, capture_output=True, text=True, check=False, env=own())
    require(demo.returncode == 2, f"a run with training ended with {demo.returncode}: {demo.stderr}")
    require("dempo[train]" in demo.stderr, f"the sentence names no extra: {demo.stderr}")
    print(demo.stderr.strip(), flush=True)


def own() -> dict[str, str]:
    """Without what would make the checkout importable."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "DEMPO_RUNS")}


def run(command: list[object], where: Path) -> str:
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=where, capture_output=True, text=True, check=False, env=own())
    require(done.returncode == 0, f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def require(true: bool, what: str) -> None:
    if not true:
        sys.exit(what)


if __name__ == "__main__":
    main()
