"""Checks that a recorded lottery is the LEXIMIN optimum: integers, fractions and the standard library alone.

A certificate is plain data, as the record holds it:

    size         k, the number of members
    type_sizes   n_t, how many raters each type has
    quotas       [{"name", "lower", "upper", "types"}]: between lower and upper members from these types
    panels       [{"numerator", "counts": [[type, members], …]}]: a composition and its probability
    denominator  what the numerators sum to
    levels       the payloads of the `lottery.level` events: level, probability, types, exact, proof, gap and
                 (quotas) seat, prices; (panels) values, bound; binding, where given

Integers may be given as decimal strings. What is checked: every composition is within the quotas; its
probabilities sum to one; π_t = Σ_p λ_p·x_{p,t} / n_t is within `allowed` of the level that fixes t; every
type is fixed once, at levels that never fall; and every level has a proof. With F the types fixed before
at π̄, and weights w_t ≥ 0 and B such that Σ w_t·x_t ≤ B for every panel within the quotas, the smallest free
π of a lottery that has π_t ≥ π̄_t on F is at most

    z = (B − Σ_{t ∈ F} n_t·w_t·π̄_t) / Σ_{t ∉ F} n_t·w_t.

"quotas": w_t = g_t⁺ with g_t = seat + Σ_{q ∋ t} price_q, and by weak duality
B = k·seat + Σ_q (upper_q·price_q⁺ − lower_q·price_q⁻) + Σ_t n_t·g_t⁻. "panels": w_t are the values and B
is the recorded bound, a fact that only an integer programme confirms. "certain": what is left has π = 1.

z must be the level (gap 0), or within the stated gap of it; only free types with w_t > 0 are fixed at it.
By induction over the levels no lottery gives its worst-off types more, then the next, and so on. A level
whose gap is above `DECIDED` is undecided: the record claims no more than its gap, and from there on nothing
is proved of lotteries that have another value at it.
Hostile input ends in a sentence, never in an exception.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

ALLOWED_DIFFERENCE = Fraction(1, 10**9)
"""Largest |π_t − level| of a lottery that counts as having reached its levels."""

DECIDED = Fraction(1, 10**9)
"""Largest gap of a level that counts as decided."""

ALLOWED_UNCERTAINTY = Fraction(1, 10**6)
"""Largest amount by which the gap of a decided level may leave the π of a type that it fixes open."""

LARGEST_COUNT = 10**9
"""No pool has more raters, so no size, bound or number of members is larger."""

LARGEST_VALUE = 2**53
"""Values beyond it cannot be given to a solver as they are."""

DIGITS = 4000
"""Longest number that is read."""

TOTAL_DIGITS = 100_000
"""Digits of all levels and gaps together: what is longer is refused instead of added up for hours."""

STEPS = 500_000_000
"""Work after which a certificate is refused as too large: minutes; those of 20,000 raters take a hundredth."""

PROOFS = {"quotas": ("seat", "prices"), "panels": ("values", "bound"), "certain": ()}
"""The fields of each kind of proof of a level."""

_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)", re.ASCII)


@dataclass(frozen=True)
class SolverFact:
    """Σ_t value_t·x_t ≤ bound for every panel x within the quotas: needs an integer programme to confirm."""

    level: int
    values: tuple[tuple[int, int], ...]
    bound: int


@dataclass(frozen=True)
class Checked:
    """What the check found.

    failure is the first thing that is wrong, as a sentence, or None; facts are what a solver still has to
    confirm. gap is the largest of a level, uncertainty what it leaves open for the π of a type at most,
    difference the largest |π_t − level|; undecided are the numbers of the levels that the record itself
    calls undecided, by their gaps.
    """

    failure: str | None
    facts: tuple[SolverFact, ...] = ()
    gap: Fraction = Fraction(0)
    uncertainty: Fraction = Fraction(0)
    difference: Fraction = Fraction(0)
    undecided: tuple[int, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether everything holds, up to the facts for a solver."""
        return self.failure is None


