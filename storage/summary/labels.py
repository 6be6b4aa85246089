"""Words for the names by which a record calls its columns, methods and measures: for whoever shows them to people.

What has no words here is shown as it stands, with blanks for underscores. No check reads these words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.facts.ranking.methods import CONSENSUS_METHODS
from core.facts.words import in_words

METHODS: Mapping[str, str] = {
    "borda": "Borda",
    "copeland": "Copeland, by votes",
    "copeland_majority": "Copeland, by majorities",
    "schulze": "Schulze",
    "kemeny": "Kemeny",
    "bradley_terry": "Bradley–Terry",
    "bradley_terry_majority": "Bradley–Terry, by majorities",
    "plackett_luce": "Plackett–Luce",
    "plackett_luce_published": "Plackett–Luce, published iteration",
    "mallows": "Mallows",
}

MEASURES: Mapping[str, str] = {
    "krippendorff_alpha": "Krippendorff's α",
    "kendall_tau": "Kendall τ",
    "kendall_tau_median": "Kendall τ, median over questions",
    "top1_agreement": "share of rankings that name the most frequent first",
    "top1_margin": "that share less that of the second",
    "fleiss_kappa_first": "Fleiss κ, first place",
    "pairs": "pairs ordered as people do",
    "first": "people's first is first",
    "shown_rankings": "rankings whose shown order is known",
    "shown_rank_correlation": "correlation of the shown place with the rank",
    "length_rank_correlation": "correlation of the length with the rank (Spearman, mean)",
    "length_rank_pearson": "correlation of the length with the rank (Pearson)",
    "characters_rank_correlation": "correlation of the length with the rank",
    "words_rank_correlation": "correlation of the number of words with the rank",
    "words_rank_pearson": "correlation of the number of words with the rank (Pearson)",
    "unequal_pairs": "pairs of answers of unequal length",
    "longer_wins": "share of pairs where the longer answer is ahead",
    "questions_with_agreement": "questions with at least two rankings",
    "first_given_shown": "share of first places of what was shown at place",
    "mean_rank_shown": "mean rank of what was shown at place",
    "mean_rank_given_shown": "mean rank of what was shown at a place",
    "first_given_shown_spread": "largest less smallest share of first places by shown place",
    "shown_chi2": "χ² of the first places against equal numbers at each shown place",
    "shown_p": "p of that χ² without bias",
    "population_log_loss": "population log-loss (nats)",
    "log_loss": "log-loss (nats)",
    "agreement": "votes that agree with the consensus",
    "orders": "best orders",
    "orders_counted": "all best orders were counted (1) or not (0)",
    "win_rate": "share of votes won",
    "majority_win_rate": "share of questions won by majority",
    "consensus": "place in the consensus",
    "phi": "dispersion φ",
    "phi_low": "dispersion φ, low",
    "phi_high": "dispersion φ, high",
    "held_out_log_likelihood": "log-likelihood of a held-out ranking, mean",
    "held_out_log_likelihood_total": "log-likelihood of all held-out rankings",
    "held_out_rankings": "held-out rankings",
    "train_rankings": "rankings that are not held out",
    "exact_match": "share of resamples with the same order",
    "mean_distance": "mean distance from the consensus",
    "score_mean": "score, mean over resamples",
    "score_printed": "score, as printed",
    "score_low": "score, interval from",
    "score_high": "score, interval to",
    "win_rate_mean": "share of votes won, mean over resamples",
    "win_rate_printed": "share of votes won, as printed",
    "win_rate_low": "share of votes won, interval from",
    "win_rate_high": "share of votes won, interval to",
    "share_of_place": "share of resamples with a place",
    "wins": "majorities won",
    "majority": "score by majorities",
}

COLUMNS: Mapping[str, str] = {
    "position": "place",
    "low": "interval from",
    "high": "to",
    "in_pool": "in the pool",
    "expected": "expected members",
    "max_difference": "furthest from the best π",
    "effective_pairs": "effective pairs",
    "population_log_loss": "population log-loss",
    "margin_agreement": "margin agreement",
    "floor": "best possible log-loss",
    "agreement_ceiling": "best possible agreement",
    "held_out_by": "held out by",
    "groups_in_all": "groups in all",
    "groups_held_out": "groups held out",
    "tokens_per_second": "tokens per second",
    "prompt_tokens": "prompt tokens",
    "completion_tokens": "reply tokens",
    "held_out_raters": "raters without a pair left",
    "name": "measure",
    "win_rate": "share of votes won",
    "votes_against": "votes lost",
    "votes": "votes won",
    "other": "against",
    "majority_win_rate": "share of questions won",
    "majority_low": "interval from ",
    "majority_high": "to ",
    "mean_margin": "mean margin per question",
    "question_id": "question",
    "clause_id": "clause",
    "at": "at (UTC)",
    "completed": "done",
    "units": "of",
}
"""Columns of views. Two of one table must not have the same words."""

_VALUES: Mapping[str, Mapping[str, str]] = {
    "transform": {"identity": "π as it is", "sqrt": "square root of π", "square": "π squared", "clipped": "π, clipped"},
    "estimator": {
        "step_normalised": "weighted, normalised over a step",
        "weighted_sampling": "pairs sampled by weight",
        "published": "weighted, normalised inside micro-batches",
    },
    "replay": {
        "re-derive": "derived again",
        "re-solve": "solved again",
        "re-run": "run again",
        "not replayable": "not repeated",
    },
    "proof": {
        "quotas": "prices of quotas",
        "panels": "values of panels",
        "certain": "everybody left is certain",
    },
    "scope": {"micro": "over pairs", "macro": "over raters", "minimum": "lowest category"},
}
"""What stands in a column in place of a key."""

_SOURCES: Mapping[str, str] = {
    "none": "untrained",
    "all": "everybody's pairs alike",
    "us_rep": "pairs of the representative raters",
    "population": "pairs labelled by the target population",
    "draw": "pairs of the panel of draw",
    "lottery": "everybody's pairs, weighted by π of lottery",
    "answers": "answers that existed",
    "model": "a model that answers as it is",
    "endpoint": "a model behind endpoint",
}


def method_words(method: Any) -> str:
    """A method of aggregation as people call it."""
    return METHODS.get(str(method), str(method))


def better(method: Any) -> str:
    """Which end of a method's scores is the good one."""
    return "lower is better" if method in CONSENSUS_METHODS else "higher is better"


