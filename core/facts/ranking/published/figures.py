"""What this run makes of the numbers that a publication prints: from its recorded boards, pairs and diagnostics.

Nothing is counted here: every figure is that of an event, under the name that a published number has. A figure goes by
(method, measure, condition, other), as a published number does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

FigureKey = tuple[str, str, str, str]
Figures = dict[FigureKey, float]

_OF_DIAGNOSTICS = {
    "kendall_tau": ("reliability", "kendall_tau"),
    "top1_agreement": ("reliability", "top1_agreement"),
    "top1_margin": ("reliability", "top1_margin"),
    "fleiss_kappa_first": ("reliability", "fleiss_kappa_first"),
    "shown_rank_correlation": ("position", "shown_rank_correlation"),
    "mean_rank_shown": ("position", "mean_rank_given_shown"),
    "first_given_shown": ("position", "first_given_shown"),
    "length_rank_pearson": ("verbosity", "characters_rank_correlation"),
    "words_rank_pearson": ("verbosity", "words_rank_correlation"),
    "longer_wins": ("verbosity", "longer_wins"),
    "unequal_pairs": ("verbosity", "unequal_pairs"),
}
"""Method and measure of a diagnostic, by its name without the shown place that may follow a colon."""


def figures_of_events(recorded: Callable[[str], Iterable[Mapping[str, Any]]]) -> Figures:
    """Every figure that the run's own events have.

    Args:
        recorded: gives the payloads of a kind.
    """
    found: Figures = {}
    for kind, figures in _FIGURES.items():
        for values in recorded(kind):
            found.update(figures(values))
    return found


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


def _figures_of_pairs(rows: Sequence[Mapping[str, Any]], questions: int) -> Figures:
    """Votes, questions won (a tie counts half), win rates with their intervals, and mean margins of every ordered pair;
    what each condition wins over all pairs.

    Args:
        questions: how many the rows are of.
    """
    found: Figures = {}
    for row in rows:
        condition, other = row["condition"], row["other"]
        votes, majorities = float(row["votes"]), round(2 * row["majority_win_rate"] * questions) / 2
        own = {"votes": votes, "majority_wins": majorities, "win_rate_low": row["low"], "win_rate_high": row["high"]}
        own.update({measure: row[measure] for measure in ("win_rate", "majority_win_rate", "mean_margin")})
        found.update({("pairwise", measure, condition, other): float(value) for measure, value in own.items()})
        won = {("borda", "votes_won"): votes, ("bradley_terry", "wins"): votes}
        won["bradley_terry_majority", "wins"] = majorities
        for (method, measure), more in won.items():
            key = method, measure, condition, ""
            found[key] = found.get(key, 0.0) + more
    return found


def _figures_of_diagnostics(values: Mapping[str, Any]) -> Figures:
    """Agreement of the judges, and how rank goes with the shown place and the length of an answer; of questions with
    fewer than two rankings, which cannot agree, nothing."""
    found: Figures = {}
    for name, value in values.items():
        stem, _, place = name.partition(":")
        method, measure = _OF_DIAGNOSTICS.get(stem, ("", ""))
        if method and not (method == "reliability" and _without_agreement(values)):
            found[method, measure, "", place] = float(value)
    return found


def _without_agreement(values: Mapping[str, Any]) -> bool:
    """Whether nothing could agree: no question has two rankings, or they order one condition."""
    return math.isnan(float(values.get("kendall_tau", math.nan)))


def _figures_of_questions(rows: Sequence[Mapping[str, Any]]) -> Figures:
    """The median over questions of τ as the published scripts take it: the upper one of an even number."""
    taus = sorted(float(row["kendall_tau"]) for row in rows)
    if not taus or math.isnan(taus[0]):
        return {}
    return {("reliability", "kendall_tau_median", "", ""): taus[len(taus) // 2]}


_FIGURES: Mapping[str, Callable[[Mapping[str, Any]], Figures]] = {
    "leaderboard.computed": lambda values: figures_of_board(
        values["method"], values["rows"], values.get("detail", {}), values.get("places")
    ),
    "pairwise.computed": lambda values: _figures_of_pairs(values["rows"], values["questions"]),
    "diagnostics.computed": lambda values: _figures_of_diagnostics(values["values"]),
    "question_agreement.computed": lambda values: _figures_of_questions(values["rows"]),
}
"""What is taken of each kind of event."""


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
