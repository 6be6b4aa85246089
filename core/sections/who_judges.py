"""Questions, answers, judges and leaderboards: [answer], [judge], [rank]."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from core.asking.prompt_files import template_of_judge, template_of_writer
from core.facts.judging.outcomes import WANTED_COVERAGE, Unranked
from core.facts.places import place_name
from core.facts.ranking.juries import MOST_WEIGHT
from core.facts.ranking.methods import METHODS, Method
from core.sections.models_asked import AskedModel, EndpointSection
from core.sections.section import (
    Money,
    Patience,
    Place,
    Positive,
    Rate,
    Section,
    require_distinct,
)


class GenerateSection(AskedModel):
    """Questions made by a model behind an OpenAI-compatible endpoint."""

    model: str
    template: Annotated[str | None, AfterValidator(template_of_writer)] = None
    per_clause: Positive = 40
    temperature: float | None = Field(default=None, ge=0, allow_inf_nan=False, description="1.0 where left out")
    patience: Patience = 30.0
    concurrency: Positive | None = Field(default=None, description="requests at once; 4 where left out")
    timeout: Rate | None = Field(default=None, description="seconds of a request; 300 where left out")
    retries: int | None = Field(default=None, ge=0, description="4 where left out")


PLAIN_STOPS = ("\nUser:", "\nAssistant:")
"""What a turn begins with in the plain chat template."""


class AnswerSection(Section):
    """Greedy answers to the questions of a constitution.

    `questions` is a folder of files, one a clause, or a run's folder: its questions are asked again, word by word, and
    its constitution is taken where `constitution` is left out. Or it is a file of published rankings or answers (JSON
    Lines), each with its question and clause. Files that hold the clauses need no `constitution` beside them.
    """

    constitution: Place | None = None
    questions: Place | None = None
    generate: GenerateSection | None = None
    clauses: int | None = Field(default=None, ge=1, description="only the first so many clauses")
    per_clause: int | None = Field(default=None, ge=1, description="only the first so many questions of each")
    max_tokens: Positive = 256
    batch: Positive = 16
    batch_tokens: int | None = Field(
        default=None,
        ge=1,
        description="of the questions of a batch with their answers, at most; batches may be smaller",
    )
    stop: tuple[str, ...] = Field(
        default=PLAIN_STOPS,
        description="texts that end an answer; the default ones end none of a model under its own chat template",
    )

    @model_validator(mode="after")
    def _one_source(self) -> AnswerSection:
        if (self.questions is None) == (self.generate is None):
            raise ValueError("give either questions (a folder) or [answer.generate]")
        if self.batch_tokens is not None and self.generate is not None:
            raise ValueError("batch_tokens plans batches by questions that exist; remove it, or give questions")
        if self.constitution is None and self.questions is None:
            raise ValueError("give constitution: the model writes questions about its clauses")
        return self


class JudgeModel(AskedModel):
    """One judge. It ranks every question `rankings` times, each time in another shown order."""

    kind: Literal["openai", "local", "planted", "recorded"]
    model: str = Field(description="name at the endpoint, folder of a local model, or where recorded rankings are from")
    label: str = Field(
        default="",
        max_length=100,
        description="name in tables, and what its shown orders and seeds follow from; the model's where left out",
    )
    rankings: Positive = 5
    weight: int | None = Field(
        default=None,
        ge=1,
        le=MOST_WEIGHT,
        description="how many times each of its rankings counts in the leaderboards; once where left out",
    )
    temperature: float = Field(default=0.0, ge=0)
    max_tokens: Positive = 1024
    concurrency: Positive = 8
    timeout: Rate = 120.0
    retries: int = Field(default=4, ge=0)
    recorded: Place | None = Field(
        default=None,
        description="rankings of a recorded judge, in a file as `dempo rank` reads it; of any other judge the folder "
        "of a run, of whose judge of the same label the replies are taken over",
    )
    again: tuple[Unranked, ...] | None = Field(
        default=None, description="what came of replies that are not taken over, but asked for again"
    )
    template: Annotated[str | None, AfterValidator(template_of_judge)] = None
    reasoning: Annotated[bool | None, AfterValidator(lambda wanted: wanted or None)] = Field(
        default=None, description="of a judge at an endpoint: reasons are asked for before the ranking"
    )
    calibration: Literal["rotations"] | None = Field(
        default=None, description="of a local judge: its logits are the mean over all rotations of the shown order"
    )

    @model_validator(mode="before")
    @classmethod
    def _labelled(cls, values: Any) -> Any:
        if isinstance(values, dict) and isinstance(values.get("model"), str) and not values.get("label"):
            return values | {"label": place_name(values["model"])}
        return values

    @model_validator(mode="after")
    def _asked_somewhere(self) -> JudgeModel:
        beside = ("endpoint", "extra_body", "headers", "reasoning", "price")
        given = [name for name in beside if getattr(self, name) is not None]
        if self.kind == "planted" and (self.prompt or self.template):
            raise ValueError("a planted judge is not asked in words; remove prompt")
        if given and self.kind != "openai":
            raise ValueError(f"a judge of kind {self.kind!r} is asked at no endpoint; remove {' and '.join(given)}")
        if self.calibration is not None and self.kind != "local":
            raise ValueError(
                f"calibration takes a model's logits, and a judge of kind {self.kind!r} has none here; remove it"
            )
        return self

    @property
    def takes_over(self) -> bool:
        """Whether it takes over the replies of another run."""
        return self.kind != "recorded" and self.recorded is not None

    @model_validator(mode="after")
    def _recorded_somewhere(self) -> JudgeModel:
        if self.kind == "recorded" and self.recorded is None:
            raise ValueError("a judge of kind 'recorded' needs recorded, a file with its rankings (JSON Lines)")
        if self.again is not None and not self.takes_over:
            raise ValueError("again says which replies of another run are asked for again; it needs `recorded`, a run")
        return self


class JudgeSection(Section):
    """The judges."""

    judges: tuple[JudgeModel, ...] = Field(min_length=1)
    coverage: float = Field(
        default=WANTED_COVERAGE,
        ge=0,
        le=1,
        description="share of calls with a ranking; below it each leaderboard says so first",
    )
    patience: Patience = 30.0
    ties: Literal["skip"] | None = Field(
        default=None, description="skip: nobody is asked about a question to which all answers are the same text"
    )
    give_up: Annotated[bool | None, AfterValidator(lambda wanted: wanted or None)] = Field(
        default=None, description="calls that fail twice are lost, so that the stage can be completed without them"
    )
    budget: Money | None = Field(default=None, description="what the stage may cost, in the currency of the prices")

    @field_validator("judges")
    @classmethod
    def _distinct(cls, value: tuple[JudgeModel, ...]) -> tuple[JudgeModel, ...]:
        require_distinct([j.label for j in value], "judge", ", which `label` gives it")
        return value


class JudgesSection(Section):
    """Judges without any other setting of theirs all."""

    judges: tuple[JudgeModel, ...] = Field(min_length=1)


class AddedJudges(Section):
    """A file of judges that a run is judged by once more (`dempo judge add`), with endpoints of theirs."""

    judge: JudgesSection
    endpoints: tuple[EndpointSection, ...] = ()


class RankSection(Section):
    """Aggregation of the rankings."""

    methods: tuple[Method, ...] = METHODS
    resamples: Positive = 1000
    resample: Literal["questions", "rankings", "clauses"] = "questions"
    confidence: float = Field(default=0.95, gt=0, lt=1)
    published_intervals: Annotated[bool | None, AfterValidator(lambda wanted: wanted or None)] = Field(
        default=None,
        description="plackett_luce_published has intervals above 12 conditions too, which takes long",
    )
    jury: tuple[Method, ...] | None = Field(
        default=None,
        description="methods of the boards by each judge and without each; where left out, bradley_terry and borda",
    )
    gold: Place | None = Field(
        default=None, description="rankings by people (as `dempo rank` reads them) that each judge is compared with"
    )
    published: Place | None = Field(
        default=None, description="folder of a publication's artefacts, whose scores are compared with the run's own"
    )

    @model_validator(mode="after")
    def _jury_has_boards(self) -> RankSection:
        others = [method for method in self.jury or () if method not in self.methods]
        if others:
            raise ValueError(
                f"jury: {', '.join(others)} is not among rank.methods, so there is no board of all judges to compare "
                "with; add it there, or leave it out here"
            )
        return self
