"""`dempo power`: from a pilot's rankings, the calls that separate two conditions by ε."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from core.errors import InputError
from core.facts.plural import number_of
from core.facts.ranking.juries import label_of
from tui.terminal import tables
from tui.terminal.command_line import DEFAULT_RUNS as RUNS
from tui.terminal.completion import find_run, run_names
from tui.terminal.options import Json, RunsDir, print_data

if TYPE_CHECKING:
    from core.ranking.robustness.power import Aim, Allocation, Components, Measure, Prices, Spending
    from core.types import Ranking
    from storage.record.reader import Reader

PER_QUESTION = (1, 2, 3, 5)
"""Rankings of a question that the table is for."""

_FEW = 30
"""Questions below which normal intervals and variances are rough."""

_HEADS = {"borda": "difference", "win_rate": "win rate"}

_MEANING = {
    "borda": "in mean Borda points, above 0 where the first of the pair is ahead",
    "win_rate": "of the first of the pair over the second",
}

Pilot = Annotated[
    str,
    typer.Argument(metavar="RUN|FILE", help="A run, or a file that `dempo rank` reads.", autocompletion=run_names),
]


def power(
    pilot: Pilot,
    epsilon: Annotated[float, typer.Option("--epsilon", help="The difference that is to be separated from 0.")],
    pair: Annotated[
        str | None, typer.Option("--pair", metavar="A,B", help="These two conditions; else the pair that needs most.")
    ] = None,
    measure: Annotated[
        str, typer.Option("--measure", help="borda: difference of mean Borda scores; win_rate: beyond one half.")
    ] = "borda",
    wanted: Annotated[float, typer.Option("--power", help="Probability that it is separated.")] = 0.8,
    confidence: Annotated[float, typer.Option("--confidence", help="Coverage of the interval.")] = 0.95,
    runs_dir: RunsDir = RUNS,
    as_json: Json = False,
) -> None:
    """Say how many questions and judge calls separate two conditions by a difference, from a pilot's rankings."""
    aim = _aim(epsilon, wanted, confidence)
    if measure not in ("borda", "win_rate"):
        raise InputError(f"--measure {measure!r}: choose borda or win_rate")
    rankings, spending = _read(pilot, runs_dir)
    found = powered(rankings, aim, cast("Measure", measure), spending, pair)
    print_data({"power": found.data()}, as_json, found.text())


@dataclass(frozen=True)
class PairPower:
    """A pair: what the pilot says of it, the difference that the pilot can detect, and what separates it by ε."""

    condition: str
    other: str
    components: Components
    detectable: float
    allocations: Sequence[Allocation]

    @property
    def most(self) -> float:
        """How many questions it takes with one ranking of each."""
        return self.allocations[0].questions

    def data(self) -> dict[str, Any]:
        return {
            "condition": self.condition,
            "other": self.other,
            "mean": self.components.mean,
            "between": self.components.between,
            "within": self.components.within,
            "detectable": self.detectable,
            "allocations": [vars(one) for one in self.allocations],
            "least_calls": min(self.allocations, key=lambda one: (one.calls, one.questions)).rankings,
            "least_cost": self.cheapest,
        }

    @property
    def cheapest(self) -> int | None:
        """The rankings of a question at which it costs least; None without prices."""
        priced = [(one.cost, one.rankings) for one in self.allocations if one.cost is not None]
        return min(priced)[1] if priced else None


