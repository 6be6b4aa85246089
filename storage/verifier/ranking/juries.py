"""Boards of some judges, the judges' agreement, and their agreement with people, from the recorded rankings again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.facts.plural import number_of
from core.facts.ranking.juries import jury_boards, jury_unit, label_of
from core.facts.ranking.methods import resample_of
from storage.verifier.contents.judgements import (
    MOST_RANKED,
    check_judge_calls,
    questions_of_record,
    require_known,
    weights_of_record,
)
from storage.verifier.ground.finding import Finding, brief, broken, one_of, same, spend, whole
from storage.verifier.ground.record import Found, Record
from storage.verifier.ranking.estimates import (
    MOST_ORDERED,
    MOST_RESAMPLED,
    agrees,
    apart_from_places,
    ballots_of,
    board_numbers,
    compare_numbers,
    rank_section,
    ranked_calls,
)
from storage.verifier.ranking.intervals import Leaderboards
from storage.verifier.ranking.juries_asked import methods_of_juries, ranking_judges
from storage.verifier.ranking.jury_figures import Judges, agreement_figures, gold_figures
from storage.verifier.ranking.resamples import TooMuch


def check_juries(record: Record) -> str:
    """Every board of some of the judges, how far judges agree, and how far with people, derived again."""
    return juries_compared(record, Leaderboards)


def juries_compared(record: Record, leaderboards: type[Leaderboards]) -> str:
    """Compares everything that some of the rankings give with what is recorded.

    Raises:
        Finding: something is another one ("failed"), is newer than this verifier ("unchecked"), or takes too long
            ("unknown").
    """
    whole(record)
    boards, measured = record.counted("jury.board"), record.counted("agreement.computed")
    if not boards and not measured and not record.counted("gold.read"):
        return "nothing of a jury is recorded"
    check_judge_calls(record)
    section, calls = rank_section(record), list(ranked_calls(record))
    if not calls or not 0 < len(calls[0]["ranking"]) <= MOST_RANKED:
        raise broken("no judge's ranking is recorded that a jury could be measured by")
    conditions = len(calls[0]["ranking"])
    for events in (measured, record.counted("gold.read"), record.counted("gold.compared")):
        if len(events) > 1:
            raise broken(f"{events[1].kind} is recorded twice", events[1].seq)
    some = set(map(_whose, boards))
    work = section["resamples"] * len(calls) * conditions * (1 + len(some))
    if work > MOST_RESAMPLED or conditions > MOST_ORDERED:
        told = f"{section['resamples']} resamples of {len(calls)} rankings of {conditions} conditions"
        raise Finding("unknown", f"{told} would take too long to compute again for {len(some)} boards of some judges")
    left_out = [*_check_boards(record, boards, calls, leaderboards), *_check_agreement(record, measured, calls)]
    left_out += _check_gold(record, calls)
    held = len(boards) - sum(found.kind == "jury.board" for found, _ in left_out)
    told = f"{number_of(held, 'board')} of some judges"
    told = f"{told} and the agreement of {number_of(len(ranking_judges(record)), 'judge')} computed again"
    if left_out:
        found, why = left_out[0]
        raise Finding("unknown", f"{told}; not {len(left_out)} others ({why})", found.seq)
    return told


def _check_boards(
    record: Record, boards: Sequence[Found], calls: Sequence[Mapping[str, Any]], leaderboards: type[Leaderboards]
) -> list[tuple[Found, str]]:
    """Compares the boards; those that take too long, with the reason."""
    names, weights = sorted(calls[0]["ranking"]), weights_of_record(record)
    wanted = {(*of, method) for of in jury_boards(ranking_judges(record)) for method in methods_of_juries(record)}
    again, of = None, None
    left_out = []
    for board in sorted(boards, key=_whose):
        judge, without = _whose(board)
        key = judge, without, board.values["method"]
        require_known(board)
        if key not in wanted:
            raise broken(f"{_board_named(board)} is not one that the judges give, or stands twice", board.seq)
        wanted.discard(key)
        if again is None or of != (judge, without):
            own = [call for call in calls if (label_of(call["judge"]) == judge) != without]
            ballots = ballots_of(own, names, {}, weights)
            again, of = leaderboards(names, ballots, seed=_seed(record), **rank_section(record)), (judge, without)
        try:
            _check_board(record, board, again)
        except TooMuch as limit:
            left_out.append((board, str(limit)))
    return left_out


def _check_board(record: Record, board: Found, again: Leaderboards) -> None:
    """Compares all that a board says with what the rankings give.

    Raises:
        Finding: something is another one.
        TooMuch: the numbers take too long; the rest was compared.
    """
    values, what = board.values, _board_named(board)
    same(board.unit, jury_unit(values["method"], *_whose(board)), f"{what}: its unit", board.seq)
    same(values["rankings"], len(again.ballots), f"{what}: the number of rankings", board.seq)
    resample = resample_of(values["method"], again.resample)
    same(values["units"], again.units(values["method"]), f"{what}: how many {resample} are resampled", board.seq)
    order = [(row["position"], row["condition"]) for row in values["rows"]]
    same(order, sorted(order), f"{what}: the order of its rows", board.seq)
    winners = {event.values["method"]: _winners(event) for event in record.counted("leaderboard.computed")}
    changes = _winners(board) != one_of(winners, values["method"], "the leaderboard of all judges by", board.seq)
    same(values["changes_winner"], changes, f"{what}: whether it changes the winner", board.seq)
    compare_numbers(board, board_numbers(values), apart_from_places(again.derived(values["method"]), again.names))


def _whose(board: Found) -> tuple[str, bool]:
    """Boards of the same rankings stand together, so that these are summed once."""
    return board.values["judge"], board.values["without"]


def _board_named(board: Found) -> str:
    judge, without = _whose(board)
    return f"the {brief(board.values['method'])} board {'without' if without else 'of'} {brief(judge)}"


def _seed(record: Record) -> int:
    return int(record.genesis["seed"])


def _winners(board: Found) -> set[str]:
    return {row["condition"] for row in board.values["rows"] if row["position"] == 1}


def _check_agreement(
    record: Record, measured: Sequence[Found], calls: Sequence[Mapping[str, Any]]
) -> list[tuple[Found, str]]:
    section, names = rank_section(record), sorted(calls[0]["ranking"])
    for event in measured:
        ballots = ballots_of(calls, names, {})
        try:
            figures = agreement_figures(ballots, section["resamples"], section["confidence"], _seed(record))
        except TooMuch as limit:
            return [(event, str(limit))]
        rows = event.values["rows"]
        same([row["name"] for row in rows], list(figures), "the measures of agreement", event.seq)
        for row in rows:
            wanted = dict(zip(("value", "low", "high"), figures[row["name"]], strict=False))
            for name in ("value", "low", "high"):
                _same_number(row.get(name), wanted.get(name), f"{row['name']}: {name}", event)
    return []


def _same_number(recorded: Any, wanted: float | None, what: str, event: Found) -> None:
    if (recorded is None) != (wanted is None) or (wanted is not None and not agrees(float(recorded), wanted)):
        raise broken(f"{brief(what)} is {brief(recorded)}; the rankings give {wanted}", event.seq)


def _check_gold(record: Record, calls: Sequence[Mapping[str, Any]]) -> list[tuple[Found, str]]:
    """What people said is of this run's questions and conditions, and each judge's agreement with it follows."""
    section, names = rank_section(record), sorted(calls[0]["ranking"])
    people: dict[str, list[list[int]]] = {}
    for event in record.counted("gold.read"):
        people = _people(record, event, names)
    for event in record.counted("gold.compared"):
        rows = iter(event.values["rows"])
        for judge in ranking_judges(record):
            own: dict[str, list[list[int]]] = {}
            for call in calls:
                if label_of(call["judge"]) == judge:
                    own.setdefault(call["question_id"], []).append([1 + call["ranking"].index(name) for name in names])
            if own.keys().isdisjoint(people):
                continue
            pairs = sum(len(own[question]) * len(said) for question, said in people.items() if question in own)
            spend(record, pairs * len(names) ** 2)
            try:
                _compare_gold(event, judge, rows, own, people, section | {"seed": _seed(record)})
            except TooMuch as limit:
                return [(event, str(limit))]
        if next(rows, None) is not None:
            raise broken("a judge is compared with people that ranked nothing of theirs", event.seq)
    return []


def _compare_gold(event: Found, judge: str, rows: Any, own: Judges, people: Judges, section: Mapping[str, Any]) -> None:
    figures = gold_figures(own, people, section["resamples"], section["confidence"], section["seed"])
    conditions = len(next(iter(people.values()))[0])
    chances = {"kendall_tau": 0.0, "pairs": 0.5, "first": 1 / conditions}
    for measure, (value, low, high, questions) in figures.items():
        row = next(rows, None)
        if row is None:
            raise broken(f"{brief(judge)} is not compared with people by {measure}", event.seq)
        what = f"{judge}, {measure}"
        same([row["judge"], row["measure"]], [judge, measure], "what of whom is compared with people", event.seq)
        same(row["questions"], questions, f"{brief(what)}: the number of questions", event.seq)
        wanted = {"value": value, "low": low, "high": high, "chance": chances[measure]}
        for name, number in wanted.items():
            _same_number(row[name], number, f"{what}: {name}", event)


def _people(record: Record, event: Found, names: Sequence[str]) -> dict[str, list[list[int]]]:
    """The people's rankings by question, as places of the conditions."""
    questions, known = questions_of_record(record), 0
    seen: set[tuple[str, int]] = set()
    found: dict[str, list[list[int]]] = {}
    for one in event.values["rankings"]:
        question, person = one["question_id"], one["person"]
        what = f"what person {person} says of question {brief(question)}"
        one_of(questions, question, "the planned question", event.seq)
        if not 1 <= person <= known + 1 or (question, person) in seen:
            raise broken(f"{what} stands twice, or people are not numbered as they appear", event.seq)
        if sorted(one["ranking"]) != list(names):
            raise broken(f"{what} does not rank the conditions of the run", event.seq)
        known = max(known, person)
        seen.add((question, person))
        found.setdefault(question, []).append([1 + one["ranking"].index(name) for name in names])
    if not found:
        raise broken("people are said to have ranked nothing", event.seq)
    return found
