"""Lotteries: compositions, π, diagnostics and the LEXIMIN certificate, worked out again with integers and fractions."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import accumulate
from typing import Any

from core.facts.plural import number_of
from core.facts.sortition.inequality import histogram, inequality
from core.facts.sortition.proof import Checked, SolverFact, check_record
from core.facts.sortition.quotas import wanted_and_nobody
from core.facts.sortition.undecided import allowed_difference, undecided_sentence
from core.facts.words import NEAR_KEY, SOLVED
from storage.verifier.contents.pool import PoolRead, required_pool
from storage.verifier.ground.finding import Finding, brief, broken, newer, once, one_of, same, sections, spend, whole
from storage.verifier.ground.record import Found, Record

LARGEST_DENOMINATOR = 2**64
"""Of a lottery: random numbers are drawn below it."""

LONGEST_NUMBER = 20
"""Digits of the largest denominator."""

CLOSE = 1e-9
ROUGHLY = 1e-5


@dataclass(frozen=True)
class LotteryRead:
    """A solved lottery as recorded.

    counts[p] gives the members of composition p by type; numerators[p] / denominator is its probability;
    members[p] are places in the pool where the lottery names them, else members is empty.
    """

    solved: Found
    quotas: Found
    types: Found
    levels: list[Found]
    panels: list[Found]
    pool: PoolRead
    counts: list[dict[int, int]]
    numerators: list[int]
    denominator: int
    members: list[list[int]]

    @property
    def name(self) -> str:
        """How sentences call it."""
        return f"lottery {brief(self.solved.values['lottery'])}"

    @cached_property
    def by_type(self) -> list[Fraction]:
        """π of each type: Σ_p λ_p·x_{p,t} / n_t."""
        totals = [0] * len(self.pool.sizes)
        for numerator, counts in zip(self.numerators, self.counts, strict=True):
            for t, x in counts.items():
                totals[t] += numerator * x
        return [Fraction(total, self.denominator * n) for total, n in zip(totals, self.pool.sizes, strict=True)]

    @cached_property
    def by_rater(self) -> list[Fraction]:
        """π of each person of the pool."""
        if not self.members:
            return [self.by_type[t] for t in self.pool.type_of]
        totals = [0] * len(self.pool.type_of)
        for numerator, members in zip(self.numerators, self.members, strict=True):
            for i in members:
                totals[i] += numerator
        return [Fraction(total, self.denominator) for total in totals]

    @cached_property
    def upper(self) -> list[int]:
        """The sum of the numerators up to each panel."""
        return list(accumulate(self.numerators))

    @cached_property
    def certificate(self) -> Checked:
        """The certificate, checked with fractions; what only a solver can confirm is listed in it."""
        levels, panels = ([event.values for event in listed] for listed in (self.levels, self.panels))
        solved = self.solved.values
        allowed = allowed_difference(solved, levels)
        checked = check_record(self.quotas.values, self.types.values, levels, panels, solved, allowed)
        if checked.failure is not None:
            raise broken(f"{self.name}: {checked.failure}", self.solved.seq)
        return checked


@once
def lotteries_of_record(record: Record) -> dict[str, LotteryRead]:
    """Every solved lottery by its name, with compositions that are ones."""
    found: dict[str, LotteryRead] = {}
    for solved in record.counted("lottery.solved"):
        name = solved.values["lottery"]
        if name in found:
            raise broken(f"lottery {brief(name)} was solved twice", solved.seq)
        found[name] = _lottery_read(record, solved)
    return found


def chances_by_rater(record: Record, name: str, pool: PoolRead, seq: int) -> dict[str, Fraction]:
    """π of each person of the pool in a lottery, by pseudonym."""
    lottery = one_of(lotteries_of_record(record), name, "the lottery", seq)
    return dict(zip(pool.rater_ids, lottery.by_rater, strict=True))


def _lottery_read(record: Record, solved: Found) -> LotteryRead:
    name, seq = solved.values["lottery"], solved.seq

    def of(kind: str) -> list[Found]:
        return [event for event in record.counted(kind) if event.values["lottery"] == name]

    def only_one(kind: str) -> Found:
        listed = of(kind)
        if len(listed) != 1:
            raise broken(f"lottery {brief(name)} has {len(listed)} events {kind} instead of one", seq)
        return listed[0]

    panels = sorted(of("lottery.panel"), key=lambda event: event.values["panel"])
    lottery = LotteryRead(
        solved=solved,
        quotas=only_one("lottery.quotas"),
        types=only_one("lottery.types"),
        levels=of("lottery.level"),
        panels=panels,
        pool=required_pool(record, seq),
        counts=[],
        numerators=[_whole_number(event.values["numerator"], event.seq) for event in panels],
        denominator=_whole_number(solved.values.get("denominator", str(2**53)), seq),
        members=[event.values["raters"] for event in panels if "raters" in event.values],
    )
    if not panels or min(lottery.numerators) < 1 or sum(lottery.numerators) != lottery.denominator:
        raise broken(f"{lottery.name}: the probabilities of its panels do not sum to 1", seq)
    if len(lottery.members) not in (0, len(panels)):
        raise broken(f"{lottery.name}: some panels name their members and some do not", seq)
    size = lottery.quotas.values["size"]
    for number, event in enumerate(panels):
        lottery.counts.append(_composition(lottery, event, number, size))
    for number, members in enumerate(lottery.members):
        _same_members(lottery, panels[number], members, lottery.counts[number])
    return lottery


def _whole_number(text: str, seq: int) -> int:
    if not 0 < len(text) <= LONGEST_NUMBER or not (text.isascii() and text.isdigit()):
        raise broken(f"{brief(text)} is no whole number up to 2^64", seq)
    if int(text) > LARGEST_DENOMINATOR:
        raise broken(f"{brief(text)} is above 2^64", seq)
    return int(text)


def _composition(lottery: LotteryRead, event: Found, number: int, size: int) -> dict[int, int]:
    """Members by type; no type gives more than it has, and all together are a panel."""
    same(event.values["panel"], number, f"{lottery.name}: the number of a panel", event.seq)
    numerator = lottery.numerators[number]
    same(event.values["probability"], numerator / lottery.denominator, f"{lottery.name}: a probability", event.seq)
    counts = dict(event.values["counts"])
    sizes = lottery.pool.sizes
    if len(counts) != len(event.values["counts"]) or any(
        not 0 <= t < len(sizes) or not 0 < x <= sizes[t] for t, x in counts.items()
    ):
        raise broken(f"{lottery.name}: panel {number} takes people that the pool does not have", event.seq)
    if sum(counts.values()) != size:
        raise broken(f"{lottery.name}: panel {number} has {sum(counts.values())} members instead of {size}", event.seq)
    return counts


def _same_members(lottery: LotteryRead, event: Found, members: list[int], counts: dict[int, int]) -> None:
    type_of = lottery.pool.type_of
    if any(not 0 <= i < len(type_of) for i in members) or members != sorted(set(members)):
        raise broken(f"{lottery.name}: the members of panel {event.values['panel']} are not people in order", event.seq)
    if Counter(type_of[i] for i in members) != counts:
        raise broken(f"{lottery.name}: panel {event.values['panel']} names other members than it has", event.seq)


# ------------------------------------------------------------ the checks


def check_lotteries(record: Record) -> str:
    """Compositions in the quotas, π from the compositions, Σπ = k, and that no lottery is LEXIMIN-better."""
    whole(record)
    asked = sections(record.genesis.get("config", {}), "lotteries", "name")
    lotteries = lotteries_of_record(record)
    for name, lottery in lotteries.items():
        section = one_of(asked, name, "the configuration's lottery", lottery.solved.seq)
        algorithm = section["algorithm"]
        same(lottery.solved.values["algorithm"], algorithm, f"{lottery.name}: its algorithm", lottery.solved.seq)
        _spend_on(record, lottery)
        _check_uniform(lottery, section)
        _check_pi(lottery)
        _check_kind(lottery)
        _check_diagnosed(record, lottery)
        _check_bounded(record, lottery)
        if algorithm != "random" and not is_leximin(lottery):
            _check_within_quotas(lottery)
    if record.ledger.ended("lottery") and lotteries.keys() != asked.keys():
        raise broken("the stage of the lotteries has ended, but not every lottery of the configuration is there")
    optimal = [lottery for lottery in lotteries.values() if is_leximin(lottery)]
    checked = [lottery.certificate for lottery in optimal]
    compositions = sum(len(lottery.panels) for lottery in lotteries.values())
    if not lotteries:
        return "no lottery is recorded"
    panels = f"{number_of(len(lotteries), 'lottery', 'lotteries')} with {number_of(compositions, 'composition')}"
    told = f"{panels}: quotas, π and {number_of(len(checked), 'certificate')}"
    largest = max((float(found.difference) for found in checked), default=0.0)
    gap = max((float(found.gap) for found in checked), default=0.0)
    gaps = f", largest gap {gap:.1e}" if gap else ""
    told = f"{told} worked out again; largest difference from a level {largest:.1e}{gaps}"
    for lottery in optimal:
        levels = [event.values for event in lottery.levels]
        open_levels = undecided_sentence(lottery.solved.values["lottery"], levels)
        if open_levels:
            raise Finding("unknown", f"{told}; {open_levels}", lottery.solved.seq)
    return told


def is_leximin(lottery: LotteryRead) -> bool:
    """Whether a lottery says that it is the optimum."""
    return bool(lottery.solved.values["algorithm"] == "leximin")


def _spend_on(record: Record, lottery: LotteryRead) -> None:
    """Notes what the products of panels and quotas, and of levels and types, will cost."""
    rows, types = len(lottery.quotas.values["quotas"]), len(lottery.pool.sizes)
    spend(record, len(lottery.panels) * rows + len(lottery.levels) * (4 * types + rows) + len(lottery.pool.type_of))


def _check_kind(lottery: LotteryRead) -> None:
    """What goes with how a lottery was made: only LEXIMIN has an optimum and levels, only the others are estimated."""
    solved, seq, optimal = lottery.solved.values, lottery.solved.seq, is_leximin(lottery)
    same(solved["estimated"], not optimal, f"{lottery.name}: whether its π is an estimate", seq)
    if not optimal and (lottery.levels or "optimum" in solved):
        raise broken(f"{lottery.name} is no LEXIMIN, so it has neither levels nor an optimum", seq)
    if not optimal:
        same(float(solved["max_difference"]), 0.0, f"{lottery.name}: its distance from an optimum", seq)
    if optimal and "standard_error" in solved:
        raise broken(f"{lottery.name} gives standard errors of a π that is no estimate", seq)
    if optimal and solved["method"] not in SOLVED:
        raise newer(f"{lottery.name}: what proved or produced it, {brief(solved['method'])},", seq)
    if optimal:
        near = solved["method"].startswith(NEAR_KEY)
        same(near, bool(lottery.members), f"{lottery.name}: whether its panels were built near an optimum", seq)
    if optimal and "optimum" not in solved:
        raise broken(f"{lottery.name} does not say which optimum it is compared with", seq)


def _check_bounded(record: Record, lottery: LotteryRead) -> None:
    """What was known early: probabilities for every type that sum to the panel size."""
    sizes, k = lottery.pool.sizes, lottery.quotas.values["size"]
    for event in record.counted("lottery.bounded"):
        if event.values["lottery"] == lottery.solved.values["lottery"]:
            pi = event.values["pi"]
            same(len(pi), len(sizes), f"{lottery.name}: the number of types in its early bound", event.seq)
            total = math.fsum(p * n for p, n in zip(pi, sizes, strict=True))
            if not all(-CLOSE <= p <= 1 + CLOSE for p in pi) or not math.isclose(total, k, rel_tol=ROUGHLY):
                raise broken(f"{lottery.name}: its early bound is not one of panels of {k}", event.seq)


def _check_uniform(lottery: LotteryRead, section: Mapping[str, Any]) -> None:
    """A lottery that was asked to be uniform over m panels has m of equal probability that name their members."""
    m, seq = section["panels"], lottery.solved.seq
    if m == 0 and lottery.members:
        raise broken(f"{lottery.name} names the members of its panels, but no uniform lottery was asked for", seq)
    if m and (len(lottery.members) != m or set(lottery.numerators) != {1}):
        raise broken(f"{lottery.name} is not uniform over {m} panels with named members, as was asked for", seq)


def _check_pi(lottery: LotteryRead) -> None:
    solved, seq = lottery.solved.values, lottery.solved.seq
    by_type, by_rater = lottery.by_type, lottery.by_rater
    same(solved["panels"], len(lottery.panels), f"{lottery.name}: the number of its panels", seq)
    pi = [float(p) for p in by_rater]
    _same_list(solved["pi"], [float(p) for p in by_type], f"{lottery.name}: π of type", seq)
    if lottery.members:
        _same_list(solved.get("rater_pi", []), pi, f"{lottery.name}: π of the person in place", seq)
    elif "rater_pi" in solved:
        raise broken(f"{lottery.name} gives π per person, but its panels name no members", seq)
    if sum(p * n for p, n in zip(by_type, lottery.pool.sizes, strict=True)) != lottery.quotas.values["size"]:
        raise broken(f"{lottery.name}: Σπ is not the panel size", seq)
    _check_distances(lottery, pi)


def _check_distances(lottery: LotteryRead, pi: list[float]) -> None:
    """How far π is from the optimum, and how far people of one type are from each other."""
    solved, seq, type_of = lottery.solved.values, lottery.solved.seq, lottery.pool.type_of
    low, high = [math.inf] * len(lottery.pool.sizes), [-math.inf] * len(lottery.pool.sizes)
    for t, p in zip(type_of, pi, strict=True):
        low[t], high[t] = min(low[t], p), max(high[t], p)
    same(
        float(solved.get("spread", 0.0)),
        max(b - a for a, b in zip(low, high, strict=True)),
        f"{lottery.name}: its spread",
        seq,
    )
    optimum = solved.get("optimum")
    if optimum is None:
        return
    same(len(optimum), len(low), f"{lottery.name}: the number of types in the optimum", seq)
    difference = max(abs(p - optimum[t]) for t, p in zip(type_of, pi, strict=True))
    same(float(solved["max_difference"]), difference, f"{lottery.name}: its distance from the optimum", seq)
    for level in lottery.levels:
        for t in level.values["types"]:
            if not 0 <= t < len(optimum) or abs(optimum[t] - level.values["probability"]) > CLOSE:
                raise broken(f"{lottery.name}: the optimum of type {t} is not the level that fixes it", seq)


def _same_list(found: list[Any], expected: list[float], what: str, seq: int) -> None:
    same(len(found), len(expected), f"{what}s, how many", seq)
    for place, (value, wanted) in enumerate(zip(found, expected, strict=True)):
        same(float(value), wanted, f"{what} {place}", seq)


def _check_within_quotas(lottery: LotteryRead) -> None:
    """Every composition meets every quota; the certificate's check does the same for those that have one."""
    names, types = lottery.types.values["attributes"], lottery.types.values["types"]
    rows = lottery.quotas.values["quotas"]
    number = {(row["attribute"], row["category"]): q for q, row in enumerate(rows)}
    quotas_of = [
        [number[cell] for cell in zip(names, kind["categories"], strict=True) if cell in number] for kind in types
    ]
    for event, counts in zip(lottery.panels, lottery.counts, strict=True):
        members = [0] * len(rows)
        for t, x in counts.items():
            for q in quotas_of[t]:
                members[q] += x
        for row, found in zip(rows, members, strict=True):
            if not row["lower"] <= found <= row["upper"]:
                what = f"{found} members of {brief(row['category'])} instead of {row['lower']} to {row['upper']}"
                raise broken(f"{lottery.name}: panel {event.values['panel']} has {what}", event.seq)


