"""The quotas of a lottery: bounds from the targets (`core.facts.sortition.quotas`), or those that came with a pool."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from core.errors import InputError, quoted
from core.events import QuotaRow
from core.facts.sortition.quotas import quota_bounds, wanted_and_nobody
from core.sections.who_is_drawn import Attribute
from core.types import Pool


def quotas_for(attributes: Sequence[Attribute], pool: Pool, size: int, tolerance: Decimal) -> tuple[QuotaRow, ...]:
    """One quota per category, attributes and categories in the order of the configuration.

    A pool that came with quotas in numbers keeps them, in their order; the tolerance plays no part then.

    Raises:
        InputError: the pool and the targets name different attributes, or a rater has a category
            without a target.
    """
    if pool.bounds:
        return _quotas_given(pool, size)
    counts = _counts(attributes, pool)
    return tuple(
        _quota(attribute, category, target, size, tolerance, counts[attribute.name][category])
        for attribute in attributes
        for category, target in attribute.targets.items()
    )


def _quotas_given(pool: Pool, size: int) -> tuple[QuotaRow, ...]:
    """The pool's own quotas. Only the upper bound is cut to k: a lower one above k must stay impossible to meet."""
    counts = _in_pool(pool)
    return tuple(
        QuotaRow(
            attribute=b.attribute,
            category=b.category,
            lower=b.lower,
            upper=min(b.upper, size),
            slack=False,
            in_pool=counts[b.attribute][b.category],
        )
        for b in pool.bounds
    )


def _in_pool(pool: Pool) -> dict[str, Counter[str]]:
    """People of the pool per category, by attribute."""
    return {name: Counter(pool.types[t][a] for t in pool.type_of) for a, name in enumerate(pool.attributes)}


def _quota(
    attribute: Attribute, category: str, target: Decimal, size: int, tolerance: Decimal, in_pool: int
) -> QuotaRow:
    slack = category in attribute.slack
    lower, upper = quota_bounds(Fraction(target), size, Fraction(tolerance), slack)
    return QuotaRow(
        attribute=attribute.name,
        category=category,
        target=str(target),
        lower=lower,
        upper=upper,
        slack=slack,
        in_pool=in_pool,
    )


def _counts(attributes: Sequence[Attribute], pool: Pool) -> dict[str, Counter[str]]:
    """Raters of the pool per category, by attribute."""
    names = tuple(attribute.name for attribute in attributes)
    if names != pool.attributes:
        raise InputError(
            f"the pool has the attributes {', '.join(pool.attributes) or '(none)'}, "
            f"but population.attributes are {', '.join(names)}; rebuild the pool with this configuration"
        )
    counts = _in_pool(pool)
    for attribute in attributes:
        for category in counts[attribute.name]:
            if category not in attribute.targets:
                raise InputError(
                    f"population.attributes: {attribute.name!r} has no target for category {category!r}, "
                    f"which {counts[attribute.name][category]} raters of the pool have; add it to the targets"
                )
    return counts


def empty_categories(quotas: Sequence[QuotaRow]) -> tuple[QuotaRow, ...]:
    """Quotas of categories that nobody in the pool has, although a target or a lower bound wants them."""
    return tuple(q for q in quotas if wanted_and_nobody(q.in_pool, q.lower, Decimal(q.target or 0)))


def warnings(quotas: Sequence[QuotaRow]) -> tuple[str, ...]:
    """What is odd about quotas that may be feasible all the same, as sentences."""
    return tuple(_nobody(quota) for quota in empty_categories(quotas))


def _nobody(quota: QuotaRow) -> str:
    wants = f"the quota wants at least {quota.lower}" if quota.lower else f"its target is {quota.target}"
    what = "no panel can meet it" if quota.lower else "panels go without"
    return f"{label(quota.attribute, quota.category)}: nobody in the pool has it, but {wants}; {what}"


def label(attribute: str, category: str) -> str:
    """A category in a message, such as `age '65+'`."""
    return f"{named(attribute)} {quoted(category)}"


def named(attribute: str) -> str:
    """An attribute in a message, quoted where it is no plain word: its name may come from a file."""
    return attribute if attribute.isidentifier() and len(attribute) <= 60 else quoted(attribute)