class _Refused(Exception):
    """Carries the sentence."""


@dataclass(frozen=True)
class _Quota:
    name: str
    lower: int
    upper: int
    types: tuple[int, ...]


def check(certificate: Mapping[str, Any], allowed: Fraction = ALLOWED_DIFFERENCE) -> Checked:
    """Checks a certificate as the module's text says. `allowed` is wider for a uniform lottery, which only comes near.

    Never raises on data; the time is bounded by the size of the input.
    """
    try:
        return _Check(certificate, allowed).run()
    except _Refused as refused:
        return Checked(failure=str(refused))


def check_record(
    quotas: Any, types: Any, levels: Any, panels: Any, solved: Any, allowed: Fraction = ALLOWED_DIFFERENCE
) -> Checked:
    """Checks one lottery of a record: the payloads of its `lottery.quotas` and `lottery.types` events, the lists of
    those of `lottery.level` and `lottery.panel`, and that of `lottery.solved`. Never raises on data."""
    try:
        certificate = {
            "size": _table(quotas, "the event of the quotas").get("size"),
            "type_sizes": _sizes(types),
            "quotas": _rows(quotas, types),
            "levels": levels,
            "panels": panels,
            "denominator": _table(solved, "the event of the solved lottery").get("denominator", str(2**53)),
        }
    except _Refused as refused:
        return Checked(failure=str(refused))
    return check(certificate, allowed)


def _sizes(types: Any) -> list[Any]:
    """n_t as recorded; types must be numbered from 0 in their order."""
    sizes = []
    for place, row in enumerate(_list(_table(types, "the event of the types").get("types"), "the list of types")):
        fields = _table(row, f"type {place}")
        if fields.get("type") != place:
            raise _Refused(f"the type in place {place} has another number")
        sizes.append(fields.get("size"))
    return sizes


def _rows(quotas: Any, types: Any) -> list[dict[str, Any]]:
    """The quotas as the certificate wants them: named 'attribute: category', with the types that have the category."""
    names = _list(types.get("attributes"), "the list of attributes")
    holders: dict[tuple[int, str], list[int]] = {}
    for t, row in enumerate(types["types"]):
        categories = _list(row.get("categories"), f"the categories of type {t}")
        if len(categories) != len(names) or not all(isinstance(category, str) for category in categories):
            raise _Refused(f"type {t} does not have one category for each of the {len(names)} attributes")
        for a, category in enumerate(categories):
            holders.setdefault((a, category), []).append(t)
    rows = []
    for q, row in enumerate(_list(quotas.get("quotas"), "the list of quotas")):
        fields = _table(row, f"quota {q}")
        attribute, category = fields.get("attribute"), fields.get("category")
        if attribute not in names or not isinstance(category, str):
            raise _Refused(f"quota {q} is for an attribute that the types do not have")
        found = holders.get((names.index(attribute), category), [])
        bounds = {"lower": fields.get("lower"), "upper": fields.get("upper")}
        rows.append({"name": f"{attribute}: {category}", "types": found, **bounds})
    return rows


