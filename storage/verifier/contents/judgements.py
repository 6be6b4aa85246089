"""Answers, judge calls and the leaderboards that can be worked out again with integers alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from itertools import combinations
from typing import Any

from core.facts.judging.orders import shown_orders
from core.facts.judging.outcomes import WANTED_COVERAGE, lost_calls, low_coverage
from core.facts.plural import number_of
from core.facts.randomness import RandomStream
from core.facts.ranking.methods import CONSENSUS_METHODS, METHODS
from core.facts.ranking.positions import ORDER_RULE, positions_by
from storage.verifier.ground.changes import settings_of_record
from storage.verifier.ground.finding import (
    STEPS_OF_A_NUMBER,
    Finding,
    brief,
    broken,
    newer,
    once,
    one_of,
    rule_of,
    same,
    sections,
    spend,
    whole,
)
from storage.verifier.ground.record import Found, Record
from storage.verifier.ground.spent import told_of_costs
from storage.verifier.ranking.intervals import OF_PAIRS

MOST_RANKED = 62
"""Conditions of a run that judges rank."""

SPARSE = 20
"""How many orders are worked out for each call at most: a run asks for whole rounds one after the other."""


@once
def questions_of_record(record: Record) -> dict[str, int]:
    """Clause of every planned question, by its id."""
    found: dict[str, int] = {}
    for event in record.counted("questions.planned"):
        for question in event.values["questions"]:
            if question["question_id"] in found:
                raise broken(f"question {brief(question['question_id'])} is planned twice", event.seq)
            found[question["question_id"]] = question["clause_id"]
    return found


def _names(record: Record) -> list[str]:
    return list(sections(record.genesis.get("config", {}), "conditions", "name"))


def check_answers(record: Record) -> str:
    """Every condition of the configuration answers every planned question, once."""
    whole(record)
    questions, names = questions_of_record(record), _names(record)
    seen: set[tuple[str, str]] = set()
    for event in record.counted("answer.given"):
        condition, question = event.values["condition"], event.values["question_id"]
        _check_question(questions, event)
        if (names and condition not in names) or (condition, question) in seen:
            raise broken(f"{brief(condition)} is no condition, or answers {brief(question)} twice", event.seq)
        seen.add((condition, question))
    if record.ledger.ended("answer") and len(seen) != len(names) * len(questions):
        raise broken(f"the stage of the answers has ended with {len(seen)} of {len(names) * len(questions)}")
    return f"{number_of(len(seen), 'answer')} to {number_of(len(questions), 'question')}, each given once"


def _check_question(questions: Mapping[str, int], event: Found) -> None:
    """Where no question was planned at all, the count of answers at the stage's end tells."""
    question = event.values["question_id"]
    if questions:
        clause = one_of(questions, question, "the planned question", event.seq)
        same(event.values["clause_id"], clause, f"question {brief(question)}: its clause", event.seq)


@once
def check_judge_calls(record: Record) -> str:
    """Each call shows every condition in the order that the seed gives it; each ranking is one of what was shown."""
    whole(record)
    calls = record.counted("judge.called")
    if not calls:
        return "no judge was called"
    questions, names, judges = questions_of_record(record), _names(record), judges_of_record(record)
    wanted = _planned_calls(record, calls, names)
    done: set[tuple[str, str]] = set()
    for event in calls:
        judge, question = event.values["judge"], event.values["question_id"]
        what = f"judge {brief(judge)} on question {brief(question)}"
        _check_question(questions, event)
        if (judge, question) in done:
            raise broken(f"{what} was called twice", event.seq)
        done.add((judge, question))
        shown = event.values["shown_order"]
        same(event.unit, f"{judge}/{question}", f"{what}: its unit", event.seq)
        same(shown, wanted[judge, question], f"{what}: the order shown", event.seq)
        kind = judges[judge.rpartition("#")[0]].get("kind")
        same(event.values["judge_kind"], kind, f"{what}: what kind of judge it is", event.seq)
        ranking = event.values.get("ranking")
        if (ranking is not None) != (event.values["outcome"] == "ranked"):
            raise broken(f"{what} was {event.values['outcome']}, which does not go with its ranking", event.seq)
        if ranking is not None and sorted(ranking) != sorted(shown):
            raise broken(f"{what} does not rank what it was shown", event.seq)
    planned = len(questions) * sum(judge.get("rankings", 5) for judge in judges.values())
    if record.ledger.ended("judge") and len(done) != planned:
        raise broken(f"the stage of the judges has ended with {len(done)} calls of {planned}")
    return _told_of_calls(record, calls)


