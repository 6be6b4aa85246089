"""The pool, and the quotas that follow from it and from the configuration."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from core.facts.plural import number_of
from core.facts.sortition.quotas import quota_bounds
from storage.verifier.ground.finding import Finding, brief, broken, once, one_of, same, sections, whole
from storage.verifier.ground.record import Found, Record, Values, WithheldField

DECIMAL = re.compile(r"[0-9]{1,40}(\.[0-9]{1,40})?([eE][-+]?[0-9]{1,2})?", re.ASCII)


@dataclass(frozen=True)
class PoolRead:
    """The pool as recorded: pseudonyms, in their order, and types; sizes[t] is n_t.

    everybody are pseudonym and N_r of all raters with pairs in the same order, also of those whom the pool leaves out.
    """

    seq: int
    values: Values
    rater_ids: list[str]
    type_of: list[int]
    sizes: list[int]
    everybody: list[tuple[str, int]]

    @cached_property
    def people(self) -> Counter[tuple[str, str]]:
        """How many people have each category of each attribute."""
        found: Counter[tuple[str, str]] = Counter()
        for row in self.values["types"]:
            for cell in zip(self.values["attributes"], row["categories"], strict=True):
                found[cell] += row["size"]
        return found

    @cached_property
    def place(self) -> dict[str, int]:
        """The place of each person in the pool, by pseudonym."""
        return {rater_id: i for i, rater_id in enumerate(self.rater_ids)}

    @cached_property
    def by_type(self) -> list[list[int]]:
        """Places of the people of each type."""
        found: list[list[int]] = [[] for _ in self.sizes]
        for i, t in enumerate(self.type_of):
            found[t].append(i)
        return found


def _pool_built(record: Record) -> Found | None:
    """The event of the pool; None where none is recorded."""
    found = record.counted("pool.built")
    if len(found) > 1:
        raise broken("the pool was built twice", found[1].seq)
    return found[0] if found else None


@once
def pool_of_record(record: Record) -> PoolRead | None:
    """The pool, checked against itself; None where none is recorded."""
    built = _pool_built(record)
    if built is None:
        return None
    seq, values = built.seq, built.values
    raters, types = values["raters"], values["types"]
    type_of = [rater["type"] for rater in raters]
    sizes = Counter(type_of)
    width = len(values["attributes"])
    for number, row in enumerate(types):
        same(row["type"], number, f"the number of the pool's type {number}", seq)
        same(len(row["categories"]), width, f"the number of attributes of type {number}", seq)
        same(row["size"], sizes[number], f"the size of type {number}", seq)
    if len({tuple(row["categories"]) for row in types}) != len(types):
        raise broken("two types of the pool have the same categories", seq)
    if any(size < 1 for size in sizes.values()) or len(sizes) != len(types):
        raise broken("a type of the pool has nobody", seq)
    if any(not 0 <= t < len(types) for t in type_of):
        raise broken("a rater of the pool has a type that there is not", seq)
    rater_ids = [rater["rater_id"] for rater in raters]
    left_out = values.get("left_out", [])
    for listed in (raters, left_out):
        if [row["rater_id"] for row in listed] != sorted({row["rater_id"] for row in listed}):
            raise broken("the raters of the pool are not in the order of their pseudonyms, each once", seq)
    everybody = sorted((rater["rater_id"], rater["pairs"]) for rater in (*raters, *left_out))
    if len({rater_id for rater_id, _ in everybody}) != len(everybody):
        raise broken("a rater is in the pool twice", seq)
    return PoolRead(seq, values, rater_ids, type_of, [row["size"] for row in types], everybody)


def in_order_of_pairs(record: Record, pool: PoolRead) -> list[tuple[str, int]]:
    """All raters with pairs in the order of the pairs, which is that of the source and no other list's."""
    place = {rater: i for built in record.counted("pairs.built") for i, rater in enumerate(built.values["rater_ids"])}
    return sorted(pool.everybody, key=lambda row: one_of(place, row[0], "the rater of the pairs", pool.seq))


def required_pool(record: Record, seq: int) -> PoolRead:
    """The pool that an event needs."""
    found = pool_of_record(record)
    if found is None:
        raise broken(f"event {seq} needs a pool, and none is recorded", seq)
    return found


