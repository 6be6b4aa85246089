"""The numbers in the score files of a publication, as the repository of the paper writes them; by engine and verifier.

A file is told by what it holds, not by its name. Models go by the names of the files; `names` gives each its condition.
What else the files hold (abilities, which are the exponentials of scores; standard deviations; the Plackett–Luce that
stands beside Mallows; probabilities of pairs under Mallows; paths and settings) is left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


class NotPublished(ValueError):
    """What is wrong with a file of published numbers, as a sentence that goes on from its name."""


@dataclass(frozen=True)
class PublishedNumber:
    """One number. `other` is the second condition of a pair, or a place; low and high bound the published interval."""

    method: str
    measure: str
    condition: str
    other: str
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class PublishedScores:
    """What a file says: which it is, how many rankings, pairs of answers or questions it counts (0: it does not say),
    what its bootstrap resamples ("": it has none), and its numbers."""

    what: str
    counted: int
    resampled: str
    numbers: tuple[PublishedNumber, ...]


def published_scores(text: str, names: Mapping[str, str]) -> PublishedScores | None:
    """The numbers of a file; None where it is no file of scores.

    Args:
        text: the file, decoded.
        names: condition of every model that was ranked, by its name in the files.

    Raises:
        NotPublished: it is a file of scores that lacks something, or is of other models.
    """
    if _is_preference(text):
        return _preferences(text, names)
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return None
    what = _what(values)
    if what is None:
        return None
    if "models" in values:
        _require_models(values["models"], names)
    reader, resampled = _READERS[what]
    try:
        return PublishedScores(what, _counted(values), resampled, tuple(reader(values, names)))
    except KeyError as error:
        raise NotPublished(f"lacks {error.args[0]!r}, which files of the method {what!r} have") from None
    except (TypeError, ValueError, AttributeError) as error:
        if isinstance(error, NotPublished):
            raise
        raise NotPublished(f"is no file of the method {what!r}: a value has another type than it should") from None


def _is_preference(text: str) -> bool:
    """Whether the first line is a comparison of two models on a question."""
    first = text.lstrip("\ufeff \t\r\n").partition("\n")[0]
    try:
        row = json.loads(first)
    except (ValueError, RecursionError):
        return False
    return isinstance(row, dict) and {"model_i", "model_j", "wins_i", "wins_j"} <= row.keys()


def _what(values: Any) -> str | None:
    """Which file of scores this is, by its method or by a key that only it has."""
    if not isinstance(values, dict):
        return None
    method = values.get("method")
    if isinstance(method, str) and method in _READERS:
        return method
    return next((what for key, what in _KEYS if key in values), None)


def _counted(values: Mapping[str, Any]) -> int:
    for key in ("num_rankings", "num_comparisons", "n_questions"):
        if isinstance(values.get(key), int) and not isinstance(values[key], bool):
            return int(values[key])
    return 0


def _require_models(models: Any, names: Mapping[str, str]) -> None:
    if not isinstance(models, list) or not all(isinstance(model, str) for model in models):
        raise NotPublished("has 'models' that is no list of names")
    if sorted(models) != sorted(names):
        lacks, more = sorted(names.keys() - set(models)), sorted(set(models) - names.keys())
        told = [f"lacks {', '.join(map(repr, lacks))}"] if lacks else []
        told += [f"has besides {', '.join(map(repr, more))}"] if more else []
        if not told:
            told = ["names one twice"]
        raise NotPublished(
            f"scores {len(models)} models, and {len(names)} were ranked: it {' and '.join(told)}; keep the files of "
            "one evaluation in the folder"
        )


def _known_model(model: Any, names: Mapping[str, str]) -> str:
    if not isinstance(model, str) or model not in names:
        raise NotPublished(f"has a score of {model!r}, which was not ranked; keep the files of one evaluation together")
    return names[model]


def _a_number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise NotPublished(f"has {json.dumps(value)[:40]} in place of a number")
    return float(value)


def _each_once(rows: Any, names: Mapping[str, str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The rows of all models, each with its condition."""
    seen: set[str] = set()
    for row in rows:
        name = _known_model(row["model"], names)
        if name in seen:
            raise NotPublished(f"scores {row['model']!r} twice; keep one of them")
        seen.add(name)
        yield name, row
    missing = [model for model, name in names.items() if name not in seen]
    if missing:
        raise NotPublished(f"has no score of {missing[0]!r}, which was ranked")


# ------------------------------------------------------------ the files


