"""Intervals by the standard library alone are those that numpy gives, on rankings of every kind and on real records."""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from both_verifiers import shipped
from paper_judging import write_judging
from rewritten import Row, forged
from tampering import edited, tampered

from core.events import PairwiseComputed, named_number
from core.facts.randomness import RandomStream
from core.facts.ranking.juries import label_of
from core.facts.ranking.methods import METHODS, Method
from core.ranking.bootstrap import percentile_interval
from core.ranking.judges.about_judges import diagnostics
from core.ranking.leaderboards import Aggregation, Leaderboard
from core.ranking.methods.mallows import held_out
from core.ranking.pairwise import pairwise
from core.sections.who_judges import RankSection
from core.types import Judged, Ranking
from storage.check import Check
from storage.checks_ranking import estimate_again
from storage.verifier.ground.finding import concluded
from storage.verifier.ground.reading import read_record
from storage.verifier.ranking import intervals, resamples
from storage.verifier.ranking.estimates import ballots_of, check_estimates
from storage.verifier.ranking.intervals import BY_METHOD, Leaderboards, interval
from storage.verifier.ranking.resamples import TooMuch
from storage.verifier.writer_facts import tree_facts

NAMES = ("base", "full", "us_rep", "hard", "soft", "other", "seventh", "eighth")
SEED = 7


def rankings(conditions: int, questions: int, judges: int, spread: float = 0.5, clauses: int = 4) -> list[Ranking]:
    """What a run of judges says in planned order, of abilities that lie `spread` apart; the last is the best."""
    generator = random.Random(conditions * 1000 + questions * 10 + judges)
    names = NAMES[:conditions]

    def order() -> tuple[str, ...]:
        heard = {name: spread * k - math.log(-math.log(generator.random())) for k, name in enumerate(names)}
        return tuple(sorted(names, key=lambda name: -heard[name]))

    return [
        Ranking(f"{q % clauses}:{q}", q % clauses, f"judge#{judge}", order())
        for judge in range(judges)
        for q in range(questions)
    ]


def both_ways(orders: Sequence[tuple[str, ...]]) -> list[Ranking]:
    """Every order with its reverse on the same question: all pairs are tied."""
    listed = [one for order in orders for one in (order, order[::-1])]
    return [Ranking(f"1:{i // 2}", 1, f"judge#{i % 2}", order) for i, order in enumerate(listed)]


def some_refused(listed: list[Ranking]) -> list[Ranking]:
    """The first question's first call among those that gave nothing, so that questions appear in another order."""
    generator = random.Random(3)
    return [one for i, one in enumerate(listed) if i and generator.random() > 0.3]


def held_out_alone(listed: list[Ranking]) -> list[Ranking]:
    """Those that Mallows holds out in a clause of their own, so that a resample may hold no other."""
    out = held_out(len(listed))
    return [replace(one, clause_id=0 if out[i] else 1 + i % 2) for i, one in enumerate(listed)]


def weighted(listed: list[Ranking]) -> list[Ranking]:
    """Judges of their own; the k-th counts k + 1 times."""
    number = {one.judge: k for k, one in enumerate({one.judge: one for one in listed}.values())}
    return [replace(one, judge=f"j{number[one.judge]}#0", weight=1 + number[one.judge]) for one in listed]


CASES: dict[str, tuple[list[Ranking], dict[str, Any]]] = {
    "five conditions": (rankings(5, 30, 5), {}),
    "rankings resampled": (rankings(5, 30, 3), {"resample": "rankings"}),
    "clauses resampled": (rankings(5, 30, 3), {"resample": "clauses"}),
    "one condition": (rankings(1, 3, 2), {}),
    "two conditions": (rankings(2, 20, 3), {}),
    "two conditions that agree": (rankings(2, 6, 2, spread=50), {}),
    "six conditions": (rankings(6, 20, 4), {}),
    "seven conditions": (rankings(7, 12, 3), {"resamples": 20}),
    "few rankings of six": (rankings(6, 3, 1), {}),
    "one ranking only": (rankings(5, 1, 1), {}),
    "one clause only": (rankings(4, 9, 2, clauses=1), {"resample": "clauses"}),
    "ties everywhere": (both_ways(list(permutations(NAMES[:4]))[:5]), {}),
    "an even number of judges": (rankings(3, 20, 4, spread=0.1), {}),
    "refused calls": (some_refused(rankings(5, 30, 3)), {}),
    "one always first": (rankings(3, 12, 2, spread=6), {}),
    "one always last": (rankings(3, 12, 2, spread=-6), {}),
    "resamples of held out rankings": (
        held_out_alone(rankings(3, 10, 1)),
        {"resample": "clauses", "resamples": 200, "confidence": 0.9},
    ),
    "one that is often last": (rankings(5, 40, 3, spread=1.5), {}),
    "a narrow interval of one resample": (rankings(3, 5, 2), {"resamples": 1, "confidence": 0.01}),
    "judges that weigh otherwise": (weighted(rankings(4, 15, 3)), {}),
    "rankings resampled that weigh otherwise": (weighted(rankings(4, 15, 3)), {"resample": "rankings"}),
    "another confidence": (rankings(4, 25, 2), {"resamples": 77, "confidence": 0.8}),
}