@dataclass(frozen=True)
class Powered:
    """What a pilot says of its pairs, and which of them is asked about."""

    aim: Aim
    measure: Measure
    spending: Spending
    pairs: Sequence[PairPower]
    asked: PairPower
    named: bool

    def data(self) -> dict[str, Any]:
        """All of it as JSON values."""
        prices = self.spending.prices
        return {
            **vars(self.aim),
            "measure": self.measure,
            "questions": self.asked.components.questions,
            "rankings": self.asked.components.rankings,
            "share_ranked": self.spending.share,
            "prices": None if prices is None else vars(prices),
            "pair": [self.asked.condition, self.asked.other],
            "pairs": [pair.data() for pair in self.pairs],
        }

    def text(self) -> str:
        """Two tables, with what has to be said of them."""
        aim, pilot = self.aim, self.asked.components
        head = f"Pilot: {number_of(pilot.questions, 'question')}, {number_of(pilot.rankings, 'ranking')}"
        rows = [
            {
                "pair": f"{pair.condition} / {pair.other}",
                "mean": pair.components.mean,
                "between": pair.components.between**0.5,
                "within": None if pair.components.within is None else pair.components.within**0.5,
                "detectable": pair.detectable,
            }
            for pair in self.pairs
        ]
        columns = {
            "mean": _HEADS[self.measure],
            "between": "sd between",
            "within": "sd within",
            "detectable": "detects",
        }
        first = tables.table(rows, {**columns, "pair": "pair"})
        why = "" if self.named or len(self.pairs) == 1 else ", the pair that needs most,"
        of = f"{self.asked.condition} / {self.asked.other}{why}"
        second = f"To separate {of} by {aim.epsilon:g} with probability {aim.power:g}"
        listed = [
            {"rankings": one.rankings, "questions": one.questions, "calls": one.calls}
            | ({} if one.cost is None else {"cost": one.cost})
            for one in self.asked.allocations
        ]
        names = {"rankings": "rankings a question", "questions": "questions", "calls": "judge calls", "cost": "cost"}
        shown = {key: name for key, name in names.items() if key in listed[0]}
        parts = [head, "", first, *map(tables.remark, self._of_pairs()), "", tables.remark(second).lstrip(), ""]
        return "\n".join([*parts, tables.table(listed, shown, digits=2), *map(tables.remark, self._of_calls())])

    def _of_pairs(self) -> list[str]:
        told = (
            f"{_HEADS[self.measure]}: {_MEANING[self.measure]}; sd: standard deviations between questions and between "
            "the rankings of one; detects: the difference that this pilot separates with probability "
            f"{self.aim.power:g}, by {100 * self.aim.confidence:.4g} % intervals"
        )
        single = self.asked.components.within is None
        more = (
            "no question has two rankings: sd between is that of single rankings, and what further ones of a question "
            "would add is not known"
        )
        few = f"the variances rest on {number_of(self.asked.components.questions, 'question')}, and are rough"
        rough = [few] if self.asked.components.questions < _FEW else []
        return [told, *([more] if single else []), *rough]

    def _of_calls(self) -> list[str]:
        found = self.asked.data()
        least = f"fewest calls: {number_of(found['least_calls'], 'ranking')} a question"
        cheapest = self.asked.cheapest
        if cheapest is not None:
            least = f"{least}; least cost, in the currency of the prices: {number_of(cheapest, 'ranking')} a question"
        told = [least]
        if self.spending.share < 1:
            told.append(f"{self.spending.share:.1%} of the pilot's calls gave a ranking, and so it is taken to go on")
        if self.asked.allocations[-1].questions < _FEW:
            told.append("intervals of fewer than some 30 questions are too narrow: take more of them than this says")
        return told


