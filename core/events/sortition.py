"""Lotteries and draws."""

from __future__ import annotations

from typing import ClassVar, Literal

from core.events.base import Event, Number, Part, Sha256, described, sealed, volatile
from core.events.data import FileRead, PoolType
from core.events.ranking import ComparedRow


class QuotaRow(Part):
    """One quota; target is an exact decimal, absent where the bounds were given in members."""

    attribute: str
    category: str
    target: str | None = None
    lower: int
    upper: int
    slack: bool
    in_pool: int


class LotteryQuotas(Event):
    """The quotas a lottery has to meet."""

    kind: ClassVar[str] = "lottery.quotas"
    lottery: str = described("name of the lottery")
    size: int = described("panel size k")
    tolerance: str = described("relative tolerance τ, decimal")
    quotas: list[QuotaRow] = described("bounds per category: ⌊p·k·(1−τ)⌋ and ⌈p·k·(1+τ)⌉; slack is unbounded")


class LotteryTypes(Event):
    """The types of the lottery; numbers as in `pool.built`."""

    kind: ClassVar[str] = "lottery.types"
    lottery: str = described("name of the lottery")
    attributes: list[str] = described("names of the attributes, in order")
    types: list[PoolType] = sealed("people", "number, categories and size of every type")


class LotteryBounded(Event):
    """What is known a second after the start: no lottery gives a type more than this without giving another less.

    LEXIMIN of the linear relaxation; it is the optimum itself where a lottery reaches it (`lottery.solved`).
    """

    kind: ClassVar[str] = "lottery.bounded"
    lottery: str = described("name of the lottery")
    pi: list[float] = sealed("people", "π per type in the relaxation's LEXIMIN")


class LotteryLevel(Event):
    """One stage of LEXIMIN: the level reached, the types fixed at it, and why no lottery does better.

    docs/sortition.md says what the proof is and how to check it with fractions alone.
    """

    kind: ClassVar[str] = "lottery.level"
    lottery: str = described("name of the lottery")
    level: int = described("0 is the lowest")
    probability: float = described("inclusion probability of the types fixed here")
    types: list[int] = sealed("people", "types fixed at this level")
    binding: dict[str, float] = described(
        "by how much the level rises per member that a quota gives way, by 'attribute: category (lower|upper)'",
        default_factory=dict,
    )
    exact: str | None = described("the level as a fraction p/q", default=None)
    proof: Literal["quotas", "panels", "certain"] | None = described(
        "quotas: prices of seats and quotas prove the level; panels: values of the types do, with a bound that an "
        "integer programme found; certain: every type that is left has probability 1",
        default=None,
    )
    gap: str = described(
        "how far above `exact` the proof leaves room, a fraction; 0 where it is exact, above 1e-9 where floating-point "
        "arithmetic could not decide the level: nothing proves it or those above it to be LEXIMIN's",
        default="0",
    )
    seat: str | None = described("price of a seat, an integer", default=None)
    prices: dict[str, str] | None = described(
        "price of a quota, an integer, by 'attribute: category': above 0 its upper bound binds, below 0 its lower one",
        default=None,
    )
    values: list[tuple[int, str]] | None = sealed("people", "[type, value], integers, where not 0", default=None)
    bound: str | None = described(
        "no panel within the quotas has a larger sum of values (found by a solver)", default=None
    )


class LotteryPanel(Event):
    """One composition of the lottery's support."""

    kind: ClassVar[str] = "lottery.panel"
    lottery: str = described("name of the lottery")
    panel: int = described("number of the panel, from 0")
    numerator: str = described("probability times the lottery's denominator, decimal integer")
    probability: float = described("probability of the panel")
    counts: list[tuple[int, int]] = sealed("people", "[type, members] where members > 0")
    raters: list[int] | None = sealed(
        "people", "members by their place in `pool.built`, from 0, where the lottery names them", default=None
    )


class LotterySolved(Event):
    """The lottery as a whole."""

    kind: ClassVar[str] = "lottery.solved"
    lottery: str = described("name of the lottery")
    algorithm: Literal["leximin", "legacy", "random"] = described("how the lottery was made")
    method: str = described("what proved or produced it, as a key of `core/facts/words.py`")
    estimated: bool = described("true where π comes from a Monte Carlo estimate")
    panels: int = described("compositions in the support")
    denominator: str = described("what the numerators of the panels sum to", default=str(2**53))
    pi: list[float] = sealed("people", "π per type, from the compositions and their integer probabilities")
    rater_pi: list[float] | None = sealed(
        "people", "π per rater, in the pool's order, where panels name their members", default=None
    )
    standard_error: list[float] | None = sealed("people", "per type, for estimated lotteries", default=None)
    optimum: list[float] | None = sealed(
        "people", "π per type: LEXIMIN's, as far as its levels are decided", default=None
    )
    max_difference: float = described("max |π − optimum| over raters (0 for baselines)")
    spread: float = described("largest difference of π between two raters of one type", default=0.0)
    solver: dict[str, str] = volatile("solver and versions")


