"""Bradley–Terry with the difference in length as a covariate, by the standard library alone.

The last ability stays at zero, so that the information is that of free parameters: the other abilities, and length's
coefficient. What is told are the abilities less their mean.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from core.facts.ranking.lengths import LEAST_APART, MOST_LENGTH_STEPS, SETTLED_STEP
from storage.verifier.judges.agreement import rankings_by_question
from storage.verifier.ranking.choices import solved
from storage.verifier.ranking.resamples import Ballot, TooMuch

MOST_COMPARED = 400_000
"""Pairs of conditions over all questions: some ten seconds. A paper's run has thirty thousand."""


@dataclass(frozen=True)
class LengthModel:
    """The estimate, in the order of the conditions, or why there is none: a `problem` of the event."""

    votes: int
    questions: int
    problem: str | None = None
    abilities: Sequence[float] = ()
    errors: Sequence[float] = ()
    win_rates: Sequence[float] = ()
    raw_win_rates: Sequence[float] = ()
    length: float = 0.0
    length_error: float = 0.0
    scale: float = 0.0


@dataclass(frozen=True)
class LengthCell:
    """How often i was before and behind j on a question, and how much longer its answer is."""

    question: int
    i: int
    j: int
    won: int
    lost: int
    x: float


def length_model(ballots: Sequence[Ballot]) -> LengthModel:
    """The model of rankings whose lengths are known.

    Raises:
        TooMuch: it takes longer than this file spends.
    """
    conditions = len(ballots[0].order)
    questions = rankings_by_question(ballots)
    if len(questions) * math.comb(conditions, 2) > MOST_COMPARED:
        raise TooMuch(f"a model with lengths of {len(questions)} questions and {conditions} conditions takes too long")
    cells = [cell for k, listed in enumerate(questions.values()) for cell in _compared(k, listed)]
    votes = sum(cell.won + cell.lost for cell in cells)
    square = math.fsum((cell.won + cell.lost) * cell.x**2 for cell in cells)
    if not square:
        return LengthModel(votes, len(questions), "equal_lengths")
    scale = math.sqrt(square / votes)
    cells = [LengthCell(c.question, c.i, c.j, c.won, c.lost, c.x / scale) for c in cells]
    return _estimated(cells, conditions, len(questions), scale)


def _compared(question: int, ballots: Sequence[Ballot]) -> list[LengthCell]:
    conditions, lengths = len(ballots[0].order), ballots[0].lengths
    ahead = [[0] * conditions for _ in range(conditions)]
    for ballot in ballots:
        for i, j in combinations(ballot.order, 2):
            ahead[i][j] += ballot.weight
    return [
        LengthCell(question, i, j, ahead[i][j], ahead[j][i], _longer_by(lengths[i], lengths[j]))
        for i, j in combinations(range(conditions), 2)
    ]


def _longer_by(one: int, other: int) -> float:
    return (one - other) / (one + other) if one + other else 0.0


def _estimated(cells: Sequence[LengthCell], conditions: int, questions: int, scale: float) -> LengthModel:
    votes = sum(cell.won + cell.lost for cell in cells)
    values = [0.0] * (conditions + 1)
    if _left_over(_curved(cells, values)) < LEAST_APART:
        return LengthModel(votes, questions, "inseparable")
    try:
        found = _climbed(cells, values)
    except (ArithmeticError, ValueError):
        found = None
    if found is None:
        return LengthModel(votes, questions, "no_maximum")
    theta, errors = found[:-1], _clustered(cells, found, questions)
    mean = math.fsum(theta) / conditions
    rates = [
        math.fsum(_chance(own - other) for k, other in enumerate(theta) if k != i) / (conditions - 1)
        for i, own in enumerate(theta)
    ]
    raw = [0] * conditions
    for cell in cells:
        raw[cell.i] += cell.won
        raw[cell.j] += cell.lost
    return LengthModel(
        votes=votes,
        questions=questions,
        abilities=[value - mean for value in theta],
        errors=errors[:-1],
        win_rates=rates,
        raw_win_rates=[times * conditions / (2 * votes) for times in raw],
        length=found[-1],
        length_error=errors[-1],
        scale=scale,
    )


def _chance(z: float) -> float:
    """1/(1 + e^−z), as exact where it is next to nothing."""
    return 1 / (1 + math.exp(-z)) if z >= 0 else math.exp(z) / (1 + math.exp(z))