def powered(
    rankings: Sequence[Ranking], aim: Aim, measure: Measure, spending: Spending, asked: str | None = None
) -> Powered:
    """What the rankings say of every pair of conditions.

    Args:
        asked: "a,b"; without it, the pair that needs most questions is the one that is asked about.

    Raises:
        InputError: the rankings have one condition or one question, or not this pair.
    """
    from core.ranking.robustness.power import allocations, components, groups_of

    conditions = sorted(rankings[0].order)
    if len(conditions) < 2:
        raise InputError("rankings of one condition have no pair to separate")
    largest = len(conditions) - 1 if measure == "borda" else 0.5
    if aim.epsilon > largest:
        raise InputError(f"--epsilon {aim.epsilon:g}: by {measure} two conditions differ by {largest:g} at most")
    chosen = None if asked is None else _pair(asked, conditions)
    found: dict[tuple[str, str], PairPower] = {}
    for pair in combinations(conditions, 2):
        one, other = chosen if chosen and sorted(chosen) == list(pair) else pair
        known = components(groups_of(rankings, one, other, measure))
        planned = allocations(known, aim, PER_QUESTION, spending)
        found[one, other] = PairPower(one, other, known, aim.detectable(known), planned)
    hardest = max(found.values(), key=lambda each: each.most)
    return Powered(aim, measure, spending, list(found.values()), found[chosen] if chosen else hardest, bool(chosen))


def _aim(epsilon: float, wanted: float, confidence: float) -> Aim:
    from core.ranking.robustness.power import Aim

    if not 0 < epsilon < float("inf"):
        raise InputError(f"--epsilon {epsilon:g}: give the difference that matters to you, above 0")
    if not 0.5 <= wanted < 1:
        raise InputError(f"--power {wanted:g}: give a probability from 0.5 to below 1")
    if not 0 < confidence < 1:
        raise InputError(f"--confidence {confidence:g}: give a coverage between 0 and 1")
    return Aim(epsilon, wanted, confidence)


def _pair(text: str, conditions: Sequence[str]) -> tuple[str, str]:
    """Two of the conditions, whose names may hold commas."""
    for place, sign in enumerate(text):
        one, other = text[:place].strip(), text[place + 1 :].strip()
        if sign == "," and one != other and one in conditions and other in conditions:
            return one, other
    raise InputError(f"--pair {text!r}: write A,B with two of the conditions {', '.join(conditions[:20])}")


# ------------------------------------------------------------ the pilot


def _read(pilot: str, runs_dir: Path) -> tuple[Sequence[Ranking], Spending]:
    """The rankings of a file, or of a run with what its calls took."""
    from core.ranking.robustness.power import Spending

    path = Path(pilot)
    if path.is_file():
        from core.ranking.files import read_file

        rankings = read_file(path).rankings
        if not rankings:
            raise InputError(f"{path} holds votes between two; power is planned from whole rankings")
        return rankings, Spending()
    from storage.draws.history import config_of
    from storage.judging.run_rankings import rankings_of_run
    from storage.record.reader import Reader

    reader = Reader(find_run(pilot, runs_dir))
    return rankings_of_run(reader, config_of(reader)), spending_of_run(reader)


def spending_of_run(reader: Reader) -> Spending:
    """The share of its calls that gave a ranking, and what a call and a question cost where all of it has a price."""
    from core.ranking.robustness.power import Spending

    outcomes = [(label_of(str(row["judge"])), row["outcome"]) for row in reader.view("judge_calls")]
    share = sum(outcome == "ranked" for _, outcome in outcomes) / len(outcomes) if outcomes else 1.0
    return Spending(share or 1.0, _prices(reader, [label for label, _ in outcomes]))


def _prices(reader: Reader, labels: Sequence[str]) -> Prices | None:
    """What calls cost on average, those of judges at no endpoint nothing; None where one that is asked has no price."""
    from core.ranking.robustness.power import Prices
    from storage.judging.costs import JudgeCosts

    costs = JudgeCosts.of_run(reader)
    before = [*([costs.written] if costs.written else []), *costs.answered]
    if not costs.rows or any(row["cost"] is None or not row["calls"] for row in (*costs.rows, *before)):
        return None
    by_judge = {str(row["judge"]): float(row["cost"]) / row["calls"] for row in costs.rows}
    questions = len(reader.view("questions"))
    if not labels or not questions:
        return None
    return Prices(
        sum(by_judge.get(label, 0.0) for label in labels) / len(labels),
        sum(float(row["cost"]) for row in before) / questions,
    )
