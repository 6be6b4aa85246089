"""Whether the order of the conditions stands: every analysis, pair and smallest set of questions from the rankings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.facts.ranking.methods import primary_method
from core.facts.ranking.positions import positions_by
from core.facts.ranking.robustness import (
    OF_MAJORITIES,
    PREFERRED,
    ROBUSTNESS_RULE,
    ROBUSTNESS_UNIT,
    Order,
    flip_rows,
    in_order,
    majorities_differ,
    majority_method,
    neighbours,
    other_methods,
    pair_rows,
)
from storage.verifier.contents.judgements import MOST_RANKED, check_judge_calls, require_known, weights_of_record
from storage.verifier.ground.finding import Finding, brief, broken, rule_of, same, spend, whole
from storage.verifier.ground.record import Found, Record
from storage.verifier.ranking.estimates import MOST_ORDERED, agrees, ballots_of, rank_section, ranked_calls
from storage.verifier.ranking.intervals import BY_METHOD, Leaderboards
from storage.verifier.ranking.resamples import Ballot, Sums, TooMuch, sums_without_each

Analysis = tuple[str, str, str]
"""What kind of analysis it is, what it leaves out ("" for nothing), and its method."""


def check_robustness(record: Record) -> str:
    """The order under every analysis, how far pairs are apart, and what turns neighbours round, derived again."""
    whole(record)
    events, boards = record.counted("robustness.computed"), record.counted("leaderboard.computed")
    if not events:
        return "nothing of the order's robustness is recorded"
    check_judge_calls(record)
    event = events[0]
    if len(events) > 1:
        raise broken(f"{events[1].kind} is recorded twice", events[1].seq)
    same(event.unit, ROBUSTNESS_UNIT, "the unit of the order's robustness", event.seq)
    for board in boards:
        require_known(board)
    calls = list(ranked_calls(record))
    if not calls or not 0 < len(calls[0]["ranking"]) <= MOST_RANKED:
        raise broken("no judge's ranking is recorded that an order could come from", event.seq)
    if len(calls[0]["ranking"]) > MOST_ORDERED:
        raise Finding("unknown", f"{len(calls[0]['ranking'])} conditions take too long to order again", event.seq)
    names = sorted(calls[0]["ranking"])
    spend(record, len(calls) * len(names) ** 2)
    ballots = ballots_of(calls, names, {}, weights_of_record(record))
    orders = {b.values["method"]: in_order({r["condition"]: r["position"] for r in b.values["rows"]}) for b in boards}
    listed = [method for method in record.genesis["config"]["rank"]["methods"] if method in orders]
    if not listed:
        raise broken("no leaderboard is recorded whose order could stand", event.seq)
    primary = primary_method(listed, _compared_by_plan(record, event), PREFERRED)
    same(event.values["method"], primary, "the method whose order is compared", event.seq)
    same(event.values["order"], orders[primary], f"the order by {primary}", event.seq)
    of_boards = {method: orders[method] for method in listed}
    left_out = _check_analyses(event, _Orders(names, ballots, calls), primary, of_boards)
    confidence = rank_section(record)["confidence"]
    same(event.values["confidence"], confidence, "the coverage of the intervals of pairs", event.seq)
    _check_pairs(event, names, ballots, confidence)
    _check_flips(event, names, ballots, calls)
    told = f"{len(event.values['analyses'])} analyses of the order, {len(event.values['pairs'])} pairs"
    if left_out:
        raise Finding("unknown", f"{told} are here; not derived: {left_out}", event.seq)
    return f"{told} and {len(event.values['flips'])} smallest sets of questions found again"


def _compared_by_plan(record: Record, event: Found) -> str | None:
    """The primary method of the plan, if there is one and the event was computed by a rule that looks at it."""
    plan = record.genesis["config"].get("plan")
    if event.values.get("rule") is None:
        return None
    rule_of(event, ROBUSTNESS_RULE, "the order that analyses are compared with")
    if plan is None:
        raise broken("a rule for runs with a plan is named, and the configuration in event 1 has none", event.seq)
    return str(plan["primary"])


# ------------------------------------------------------------ orders


@dataclass(frozen=True)
class Reweighed(Leaderboards):
    """Rankings whose sums were made without drawing anything."""

    given: Sequence[Sums] = ()

    @property
    def sums(self) -> list[Sums]:
        """Of the data as given, then of each analysis."""
        return list(self.given)

    def orders(self, method: str) -> list[list[list[str]]]:
        """The order of each analysis."""
        estimate = BY_METHOD[method](self)
        costs = [[own if estimate.best else -own for own in sample] for sample in estimate.samples]
        return [in_order(dict(zip(self.names, positions_by(own), strict=True))) for own in costs]


@dataclass(frozen=True)
class _Orders:
    """The rankings, and the order of each analysis of them."""

    names: Sequence[str]
    ballots: Sequence[Ballot]
    calls: Sequence[Mapping[str, Any]]

    def _by(self, method: str, ballots: Sequence[Ballot], each: bool) -> list[list[list[str]]]:
        """The orders without one clause after another, or that of these rankings as they are."""
        if method == OF_MAJORITIES:
            return self._on_majorities(PREFERRED, ballots, each)
        every, *without = sums_without_each(ballots, [ballot.clause if each else 0 for ballot in ballots])
        return self._ordered(method, ballots, [every, *(without if each else [every])])

    def _on_majorities(self, method: str, ballots: Sequence[Ballot], each: bool) -> list[list[list[str]]]:
        """The same where each question counts once for each pair."""
        of_clause: dict[int, list[Ballot]] = {}
        for ballot in ballots:
            of_clause.setdefault(ballot.clause if each else 0, []).append(ballot)
        won = [Leaderboards(self.names, own, "questions", 1, 0.95, 0).majorities for own in of_clause.values()]
        every = [[sum(of_pair) for of_pair in zip(*rows, strict=True)] for rows in zip(*won, strict=True)]
        left = [
            [[votes - less for votes, less in zip(*rows, strict=True)] for rows in zip(every, own, strict=True)]
            for own in won
        ]
        # Kemeny adds integers, and twice the votes have the same best orders; half a win beside them has not.
        times: Any = (lambda votes: int(2 * votes)) if method == "kemeny" else float
        matrices: Any = [
            [[times(votes) for votes in own] for own in wins] for wins in (every, *(left if each else [every]))
        ]
        return self._ordered(method, ballots, [Sums(wins, wins, {}) for wins in matrices])

    def _ordered(self, method: str, ballots: Sequence[Ballot], sums: Sequence[Sums]) -> list[list[list[str]]]:
        return Reweighed(self.names, ballots, "questions", len(sums) - 1, 0.95, 0, given=sums).orders(method)

    def without_clauses(self, method: str) -> Iterator[tuple[Analysis, Order]]:
        """By the method, without one clause after another."""
        clauses = list(dict.fromkeys(call["clause_id"] for call in self.calls))
        if len(clauses) < 2:
            return
        for clause, order in zip(clauses, self._by(method, self.ballots, True), strict=True):
            yield ("clause", str(clause), method), order

    def without_judges(self, method: str) -> Iterator[tuple[Analysis, Order]]:
        """By the method, without one judge after another."""
        labels = list(dict.fromkeys(ballot.judge for ballot in self.ballots))
        for label in labels if len(labels) > 1 else ():
            others = [ballot for ballot in self.ballots if ballot.judge != label]
            (order,) = self._by(method, others, False)
            yield ("judge", label, method), order

    def of_majorities(self, primary: str) -> Iterator[tuple[Analysis, Order]]:
        """By what stands for the primary method on pairs, where each question counts once for each of them."""
        if majorities_differ(primary, len(self.ballots), len({ballot.question for ballot in self.ballots})):
            method = majority_method(primary)
            (order,) = self._on_majorities(method, self.ballots, False)
            yield ("majority", "", method), order


def _check_analyses(event: Found, again: _Orders, primary: str, boards: Mapping[str, Order]) -> str:
    """Compares every analysis; which of them take too long, with the reason, or "" for none."""
    recorded = {
        (one["analysis"], one.get("left_out") or "", one["method"]): one["order"] for one in event.values["analyses"]
    }
    if len(recorded) != len(event.values["analyses"]):
        raise broken("an analysis of the order stands twice", event.seq)
    derived: dict[Analysis, Order] = {}
    try:
        derived.update(again.without_clauses(primary))
        derived.update(again.without_judges(primary))
        derived.update(again.of_majorities(primary))
    except TooMuch as limit:
        return str(limit)
    derived.update((("method", "", method), boards[method]) for method in other_methods(boards, primary))
    same([list(key) for key in recorded], [list(key) for key in derived], "the analyses of the order", event.seq)
    for key, order in derived.items():
        kind, of, method = key
        what = f"the order by {method} ({kind} {brief(of)})" if of else f"the order by {method} ({kind})"
        same(recorded[key], order, what, event.seq)
    return ""


# ------------------------------------------------------------ pairs and questions


def _check_pairs(event: Found, names: Sequence[str], ballots: Sequence[Ballot], confidence: float) -> None:
    by_question: dict[int, tuple[list[int], int]] = {}
    by_ranking: Counter[tuple[tuple[int, ...], int]] = Counter()
    for ballot in ballots:
        points = [0] * len(names)
        for place, condition in enumerate(ballot.order):
            points[condition] = ballot.weight * (len(names) - 1 - place)
        by_ranking[tuple(points), ballot.weight] += 1
        before, size = by_question.get(ballot.question, ([0] * len(names), 0))
        total = [one + more for one, more in zip(before, points, strict=True)]
        by_question[ballot.question] = total, size + ballot.weight
    units = [(tuple(points), size) for points, size in by_question.values()]
    same(event.values["questions"], len(units), "the number of questions that were ranked", event.seq)
    orders = [one["order"] for one in event.values["analyses"]]
    _same_as_derived(event, "pairs", pair_rows(event.values["order"], orders, units, by_ranking, confidence))


def _check_flips(
    event: Found, names: Sequence[str], ballots: Sequence[Ballot], calls: Sequence[Mapping[str, Any]]
) -> None:
    asked = list(dict.fromkeys((call["clause_id"], call["question_id"]) for call in calls))
    number = {name: i for i, name in enumerate(names)}
    pairs = neighbours(event.values["order"])
    added = {pair: {"borda": [0] * len(asked), "votes": [0] * len(asked)} for pair in pairs}
    for ballot in ballots:
        place = {condition: k for k, condition in enumerate(ballot.order)}
        for pair in pairs:
            lead = place[number[pair[1]]] - place[number[pair[0]]]
            added[pair]["borda"][ballot.question] += ballot.weight * lead
            added[pair]["votes"][ballot.question] += ballot.weight * (1 if lead > 0 else -1)
    _same_as_derived(event, "flips", flip_rows(event.values["order"], [question for _, question in asked], added))


def _same_as_derived(event: Found, what: str, derived: Iterator[Mapping[str, Any]]) -> None:
    """Compares the rows of a list, numbers that are no integers up to rounding."""
    rows, wanted = event.values[what], list(derived)
    same(len(rows), len(wanted), f"robustness: the number of {what}", event.seq)
    for row, own in zip(rows, wanted, strict=True):
        named = f"{what}: {brief(own['condition'])} and {brief(own['other'])}"
        for name, value in own.items():
            recorded = row.get(name)
            near = isinstance(value, float) and isinstance(recorded, (int, float))
            if not (agrees(float(recorded), value) if near else recorded == value):
                told = f"{named}: {name} is {brief(recorded)}; the rankings give {brief(value)}"
                raise broken(told, event.seq)
