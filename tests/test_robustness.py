"""Whether the order holds: every analysis, the pairs, and the fewest questions that turn two neighbours round."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from both_verifiers import shipped
from tampering import Change, edited, tampered

from core.events import RobustnessComputed
from core.facts.randomness import RandomStream
from core.facts.ranking.methods import METHODS, Method, primary_method
from core.facts.ranking.positions import positions_by
from core.facts.ranking.robustness import (
    OF_MAJORITIES,
    PREFERRED,
    flip_rows,
    in_order,
    majorities_differ,
    majority_method,
    other_methods,
    smallest_set,
)
from core.ranking.leaderboards import Aggregation, leaderboards
from core.ranking.methods.bradley_terry import bradley_terry
from core.ranking.robustness.analyses import _orders
from core.ranking.robustness.stands import robustness
from core.sections.who_judges import RankSection
from core.types import Ranking
from storage.findings.robustness_found import VIEWS_OF_ROBUSTNESS, RobustnessFound
from storage.record.reader import Reader
from storage.replay.replaying import replay_run
from storage.verifier.ground.finding import concluded
from storage.verifier.ground.reading import read_record
from storage.verifier.ranking.estimates import ballots_of
from storage.verifier.ranking.order_stands import _Orders, check_robustness
from storage.verifier.writer_facts import tree_facts
from storage.verify import verify
from tui.commands.ranking.rank import ranked
from tui.commands.ranking.rank_options import RankOptions
from tui.commands.ranking.rank_source import of_file
from tui.commands.record.show import results
from tui.screens.panes.leaderboards import LeaderboardsPane, PageRequest, page

WEIGHT = {"kind": 2}


def rankings(questions: int = 12, conditions: str = "abcd", spread: float = 0.4, seed: int = 7) -> list[Ranking]:
    """Two judges, the one twice as heavy, of three clauses; every third question has a ranking less."""
    generator = random.Random(seed)

    def order() -> tuple[str, ...]:
        heard = {c: k * spread + generator.gauss(0, 1) for k, c in enumerate(conditions)}
        return tuple(sorted(conditions, key=lambda c: -heard[c]))

    return [
        Ranking(f"{q % 3}:{q}", q % 3, f"{judge}#{call}", order(), WEIGHT.get(judge, 1))
        for judge in ("kind", "strict")
        for call in range(2)
        for q in range(questions)
        if call == 0 or q % 3
    ]


def aggregation(listed: Sequence[Ranking], **settings: Any) -> Aggregation:
    config = RankSection(**{"resamples": 20, **settings})
    return Aggregation(listed, config, RandomStream(5, "rank"), lambda done, total, detail: None)


def found_of(listed: Sequence[Ranking], methods: Sequence[Method] = METHODS) -> RobustnessComputed:
    whole = aggregation(listed, methods=tuple(methods))
    return robustness(listed, whole, [whole.leaderboard(method) for method in methods])


def order_by(listed: Sequence[Ranking], method: Method) -> list[list[str]]:
    (board,) = leaderboards(listed, RankSection(methods=(method,), resamples=2), RandomStream(5, "rank"))
    return in_order({row.condition: row.position for row in board.rows})


def calls_of(listed: Sequence[Ranking]) -> list[dict[str, Any]]:
    """The rankings as a record has them."""
    return [
        {"ranking": r.order, "shown_order": r.order, "judge": r.judge}
        | {"question_id": r.question_id, "clause_id": r.clause_id}
        for r in listed
    ]


# ------------------------------------------------------------ which analyses


def test_the_primary_method_and_those_that_say_the_same() -> None:
    assert primary_method(METHODS, None, PREFERRED) == "bradley_terry"
    assert primary_method(["kemeny", "borda"], None, PREFERRED) == "kemeny"
    assert primary_method(METHODS, "mallows", PREFERRED) == "mallows", "the plan's comes before all"
    assert primary_method(["kemeny", "borda"], "mallows", PREFERRED) == "kemeny", "of a part without it"
    assert majority_method("borda") == "borda"
    assert majority_method("mallows") == "kemeny"
    assert majority_method("plackett_luce_published") == "bradley_terry"
    assert other_methods(["borda", "copeland", "kemeny"], "kemeny") == ["borda"], "both count votes won"
    assert other_methods(["borda", "copeland", "kemeny"], "copeland") == ["kemeny"]
    assert other_methods(["bradley_terry", "bradley_terry_majority", "borda"], "bradley_terry") == ["borda"]


@pytest.mark.parametrize("method", [method for method in METHODS if method != "mallows"])
def test_what_is_left_out_changes_the_order_as_if_it_had_never_been_there(method: Method) -> None:
    """But for what Mallows holds out, which is a share of the rankings as they are."""
    listed = rankings(spread=0.15)
    found = found_of(listed, (method,))
    assert found.method == method
    assert found.order == order_by(listed, method)
    clauses = {one.left_out: one.order for one in found.analyses if one.analysis == "clause"}
    assert clauses == {str(c): order_by([r for r in listed if r.clause_id != c], method) for c in range(3)}
    judges = {one.left_out: one.order for one in found.analyses if one.analysis == "judge"}
    assert judges == {
        label: order_by([r for r in listed if not r.judge.startswith(label)], method) for label in ("kind", "strict")
    }


NOT_APART = ("bradley_terry", "bradley_terry_majority", "copeland")
"""The primary method, the same on majorities, which is an analysis of its own, and what orders as Borda does."""


def test_every_analysis_is_made_once() -> None:
    found = found_of(rankings())
    assert [(one.analysis, one.left_out, one.method) for one in found.analyses] == [
        ("clause", "0", "bradley_terry"),
        ("clause", "1", "bradley_terry"),
        ("clause", "2", "bradley_terry"),
        ("judge", "kind", "bradley_terry"),
        ("judge", "strict", "bradley_terry"),
        ("majority", None, "bradley_terry"),
        *(("method", None, method) for method in METHODS if method not in NOT_APART),
    ]
    single = [replace(one, clause_id=1, judge="m#0") for one in rankings()[:4]]
    assert found_of(single, ("borda",)).analyses == [], "one clause, one judge and one ranking a question"


def test_majorities_count_a_question_once() -> None:
    """Nine rankings of one question against one of each of two others."""
    listed = [Ranking("1:0", 1, f"m#{k}", ("a", "b")) for k in range(9)]
    listed += [Ranking(f"1:{q}", 1, "m#0", ("b", "a")) for q in (1, 2)]
    found = found_of(listed, ("borda",))
    assert found.order == [["a"], ["b"]]
    assert [(one.analysis, one.order) for one in found.analyses] == [("majority", [["b"], ["a"]])]
    (pair,) = found.pairs
    assert pair.agree == 0


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("spread", [0.0, 0.5])
def test_the_verifier_finds_the_same_orders_by_counting(method: Method, spread: float) -> None:
    listed = rankings(spread=spread, seed=3)
    again = _Orders("abcd", ballots_of(calls_of(listed), "abcd", {}, WEIGHT), calls_of(listed))
    derived = [
        *again.without_clauses(method),
        *again.without_judges(method),
        *again.of_majorities(method),
    ]
    found = found_of(listed, (method,))
    assert [((one.analysis, one.left_out or "", one.method), one.order) for one in found.analyses] == derived


def test_a_primary_method_of_majorities_counts_questions_in_every_analysis() -> None:
    """Each as if the rest had never been there, by both implementations; majorities are no other analysis then."""
    listed = rankings(spread=0.1, seed=4)
    again = _Orders("abcd", ballots_of(calls_of(listed), "abcd", {}, WEIGHT), calls_of(listed))

    def by_majorities(some: Sequence[Ranking]) -> list[list[str]]:
        scores, _ = bradley_terry(aggregation(some).wins_by_majority[None])
        return in_order(dict(zip("abcd", positions_by((-scores[0]).tolist()), strict=True)))

    wanted = [by_majorities([one for one in listed if one.clause_id != c]) for c in range(3)]
    assert len(set(map(str, wanted))) > 1
    assert _orders(listed, aggregation(listed), OF_MAJORITIES, True) == wanted  # type: ignore[arg-type]
    assert [order for _, order in again.without_clauses(OF_MAJORITIES)] == wanted
    judges = [by_majorities([r for r in listed if not r.judge.startswith(label)]) for label in ("kind", "strict")]
    assert [order for _, order in again.without_judges(OF_MAJORITIES)] == judges
    assert list(again.of_majorities(OF_MAJORITIES)) == []
    assert not majorities_differ(OF_MAJORITIES, 9, 3)


# ------------------------------------------------------------ the fewest questions


def fewest(contributions: Sequence[int]) -> int | None:
    """By trying all sets."""
    total = sum(contributions)
    sizes = (
        k for k in range(len(contributions) + 1) for some in combinations(contributions, k) if total - sum(some) < 0
    )
    return next(sizes, None)


@pytest.mark.parametrize("seed", range(40))
def test_the_smallest_set_is_that_of_all_sets(seed: int) -> None:
    generator = random.Random(seed)
    low = generator.choice([-4, -1, 0])
    contributions = [generator.randint(low, 5) for _ in range(generator.randint(1, 9))]
    found, wanted = smallest_set(contributions), fewest(contributions)
    assert (None if found is None else len(found)) == wanted
    if found is not None:
        assert sum(contributions) - sum(contributions[question] for question in found) < 0


def test_a_tie_is_not_a_flip() -> None:
    assert smallest_set([2, -2]) == [0], "which are level as they are"
    assert smallest_set([2, 2, -2]) == [0, 1], "without the first they are level"
    assert smallest_set([-1]) == []
    assert smallest_set([3, 0, 1]) is None


@pytest.mark.parametrize("seed", range(6))
def test_questions_of_unequal_numbers_of_rankings_turn_the_borda_score_itself(seed: int) -> None:
    """The set turns the pair's mean scores; no set of fewer questions does, which is tried on the scores."""
    listed = rankings(8, "abc", 0.2, seed)
    asked = list(dict.fromkeys(one.question_id for one in listed))
    found = found_of(listed, ("borda",))

    def ahead(without: Sequence[str], pair: tuple[str, str]) -> bool:
        left = [one for one in listed if one.question_id not in without]
        if not left:
            return False
        (board,) = leaderboards(left, RankSection(methods=("borda",), resamples=1), RandomStream(5, "rank"))
        score = {row.condition: row.score for row in board.rows}
        return score[pair[1]] > score[pair[0]] + 1e-9

    for flip in (one for one in found.flips if one.measure == "borda"):
        pair = flip.condition, flip.other
        smallest = next((k for k in range(4) for some in combinations(asked, k) if ahead(some, pair)), None)
        if smallest is not None:
            assert flip.questions == smallest
            assert flip.share == pytest.approx(smallest / 8)
            assert ahead(flip.removed, pair)
        else:
            assert flip.questions is None or flip.questions >= 4