def check_pool(record: Record) -> str:
    """The pool's types, sizes and people agree with each other, with the pairs and with the configuration."""
    whole(record)
    pool = pool_of_record(record)
    if pool is None:
        return "no pool is recorded"
    population = record.genesis.get("config", {}).get("population")
    if population is not None:
        names = list(sections(population, "attributes", "name"))
        same(pool.values["attributes"], names, "the list of the pool's attributes", pool.seq)
    if not (record.genesis.get("config", {}).get("data") or {}).get("responses"):
        for name in ("seated", "declined"):
            told = "and the configuration names no file of responses of an earlier panel"
            if pool.values.get(name, 0) != 0:
                raise broken(f"{pool.values[name]} people are {name}, {told}", pool.seq)
    _check_order_of_types(record, pool)
    left_out = _left_out(record, pool)
    for built in record.counted("pairs.built"):
        pairs = built.values["pairs"]
        same(sum(n for _, n in pool.everybody), pairs, "the number of pairs of all raters of the pool", pool.seq)
        same(pool.values["survey_only"], built.values["raters"] - len(pool.everybody), "survey_only", pool.seq)
    people = f"{number_of(len(pool.rater_ids), 'person', 'people')} of {number_of(len(pool.sizes), 'type')}"
    return f"{people}, counted again" + (f"; {len(left_out)} left out, as configured" if left_out else "")


def _left_out(record: Record, pool: PoolRead) -> list[str]:
    """Raters whom the pool leaves out: each lacks a category in attributes of which the configuration allows that."""
    asked = sections(record.genesis.get("config", {}).get("population") or {}, "attributes", "name")
    for row in pool.values.get("left_out", []):
        what, lacking = f"rater {brief(row['rater_id'])}, who is left out", row["attributes"]
        if not lacking or lacking != [name for name in asked if name in lacking]:
            raise broken(f"{what}: {brief(lacking)} are not attributes of the population, in their order", pool.seq)
        for name in lacking:
            same(asked[name]["unlisted"], "leave_out", f"{what}: what {brief(name)} allows", pool.seq)
    return [row["rater_id"] for row in pool.values.get("left_out", [])]


def _check_order_of_types(record: Record, pool: PoolRead) -> None:
    """Types are numbered by their categories: another numbering would draw other people."""
    places = [{name: i for i, name in enumerate(row)} for row in asked_categories(record, pool)]
    found = []
    for row in pool.values["types"]:
        cells = zip(places, row["categories"], strict=True)
        found.append([one_of(known, category, "the quota of", pool.seq) for known, category in cells])
    if found != sorted(found):
        raise broken("the types of the pool are not in the order of their categories", pool.seq)


def check_quotas(record: Record) -> str:
    """Bounds from target, size and tolerance in exact decimals, the seats of panels within them, people in the pool."""
    whole(record)
    found = record.counted("lottery.quotas")
    asked = sections(record.genesis.get("config", {}), "lotteries", "name")
    rows = 0
    for quotas in found:
        built = _pool_built(record)
        if built is None:
            raise broken(f"event {quotas.seq} needs a pool, and none is recorded", quotas.seq)
        name = quotas.values["lottery"]
        section = one_of(asked, name, "the configuration's lottery", quotas.seq)
        _same_size(quotas, section, built)
        expected = _quotas_given(quotas, built) or _quotas_by_target(record, quotas)
        same(len(quotas.values["quotas"]), len(expected), f"lottery {brief(name)}: the number of quotas", quotas.seq)
        for row, wanted in zip(quotas.values["quotas"], expected, strict=True):
            _same_quota(row, wanted, f"lottery {brief(name)}", quotas.seq)
        if section["algorithm"] != "random":
            _check_seats(record, quotas)
        rows += len(expected)
    if not found:
        return "no quotas are recorded"
    told = f"{number_of(rows, 'quota')} of {number_of(len(found), 'lottery', 'lotteries')}: bounds worked out again"
    try:
        for quotas in found:
            _check_in_pool(record, quotas)
    except WithheldField:
        raise Finding("withheld", f"{told}, and panels are within them; who is in the pool was withheld") from None
    return f"{told}, panels are within them, people per category counted again"


def _check_seats(record: Record, quotas: Found) -> None:
    """Every panel that was drawn from the lottery has as many members of each category as its quotas ask for."""
    for made in record.kept.get("draw.made", ()):
        if made.values["lottery"] != quotas.values["lottery"]:
            continue
        for row in quotas.values["quotas"]:
            seats = made.values["seats"].get(row["attribute"], {}).get(row["category"], 0)
            if not row["lower"] <= seats <= row["upper"]:
                told = f"{seats} members of {brief(row['category'])} instead of {row['lower']} to {row['upper']}"
                raise broken(f"draw {brief(made.values['draw'])} has {told}", made.seq)


