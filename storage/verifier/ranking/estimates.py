"""Every score, interval and detail of the leaderboards, and the judges' diagnostics, compared with the record."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import permutations
from typing import Any

from core.facts.ranking.hypotheses import PLAN_RULE
from core.facts.ranking.intervals import PERCENTILE
from core.facts.ranking.juries import label_of
from core.facts.ranking.lengths import words_in
from core.facts.ranking.methods import resample_of
from storage.verifier.answers.each_once import check_answers
from storage.verifier.answers.of_record import answers_of_record
from storage.verifier.contents.judgements import (
    MOST_RANKED,
    check_judge_calls,
    judges_of_record,
    questions_of_record,
    require_known,
    weights_of_record,
)
from storage.verifier.ground.finding import Finding, brief, broken, once, rule_of, same, unreadable, whole
from storage.verifier.ground.reading import opened_safely
from storage.verifier.ground.record import Found, Record
from storage.verifier.ranking.hypotheses import hypotheses_again, numbers_of_hypotheses
from storage.verifier.ranking.intervals import Leaderboards, named_pair, numbered_places
from storage.verifier.ranking.juries_asked import before_juries, has_juries
from storage.verifier.ranking.resamples import Ballot, TooMuch

NEAR = 1e-9
"""How far a number may lie from the recorded one: sums may be taken in another order."""

MOST_RESAMPLED = 10**9
"""Places of rankings over all resamples: a paper's run has 75 million, and five times as many with 75,000 rankings."""

MOST_ORDERED = 16
"""Conditions; the time of the best common order grows exponentially."""

LATER_DETAILS = ("exact_match", "held_out_log_likelihood_total")
"""What leaderboards have, places of the conditions besides, since the version of the stage that has juries too."""

OF_TEXTS = (
    "length_rank_correlation",
    "length_rank_pearson",
    "words_rank_correlation",
    "words_rank_pearson",
    "longer_wins",
    "unequal_pairs",
)
"""Diagnostics that are measured on the texts of the answers."""

FIRST_FIGURES = frozenset(
    {
        "kendall_tau",
        "fleiss_kappa_first",
        "questions_with_agreement",
        "shown_rank_correlation",
        "first_given_shown",
        "length_rank_correlation",
        "longer_wins",
    }
)
"""The diagnostics of the first version of the stage, without what follows a colon."""


def check_estimates(record: Record) -> str:
    """Every number of every leaderboard, and every diagnostic, derived from the rankings again."""
    return compared(record, Leaderboards)


def compared(record: Record, leaderboards: type[Leaderboards]) -> str:
    """Compares everything that follows from the rankings with what is recorded.

    Raises:
        Finding: something is another one ("failed"), is newer than this verifier ("unchecked"), takes too long
            ("unknown"), or takes texts that are not here ("withheld").
    """
    whole(record)
    boards, measured = record.counted("leaderboard.computed"), record.counted("diagnostics.computed")
    pairs = record.counted("pairwise.computed")
    if not boards and not measured and not pairs:
        return "no interval is recorded"
    check_judge_calls(record)
    check_answers(record)
    again, withheld = from_rankings(record, leaderboards)
    left_out: dict[str, tuple[Found, str]] = {}
    later: Finding | None = None
    for board in boards:
        try:
            require_known(board)
            derived = _as_recorded(record, again, again.derived(board.values["method"]))
        except Finding as found:
            if found.verdict == "failed":
                raise
            later = later or found
            continue
        except TooMuch as limit:
            left_out[board.values["method"]] = board, str(limit)
            continue
        compare_numbers(board, board_numbers(board.values), derived)
        method = board.values["method"]
        what = f"leaderboard {brief(method)}: how many {resample_of(method, again.resample)} are resampled"
        same(board.values["units"], again.units(method), what, board.seq)
        what = f"leaderboard {brief(method)}: the kind of its intervals"
        same(board.values.get("interval", PERCENTILE), again.interval_kind(method), what, board.seq)
    for event in pairs:
        try:
            _compare_pairs(event, again)
        except TooMuch as limit:
            left_out["pairwise"] = event, str(limit)
    for tested in record.counted("plan.tested"):
        try:
            rule_of(tested, PLAN_RULE, "what is said of hypotheses")
            compare_numbers(tested, numbers_of_hypotheses(tested.values), hypotheses_again(record, again))
        except Finding as found:
            if found.verdict == "failed":
                raise
            later = later or found
            continue
        except TooMuch as limit:
            left_out["the hypotheses"] = tested, str(limit)
        primary = tested.values["method"]
        what = f"the hypotheses: how many {resample_of(primary, again.resample)} are resampled"
        same(tested.values["units"], again.units(primary), what, tested.seq)
    figures = _of_version(record, again.diagnostics()) if measured else {}
    for event in measured:
        recorded = event.values["values"]
        compare_numbers(event, _without_texts(recorded) if withheld else recorded, figures)
    if later is not None:
        raise later
    computed = len(boards) - len(left_out.keys() - {"pairwise", "the hypotheses"})
    rates = sum(len(event.values["rows"]) for event in pairs) if "pairwise" not in left_out else 0
    told = f"scores and intervals of {computed} leaderboards{f', {rates} win rates' if rates else ''}"
    told = f"{told} and {len(figures)} diagnostics computed again"
    if left_out:
        raise _undecided(told, left_out)
    if withheld and measured:
        raise Finding("withheld", f"{told}, without those of {withheld} texts that were withheld")
    return told


