"""`make bench`: speed as ratios within one run, and volumes of the record. Prints a table; nothing is asserted.

Each line compares two ways of doing the same work on this machine, now; ratios travel, seconds don't.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import numpy as np  # noqa: E402

from core.data.pseudonyms import PLANTED  # noqa: E402
from core.events import JudgeCalled  # noqa: E402
from core.facts.randomness import RandomStream  # noqa: E402
from core.facts.ranking.methods import METHODS  # noqa: E402
from core.facts.training.numbers import ASKED, ONLY_BF16  # noqa: E402
from core.run_folder import RunFolder  # noqa: E402
from core.sections.who_judges import RankSection  # noqa: E402
from core.training.prediction.peak import most_resident  # noqa: E402
from core.types import Ranking  # noqa: E402

DATA = HERE.parent.parent / "shared" / "data" / "prism_like"
MODELS = tuple("abcdefg")


def timed(work: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def rankings(questions: int, judges: int, conditions: int = 7) -> tuple[Ranking, ...]:
    """Rankings by a Plackett–Luce model with spread abilities, whose judges agree more within a question."""
    generator = np.random.default_rng(0)
    names = [f"c{i:02d}" for i in range(conditions)]
    heard = np.linspace(0.5, -0.5, conditions) + generator.gumbel(size=(questions, 1, conditions))
    heard = heard + 0.33 * generator.normal(size=(questions, judges, conditions))
    orders = np.argsort(-heard, axis=2).reshape(-1, conditions)
    return tuple(
        Ranking(f"{i // judges}", i // judges // 40, f"j#{i % judges}", tuple(names[j] for j in order))
        for i, order in enumerate(orders)
    )


def processor_time(work: Callable[[], object]) -> float:
    """Processor seconds that a call takes."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def cpu_of(*command: str) -> float:
    """Processor seconds of the quickest of five interpreters that do this."""
    spent = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *command], cwd=HERE.parent, capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(spent)


def bench_help() -> list[tuple[str, str]]:
    """The help of the command line, against the library that it is made with and against Python alone."""
    ours, library, nothing = cpu_of("-m", "tui", "--help"), cpu_of("-c", "import typer"), cpu_of("-c", "pass")
    return [
        ("`dempo --help`, processor time", f"{ours:.2f} s"),
        ("against `import typer` alone", f"{ours / library:.1f} × as long"),
        ("against an interpreter that does nothing", f"{ours / nothing:.1f} × as long"),
    ]


def bench_ranking() -> list[tuple[str, str]]:
    """All methods with 1,000 resamples on paper-sized sets; single fits by other libraries, in the same minute."""
    from core.ranking.leaderboards import leaderboards

    found, ours = [], {}
    for conditions in (7, 12, 16, 26):
        data = rankings(3000, 5, conditions)
        section, stream = RankSection(), RandomStream(0, "bench")
        ours[conditions] = processor_time(lambda: leaderboards(data, section, stream))  # noqa: B023
        what = f"{len(METHODS)} methods × 1,000 resamples, 15,000 rankings of {conditions}"
        found.append((f"{what}, processor time", f"{ours[conditions]:.1f} s"))
    return [*found, *_other_libraries(rankings(3000, 5), ours[7]), *_large_cycle()]


def _other_libraries(data: Sequence[Ranking], ours: float) -> list[tuple[str, str]]:
    """Processor time of one fit of seven conditions, a thousand times, against ours."""
    import choix

    names = sorted(data[0].order)
    orders = [[names.index(name) for name in ranking.order] for ranking in data]
    fits = {"choix, Plackett–Luce alone": lambda: choix.ilsr_rankings(len(names), orders)}
    try:
        import evalica
    except ImportError:
        pass
    else:
        pairs = [pair for ranking in data for pair in combinations(ranking.order, 2)]
        better, worse = [one for one, _ in pairs], [other for _, other in pairs]
        wins = [evalica.Winner.X] * len(pairs)
        fits["evalica, Bradley–Terry alone"] = lambda: evalica.bradley_terry(better, worse, wins, tolerance=1e-12)
    return [
        (f"of 7 with {name} (one fit timed, × 1,000)", f"{1000 * processor_time(fit) / ours:,.0f} × as long")
        for name, fit in fits.items()
    ]


def _large_cycle() -> list[tuple[str, str]]:
    """Kemeny of more conditions than a paper has, none of which beats the rest."""
    from core.ranking.counts import wins_by_unit
    from core.ranking.methods.kemeny import kemeny, kemeny_batch

    generator = np.random.default_rng(62)
    orders = np.array([generator.permutation(62) for _ in range(5)])
    wins = wins_by_unit(orders, np.zeros(5, dtype=np.int64), 1)
    found = []
    spent = processor_time(lambda: found.append(kemeny(wins[0])))
    again = processor_time(lambda: kemeny_batch(np.repeat(wins, 100, axis=0)))
    told = f"{spent:.1f} s, gap {found[0].gap:g}; 1,000 resamples {10 * again:.1f} s"
    return [("Kemeny of 62 conditions ranked at random by five judges, processor time", told)]