def _with_bootstrap(
    method: str, name: str, row: Mapping[str, Any], key: str, measure: str = "score", beside: str | None = None
) -> Iterator[PublishedNumber]:
    """A score, the mean over its resamples and their interval; the mean, which is what is printed, also stands for the
    score."""
    beside = key if beside is None else beside
    low, high = row.get(f"{beside}_ci_lower"), row.get(f"{beside}_ci_upper")
    ends = (None, None) if low is None or high is None else (_a_number(low), _a_number(high))
    yield PublishedNumber(method, measure, name, "", _a_number(row[key]), *ends)
    if f"{beside}_mean" in row:
        mean = _a_number(row[f"{beside}_mean"])
        yield PublishedNumber(method, f"{measure}_mean", name, "", mean, *ends)
        yield PublishedNumber(method, f"{measure}_printed", name, "", mean, *ends)
    for end, value in zip(("low", "high"), ends, strict=True):
        if value is not None:
            yield PublishedNumber(method, f"{measure}_{end}", name, "", value)


def _read_bradley_terry(values: Any, names: Mapping[str, str]) -> Iterator[PublishedNumber]:
    method = "bradley_terry_majority" if values.get("bt_mode", "majority") == "majority" else "bradley_terry"
    for name, row in _each_once(values["results"], names):
        yield from _with_bootstrap(method, name, row, "score")
        if "wins" in row:
            yield PublishedNumber(method, "wins", name, "", _a_number(row["wins"]))


def _read_borda(values: Any, names: Mapping[str, str]) -> Iterator[PublishedNumber]:
    for name, row in _each_once(values["borda"], names):
        yield PublishedNumber("borda", "votes_won", name, "", _a_number(row["borda"]))
        yield from _with_bootstrap("borda", name, row, "borda_avg")


def _read_copeland(values: Any, names: Mapping[str, str]) -> Iterator[PublishedNumber]:
    for name, row in _each_once(values["copeland"], names):
        yield from _with_bootstrap("copeland", name, row, "copeland")
        yield from _with_bootstrap("copeland", name, row, "win_rate", "win_rate")


def _read_plackett_luce(values: Any, names: Mapping[str, str]) -> Iterator[PublishedNumber]:
    for name, row in _each_once(values["plackett_luce"]["results"], names):
        yield from _with_bootstrap("plackett_luce_published", name, row, "score")
        yield PublishedNumber("plackett_luce", "score", name, "", _a_number(row["score"]))


def _read_places(method: str, order: Any, names: Mapping[str, str]) -> Iterator[PublishedNumber]:
    listed = [_known_model(model, names) for model in order]
    if sorted(listed) != sorted(names.values()):
        raise NotPublished("has an order that does not hold every model once")
    for place, name in enumerate(listed, start=1):
        yield PublishedNumber(method, "consensus", name, "", float(place))