class LotteryDiagnosed(Event):
    """How unequal the inclusion probabilities of a lottery are, over the raters of the pool."""

    kind: ClassVar[str] = "lottery.diagnosed"
    lottery: str = described("name of the lottery")
    raters: int = described("raters of the pool")
    smallest: float = described("smallest π")
    largest: float = described("largest π")
    equal: float = described("k/n, what everyone would have without quotas")
    gini: float = described("Gini coefficient of π, 0 to 1")
    max_min_ratio: Number = described("largest over smallest π; inf where a rater has no chance")
    coefficient_of_variation: float = described("standard deviation over mean")
    without_chance: int = described("raters with π = 0")
    without_chance_types: list[int] = sealed("people", "their types", default_factory=list)
    histogram: list[int] = described("raters by π in twenty intervals of equal width from 0 to 1")
    certain: int = described("raters with π = 1")
    empty_categories: list[str] = described(
        "'attribute: category' with a target or a lower bound above 0 that nobody in the pool has", default_factory=list
    )


class PeopleRead(Event):
    """One published file about people: made by others, and imported as it was. Who is not in the pool is only counted;
    places are those in `pool.built`, from 0. Whoever has the file could tell by its numbers who is who in the pool."""

    kind: ClassVar[str] = "people.read"
    lottery: str = described("name of the lottery that it is compared with")
    what: Literal["pi", "panel", "pairs"] = described("π of each person, ids of a panel, or weighted pairs")
    origin: Literal["imported"] = described("nothing in it was made by this program", default="imported")
    file: FileRead = described("the file, with size, SHA-256 and number of rows")
    people: int = described("how many people it names")
    total: float | None = described("of π: their sum over all people of the file", default=None)
    pi: list[tuple[int, float]] | None = sealed("private", "[place, π], of π", default=None)
    members: list[int] | None = sealed("private", "places of the members, of a panel", default=None)
    weights: list[tuple[int, int, float, float]] | None = sealed(
        "private", "[place, pairs, smallest weight, largest weight], of pairs", default=None
    )


class PeopleCompared(Event):
    """Numbers of one published file about people beside those of the run's own lottery."""

    kind: ClassVar[str] = "people.compared"
    lottery: str = described("name of the lottery")
    what: str = described("what the file is, as `people.read` says")
    name: str = described("name of the file")
    sha256: Sha256 = described("SHA-256 of the file")
    rows: list[ComparedRow] = described("published, recomputed, difference, verdict, and a key of the reason")


class DrawCommitted(Event):
    """What a draw will be made from, published before its randomness exists."""

    kind: ClassVar[str] = "draw.committed"
    draw: str = described("id of the draw")
    round: int = described("1 for the first commitment of this draw")
    lottery: str = described("name of the lottery")
    hashes: dict[str, Sha256] = described("SHA-256 of pool, quotas, lottery and certificate, as recorded")
    source: str = described("the future public source of randomness, in words")
    rule: Literal["hash", "number"] = described(
        "hash: the value and the commitment are hashed to a random stream; number: the value is the panel's number"
    )
    commitment: Sha256 = described("SHA-256 of all of the above and the run's id")


class DrawMade(Event):
    """A draw from a lottery, whatever became of it."""

    kind: ClassVar[str] = "draw.made"
    draw: str = described("id of the draw")
    lottery: str = described("name of the lottery")
    panel: int = described("number of the panel that was drawn")
    seed: Sha256 = described("key of the random stream, hex")
    origin: str = described("where the seed comes from, as a key of `core/facts/words.py`")
    members: list[str] = sealed("people", "pseudonyms of the panel, in their order")
    leaf_key: Sha256 = sealed("people", "key of the salts in the tree below `root`, hex", volatile=True)
    root: Sha256 = volatile("root of the tree over what the draw says of each person of the pool (docs/audit.md)")
    seats: dict[str, dict[str, int]] = described("members of the panel by attribute and category, where there are any")
    outcome: Literal["accepted", "rejected", "aborted", "proposed"] = described(
        "what became of the draw; a proposed one is decided by a later event"
    )
    reason: str = described("why, in words", default="")
    round: int = described("1 for the first draw under this id", default=1)
    commitment: Sha256 | None = described(
        "the commitment that it fulfils, where its randomness is public", default=None
    )
    value: str | None = described("the public value, as given", default=None)


class DrawDecided(Event):
    """An operator rejected a proposed draw, or withdrew a commitment before its value was known."""

    kind: ClassVar[str] = "draw.decided"
    draw: str = described("id of the draw")
    round: int = described("number of the draw under this id")
    outcome: Literal["rejected", "aborted"] = described("rejected: after the draw; aborted: before it")
    reason: str = described("why, in the operator's words")


class AlternatesOfType(Part):
    """Raters of one type who are not on the panel, in the order in which they stand in."""

    type: int
    raters: list[str]


class DrawAlternates(Event):
    """Who stands in for members that drop out: raters of the same type, so that every quota stays met."""

    kind: ClassVar[str] = "draw.alternates"
    draw: str = described("id of the draw")
    alternates: list[AlternatesOfType] = sealed("people", "for each type on the panel")