def _as_recorded(record: Record, again: Leaderboards, derived: Mapping[str, float]) -> dict[str, float]:
    """The numbers of a leaderboard that the version of the stage records."""
    if not before_juries(record):
        return dict(derived)
    return {name: x for name, x in apart_from_places(derived, again.names).items() if name not in LATER_DETAILS}


def apart_from_places(derived: Mapping[str, float], names: Sequence[str]) -> dict[str, float]:
    """The numbers of a leaderboard of these conditions but for their places and means in the resamples, which not all
    have."""
    places = {key for name in names for key in (f"{name}: mean", *numbered_places(name, [0.0] * len(names)))}
    return {name: value for name, value in derived.items() if name not in places}


def _compare_pairs(event: Found, again: Leaderboards) -> None:
    """Compares the win rates of all pairs.

    Raises:
        Finding: something is another one.
        TooMuch: they take too long.
    """
    values = event.values
    derived = again.pairwise()
    wanted = [list(pair) for pair in permutations(again.names, 2)]
    same([[row["condition"], row["other"]] for row in values["rows"]], wanted, "the pairs of conditions", event.seq)
    same(values["questions"], len(again.votes), "the questions that pairs are compared on", event.seq)
    for name, method in (("resample", "borda"), ("majority_resample", "bradley_terry_majority")):
        same(values[name], resample_of(method, again.resample), f"win rates of pairs: {name}", event.seq)
    recorded: dict[str, Any] = {}
    for row in values["rows"]:
        numbers = {key: value for key, value in row.items() if key not in ("condition", "other")}
        recorded |= named_pair(row["condition"], row["other"], numbers)
    compare_numbers(event, recorded, derived)


def _of_version(record: Record, figures: Mapping[str, float]) -> dict[str, float]:
    """The diagnostics that the code which made the stage measured."""
    if not before_juries(record):
        return dict(figures)
    return {name: value for name, value in figures.items() if name.partition(":")[0] in FIRST_FIGURES}


def _undecided(told: str, left_out: Mapping[str, tuple[Found, str]]) -> Finding:
    """What was not derived: the methods with the reason, those with the same reason together."""
    reasons: dict[str, list[str]] = {}
    for method, (_, why) in left_out.items():
        reasons.setdefault(why, []).append(method)
    named = "; ".join(f"{', '.join(methods)} ({why})" for why, methods in reasons.items())
    first = next(iter(left_out.values()))[0]
    return Finding("unknown", f"{told}, and they agree; not those of {named}", first.seq)


# ------------------------------------------------------------ what went in


def from_rankings(record: Record, leaderboards: type[Leaderboards]) -> tuple[Leaderboards, int]:
    """What follows from the rankings, and of how many answers the text is not here: then no length is known."""
    section = rank_section(record)
    names, ballots, withheld = ballots_of_record(record)
    resamples, conditions = section["resamples"], len(names)
    if resamples * len(ballots) * conditions > MOST_RESAMPLED or conditions > MOST_ORDERED:
        told = f"{resamples} resamples of {len(ballots)} rankings of {conditions} conditions"
        raise Finding("unknown", f"{told} would take too long to compute again")
    return leaderboards(names, ballots, seed=int(record.genesis["seed"]), **section), withheld


@once
def ballots_of_record(record: Record) -> tuple[list[str], list[Ballot], int]:
    """The conditions in order of their names, the rankings, and of how many answers the text is not here: then no
    length is known.

    Raises:
        Finding: there is no ranking, or one of an answer that was never given.
    """
    calls = list(ranked_calls(record))
    if not calls or not 0 < len(calls[0]["ranking"]) <= MOST_RANKED:
        raise broken("no judge's ranking is recorded that a leaderboard or a diagnostic could come from")
    lengths = dict(lengths_of_answers(record))
    withheld = len(answers_of_record(record)) - len(lengths)
    known = {} if withheld else lengths
    _require_answers(calls, known)
    names = sorted(calls[0]["ranking"])
    return names, ballots_of(calls, names, known, weights_of_record(record)), withheld


