"""Values that pass between stages. All are frozen.

Raters are addressed by index: r is the position in `PreferencePairs.raters`, which are in the order of their source
ids, and i that in `Pool.raters`, which are in the order of their pseudonyms. Lotteries know types alone, so nothing
but which of several people with equal attributes is drawn depends on pseudonyms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from core.events import PoolBounds

LOTTERY_DENOMINATOR = 2**53
"""Panel probabilities of an exact lottery are integers over this denominator, so that they sum to one exactly."""

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True)
class Message:
    """One message of a conversation."""

    role: Role
    content: str


Context = tuple[Message, ...]
"""The messages before a response; the last one is the user's."""


@dataclass(frozen=True)
class Rater:
    """A person who rated responses: pseudonym and category per attribute, in population order."""

    rater_id: str
    attributes: Mapping[str, str]
    locale: str = ""
    us_rep: bool = False


@dataclass(frozen=True)
class PreferencePairs:
    """Every usable preference pair; all filters have been applied, so N_r is final.

    contexts and responses are distinct texts; the four index arrays have shape (P,), int32:
    pair p says that rater[p] prefers responses[chosen[p]] to responses[rejected[p]]
    after contexts[context[p]]. Raters are sorted by source id.
    """

    raters: tuple[Rater, ...]
    contexts: tuple[Context, ...]
    responses: tuple[str, ...]
    context: NDArray[np.int32]
    chosen: NDArray[np.int32]
    rejected: NDArray[np.int32]
    rater: NDArray[np.int32]

    def __post_init__(self) -> None:
        size = len(self.context)
        if not (len(self.chosen) == len(self.rejected) == len(self.rater) == size):
            raise ValueError("context, chosen, rejected and rater must have equal lengths")

    def __len__(self) -> int:
        return len(self.context)

    def pairs_per_rater(self) -> NDArray[np.int64]:
        """N_r for every rater, shape (R,)."""
        return np.bincount(self.rater, minlength=len(self.raters))


@dataclass(frozen=True)
class Pool:
    """People who can be drawn, collapsed into types of equal attributes.

    Where there is preference data these are the raters with at least one usable pair and a category in every
    attribute, and rater[i] is the index of pool member i in `PreferencePairs.raters`; members are in the order
    of their pseudonyms. types[t] holds one category per attribute, in the order of `attributes`; types are numbered in
    order of their categories, so that they don't depend on the raters' order.

    bounds are the quotas of a pool that came with them (`data.format = "tables"`), one per category;
    `seated` people of an earlier panel keep their seats: they are not in the pool, and the bounds are
    what is left for the others.
    """

    attributes: tuple[str, ...]
    raters: tuple[Rater, ...]
    pairs: tuple[int, ...]
    rater: tuple[int, ...]
    types: tuple[tuple[str, ...], ...]
    type_of: tuple[int, ...]
    bounds: tuple[PoolBounds, ...] = ()
    seated: int = 0

    def type_sizes(self) -> tuple[int, ...]:
        """n_t for every type."""
        sizes = [0] * len(self.types)
        for t in self.type_of:
            sizes[t] += 1
        return tuple(sizes)

    def members(self, type_index: int) -> tuple[int, ...]:
        """Pool indices of the raters of one type, in order."""
        return tuple(i for i, t in enumerate(self.type_of) if t == type_index)


