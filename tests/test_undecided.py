"""Levels that floats cannot decide: the run ends with a valid lottery, and nowhere are they called exact or proved."""

from __future__ import annotations

import copy
import html
import re
import zipfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from both_verifiers import checked
from brute_leximin import brute_leximin, compositions, random_problem
from certificates import certificate_of
from table_runs import make_table_run

from core.facts.randomness import RandomStream
from core.facts.sortition.proof import DECIDED, check
from core.facts.sortition.undecided import room, undecided_sentence
from core.sortition.leximin import certificate, column_generation, decomposition
from core.sortition.leximin.certificate import Level, solver_facts
from core.sortition.leximin.column_generation import generated_leximin
from core.sortition.leximin.leximin import Leximin, leximin
from core.sortition.panels import Best, BestComposition
from core.sortition.quotas.problem import PanelProblem, QuotaConstraint
from storage.export.export import export_run
from storage.record.reader import Reader
from storage.record.rows import LevelRow, view_rows
from tui.commands.people.why import why
from tui.commands.record.show import Wanted, results, show
from tui.commands.runs.work_on import work_on
from tui.screens.panes.levels import proof_note, proof_word

LOOSE = 1e-5
"""By how much the bound of an integer programme is left open here, over values up to 1."""


def loosen(monkeypatch: pytest.MonkeyPatch, by: float = LOOSE) -> None:
    """Bounds that never close, as those of a programme that ends short of its optimum, and no small integers."""
    best = BestComposition.best

    def loose(self: BestComposition, weight: np.ndarray) -> Best | None:
        found = best(self, weight)
        return None if found is None else Best(found.panel, found.value, found.bound + by)

    monkeypatch.setattr(BestComposition, "best", loose)
    monkeypatch.setattr(certificate, "small_integers", lambda _: None)


def generated(problem: PanelProblem) -> Leximin:
    best = BestComposition(problem)
    panel = best.best(np.zeros(problem.types))
    assert panel is not None
    optimum, mixture = generated_leximin(problem, best, [panel.panel])
    return Leximin(optimum.pi, optimum.levels, mixture.panels, mixture.weights, "")


def open_levels(found: Leximin) -> list[Level]:
    return [level for level in found.levels if level.gap > DECIDED]


