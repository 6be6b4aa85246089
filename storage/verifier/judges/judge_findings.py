"""Agreement by question, scores by clause, and abilities with lengths held fixed, from the recorded rankings again."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from storage.verifier.answers.each_once import check_answers
from storage.verifier.contents.judgements import check_judge_calls
from storage.verifier.ground.finding import Finding, brief, broken, same, whole
from storage.verifier.ground.record import Found, Record
from storage.verifier.judges.agreement import question_figures, rankings_by_question
from storage.verifier.judges.clause_figures import clause_figures
from storage.verifier.judges.length_model import LengthModel, length_model
from storage.verifier.ranking.estimates import agrees, ballots_of_record, ranked_calls
from storage.verifier.ranking.juries_asked import before_juries
from storage.verifier.ranking.resamples import Ballot, TooMuch

Fit = Callable[[Sequence[Ballot]], LengthModel]
"""How abilities with lengths held fixed are found."""

MOST_AGREED = 20_000_000
"""Pairs of conditions over all rankings: some ten seconds. A paper's run has 150,000."""

FOUND_KINDS = ("question_agreement.computed", "clauses.scored", "length_controlled.computed")


def check_judge_findings(record: Record) -> str:
    """How far judges agree on each question, what they say of each clause, and abilities with lengths held fixed."""
    return findings_compared(record, length_model)


def findings_compared(record: Record, fit: Fit) -> str:
    """Compares what was found about judges and clauses with what the rankings give.

    Raises:
        Finding: something is another one ("failed"), takes too long ("unknown"), or takes texts that are not here
            ("withheld").
    """
    whole(record)
    by_question, by_clause, with_lengths = (record.counted(kind) for kind in FOUND_KINDS)
    if not by_question and not by_clause and not with_lengths:
        return "nothing by question or clause is recorded"
    if before_juries(record):
        raise broken("a version of the stage that measured nothing by question or clause is said to have done so")
    for events in (by_question, by_clause, with_lengths):
        if len(events) > 1:
            raise broken(f"{events[1].kind} is recorded twice", events[1].seq)
    check_judge_calls(record)
    check_answers(record)
    names, ballots, withheld = ballots_of_record(record)
    if len(ballots) * math.comb(len(names), 2) > MOST_AGREED:
        told = f"{len(ballots)} rankings of {len(names)} conditions"
        raise Finding("unknown", f"{told} would take too long to compare by question and clause")
    asked = list({(call["clause_id"], call["question_id"]): None for call in ranked_calls(record)})
    for event in by_question:
        _compare_questions(event, asked, ballots)
    for event in by_clause:
        _compare_clauses(event, list(dict.fromkeys(clause for clause, _ in asked)), names, ballots)
    told = f"agreement on each question and scores of {len({clause for clause, _ in asked})} clauses computed again"
    if withheld and with_lengths:
        raise Finding("withheld", f"{told}, without the lengths of {withheld} texts that were withheld")
    for event in with_lengths:
        try:
            _compare_with_lengths(event, names, fit(ballots))
        except TooMuch as limit:
            raise Finding("unknown", f"{told}; not with lengths held fixed ({limit})", event.seq) from None
    return f"{told}, and abilities with lengths held fixed"


def _compare_questions(event: Found, asked: Sequence[tuple[int, str]], ballots: Sequence[Ballot]) -> None:
    several = [(asked[k], listed) for k, listed in rankings_by_question(ballots).items() if len(listed) > 1]
    rows = event.values["rows"]
    same(len(rows), len(several), "how many questions have rankings that can agree", event.seq)
    for row, ((clause, question), listed) in zip(rows, several, strict=True):
        what = f"question {brief(question)}"
        same([row["clause_id"], row["question_id"]], [clause, question], "the question of a row", event.seq)
        _same_figures(event, what, row, question_figures(listed)._asdict())


def _compare_clauses(event: Found, clauses: Sequence[int], names: Sequence[str], ballots: Sequence[Ballot]) -> None:
    figures = clause_figures(ballots)
    rows = event.values["rows"]
    same([row["clause_id"] for row in rows], list(clauses), "the clauses in their order", event.seq)
    for row, found in zip(rows, figures, strict=True):
        what = f"clause {row['clause_id']}"
        same(row["leaders"], [names[i] for i in found.leaders], f"{what}: who leads", event.seq)
        _same_figures(event, what, row, {key: getattr(found, key) for key in ("rankings", "difficulty", "kendall_tau")})
        cells = row["conditions"]
        same([cell["condition"] for cell in cells], list(names), f"{what}: its conditions", event.seq)
        for cell, borda, firsts in zip(cells, found.borda, found.firsts, strict=True):
            of_one = f"{what}, {brief(cell['condition'])}"
            _same_figures(event, of_one, cell, {"borda": borda, "firsts": firsts})


def _compare_with_lengths(event: Found, names: Sequence[str], found: LengthModel) -> None:
    values, what = event.values, "with lengths held fixed"
    same(values.get("problem"), found.problem, f"{what}: why there is no estimate", event.seq)
    _same_figures(event, what, values, {"votes": found.votes, "questions": found.questions})
    rows = values["rows"]
    estimated = found.problem is None
    same([row["condition"] for row in rows], list(names) if estimated else [], f"{what}: the conditions", event.seq)
    own = ("length", "length_error", "scale")
    if not estimated:
        same([name for name in own if name in values], [], f"{what}: numbers without an estimate", event.seq)
        return
    _same_figures(event, what, values, {name: getattr(found, name) for name in own})
    columns = zip(found.abilities, found.errors, found.win_rates, found.raw_win_rates, strict=True)
    for row, (ability, error, rate, raw) in zip(rows, columns, strict=True):
        of_one = {"ability": ability, "error": error, "win_rate": rate, "raw_win_rate": raw}
        _same_figures(event, f"{what}: {brief(row['condition'])}", row, of_one)


def _same_figures(event: Found, what: str, recorded: Mapping[str, Any], figures: Mapping[str, float]) -> None:
    for name, wanted in figures.items():
        if name not in recorded:
            raise broken(f"{what}: {name} is missing; the rankings give {wanted:.12g}", event.seq)
        if not agrees(float(recorded[name]), wanted):
            raise broken(f"{what}: {name} is {brief(recorded[name])}; the rankings give {wanted:.12g}", event.seq)
