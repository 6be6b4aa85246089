"""How far judges agree with each other and with people, by the standard library alone."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from core.facts.ranking.intervals import tail_of
from storage.verifier.ranking.intervals import interval
from storage.verifier.ranking.resamples import MOST_DRAWN, Ballot, TooMuch, drawn_units

Figure = tuple[float, ...]
"""A value, and then the ends of its interval, where it has one."""

AgreementCells = tuple[float, float, float, float]
"""Of a question: how many values there are, their sum, the sum of their squares, and how far they are apart."""


def agreement_figures(ballots: Sequence[Ballot], resamples: int, confidence: float, seed: int) -> dict[str, Figure]:
    """Every measure of agreement, under its name in the record; of a single judge that of its calls alone.

    Raises:
        TooMuch: there is too much to draw again.
    """
    labels = list(dict.fromkeys(ballot.judge for ballot in ballots))
    questions = [_by_judge(listed) for listed in _by_question(ballots)]
    if len(questions) * resamples > MOST_DRAWN:
        raise TooMuch(f"{resamples} resamples of {len(questions)} questions are too many to draw again here")
    drawn, tail = drawn_units(len(questions), resamples, seed), tail_of(confidence, len(questions))
    calls = [_agreement_cells([places for own in judges.values() for places in own]) for judges in questions]
    figures = {"krippendorff_alpha": _alpha_with_interval(calls, drawn, tail)}
    if len(labels) > 1:
        means = [_agreement_cells([_mean_places(own) for own in judges.values()]) for judges in questions]
        figures["krippendorff_alpha:between"] = _alpha_with_interval(means, drawn, tail)
        agreed = [{label: _agreed(own) for label, own in judges.items()} for judges in questions]
        every = [_agreed([places for own in judges.values() for places in own]) for judges in questions]
        between = [_less(all_pairs, own.values()) for all_pairs, own in zip(every, agreed, strict=True)]
        figures["kendall_tau:between"] = (_mean_tau(between),)
        for label in labels:
            within = [own[label] for own in agreed if label in own]
            figures[f"kendall_tau:within:{label}"] = (_mean_tau(within),)
        figures["fleiss_kappa_first:between"] = (_kappa_of_judges(questions),)
    return figures


Judges = Mapping[str, Sequence[Sequence[int]]]
"""Of a question: the rankings of each judge, as the place (from 1) of each condition."""


def _by_question(ballots: Sequence[Ballot]) -> list[list[Ballot]]:
    found: dict[int, list[Ballot]] = {}
    for ballot in ballots:
        found.setdefault(ballot.question, []).append(ballot)
    return [found[question] for question in sorted(found)]


def _by_judge(ballots: Sequence[Ballot]) -> Judges:
    found: dict[str, list[list[int]]] = {}
    for ballot in ballots:
        places = [0] * len(ballot.order)
        for place, condition in enumerate(ballot.order, start=1):
            places[condition] = place
        found.setdefault(ballot.judge, []).append(places)
    return found


def _mean_places(own: Sequence[Sequence[int]]) -> list[float]:
    return [sum(of_one) / len(own) for of_one in zip(*own, strict=True)]


# ------------------------------------------------------------ Krippendorff's α


def _agreement_cells(coders: Sequence[Sequence[float]]) -> AgreementCells:
    """What a question gives to Krippendorff's α: each condition is a unit of it. A single coder gives nothing."""
    if len(coders) < 2:
        return 0.0, 0.0, 0.0, 0.0
    values = [value for own in coders for value in own]
    apart = 0.0
    for unit in zip(*coders, strict=True):
        apart += 2 * (len(unit) * sum(value**2 for value in unit) - sum(unit) ** 2) / (len(unit) - 1)
    return len(values), sum(values), sum(value**2 for value in values), apart


def alpha_of(cells: AgreementCells) -> float:
    """1 − D_o/D_e (Krippendorff 2011), with squared differences as distances; not a number where all is equal."""
    number, total, squares, apart = cells
    expected = 2 * (number * squares - total**2)
    return 1 - (number - 1) * apart / expected if expected > 0 else math.nan


def _alpha_with_interval(cells: Sequence[AgreementCells], drawn: Sequence[Sequence[int]], tail: float) -> Figure:
    columns = list(zip(*cells, strict=True))
    samples = [alpha_of(_summed(columns, units)) for units in drawn]
    return (alpha_of(_summed(columns, range(len(cells)))), *_ends(samples, tail))


def _summed(columns: Sequence[Sequence[float]], units: Sequence[int]) -> AgreementCells:
    number, total, squares, apart = (sum(map(column.__getitem__, units)) for column in columns)
    return number, total, squares, apart


def _ends(samples: Sequence[float], tail: float) -> tuple[float, float]:
    known = [[value] for value in samples if not math.isnan(value)]
    return interval(known, tail)[0] if known else (math.nan, math.nan)


