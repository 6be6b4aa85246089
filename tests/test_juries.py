"""Juries: what a judge weighs, the boards of some of the judges, and how far they agree."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from both_verifiers import shipped
from pydantic import ValidationError
from rewritten import Row, forged
from scipy.stats import kendalltau
from tampering import Change, edited, tampered
from verified_runs import TINY, small_demo

from core.errors import InputError
from core.events import GoldRanking
from core.facts.randomness import RandomStream
from core.facts.ranking.juries import jury_boards
from core.facts.ranking.methods import METHODS, Method
from core.ranking.judges.gold import read_gold
from core.ranking.judges.gold_agreement import gold_agreement
from core.ranking.judges.jury_agreement import alphas_of, jury_agreement, sums_by_question
from core.ranking.juries import Jury
from core.ranking.leaderboards import Aggregation, Leaderboard, leaderboards
from core.sections.who_judges import RankSection
from core.types import Ranking
from storage.checks_ranking import juries_again
from storage.judging.jury import JuryFound
from storage.record.reader import Reader
from storage.record.rows import JuryBoardRow, MeasureRow
from storage.replay.replaying import replay_run
from storage.verifier.ground.finding import concluded
from storage.verifier.ground.reading import read_record
from storage.verifier.ranking.estimates import FIRST_FIGURES, ballots_of
from storage.verifier.ranking.juries import check_juries
from storage.verifier.ranking.jury_figures import _agreement_cells, agreement_figures, alpha_of
from storage.verifier.writer_facts import tree_facts
from storage.verify import verify
from tui.commands.ranking.rank import ranked
from tui.commands.ranking.rank_options import RankOptions
from tui.commands.ranking.rank_source import of_file, of_run
from tui.commands.record.show import results
from tui.commands.runs.process import work
from tui.screens.panes.leaderboards import LeaderboardsPane, PageRequest, page
from tui.terminal.console import Console

WEIGHTS = {"strict": 3, "kind": 1, "odd": 2}


def rankings(questions: int = 12, conditions: str = "abcd") -> list[Ranking]:
    """Three judges, two calls each, in planned order; "odd" prefers the other end of the alphabet."""
    generator = random.Random(7)

    def order(judge: str) -> tuple[str, ...]:
        spread = -1.0 if judge == "odd" else 0.7
        heard = {c: spread * k - math.log(-math.log(generator.random())) for k, c in enumerate(conditions)}
        return tuple(sorted(conditions, key=lambda c: -heard[c]))

    return [
        Ranking(f"{q % 3}:{q}", q % 3, f"{judge}#{call}", order(judge))
        for judge in WEIGHTS
        for call in range(2)
        for q in range(questions)
    ]


def weighed(listed: list[Ranking]) -> list[Ranking]:
    return [replace(one, weight=WEIGHTS[one.judge.partition("#")[0]]) for one in listed]


def boards(listed: list[Ranking], methods: tuple[Method, ...] = METHODS) -> list[Leaderboard]:
    section = RankSection(methods=methods, resamples=20)
    return list(leaderboards(listed, section, RandomStream(5, "rank")))


@pytest.mark.parametrize("method", [method for method in METHODS if method != "mallows"])
def test_a_weight_counts_each_ranking_so_many_times(method: Method) -> None:
    """But for what Mallows holds out, which is a share of the rankings as they are."""
    listed = rankings()
    repeated = [one for ranking in listed for one in [ranking] * WEIGHTS[ranking.judge.partition("#")[0]]]
    (by_weight,), (by_repeating,) = boards(weighed(listed), (method,)), boards(repeated, (method,))
    assert by_weight.rows == by_repeating.rows
    assert by_weight.detail == by_repeating.detail
    assert by_weight.rows != boards(listed, (method,))[0].rows


# ------------------------------------------------------------ boards of some judges


def aggregation(listed: list[Ranking], **section: Any) -> Aggregation:
    config = RankSection(resamples=20, **section)
    return Aggregation(listed, config, RandomStream(5, "rank"), lambda done, total, detail: None)


def test_a_board_of_some_judges_is_that_of_their_rankings_alone() -> None:
    listed = weighed(rankings())
    methods: tuple[Method, ...] = ("borda", "bradley_terry")
    jury = Jury(listed, aggregation(listed, methods=methods))
    some = list(jury.boards({method: {"d"} for method in methods}))
    assert [(one.board.method, one.judge, one.without) for one in some] == [
        (method, judge, without) for without in (False, True) for judge in WEIGHTS for method in methods
    ]
    for one in some:
        own = [r for r in listed if (r.judge.partition("#")[0] == one.judge) != one.without]
        (alone,) = boards(own, (one.board.method,))
        assert one.board == alone
    changed = {(one.judge, one.without) for one in some if one.changes_winner}
    assert changed == {("odd", False), ("strict", True)}, "without the strict judge, the odd one outweighs the kind one"


def test_of_two_judges_no_board_without_one_is_made() -> None:
    assert jury_boards(["a"]) == []
    assert jury_boards(["a", "b"]) == [("a", False), ("b", False)]
    assert len(jury_boards(["a", "b", "c"])) == 6


def test_a_jury_method_needs_a_board_of_all() -> None:
    with pytest.raises(ValidationError, match="jury: kemeny is not among rank.methods"):
        RankSection(methods=("borda",), jury=("kemeny",))


# ------------------------------------------------------------ agreement

PUBLISHED = [
    [1, 1, None, 1], [2, 2, 3, 2], [3, 3, 3, 3], [3, 3, 3, 3], [2, 2, 2, 2], [1, 2, 3, 4],
    [4, 4, 4, 4], [1, 1, 2, 1], [2, 2, 2, 2], [None, 5, 5, 5], [None, None, 1, 1], [None, 3, None, None],
]  # fmt: skip
"""Krippendorff (2011), section C: what four observers say of twelve units; by the interval metric α = 0.849."""


def test_alpha_of_krippendorffs_own_example() -> None:
    said = [(unit, value) for unit, values in enumerate(PUBLISHED) for value in values if value is not None]
    values, question = np.array([[float(value)] for _, value in said]), np.array([unit for unit, _ in said])
    sums = sums_by_question(values, question, len(PUBLISHED))
    (alpha,) = alphas_of(np.ones((1, len(PUBLISHED)), dtype=np.uint32), sums)
    assert alpha == pytest.approx(0.849, abs=5e-4)
    cells = [_agreement_cells([[value] for value in values if value is not None]) for values in PUBLISHED]
    n, total, squares, apart = (sum(column) for column in zip(*cells, strict=True))
    assert alpha_of((n, total, squares, apart)) == pytest.approx(0.849, abs=5e-4)


def with_gaps() -> list[Ranking]:
    """Some calls gave no ranking."""
    return [one for k, one in enumerate(rankings()) if k % 7 != 3]


def labels(listed: list[Ranking]) -> list[str]:
    return [one.judge.partition("#")[0] for one in listed]


def test_alpha_of_ranks_is_what_the_package_krippendorff_gives() -> None:
    """Version 0.8.1, level_of_measurement="ordinal" with calls as coders; "interval" with mean ranks of judges."""
    listed = with_gaps()
    found = {row.name: row.value for row in jury_agreement(aggregation(listed), labels(listed))}
    assert found["krippendorff_alpha"] == pytest.approx(-0.06504292403746081, abs=1e-12)
    assert found["krippendorff_alpha:between"] == pytest.approx(-0.20585317460317465, abs=1e-12)


def test_tau_within_and_between_is_the_mean_over_pairs() -> None:
    listed = with_gaps()
    found = {row.name: float(row.value) for row in jury_agreement(aggregation(listed), labels(listed))}
    taus: dict[str, dict[str, list[float]]] = {}
    for one, other in combinations(listed, 2):
        if one.question_id == other.question_id:
            first, second = labels([one, other])
            name = f"kendall_tau:within:{first}" if first == second else "kendall_tau:between"
            places = [[ranking.order.index(c) for c in "abcd"] for ranking in (one, other)]
            taus.setdefault(name, {}).setdefault(one.question_id, []).append(kendalltau(*places).statistic)
    assert len(taus) == 4
    for name, by_question in taus.items():
        assert found[name] == pytest.approx(np.mean([np.mean(values) for values in by_question.values()]))


def test_judges_that_all_agree_and_judges_of_whom_nothing_is_known() -> None:
    same = [Ranking(f"1:{q}", 1, judge, tuple("abc" if q else "bca")) for judge in ("x#0", "y#0") for q in range(3)]
    found = {row.name: row.value for row in jury_agreement(aggregation(same), ["x"] * 3 + ["y"] * 3)}
    assert {name: value for name, value in found.items() if "within" not in name} == {
        "krippendorff_alpha": 1.0,
        "krippendorff_alpha:between": 1.0,
        "kendall_tau:between": 1.0,
        "fleiss_kappa_first:between": 1.0,
    }
    assert found["kendall_tau:within:x"] == "nan", "no question has two rankings of it"
    alone = [Ranking("1:0", 1, "x#0", ("a", "b"))]
    assert [(row.name, row.value) for row in jury_agreement(aggregation(alone), ["x"])] == [
        ("krippendorff_alpha", "nan")
    ]


@pytest.mark.parametrize("conditions", ["a", "ab", "abcd"])
def test_the_verifier_finds_the_same_agreement_by_counting(conditions: str) -> None:
    listed = [one for k, one in enumerate(rankings(conditions=conditions)) if k % 7 != 3]
    rows = jury_agreement(aggregation(listed), labels(listed))
    calls = [
        {"ranking": r.order, "shown_order": r.order, "judge": r.judge}
        | {"question_id": r.question_id, "clause_id": r.clause_id}
        for r in listed
    ]
    again = agreement_figures(ballots_of(calls, sorted(conditions), {}), 20, 0.95, 5)
    assert [row.name for row in rows] == list(again)
    for row in rows:
        numbers = [float(value) for value in (row.value, row.low, row.high) if value is not None]
        assert numbers == pytest.approx(list(again[row.name]), nan_ok=True), row.name


# ------------------------------------------------------------ a run


def gold_line(question: str, order: Sequence[str], judge: str = "ann") -> str:
    clause = int(question.partition(":")[0])
    return json.dumps({"question_id": question, "clause_id": clause, "judge": judge, "ranking": list(order)}) + "\n"


JUDGES = ", ".join(
    f'{{kind = "planted", model = "{name}", rankings = 2{weight}}}'
    for name, weight in (("one", ""), ("two", ", weight = 3"), ("three", ""))
)


@pytest.fixture(scope="module")
def jury_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three planted judges, and what three people said of five questions."""
    folder = tmp_path_factory.mktemp("jury")
    generator, lines = random.Random(1), []
    for question in ("1:0", "1:1", "1:3", "2:0", "2:2"):
        for person in ("ann", "bob", "cy"):
            lines.append(gold_line(question, generator.sample(CONDITIONS, len(CONDITIONS)), person))
    (folder / "people.jsonl").write_text("".join(lines))
    settings = [*TINY, f"judge.judges=[{JUDGES}]", f"rank.gold={folder / 'people.jsonl'}"]
    root = small_demo(folder, settings)
    assert work(root, None, Console(quiet=True)) == 0
    return root


