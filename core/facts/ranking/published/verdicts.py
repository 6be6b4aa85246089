"""Published beside recomputed: the verdict on each number, and why the two differ; by engine and verifier.

- *equal*: they differ by less than half a unit of the last digit that the paper prints (three decimals of scores, rates
  and φ, one of a log-likelihood, whole numbers of counts and of Copeland);
- *inside*: they do not, and what this run computes lies inside the published interval;
- *differs*: neither;
- *not_computed*: this run has no such figure, say since the method is not among its own.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from core.facts.ranking.methods import resample_of
from core.facts.ranking.published.figures import Figures
from core.facts.ranking.published.score_files import PublishedNumber, PublishedScores

_Method = TypeVar("_Method", bound=str)

_WHOLE = (
    ("copeland", "score"),
    ("pairwise", "votes"),
    ("pairwise", "majority_wins"),
    ("verbosity", "unequal_pairs"),
)
_WHOLE_MEASURES = ("votes_won", "wins", "consensus", "agreement", "train_rankings", "held_out_rankings")
_OVER_RESAMPLES = ("exact_match", "share_of_place")
_OF_MAJORITY = ("majority_win_rate", "majority_wins")


@dataclass(frozen=True)
class ComparedNumber:
    """A published number beside this run's. `difference` is recomputed less published; `reason` is a key of
    `published_words`."""

    number: PublishedNumber
    recomputed: float | None
    difference: float | None
    verdict: str
    reason: str


def printed_unit(method: str, measure: str) -> float:
    """A unit of the last digit that the paper prints of such a number."""
    stem = measure.partition("_mean")[0].partition("_printed")[0].partition("_low")[0].partition("_high")[0]
    if measure in _WHOLE_MEASURES or (method, stem) in _WHOLE:
        return 1.0
    return 0.1 if measure == "held_out_log_likelihood_total" else 0.001


def compared_numbers(
    scores: PublishedScores, figures: Figures, resampled: str, counted: Mapping[str, int]
) -> list[ComparedNumber]:
    """Every number of a file beside this run's.

    Args:
        resampled: what this run's bootstrap draws.
        counted: of this run, as `counted_of` says.
    """
    aside = _set_aside(scores.numbers, figures)
    found = []
    for number in scores.numbers:
        key = number.method, number.measure, number.condition, number.other
        own = figures.get(key)
        if own is None:
            found.append(ComparedNumber(number, None, None, "not_computed", "not_computed"))
            continue
        difference = own - number.value
        verdict = _verdict(number, own, difference)
        reason = "" if verdict == "equal" else _reason(scores, number, resampled, counted, aside)
        found.append(ComparedNumber(number, own, difference if math.isfinite(difference) else None, verdict, reason))
    return found


def counted_of(questions: Sequence[str], conditions: int, answers_differ: int) -> dict[str, int]:
    """How many rankings, comparisons of two answers and questions there are, of how many questions the number of
    rankings is even (ties), and how many answers are not those that were ranked.

    Args:
        questions: that of each ranking.
    """
    asked = Counter(questions)
    return {
        "rankings": len(questions),
        "comparisons": len(asked) * math.comb(conditions, 2),
        "questions": len(asked),
        "even": sum(rankings % 2 == 0 for rankings in asked.values()),
        "answers_differ": answers_differ,
    }


def means_wanted(scores: Sequence[PublishedScores], methods: Sequence[_Method]) -> list[_Method]:
    """The methods of this run of which a mean over resamples is printed; of the share of votes won Borda has it."""
    printed = {
        "borda" if (number.method, number.measure) == ("copeland", "win_rate_mean") else number.method
        for found in scores
        for number in found.numbers
        if number.measure.endswith("_mean")
    }
    return [method for method in methods if method in printed]


def _set_aside(numbers: Sequence[PublishedNumber], figures: Figures) -> dict[str, str]:
    """Methods all of whose numbers differ for one reason, with that reason.

    A published order that is nearer to the worst one than to this run's was minimised: so does the integer programme of
    the published scripts, which they take for 9 to 12 models. A weight of the published Plackett–Luce that vanishes
    shifts all others by what it had lost when the iteration was stopped.
    """
    found = {}
    for method in ("kemeny", "mallows"):
        places = [
            (number.value, figures[key])
            for number in numbers
            for key in [(method, "consensus", number.condition, "")]
            if number.method == method and number.measure == "consensus" and key in figures
        ]
        middle = (len(places) + 1) / 2
        if len(places) > 1 and sum((mine - middle) * (own - middle) for mine, own in places) < 0:
            found[method] = "minimised"
    if figures.get(("plackett_luce_published", "vanished", "", ""), 0.0) > 0:
        found["plackett_luce_published"] = "vanished"
    return found


def _verdict(number: PublishedNumber, own: float, difference: float) -> str:
    if math.isnan(own) or math.isnan(number.value):
        return "equal" if math.isnan(own) and math.isnan(number.value) else "differs"
    if own == number.value or abs(difference) < printed_unit(number.method, number.measure) / 2:
        return "equal"
    inside = number.low is not None and number.high is not None and number.low <= own <= number.high
    return "inside" if inside else "differs"


def _reason(
    scores: PublishedScores,
    number: PublishedNumber,
    resampled: str,
    counted: Mapping[str, int],
    aside: Mapping[str, str],
) -> str:
    """Why the two are not the same, as far as it can be told."""
    kind = {"preferences": "comparisons", "bradley-terry": "comparisons", "judge-reliability": "questions"}
    ours = counted[kind.get(scores.what, "rankings")]
    if scores.counted not in (0, ours) and scores.what != "verbosity-bias":
        return "other_rankings"
    if number.method == "plackett_luce":
        return "published_iteration"
    if number.method in aside:
        return aside[number.method]
    if number.method == "mallows" and number.measure not in _OVER_RESAMPLES:
        return "other_held_out"
    if number.measure.endswith("_printed"):
        return "bootstrap_mean"
    if number.measure.endswith(("_low", "_high")) or number.measure in _OVER_RESAMPLES:
        return (
            "resampling_unit"
            if scores.resampled not in ("", resample_of(number.method, resampled))
            else "random_numbers"
        )
    if number.measure.endswith("_mean"):
        return "random_numbers"
    if counted["even"] and (number.measure in _OF_MAJORITY or number.method == "bradley_terry_majority"):
        return "ties"
    if counted["answers_differ"] and number.method == "verbosity":
        return "other_answers"
    return "unexplained"
