"""Judge calls and the leaderboards that can be worked out again with integers alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from itertools import combinations
from typing import Any

from core.facts.judging.equal_answers import equal_answers, told_of_equal
from core.facts.judging.orders import shown_orders
from core.facts.judging.outcomes import WANTED_COVERAGE, lost_calls, low_coverage
from core.facts.judging.requests import file_unit
from core.facts.plural import number_of
from core.facts.randomness import RandomStream
from core.facts.ranking.juries import MOST_WEIGHT, label_of
from core.facts.ranking.methods import CONSENSUS_METHODS, METHODS, resample_of
from core.facts.ranking.positions import ORDER_RULE, positions_by
from core.facts.ranking.shown_places import habits_of
from storage.verifier.answers.of_record import texts_of_answers
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


def names_of_conditions(record: Record) -> list[str]:
    """The configuration's conditions."""
    return list(sections(record.genesis.get("config", {}), "conditions", "name"))


def _skips_equal_answers(record: Record) -> bool:
    return bool((record.genesis.get("config", {}).get("judge") or {}).get("ties") == "skip")


def questions_judged(record: Record) -> list[str]:
    """The questions that judges are asked about: where `judge.ties` says so, those with different answers alone."""
    questions = questions_of_record(record)
    if not _skips_equal_answers(record):
        return list(questions)
    texts = texts_of_answers(record)
    return [question for question in questions if len(texts.get(question, ())) != 1]


def told_of_equal_answers(record: Record) -> str:
    """What is said of equal answers; "" where there are none."""
    sizes = (list(texts.values()) for texts in texts_of_answers(record).values())
    return told_of_equal(equal_answers(sizes), _skips_equal_answers(record))


def check_question(questions: Mapping[str, int], event: Found) -> None:
    """The question of an answer or a call is planned, under its clause.

    Where no question was planned at all, the count of answers at the stage's end tells.
    """
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
    questions, names, judges = questions_of_record(record), names_of_conditions(record), judges_of_record(record)
    wanted, asked = _planned_calls(record, calls, names), questions_judged(record)
    done: set[tuple[str, str]] = set()
    for event in calls:
        judge, question = event.values["judge"], event.values["question_id"]
        what = f"judge {brief(judge)} on question {brief(question)}"
        check_question(questions, event)
        if (judge, question) in done:
            raise broken(f"{what} was called twice", event.seq)
        if questions and question not in asked:
            raise broken(f"{what}: all answers are the same text, and such a question is skipped", event.seq)
        done.add((judge, question))
        shown = event.values["shown_order"]
        section = judges[judge.rpartition("#")[0]]
        same(event.unit, f"{judge}/{question}", f"{what}: its unit", event.seq)
        if not _shown_as_read(record, judge, shown, names):
            same(shown, wanted[judge, question], f"{what}: the order shown", event.seq)
        same(event.values["judge_kind"], section.get("kind"), f"{what}: what kind of judge it is", event.seq)
        rotations = len(shown) if section.get("calibration") else None
        same(event.values.get("rotations"), rotations, f"{what}: the rotations that its mean is over", event.seq)
        _check_taken(event, section, what)
        ranking = event.values.get("ranking")
        if (ranking is not None) != (event.values["outcome"] == "ranked"):
            raise broken(f"{what} was {event.values['outcome']}, which does not go with its ranking", event.seq)
        ranked = names if section.get("kind") == "recorded" else shown
        if ranking is not None and sorted(ranking) != sorted(ranked):
            raise broken(f"{what} does not rank what it was shown", event.seq)
    _check_reopened(record)
    read = rankings_read(record)
    planned = sum(
        sum(read[label].get(question, 0) for question in asked)
        if judge.get("kind") == "recorded"
        else len(asked) * judge.get("rankings", 5)
        for label, judge in judges.items()
    )
    if record.ledger.ended("judge") and len(done) != planned:
        raise broken(f"the stage of the judges has ended with {len(done)} calls of {planned}")
    return _told_of_calls(record, calls)


def _shown_as_read(record: Record, judge: str, shown: list[str], names: list[str]) -> bool:
    """Whether an order is one that a file of rankings may say, which no seed gives."""
    says = {event.values["judge"] for event in record.counted("rankings.read") if event.values.get("shown")}
    return judge.rpartition("#")[0] in says and sorted(shown) == sorted(names)


def _check_taken(event: Found, section: Mapping[str, Any], what: str) -> None:
    """A reply was taken over from another run only where the configuration names one for its judge."""
    taken = event.values.get("taken_from")
    if taken is not None and (section.get("kind") == "recorded" or section.get("recorded") is None):
        told = f"{what} was taken over from run {brief(taken['run_id'])}, and the configuration names no run for it"
        raise broken(told, event.seq)


