"""What this run makes of the numbers that a publication prints: from recorded boards, and counted from the rankings.

A figure goes by (method, measure, condition, other), as a published number does.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

FigureKey = tuple[str, str, str, str]
Figures = dict[FigureKey, float]


@dataclass(frozen=True)
class RankedAnswers:
    """A ranking, best first, with the order in which the answers were shown (empty where it is not known).

    lengths are the characters of each condition's answer, words how many words it has; empty where they are not known.
    """

    question: str
    order: Sequence[str]
    shown: Sequence[str]
    lengths: Mapping[str, int]
    words: Mapping[str, int]
    weight: int = 1


def figures_of_board(
    method: str,
    rows: Sequence[Mapping[str, Any]],
    detail: Mapping[str, Any],
    places: Mapping[str, Sequence[float]] | None,
) -> Figures:
    """Scores, ends of intervals, details and shares of places of a leaderboard: "name:condition" is a detail of a
    condition."""
    found: Figures = {}
    for row in rows:
        for measure, key in (("score", "score"), ("score_low", "low"), ("score_high", "high")):
            found[method, measure, row["condition"], ""] = float(row[key])
        found[method, "score_printed", row["condition"], ""] = float(row["score"])
    for name, value in detail.items():
        measure, _, condition = name.partition(":")
        found[method, measure, condition, ""] = float(value)
    for condition, shares in (places or {}).items():
        for place, share in enumerate(shares, start=1):
            found[method, "share_of_place", condition, str(place)] = float(share)
    each, rankings = (found.get((method, f"held_out_{what}", "", "")) for what in ("log_likelihood", "rankings"))
    if each is not None and rankings is not None:
        found.setdefault((method, "held_out_log_likelihood_total", "", ""), each * rankings)
    return found


def figures_of_pairs(rows: Sequence[Mapping[str, Any]]) -> Figures:
    """Ends of the intervals of the win rates of pairs."""
    return {
        ("pairwise", f"win_rate_{end}", row["condition"], row["other"]): float(row[end])
        for row in rows
        for end in ("low", "high")
    }


def figures_of_means(method: str, means: Mapping[str, float]) -> Figures:
    """The mean score of each condition over the resamples."""
    return {(method, "score_mean", condition, ""): mean for condition, mean in means.items()}


def with_win_rates(figures: Figures, conditions: int) -> Figures:
    """With the share of votes won over the resamples, which is the Borda score divided by the number of others."""
    found = dict(figures)
    for (method, measure, condition, other), value in figures.items():
        if method == "borda" and measure in ("score_mean", "score_low", "score_high") and conditions > 1:
            named = measure.replace("score", "win_rate")
            found["copeland", named, condition, other] = value / (conditions - 1)
        if (method, measure) == ("copeland", "win_rate"):
            found["copeland", "win_rate_printed", condition, other] = value
    return found


def figures_of_rankings(ranked: Sequence[RankedAnswers]) -> Figures:
    """Whatever the rankings are counted for; of questions with fewer than two rankings no agreement."""
    found: Figures = {}
    for figures in (_pairs(ranked), _reliability(ranked), _position(ranked), _of_lengths(ranked)):
        found.update(figures)
    return found


def _pairs(ranked: Sequence[RankedAnswers]) -> Iterator[tuple[FigureKey, float]]:
    """Votes, questions won (a tie counts half) and mean margins of every ordered pair; what each condition wins."""
    names = sorted(ranked[0].order)
    votes: dict[str, Counter[tuple[str, str]]] = {}
    for one in ranked:
        own = votes.setdefault(one.question, Counter())
        for better, worse in combinations(one.order, 2):
            own[better, worse] += one.weight
    won, questions_won = Counter[str](), Counter[str]()
    for first in names:
        for other in names:
            if first == other:
                continue
            counts = [(own[first, other], own[other, first]) for own in votes.values()]
            total, given = sum(mine for mine, _ in counts), sum(mine + its for mine, its in counts)
            majority = sum((mine > its) + 0.5 * (mine == its) for mine, its in counts)
            won[first] += total
            questions_won[first] += majority  # type: ignore[assignment]  # halves
            pair = first, other
            yield ("pairwise", "votes", *pair), float(total)
            yield ("pairwise", "majority_wins", *pair), float(majority)
            yield ("pairwise", "win_rate", *pair), total / given
            yield ("pairwise", "majority_win_rate", *pair), majority / len(counts)
            margins = [(mine - its) / (mine + its) for mine, its in counts]
            yield ("pairwise", "mean_margin", *pair), math.fsum(margins) / len(margins)
    for name in names:
        yield ("borda", "votes_won", name, ""), float(won[name])
        yield ("bradley_terry", "wins", name, ""), float(won[name])
        yield ("bradley_terry_majority", "wins", name, ""), float(questions_won[name])


def _reliability(ranked: Sequence[RankedAnswers]) -> Iterator[tuple[FigureKey, float]]:
    """Agreement of the rankings of a question, over questions; the median is the upper one of an even number."""
    by_question: dict[str, list[Sequence[str]]] = {}
    for one in ranked:
        by_question.setdefault(one.question, []).append(one.order)
    several = [orders for orders in by_question.values() if len(orders) > 1]
    if not several or len(several[0][0]) < 2:
        return
    taus, tops, margins = [], [], []
    for orders in several:
        votes = Counter(pair for order in orders for pair in combinations(order, 2))
        agreeing = sum(times * (times - 1) // 2 for times in votes.values())
        taus.append(2 * agreeing / (math.comb(len(orders), 2) * math.comb(len(orders[0]), 2)) - 1)
        most = [times for _, times in Counter(order[0] for order in orders).most_common(2)]
        tops.append(most[0] / len(orders))
        margins.append((most[0] - (most[1] if len(most) > 1 else 0)) / len(orders))
    means = {"kendall_tau": taus, "top1_agreement": tops, "top1_margin": margins}
    for measure, values in means.items():
        yield ("reliability", measure, "", ""), math.fsum(values) / len(values)
    yield ("reliability", "kendall_tau_median", "", ""), sorted(taus)[len(taus) // 2]
    yield ("reliability", "fleiss_kappa_first", "", ""), _kappa(several)


def _kappa(several: Sequence[Sequence[Sequence[str]]]) -> float:
    """Fleiss' κ on which condition is first."""
    firsts = [Counter(order[0] for order in orders) for orders in several]
    sizes = [len(orders) for orders in several]
    shares = [sum(n * (n - 1) for n in own.values()) / (k * (k - 1)) for own, k in zip(firsts, sizes, strict=True)]
    every = sum(firsts, Counter[str]())
    chance = sum((n / sum(sizes)) ** 2 for n in every.values())
    return (math.fsum(shares) / len(shares) - chance) / (1 - chance) if len(every) > 1 else math.nan


