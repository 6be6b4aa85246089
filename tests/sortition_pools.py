"""Small pools with attributes as words, and the configuration that goes with them, for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from core.config import RunConfig, RunSection
from core.events import PoolBounds
from core.sections.who_is_drawn import Attribute, DataSection, DrawSection, LotterySection, Population
from core.types import Pool, Rater


def pool_of(attributes: Sequence[str], people: Sequence[Sequence[str]]) -> Pool:
    """A pool whose raters, in source order, have these categories."""
    rows = [tuple(person) for person in people]
    types = tuple(sorted(set(rows)))
    raters = tuple(Rater(f"r{i:03d}", dict(zip(attributes, row, strict=True))) for i, row in enumerate(rows))
    return Pool(
        attributes=tuple(attributes),
        raters=raters,
        pairs=(1,) * len(rows),
        rater=tuple(range(len(rows))),
        types=types,
        type_of=tuple(types.index(row) for row in rows),
    )


def bounds_of(attribute: str, category: str, lower: int, upper: int) -> PoolBounds:
    """A quota that came with a pool."""
    return PoolBounds(attribute=attribute, category=category, lower=lower, upper=upper)


def attribute(name: str, targets: Mapping[str, str], slack: Sequence[str] = ()) -> Attribute:
    """An attribute with targets as decimal strings."""
    return Attribute(name=name, column=name, slack=tuple(slack), targets={c: Decimal(p) for c, p in targets.items()})


def config_of(
    attributes: Sequence[Attribute],
    lotteries: Sequence[LotterySection],
    draws: Sequence[DrawSection] = (),
    seed: int = 7,
) -> RunConfig:
    """A configuration with a population, lotteries and draws."""
    return RunConfig(
        run=RunSection(name="test", seed=seed),
        data=DataSection(),
        population=Population(attributes=tuple(attributes)),
        lotteries=tuple(lotteries),
        draws=tuple(draws),
    )