@pytest.mark.parametrize("seed", [0, 6, 8, 14])
def test_a_bound_that_never_closes_ends_with_a_lottery_and_true_gaps(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The best lowest level lies within the stated gap, and the checker takes the record for what it claims."""
    problem = random_problem(seed, 30, 7, 6, 3)
    truth = brute_leximin(problem, compositions(problem))
    loosen(monkeypatch)
    found = generated(problem)
    assert open_levels(found)
    result = check(certificate_of(problem, found))
    assert result.failure is None
    assert result.undecided == tuple(n for n, level in enumerate(found.levels) if level.gap > DECIDED)
    first = found.levels[0]
    assert float(first.exact) - 1e-9 <= truth.min() <= float(first.exact + first.gap) + 1e-9
    assert all(problem.violation(panel) is None for panel in found.panels)
    monkeypatch.undo()
    assert solver_facts(problem, result.facts) is None


def test_a_stage_without_a_usable_dual_is_bounded_by_equal_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every stage: what is claimed is weak, and true."""
    problem = random_problem(0, 30, 7, 6, 3)
    truth = brute_leximin(problem, compositions(problem))
    monkeypatch.setattr(column_generation, "candidate_values", lambda _: [])
    found = generated(problem)
    result = check(certificate_of(problem, found))
    assert result.failure is None
    assert len(result.undecided) == len(open_levels(found)) > 0
    first = found.levels[0]
    assert float(first.exact) - 1e-9 <= truth.min() <= float(first.exact + first.gap) + 1e-9
    assert solver_facts(problem, result.facts) is None


def test_levels_that_exclude_each_other_by_rounding_give_way() -> None:
    """Two people and one seat, and levels of 1/2 and a little more: the lottery comes as near as it can."""
    problem = PanelProblem(1, (1, 1, 1), (QuotaConstraint("a", "c", 0, 0, (2,)),))
    levels = [Level(Fraction(1, 2), (0,), "panels"), Level(Fraction(1, 2) + Fraction(3, 10**10), (1,), "panels")]
    master = column_generation._Master(problem, [(1, 0, 0), (0, 1, 0)], levels)
    solution = master.solve()
    assert solution.x[1:] == pytest.approx([0.5, 0.5], abs=1e-9)
    assert master.lowest(solution).tolist() == [False, False, True]


def test_a_decomposition_that_stalls_goes_on_with_column_generation(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = random_problem(3, 40, 10, 4, 3, slip=1)
    expected = leximin(problem, RandomStream(1)).pi
    monkeypatch.setattr(decomposition, "REACHED", -1.0)
    found = leximin(problem, RandomStream(1))
    assert found.method == "stalled"
    assert found.pi == pytest.approx(expected, abs=1e-8)


# ---------------------------------------------------------------- what is called undecided


@pytest.mark.parametrize(
    ("gap", "expected"),
    [
        ("0", None),
        (None, None),
        ("1/1000000000", None),
        ("2/1000000000", 2e-9),
        ("1/8", 0.125),
        ("7", 0.75),
        ("9" * 4000, 0.75),
        ("1/0", 0.75),
        ("nonsense", 0.75),
        (["1"], 0.75),
    ],
)
def test_room_is_what_the_gap_leaves_below_certainty(gap: object, expected: float | None) -> None:
    assert room({"probability": 0.25, "gap": gap}) == expected


def test_nothing_is_said_where_every_level_is_decided() -> None:
    assert undecided_sentence("main", [{"level": 0, "probability": 0.5, "gap": "1/10000000000"}]) == ""


def test_a_level_that_is_known_up_to_rounding_is_not_called_exact() -> None:
    level = LevelRow("main", 0, 0.5, "[0]", None, "quotas", "1/10000000000")
    assert proof_word(level) == "proved, with a gap"
    assert proof_word(replace(level, gap="0")) == "exact"
    assert "leave a stated gap" in proof_note([level])


# ---------------------------------------------------------------- everywhere

# Features 1, 2 and 3 by person; each exactly once on a panel of two. The only panel is {1,2,3} and the one without.
PEOPLE = "who,f1,f2,f3\na,y,y,n\nb,n,y,y\nc,y,n,y\ne,y,y,y\no,n,n,n\n"
QUOTAS = "category,feature,min,max\n" + "".join(f"f{i},y,1,1\nf{i},n,1,1\n" for i in (1, 2, 3))
CONFIG = """
[[lotteries]]
name = "main"
size = 2
[[draws]]
id = "first"
lottery = "main"
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with a lottery whose lower levels were not decided. Nobody writes into it."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        loosen(monkeypatch)
        return make_table_run(tmp_path_factory.mktemp("undecided"), "undecided", PEOPLE, QUOTAS, CONFIG)


def test_the_record_says_which_levels_are_open(run: Path) -> None:
    levels = Reader(run).view("levels")
    assert room(levels[0]) == pytest.approx(2 * LOOSE, rel=1)
    assert [row["members"] for row in Reader(run).query("SELECT count(*) AS members FROM panel_members")] == [2]
    (lottery,) = Reader(run).view("lotteries")
    assert lottery["method"] == "undecided"


def test_both_verifiers_take_the_gap_for_what_it_claims(run: Path) -> None:
    verdicts = checked(run)
    assert [name for name, check in verdicts.items() if check.verdict == "failed"] == []
    assert verdicts["lotteries"].verdict == "unknown"
    assert "could not decide level 0" in verdicts["lotteries"].detail
    assert "not proved to be LEXIMIN" in verdicts["lotteries"].detail
    assert verdicts["solver"].verdict == "ok", "the bounds that were claimed hold"


def test_a_gap_smaller_than_the_proof_leaves_is_still_a_failure() -> None:
    problem = random_problem(0, 30, 7, 6, 3)
    with pytest.MonkeyPatch.context() as monkeypatch:
        loosen(monkeypatch)
        found = certificate_of(problem, generated(problem))
    assert check(found).accepted
    forged = copy.deepcopy(found)
    place = check(found).undecided[0]
    forged["levels"][place]["gap"] = "0"
    assert "proof of level" in str(check(forged).failure)


def test_run_and_show_say_it(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The end of `dempo run` and `resume`, quiet or not, and what `dempo show` prints."""
    reader = Reader(run)
    work_on(run, None, detach=False, quiet=True, as_json=False)
    assert "dempo: note: lottery 'main': floating-point arithmetic could not decide level 0" in capsys.readouterr().err
    for view in (None, "levels", "lotteries"):
        show(reader, Wanted(view=view), run.parent, False)
        assert "could not decide level 0" in capsys.readouterr().err
    results(reader, as_json=True)
    assert "could not decide level 0" in capsys.readouterr().out


def test_reasons_for_a_chance_claim_no_more_than_is_known(run: Path) -> None:
    (answer,), text = why(Reader(run), "a")
    assert answer["room"] is not None
    assert "could not be decided in floating-point arithmetic" in text
    assert "cannot be higher" not in text


def test_the_app_says_it(run: Path) -> None:
    levels = view_rows(Reader(run), LevelRow)
    assert proof_word(levels[0]).startswith("undecided: up to ")
    assert "could not be decided, so LEXIMIN is not proved" in proof_note(levels)


def test_the_report_says_it(run: Path, tmp_path: Path) -> None:
    export_run(run, tmp_path / "bundle.zip", redact=False, force=False, agent=None, told=lambda *_: None)
    with zipfile.ZipFile(tmp_path / "bundle.zip") as bundle:
        (name,) = [name for name in bundle.namelist() if name.endswith("report.html")]
        text = html.unescape(re.sub(r"<[^>]*>", " ", bundle.read(name).decode()))
    assert "Not decided: lottery 'main'" in text
    assert "undecided: up to" in text


@pytest.mark.night
@pytest.mark.timeout(3600)
def test_a_feasible_pool_of_a_hundred_people_gets_a_lottery() -> None:
    """100 people, eight attributes, exact quotas: prices of fixed types are hundreds of times those of free ones."""
    problem = hard_pool()
    found = leximin(problem, RandomStream(1, "x"))
    assert found.method == "undecided"
    result = check(certificate_of(problem, found))
    assert result.failure is None
    assert 0 < len(result.undecided) < len(found.levels)
    assert result.gap < 1e-5
    assert all(problem.violation(panel) is None for panel in found.panels)
    assert solver_facts(problem, result.facts) is None


def hard_pool() -> PanelProblem:
    """The pool of tests/data/hard100, of 20 seats."""
    import csv

    folder = Path(__file__).parent / "data" / "hard100"
    with (folder / "people.csv").open(newline="") as people, (folder / "quotas.csv").open(newline="") as quotas:
        names, *rows = [row[1:] for row in csv.reader(people)]
        wanted = list(csv.DictReader(quotas))
    types = sorted(set(map(tuple, rows)))
    sizes = tuple(sum(tuple(row) == kind for row in rows) for kind in types)
    quota_rows = []
    for row in wanted:
        place = names.index(row["feature"])
        holders = tuple(t for t, kind in enumerate(types) if kind[place] == row["value"])
        quota_rows.append(QuotaConstraint(row["feature"], row["value"], int(row["min"]), int(row["max"]), holders))
    return PanelProblem(20, sizes, tuple(quota_rows))
