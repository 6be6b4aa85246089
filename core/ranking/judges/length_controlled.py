"""Abilities with the length of answers held fixed: a Bradley–Terry model of pairwise votes with a covariate.

    P(i before j on question q) = σ(θ_i − θ_j + γ x_qij),    x_qij = (ℓ_qi − ℓ_qj)/(ℓ_qi + ℓ_qj)/s,

ℓ the characters of the answers (x is 0 where both are empty) and s the root mean square of the quotient over all votes,
so that γ is what one standard deviation more of length is worth in log-odds. This is the style control of the Chatbot
Arena (Li, Angelopoulos, Chiang, "Does style matter?", LMSYS 2024), which takes this normalised difference because
it is bounded and does not depend on the unit of length; it is tanh(½ log(ℓ_i/ℓ_j)), half the difference of log lengths
where these are close. AlpacaEval's length-controlled win rate (Dubois et al. 2024, arXiv 2404.04475) does the same for
one model against a baseline, with tanh of the standardised difference and a term for the question. As there, the
controlled win rate is the model's with the length term at zero.

Votes of one question depend on each other, so standard errors are clustered by question (Liang and Zeger 1986): with
the information H and the questions' scores g_q at the maximum, V = Q/(Q − 1) · H⁻¹ (Σ_q g_q g_qᵀ) H⁻¹.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.events import LengthControlledComputed, LengthControlledRow, LengthProblem
from core.facts.ranking.lengths import LEAST_APART, MOST_LENGTH_STEPS, SETTLED_STEP
from core.ranking.counts import Ballots, Floats, Ints, wins_by_unit
from core.ranking.judges.bias import lengths_of_questions


def length_controlled(ballots: Ballots, lengths: Mapping[tuple[str, str], int]) -> LengthControlledComputed:
    """The model's maximum-likelihood estimate; abilities sum to zero, rankings count as often as their weights say.

    Args:
        lengths: characters by (condition, question_id); empty where they are not known.

    Returns:
        Rows in order of the conditions' names, or none, and the `problem`: no lengths are known (`no_lengths`), all
        answers to a question are equally long (`equal_lengths`), the same conditions are longer by as much on every
        question, so that length cannot be told from ability (`inseparable`), or the likelihood has no maximum
        (`no_maximum`).

    Raises:
        ValueError: lengths are known, but not of every answer that was ranked.
    """
    if not lengths:
        return _without("no_lengths", ballots, 0.0)
    votes = _votes(ballots, lengths_of_questions(ballots, lengths))
    if not votes.scale:
        return _without("equal_lengths", ballots, votes.total)
    start = votes.at(np.zeros(votes.conditions + 1))
    if start.apart() < LEAST_APART:
        return _without("inseparable", ballots, votes.total)
    found = _maximum(votes)
    if found is None:
        return _without("no_maximum", ballots, votes.total)
    errors = found.errors()
    theta = found.values[:-1]
    others = max(votes.conditions - 1, 1)
    rates = (_sigmoid(theta[:, None] - theta[None, :]).sum(axis=1) - 0.5) / others
    rows = [
        LengthControlledRow(
            condition=name,
            ability=float(theta[i]),
            error=float(errors[i]),
            win_rate=float(rates[i]),
            raw_win_rate=float(votes.raw[i]),
        )
        for i, name in enumerate(ballots.conditions)
    ]
    return LengthControlledComputed(
        rows=rows,
        length=float(found.values[-1]),
        length_error=float(errors[-1]),
        scale=votes.scale,
        votes=int(votes.total),
        questions=len(ballots.asked),
    )


def _without(problem: LengthProblem, ballots: Ballots, votes: float) -> LengthControlledComputed:
    return LengthControlledComputed(rows=[], votes=int(votes), questions=len(ballots.asked), problem=problem)


def _sigmoid(z: Floats) -> Floats:
    found: Floats = 0.5 * (1 + np.tanh(z / 2))
    return found


@dataclass(frozen=True)
class _Votes:
    """won and lost (Q, P): how often the first condition of each pair was before and behind the second; x (Q, P): the
    scaled difference in length; one and other (P,): the pair; raw (m,): shares of votes won."""

    won: Floats
    lost: Floats
    x: Floats
    one: Ints
    other: Ints
    conditions: int
    scale: float
    raw: Floats

    @property
    def total(self) -> float:
        return float((self.won + self.lost).sum())

    def log_odds(self, values: Floats) -> Floats:
        """θ_i − θ_j + γx of each cell (Q, P), of abilities and length's coefficient (m + 1,)."""
        found: Floats = values[self.one] - values[self.other] + values[-1] * self.x
        return found

    def at(self, values: Floats) -> _Point:
        """The likelihood around abilities and length's coefficient, shape (m + 1,)."""
        z = self.log_odds(values)
        # Chances of next to nothing keep their digits: 1 − σ(z) would lose them.
        ahead, behind = np.exp(-np.logaddexp(0, -z)), np.exp(-np.logaddexp(0, z))
        return _Point(
            votes=self,
            values=values,
            residual=self.won * behind - self.lost * ahead,
            curvature=(self.won + self.lost) * ahead * behind,
        )