# ------------------------------------------------------------ Kendall τ and Fleiss κ


def _agreed(rankings: Sequence[Sequence[int]]) -> tuple[int, int]:
    """Over pairs of rankings: how many pairs of conditions both order alike, of how many."""
    pairs = list(combinations(range(len(rankings[0])), 2))
    votes = [sum(places[i] < places[j] for places in rankings) for i, j in pairs]
    alike = sum(math.comb(times, 2) + math.comb(len(rankings) - times, 2) for times in votes)
    return alike, math.comb(len(rankings), 2) * len(pairs)


def _less(every: tuple[int, int], own: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """What is left of all pairs of rankings without each judge's own."""
    alike, possible = zip(*own, strict=True)
    return every[0] - sum(alike), every[1] - sum(possible)


def _mean_tau(questions: Sequence[tuple[int, int]]) -> float:
    """The mean over questions that have pairs of twice the share that is alike, less one."""
    taus = [2 * alike / possible - 1 for alike, possible in questions if possible]
    return math.fsum(taus) / len(taus) if taus else math.nan


def _tau_of(one: Sequence[int], other: Sequence[int]) -> float:
    pairs = list(combinations(range(len(one)), 2))
    agreeing = sum((one[i] < one[j]) == (other[i] < other[j]) for i, j in pairs)
    return 2 * agreeing / len(pairs) - 1 if pairs else math.nan


def _kappa_of_judges(questions: Sequence[Judges]) -> float:
    """κ on which condition is first, where each judge names that of its best mean place, or none of several."""
    votes = [Counter(named for own in judges.values() for named in _alone_best(own)) for judges in questions]
    several = [firsts for firsts in votes if sum(firsts.values()) > 1]
    total = sum(several, Counter[int]())
    if len(total) < 2:
        return math.nan
    agreeing = [_same_pairs(firsts) / math.comb(sum(firsts.values()), 2) for firsts in several]
    chance = sum(times**2 for times in total.values()) / sum(total.values()) ** 2
    return (math.fsum(agreeing) / len(agreeing) - chance) / (1 - chance)


def _same_pairs(votes: Counter[int]) -> int:
    return sum(math.comb(times, 2) for times in votes.values())


def _alone_best(own: Sequence[Sequence[int]]) -> list[int]:
    """The condition of the best mean place; none where two share it."""
    sums = [sum(of_one) for of_one in zip(*own, strict=True)]
    best = [condition for condition, places in enumerate(sums) if places == min(sums)]
    return best if len(best) == 1 else []


# ------------------------------------------------------------ people


def gold_figures(
    own: Judges, people: Judges, resamples: int, confidence: float, seed: int
) -> dict[str, tuple[float, float, float, int]]:
    """Value, interval and number of questions of each measure of a judge's agreement with people.

    Args:
        own: the judge's rankings of each question that people ranked.
        people: theirs, in the order of the file.

    Raises:
        TooMuch: there is too much to draw again.
    """
    common = [question for question in people if question in own]
    if len(common) * resamples > MOST_DRAWN:
        raise TooMuch(f"{resamples} resamples of {len(common)} questions are too many to draw again here")
    drawn, tail = drawn_units(len(common), resamples, seed), tail_of(confidence, len(common))
    listed = [(own[question], people[question]) for question in common]
    values = {
        "kendall_tau": [_tau_with_people(*one) for one in listed],
        "pairs": [_pairs_as_people(*one) for one in listed],
        "first": [_first_as_people(*one) for one in listed],
    }
    figures = {}
    for name, of_questions in values.items():
        samples = [_mean_of_known(list(map(of_questions.__getitem__, units))) for units in drawn]
        known = sum(not math.isnan(value) for value in of_questions)
        figures[name] = (_mean_of_known(of_questions), *_ends(samples, tail), known)
    return figures


def _mean_of_known(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return math.fsum(known) / len(known) if known else math.nan


def _tau_with_people(own: Sequence[Sequence[int]], people: Sequence[Sequence[int]]) -> float:
    taus = [_tau_of(one, other) for one in own for other in people]
    return math.fsum(taus) / len(taus)


def _pairs_as_people(own: Sequence[Sequence[int]], people: Sequence[Sequence[int]]) -> float:
    """Of the pairs that more people order one way than the other: how many are ordered so."""
    shares = []
    for i, j in combinations(range(len(people[0])), 2):
        lead = sum(1 if places[i] < places[j] else -1 for places in people)
        if lead:
            shares.append(sum((places[i] < places[j]) == (lead > 0) for places in own) / len(own))
    return math.fsum(shares) / len(shares) if shares else math.nan


def _first_as_people(own: Sequence[Sequence[int]], people: Sequence[Sequence[int]]) -> float:
    best = _alone_best(people)
    return sum(places[best[0]] == 1 for places in own) / len(own) if best else math.nan