def test_at_most_ten_questions_are_named() -> None:
    asked = [f"1:{q}" for q in range(30)]
    contributions = {("a", "b"): {"borda": [1] * 29 + [-20], "votes": [1] * 30}}
    borda, votes = flip_rows([["a"], ["b"]], asked, contributions)
    assert (borda["questions"], borda["removed"]) == (10, asked[:10])
    assert (votes["questions"], votes["share"], votes["removed"]) == (None, None, [])


# ------------------------------------------------------------ how far pairs are apart


@pytest.mark.parametrize(("resample", "error"), [("questions", "error_questions"), ("rankings", "error_rankings")])
def test_standard_errors_are_those_of_the_bootstrap(resample: str, error: str) -> None:
    """Of 2,000 resamples; judges of a question agree here, so that questions give wider intervals than rankings."""
    once = rankings(150, "abc", 0.3)
    listed = [replace(one, judge=f"m#{k}") for one in once if one.judge == "kind#0" for k in range(3)]
    whole = aggregation(listed, methods=("borda",), resamples=2000, resample=resample)
    found = robustness(listed, whole, [whole.leaderboard("borda")])
    scores = whole.estimate("borda").samples
    for pair in found.pairs:
        i, j = "abc".index(pair.condition), "abc".index(pair.other)
        assert getattr(pair, error) == pytest.approx(np.std(scores[:, i] - scores[:, j]), rel=0.06)
        assert pair.error_questions == pytest.approx(3**0.5 * float(pair.error_rankings or 0), rel=0.01)