CONDITIONS = ("base", "full", "hard", "soft", "soft_sampled", "ceiling")


def test_a_run_with_a_jury_verifies_whole(jury_run: Path) -> None:
    checks = {check.name: check for check in verify(jury_run)}
    assert not {name: check for name, check in checks.items() if check.verdict in ("failed", "unchecked")}
    assert checks["juries"].detail == "12 boards of some judges and the agreement of 3 judges computed again"
    for alone in shipped().verify_alone(jury_run, shipped().WRITTEN):
        if alone.name in ("stages", "leaderboards", "estimates", "robustness", "juries", "events"):
            assert (alone.verdict, alone.name) == ("ok", alone.name), alone.detail


def test_the_views_of_a_jury(jury_run: Path) -> None:
    reader = Reader(jury_run)
    rows = reader.view("jury_leaderboards")
    assert len(rows) == 2 * 6 * len(CONDITIONS)
    assert {row["judge"] for row in rows} == {"one", "two", "three"}
    assert {row["units"] for row in rows} == {8}
    names = [row["name"] for row in reader.view("judge_agreement")]
    assert names[:3] == ["krippendorff_alpha", "krippendorff_alpha:between", "kendall_tau:between"]
    assert len(reader.view("gold_rankings")) == 15 * len(CONDITIONS)
    assert "ann" not in str(reader.view("gold_rankings")), "people are numbered"
    gold = reader.view("gold_agreement")
    assert [(row["judge"], row["measure"]) for row in gold] == [
        (judge, measure) for judge in ("one", "two", "three") for measure in ("kendall_tau", "pairs", "first")
    ]
    assert {row["chance"] for row in gold} == {0, 0.5, 1 / 6}


