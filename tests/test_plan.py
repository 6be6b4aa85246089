"""What a plan may say, and what follows from numbers: standings, p values after Holm, decisions."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from memory_recorder import MemoryRecorder, make_context
from planned_runs import PLAN, configured
from scipy import stats

from core.config import RunConfig
from core.errors import InputError
from core.events import PlanTested
from core.facts.randomness import RandomStream
from core.facts.ranking.hypotheses import after_holm, decision_of, one_sided, share_above, standings
from core.facts.ranking.intervals import tail_of
from core.facts.ranking.methods import CONSENSUS_METHODS, METHODS, Method
from core.ranking.hypotheses import hypotheses_tested
from core.ranking.leaderboards import Aggregation
from core.ranking.plan_notes import plan_notes
from core.ranking.stage import rank
from core.sections.what_is_expected import PlanSection
from core.sections.who_judges import RankSection
from core.types import Judged, Ranking
from storage.verifier.ranking.hypotheses import hypotheses_again
from storage.verifier.ranking.intervals import Leaderboards
from storage.verifier.ranking.resamples import Ballot

ONE = '[plan]\nprimary = "{primary}"\n{more}\n[[plan.hypotheses]]\nname = "a"\nbetter = "{better}"\nthan = "{than}"\n'


def one(primary: str = "borda", better: str = "soft", than: str = "full", more: str = "") -> str:
    return ONE.format(primary=primary, better=better, than=than, more=more)


REFUSED = {
    "an unknown condition": (one(better="sofd"), "plan, hypothesis 'a': condition 'sofd' is not defined (defined: "),
    "the same condition": (one(than="soft"), "'soft' cannot be better than itself"),
    "another method": (one("schulze"), "plan.primary: 'schulze' is not among rank.methods"),
    "no method": (one("votes"), "plan.primary"),
    "another unit": (one(more='resample = "clauses"'), "plan.resample is 'clauses' and rank.resample is 'questions'"),
    "another confidence": (one(more="confidence = 0.9"), "plan.confidence is 0.9 and rank.confidence is 0.95"),
    "one name twice": (one() + one().partition("\n\n")[2].replace("full", "hard"), "two entries are called 'a'"),
    "the same twice": (one() + one().partition("\n\n")[2].replace('"a"', '"b"'), "'a' and 'b' expect the same"),
    "both sides": (
        one() + '[[plan.hypotheses]]\nname = "b"\nbetter = "full"\nthan = "soft"\nby = 0.5\n',
        "'a' and 'b' expect the opposite",
    ),
    "nothing": ('[plan]\nprimary = "borda"\nhypotheses = []\n', "plan.hypotheses"),
    "a negative difference": (f"{one()}by = -0.1\n", "plan.hypotheses.0.by"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_plan_that_cannot_be_tested_is_refused(what: str, tmp_path: Path) -> None:
    plan, sentence = REFUSED[what]
    with pytest.raises(InputError) as error:
        configured(tmp_path, "http://localhost:1", plan)
    assert sentence in str(error.value)


def test_a_plan_needs_judges() -> None:
    values = {"run": {"name": "x"}, "data": {"path": "d"}, "plan": PlanSection.model_validate(_plan()).model_dump()}
    with pytest.raises(ValueError, match=r"\[plan\] is tested on what judges say"):
        RunConfig.model_validate(values)


def _plan(primary: str = "borda", *pairs: tuple[str, str, float]) -> dict[str, Any]:
    listed = [
        {"name": f"h{k}", "better": better, "than": than, "by": by}
        for k, (better, than, by) in enumerate(pairs or (("a", "b", 0.0),))
    ]
    return {"primary": primary, "hypotheses": listed}


def test_who_starts_a_run_is_told_that_resamples_are_too_few(tmp_path: Path) -> None:
    """The smallest p is 1/(B + 1), and the first of three hypotheses takes three times that."""
    few = configured(tmp_path, "http://localhost:1", settings=["rank.resamples=118"]).config
    (note,) = plan_notes(few)
    assert note.startswith("rank.resamples = 118 cannot support 3 hypotheses at confidence 0.95")
    assert note.endswith("119 or more can")
    assert plan_notes(configured(tmp_path, "http://localhost:1", settings=["rank.resamples=119"]).config) == ()
    assert 3 * one_sided(1.0, 119, 1000) <= 0.025 < 3 * one_sided(1.0, 118, 1000)
    assert plan_notes(configured(tmp_path, "http://localhost:1", plan="").config) == ()


# ------------------------------------------------------------ what follows from numbers


def test_holm_is_the_closed_test_of_bonferroni() -> None:
    """A hypothesis is rejected where each intersection with it is: its adjusted p is the largest of min·size."""
    generator = random.Random(3)
    for _ in range(50):
        values = [generator.choice([0.001, 0.01, 0.02, 0.2, generator.random()]) for _ in range(4)]
        subsets = [s for n in range(1, 5) for s in itertools.combinations(range(4), n)]
        closed = [max(min(1.0, len(s) * min(values[i] for i in s)) for s in subsets if k in s) for k in range(4)]
        assert after_holm(values) == pytest.approx(closed)


def test_few_units_say_little_however_many_resamples_there_are() -> None:
    """The sign test: that all of n are on one side has the chance 2^−n."""
    for units in (1, 3, 5, 6):
        assert one_sided(1.0, 10**6, units) == stats.binomtest(units, units, 0.5, alternative="greater").pvalue
    assert one_sided(1.0, 999, 3000) == 0.001
    assert one_sided(0.0, 999, 3000) == 1.0
    assert one_sided(0.975, 999, 3000) == pytest.approx(26 / 1000)


@pytest.mark.parametrize(
    ("low", "high", "by", "p", "said"),
    [
        (0.1, 0.3, 0.0, 0.025, "supported"),
        (0.1, 0.3, 0.0, 0.026, "not supported"),
        (0.1, 0.3, 0.2, 0.01, "not supported"),
        (-0.3, -0.1, 0.0, 1.0, "contradicted"),
        (0.05, 0.1, 0.2, 1.0, "contradicted"),
        (0.0, 0.3, 0.0, 0.001, "not supported"),
        (1e-12, 0.3, 0.0, 0.001, "not supported"),
    ],
)
def test_the_decision(low: float, high: float, by: float, p: float, said: str) -> None:
    assert decision_of(low, high, by, p, 0.95) == said


def test_what_is_equal_but_for_rounding_holds_for_nobody() -> None:
    assert share_above([1e-12, -1e-12, 0.5, 0.25], 0.0) == 0.5
    assert share_above([0.25 + 1e-12, 0.5], 0.25) == 0.5


def other_run(**values: Any) -> dict[str, Any]:
    found = {"run_id": "r", "rankings": 9, "fresh": False, "standings": {"h0": "as planned"}, "changed": []}
    return found | values


STANDINGS = {
    "no other run": ([], "as planned", ""),
    "the same plan there": ([other_run()], "as planned", "planned in run r, which had 9 rankings"),
    "nothing ranked there": ([other_run(rankings=0, standings={})], "as planned", ""),
    "other data": (
        [other_run(fresh=True, standings={})],
        "as planned",
        "planned after run r, which had 9 rankings of another seed",
    ),
    "no plan there": ([other_run(standings={})], "exploratory", "run r had 9 rankings before this was planned"),
    "exploratory there": ([other_run(standings={"h0": "exploratory"})], "exploratory", "it was exploratory in run r"),
    "deviated there": ([other_run(standings={"h0": "deviated"})], "deviated", "it was deviated from in run r"),
    "changed": ([other_run(changed=["judge.judges"])], "deviated", "planned in run r; changed since: judge.judges"),
    "one of two": ([other_run(), other_run(run_id="s", standings={})], "exploratory", "run s had 9 rankings"),
}


@pytest.mark.parametrize("what", STANDINGS)
def test_how_a_hypothesis_stands_beside_other_runs(what: str) -> None:
    earlier, standing, reason = STANDINGS[what]
    found = standings({"plan": _plan(), "judge": {"judges": [{"label": "m", "kind": "openai"}]}}, earlier)
    assert found["h0"][0] == standing
    assert found["h0"][1].startswith(reason)
    assert bool(found["h0"][1]) == bool(reason)


def test_what_a_file_holds_was_ranked_before() -> None:
    judges = [{"label": "m", "kind": "openai"}, {"label": "people", "kind": "recorded"}]
    found = standings({"plan": _plan(), "judge": {"judges": judges}}, [])
    assert found["h0"] == ("exploratory", "the rankings of judge 'people' existed before this plan")


# ------------------------------------------------------------ the tests

CONDITIONS = ("a", "b", "c", "d")
PAIRS = (("a", "b", 0.0), ("c", "d", 0.1), ("d", "a", 0.0))


def some_rankings(questions: int, seed: int) -> list[Ranking]:
    generator, found = random.Random(seed), []
    for question in range(questions):
        for judge in range(2):
            strength = {name: 2.0 - 0.5 * k + generator.gauss(0, 1) for k, name in enumerate(CONDITIONS)}
            order = tuple(sorted(CONDITIONS, key=lambda name: -strength[name]))
            found.append(Ranking(f"{question % 3}:{question}", question % 3, f"m#{judge}", order))
    return found


def in_plain_python(rankings: list[Ranking], config: RankSection, seed: int) -> Leaderboards:
    number = {question: k for k, question in enumerate(dict.fromkeys(one.question_id for one in rankings))}
    clauses = {clause: k for k, clause in enumerate(dict.fromkeys(one.clause_id for one in rankings))}
    ballots = [
        Ballot(tuple(CONDITIONS.index(x) for x in r.order), (), number[r.question_id], clauses[r.clause_id])
        for r in rankings
    ]
    return Leaderboards(CONDITIONS, ballots, config.resample, config.resamples, config.confidence, seed)


class _Record:
    def __init__(self, plan: dict[str, Any]) -> None:
        self.genesis = {"config": {"plan": plan}}


@pytest.mark.parametrize("resample", ["questions", "rankings", "clauses"])
@pytest.mark.parametrize("method", METHODS)
def test_the_plain_verifier_finds_the_same_differences(method: Method, resample: Any) -> None:
    config = RankSection(resamples=40, resample=resample, methods=(method,))
    rankings, plan = some_rankings(8, 1), _plan(method, *PAIRS)
    aggregation = Aggregation(rankings, config, RandomStream(7, "rank"), lambda done, total, what: None)
    again: Any = hypotheses_again(_Record(plan), in_plain_python(rankings, config, 7))  # type: ignore[arg-type]
    for row in hypotheses_tested(aggregation, PlanSection.model_validate(plan)):
        for name in ("difference", "low", "high", "holds"):
            assert again[f"{row.name}: {name}"] == pytest.approx(float(getattr(row, name)), abs=1e-9), (row, name)


@pytest.mark.parametrize("method", ["borda", "bradley_terry", "kemeny"])
def test_the_difference_is_that_of_the_board_and_its_interval_that_of_each_resample(method: Method) -> None:
    """It is narrower than what two intervals by themselves leave room for."""
    config = RankSection(resamples=200)
    aggregation = Aggregation(some_rankings(40, 2), config, RandomStream(1, "rank"), lambda done, total, what: None)
    scores = {row.condition: row for row in aggregation.leaderboard(method).rows}
    side, tail = (-1.0 if method in CONSENSUS_METHODS else 1.0), tail_of(0.95, 40)
    samples, columns = aggregation.estimate(method).samples, aggregation.ballots.conditions
    for row, (better, than, by) in zip(
        hypotheses_tested(aggregation, PlanSection.model_validate(_plan(method, *PAIRS))), PAIRS, strict=True
    ):
        differences = side * (samples[:, columns.index(better)] - samples[:, columns.index(than)])
        assert float(row.difference) == pytest.approx(side * (scores[better].score - scores[than].score))
        assert [row.low, row.high] == pytest.approx(np.quantile(differences, [tail, 1 - tail]).tolist())
        assert row.holds == pytest.approx((differences > by + 1e-9).mean())
        apart = scores[better].high - scores[than].low + scores[than].high - scores[better].low
        assert float(row.high) - float(row.low) <= apart


def test_scores_that_both_vanish_differ_by_nothing() -> None:
    """`c` and `d` are seldom first, so that the published iteration sends both to −∞ in some resamples."""
    orders = ["abcd", "bacd", "abdc", "badc"] * 3 + ["cabd", "dbac"]
    rankings = [Ranking(f"1:{k}", 1, "m#0", tuple(order)) for k, order in enumerate(orders)]
    config = RankSection(resamples=120)
    aggregation = Aggregation(rankings, config, RandomStream(1, "rank"), lambda done, total, what: None)
    samples = aggregation.estimate("plackett_luce_published").samples
    assert (np.isinf(samples[:, 2]) & np.isinf(samples[:, 3])).any()
    plan = PlanSection.model_validate(_plan("plackett_luce_published", ("c", "d", 0.0), ("a", "d", 0.0)))
    (level, far) = hypotheses_tested(aggregation, plan)
    assert not np.isnan([float(level.low), float(level.high)]).any()
    assert far.high == "inf"
    assert far.verdict == "supported"


def test_a_resumed_stage_tests_once(tmp_path: Path) -> None:
    values = {
        "run": {"name": "test", "seed": 3},
        "data": {"format": "none"},
        "conditions": [{"name": name, "source": f"answers:/x/{name}"} for name in CONDITIONS],
        "judge": {"judges": [{"kind": "openai", "model": "m"}]},
        "rank": {"resamples": 30},
        "plan": _plan("borda", *PAIRS),
    }
    judged = Judged(rankings=tuple(some_rankings(6, 5)), shown=tuple(CONDITIONS for _ in range(12)), lengths={})
    whole = MemoryRecorder()
    rank(make_context("rank", RunConfig.model_validate(values), tmp_path / "whole", whole), judged)
    cut = MemoryRecorder(events=[e for e in whole.events if e[2] is None or e[2][0] != "hypotheses"])
    rank(make_context("rank", RunConfig.model_validate(values), tmp_path / "cut", cut), judged)
    assert cut.of_kind(PlanTested) == whole.of_kind(PlanTested)
    assert [row.name for row in whole.of_kind(PlanTested)[0].rows] == ["h0", "h1", "h2"]
    assert PLAN.count("[[plan.hypotheses]]") == 3


@pytest.mark.long
def test_what_is_equally_good_is_seldom_supported() -> None:
    """Judges of one question agree, so that 60 questions of two rankings each are 60 units: one in forty is supported
    by chance, whether one hypothesis is planned or three."""
    generator, runs = random.Random(5), 200
    config, plan = RankSection(resamples=400), PlanSection.model_validate(_plan("borda", *PAIRS[::2], ("b", "c", 0.0)))
    alone = plan.model_copy(update={"hypotheses": plan.hypotheses[:1]})
    found = {"one": 0, "any": 0}
    for seed in range(runs):
        rankings = []
        for question in range(60):
            taste = {name: generator.gauss(0, 1) for name in CONDITIONS}
            for judge in range(2):
                order = sorted(CONDITIONS, key=lambda name, taste=taste: taste[name] + generator.gauss(0, 0.5))
                rankings.append(Ranking(f"1:{question}", 1, f"m#{judge}", tuple(order)))
        aggregation = Aggregation(rankings, config, RandomStream(seed, "rank"), lambda done, total, what: None)
        for name, wanted in (("one", alone), ("any", plan)):
            found[name] += any(row.verdict == "supported" for row in hypotheses_tested(aggregation, wanted))
    assert max(found.values()) / runs <= 0.025 + 3 * (0.025 * 0.975 / runs) ** 0.5
    assert min(found.values()) > 0