def test_a_single_question_separates_nothing() -> None:
    listed = [Ranking("1:0", 1, f"m#{k}", ("a", "b")) for k in range(5)]
    (pair,) = found_of(listed, ("borda",)).pairs
    assert (pair.error_questions, pair.separated_questions) == (None, False)
    assert (pair.error_rankings, pair.separated_rankings) == (0, True)


# ------------------------------------------------------------ what is said


def test_the_sentence_counts_what_the_rows_say() -> None:
    found = found_of(rankings(spread=0.1))
    told = RobustnessFound.of_event(found)
    every = len(found.analyses)
    winner = sum(one.order[0] == found.order[0] for one in found.analyses)
    order = sum(one.order == found.order for one in found.analyses)
    least = min(pair.agree for pair in found.pairs)
    assert order < every
    assert told.sentence.startswith(
        f"{winner} of {every} analyses put {found.order[0][0]} first; {order} give the same"
    )
    assert told.sentence.endswith(f"is the least stable ({least} of {every})")
    for pair in found.pairs:
        before = [
            next(k for k, group in enumerate(one.order) if pair.condition in group)
            < next(k for k, group in enumerate(one.order) if pair.other in group)
            for one in found.analyses
        ]
        assert pair.agree == sum(before)
    assert max(map(len, told.lines(80))) <= 80


