"""The configuration of a run: TOML checked by pydantic, with the origin of every value.

Targets and tolerances are exact decimals: in floats ⌈0.5·100·1.1⌉ is 56, not 55.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, model_validator

from core.facts.places import with_places
from core.facts.sources import has_base, trains
from core.facts.stages import NO_DATA
from core.sections.models_asked import AskedModel, EndpointSection
from core.sections.section import (
    Place,
    Section,
    require_distinct,
    require_known,
)
from core.sections.what_is_expected import PlanSection, check_plan_of
from core.sections.what_trains import (
    ConditionSection,
    TrainSection,
)
from core.sections.who_is_drawn import Attribute, DataSection, DrawSection, LotterySection, Population
from core.sections.who_judges import (
    AnswerSection,
    JudgeSection,
    RankSection,
)


class RunSection(Section):
    """Name and seed of the run."""

    name: str = Field(pattern=r"^[a-z0-9-]{1,40}$")
    seed: int = Field(default=0, ge=0, lt=2**63)
    secret_file: Place | None = Field(
        default=None, description="32 bytes that pseudonyms are made with, in place of the runs folder's own"
    )


class RunConfig(Section):
    """A whole run. Sections may be missing where no stage that is run needs them."""

    run: RunSection
    data: DataSection = DataSection(format="none")
    population: Population | None = None
    lotteries: tuple[LotterySection, ...] = ()
    draws: tuple[DrawSection, ...] = ()
    conditions: tuple[ConditionSection, ...] = ()
    train: TrainSection | None = None
    endpoints: tuple[EndpointSection, ...] = ()
    answer: AnswerSection | None = None
    judge: JudgeSection | None = None
    rank: RankSection = RankSection()
    plan: PlanSection | None = None

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """The attributes of the population; none where it has none of its own (quotas come from a table)."""
        return self.population.attributes if self.population else ()

    @property
    def asked(self) -> Mapping[str, AskedModel]:
        """Who is asked behind an endpoint, as sentences name them: who writes questions, who answers, and judges."""
        writer = self.answer.generate if self.answer else None
        judges = self.judge.judges if self.judge else ()
        answering = {
            f"condition {condition.name!r}": condition.asked for condition in self.conditions if condition.asked
        }
        asked = {f"judge {judge.label!r}": judge for judge in judges if judge.kind == "openai"}
        return ({"answer.generate": writer} if writer else {}) | answering | asked

    @property
    def has_base(self) -> bool:
        """Whether some condition is the base model, or begins with it."""
        return any(has_base(condition.source) for condition in self.conditions)

    @property
    def names_in_files(self) -> Mapping[str, str]:
        """The name of every condition by what files of rankings, answers and scores call it."""
        return {condition.alias or condition.name: condition.name for condition in self.conditions}

    @property
    def key_variables(self) -> tuple[str, ...]:
        """The variables that hold keys of endpoints."""
        return tuple({entry.key_env: None for entry in self.endpoints if entry.key_env})

    @model_validator(mode="after")
    def _names_are_known(self) -> RunConfig:
        lotteries = require_distinct([x.name for x in self.lotteries], "lottery")
        draws = require_distinct([x.id for x in self.draws], "draw")
        require_distinct([x.name for x in self.conditions], "condition")
        require_distinct([x.alias or x.name for x in self.conditions], "condition", ", which files call it (`alias`)")
        if self.run.secret_file is not None and self.data.world is not None:
            raise ValueError("run.secret_file: the secret of planted worlds is one that everybody knows")
        if self.data.people_only:
            self._only_a_pool()
        elif self.data.format == NO_DATA:
            self._nothing_to_train_on()
        elif self.lotteries and self.population is None:
            raise ValueError("lotteries need [[population.attributes]], or data.format = 'tables'")
        for draw in self.draws:
            require_known(draw.lottery, lotteries, f"draw {draw.id!r}: lottery")
        for condition in self.conditions:
            source, _, name = condition.source.partition(":")
            if source == "draw":
                require_known(name, draws, f"condition {condition.name!r}: draw")
            if source == "lottery":
                require_known(name, lotteries, f"condition {condition.name!r}: lottery")
            if source == "population" and self.data.world is None:
                raise ValueError(f"condition {condition.name!r}: source 'population' needs data.world")
        endpoints = require_distinct([x.name for x in self.endpoints], "endpoint")
        for who, asked in self.asked.items():
            if asked.endpoint is not None:
                require_known(asked.endpoint, endpoints, f"{who}: endpoint")
        if self.judge is not None and self.judge.budget is not None:
            self._all_priced(self.judge)
        if self.plan is not None:
            names = tuple(condition.name for condition in self.conditions)
            check_plan_of(self.plan, self.rank, names, self.judge is not None)
        return self

    def _nothing_to_train_on(self) -> None:
        """Refuses what needs data in a run that has none."""
        needy = [f"[[{name}]]" for name in ("lotteries", "draws") if getattr(self, name)]
        needy += ["[[population.attributes]]"] if self.population else []
        needy += [f"condition {c.name!r} (source {c.source!r})" for c in self.conditions if trains(c.source)]
        tiny = self.train is not None and self.train.model == "tiny" and self.has_base
        needy += ["train.model = 'tiny'"] if tiny else []
        if needy or not self.conditions:
            told = f"which {', '.join(needy)} need" if needy else "and no [[conditions]] with answers to judge"
            raise ValueError(f"the configuration has no [data], {told}; add [data] (docs/data.md)")

    def _all_priced(self, section: JudgeSection) -> None:
        """Refuses a budget that nobody could keep to: without a price, what a judge's call costs is not known."""
        priced = {entry.name for entry in self.endpoints if entry.price is not None}
        free = [
            judge.label
            for judge in section.judges
            if judge.kind == "openai" and judge.price is None and judge.endpoint not in priced
        ]
        if free:
            raise ValueError(
                f"judge.budget is {section.budget}, but judge {free[0]!r} has no price; say what a million tokens "
                "cost, there or in its [[endpoints]]: price = { input = 0.5, output = 1.5 }, 0 where they cost nothing"
            )

    def _only_a_pool(self) -> None:
        """Refuses what a pool from tables has no use for: targets, and all that needs preferences."""
        if self.population is not None:
            raise ValueError(
                "data.format = 'tables' takes attributes and quotas from data.quotas; remove [[population.attributes]]"
            )
        needy = [name for name in ("conditions", "train", "answer", "judge") if getattr(self, name)]
        if needy:
            raise ValueError(
                f"data.format = 'tables' is a pool without preferences, so there is nothing to train on or to judge; "
                f"remove {', '.join(needy)}"
            )


def places(section: BaseModel, above: str = "") -> Iterator[tuple[str, Path]]:
    """Every file or folder that a configuration names, with its key."""
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, Path):
            yield f"{above}{name}", value
        elif isinstance(value, BaseModel):
            yield from places(value, f"{above}{name}.")


def resolved(config: RunConfig) -> dict[str, Any]:
    """The configuration as plain JSON values; decimals as strings, absent values left out."""
    return config.model_dump(mode="json", exclude_none=True)


def from_recorded(values: Mapping[str, Any], places: Mapping[str, str]) -> RunConfig:
    """The configuration of a run from what its first event holds: `resolved`, without places, and these.

    Where the places were withheld, files are looked for in the current folder.
    """
    return RunConfig.model_validate(with_places(values, places))