def heading(column: str) -> str:
    """The name of a column above it."""
    return COLUMNS.get(column, column.replace("_", " "))


def source_words(source: Any) -> str:
    """Whose preferences a condition trains on, or where its answers are from; no place on a disk."""
    kind, _, of = str(source).partition(":")
    words = _SOURCES.get(kind, kind)
    return f"{words} {of}" if of and kind in ("draw", "lottery", "endpoint") else words


def value_words(column: str, value: Any) -> Any:
    """What stands in a column, in words where it is a key; of a method, its name or what proved it."""
    if not isinstance(value, str):
        return value
    if column == "method":
        return METHODS.get(value) or in_words(value)
    if column == "source":
        return source_words(value)
    if column in ("reason", "origin"):
        return in_words(value)
    if column in ("name", "measure", "metric"):
        return measure_words(value)
    return _VALUES.get(column, {}).get(value, value)


def measure_words(name: Any) -> str:
    """A measure in words: "win_rate:soft" is "share of votes won: soft", "first_given_shown:2" ends in its place."""
    key, _, of = str(name).partition(":")
    words = MEASURES.get(key, key.replace("_", " "))
    if key in ("first_given_shown", "mean_rank_shown"):
        return f"{words} {of}"
    return f"{words}: {of.replace(':', ' ')}" if of else words