def _position(ranked: Sequence[RankedAnswers]) -> Iterator[tuple[FigureKey, float]]:
    """How rank goes with the shown place, over the rankings of which the shown order is known."""
    known = [one for one in ranked if one.shown]
    if not known:
        return
    m = len(known[0].order)
    rank_sum, firsts, products = [0] * m, [0] * m, 0
    for one in known:
        rank = {name: place for place, name in enumerate(one.order, start=1)}
        for place, name in enumerate(one.shown, start=1):
            rank_sum[place - 1] += rank[name]
            firsts[place - 1] += rank[name] == 1
            products += place * rank[name]
    if m > 1:
        mean = products / len(known) / m
        yield ("position", "shown_rank_correlation", "", ""), (mean - ((m + 1) / 2) ** 2) / ((m**2 - 1) / 12)
    for place in range(m):
        yield ("position", "mean_rank_given_shown", "", str(place + 1)), rank_sum[place] / len(known)
        yield ("position", "first_given_shown", "", str(place + 1)), firsts[place] / len(known)


def _of_lengths(ranked: Sequence[RankedAnswers]) -> Iterator[tuple[FigureKey, float]]:
    """How rank goes with the length of an answer, over all ranked answers."""
    if all(one.lengths for one in ranked):
        yield ("verbosity", "characters_rank_correlation", "", ""), _correlation(ranked, "lengths")
        pairs = longer = 0
        for one in ranked:
            for better, worse in combinations(one.order, 2):
                pairs += one.lengths[better] != one.lengths[worse]
                longer += one.lengths[better] > one.lengths[worse]
        yield ("verbosity", "unequal_pairs", "", ""), float(pairs)
        yield ("verbosity", "longer_wins", "", ""), longer / pairs if pairs else math.nan
    if all(one.words for one in ranked):
        yield ("verbosity", "words_rank_correlation", "", ""), _correlation(ranked, "words")


def _correlation(ranked: Sequence[RankedAnswers], of: str) -> float:
    """Pearson's correlation of a length and the rank, from 1; from whole numbers, so it is exact but for the last
    step."""
    n = x = y = xx = yy = xy = 0
    for one in ranked:
        sizes: Mapping[str, int] = getattr(one, of)
        for rank, name in enumerate(one.order, start=1):
            size = sizes[name]
            n, x, y = n + 1, x + size, y + rank
            xx, yy, xy = xx + size * size, yy + rank * rank, xy + size * rank
    spread = (n * xx - x * x) * (n * yy - y * y)
    return (n * xy - x * y) / math.sqrt(spread) if spread > 0 else math.nan