def _check_diagnosed(record: Record, lottery: LotteryRead) -> None:
    """The figures about inequality, where they are recorded."""
    figures = inequality(lottery.by_rater, lottery.quotas.values["size"])
    types = sorted({t for t, p in zip(lottery.pool.type_of, lottery.by_rater, strict=True) if p == 0})
    nobody = [
        f"{row['attribute']}: {row['category']}"
        for row in lottery.quotas.values["quotas"]
        if wanted_and_nobody(row["in_pool"], row["lower"], float(row.get("target") or 0))
    ]
    for event in record.counted("lottery.diagnosed"):
        if event.values["lottery"] == lottery.solved.values["lottery"]:
            listed = event.values.get("without_chance_types", []), event.values.get("empty_categories", [])
            same(listed[0], types, f"{lottery.name}: the types without a chance", event.seq)
            bins = histogram(lottery.by_rater)
            same(event.values["histogram"], bins, f"{lottery.name}: people by π", event.seq)
            same(listed[1], nobody, f"{lottery.name}: the categories that nobody has", event.seq)
            for name, wanted in figures.items():
                found = float(event.values[name])
                if found != wanted and not abs(found - wanted) <= CLOSE * max(1.0, abs(wanted)):
                    raise broken(f"{lottery.name}: {name} is {found}; from π follows {wanted}", event.seq)


def facts_of_record(record: Record) -> list[tuple[LotteryRead, SolverFact]]:
    """What certificates rest on and only an integer programme can confirm."""
    found = []
    for lottery in lotteries_of_record(record).values():
        if is_leximin(lottery):
            found += [(lottery, fact) for fact in lottery.certificate.facts]
    return found


def baselines_of_record(record: Record) -> list[LotteryRead]:
    """Lotteries whose panels were sampled, by LEGACY or at random, from the run's seed."""
    return [lottery for lottery in lotteries_of_record(record).values() if not is_leximin(lottery)]


def check_solver(record: Record) -> str:
    """Bounds that only an integer programme can confirm, and sampled panels that take numpy to sample again."""
    whole(record)
    facts, sampled = facts_of_record(record), baselines_of_record(record)
    if sampled:
        told = "its panels were sampled; `dempo verify` samples them again"
        raise Finding("unknown", f"{sampled[0].name}: {told}", sampled[0].solved.seq)
    if facts:
        told = f"{len(facts)} bounds of certificates need a solver; `dempo verify` solves them again"
        raise Finding("unknown", told, facts[0][0].solved.seq)
    return "no certificate rests on a bound that only a solver can confirm"
