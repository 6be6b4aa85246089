"""Whose preferences, and who is drawn: [data], [population], [[lotteries]], [[draws]]."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import Field, field_validator, model_validator

from core.facts.stages import PEOPLE_ONLY
from core.sections.section import (
    Identifier,
    Place,
    Positive,
    Section,
    require_distinct,
)

KEYS_OF_FORMAT: dict[str, tuple[str, ...]] = {
    "prism": ("path", "hub", "locale", "world", "delta", "identical", "strip"),
    "tables": ("respondents", "quotas", "id_column", "responses"),
    "none": (),
}
"""The settings of `data` that each format has."""


class DataSection(Section):
    """Where the data comes from; δ is the least score difference that makes a pair (exclusive).

    `format = "tables"` is a pool without preferences: `respondents` and `quotas` are CSV files;
    `responses` says who of an earlier panel accepted and who declined. `"none"` stands for a run without data, which
    trains nothing.
    """

    format: Literal["prism", "tables", "none"] = "prism"
    path: Place | None = None
    hub: str | None = None
    respondents: Place | None = None
    quotas: Place | None = None
    id_column: str | None = Field(default=None, description="column of `respondents` that tells people apart")
    responses: Place | None = None
    delta: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    identical: Literal["keep", "drop"] = Field(
        default="keep", description="pairs of equal responses with different scores: no gradient, but they count in N_r"
    )
    strip: bool = Field(default=False, description="take white space off both ends of every text")
    locale: str | None = None
    world: str | None = Field(default=None, description="file below `path` that holds a planted world's truth")

    @property
    def people_only(self) -> bool:
        """Whether the format holds a pool and no preferences."""
        return self.format in PEOPLE_ONLY

    @model_validator(mode="after")
    def _one_source(self) -> DataSection:
        if self.path is not None and self.hub is not None:
            raise ValueError("give path or hub, not both")
        if self.world is not None and self.path is None:
            raise ValueError("a planted world needs path")
        return self

    @model_validator(mode="after")
    def _keys_of_the_format(self) -> DataSection:
        for other, keys in KEYS_OF_FORMAT.items():
            for key in () if other == self.format else keys:
                if (
                    key not in KEYS_OF_FORMAT[self.format]
                    and getattr(self, key) != type(self).model_fields[key].default
                ):
                    raise ValueError(f"{key} belongs to format = {other!r}, but format is {self.format!r}; remove one")
        missing = [key for key in ("respondents", "quotas") if getattr(self, key) is None]
        if self.people_only and missing:
            raise ValueError(f"format = {self.format!r} needs two CSV files: {' and '.join(missing)} not given")
        return self


class Attribute(Section):
    """One attribute of the population: `column` may be dotted (`ethnicity.simplified`).

    `unlisted` says what becomes of people whose answer has no target: "refuse" the data, "leave_out" (they are not in
    the pool, so π = 0, but stay among all raters), or the category that they are taken for.
    """

    name: Identifier
    column: str
    slack: tuple[str, ...] = ()
    unlisted: str = "refuse"
    targets: dict[str, Decimal]

    @model_validator(mode="after")
    def _targets_are_proportions(self) -> Attribute:
        for category, target in self.targets.items():
            if not target.is_finite() or not 0 <= target <= 1:
                raise ValueError(f"target of {category!r} is {target}; it must lie between 0 and 1")
        total = sum(self.targets.values(), Decimal(0))
        if abs(total - 1) > Decimal("0.001"):
            raise ValueError(f"the targets sum to {total}; they must sum to 1")
        for category in self.slack:
            if category not in self.targets:
                raise ValueError(f"slack category {category!r} has no target")
        if self.unlisted not in ("refuse", "leave_out", *self.targets):
            known = ", ".join(map(repr, self.targets))
            raise ValueError(f"unlisted is {self.unlisted!r}; it must be 'refuse', 'leave_out' or a category ({known})")
        return self


class Population(Section):
    """The target population, attribute by attribute."""

    attributes: tuple[Attribute, ...] = Field(min_length=1)

    @field_validator("attributes")
    @classmethod
    def _distinct(cls, value: tuple[Attribute, ...]) -> tuple[Attribute, ...]:
        require_distinct([a.name for a in value], "attribute")
        return value


class LotterySection(Section):
    """A lottery over panels: `panels` = 0 is exact, m is uniform over m panels."""

    name: Identifier
    size: Positive
    tolerance: Decimal = Field(default=Decimal("0.1"), ge=0)
    algorithm: Literal["leximin", "legacy", "random"] = "leximin"
    panels: int = Field(default=0, ge=0)
    published: Place | None = Field(
        default=None,
        description="folder with a published panel, π or weights of this pool, compared with the lottery",
    )


class DrawSection(Section):
    """A draw from a lottery.

    `randomness = "seed"` draws at once from the run's seed; `"public"` waits for a value that a source
    named beforehand will publish (`dempo draw commit`, then `dempo draw reveal`).
    """

    id: Identifier
    lottery: str
    randomness: Literal["seed", "public"] = "seed"