def test_where_all_agree_the_sentence_says_so() -> None:
    told = RobustnessFound.of_event(found_of(rankings(30, "ab", 4.0)))
    assert told.sentence == "all 13 analyses put b first and give the same whole order"
    assert "none: whatever is removed, the other is never ahead" in "\n".join(told.lines())
    assert RobustnessFound.of_event(found_of(rankings(6, "a"))).lines() == []
    assert RobustnessFound().lines() == []


def test_hostile_texts_stay_in_their_lines() -> None:
    found = found_of([replace(one, order=tuple(f"{c}\x1b[31m\n" * 9 for c in one.order)) for one in rankings()])
    lines = RobustnessFound.of_event(found).lines(80)
    assert "\x1b" not in "".join(lines)
    assert all("\n" not in line for line in lines)
    rows = RobustnessFound.of_event(found)
    broken = replace(rows.analyses[0], primary_ranked="{", primary_method=7, same_winner="x")
    flips = [replace(rows.flips[0], share="x", questions="\x1b"), replace(rows.flips[1], measure=3)]
    shown = RobustnessFound([broken], [replace(rows.pairs[0], agree="none\x1b")], flips).lines(40)
    assert "\x1b" not in "".join(shown)


def test_a_file_says_the_same_without_a_run(tmp_path: Path) -> None:
    path = tmp_path / "rankings.jsonl"
    listed = rankings()
    path.write_text(
        "".join(
            json.dumps({"question_id": r.question_id, "clause_id": r.clause_id, "judge": r.judge, "ranking": r.order})
            + "\n"
            for r in listed
        )
    )
    assert ranked(
        of_file(path, RankOptions(resamples=20, seed=5, weights=("kind=2",)))
    ).robustness == RobustnessFound.of_event(found_of(listed))


