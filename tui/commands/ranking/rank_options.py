"""What `dempo rank` was asked for: which methods, conditions and judges, and how intervals are made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.errors import InputError
from core.facts.ranking.juries import MOST_WEIGHT, label_of
from core.facts.ranking.methods import METHODS, Method
from core.sections.who_judges import RankSection

if TYPE_CHECKING:
    from core.ranking.selection import Ballot

OF_PUBLISHED: Method = "plackett_luce_published"
"""The method whose intervals have to be asked for where there are many conditions."""


@dataclass(frozen=True)
class RankOptions:
    """The options as they were given; what is empty or None is as the run has it, or as `[rank]` has it by default.

    weights are "label=n": how many times each ranking of a judge counts.
    """

    methods: Sequence[str] = ()
    only: Sequence[str] = ()
    drop: Sequence[str] = ()
    judges: Sequence[str] = ()
    weights: Sequence[str] = ()
    resamples: int | None = None
    resample: str | None = None
    confidence: float | None = None
    seed: int | None = None
    published_intervals: bool | None = None

    def section(self, given: RankSection, votes: bool) -> RankSection:
        """How rankings, or votes between two, are aggregated, beginning from the settings `given`.

        Raises:
            InputError: an option is wrong.
        """
        methods = self._methods(given.methods, votes)
        values = {
            "resamples": self.resamples,
            "resample": self._resample(votes),
            "confidence": self._confidence(),
            "published_intervals": self._published_intervals(methods, votes),
        }
        jury = tuple(method for method in given.jury if method in methods) if given.jury is not None else None
        changed = {name: value for name, value in values.items() if value is not None}
        return given.model_copy(update=changed | {"methods": methods, "jury": jury})

    def left_out(self, given: RankSection, votes: bool) -> list[Method]:
        """The methods that are not computed although nothing was asked for, since votes are no rankings."""
        from core.ranking.votes import OF_WHOLE_RANKINGS

        return [method for method in given.methods if votes and not self.methods and method in OF_WHOLE_RANKINGS]

    def _methods(self, given: tuple[Method, ...], votes: bool) -> tuple[Method, ...]:
        from core.ranking.selection import chosen
        from core.ranking.votes import OF_WHOLE_RANKINGS

        asked = chosen(self.methods, METHODS, "--method", "method") or given
        if votes and self.methods:
            whole = [method for method in asked if method in OF_WHOLE_RANKINGS]
            if whole:
                pairs = ", ".join(method for method in METHODS if method not in OF_WHOLE_RANKINGS)
                raise InputError(
                    f"--method {', '.join(whole)}: this takes whole rankings, and the file holds votes between two; "
                    f"choose among {pairs}"
                )
        return tuple(method for method in METHODS if method in asked and not (votes and method in OF_WHOLE_RANKINGS))

    def _resample(self, votes: bool) -> str | None:
        units = {"questions": "questions", "votes" if votes else "rankings": "rankings", "clauses": "clauses"}
        if self.resample is not None and self.resample not in units:
            first, second, last = units
            raise InputError(f"--resample {self.resample!r}: choose {first}, {second} or {last}")
        return None if self.resample is None else units[self.resample]

    def _published_intervals(self, methods: Sequence[Method], votes: bool) -> bool | None:
        if self.published_intervals and OF_PUBLISHED not in methods:
            why = "the file holds votes between two" if votes else "it is not among the methods; add it"
            raise InputError(f"--published-intervals: they are those of {OF_PUBLISHED}, and {why}")
        return self.published_intervals

    def _confidence(self) -> float | None:
        if self.confidence is not None and not 0 < self.confidence < 1:
            raise InputError(f"--confidence {self.confidence:g}: give a share between 0 and 1, such as 0.95")
        return self.confidence

    def selected(self, ballots: Sequence[Ballot]) -> list[Ballot]:
        """The rankings or votes by the judges and of the conditions that are asked for.

        Raises:
            InputError: no judge or condition is called so, or fewer than two conditions are left.
        """
        from core.ranking.selection import of_conditions, of_judges

        return of_conditions(of_judges(ballots, self.judges), self.only, self.drop)

    def weighted(self, ballots: Sequence[Ballot]) -> tuple[list[Ballot], dict[str, int]]:
        """The same with the weights that judges are given, and these; other judges keep theirs.

        Raises:
            InputError: a weight is none, or of a judge that is not there.
        """
        labels = list(dict.fromkeys(label_of(one.judge) for one in ballots))
        given: dict[str, int] = {}
        for text in self.weights:
            label, _, number = text.rpartition("=")
            if label not in labels:
                raise InputError(f"--weight {text!r}: write JUDGE=NUMBER; the judges are {', '.join(labels[:20])}")
            if not number.isascii() or not number.isdigit() or not 1 <= int(number) <= MOST_WEIGHT:
                raise InputError(
                    f"--weight {text!r}: a judge's rankings count 1 to {MOST_WEIGHT} times, as a whole number"
                )
            given[label] = int(number)
        return [replace(one, weight=given.get(label_of(one.judge), one.weight)) for one in ballots], given