@dataclass(frozen=True)
class Lottery:
    """A probability distribution over compositions (how many raters of each type a panel has).

    panels[p][t] is x_{p,t}; numerators[p] / denominator is λ_p. The constructor checks that λ sums to
    one exactly and that every composition has `size` members and at most n_t of each type.

    A uniform lottery names the members of its panels as well: members[p] are pool indices in
    order, so that the number of a panel says who is on it. Elsewhere `members` is empty and a draw
    takes the members of each type uniformly.
    """

    name: str
    size: int
    type_sizes: tuple[int, ...]
    panels: tuple[tuple[int, ...], ...]
    numerators: tuple[int, ...]
    denominator: int = LOTTERY_DENOMINATOR
    members: tuple[tuple[int, ...], ...] = ()

    def __post_init__(self) -> None:
        if sum(self.numerators) != self.denominator or min(self.numerators) <= 0:
            raise ValueError(f"lottery {self.name!r}: panel probabilities must be positive and sum to one")
        for panel in self.panels:
            if sum(panel) != self.size:
                raise ValueError(f"lottery {self.name!r}: a composition does not have {self.size} members")
            if any(not 0 <= x <= n for x, n in zip(panel, self.type_sizes, strict=True)):
                raise ValueError(f"lottery {self.name!r}: a composition takes more raters than a type has")
        if self.members and len(self.members) != len(self.panels):
            raise ValueError(f"lottery {self.name!r}: some panels have named members and some have not")

    def inclusion_by_type(self) -> tuple[Fraction, ...]:
        """π of each type, exactly: Σ_p λ_p·x_{p,t} / n_t; of named members, the mean over a type."""
        totals = [0] * len(self.type_sizes)
        for numerator, panel in zip(self.numerators, self.panels, strict=True):
            for t, x in enumerate(panel):
                if x:
                    totals[t] += numerator * x
        return tuple(Fraction(total, self.denominator * n) for total, n in zip(totals, self.type_sizes, strict=True))

    def inclusion(self, type_of: Sequence[int]) -> tuple[Fraction, ...]:
        """π of each rater, exactly; type_of[i] is the type of pool member i."""
        if not self.members:
            by_type = self.inclusion_by_type()
            return tuple(by_type[t] for t in type_of)
        totals = [0] * len(type_of)
        for numerator, members in zip(self.numerators, self.members, strict=True):
            for i in members:
                totals[i] += numerator
        return tuple(Fraction(total, self.denominator) for total in totals)


@dataclass(frozen=True)
class Draw:
    """One panel drawn from a lottery: pool indices of its members, in order."""

    draw: str
    lottery: str
    panel: int
    members: tuple[int, ...]


@dataclass(frozen=True)
class Condition:
    """What one model trains on.

    weight[r] (length R of `PreferencePairs.raters`) is w_r; a pair of rater r counts ω = w_r / N_r.
    schedule has shape (steps, batch): indices into the pairs, one row per optimizer step.
    flipped has the schedule's shape and says where chosen and rejected change places
    (only for the population condition of planted worlds). micro_batch are the pairs inside which the estimator
    "published" normalises weights; others have no use for it.
    pairs_of_rater are the pairs that may be trained on; measured are the held-out ones on which every condition is
    measured, shape (M,), the same for all.
    """

    name: str
    source: str
    estimator: str
    weight: NDArray[np.float64]
    pairs_of_rater: NDArray[np.int64]
    schedule: NDArray[np.int32]
    flipped: NDArray[np.bool_]
    micro_batch: int = 1
    measured: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


@dataclass(frozen=True)
class Question:
    """A stand-alone question asked under one clause of the constitution."""

    question_id: str
    clause_id: int
    clause: str
    text: str


@dataclass(frozen=True)
class Earlier:
    """What another run asked, and how its conditions answered, as far as they did; texts exactly as recorded.

    `head` is the hash of its last event, number `events`; answers[condition] maps a question's id to the answer.
    """

    run_id: str
    head: str
    events: int
    constitution: str
    questions: tuple[Question, ...]
    answers: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Ranking:
    """One judge's order of the conditions for one question, best first; it counts `weight` times."""

    question_id: str
    clause_id: int
    judge: str
    order: tuple[str, ...]
    weight: int = 1


@dataclass(frozen=True)
class Judged:
    """What the judges said: rankings, and what is needed to measure their biases.

    shown[k] are the conditions in the order in which call k showed their answers (empty where unknown);
    lengths holds the characters of each answer by (condition, question_id), words its words; calls is how many calls
    the rankings came out of.
    """

    rankings: tuple[Ranking, ...]
    shown: tuple[tuple[str, ...], ...]
    lengths: Mapping[tuple[str, str], int]
    calls: int = 0
    words: Mapping[tuple[str, str], int] = field(default_factory=dict)