class _Check:
    """The certificate, read and checked step by step."""

    def __init__(self, certificate: Mapping[str, Any], allowed: Fraction) -> None:
        if not isinstance(certificate, Mapping):
            raise _Refused("the certificate is not a table of named fields")
        self.allowed = allowed
        self.size = _count(certificate.get("size"), "the panel size", least=1)
        sizes = _list(certificate.get("type_sizes"), "the list of type sizes")
        self.sizes = [_count(n, f"the size of type {t}", least=1) for t, n in enumerate(sizes)]
        if not self.sizes:
            raise _Refused("the certificate has no types")
        self.quotas = [self._quota(q, i) for i, q in enumerate(_list(certificate.get("quotas"), "the list of quotas"))]
        self.by_name = {quota.name: quota for quota in self.quotas}
        if len(self.by_name) != len(self.quotas):
            raise _Refused("two quotas have the same name")
        self.denominator = _integer(certificate.get("denominator"), "the lottery's denominator")
        if self.denominator < 1:
            raise _Refused("the lottery's denominator is not positive")
        self.panels = _list(certificate.get("panels"), "the list of panels")
        self.levels = _list(certificate.get("levels"), "the list of levels")
        self.pi: list[Fraction] = []
        self.compositions: list[list[tuple[int, int]]] = []
        self.fixed: list[tuple[Fraction, list[int]]] = []
        self.free = set(range(len(self.sizes)))
        self.common = 1
        self.digits = self.steps = 0
        self.facts: list[SolverFact] = []
        self.open: list[int] = []
        self.gap = self.uncertainty = self.difference = Fraction(0)

    def run(self) -> Checked:
        self.pi = self._inclusion()
        for number, level in enumerate(self.levels):
            self._level(number, level)
        if self.free:
            raise _Refused(f"no level fixes type {min(self.free)} ({len(self.free)} types are left out)")
        return Checked(None, tuple(self.facts), self.gap, self.uncertainty, self.difference, tuple(self.open))

    def _spend(self, steps: int) -> None:
        self.steps += steps
        if self.steps > STEPS:
            raise _Refused(f"the certificate takes more than {STEPS} steps to check; it is too large for this program")

    def _quota(self, quota: Any, place: int) -> _Quota:
        what = f"quota {place}"
        fields = _table(quota, what)
        name = fields.get("name")
        if not isinstance(name, str):
            raise _Refused(f"{what} has no name")
        what = f"quota {_short(name)}"
        lower = _count(fields.get("lower"), f"the lower bound of {what}")
        upper = _count(fields.get("upper"), f"the upper bound of {what}")
        return _Quota(name, lower, upper, tuple(self._types(fields.get("types"), what)))

    def _types(self, types: Any, what: str) -> list[int]:
        """Numbers of types, each once."""
        found = [_count(t, f"a type of {what}") for t in _list(types, f"the list of types of {what}")]
        for t in found:
            if t >= len(self.sizes):
                raise _Refused(f"{what} names type {t}, but there are only {len(self.sizes)}")
        if len(set(found)) != len(found):
            raise _Refused(f"{what} names a type twice")
        return found

    # ------------------------------------------------------------ the lottery

    def _inclusion(self) -> list[Fraction]:
        """π of every type; all compositions are within the quotas."""
        quotas_of: list[list[int]] = [[] for _ in self.sizes]
        for q, quota in enumerate(self.quotas):
            for t in quota.types:
                quotas_of[t].append(q)
        totals = [0] * len(self.sizes)
        mass = 0
        for p, panel in enumerate(self.panels):
            fields = _table(panel, f"panel {p}")
            numerator = _integer(fields.get("numerator"), f"the numerator of panel {p}")
            if not 0 < numerator <= self.denominator:
                raise _Refused(f"panel {p} has a probability outside 0 to 1")
            counts = self._composition(p, fields.get("counts"), quotas_of)
            self.compositions.append(counts)
            mass += numerator
            for t, x in counts:
                totals[t] += numerator * x
        if mass != self.denominator:
            raise _Refused("the probabilities of the panels do not sum to 1")
        if sum(totals) != self.size * self.denominator:
            raise _Refused(f"the inclusion probabilities do not sum to the panel size {self.size}")
        return [Fraction(total, self.denominator * n) for total, n in zip(totals, self.sizes, strict=True)]

    def _composition(self, p: int, counts: Any, quotas_of: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
        """(type, members) of one panel, within the quotas."""
        pairs = [_pair(pair, f"panel {p}") for pair in _list(counts, f"the members of panel {p}")]
        types = self._types([t for t, _ in pairs], f"panel {p}")
        number = f"a number of members of panel {p}"
        found = [(t, _count(x, number)) for t, (_, x) in zip(types, pairs, strict=True)]
        self._spend(len(self.quotas) + sum(len(quotas_of[t]) for t in types))
        members = [0] * len(self.quotas)
        for t, x in found:
            if x > self.sizes[t]:
                raise _Refused(f"panel {p} takes {x} of the {self.sizes[t]} raters of type {t}")
            for q in quotas_of[t]:
                members[q] += x
        if sum(x for _, x in found) != self.size:
            raise _Refused(f"panel {p} has {sum(x for _, x in found)} members instead of {self.size}")
        for quota, count in zip(self.quotas, members, strict=True):
            if not quota.lower <= count <= quota.upper:
                raise _Refused(
                    f"panel {p} has {count} members of {_short(quota.name)} instead of {quota.lower} to {quota.upper}"
                )
        return found

    # ------------------------------------------------------------ the levels

    def _level(self, number: int, level: Any) -> None:
        what = f"level {number}"
        fields = _table(level, what)
        if _count(fields.get("level"), f"the number of {what}") != number:
            raise _Refused(f"the level in place {number} is numbered {fields.get('level')}")
        exact = self._exact(fields, what)
        types = self._types(fields.get("types"), what)
        if not types:
            raise _Refused(f"{what} fixes no type")
        for t in types:
            if t not in self.free:
                raise _Refused(f"{what} fixes type {t}, which an earlier level has fixed")
            self.difference = max(self.difference, abs(self.pi[t] - exact))
            if abs(self.pi[t] - exact) > self.allowed:
                raise _Refused(
                    f"type {t} has probability {_decimal(self.pi[t])} in the lottery, but {what} is {_decimal(exact)}"
                )
        gap = self._fraction(fields.get("gap"), f"the gap of {what}")
        if gap < 0:
            raise _Refused(f"the gap of {what} is negative")
        if gap > DECIDED:
            self.open.append(number)
        self._proof(number, fields, exact, gap, types)
        self.gap = max(self.gap, gap)
        self.fixed.append((exact, types))
        self.common = math.lcm(self.common, exact.denominator)
        self.free -= set(types)

    def _exact(self, fields: Mapping[str, Any], what: str) -> Fraction:
        """The level as a fraction: between 0 and 1, not below the one before, and what `probability` rounds."""
        if fields.get("exact") is None:
            raise _Refused(f"{what} has no exact value")
        exact = self._fraction(fields["exact"], what)
        if not 0 <= exact <= 1:
            raise _Refused(f"{what} is not between 0 and 1")
        if self.fixed and exact < self.fixed[-1][0]:
            raise _Refused(f"{what} is below the level before it")
        probability = fields.get("probability")
        if isinstance(probability, bool) or not isinstance(probability, (int, float)) or probability != float(exact):
            raise _Refused(f"the probability of {what} is not its exact value {_decimal(exact)}, rounded")
        return exact

    def _proof(self, number: int, fields: Mapping[str, Any], exact: Fraction, gap: Fraction, types: list[int]) -> None:
        what, kind = f"level {number}", fields.get("proof")
        if kind == "certain":
            if exact != 1 or gap != 0 or set(types) != self.free:
                raise _Refused(f"{what} is called certain, but not every type that is left has probability 1")
            self._binding(fields, what, 1)
            self._nothing_else(fields, what)
            return
        if kind == "quotas":
            weights, bound = self._weights_of_prices(fields, what)
        elif kind == "panels":
            weights, bound = self._weights_of_values(number, fields)
        else:
            raise _Refused(f"{what} has no proof of a known kind")
        total = sum(self.sizes[t] * weights[t] for t in self.free)
        if total == 0:
            raise _Refused(f"the proof of {what} gives no weight to any type that is left")
        # Everything over one denominator, so that no sum has to be brought to lowest terms.
        over = math.lcm(self.common, exact.denominator, gap.denominator)
        self._spend(2 * len(self.sizes) + len(self.fixed) * (1 + over.bit_length() // 2000))
        weight_of = [sum(self.sizes[t] * weights[t] for t in fixed) for _, fixed in self.fixed]
        owed = sum(_over(earlier, over) * w for (earlier, _), w in zip(self.fixed, weight_of, strict=True))
        if abs(bound * over - owed - _over(exact, over) * total) > _over(gap, over) * total:
            z = Fraction(bound * over - owed, total * over)
            wide = f", which is more than its gap {_decimal(gap)} away" if gap else ""
            raise _Refused(f"the proof of {what} gives {_decimal(z)} instead of {_decimal(exact)}{wide}")
        self._fixes(what, weights, types, gap * total, gap <= DECIDED)
        self._binding(fields, what, total)
        self._nothing_else(fields, what)

    def _nothing_else(self, fields: Mapping[str, Any], what: str) -> None:
        """A level holds the fields of its own kind of proof, and none of another, which nobody would check."""
        own = PROOFS[fields["proof"]]
        for name in (name for names in PROOFS.values() for name in names):
            if name not in own and fields.get(name) is not None:
                raise _Refused(f"{what} has {name!r}, which is no part of a proof of its kind")

    def _binding(self, fields: Mapping[str, Any], what: str, total: int) -> None:
        """What a level says of quotas that hold it down is its prices over Σ n_t·w_t of the types that are left."""
        if "binding" not in fields:
            return
        prices = _table(fields.get("prices") or {}, f"the prices of {what}")
        wanted = {}
        for name, value in prices.items():
            price = _integer(value, f"the price of {_short(name)} at {what}")
            if price and fields.get("proof") == "quotas":
                wanted[f"{name} ({'upper' if price > 0 else 'lower'})"] = Fraction(abs(price), total)
        found = _table(fields["binding"], f"the quotas that bind at {what}")
        if found.keys() != wanted.keys():
            raise _Refused(f"the quotas that bind at {what} are not those that have a price")
        for name, rise in found.items():
            if isinstance(rise, bool) or not isinstance(rise, (int, float)) or not _near(rise, wanted[name]):
                raise _Refused(f"the rise of {what} by {_short(name)} is not what its price says")

    def _fixes(self, what: str, weights: Sequence[int], types: Sequence[int], slack: Fraction, decided: bool) -> None:
        """The types have weight, where the level is decided enough for what the gap leaves open; without a gap they
        are all that have."""
        for t in types:
            if weights[t] <= 0:
                raise _Refused(f"{what} fixes type {t}, to which its proof gives no weight")
            left_open = slack / (self.sizes[t] * weights[t])
            self.uncertainty = max(self.uncertainty, left_open)
            if decided and left_open > ALLOWED_UNCERTAINTY:
                raise _Refused(f"the gap of {what} leaves the probability of type {t} open by {_decimal(left_open)}")
        if slack == 0:
            missed = [t for t in self.free.difference(types) if weights[t] > 0]
            if missed:
                raise _Refused(f"the proof of {what} fixes type {min(missed)} too, but the level does not name it")

    def _weights_of_prices(self, fields: Mapping[str, Any], what: str) -> tuple[list[int], int]:
        """g_t⁺ of every type and B, from the prices of seats and quotas."""
        seat = _integer(fields.get("seat"), f"the price of a seat at {what}")
        worth = [seat] * len(self.sizes)
        bound = self.size * seat
        for name, value in _table(fields.get("prices"), f"the prices of {what}").items():
            quota = self.by_name.get(name) if isinstance(name, str) else None
            if quota is None:
                raise _Refused(f"{what} names a quota that there is not: {_short(str(name))}")
            self._spend(len(quota.types))
            price = _integer(value, f"the price of {_short(quota.name)} at {what}")
            bound += price * (quota.upper if price > 0 else quota.lower)
            for t in quota.types:
                worth[t] += price
        bound += sum(-n * g for n, g in zip(self.sizes, worth, strict=True) if g < 0)
        return [max(0, g) for g in worth], bound

    def _weights_of_values(self, number: int, fields: Mapping[str, Any]) -> tuple[list[int], int]:
        """The values of the types and the bound, which becomes a fact for a solver."""
        what = f"level {number}"
        bound = _integer(fields.get("bound"), f"the bound of {what}")
        pairs = [_pair(pair, f"the values of {what}") for pair in _list(fields.get("values"), f"the values of {what}")]
        types = self._types([t for t, _ in pairs], f"the list of values of {what}")
        weights = [0] * len(self.sizes)
        for t, (_, value) in zip(types, pairs, strict=True):
            weights[t] = _integer(value, f"the value of type {t} at {what}")
            if not 0 <= weights[t] <= LARGEST_VALUE:
                raise _Refused(f"the value of type {t} at {what} is not between 0 and 2^53")
        self.facts.append(SolverFact(number, tuple((t, weights[t]) for t in types), bound))
        self._require_panels_below(number, weights, bound)
        return weights, bound

    def _require_panels_below(self, number: int, weights: Sequence[int], bound: int) -> None:
        """The lottery's own panels must not exceed the bound."""
        for p, composition in enumerate(self.compositions):
            self._spend(len(composition))
            worth = sum(weights[t] * x for t, x in composition)
            if worth > bound:
                raise _Refused(f"panel {p} is worth {worth} by the values of level {number}, above its bound {bound}")

    def _fraction(self, value: Any, what: str) -> Fraction:
        """'p/q' or 'p'."""
        if not isinstance(value, str):
            raise _Refused(f"{what} is not a fraction written as text")
        self.digits += len(value)
        if self.digits > TOTAL_DIGITS:
            raise _Refused(f"the fractions up to {what} have more than {TOTAL_DIGITS} digits")
        over, slash, under = value.partition("/")
        denominator = _integer(under, what) if slash else 1
        if denominator < 1:
            raise _Refused(f"{what} is a fraction without a positive denominator")
        return Fraction(_integer(over, what), denominator)


def _near(found: float, wanted: Fraction) -> bool:
    return math.isfinite(found) and abs(Fraction(found) - wanted) <= abs(wanted) / 10**9


def _over(value: Fraction, denominator: int) -> int:
    """The numerator of a fraction over a multiple of its denominator."""
    return value.numerator * (denominator // value.denominator)


def _integer(value: Any, what: str) -> int:
    """An integer, given as one or as decimal text."""
    if isinstance(value, str) and len(value) <= DIGITS and _INTEGER.fullmatch(value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() <= 3 * DIGITS:
        return value
    raise _Refused(f"{what} is missing or not an integer of at most {DIGITS} digits")


def _count(value: Any, what: str, least: int = 0) -> int:
    """A number of people, seats or a place in a list."""
    found = _integer(value, what)
    if not least <= found <= LARGEST_COUNT:
        raise _Refused(f"{what} is not between {least} and {LARGEST_COUNT}")
    return found


def _list(value: Any, what: str) -> Sequence[Any]:
    if not isinstance(value, (list, tuple)):
        raise _Refused(f"{what} is missing or no list")
    return value


def _pair(value: Any, what: str) -> Sequence[Any]:
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise _Refused(f"{what} holds something that is not [type, number]")
    return value


def _table(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _Refused(f"{what} is missing or no table of named fields")
    return value


def _short(name: str) -> str:
    return repr(name if len(name) <= 80 else name[:79] + "…")


def _decimal(value: Fraction) -> str:
    """A fraction for people: to 15 digits, whatever its size."""
    if value and abs(value) > 10**15:
        return f"about 10^{math.floor(math.log10(abs(value.numerator)) - math.log10(value.denominator))}"
    return f"{float(value):.15g}"
