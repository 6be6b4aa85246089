"""How many questions and rankings separate two conditions by ε, from a pilot's rankings.

Of R rankings of each of Q questions, y_qr = μ + b_q + e_qr is what ranking r of question q says of a pair: the
difference of Borda points, or 1 where the one is before the other. b_q varies between questions (σ_b²), e_qr within one
(σ_w²), so that the mean has the variance

    Var = σ_b²/Q + σ_w²/(Q R)

(two-stage sampling: Cochran 1977, Sampling Techniques, chapter 10). A difference of ε is separated from 0 by an
interval of coverage 1 − α with a probability of 1 − β where ε = (z_{1−α/2} + z_{1−β}) √Var, hence

    Q = (z_{1−α/2} + z_{1−β})² (σ_b² + σ_w²/R) / ε²

and rankings are best spent near R = √(c_q/c_r · σ_w²/σ_b²), where a question costs c_q and a ranking of it c_r (there
too). All of it holds fixed the conditions, the judges and the kind of questions that the pilot had. The interval is the
normal one, which is too narrow for a handful of questions.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean
from typing import Literal

from core.errors import InputError
from core.ranking.counts import check_order
from core.types import Ranking

Measure = Literal["borda", "win_rate"]

FEWEST_QUESTIONS = 2
"""Of one question nobody knows how far another one would be from it."""

TINY = 1e-9
"""So far beyond a whole number of questions is rounding."""

Groups = Sequence[Sequence[float]]
"""What the rankings of each question say of a pair."""


@dataclass(frozen=True)
class Components:
    """What a pilot says of a pair: its mean, and the variances between questions and within one.

    within is None where no question has two rankings: then between is that of single rankings, whatever it comes from.
    unequal is Σ n_q²/n² over questions of n_q of the n rankings: 1/Q where all have equally many.
    """

    mean: float
    between: float
    within: float | None
    questions: int
    rankings: int
    unequal: float

    def variance(self, rankings: int) -> float | None:
        """Of the mean over so many rankings of a question; None where the pilot cannot say it."""
        if self.within is None:
            return self.between if rankings == 1 else None
        return self.between + self.within / rankings

    @property
    def of_pilot(self) -> float:
        """The variance of the pilot's own mean."""
        return self.between * self.unequal + (self.within or 0.0) / self.rankings


@dataclass(frozen=True)
class Aim:
    """A difference ε that is to be separated from 0 with this probability, by intervals of this coverage."""

    epsilon: float
    power: float = 0.8
    confidence: float = 0.95

    @property
    def reach(self) -> float:
        """z_{1−α/2} + z_{1−β}: how many standard errors ε has to be."""
        normal = NormalDist()
        return normal.inv_cdf((1 + self.confidence) / 2) + normal.inv_cdf(self.power)

    def questions(self, variance: float) -> int:
        """How many questions it takes, where the mean of one question's rankings has this variance."""
        return max(FEWEST_QUESTIONS, math.ceil(self.reach**2 * variance / self.epsilon**2 - TINY))

    def detectable(self, components: Components) -> float:
        """The smallest difference that the pilot itself separates with this probability."""
        return self.reach * math.sqrt(components.of_pilot)


@dataclass(frozen=True)
class Allocation:
    """So many rankings of each of so many questions: the calls they take, and the cost where prices are known."""

    rankings: int
    questions: int
    calls: int
    cost: float | None = None


@dataclass(frozen=True)
class Prices:
    """What a call of a judge costs, and what a question does before it is judged; in the currency of the prices."""

    call: float
    question: float


@dataclass(frozen=True)
class Spending:
    """What rankings take: the share of calls that gives one, and prices where they are known."""

    share: float = 1.0
    prices: Prices | None = None

    def allocation(self, rankings: int, questions: int) -> Allocation:
        """So many rankings of so many questions, with what they take."""
        calls = math.ceil(questions * rankings / self.share - TINY)
        if self.prices is None:
            return Allocation(rankings, questions, calls)
        return Allocation(rankings, questions, calls, calls * self.prices.call + questions * self.prices.question)


def allocations(components: Components, aim: Aim, per_question: Iterable[int], spending: Spending) -> list[Allocation]:
    """What separates a pair, for each number of rankings of a question that the pilot can say it of."""
    found = ((rankings, components.variance(rankings)) for rankings in per_question)
    return [
        spending.allocation(rankings, aim.questions(variance)) for rankings, variance in found if variance is not None
    ]


def components(groups: Groups) -> Components:
    """Variance components by the analysis of variance, for unequal numbers of rankings too.

    σ_w² is the mean square within questions, σ_b² = (MS_between − σ_w²)/n₀ with n₀ = (n − Σ n_q²/n)/(Q − 1), and 0
    where that is negative (Searle, Casella and McCulloch 1992, Variance Components, chapter 3).

    Raises:
        InputError: there are fewer than two questions.
    """
    questions, n = len(groups), sum(map(len, groups))
    if questions < FEWEST_QUESTIONS:
        raise InputError(
            f"a pilot needs the rankings of {FEWEST_QUESTIONS} questions or more; this one has {questions}"
        )
    mean = math.fsum(value for group in groups for value in group) / n
    means = [fmean(group) for group in groups]
    squares = sum(len(group) ** 2 for group in groups)
    between = math.fsum(len(group) * (own - mean) ** 2 for group, own in zip(groups, means, strict=True))
    between /= questions - 1
    if n == questions:
        return Components(mean, between, None, questions, n, squares / n**2)
    inside = ((value - own) ** 2 for group, own in zip(groups, means, strict=True) for value in group)
    within = math.fsum(inside) / (n - questions)
    typical = (n - squares / n) / (questions - 1)
    return Components(mean, max(0.0, (between - within) / typical), within, questions, n, squares / n**2)


def groups_of(rankings: Sequence[Ranking], condition: str, other: str, measure: Measure) -> Groups:
    """What every ranking says of a pair, by question; each counts once, whatever its judge weighs.

    Raises:
        InputError: the rankings are not all of the same conditions.
    """
    found: dict[tuple[int, str], list[float]] = {}
    for ranking in rankings:
        check_order(ranking.order, rankings[0].order, f"question {ranking.question_id!r}, judge {ranking.judge!r}")
        lead = ranking.order.index(other) - ranking.order.index(condition)
        value = float(lead if measure == "borda" else lead > 0)
        found.setdefault((ranking.clause_id, ranking.question_id), []).append(value)
    return list(found.values())