def _paid(record: Record) -> list[Found]:
    """Calls that got a reply here, those that were made again since as well."""
    return [e for e in record.kept["judge.called"] if "reply" in e.values and "taken_from" not in e.values]


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
    taken = sum(event.values["judge_kind"] == "recorded" for event in calls)
    given = len(calls) - taken
    told = (
        f"{given} calls showed the answers in the order that the seed gives; {outcomes['ranked'] - taken} ranked them"
    )
    more = f"{number_of(taken, 'ranking')} read from files" if taken else ""
    over = sum("taken_from" in event.values for event in calls)
    more = "; ".join(filter(None, [more, f"{over} replies taken over from other runs" if over else ""]))
    costs = told_of_costs(record, _paid(record))
    ranked = (event.values for event in calls if event.values["outcome"] == "ranked")
    shown = habits_of((call["judge"], call["shown_order"], call["ranking"]) for call in ranked)
    return "; ".join(filter(None, [low_coverage(outcomes, wanted), *shown, told if given else "", more, costs, *lost]))


def _planned_calls(record: Record, calls: list[Found], names: list[str]) -> dict[tuple[str, str], list[str]]:
    """The order in which each of these calls had to show the conditions."""
    if not 0 < len(names) <= MOST_RANKED:
        raise broken(f"judges cannot rank {len(names)} conditions", 1)
    stream, steps = RandomStream(record.genesis["seed"], "judge", "order"), STEPS_OF_A_NUMBER * len(names)
    wanted: dict[tuple[str, str], list[str]] = {}
    kinds = {label: judge.get("kind") for label, judge in judges_of_record(record).items()}
    for (model, question), index in _last_index(record, calls).items():
        if kinds[model] == "recorded":  # in which order these were shown is not known
            wanted |= {(f"{model}#{i}", question): [] for i in range(index + 1)}
            continue
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


def weights_of_record(record: Record) -> dict[str, int]:
    """How many times the rankings of each judge count, by its label."""
    weights = {label: judge.get("weight", 1) for label, judge in judges_of_record(record).items()}
    for label, weight in weights.items():
        if type(weight) is not int or not 1 <= weight <= MOST_WEIGHT:
            raise broken(f"the configuration in event 1 gives judge {brief(label)} the weight {brief(weight)}", 1)
    return weights


def _check_reopened(record: Record) -> None:
    """Calls were made again only where they had ended as it was said, for no other reply may be asked for twice.

    A reply is recorded together with the end of its unit, so the last one before is the one that counted.
    """
    events = sorted([*record.kept.get("judge.called", ()), *record.kept.get("judge.reopened", ())], key=lambda e: e.seq)
    last: dict[str | None, str] = {}
    for event in events:
        if event.kind == "judge.called":
            if event.values["outcome"] != "failed" or "prompt" in event.values:  # one that was given up has its prompt
                last[event.unit] = event.values["outcome"]
            continue
        for unit in event.values["units"]:
            if last.get(unit) not in event.values["outcomes"]:
                told = "gave no reply" if unit not in last else f"was {last[unit]}"
                named = ", ".join(event.values["outcomes"])
                raise broken(f"call {brief(unit)} {told}, and calls that were {named} are made again", event.seq)


@once
def rankings_read(record: Record) -> dict[str, dict[str, int]]:
    """How many rankings of each question the file of each recorded judge holds; none of one that is not read yet."""
    judges, questions = judges_of_record(record), questions_of_record(record)
    found: dict[str, dict[str, int]] = {label: {} for label in judges}
    for event in record.counted("rankings.read"):
        label, counts = event.values["judge"], event.values["rankings"]
        section = one_of(judges, label, "the configuration's judge", event.seq)
        what = f"the file of judge {brief(label)}"
        same(event.unit, file_unit(label), f"{what}: its unit", event.seq)
        same(section.get("kind"), "recorded", f"{what}: what kind of judge it is", event.seq)
        for question, count in counts.items():
            one_of(questions, question, "the planned question", event.seq)
            if not 0 < count <= section["rankings"]:
                raise broken(f"{what} holds {count} rankings of question {brief(question)}", event.seq)
        same(event.values["file"]["rows"], sum(counts.values()), f"{what}: its number of rankings", event.seq)
        same(event.values["file"]["name"], section.get("recorded"), f"{what}: its name", event.seq)
        found[label] = counts
    return found


# ------------------------------------------------------------ leaderboards


def check_leaderboards(record: Record) -> str:
    """Scores of Borda and both Copelands from the rankings; positions and order of every leaderboard."""
    whole(record)
    boards = record.counted("leaderboard.computed")
    if not boards:
        return "no leaderboard is recorded"
    ranked = [event.values for event in record.counted("judge.called") if "ranking" in event.values]
    orders, weights = [values["ranking"] for values in ranked], weights_of_record(record)
    times = [weights.get(label_of(values["judge"]), 1) for values in ranked]
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
        wanted = settings | {"resample": resample_of(values["method"], settings["resample"])}
        for name in ("resample", "resamples", "confidence"):
            same(values[name], wanted[name], f"{what}: {name}", board.seq)
        same(values["calls"], len(record.counted("judge.called")), f"{what}: the calls it came out of", board.seq)
        spend(record, len(orders) * len(values["rows"]) ** 2)
        exact += _check_scores(board, what, orders, times)
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


def _check_scores(board: Found, what: str, orders: list[list[str]], times: list[int]) -> bool:
    """Compares the scores with those of the rankings, where integers suffice for them; whether they do.

    Args:
        times: how often each ranking counts.
    """
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
    for order, weight in zip(orders, times, strict=True):
        for better, worse in combinations([number[name] for name in order], 2):
            wins[better][worse] += weight
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