def _told_of_calls(record: Record, calls: list[Found]) -> str:
    """Low coverage first, as the boards say it, and last of which judge how many calls gave no ranking."""
    by_judge: dict[str, Counter[str]] = {}
    for event in calls:
        by_judge.setdefault(event.values["judge"].rpartition("#")[0], Counter())[event.values["outcome"]] += 1
    wanted = settings_of_record(record)["judge"].get("coverage", WANTED_COVERAGE)
    outcomes = sum(by_judge.values(), Counter[str]())
    lost = [
        f"{brief(judge)} gave no ranking in {calls - own['ranked']} of {calls} ({lost_calls(own)})"
        for judge, own in by_judge.items()
        for calls in [sum(own.values())]
        if calls > own["ranked"]
    ]
    told = f"{len(calls)} calls showed the answers in the order that the seed gives; {outcomes['ranked']} ranked them"
    return "; ".join(filter(None, [low_coverage(outcomes, wanted), told, told_of_costs(record, calls), *lost]))


def _planned_calls(record: Record, calls: list[Found], names: list[str]) -> dict[tuple[str, str], list[str]]:
    """The order in which each of these calls had to show the conditions."""
    if not 0 < len(names) <= MOST_RANKED:
        raise broken(f"judges cannot rank {len(names)} conditions", 1)
    stream, steps = RandomStream(record.genesis["seed"], "judge", "order"), STEPS_OF_A_NUMBER * len(names)
    wanted: dict[tuple[str, str], list[str]] = {}
    for (model, question), index in _last_index(record, calls).items():
        orders = shown_orders(stream, question, model, names, index + 1, lambda: spend(record, steps))
        wanted |= {(f"{model}#{i}", question): list(order) for i, order in enumerate(orders)}
    return wanted


def _last_index(record: Record, calls: list[Found]) -> dict[tuple[str, str], int]:
    """The last call of each judge on each question."""
    judges = judges_of_record(record)
    last: dict[tuple[str, str], int] = {}
    for event in calls:
        model, _, index = event.values["judge"].rpartition("#")
        planned = one_of(judges, model, "the configuration's judge", event.seq)["rankings"]
        if not re.fullmatch("0|[1-9][0-9]{0,5}", index) or int(index) >= planned:
            raise broken(f"judge {brief(event.values['judge'])} was not asked for", event.seq)
        key = model, event.values["question_id"]
        last[key] = max(int(index), last.get(key, 0))
    if sum(last.values()) > SPARSE * len(calls) + 10_000:
        raise broken("the judge calls are numbered with gaps that no run leaves", calls[0].seq)
    return last


def judges_of_record(record: Record) -> dict[str, dict[str, Any]]:
    """The configuration's judges, by their labels."""
    return sections(record.genesis["config"].get("judge") or {}, "judges", "label")


# ------------------------------------------------------------ leaderboards