# ------------------------------------------------------------ a run


def test_a_run_says_it_everywhere(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reader = Reader(trained)
    found = RobustnessFound.of_run(reader)
    kinds = [row.analysis for row in found.analyses]
    assert kinds.count("clause") == 2
    assert kinds.count("method") == len(METHODS) - len(NOT_APART)
    assert {(row.condition, row.other) for row in found.flips} <= {(row.condition, row.other) for row in found.pairs}
    results(reader, as_json=False)
    shown = capsys.readouterr().out
    lines = "\n".join(found.lines(80))
    assert lines in shown
    assert lines in page(LeaderboardsPane.read(reader, PageRequest("pairs")), 80).plain
    results(reader, as_json=True)
    data = json.loads(capsys.readouterr().out)
    assert [data[view] for view in VIEWS_OF_ROBUSTNESS] == [reader.view(view) for view in VIEWS_OF_ROBUSTNESS]


def test_a_run_is_verified_and_repeated(trained: Path) -> None:
    checks = {check.name: check for check in verify(trained)}
    assert checks["robustness"].verdict == "ok", checks["robustness"].detail
    alone = {check.name: check for check in shipped().verify_alone(trained, shipped().WRITTEN)}
    assert (alone["robustness"].verdict, alone["robustness"].detail) == ("ok", checks["robustness"].detail)
    (stage,) = replay_run(trained, "rank").stages
    assert [event.verdict for event in stage.events if event.kind == "robustness.computed"] == ["same"]


def changed(where: str, which: int, **values: Any) -> Change:
    return edited("robustness.computed", lambda found: found[where][which].update(values))


def separated_otherwise(pair: dict[str, Any]) -> None:
    pair["separated_questions"] = not pair["separated_questions"]


LIES: dict[str, tuple[Change, str]] = {
    "the order": (edited("robustness.computed", lambda v: v["order"].reverse()), "the order by bradley_terry"),
    "the method": (edited("robustness.computed", lambda v: v.update(method="borda")), "the method whose order"),
    "the order without a clause": (
        edited("robustness.computed", lambda v: v["analyses"][0]["order"].reverse()),
        "the order by bradley_terry (clause '1')",
    ),
    "the order by another method": (
        edited("robustness.computed", lambda v: v["analyses"][-1]["order"].reverse()),
        "the order by mallows (method)",
    ),
    "an analysis left out": (edited("robustness.computed", lambda v: v["analyses"].pop(0)), "the analyses of the"),
    "how many agree": (edited("robustness.computed", lambda v: v["pairs"][0].update(agree=99)), "agree is 99"),
    "a difference": (
        edited("robustness.computed", lambda v: v["pairs"][1].update(difference=v["pairs"][1]["difference"] + 1e-6)),
        "difference is",
    ),
    "a standard error": (changed("pairs", 0, error_rankings=0.5), "error_rankings is 0.5"),
    "that a pair is separated": (
        edited("robustness.computed", lambda v: separated_otherwise(v["pairs"][0])),
        "separated_questions is",
    ),
    "how many questions": (changed("flips", 0, questions=7), "questions is 7"),
    "which questions": (changed("flips", 0, removed=["9:9"]), "removed is ['9:9']"),
    "a pair left out": (edited("robustness.computed", lambda v: v["flips"].pop()), "the number of flips"),
    "of how many": (edited("robustness.computed", lambda v: v.update(questions=9)), "the number of questions"),
    "the coverage": (edited("robustness.computed", lambda v: v.update(confidence=0.5)), "the coverage of the"),
}


@pytest.mark.parametrize("what", LIES)
def test_a_lie_about_the_order_is_found(what: str, trained: Path, tmp_path: Path) -> None:
    change, sentence = LIES[what]
    root = tampered(trained, tmp_path, change)
    found = concluded("robustness", check_robustness, read_record(root / "audit.db", tree_facts()))
    assert (found.verdict, sentence in found.detail) == ("failed", True), found
