"""What is found about judges and clauses, for whoever shows it: agreement and biases, scores by clause, and abilities
with the length of answers held fixed."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.events import (
    ClausesScored,
    DiagnosticsComputed,
    Event,
    LengthControlledComputed,
    QuestionAgreementComputed,
)
from core.visible import one_line
from storage.findings.heat_map import heat_map
from storage.findings.plain_numbers import as_number, plain_count, plain_number
from storage.record.reader import Reader
from storage.record.rows import ClauseLeaderRow, ClauseScoreRow, JudgesRow, LengthRow, QuestionRow, view_rows
from storage.summary.name_columns import padded, shortened, widest

PROBLEMS = {
    "no_lengths": "left out: how long the answers are is not known",
    "equal_lengths": "left out: all answers to a question are equally long",
    "inseparable": "left out: the same conditions are longer by as much on every question, so that length cannot be "
    "told from ability",
    "no_maximum": "left out: no finite estimate exists, because some answers always win, by condition or by length",
}
"""Why there is no estimate with lengths held fixed."""

_WORST = 5
"""Questions that are named."""

_NAMED = 40


@dataclass(frozen=True)
class JudgesFound:
    """Rows of the views `judge_diagnostics`, `question_agreement`, `clause_scores`, `clause_leaders` and
    `length_controlled`."""

    diagnostics: Sequence[JudgesRow] = ()
    questions: Sequence[QuestionRow] = ()
    clauses: Sequence[ClauseScoreRow] = ()
    leaders: Sequence[ClauseLeaderRow] = ()
    lengths: Sequence[LengthRow] = ()

    @classmethod
    def of_run(cls, reader: Reader) -> JudgesFound:
        """Of a run, as of the event that it is read."""
        return cls(
            view_rows(reader, JudgesRow),
            view_rows(reader, QuestionRow),
            view_rows(reader, ClauseScoreRow),
            view_rows(reader, ClauseLeaderRow),
            view_rows(reader, LengthRow),
        )

    @classmethod
    def of_events(cls, events: Iterable[Event]) -> JudgesFound:
        """Of what was found without a run, as its views would show it."""
        diagnostics: list[JudgesRow] = []
        questions: list[QuestionRow] = []
        clauses: list[ClauseScoreRow] = []
        leaders: list[ClauseLeaderRow] = []
        lengths: list[LengthRow] = []
        for event in events:
            if isinstance(event, DiagnosticsComputed):
                diagnostics = [JudgesRow(name, value) for name, value in event.values.items()]
            elif isinstance(event, QuestionAgreementComputed):
                questions = sorted((QuestionRow(**vars(row)) for row in event.rows), key=_least_agreed_first)
            elif isinstance(event, ClausesScored):
                clauses = [
                    ClauseScoreRow(row.clause_id, cell.condition, cell.borda, cell.firsts, row.rankings)
                    for row in event.rows
                    for cell in row.conditions
                ]
                leaders = [
                    ClauseLeaderRow(row.clause_id, " = ".join(row.leaders), row.difficulty, row.kendall_tau)
                    for row in event.rows
                ]
            elif isinstance(event, LengthControlledComputed):
                beside = {"length": event.length, "length_error": event.length_error, "problem": event.problem}
                lengths = [LengthRow(**vars(row), **beside) for row in event.rows]
                lengths = lengths or [LengthRow(None, None, None, None, None, **beside)]
        return cls(diagnostics, questions, clauses, leaders, lengths)

    def data(self) -> dict[str, list[dict[str, Any]]]:
        """The rows under the names of their views."""
        views = ("judge_diagnostics", "question_agreement", "clause_scores", "clause_leaders", "length_controlled")
        listed = (self.diagnostics, self.questions, self.clauses, self.leaders, self.lengths)
        return {view: [dict(vars(row)) for row in rows] for view, rows in zip(views, listed, strict=True)}

    def lines(self, width: int, rest: str) -> list[str]:
        """All of it in words, on lines of this width; none where nothing is recorded.

        Args:
            rest: where views are that are too long to be shown here, with VIEW for the name.
        """
        return [
            *self.of_judges(width, rest.replace("VIEW", "question_agreement")),
            *heat_map(self.clauses, self.leaders, width, rest.replace("VIEW", "clause_scores")),
            *self.with_lengths(width),
        ]

    def of_judges(self, width: int, rest: str) -> list[str]:
        """Agreement, shown places and lengths, as far as they are known.

        Args:
            rest: where the agreement on all questions is.
        """
        known = {str(row.name): row.value for row in self.diagnostics}
        found = [
            *_of_agreement(known, width),
            *self._worst(width, rest),
            *_of_places(known, width),
            *_of_lengths(known, width),
        ]
        return ["Judges: agreement and biases", *found, ""] if found else []

    def _worst(self, width: int, rest: str) -> list[str]:
        if not self.questions:
            return []
        named = [
            f"{one_line(str(row.question_id), 20)} (τ {plain_number(row.kendall_tau, 2)})"
            for row in self.questions[:_WORST]
        ]
        more = f"; the rest: {rest}" if len(self.questions) > _WORST else ""
        return _filled(f"least agreed on: {', '.join(named)}{more}", width)

    def with_lengths(self, width: int) -> list[str]:
        """Abilities with the length of answers held fixed, or why there are none; nothing where nothing is recorded."""
        if not self.lengths:
            return []
        head = "Win rates with the length of answers held fixed"
        problem = self.lengths[0].problem
        if problem is not None:
            return [head, *_filled(PROBLEMS.get(str(problem), one_line(str(problem), 60)), width), ""]
        names = [shortened(row.condition, min(_NAMED, max(10, width - 42))) for row in self.lengths]
        longest = widest(names)
        lines = [head, f"  {'':<{longest}}{'win rate':>10}{'raw':>8}{'ability':>10}{'error':>8}"]
        ordered = sorted(zip(names, self.lengths, strict=True), key=lambda pair: -(as_number(pair[1].ability) or 0.0))
        for name, row in ordered:
            numbers = (f"{plain_number(row.win_rate):>10}{plain_number(row.raw_win_rate):>8}",)
            lines.append(
                f"  {padded(name, longest)}{numbers[0]}{plain_number(row.ability):>10}{plain_number(row.error):>8}"
            )
        worth, error = (plain_number(value) for value in (self.lengths[0].length, self.lengths[0].length_error))
        told = (
            f"one standard deviation more of length is worth {worth} in log-odds (standard error {error}); errors are "
            "clustered by question"
        )
        return [*lines, *_filled(told, width), ""]


def _least_agreed_first(row: QuestionRow) -> tuple[bool, float, float, float]:
    """As the view has it: what is not a number comes last."""
    tau = float(row.kendall_tau)
    return tau != tau, tau if tau == tau else 0.0, float(row.top1_agreement), float(row.top1_margin)


def _of_agreement(known: Mapping[str, Any], width: int) -> list[str]:
    some = as_number(known.get("questions_with_agreement"))
    if not some:
        return []
    of_tau = {"": "kendall_tau", "median ": "kendall_tau_median"}
    of_first = {"agreement ": "top1_agreement", "margin ": "top1_margin", "Fleiss κ ": "fleiss_kappa_first"}
    parts = [("Kendall τ ", of_tau), ("first place: ", of_first)]
    told = [
        head + ", ".join(f"{words}{plain_number(known[name])}" for words, name in names.items() if name in known)
        for head, names in parts
    ]
    return _filled(f"on {plain_count(some)} {'question' if some == 1 else 'questions'}: {'; '.join(told)}", width)


def _of_places(known: Mapping[str, Any], width: int) -> Iterator[str]:
    if "shown_rank_correlation" not in known:
        return
    of = f", of {plain_count(known['shown_rankings'])} rankings" if "shown_rankings" in known else ""
    told = f"shown place{of}: correlation with rank {plain_number(known['shown_rank_correlation'])}"
    if "shown_p" in known:
        p = as_number(known["shown_p"])
        told += (
            f"; firsts by place differ by up to {plain_number(known['first_given_shown_spread'])} "
            f"(χ² {plain_number(known['shown_chi2'], 1)}, p {'?' if p is None else f'{p:.2g}'})"
        )
    yield from _filled(told, width)
    places = [name.partition(":")[2] for name in known if name.startswith("first_given_shown:")]
    each = max(1, (width - 16) // 7)
    for start in range(0, len(places), each):
        some = places[start : start + each]
        yield f"    {'place':<10}" + "".join(f"{one_line(place, 6):>7}" for place in some)
        for words, name in (("first", "first_given_shown"), ("mean rank", "mean_rank_shown")):
            if all(f"{name}:{place}" in known for place in some):
                yield f"    {words:<10}" + "".join(f"{plain_number(known[f'{name}:{place}']):>7}" for place in some)


def _of_lengths(known: Mapping[str, Any], width: int) -> Iterator[str]:
    if "length_rank_correlation" not in known:
        return
    rows = {"characters": "length_rank", "words": "words_rank"}
    yield from _filled("length: correlation with rank, below 0 where longer answers rank better", width)
    yield f"    {'':<12}{'Pearson':>10}{'Spearman':>10}"
    for words, name in rows.items():
        numbers = [plain_number(known.get(f"{name}_{kind}")) for kind in ("pearson", "correlation")]
        if any(numbers):
            yield f"    {words:<12}" + "".join(f"{number:>10}" for number in numbers)
    pairs = known.get("unequal_pairs")
    of = "" if pairs is None else f"{plain_count(pairs)} "
    yield from _filled(
        f"the longer of two answers ranks better in a share of {plain_number(known.get('longer_wins'))} of {of}pairs "
        "of unequal length",
        width,
    )


def _filled(words: str, width: int) -> list[str]:
    return textwrap.wrap(words, width, initial_indent="  ", subsequent_indent="  ")