def test_a_jury_is_repeated_without_the_file_of_the_people(jury_run: Path) -> None:
    """Which lies outside of the run, and is recorded."""
    people = jury_run.parent / "people.jsonl"
    kept = people.rename(people.with_suffix(".kept"))
    try:
        (found,) = replay_run(jury_run, "rank").stages
    finally:
        kept.rename(people)
    assert found.outcome == "replayed", found.detail
    of_jury = [e for e in found.events if e.kind in ("jury.board", "agreement.computed", "gold.compared")]
    assert len(of_jury) == 14
    assert {event.verdict for event in of_jury} == {"same"}


def test_what_people_see_of_a_jury(jury_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reader = Reader(jury_run)
    results(reader, as_json=False)
    shown_lines = capsys.readouterr().out.splitlines()
    begin, end = (shown_lines.index(line) for line in ("Leaderboards by judge", "Agreement with people"))
    told = shown_lines[begin : end + 11]
    assert "  each ranking counts so many times: two × 3" in told
    assert sum("without two" in line for line in told) == 2
    changing = {
        (row["method"], row["judge"], row["without"])
        for row in reader.view("jury_leaderboards")
        if row["changes_winner"]
    }
    assert sum(" ! " in line for line in told) - 1 == len(changing), "a mark for each, and what it means"
    assert any(line.startswith("  Krippendorff's α between judges") for line in told)
    assert any(line.startswith("  two    people's first is first") for line in told)
    assert max(map(len, told)) <= 80
    text = page(LeaderboardsPane.read(reader, PageRequest("judges")), 80).plain
    assert "\n".join(told) in text

    results(reader, as_json=True)
    data = json.loads(capsys.readouterr().out)
    assert {row["judge"] for row in data["jury_leaderboards"]} == {"one", "two", "three"}
    assert len(data["judge_agreement"]) == 7
    assert len(data["gold_agreement"]) == 9


def test_a_file_of_several_judges_says_the_same_without_a_run(tmp_path: Path) -> None:
    path = tmp_path / "rankings.jsonl"
    listed = rankings()
    path.write_text(
        "".join(
            json.dumps({"question_id": r.question_id, "clause_id": r.clause_id, "judge": r.judge, "ranking": r.order})
            + "\n"
            for r in listed
        )
    )
    options = RankOptions(weights=[f"{j}={n}" for j, n in WEIGHTS.items()], resamples=20, seed=5)
    found = ranked(of_file(path, options))
    (borda,) = boards(weighed(listed), ("borda",))
    rows = [(row["condition"], row["score"]) for row in found.rows if row["method"] == "borda"]
    assert rows == [(row.condition, row.score) for row in borda.rows]
    assert {(row.judge, row.without) for row in found.jury.boards if row.changes_winner} == {("odd", 0), ("strict", 1)}
    assert len(found.jury.agreement) == 7
    for wrong, sentence in (("meek=2", "judges are strict, kind, odd"), ("odd=0", "count 1 to 1000 times")):
        with pytest.raises(InputError, match=sentence):
            of_file(path, RankOptions(weights=[wrong]))


def test_a_jury_of_a_run_is_ranked_again_with_its_weights(jury_run: Path) -> None:
    recorded, again = JuryFound.of_run(Reader(jury_run)), ranked(of_run(jury_run, RankOptions()))
    assert again.jury.weights == recorded.weights
    assert again.jury.boards == recorded.boards
    assert again.jury.agreement == recorded.agreement
    odd = ranked(of_run(jury_run, RankOptions(judges=["three"], methods=["borda"])))
    alone = [row for row in recorded.boards if (row.method, row.judge, row.without) == ("borda", "three", 0)]
    assert [(row["condition"], row["score"], row["low"]) for row in odd.rows] == [
        (row.condition, row.score, row.low) for row in alone
    ]


def test_hostile_names_of_judges_stay_in_their_lines() -> None:
    row = JuryBoardRow("borda", "\x1b[31mevil\n" * 9, 0, "x\ny", "1", 0, 1, 1, 3, 3, 1)
    found = JuryFound([row], [MeasureRow("kendall_tau:within:\x1b[0m\n", "no number", None, None)], [], {"\n": "\x1b"})
    told = "\n".join(found.lines([("borda", 1, "x\ny")]))
    assert "\x1b" not in told
    assert len(told.split("\n")) == len(found.lines([("borda", 1, "x\ny")]))


def changed_row(kind: str, where: str, name: str, step: float, which: int = 0) -> Change:
    def edit(values: dict[str, Any]) -> None:
        values[where][which][name] += step

    return edited(kind, edit)


def told_otherwise(values: dict[str, Any]) -> None:
    values["changes_winner"] = not values["changes_winner"]


LIES: dict[str, tuple[Change, str]] = {
    "a score of one judge": (changed_row("jury.board", "rows", "score", 1e-6), "score"),
    "an end of its interval": (changed_row("jury.board", "rows", "low", -1e-6), "low"),
    "a winner that stays": (edited("jury.board", told_otherwise), "whether it changes the winner"),
    "rankings": (edited("jury.board", lambda v: v.update(rankings=9)), "the number of rankings"),
    "alpha": (changed_row("agreement.computed", "rows", "value", 1e-6), "krippendorff_alpha: value"),
    "the interval of alpha": (changed_row("agreement.computed", "rows", "high", 1e-6), "krippendorff_alpha: high"),
    "tau": (changed_row("agreement.computed", "rows", "value", 1e-6, 2), "kendall_tau:between: value"),
    "what a person said": (
        edited("gold.read", lambda v: v["rankings"][0]["ranking"].reverse()),
        "kendall_tau: value",
    ),
    "a person twice": (edited("gold.read", lambda v: v["rankings"].append(v["rankings"][0])), "stands twice"),
    "how people agree": (changed_row("gold.compared", "rows", "value", 1e-6, 4), "two, pairs: value"),
    "a judge left out": (edited("gold.compared", lambda v: v["rows"].__delitem__(slice(6, None))), "not compared with"),
    "a weight": (
        edited("run.created", lambda v: v["config"]["judge"]["judges"][1].update(weight=2)),
        "the rankings give",
    ),
}


@pytest.mark.parametrize("what", LIES)
def test_a_lie_about_a_jury_is_found(what: str, jury_run: Path, tmp_path: Path) -> None:
    change, sentence = LIES[what]
    root = tampered(jury_run, tmp_path, change)
    record = read_record(root / "audit.db", tree_facts())
    for step in (check_juries, juries_again):
        found = concluded("juries", step, record)
        assert (found.verdict, sentence in found.detail) == ("failed", True), found


def test_a_board_left_out_is_found(jury_run: Path, tmp_path: Path) -> None:
    root = forged(jury_run, tmp_path, lambda rows: [row for row in rows if row.kind != "jury.board"])
    stages = next(check for check in verify(root) if check.name == "stages")
    assert stages.verdict == "failed"
    assert "holds 0 events jury.board instead of 1" in stages.detail


def before_juries(rows: list[Row]) -> list[Row]:
    """The record as the stage's version 1 made it."""
    units = {"agreement", "gold", "gold/compared", "pairwise", "robustness", "questions", "clauses", "length"}
    kept = [row for row in rows if row.stage != "rank" or row.payload.get("unit", "") not in units]
    kept = [row for row in kept if not str(row.payload.get("unit", "")).startswith("jury/")]
    for row in kept:
        if row.kind == "stage.started" and row.stage == "rank":
            row.payload["version"] = 1
        if row.kind == "stage.planned" and row.stage == "rank":
            row.payload["units"] -= len(units) + 12
        if row.kind == "leaderboard.computed":
            del row.payload["places"], row.payload["means"], row.payload["detail"]["exact_match"]
            row.payload["detail"].pop("held_out_log_likelihood_total", None)
        if row.kind == "diagnostics.computed":
            row.payload["values"] = {
                name: value for name, value in row.payload["values"].items() if name.partition(":")[0] in FIRST_FIGURES
            }
    return kept


def test_a_record_of_before_there_were_juries_lacks_nothing(jury_run: Path, tmp_path: Path) -> None:
    checks = {check.name: check for check in verify(forged(jury_run, tmp_path, before_juries))}
    assert [name for name, check in checks.items() if check.verdict in ("failed", "unchecked")] == []
    assert (checks["stages"].verdict, checks["juries"].detail) == ("unknown", "nothing of a jury is recorded")
    assert checks["judges"].detail == "nothing by question or clause is recorded"
    assert "and 12 diagnostics computed again" in checks["estimates"].detail


# ------------------------------------------------------------ rankings by people


def gold_file(folder: Path, *lines: str) -> Path:
    path = folder / "people.jsonl"
    path.write_text("".join(lines))
    return path


WRONG: dict[str, tuple[list[str], str]] = {
    "a question of nobody's": ([gold_line("9:9", "ab")], r"line 1: this run asks no question '9:9' \(it has 2"),
    "another clause": (
        [gold_line("1:0", "ab").replace('"clause_id": 1', '"clause_id": 2')],
        "line 1: question '1:0' is one of clause 1, not 2",
    ),
    "a condition too few": ([gold_line("1:0", "ab"), gold_line("1:1", "a")], "line 2: .* it lacks: 'b'"),
    "another condition": ([gold_line("1:0", "ac")], "line 1: .* has besides: 'c'"),
    "twice the same": (
        [gold_line("1:0", "ab"), gold_line("1:0", "ba", "bob"), gold_line("1:0", "ba")],
        r'line 3: "ann" ranks question "1:0" a second time \(first: .*line 1\)',
    ),
    "nothing": ([], "holds no rankings"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_line_of_people_is_refused_with_its_number(what: str, tmp_path: Path) -> None:
    lines, sentence = WRONG[what]
    with pytest.raises(InputError, match=sentence):
        read_gold(gold_file(tmp_path, *lines), "ab", {"1:0": 1, "1:1": 1})


def test_agreement_with_people_by_hand() -> None:
    """People on 1:0: abc, acb, so a before b and c, and b = c; on 1:1 they differ in all, on 1:2 nobody was asked."""
    people = [
        GoldRanking(question_id=question, person=person, ranking=list(order))
        for question, person, order in (("1:0", 1, "abc"), ("1:0", 2, "acb"), ("1:1", 1, "abc"), ("1:1", 2, "cba"))
    ]
    listed = [
        Ranking("1:0", 1, "j#0", tuple("bac")),
        Ranking("1:1", 1, "j#0", tuple("abc")),
        Ranking("1:2", 1, "j#0", tuple("abc")),
        Ranking("1:2", 1, "idle#0", tuple("abc")),
    ]
    rows = gold_agreement(listed, people, RankSection(resamples=20), RandomStream(5, "rank"))
    assert [(row.judge, row.measure, row.value, row.questions, row.chance) for row in rows] == [
        # bac with abc: one of three pairs apart, 1/3; with acb two apart, -1/3; abc with abc and cba: 1 and -1
        ("j", "kendall_tau", pytest.approx(0.0), 2, 0.0),
        ("j", "pairs", 0.5, 1, 0.5),
        ("j", "first", 0.0, 1, 1 / 3),
    ]
