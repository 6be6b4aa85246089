"""How far judges agree: Krippendorff's α, Kendall τ within and between judges, Fleiss κ on their first places.

**Krippendorff's α** (Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability") is 1 − D_o/D_e. A unit is an
answer (question and condition), a value its rank. Over the units u with m_u ≥ 2 values,

    D_o = (1/n) Σ_u Σ_{i≠j in u} δ²(v_i, v_j)/(m_u − 1),     D_e = Σ_{i≠j} δ²(v_i, v_j)/(n(n − 1)),

n = Σ m_u, the second sum over all values of all units. With δ² = (v_i − v_j)² both follow from sums of values and of
their squares.

- Of all calls (`krippendorff_alpha`), each call is a coder of its own and δ is the *ordinal* metric, the number of
  values between two ranks. In complete rankings every rank occurs equally often, so that this is a multiple of
  v_i − v_j, and α is that of the interval metric.
- Between judges (`krippendorff_alpha:between`), each judge is a coder and its value the mean rank over its calls, with
  the interval metric.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.events import AgreementRow
from core.ranking.bootstrap import percentile_interval
from core.ranking.counts import Ballots, Floats, Ints, positions_of, wins_by_unit
from core.ranking.leaderboards import Aggregation

BETWEEN = "between"


def jury_agreement(data: Aggregation, judges: list[str]) -> list[AgreementRow]:
    """All measures; of a single judge the agreement of its calls alone.

    Args:
        data: the rankings, resampled by questions.
        judges: the label of the judge of each ranking.
    """
    labels = list(dict.fromkeys(judges))
    judge = np.array([labels.index(label) for label in judges], dtype=np.int64)
    calls = np.arange(len(judge), dtype=np.int64)
    rows = [_alpha("krippendorff_alpha", data, calls)]
    if len(labels) > 1:
        within, between = _tau(data.ballots, judge, len(labels))
        rows.append(_alpha(f"krippendorff_alpha:{BETWEEN}", data, judge))
        rows.append(AgreementRow(name=f"kendall_tau:{BETWEEN}", value=between))
        named = zip(labels, within, strict=True)
        rows += [AgreementRow(name=f"kendall_tau:within:{label}", value=value) for label, value in named]
        kappa = _kappa_of_consensus(data.ballots, judge, len(labels))
        rows.append(AgreementRow(name=f"fleiss_kappa_first:{BETWEEN}", value=kappa))
    return rows


# ------------------------------------------------------------ Krippendorff's α


def _alpha(name: str, data: Aggregation, coder: Ints) -> AgreementRow:
    """α where the rankings k of one question and one coder[k] are one coder's, by their mean ranks."""
    values, question = _mean_ranks(data.ballots, coder)
    alphas = alphas_of(data.weights, sums_by_question(values, question, data.units))
    low, high = interval_of(alphas[1:], data.tail)
    return AgreementRow(name=name, value=float(alphas[0]), low=low, high=high)


def _mean_ranks(ballots: Ballots, coder: Ints) -> tuple[Floats, Ints]:
    """The mean rank (from 1) of each condition for each coder of a question, shape (C, m), and the questions (C,)."""
    cells, cell = np.unique(ballots.question * (coder.max() + 1) + coder, return_inverse=True)
    sums = np.zeros((len(cells), ballots.orders.shape[1]))
    np.add.at(sums, cell.ravel(), positions_of(ballots.orders) + 1.0)
    return sums / np.bincount(cell.ravel())[:, None], cells // (coder.max() + 1)


def sums_by_question(values: Floats, question: Ints, questions: int) -> Floats:
    """n, Σv, Σv² and n·D_o of each question, of which questions with one coder have nothing. Shape (questions, 4).

    Args:
        values: what each coder says of each unit of its question, shape (C, m).
        question: of each coder, shape (C,).
    """
    coders = np.bincount(question, minlength=questions)
    m = values.shape[1]
    total, squares = np.zeros((questions, m)), np.zeros((questions, m))
    np.add.at(total, question, values)
    np.add.at(squares, question, values**2)
    apart = 2 * (coders[:, None] * squares - total**2).sum(axis=1) / np.maximum(coders - 1, 1)
    found = np.stack([coders * float(m), total.sum(axis=1), squares.sum(axis=1), apart], axis=1)
    found[coders < 2] = 0.0
    return found


