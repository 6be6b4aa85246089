"""How often intervals hold the true scores: rankings drawn from a model whose true scores are known.

A condition has the utility β + an effect of the clause + one of the question + Gumbel noise of each of five judges:
each judge ranks by a Plackett–Luce model of the question, and judges of one question agree more than those of different
ones. The true scores are those of very many questions of the same kind.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from core.facts.randomness import RandomStream
from core.facts.ranking.methods import Method
from core.ranking.counts import Floats
from core.ranking.leaderboards import Aggregation
from core.sections.who_judges import RankSection
from core.types import Ranking

CONDITIONS = tuple("abcde")
TRUE_UTILITY = np.array([0.375, 0.113, 0.071, 0.026, -0.584])
JUDGES = 5
BY_METHOD: tuple[Method, ...] = ("borda", "bradley_terry", "plackett_luce", "plackett_luce_published")


@dataclass(frozen=True)
class Cell:
    """A kind of data: so many questions, in so many clauses, with effects of these standard deviations."""

    questions: int
    resample: str
    clauses: int = 1
    of_question: float = 1.0
    of_clause: float = 0.0


CELLS = {
    "150 questions": Cell(150, "questions"),
    "150 questions, rankings resampled": Cell(150, "rankings"),
    "20 questions": Cell(20, "questions"),
    "10 questions": Cell(10, "questions"),
    "150 questions in 75 clauses with effects": Cell(150, "questions", 75, of_clause=0.7),
    "150 questions in 75 clauses with effects, clauses resampled": Cell(150, "clauses", 75, of_clause=0.7),
    "150 questions in 15 clauses with effects": Cell(150, "questions", 15, of_clause=0.7),
    "150 questions in 15 clauses with effects, clauses resampled": Cell(150, "clauses", 15, of_clause=0.7),
}


def drawn(cell: Cell, generator: np.random.Generator) -> list[Ranking]:
    """One set of rankings."""
    m = len(CONDITIONS)
    clause = np.arange(cell.questions) % cell.clauses
    effect = cell.of_clause * generator.normal(size=(cell.clauses, m))[clause]
    effect = effect + cell.of_question * generator.normal(size=(cell.questions, m))
    utility = (TRUE_UTILITY + effect)[:, None] + generator.gumbel(size=(cell.questions, JUDGES, m))
    orders = np.argsort(-utility, axis=2)
    return [
        Ranking(str(q), int(clause[q]), f"j#{k}", tuple(CONDITIONS[i] for i in orders[q, k]))
        for q in range(cell.questions)
        for k in range(JUDGES)
    ]


def scores(rankings: list[Ranking], config: RankSection, seed: int) -> Iterator[tuple[Method, dict[str, Floats]]]:
    """Of each method: score, low and high of the conditions."""
    stream = RandomStream(seed, "rank")
    aggregation = Aggregation(rankings, config, stream, lambda done, total, detail: None)
    for method in config.methods:
        rows = {row.condition: row for row in aggregation.leaderboard(method).rows}
        yield (
            method,
            {
                name: np.array([getattr(rows[condition], name) for condition in CONDITIONS])
                for name in ("score", "low", "high")
            },
        )


@lru_cache(maxsize=4)
def truth(of_question: float, of_clause: float) -> dict[Method, Floats]:
    """The scores of very many questions, each of a clause of its own."""
    many = Cell(60_000, "questions", 60_000, of_question, of_clause)
    config = RankSection(methods=BY_METHOD, resamples=1)
    return {method: found["score"] for method, found in scores(drawn(many, np.random.default_rng(0)), config, 0)}


def coverage(cell: Cell, sets: int, resamples: int = 1000, first: int = 0) -> dict[Method, Floats]:
    """Whether each interval of each set held the true score, shape (sets, conditions), by method."""
    wanted = truth(cell.of_question, cell.of_clause)
    config = RankSection.model_validate({"methods": BY_METHOD, "resamples": resamples, "resample": cell.resample})
    held: dict[Method, list[Floats]] = {method: [] for method in BY_METHOD}
    for number in range(first, first + sets):
        rankings = drawn(cell, np.random.default_rng([7, number]))
        for method, found in scores(rankings, config, number):
            held[method].append((found["low"] <= wanted[method]) & (wanted[method] <= found["high"]))
    return {method: np.array(listed) for method, listed in held.items()}


if __name__ == "__main__":
    wanted_sets = int(sys.argv[1])
    print(f"| {wanted_sets} sets of | {' | '.join(BY_METHOD)} |")
    for name, cell in CELLS.items():
        begun = time.process_time()
        held_by = coverage(cell, wanted_sets)
        shares = " | ".join(f"{held_by[method].mean():.3f}".lstrip("0") for method in BY_METHOD)
        print(f"| {name} | {shares} | {time.process_time() - begun:.0f} s", flush=True)
