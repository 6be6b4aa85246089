"""Abilities with the length of answers held fixed, against SciPy's BFGS and another formula, and where none exist."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from core.events import LengthControlledComputed
from core.ranking.counts import encode
from core.ranking.judges.length_controlled import length_controlled
from core.types import Ranking
from storage import checks_ranking
from storage.checks_ranking import _length_model
from storage.verifier.judges import length_model as plain
from storage.verifier.judges.length_model import LengthModel, length_model
from storage.verifier.ranking.estimates import ballots_of
from storage.verifier.ranking.resamples import Ballot

Lengths = dict[tuple[str, str], int]


def simulated(
    seed: int,
    questions: int,
    judges: int,
    abilities: Mapping[str, float],
    likes_length: float,
    taste: float = 0.0,
) -> tuple[list[Ranking], Lengths]:
    """Gumbel choices by ability plus `likes_length` times the share of the question's length; each later condition's
    answers are longer on average, and `taste` is what all judges of a question have in common."""
    generator = np.random.default_rng(seed)
    rankings, lengths = [], {}
    for q in range(questions):
        own = {name: int(generator.lognormal(5 + 0.4 * k, 0.6)) for k, name in enumerate(abilities)}
        lengths |= {(name, f"q{q}"): length for name, length in own.items()}
        liked = {name: taste * generator.normal() for name in abilities}
        for k in range(judges):
            heard = {
                name: ability + likes_length * own[name] / sum(own.values()) + liked[name] + generator.gumbel()
                for name, ability in abilities.items()
            }
            rankings.append(Ranking(f"q{q}", 1, f"j#{k}", tuple(sorted(own, key=lambda name: -heard[name])), 1 + k % 2))
    return rankings, lengths


def ballots(rankings: Sequence[Ranking], lengths: Lengths) -> list[Ballot]:
    calls = [
        {
            "ranking": r.order,
            "shown_order": (),
            "judge": r.judge,
            "question_id": r.question_id,
            "clause_id": r.clause_id,
        }
        for r in rankings
    ]
    found = ballots_of(calls, sorted(rankings[0].order), {answer: (n, 1) for answer, n in lengths.items()})
    return [Ballot(**{**vars(b), "weight": r.weight}) for b, r in zip(found, rankings, strict=True)]


def fitted(rankings: Sequence[Ranking], lengths: Lengths) -> LengthControlledComputed:
    return length_controlled(encode(rankings), lengths)


def by_bfgs(rankings: Sequence[Ranking], lengths: Lengths) -> tuple[np.ndarray, np.ndarray]:
    """Abilities with sum zero and the coefficient, and clustered standard errors, from one row a vote."""
    names = sorted(rankings[0].order)
    m = len(names)
    rows, clusters, weights = [], [], []
    for r in rankings:
        for better, worse in combinations(r.order, 2):
            row = np.zeros(m + 1)
            row[names.index(better)], row[names.index(worse)] = 1.0, -1.0
            one, other = lengths[better, r.question_id], lengths[worse, r.question_id]
            row[m] = (one - other) / (one + other)
            rows.append(row)
            clusters.append(r.question_id)
            weights.append(r.weight)
    x, w = np.array(rows), np.array(weights, dtype=float)
    x[:, m] /= math.sqrt((w * x[:, m] ** 2).sum() / w.sum())
    # Sum-zero abilities as the first m − 1 and minus their sum.
    spread = np.vstack([np.eye(m - 1), -np.ones(m - 1)])
    free = np.block([[spread, np.zeros((m, 1))], [np.zeros((1, m - 1)), np.ones((1, 1))]])
    z = x @ free
    found = minimize(
        lambda b: (w * np.logaddexp(0, -z @ b)).sum(),
        np.zeros(m),
        jac=lambda b: -z.T @ (w * expit(-z @ b)),
        method="BFGS",
        options={"gtol": 1e-9},
    ).x
    p = expit(z @ found)
    bread = np.linalg.inv(z.T @ (z * (w * p * (1 - p))[:, None]))
    by_question: dict[str, np.ndarray] = {}
    for row, weight, chance, question in zip(z, w, p, clusters, strict=True):
        by_question[question] = by_question.get(question, 0.0) + weight * (1 - chance) * row
    scores = np.array(list(by_question.values()))
    q = len(scores)
    variance = free @ bread @ (scores.T @ scores) @ bread @ free.T * q / (q - 1)
    return free @ found, np.sqrt(np.diag(variance))


@pytest.mark.parametrize("seed", range(3))
def test_estimates_and_clustered_errors_are_those_of_bfgs(seed: int) -> None:
    abilities = {"a": 0.5, "b": 0.0, "c": -0.4, "d": 0.2}
    rankings, lengths = simulated(seed, 25, 3, abilities, 2.0, taste=0.7)
    found = fitted(rankings, lengths)
    values, errors = by_bfgs(rankings, lengths)
    assert [row.ability for row in found.rows] == pytest.approx(list(values[:-1]), abs=2e-6)
    assert [row.error for row in found.rows] == pytest.approx(list(errors[:-1]), rel=1e-5)
    assert found.length == pytest.approx(values[-1], abs=2e-6)
    assert found.length_error == pytest.approx(errors[-1], rel=1e-5)
    assert found.votes == sum(6 * r.weight for r in rankings)


@pytest.mark.parametrize("seed", range(3))
def test_plain_python_gives_the_same_numbers(seed: int) -> None:
    rankings, lengths = simulated(seed, 12, 2, {"a": 1.5, "b": 0.0, "c": -1.0}, 3.0)
    found, again = fitted(rankings, lengths), length_model(ballots(rankings, lengths))
    same_numbers(found, again)
    assert found.problem is None


def same_numbers(found: LengthControlledComputed, again: LengthModel) -> None:
    assert (found.votes, found.questions, found.problem) == (again.votes, again.questions, again.problem)
    columns = {"ability": again.abilities, "error": again.errors, "win_rate": again.win_rates}
    for name, values in (columns | {"raw_win_rate": again.raw_win_rates}).items():
        own = [float(getattr(row, name)) for row in found.rows]
        assert own == pytest.approx(list(values), rel=1e-10, abs=1e-10, nan_ok=True), name
    if found.rows:
        own = [float(value or 0.0) for value in (found.length, found.length_error, found.scale)]
        assert own == pytest.approx([again.length, again.length_error, again.scale], rel=1e-10, nan_ok=True)


def test_a_judge_who_only_likes_length_gives_equal_abilities() -> None:
    """In the raw win rates the longest wins by far; held fixed, none is beyond three standard errors of the others."""
    rankings, lengths = simulated(11, 300, 3, dict.fromkeys("abcd", 0.0), 3.0)
    found = fitted(rankings, lengths)
    raw = [float(row.raw_win_rate) for row in found.rows]
    assert max(raw) - min(raw) > 0.15
    assert float(found.length or 0) > 5 * float(found.length_error or 0)
    for row in found.rows:
        assert abs(float(row.ability)) < 3 * float(row.error)
        assert float(row.win_rate) == pytest.approx(0.5, abs=0.04)


def test_abilities_that_have_nothing_to_do_with_length_stay() -> None:
    """Planted with the longest answers the worst: the coefficient is near zero, and the order is that of the truth."""
    rankings, lengths = simulated(3, 300, 3, {"a": 0.9, "b": 0.3, "c": -0.3, "d": -0.9}, 0.0)
    found = fitted(rankings, lengths)
    assert abs(float(found.length or 0)) < 3 * float(found.length_error or 0)
    assert [row.condition for row in sorted(found.rows, key=lambda row: -float(row.ability))] == list("abcd")
    for row in found.rows:
        assert float(row.win_rate) == pytest.approx(float(row.raw_win_rate), abs=0.03)


def test_errors_over_questions_are_wider_where_judges_of_a_question_agree() -> None:
    """Five judges who say the same are one: the error is that of the first alone, not √5 narrower."""
    rankings, lengths = simulated(5, 40, 1, {"a": 0.4, "b": 0.0, "c": -0.4}, 1.0)
    repeated = [Ranking(r.question_id, 1, f"j#{k}", r.order) for r in rankings for k in range(5)]
    alone, five = fitted(rankings, lengths), fitted(repeated, lengths)
    assert [row.error for row in five.rows] == pytest.approx([row.error for row in alone.rows], rel=1e-9)


def problem_of(orders: Sequence[str], lengths: Sequence[Sequence[int]]) -> str | None:
    """Of one ranking a question, of conditions a, b, …, whose answers are so long."""
    rankings = [Ranking(f"q{q}", 1, "j#0", tuple(order)) for q, order in enumerate(orders)]
    known = {(n, f"q{q}"): k for q, own in enumerate(lengths) for n, k in zip("abcdef", own, strict=False)}
    found = fitted(rankings, known)
    same_numbers(found, length_model(ballots(rankings, known)))
    assert (found.rows == []) == (found.problem is not None)
    return found.problem


def test_where_there_is_no_estimate_the_reason_is_said() -> None:
    assert fitted([Ranking("q", 1, "j#0", ("a", "b"))], {}).problem == "no_lengths"
    assert problem_of(["ab", "ba"], [[5, 5], [7, 7]]) == "equal_lengths"
    assert problem_of(["a", "a"], [[5], [7]]) == "equal_lengths", "one condition has nothing to compare"
    assert problem_of(["ab", "ba"], [[9, 3], [30, 10]]) == "inseparable", "a is as much longer on both"
    assert problem_of(["abc", "acb", "bca"], [[9, 5, 5]] * 3) == "inseparable"
    assert problem_of(["abc", "acb", "abc"], [[9, 5, 4], [3, 8, 2], [4, 4, 9]]) == "no_maximum", "a always wins"
    # The longer one always wins, whichever it is.
    assert problem_of(["ab", "ba", "ab", "ba"], [[9, 3], [2, 8], [7, 5], [3, 4]]) == "no_maximum"
    assert problem_of(["ab", "ba", "ba", "ba", "ab"], [[9, 3], [2, 8], [7, 5], [3, 4], [0, 0]]) is None


def test_one_question_has_no_error() -> None:
    """There is nothing to cluster by; abilities are not told from length there either, but for three or more."""
    rankings = [Ranking("q", 1, f"j#{k}", tuple(o)) for k, o in enumerate(["abc", "bca", "cab", "acb", "cba", "bac"])]
    lengths = {("a", "q"): 90, ("b", "q"): 9, ("c", "q"): 1}
    found = fitted(rankings, lengths)
    same_numbers(found, length_model(ballots(rankings, lengths)))
    assert found.problem is None
    assert {row.error for row in found.rows} == {"nan"}


def test_small_data_agree_on_whether_there_is_an_estimate() -> None:
    """Both ways decide alike on data of which some have no maximum, and say the same numbers of the others."""
    generator = np.random.default_rng(0)
    problems = set()
    for _ in range(100):
        questions = int(generator.integers(2, 7))
        names = "abcd"[: int(generator.integers(2, 5))]
        rankings = [
            Ranking(f"q{q}", 1, f"j#{k}", tuple(generator.permutation(list(names))))
            for q in range(questions)
            for k in (0, 1)
        ]
        lengths = {(n, f"q{q}"): int(generator.integers(0, 5)) for q in range(questions) for n in names}
        found = fitted(rankings, lengths)
        same_numbers(found, length_model(ballots(rankings, lengths)))
        problems.add(found.problem)
    assert {None, "no_maximum"} <= problems


def test_what_takes_plain_python_too_long_is_fitted_by_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    rankings, lengths = simulated(2, 10, 2, {"a": 0.5, "b": 0.0, "c": -0.4}, 1.0)
    listed = ballots(rankings, lengths)
    monkeypatch.setattr(plain, "MOST_COMPARED", 5)
    monkeypatch.setattr(checks_ranking, "length_model", plain.length_model)
    with pytest.raises(plain.TooMuch, match="of 10 questions and 3 conditions takes too long"):
        length_model(listed)
    same_numbers(fitted(rankings, lengths), _length_model(listed))