def alphas_of(weights: NDArray[np.uint32], sums: Floats) -> Floats:
    """α of the data and of each resample, NaN where all values are equal. weights (1 + B, U), sums (U, 4)."""
    n, total, squares, apart = (weights.astype(np.float64) @ sums).T
    expected = 2 * (n * squares - total**2)
    known = expected > 0
    alphas: Floats = 1 - np.divide((n - 1) * apart, expected, out=np.full(len(n), np.nan), where=known)
    return alphas


def interval_of(samples: Floats, tail: float) -> tuple[float, float]:
    """Percentiles of the resamples that have a value; NaN where none has."""
    known = samples[~np.isnan(samples)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = percentile_interval(known, tail)
    return float(low), float(high)


# ------------------------------------------------------------ Kendall τ and Fleiss κ


def _tau(ballots: Ballots, judge: Ints, judges: int) -> tuple[list[float], float]:
    """Mean τ over pairs of a judge's own rankings of a question, for each judge, and over pairs of different judges'.

    Each is the mean over the questions that have such a pair; NaN where none has, or with one condition.
    """
    m, questions = ballots.orders.shape[1], int(ballots.question.max()) + 1
    cell = ballots.question * judges + judge
    wins = wins_by_unit(ballots.orders, cell, questions * judges).reshape(questions, judges, m, m)
    sizes = np.bincount(cell, minlength=questions * judges).reshape(questions, judges)
    own, own_pairs = _agreeing(wins), sizes * (sizes - 1) / 2
    every = sizes.sum(axis=1)
    others = _agreeing(wins.sum(axis=1)) - own.sum(axis=1)
    other_pairs = every * (every - 1) / 2 - own_pairs.sum(axis=1)
    within = [_mean_tau(own[:, k], own_pairs[:, k], m) for k in range(judges)]
    return within, _mean_tau(others, other_pairs, m)


def _agreeing(wins: Floats) -> Floats:
    """Of pairs of rankings and pairs of conditions: how many agree. wins (…, m, m), result (…)."""
    found: Floats = (wins * (wins - 1) / 2).sum(axis=(-1, -2))
    return found


def _mean_tau(agreeing: Floats, pairs: Floats, m: int) -> float:
    some = pairs > 0
    if m < 2 or not some.any():
        return float("nan")
    return float((2 * agreeing[some] / (pairs[some] * (m * (m - 1) / 2)) - 1).mean())


def _kappa_of_consensus(ballots: Ballots, judge: Ints, judges: int) -> float:
    """Fleiss κ over judges, each of which names the condition of its best mean rank (its Borda consensus).

    A judge names none on a question where two conditions share it. κ = (P̄ − P_e)/(1 − P_e) over questions that at least
    two judges name one on.
    """
    m, questions = ballots.orders.shape[1], int(ballots.question.max()) + 1
    ranks, question = _rank_sums(ballots, judge, judges)
    best = ranks.min(axis=1)
    clear = (ranks == best[:, None]).sum(axis=1) == 1
    cells = question[clear] * m + ranks[clear].argmin(axis=1)
    firsts = np.bincount(cells, minlength=questions * m).reshape(questions, m)
    sizes = firsts.sum(axis=1)
    firsts, sizes = firsts[sizes >= 2], sizes[sizes >= 2]
    if not len(firsts):
        return float("nan")
    same = ((firsts * (firsts - 1)).sum(axis=1) / (sizes * (sizes - 1))).mean()
    chance = ((firsts.sum(axis=0) / firsts.sum()) ** 2).sum()
    return float((same - chance) / (1 - chance)) if chance < 1 else float("nan")


def _rank_sums(ballots: Ballots, judge: Ints, judges: int) -> tuple[Ints, Ints]:
    """Σ of a judge's ranks of each condition of a question, as integers, shape (C, m), and the questions (C,)."""
    cells, cell = np.unique(ballots.question * judges + judge, return_inverse=True)
    sums = np.zeros((len(cells), ballots.orders.shape[1]), dtype=np.int64)
    np.add.at(sums, cell.ravel(), positions_of(ballots.orders))
    return sums, cells // judges