@dataclass(frozen=True)
class _Point:
    """First and negative second derivatives of the log-likelihood by the log-odds of each cell (Q, P)."""

    votes: _Votes
    values: Floats
    residual: Floats
    curvature: Floats

    def scores(self) -> Floats:
        """The gradient that each question gives, shape (Q, m + 1)."""
        votes = self.votes
        found = np.zeros((len(self.residual), votes.conditions + 1))
        for p, (i, j) in enumerate(zip(votes.one, votes.other, strict=True)):
            found[:, i] += self.residual[:, p]
            found[:, j] -= self.residual[:, p]
        found[:, -1] = (self.residual * votes.x).sum(axis=1)
        return found

    def information(self) -> Floats:
        """The negative second derivatives, made regular along the direction in which all abilities rise together,
        in which no score points. Shape (m + 1, m + 1)."""
        votes, m = self.votes, self.votes.conditions
        found = np.zeros((m + 1, m + 1))
        by_pair, with_x = self.curvature.sum(axis=0), (self.curvature * votes.x).sum(axis=0)
        for sign, at in ((1, votes.one), (-1, votes.other)):
            np.add.at(found, (at, at), by_pair)
            np.add.at(found[-1], at, sign * with_x)
        np.add.at(found, (votes.one, votes.other), -by_pair)
        np.add.at(found, (votes.other, votes.one), -by_pair)
        found[:-1, :-1] += by_pair.sum() / m**2
        found[:-1, -1] = found[-1, :-1]
        found[-1, -1] = (self.curvature * votes.x**2).sum()
        return found

    def apart(self) -> float:
        """The share of the variation of length that the conditions do not account for."""
        found = self.information()
        explained = found[-1, :-1] @ np.linalg.solve(found[:-1, :-1], found[:-1, -1])
        return float(1 - explained / found[-1, -1])

    def errors(self) -> Floats:
        """Standard errors, clustered by question; NaN of a single one. Shape (m + 1,)."""
        scores = self.scores()
        questions = len(scores)
        if questions < 2:
            return np.full(len(self.values), np.nan)
        moved = np.linalg.solve(self.information(), scores.T)
        found: Floats = np.sqrt((moved**2).sum(axis=1) * questions / (questions - 1))
        return found


def _votes(ballots: Ballots, length: Floats) -> _Votes:
    questions, m = length.shape
    wins = wins_by_unit(ballots.orders, ballots.question, questions, ballots.weight)
    one, other = np.triu_indices(m, 1)
    won, lost = wins[:, one, other], wins[:, other, one]
    together = length[:, one] + length[:, other]
    x = np.divide(length[:, one] - length[:, other], together, out=np.zeros(together.shape), where=together > 0)
    total = (won + lost).sum()
    scale = float(np.sqrt(((won + lost) * x**2).sum() / total)) if total else 0.0
    raw = wins.sum(axis=(0, 2)) / max(float(ballots.weight.sum()) * (m - 1), 1.0)
    return _Votes(won, lost, x / scale if scale else x, one, other, m, scale, raw)


def _maximum(votes: _Votes) -> _Point | None:
    """Newton's method from equal abilities; None where it does not settle.

    A step that changes log-odds by at most r is scaled by log(1 + r)/r; with that the likelihood rises from everywhere:
    third derivatives of log(1 + e^z) along a step are at most r times the second ones (Sun and Tran-Dinh 2019).
    """
    point = votes.at(np.zeros(votes.conditions + 1))
    for _ in range(MOST_LENGTH_STEPS):
        try:
            step = np.linalg.solve(point.information(), point.scores().sum(axis=0))
        except np.linalg.LinAlgError:
            return None
        length = float(np.abs(votes.log_odds(step)).max())
        if not np.isfinite(length):
            return None
        point = votes.at(point.values + step * (np.log1p(length) / length if length else 1.0))
        if length <= SETTLED_STEP:
            return point
    return None