def check_leaderboards(record: Record) -> str:
    """Scores of Borda and both Copelands from the rankings; positions and order of every leaderboard."""
    whole(record)
    boards = record.counted("leaderboard.computed")
    if not boards:
        return "no leaderboard is recorded"
    orders = [event.values["ranking"] for event in record.counted("judge.called") if "ranking" in event.values]
    settings = record.genesis["config"]["rank"]
    methods = settings["methods"]
    seen: set[str] = set()
    exact, left = 0, None
    for board in boards:
        values, what = board.values, f"leaderboard {brief(board.values['method'])}"
        if values["method"] in seen:
            raise broken(f"{what} was computed twice", board.seq)
        seen.add(values["method"])
        if values["method"] not in methods:
            raise broken(f"{what} is not one that the configuration asks for", board.seq)
        same(values["rankings"], len(orders), f"{what}: the number of rankings", board.seq)
        for name in ("resample", "resamples", "confidence"):
            same(values[name], settings[name], f"{what}: {name}", board.seq)
        same(values["calls"], len(record.counted("judge.called")), f"{what}: the calls it came out of", board.seq)
        spend(record, len(orders) * len(values["rows"]) ** 2)
        exact += _check_scores(board, what, orders)
        try:
            _check_positions(board, what)
        except Finding as found:
            if found.verdict == "failed":
                raise
            left = left or found  # what is wrong with another board is told first
    if record.ledger.ended("rank") and seen != set(methods):
        raise broken("the stage of the leaderboards has ended, but they are not those of the configuration")
    if left is not None:
        raise left
    rankings = number_of(len(orders), "ranking")
    return f"{exact} of {number_of(len(boards), 'leaderboard')} counted again from {rankings}; positions of all"


def _check_scores(board: Found, what: str, orders: list[list[str]]) -> bool:
    """Compares the scores with those of the rankings, where integers suffice for them; whether they do."""
    names = sorted(orders[0]) if orders else []
    if len(names) > MOST_RANKED:
        raise broken(f"{what}: {len(names)} conditions were ranked, which no run does", board.seq)
    rows = board.values["rows"]
    if sorted(row["condition"] for row in rows) != names:
        raise broken(f"{what} is not one of the conditions that were ranked", board.seq)
    if any(sorted(order) != names for order in orders):
        raise broken(f"{what}: the rankings are not all of the same conditions", board.seq)
    if board.values["method"] not in OF_PAIRS:
        return False
    number = {name: place for place, name in enumerate(names)}
    wins = [[0] * len(names) for _ in names]
    for order in orders:
        for better, worse in combinations([number[name] for name in order], 2):
            wins[better][worse] += 1
    scores = OF_PAIRS[board.values["method"]](wins)
    for row in rows:
        score, named = float(scores[number[row["condition"]]]), brief(row["condition"])
        same(float(row["score"]), score, f"{what}: the score of {named}", board.seq)
    return True


def _check_positions(board: Found, what: str) -> None:
    """Positions follow the board's rule; rows best first, equal ones by name; intervals the right way."""
    rows = board.values["rows"]
    for row in rows:
        if float(row["low"]) > float(row["high"]):
            raise broken(f"{what}: the interval of {brief(row['condition'])} is upside down", board.seq)
    order = [(row["position"], row["condition"]) for row in rows]
    if order != sorted(order):
        raise broken(f"{what}: its rows are not in order", board.seq)
    require_known(board)
    for row, position in zip(rows, positions_by(_costs(board, what)), strict=True):
        same(row["position"], position, f"{what}: the position of {brief(row['condition'])}", board.seq)


def _costs(board: Found, what: str) -> list[float]:
    """What the rows are ordered by, the smallest first."""
    rows = board.values["rows"]
    if board.values["method"] not in CONSENSUS_METHODS:
        return [-float(row["score"]) for row in rows]
    detail, named = board.values.get("detail", {}), [f"consensus:{row['condition']}" for row in rows]
    if not detail.keys() >= set(named):
        raise broken(f"{what} does not name the place of every condition in the consensus", board.seq)
    return [float(detail[name]) for name in named]


def require_known(board: Found) -> None:
    """Ends a check where a leaderboard's method, or the rule that orders its rows, is not known here."""
    method = board.values["method"]
    if method not in METHODS:
        raise newer(f"the method {brief(method)} of ranking", board.seq)
    rule_of(board, ORDER_RULE, f"leaderboard {brief(method)}")
