"""How many questions and calls separate two conditions: from known variances, by simulation, and as a command."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chat_server import completion, serving, shown
from commands import dempo
from verified_runs import TINY, small_demo

from core.errors import InputError
from core.facts.randomness import RandomStream
from core.ranking.leaderboards import Aggregation
from core.ranking.robustness.power import Aim, Components, Prices, Spending, allocations, components, groups_of
from core.ranking.robustness.stands import robustness
from core.sections.who_judges import RankSection
from core.types import Ranking
from storage.draws.history import config_of
from storage.judging.run_rankings import rankings_of_run
from storage.record.reader import Reader
from tui.commands.ranking.power import powered, spending_of_run
from tui.commands.runs.process import work
from tui.terminal.console import Console


def simulated(generator: Any, questions: int, rankings: int, mean: float, between: float, within: float) -> Any:
    """y_qr of the model, shape (Q, R); between and within are standard deviations."""
    own = mean + between * generator.standard_normal((questions, 1))
    return own + within * generator.standard_normal((questions, rankings))


# ------------------------------------------------------------ formulas


def test_by_hand() -> None:
    """Two questions of two rankings: means 1 and 4, MS between 9, within (0.5 + 2)/2."""
    found = components([[0.5, 1.5], [3.0, 5.0]])
    assert (found.mean, found.within) == (2.5, 1.25)
    assert found.between == pytest.approx((9 - 1.25) / 2)
    assert found.of_pilot == pytest.approx(found.between / 2 + 1.25 / 4)
    assert found.variance(5) == pytest.approx(found.between + 0.25)


def test_the_textbook_number_of_questions() -> None:
    """(1.959964 + 0.841621)² = 7.848880 times the variance over ε²."""
    one = Components(0.0, 1.0, 0.0, 10, 10, 0.1)
    assert Aim(0.5).questions(1.0) == math.ceil(7.848880 / 0.25)
    assert Aim(0.5, 0.9).questions(1.0) == math.ceil(10.507417 / 0.25)
    assert Aim(0.5, 0.8, 0.99).questions(1.0) == math.ceil(11.678970 / 0.25)
    assert Aim(0.5).detectable(one) == pytest.approx(math.sqrt(7.848880 / 10), rel=1e-6)
    assert Aim(9.0).questions(0.0) == 2


def test_unequal_numbers_of_rankings_are_not_biased() -> None:
    generator = np.random.default_rng(3)
    sizes = [1, 2, 5] * 2000
    groups = [simulated(generator, 1, size, 0.3, 1.0, 2.0)[0].tolist() for size in sizes]
    found = components(groups)
    assert found.within is not None
    assert found.within == pytest.approx(4.0, rel=0.05)
    assert found.between == pytest.approx(1.0, rel=0.1)
    assert found.mean == pytest.approx(0.3, abs=0.1)
    assert found.of_pilot == pytest.approx(1.0 * sum(s**2 for s in sizes) / sum(sizes) ** 2 + 4 / sum(sizes), rel=0.1)


def test_a_pilot_of_one_ranking_a_question_says_nothing_of_further_ones() -> None:
    found = components([[1.0], [3.0], [2.0]])
    assert (found.between, found.within) == (1.0, None)
    assert [one.rankings for one in allocations(found, Aim(0.5), (1, 2, 3, 5), Spending())] == [1]
    with pytest.raises(InputError, match="2 questions or more; this one has 1"):
        components([[1.0, 2.0]])


def test_the_cheapest_allocation_is_where_the_formula_says() -> None:
    """R = √(c_q/c_r · σ_w²/σ_b²) = √(9 · 4) = 6 where a question costs nine calls."""
    found = Components(0.0, 1.0, 4.0, 100, 500, 0.01)
    planned = allocations(found, Aim(0.05), range(1, 15), Spending(1.0, Prices(1.0, 9.0)))
    assert min(planned, key=lambda one: one.cost or 0).rankings == 6
    assert min(planned, key=lambda one: one.calls).rankings == 1, "which takes most questions"
    assert planned[0].cost == pytest.approx(planned[0].calls + 9 * planned[0].questions)
    half = allocations(found, Aim(0.05), (2,), Spending(0.5))[0]
    assert half.calls == 4 * half.questions, "half of the calls give no ranking"


# ------------------------------------------------------------ by simulation


def separated_share(studies: int, seed: int, rankings: int, aim: Aim, between: float, within: float) -> float:
    """How often the planned number of questions separates a true difference of ε from 0."""
    generator = np.random.default_rng(seed)
    variance = Components(0.0, between**2, within**2, 2, 2, 0.5).variance(rankings)
    assert variance is not None
    questions = aim.questions(variance)
    hits = 0
    for _ in range(studies):
        means = simulated(generator, questions, rankings, aim.epsilon, between, within).mean(axis=1)
        hits += abs(means.mean()) > 1.959964 * means.std(ddof=1) / math.sqrt(questions)
    return hits / studies


@pytest.mark.parametrize(("rankings", "power"), [(1, 0.8), (3, 0.8), (5, 0.9)])
def test_the_promised_power_is_met(rankings: int, power: float) -> None:
    """600 studies: three standard errors are .05."""
    assert separated_share(600, rankings, rankings, Aim(0.2, power), 0.6, 1.5) == pytest.approx(power, abs=0.05)


@pytest.mark.night
@pytest.mark.parametrize("rankings", [1, 2, 3, 5])
@pytest.mark.parametrize("power", [0.8, 0.95])
def test_the_promised_power_is_met_exactly(rankings: int, power: float) -> None:
    """20,000 studies: three standard errors are .009."""
    found = separated_share(20_000, 7 + rankings, rankings, Aim(0.12, power), 0.6, 1.5)
    assert found == pytest.approx(power, abs=0.012)


def judged(generator: Any, questions: int, calls: int) -> list[Ranking]:
    """Three conditions; each question has tastes of its own, which all its rankings share."""
    found = []
    for q in range(questions):
        taste = np.array([0.25, 0.0, -0.3]) + 0.7 * generator.standard_normal(3)
        for call in range(calls):
            heard = taste + generator.gumbel(size=3)
            found.append(Ranking(f"1:{q}", 1, f"m#{call}", tuple("abc"[i] for i in np.argsort(-heard))))
    return found


@pytest.mark.night
@pytest.mark.parametrize("calls", [1, 3])
def test_a_pilot_of_rankings_plans_studies_that_separate_the_pair(calls: int) -> None:
    """From a large pilot, with the true difference as ε: four in five studies say that the pair is separated."""
    generator = np.random.default_rng(11)
    known = components(groups_of(judged(generator, 20_000, 3), "a", "b", "borda"))
    variance = known.variance(calls)
    assert variance is not None
    questions, hits, studies = Aim(known.mean).questions(variance), 0, 600
    for _ in range(studies):
        listed = judged(generator, questions, calls)
        section = RankSection(methods=("borda",), resamples=1)
        whole = Aggregation(listed, section, RandomStream(1, "rank"), lambda done, total, detail: None)
        pairs = robustness(listed, whole, [whole.leaderboard("borda")]).pairs
        (one,) = (pair for pair in pairs if {pair.condition, pair.other} == {"a", "b"})
        hits += one.separated_questions
    assert hits / studies == pytest.approx(0.8, abs=0.06)


# ------------------------------------------------------------ the command


def pilot_file(folder: Path, questions: int = 40, calls: int = 2) -> Path:
    path = folder / "pilot.jsonl"
    rows = [
        {"question_id": one.question_id, "clause_id": 1, "judge": one.judge, "ranking": list(one.order)}
        for one in judged(np.random.default_rng(5), questions, calls)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_the_command_says_it_of_a_file(tmp_path: Path) -> None:
    path = str(pilot_file(tmp_path))
    done = dempo("power", path, "--epsilon", "0.1", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["power"]
    assert (found["questions"], found["rankings"], found["prices"]) == (40, 80, None)
    assert [(pair["condition"], pair["other"]) for pair in found["pairs"]] == [("a", "b"), ("a", "c"), ("b", "c")]
    for pair in found["pairs"]:
        assert [one["rankings"] for one in pair["allocations"]] == [1, 2, 3, 5]
        assert pair["least_calls"] == 1
        variance = pair["between"] + pair["within"]
        assert pair["allocations"][0]["questions"] == math.ceil(7.848880 * variance / 0.01)
        by_pilot = pair["between"] / 40 + pair["within"] / 80
        assert pair["detectable"] == pytest.approx(math.sqrt(7.848880 * by_pilot), rel=1e-6)
    hardest = max(found["pairs"], key=lambda pair: pair["allocations"][0]["questions"])
    assert found["pair"] == [hardest["condition"], hardest["other"]]

    text = dempo("power", path, "--epsilon", "0.1", "--pair", "c,a", "--measure", "win_rate").stdout
    assert text.startswith("Pilot: 40 questions, 80 rankings\n")
    assert "To separate c / a by 0.1 with probability 0.8" in text
    assert "fewest calls: 1 ranking a question" in text
    assert "win rate: of the first of the pair over the second" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--epsilon", "0"], "--epsilon 0: give the difference that matters to you, above 0"),
        (["--epsilon", "1", "--power", "1"], "--power 1: give a probability from 0.5 to below 1"),
        (["--epsilon", "1", "--confidence", "95"], "--confidence 95: give a coverage between 0 and 1"),
        (["--epsilon", "1", "--measure", "elo"], "--measure 'elo': choose borda or win_rate"),
        (["--epsilon", "2.5"], "--epsilon 2.5: by borda two conditions differ by 2 at most"),
        (["--epsilon", "0.6", "--measure", "win_rate"], "by win_rate two conditions differ by 0.5 at most"),
        (["--epsilon", "1", "--pair", "a,d"], "--pair 'a,d': write A,B with two of the conditions a, b, c"),
        (["--epsilon", "1", "--pair", "a"], "--pair 'a': write A,B"),
    ],
)
def test_what_cannot_be_asked_is_said(words: list[str], sentence: str, tmp_path: Path) -> None:
    done = dempo("power", str(pilot_file(tmp_path)), *words)
    assert (done.returncode, sentence in done.stderr) == (2, True), done.stderr


def test_names_with_commas_and_other_measures() -> None:
    names = {"a": "x,y", "b": "y", "c": "x"}
    listed = [
        Ranking(one.question_id, 1, one.judge, tuple(names[c] for c in one.order))
        for one in judged(np.random.default_rng(5), 20, 2)
    ]
    found = powered(listed, Aim(0.1), "win_rate", Spending(), "x,y,x")
    assert (found.asked.condition, found.asked.other) == ("x,y", "x")
    assert found.asked.components.mean == np.mean([one.order.index("x,y") < one.order.index("x") for one in listed])
    with pytest.raises(InputError, match="one condition have no pair"):
        powered([Ranking("1:0", 1, "m#0", ("x",))], Aim(0.1), "borda", Spending())


def test_a_run_is_a_pilot(trained: Path) -> None:
    reader = Reader(trained)
    listed = rankings_of_run(reader, config_of(reader))
    assert len(listed) == reader.view("leaderboards")[0]["rankings"]
    score = {row["condition"]: row["score"] for row in reader.view("leaderboards") if row["method"] == "borda"}
    found = powered(listed, Aim(0.5), "borda", spending_of_run(reader))
    for pair in found.pairs:
        assert pair.components.mean == pytest.approx(score[pair.condition] - score[pair.other])
    assert found.spending == Spending(1.0, None), "planted judges cost nothing, and all their calls gave a ranking"


@pytest.mark.long
def test_prices_of_a_run_are_those_of_its_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One in eight calls gave no ranking, and was paid all the same."""

    def reply(body: dict[str, Any], number: int) -> Any:
        text = json.dumps({"ranking": list(shown(body))}) if number % 8 else "no"
        return 200, completion(text)

    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_CUSTOM_HEADERS"):
        monkeypatch.delenv(name, raising=False)
    with serving(reply) as server:
        price = "price = {input = 2000, output = 5000}"
        judge = f'{{kind = "openai", model = "m", rankings = 2, base_url = "{server.url}", {price}}}'
        root = small_demo(tmp_path, [*TINY, f"judge.judges=[{judge}]"])
        assert work(root, None, Console(quiet=True)) == 0
    reader = Reader(root)
    (cost,) = (row["cost"] for row in reader.view("judge_costs"))
    found = powered(rankings_of_run(reader, config_of(reader)), Aim(0.5), "borda", spending_of_run(reader))
    assert found.spending.share == len(rankings_of_run(reader, config_of(reader))) / 16
    assert found.spending.share < 1
    assert found.spending.prices is not None
    assert found.spending.prices.call == pytest.approx(cost / 16)
    assert found.spending.prices.question == 0
    one = found.asked.allocations[0]
    assert one.cost == pytest.approx(one.calls * cost / 16)
    words = " ".join(found.text().split())
    assert "87.5% of the pilot's calls gave a ranking" in words
    assert f"least cost, in the currency of the prices: {found.asked.cheapest} ranking" in words