def _odds(cell: LengthCell, values: Sequence[float]) -> float:
    return values[cell.i] - values[cell.j] + values[-1] * cell.x


def _curved(cells: Sequence[LengthCell], values: Sequence[float]) -> list[list[float]]:
    """The information about all abilities and length's coefficient."""
    found = [[0.0] * len(values) for _ in values]
    for cell in cells:
        z = _odds(cell, values)
        by = (cell.won + cell.lost) * _chance(z) * _chance(-z)
        row, other, last = found[cell.i], found[cell.j], found[-1]
        row[cell.i] += by
        other[cell.j] += by
        row[cell.j] -= by
        other[cell.i] -= by
        last[cell.i] += by * cell.x
        last[cell.j] -= by * cell.x
        last[-1] += by * cell.x**2
    for i, value in enumerate(found[-1][:-1]):
        found[i][-1] = value
    return found


def _free(row: Sequence[float]) -> list[float]:
    """Without the last ability."""
    return [*row[:-2], row[-1]]


def _slopes(cells: Sequence[LengthCell], values: Sequence[float], questions: int) -> list[list[float]]:
    """The gradient that each question gives, of the free parameters."""
    found = [[0.0] * len(values) for _ in range(questions)]
    for cell in cells:
        z = _odds(cell, values)
        by = cell.won * _chance(-z) - cell.lost * _chance(z)
        row = found[cell.question]
        row[cell.i] += by
        row[cell.j] -= by
        row[-1] += by * cell.x
    return [_free(row) for row in found]


def _left_over(information: Sequence[Sequence[float]]) -> float:
    """The share of the variation of length that the conditions do not account for."""
    free = [_free(row) for row in (*information[:-2], information[-1])]
    across, own = free[-1][:-1], free[-1][-1]
    effects = solved([[*row[:-1], wanted] for row, wanted in zip(free[:-1], across, strict=True)])
    return 1 - math.fsum(a * b for a, b in zip(across, effects, strict=True)) / own


def _climbed(cells: Sequence[LengthCell], values: Sequence[float]) -> list[float] | None:
    """The values of the largest likelihood, by Newton's method with steps scaled by log(1 + r)/r, r being the largest
    change of a log-odds (Sun and Tran-Dinh 2019); None where it does not settle."""
    questions = 1 + max(cell.question for cell in cells)
    found = list(values)
    for _ in range(MOST_LENGTH_STEPS):
        information = _curved(cells, found)
        slope = [math.fsum(column) for column in zip(*_slopes(cells, found, questions), strict=True)]
        free = [_free(row) for row in (*information[:-2], information[-1])]
        step = solved([[*row, wanted] for row, wanted in zip(free, slope, strict=True)])
        step = [*step[:-1], 0.0, step[-1]]
        length = max(abs(_odds(cell, step)) for cell in cells)
        if not math.isfinite(length):
            return None
        scaled = math.log1p(length) / length if length else 1.0
        found = [value + scaled * change for value, change in zip(found, step, strict=True)]
        if length <= SETTLED_STEP:
            return found
    return None


def _clustered(cells: Sequence[LengthCell], values: Sequence[float], questions: int) -> list[float]:
    """Standard errors of the abilities less their mean, and of length's coefficient, clustered by question.

    With H⁻¹ and the questions' scores g_q, a linear combination c of the free parameters varies by
    Q/(Q − 1) Σ_q (cᵀ H⁻¹ g_q)².
    """
    if questions < 2:
        return [math.nan] * len(values)
    information = _curved(cells, values)
    free = [_free(row) for row in (*information[:-2], information[-1])]
    slopes = _slopes(cells, values, questions)
    conditions = len(values) - 1
    errors = []
    for i in range(conditions + 1):
        told = [0.0] * conditions
        if i < conditions:
            told = [(k == i) - 1 / conditions for k in range(conditions - 1)] + [0.0]
        else:
            told[-1] = 1.0
        effects = solved([[*row, wanted] for row, wanted in zip(free, told, strict=True)])
        squares = (sum(a * b for a, b in zip(effects, slope, strict=True)) ** 2 for slope in slopes)
        errors.append(math.sqrt(math.fsum(squares) * questions / (questions - 1)))
    return errors