def ballots_of(
    calls: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    lengths: Mapping[tuple[str, str], tuple[int, int]],
    weights: Mapping[str, int] = {},
) -> list[Ballot]:
    """Rankings by the numbers of conditions; questions and clauses are numbered as they appear.

    Args:
        calls: the recorded calls with a ranking, in planned order.
        lengths: characters and words of the answers by condition and question; empty where they are not known.
        weights: how many times each judge's rankings count, by its label; once where it is not there.
    """
    number = {name: i for i, name in enumerate(names)}
    questions: dict[tuple[int, str], int] = {}
    clauses: dict[int, int] = {}
    return [
        Ballot(
            order=tuple(number[name] for name in call["ranking"]),
            shown=tuple(number[name] for name in call["shown_order"]),
            question=questions.setdefault((call["clause_id"], call["question_id"]), len(questions)),
            clause=clauses.setdefault(call["clause_id"], len(clauses)),
            lengths=tuple(lengths[name, call["question_id"]][0] for name in names if lengths),
            words=tuple(lengths[name, call["question_id"]][1] for name in names if lengths),
            judge=label_of(call["judge"]),
            weight=weights.get(label_of(call["judge"]), 1),
        )
        for call in calls
    ]


def rank_section(record: Record) -> dict[str, Any]:
    """How rankings are resampled, as the configuration says."""
    section = dict(record.genesis["config"]["rank"])
    for name in ("methods", "jury", "gold", "published"):
        section.pop(name, None)
    asked = section.pop("published_intervals", None)
    resample, resamples, confidence = (section.pop(name) for name in ("resample", "resamples", "confidence"))
    known = (
        asked in (None, False, True)
        and resample in ("questions", "rankings", "clauses")
        and type(resamples) is int
        and resamples > 0
    )
    if section or not known or not isinstance(confidence, float) or not 0 < confidence < 1:
        raise broken("the configuration in event 1 does not say how rankings are resampled", 1)
    found = {"resample": resample, "resamples": resamples, "confidence": confidence}
    return found | {"published_intervals": bool(asked), "plain": _has_plain_intervals(record)}


def _has_plain_intervals(record: Record) -> bool:
    """Whether the record is of a stage that knew nothing but percentiles, and did not name them."""
    unnamed = all("interval" not in board.values for board in record.counted("leaderboard.computed"))
    return unnamed and not has_juries(record)


def ranked_calls(record: Record) -> Iterator[Mapping[str, Any]]:
    """The calls with a ranking, in planned order."""
    by_call = {(event.values["judge"], event.values["question_id"]): event for event in record.counted("judge.called")}
    questions = questions_of_record(record)
    for label, section in judges_of_record(record).items():
        for index in range(section["rankings"]):
            for question in questions:
                event = by_call.get((f"{label}#{index}", question))
                if event is not None and "ranking" in event.values:
                    yield event.values


def lengths_of_answers(record: Record) -> Iterator[tuple[tuple[str, str], tuple[int, int]]]:
    """Characters and words of every answer whose text is here."""
    try:
        with closing(opened_safely(record.database)) as db:
            for event in answers_of_record(record):
                key = event.values["answer"]["sha256"]
                row = db.execute("SELECT body FROM blobs WHERE sha256 = ?", [key]).fetchone()
                if row is not None:
                    text = bytes(row[0]).decode("utf-8", "surrogatepass")
                    yield (event.values["condition"], event.values["question_id"]), (len(text), words_in(text))
    except sqlite3.Error as error:
        raise unreadable(error) from None


def _require_answers(calls: Sequence[Mapping[str, Any]], lengths: Mapping[tuple[str, str], tuple[int, int]]) -> None:
    for call in calls if lengths else ():
        for name in call["ranking"]:
            if (name, call["question_id"]) not in lengths:
                told = f"an answer of {brief(name)} to question {brief(call['question_id'])} was ranked and never given"
                raise broken(told)


# ------------------------------------------------------------ comparing


def board_numbers(values: Mapping[str, Any]) -> dict[str, Any]:
    """Everything of a leaderboard that has to be the same, under one name each."""
    found = {f"{row['condition']}: {name}": row[name] for row in values["rows"] for name in ("score", "low", "high")}
    found |= {f"{row['condition']}: position": row["position"] for row in values["rows"]}
    for condition, shares in (values.get("places") or {}).items():
        found |= numbered_places(condition, shares)
    found |= {f"{condition}: mean": mean for condition, mean in (values.get("means") or {}).items()}
    return found | dict(values.get("detail", {}))


def _without_texts(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in OF_TEXTS}


def compare_numbers(event: Found, recorded: Mapping[str, Any], derived: Mapping[str, float]) -> None:
    what = event.values.get("method", event.kind.partition(".")[0])
    for name in [*recorded, *sorted(derived.keys() - recorded.keys())]:
        if name not in derived:
            raise broken(f"{what}: {brief(name)} does not follow from the rankings", event.seq)
        wanted = f"the rankings give {derived[name]:.12g}"
        if name not in recorded:
            raise broken(f"{what}: {brief(name)} is missing; {wanted}", event.seq)
        if not agrees(float(recorded[name]), derived[name]):
            raise broken(f"{what}: {brief(name)} is {brief(recorded[name])}; {wanted}", event.seq)


def agrees(one: float, other: float) -> bool:
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) and math.isnan(other)
    return math.isclose(one, other, rel_tol=NEAR, abs_tol=NEAR)