def shown(listed: Sequence[Ranking]) -> list[tuple[str, ...]]:
    generator = random.Random(5)
    return [tuple(generator.sample(one.order, len(one.order))) for one in listed]


def lengths(listed: Sequence[Ranking]) -> dict[tuple[str, str], tuple[int, int]]:
    """Characters and words of every answer; many of the same length."""
    generator = random.Random(6)
    drawn = {(name, one.question_id): generator.randrange(1, 9) for one in listed for name in one.order}
    return {answer: (length, (length + 1) // 2) for answer, length in drawn.items()}


def measured_on(listed: Sequence[Ranking], known: dict[tuple[str, str], tuple[int, int]]) -> Judged:
    characters, words = ({answer: sizes[k] for answer, sizes in known.items()} for k in (0, 1))
    return Judged(tuple(listed), tuple(shown(listed)), characters, words=words)


def by_counting(listed: Sequence[Ranking], config: RankSection, texts: bool = True) -> Leaderboards:
    calls = [
        {"ranking": one.order, "shown_order": order, "judge": one.judge}
        | {"question_id": one.question_id, "clause_id": one.clause_id}
        for one, order in zip(listed, shown(listed), strict=True)
    ]
    names = sorted(listed[0].order)
    weights = {label_of(one.judge): one.weight for one in listed}
    ballots = ballots_of(calls, names, lengths(listed) if texts else {}, weights)
    return Leaderboards(names, ballots, config.resample, config.resamples, config.confidence, SEED)


def by_numpy(listed: Sequence[Ranking], config: RankSection) -> Aggregation:
    return Aggregation(listed, config, RandomStream(SEED, "rank"), lambda done, total, detail: None)


def numbers(board: Leaderboard) -> dict[str, float]:
    rows = {f"{row.condition}: {name}": getattr(row, name) for row in board.rows for name in ("score", "low", "high")}
    places = {f"{name}: place {p}": x for name, shares in board.places.items() for p, x in enumerate(shares, 1)}
    means = {f"{name}: mean": mean for name, mean in board.means.items()}
    return (
        rows | {f"{row.condition}: position": row.position for row in board.rows} | places | means | dict(board.detail)
    )


def numbers_of_pairs(found: PairwiseComputed) -> dict[str, float]:
    return {
        f"{row.condition} and {row.other}: {name}": value
        for row in found.rows
        for name, value in row.model_dump(exclude={"condition", "other"}).items()
    }


LARGE = {"six conditions", "seven conditions"}
"""Cases of seconds each; "few rankings of six" goes the same ways."""


@pytest.mark.parametrize("case", [pytest.param(c, marks=pytest.mark.long) if c in LARGE else c for c in CASES])
def test_leaderboards_and_diagnostics_are_those_of_numpy(case: str) -> None:
    listed, settings = CASES[case]
    config = RankSection(**{"resamples": 60, **settings})
    counted, aggregation = by_counting(listed, config), by_numpy(listed, config)
    for method in METHODS:
        derived, board = counted.derived(method), aggregation.leaderboard(method)
        assert derived == pytest.approx(numbers(board), rel=1e-11, abs=1e-11, nan_ok=True), method
    assert counted.pairwise() == pytest.approx(numbers_of_pairs(pairwise(aggregation)), rel=1e-11, abs=1e-11)
    for known in (lengths(listed), {}):
        measured = diagnostics(measured_on(listed, known), aggregation.ballots)
        figures = by_counting(listed, config, bool(known)).diagnostics()
        assert dict(figures) == pytest.approx(measured, rel=1e-11, abs=1e-11, nan_ok=True)


def test_the_cases_reach_what_is_rare() -> None:
    """Without these the comparison above would say little."""

    def detail(case: str, method: str) -> dict[str, float]:
        listed, settings = CASES[case]
        return by_counting(listed, RankSection(**{"resamples": 60, **settings})).derived(method)

    assert detail("ties everywhere", "kemeny")["orders"] == 24
    assert detail("one always first", "bradley_terry")["separable"] == 1
    assert detail("few rankings of six", "plackett_luce")["separable_resamples"] > 0
    assert 0 < detail("one that is often last", "plackett_luce_published")["vanished_resamples"] < 60
    assert detail("one always last", "bradley_terry")["separable"] == 1
    listed, _ = CASES["resamples of held out rankings"]
    sums = by_counting(listed, RankSection(resamples=200, resample="clauses")).sums
    assert any(not any(map(any, one.train)) for one in sums)
    assert detail("two conditions that agree", "mallows")["phi"] == math.inf
    assert "phi_low" not in detail("one ranking only", "borda")
    assert detail("one ranking only", "mallows")["held_out_rankings"] == 0


def test_every_method_can_be_derived() -> None:
    assert BY_METHOD.keys() == set(METHODS)


@pytest.mark.parametrize("tail", [0.45, 0.25, 0.05, 0.025, 0.0005, 1e-20])
def test_percentiles_of_finite_and_infinite_samples(tail: float) -> None:
    import numpy as np

    generator = random.Random(1)
    for size in (1, 2, 7, 40, 1000):
        finite = [[generator.gauss(0, 1), generator.gauss(3, 1)] for _ in range(size)]
        for samples in (finite, [[-math.inf, 1.0], *finite[1:]], [[math.inf, 1.0]] * size):
            low, high = percentile_interval(np.array(samples), tail)
            for found, *ends in zip(interval(samples, tail), low, high, strict=True):
                assert found == pytest.approx(tuple(ends), rel=1e-12)


# ------------------------------------------------------------ what takes too long


def test_with_many_conditions_pairs_are_still_counted() -> None:
    listed = rankings(8, 10, 3)
    config = RankSection(resamples=20)
    counted, aggregation = by_counting(listed, config), by_numpy(listed, config)
    for method in ("borda", "copeland", "copeland_majority", "bradley_terry"):
        derived = counted.derived(method)
        assert derived == pytest.approx(numbers(aggregation.leaderboard(method)), rel=1e-11, abs=1e-11)
    for method in ("kemeny", "mallows", "plackett_luce", "plackett_luce_published"):
        with pytest.raises(TooMuch, match="8 conditions are too many"):
            counted.derived(method)


LIMITS: dict[str, tuple[Any, int, str, str]] = {
    "MOST_DRAWN": (resamples, 599, "borda", "60 resamples of 10 questions are too many to draw"),
    "MOST_SUMS": (resamples, 60, "borda", "60 resamples of 5 conditions are too many to hold"),
    "MOST_ORDERS": (intervals, 60 * 119, "kemeny", "60 resamples of 5 conditions have too many orders"),
    "most_products": (Leaderboards, 10_000, "plackett_luce_published", "too many steps"),
}


@pytest.mark.parametrize("limit", LIMITS)
def test_nothing_is_begun_that_takes_too_long(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, value, method, why = LIMITS[limit]
    monkeypatch.setattr(module, limit, value)
    with pytest.raises(TooMuch, match=why):
        by_counting(rankings(5, 10, 3), RankSection(resamples=60)).derived(method)


@pytest.mark.parametrize(
    "spread", [pytest.param(0.3, marks=pytest.mark.long), pytest.param(1.2, marks=pytest.mark.night)]
)
def test_a_record_of_a_papers_size_takes_seconds(spread: float) -> None:
    """3,000 questions, 15,000 rankings; the wider abilities lie apart, the longer the published iteration goes on."""
    begun = time.process_time()
    counted = by_counting(rankings(5, 3000, 5, spread), RankSection(), texts=False)
    for method in METHODS:
        counted.derived(method)
    assert time.process_time() - begun < (30 if spread < 1 else 120)


# ------------------------------------------------------------ records


def alone(root: Path) -> Check:
    """What the shipped file says of the estimates."""
    checks = shipped().verify_alone(root, shipped().WRITTEN)
    return next(Check(**check.row()) for check in checks if check.name == "estimates")


def by_program(root: Path) -> Check:
    return concluded("estimates", estimate_again, read_record(root / "audit.db", tree_facts()))


@pytest.mark.parametrize(("most_orders", "by_numpy"), [(intervals.MOST_ORDERS, []), (1, ["kemeny", "mallows"])])
def test_the_program_takes_numpy_only_for_what_takes_too_long_without(
    most_orders: int, by_numpy: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What checks the numbers is not what wrote them."""
    root = tmp_path / "20260101-000000-paper"
    write_judging(root, questions=6, resamples=10)
    leaderboard, asked = Aggregation.leaderboard, []

    def noted(self: Aggregation, method: Method) -> Leaderboard:
        asked.append(method)
        return leaderboard(self, method)

    monkeypatch.setattr(Aggregation, "leaderboard", noted)
    monkeypatch.setattr(intervals, "MOST_ORDERS", most_orders)
    found = by_program(root)
    assert (found.verdict, asked) == ("ok", by_numpy), found
    told = f"scores and intervals of {len(METHODS)} leaderboards, 20 win rates and 27 diagnostics computed again"
    assert found.detail == told


def test_a_real_run_is_derived_by_the_file_alone(trained: Path) -> None:
    found = alone(trained)
    assert found == by_program(trained)
    assert found.verdict == "ok"
    assert found.detail.startswith(f"scores and intervals of {len(METHODS)} leaderboards, ")


def counted_again(change: Callable[[dict[str, Any], list[Row]], None]) -> Callable[[list[Row]], list[Row]]:
    """A record in which something is changed, and leaderboards and diagnostics are computed anew as the stage does."""

    def changed(rows: list[Row]) -> list[Row]:
        config = rows[0].payload["config"]
        change(config["rank"], [row for row in rows if row.kind == "judge.called"])
        calls = list(_planned(config, rows))
        listed = [Ranking(c["question_id"], c["clause_id"], c["judge"], tuple(c["ranking"])) for c in calls]
        stream = RandomStream(int(rows[0].payload["seed"]), "rank")
        aggregation = Aggregation(listed, RankSection(**config["rank"]), stream, lambda *_: None)
        judged = Judged(tuple(listed), tuple(tuple(c["shown_order"]) for c in calls), {})
        for row in rows:
            if row.kind == "leaderboard.computed":
                board = aggregation.leaderboard(row.payload["method"])
                row.payload["rows"] = [{k: named(v) for k, v in vars(r).items() if k != "method"} for r in board.rows]
                row.payload |= {"detail": {k: named(v) for k, v in board.detail.items()}, "units": board.units}
                row.payload |= {"rankings": board.rankings, "resample": board.resample}
                row.payload["places"] = {name: list(shares) for name, shares in board.places.items()}
                row.payload["means"] = {name: named_number(mean) for name, mean in board.means.items()}
            elif row.kind == "pairwise.computed":
                row.payload.update(pairwise(aggregation).payload())
            elif row.kind == "diagnostics.computed":
                measured = diagnostics(judged, aggregation.ballots)
                row.payload["values"] |= {name: named(value) for name, value in measured.items()}
        return rows

    return changed


def _planned(config: dict[str, Any], rows: list[Row]) -> Iterator[dict[str, Any]]:
    """The calls with a ranking in planned order."""
    questions = next(row.payload["questions"] for row in rows if row.kind == "questions.planned")
    order = {question["question_id"]: i for i, question in enumerate(questions)}
    models = [judge["model"] for judge in config["judge"]["judges"]]
    calls = [row.payload for row in rows if row.kind == "judge.called" and "ranking" in row.payload]

    def place(call: dict[str, Any]) -> tuple[int, int, int]:
        model, _, index = call["judge"].rpartition("#")
        return models.index(model), int(index), order[call["question_id"]]

    return iter(sorted(calls, key=place))


def named(value: Any) -> Any:
    return json.loads(json.dumps(named_number(value)))


def _resample(what: str) -> Callable[[dict[str, Any], list[Row]], None]:
    return lambda rank, calls: rank.update(resample=what)


def _refused(rank: dict[str, Any], calls: list[Row]) -> None:
    for call in calls[::3]:
        call.payload["outcome"] = "refused"
        del call.payload["ranking"]


RECORDS: dict[str, Callable[[dict[str, Any], list[Row]], None]] = {
    "rankings": _resample("rankings"),
    "clauses": _resample("clauses"),
    "refused calls": _refused,
}


@pytest.mark.parametrize("what", RECORDS)
def test_records_of_every_kind_are_derived(what: str, trained: Path, tmp_path: Path) -> None:
    """The answers of this run are equally long, so that their lengths say nothing however they are ranked."""
    root = forged(trained, tmp_path, counted_again(RECORDS[what]))
    found = alone(root)
    assert found == by_program(root)
    assert found.verdict == "ok", found.detail


@pytest.mark.parametrize("end", ["low", "high"])
@pytest.mark.parametrize("board", range(8))
def test_a_changed_end_of_an_interval_is_found_by_the_file_alone(
    board: int, end: str, trained: Path, tmp_path: Path
) -> None:
    def moved(values: dict[str, Any]) -> None:
        row = next(row for row in values["rows"] if isinstance(row[end], float | int))
        row[end] += -1e-6 if end == "low" else 1e-6

    root = tampered(trained, tmp_path, edited("leaderboard.computed", moved, board))
    found = alone(root)
    assert found.verdict == "failed"
    assert f": {end}'" in found.detail
    assert found == by_program(root)


DIAGNOSTICS = ("kendall_tau", "fleiss_kappa_first", "shown_rank_correlation", "longer_wins", "length_rank_correlation")


@pytest.mark.parametrize("name", DIAGNOSTICS)
def test_a_changed_diagnostic_is_found_by_the_file_alone(name: str, trained: Path, tmp_path: Path) -> None:
    def moved(values: dict[str, Any]) -> None:
        now = values["values"][name]
        values["values"][name] = 0.5 if now == "nan" else now + 1e-6

    found = alone(tampered(trained, tmp_path, edited("diagnostics.computed", moved)))
    assert found.verdict == "failed"
    assert repr(name) in found.detail


def test_without_texts_all_but_the_lengths_is_derived(trained: Path, tmp_path: Path) -> None:
    root = tampered(trained, tmp_path, lambda db: db.execute("DELETE FROM blobs") and None)
    found = alone(root)
    assert found.verdict == "withheld"
    assert found == by_program(root)
    assert "diagnostics computed again, without those of" in found.detail


def _first_board(root: Path, method: str) -> int:
    record = read_record(root / "audit.db", tree_facts())
    return next(board.seq for board in record.counted("leaderboard.computed") if board.values["method"] == method)


def _no_ranking(rows: list[Row]) -> list[Row]:
    for row in rows:
        if row.kind == "judge.called":
            row.payload.pop("ranking", None)
            row.payload["outcome"] = "refused"
    return rows


def _rank(**section: Any) -> Callable[[list[Row]], list[Row]]:
    def changed(rows: list[Row]) -> list[Row]:
        rows[0].payload["config"]["rank"] |= section
        return rows

    return changed


def _board(**values: Any) -> Callable[[list[Row]], list[Row]]:
    def changed(rows: list[Row]) -> list[Row]:
        next(row for row in rows if row.kind == "leaderboard.computed").payload.update(values)
        return rows

    return changed


HOSTILE: dict[str, tuple[Callable[[list[Row]], list[Row]], str, str]] = {
    "no ranking": (_no_ranking, "failed", "no judge's ranking is recorded"),
    "a confidence of two": (_rank(confidence=2.0), "failed", "does not say how rankings are resampled"),
    "no resamples": (_rank(resamples=0), "failed", "does not say how rankings are resampled"),
    "judges resampled": (_rank(resample="judges"), "failed", "does not say how rankings are resampled"),
    "a key of nobody's": (_rank(prior=1), "failed", "does not say how rankings are resampled"),
    "resamples for ever": (_rank(resamples=2**52), "unknown", "would take too long to compute again"),
    "a method of nobody's": (
        _board(method="range voting"),
        "unchecked",
        "the method 'range voting' of ranking is newer",
    ),
    "a detail too many": (_board(detail={"certainty": 1.0}), "failed", "'certainty' does not follow from"),
    "no rows": (_board(rows=[]), "failed", "' is missing; the rankings give"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_records_end_in_the_same_sentence(what: str, trained: Path, tmp_path: Path) -> None:
    change, verdict, sentence = HOSTILE[what]
    root = forged(trained, tmp_path, change)
    found = alone(root)
    assert (found.verdict, sentence in found.detail) == (verdict, True), found
    assert found == by_program(root)


def test_what_was_left_out_is_named_and_the_others_are_compared(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intervals, "MOST_ORDERS", 1)
    record = read_record(trained / "audit.db", tree_facts())
    found = concluded("estimates", check_estimates, record)
    assert found.verdict == "unknown"
    assert found.detail.startswith(f"scores and intervals of {len(METHODS) - 2} leaderboards, ")
    assert "computed again, and they agree; not those of kemeny, mallows (" in found.detail
    assert found.event == _first_board(trained, "kemeny")

    def moved(values: dict[str, Any]) -> None:
        values["rows"][0]["low"] -= 1e-6

    root = tampered(trained, tmp_path, edited("leaderboard.computed", moved))
    record = read_record(root / "audit.db", tree_facts())
    assert concluded("estimates", check_estimates, record).verdict == "failed"