def _check_in_pool(record: Record, quotas: Found) -> None:
    """People of each category of the quotas, and that the types of the lottery are those of the pool."""
    what = f"lottery {brief(quotas.values['lottery'])}"
    pool = required_pool(record, quotas.seq)
    for row in quotas.values["quotas"]:
        wanted = people_in(pool, row["attribute"], row["category"])
        same(row["in_pool"], wanted, f"{what}, {brief(row['category'])}: in_pool", quotas.seq)
    for types in record.counted("lottery.types"):
        for part in ("attributes", "types"):
            if types.values[part] != pool.values[part]:
                told = f"lottery {brief(types.values['lottery'])}: its {part} are not those of the pool"
                raise broken(told, types.seq)


def _same_size(quotas: Found, section: dict[str, Any], built: Found) -> None:
    size = section.get("size")
    what = f"lottery {brief(quotas.values['lottery'])}"
    if not isinstance(size, int):
        raise broken(f"{what}: the configuration gives no panel size", 1)
    same(quotas.values["size"], size - built.values.get("seated", 0), f"{what}: the panel size", quotas.seq)
    tolerance = str(section["tolerance"])
    if decimal_of(quotas.values["tolerance"], quotas.seq) != decimal_of(tolerance, 1):
        raise broken(f"{what}: its tolerance is not that of the configuration", quotas.seq)


def _same_quota(row: dict[str, Any], wanted: dict[str, Any], what: str, seq: int) -> None:
    what = f"{what}, {brief(wanted['category'])}"
    for part in ("attribute", "category", "lower", "upper", "slack"):
        same(row[part], wanted[part], f"{what}: {part}", seq)
    target = row.get("target")
    if (target is None) != (wanted["target"] is None) or (
        target is not None and decimal_of(target, seq) != wanted["target"]
    ):
        raise broken(f"{what}: its target is not that of the configuration", seq)


def _quotas_given(quotas: Found, built: Found) -> list[dict[str, Any]]:
    """The quotas that came with a pool from tables, in numbers of members."""
    size = quotas.values["size"]
    return [
        {**bound, "target": None, "upper": min(bound["upper"], size), "slack": False}
        for bound in built.values.get("bounds", [])
    ]


def _quotas_by_target(record: Record, quotas: Found) -> list[dict[str, Any]]:
    """⌊p·k·(1−τ)⌋ and ⌈p·k·(1+τ)⌉ for every category of the configuration, kept inside 0..k."""
    size, tolerance = quotas.values["size"], decimal_of(quotas.values["tolerance"], quotas.seq)
    expected = []
    population = record.genesis["config"].get("population") or {}
    for name, attribute in sections(population, "attributes", "name").items():
        for category, target in attribute["targets"].items():
            share = decimal_of(str(target), 1)
            slack = category in attribute.get("slack", [])
            lower, upper = quota_bounds(share, size, tolerance, slack)
            found = {"attribute": name, "category": category, "target": share, "slack": slack}
            expected.append({**found, "lower": lower, "upper": upper})
    return expected


def asked_categories(record: Record, pool: PoolRead) -> list[list[str]]:
    """The categories of each attribute of the pool, in the order of the targets or of the quotas that came with it."""
    population = record.genesis.get("config", {}).get("population")
    if population is not None:
        asked = sections(population, "attributes", "name")
        return [list(asked[name]["targets"]) for name in pool.values["attributes"]]
    bounds = pool.values.get("bounds", [])
    return [[b["category"] for b in bounds if b["attribute"] == name] for name in pool.values["attributes"]]


def people_in(pool: PoolRead, attribute: str, category: str) -> int:
    """How many people of the pool have a category."""
    if attribute not in pool.values["attributes"]:
        raise broken(f"the pool has no attribute {brief(attribute)}", pool.seq)
    return pool.people[attribute, category]


def decimal_of(text: str, seq: int) -> Fraction:
    """A decimal as a fraction, exactly."""
    if not DECIMAL.fullmatch(text):
        raise broken(f"{brief(text)} is no decimal", seq)
    return Fraction(text)