def bench_record() -> list[tuple[str, str]]:
    """Writing judge calls one commit each against fifty per commit."""
    from records import genesis

    from storage.record.log import Log

    def call(i: int) -> JudgeCalled:
        return JudgeCalled(
            question_id=str(i),
            clause_id=1,
            judge="judge#0",
            judge_kind="planted",
            outcome="ranked",
            shown_order=list(MODELS),
            ranking=list(MODELS),
            attempts=1,
            request_key="0" * 64,
            rule=1,
            seconds=0.1,
        )

    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "20260101-000000-bench"
        with Log.create(RunFolder(root), genesis(root.name), PLANTED) as log:
            one = 1000 / timed(
                lambda: [log.record("judge", [call(i)], unit=(f"j/{i}", 1)) for i in range(1000)] and None
            )
            batches = [[call(i) for i in range(start, start + 50)] for start in range(0, 5000, 50)]
            fifty = 5000 / timed(lambda: [log.record("bench", batch) for batch in batches] and None)
    return [
        ("events per second, one per commit", f"{one:,.0f}"),
        ("fifty per commit, against one", f"{fifty / one:.1f} × as fast"),
    ]


def bench_paper() -> list[tuple[str, str]]:
    """A record of the paper's size: at most 200 MB, and verified in five seconds."""
    return _volume("paper-sized record", 1)


def bench_five_papers() -> list[tuple[str, str]]:
    """The same, five times as large."""
    return _volume("five times that", 5)


def _volume(name: str, times: int) -> list[tuple[str, str]]:
    """Size of a record, and what it costs to look at it, each in a process of its own."""
    from paper_record import WORK, write_record

    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "20260101-000000-bench"
        write = timed(lambda: write_record(root, times))
        size = (root / "audit.db").stat().st_size
        found = [(f"{name}: size (written in {write:.0f} s)", f"{size / 1e6:.0f} MB")]
        for what in WORK:
            command = [sys.executable, HERE / "paper_record.py", root, what]
            cost = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            spent = f"{cost['seconds']:.2f} s, peak memory {cost['peak']:.0f} MiB ({cost['told']})"
            found.append((f"{name}: {what}", spent))
    return found


def bench_verification() -> list[tuple[str, str]]:
    """Answers, judge calls and leaderboards of the paper's size, on which every check has all its work to do."""
    from paper_judging import write_judging

    from storage.verifier.shipped import verifier_text

    with tempfile.TemporaryDirectory() as scratch:
        root, alone = Path(scratch) / "20260101-000000-paper", Path(scratch) / "verify.py"
        write_judging(root)
        alone.write_text(verifier_text(), encoding="utf-8")
        program = [sys.executable, "-m", "tui", "verify", str(root), "--json"]
        found = [
            ("paper-sized judging and its leaderboards: size", f"{(root / 'audit.db').stat().st_size / 1e6:.0f} MB")
        ]
        for name, command in (
            ("dempo verify", program),
            ("verify.py", [sys.executable, "-I", str(alone), str(root), "--json"]),
        ):
            begun = time.perf_counter()
            done = subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True, check=True)
            spent = time.perf_counter() - begun
            found.append((f"paper-sized judging: {name}", f"{spent:.1f} s ({json.loads(done.stdout)['summary']})"))
    return found


def bench_data() -> list[tuple[str, str]]:
    """The PRISM-sized folder, where it lies beside the checkout."""
    if not DATA.is_dir():
        return [("PRISM-sized folder", "not beside this checkout")]
    from memory_recorder import make_context

    from core.config_file import load_config
    from core.data.stage import pairs, pool

    config = load_config(HERE.parent / "examples" / "prism-us.toml", [f"data.path={DATA}"]).config
    with tempfile.TemporaryDirectory() as scratch:
        ctx = make_context("pairs", config, Path(scratch))
        begun = time.perf_counter()
        built = pairs(ctx)
        members = pool(make_context("pool", config, Path(scratch)), built)
        spent = time.perf_counter() - begun
        plain = timed(lambda: [json.loads(line) for path in DATA.glob("*.jsonl") for line in path.open("rb")] and None)
    peak = most_resident() / 2**30
    return [
        (f"PRISM-sized folder to {len(built):,} pairs and {len(members.raters):,} raters", f"{spent:.1f} s"),
        ("against json.loads of every line alone", f"{spent / plain:.1f} × as long"),
        ("peak memory of this benchmark", f"{peak:.2f} GiB"),
    ]


def bench_optimizers() -> list[tuple[str, str]]:
    """Every precision with every optimizer that it goes with: processor time, memory, and what of the way in fp32."""
    ways = [(numbers, "adamw") for numbers in ASKED] + [("bf16", name) for name in ONLY_BF16]
    found, whole = [], None
    with tempfile.TemporaryDirectory() as scratch:
        for numbers, name in ways:
            file = Path(scratch) / f"{numbers}-{name}.npy"
            command = [sys.executable, HERE / "optimizer_cost.py", numbers, name, file]
            done = subprocess.run(command, check=True, capture_output=True, text=True, env=OWN_PATH)
            cost, moved = json.loads(done.stdout), np.load(file)
            whole = moved if whole is None else whole
            along = float(moved @ whole / (whole @ whole))
            told = (
                f"{cost['tokens']:,.0f} tokens/s, peak memory {cost['peak']:,.0f} MiB, displacement {along:.3f} of fp32"
            )
            found.append((f"training in {numbers} with {name}", told))
    return found


OWN_PATH = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path[:2])}

_PARTS = (
    bench_help,
    bench_data,
    bench_optimizers,
    bench_record,
    bench_paper,
    bench_five_papers,
    bench_verification,
    bench_ranking,
)


def main(parts: Sequence[Callable[[], list[tuple[str, str]]]] = _PARTS) -> None:
    """Prints every line as it is measured."""
    for part in parts:
        for what, value in part():
            print(f"| {what} | {value} |", flush=True)


if __name__ == "__main__":
    main()