def _consensus_bootstrap(method: str, found: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[PublishedNumber]:
    bootstrap = found.get("bootstrap") or {}
    if "exact_match_rate" in bootstrap:
        yield PublishedNumber(method, "exact_match", "", "", _a_number(bootstrap["exact_match_rate"]))
    for model, shares in (bootstrap.get("rank_probabilities") or {}).items():
        if len(shares) != len(names):
            raise NotPublished(f"gives {model!r} chances of {len(shares)} places, and {len(names)} models were ranked")
        for place, share in enumerate(shares, start=1):
            yield PublishedNumber(method, "share_of_place", _known_model(model, names), str(place), _a_number(share))


def _read_kemeny(values: Any, names: Mapping[str, str]) -> Iterator[PublishedNumber]:
    found = values["kemeny"]
    yield from _read_places("kemeny", found["ranking"], names)
    yield PublishedNumber("kemeny", "agreement", "", "", _a_number(found["score"]))
    yield from _consensus_bootstrap("kemeny", found, names)


_OF_MALLOWS = {
    "phi": "phi",
    "log_likelihood_test": "held_out_log_likelihood_total",
    "mean_kendall_train": "mean_distance",
    "n_train": "train_rankings",
    "n_test": "held_out_rankings",
}


def _read_mallows(values: Any, names: Mapping[str, str]) -> Iterator[PublishedNumber]:
    found = values["mallows"]
    yield from _read_places("mallows", found["consensus"], names)
    for key, measure in _OF_MALLOWS.items():
        if key in found:
            yield PublishedNumber("mallows", measure, "", "", _a_number(found[key]))
    yield from _consensus_bootstrap("mallows", found, names)


_OF_PAIRS = {
    "win_rate_a_votes": "win_rate",
    "win_rate_a_majority": "majority_win_rate",
    "mean_margin_a": "mean_margin",
    "ci_lower": "win_rate_low",
    "ci_upper": "win_rate_high",
}


def _pairwise(values: Any, names: Mapping[str, str]) -> Iterator[PublishedNumber]:
    for row in values["pairs"]:
        pair = _known_model(row["model_a"], names), _known_model(row["model_b"], names)
        for key, measure in _OF_PAIRS.items():
            if row.get(key) is None:
                continue
            bounded = key == "win_rate_a_votes" and row.get("ci_lower") is not None and row.get("ci_upper") is not None
            ends = (_a_number(row["ci_lower"]), _a_number(row["ci_upper"])) if bounded else (None, None)
            yield PublishedNumber("pairwise", measure, *pair, _a_number(row[key]), *ends)


def _measures(method: str, keys: Mapping[str, str]) -> Callable[[Any, Mapping[str, str]], Iterator[PublishedNumber]]:
    """Numbers that stand side by side; a list holds one of each shown place."""

    def read(values: Any, names: Mapping[str, str]) -> Iterator[PublishedNumber]:
        for key, measure in keys.items():
            value = values.get(key)
            if isinstance(value, list):
                for place, one in enumerate(value, start=1):
                    yield PublishedNumber(method, measure, "", str(place), _a_number(one))
            elif value is not None:
                yield PublishedNumber(method, measure, "", "", _a_number(value))

    return read


_RELIABILITY = {
    "kendall_tau_mean": "kendall_tau",
    "kendall_tau_median": "kendall_tau_median",
    "top1_agreement_mean": "top1_agreement",
    "top1_margin_mean": "top1_margin",
    "fleiss_kappa_top1": "fleiss_kappa_first",
}
_SHOWN_ORDER = {
    "pearson_corr_presented_vs_rank": "shown_rank_correlation",
    "mean_rank_by_presented_position": "mean_rank_given_shown",
    "top1_rate_by_presented_position": "first_given_shown",
}
_VERBOSITY = {
    "pearson_corr_chars_vs_rank": "characters_rank_correlation",
    "pearson_corr_words_vs_rank": "words_rank_correlation",
    "pairwise_longer_win_rate": "longer_wins",
    "pairwise_total": "unequal_pairs",
}

Reader = Callable[[Any, Mapping[str, str]], Iterator[PublishedNumber]]

_READERS: Mapping[str, tuple[Reader, str]] = {
    "bradley-terry": (_read_bradley_terry, "questions"),
    "borda": (_read_borda, "rankings"),
    "copeland": (_read_copeland, "rankings"),
    "kemeny": (_read_kemeny, "rankings"),
    "mallows": (_read_mallows, "rankings"),
    "plackett-luce": (_read_plackett_luce, "rankings"),
    "pairwise-effects": (_pairwise, "questions"),
    "judge-reliability": (_measures("reliability", _RELIABILITY), ""),
    "order-bias": (_measures("position", _SHOWN_ORDER), ""),
    "verbosity-bias": (_measures("verbosity", _VERBOSITY), ""),
}
"""How each file is read, and what its bootstrap resamples: the scripts of Bradley–Terry and of pairs draw questions,
the others rankings."""

_KEYS = (("pearson_corr_presented_vs_rank", "order-bias"), ("pearson_corr_chars_vs_rank", "verbosity-bias"))
"""Files that do not name their method."""


def _preferences(text: str, names: Mapping[str, str]) -> PublishedScores:
    """Sums over the questions, of each pair in the order of its conditions; without a majority, half for each."""
    votes: dict[tuple[str, str], list[float]] = {}
    seen: set[tuple[Any, ...]] = set()
    lines = [line for line in text.lstrip("\ufeff").split("\n") if line.strip()]
    for number, line in enumerate(lines, start=1):
        row = _comparison(line, number)
        first, other = _known_model(row["model_i"], names), _known_model(row["model_j"], names)
        key = (row.get("question_id"), min(first, other), max(first, other))
        if key in seen or first == other:
            raise NotPublished(f"compares {row['model_i']!r} and {row['model_j']!r} twice on question {key[0]!r}")
        seen.add(key)
        own, its = _a_number(row["wins_i"]), _a_number(row["wins_j"])
        won = 0.5 if row.get("majority_winner") is None else float(row["majority_winner"] == row["model_i"])
        if first > other:
            first, other, own, won = other, first, its, 1 - won
        counted = votes.setdefault((first, other), [0.0, 0.0])
        counted[0] += own
        counted[1] += won
    found = []
    for pair in sorted(votes):
        for measure, value in zip(("votes", "majority_wins"), votes[pair], strict=True):
            found.append(PublishedNumber("pairwise", measure, *pair, value))
    return PublishedScores("preferences", len(lines), "", tuple(found))


def _comparison(line: str, number: int) -> Mapping[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        raise NotPublished(f"has line {number}, which is not JSON") from None
    if not isinstance(row, dict) or not {"model_i", "model_j", "wins_i", "wins_j"} <= row.keys():
        raise NotPublished(f"has line {number}, which is no comparison of two models")
    return row
