"""The configuration of a run: TOML checked by pydantic, with the origin of every value.

Targets and tolerances are exact decimals: in floats ⌈0.5·100·1.1⌉ is 56, not 55.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from core.asking.address import plain_address
from core.asking.prompt_files import template_of_judge, template_of_writer
from core.asking.request_extras import checked_body, checked_headers
from core.facts.judging.outcomes import WANTED_COVERAGE, Unranked
from core.facts.places import apart, place_name, with_places
from core.facts.ranking.juries import MOST_WEIGHT
from core.facts.ranking.methods import METHODS, Method
from core.facts.sources import has_base, source_kind, trains
from core.facts.stages import NO_DATA, PEOPLE_ONLY

Estimator = Literal["step_normalised", "weighted_sampling"]
Transform = Literal["identity", "sqrt", "square"]
BASE_MODEL = ("base", "tiny")
"""Names under which a model is the run's own base model."""
Identifier = Annotated[str, Field(pattern=r"^[a-z0-9_][a-z0-9_-]{0,39}$")]
Positive = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Money = Annotated[Decimal, Field(ge=0, le=1_000_000_000, decimal_places=9)]
"""An amount, or a price of a million tokens: exact, so that what was spent is not a matter of rounding."""
Patience = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""Minutes for which an endpoint that answers nothing but limits is waited for."""
Address = Annotated[str, AfterValidator(plain_address)]
Place = Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())]
"""A path, recorded in full, so that a resume finds it.

A relative one is taken from the current folder; those that stand in a file were placed by `core.config_file` before.
"""


class Section(BaseModel):
    """Base of all sections: unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RunSection(Section):
    """Name and seed of the run."""

    name: str = Field(pattern=r"^[a-z0-9-]{1,40}$")
    seed: int = Field(default=0, ge=0, lt=2**63)
    secret_file: Place | None = Field(
        default=None, description="32 bytes that pseudonyms are made with, in place of the runs folder's own"
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
        _require_distinct([a.name for a in value], "attribute")
        return value


class LotterySection(Section):
    """A lottery over panels: `panels` = 0 is exact, m is uniform over m panels."""

    name: Identifier
    size: Positive
    tolerance: Decimal = Field(default=Decimal("0.1"), ge=0)
    algorithm: Literal["leximin", "legacy", "random"] = "leximin"
    panels: int = Field(default=0, ge=0)


class DrawSection(Section):
    """A draw from a lottery.

    `randomness = "seed"` draws at once from the run's seed; `"public"` waits for a value that a source
    named beforehand will publish (`dempo draw commit`, then `dempo draw reveal`).
    """

    id: Identifier
    lottery: str
    randomness: Literal["seed", "public"] = "seed"


class PriceSection(Section):
    """What a model costs, in the currency of whoever writes it down: per million tokens of prompt and of reply.

    `cached_input` is for tokens of a prompt that the endpoint took from its cache; they cost as others where left out.
    """

    input: Money
    output: Money
    cached_input: Money | None = None


ASKED_SETTINGS = ("model", "concurrency", "timeout", "retries", "extra_body", "headers", "price")
"""Settings of conditions that are asked at an endpoint, and of no others."""


def _placed_source(source: str) -> str:
    """The source with the path of existing answers in full; `#condition` behind it stays."""
    kind, rest = apart(source)
    if kind != "answers:":
        return source
    path, mark, condition = rest.partition("#")
    place = Path(path).expanduser().absolute()
    if not path or not place.name:
        raise ValueError("'answers:' needs the file or folder that holds the answers")
    if mark and not re.fullmatch(r"[a-z0-9_][a-z0-9_-]{0,39}", condition):
        raise ValueError(f"'answers:{path}#…' needs the name of a condition of that run behind #, not {condition!r}")
    return f"{kind}{place}{mark}{condition}"


class ConditionSection(Section):
    """What one model trains on, or where the answers of one that is not trained come from.

    `source` may be `answers:<file or folder>` (they exist), `model:<folder or hub name>` (a model answers as it is) or
    `endpoint:<name>`: then `model` is its name there, and the other settings are those of a judge at an endpoint.
    """

    name: Identifier
    source: Annotated[
        str,
        Field(
            pattern=r"^(none|all|us_rep|population|draw:[a-z0-9_-]+|lottery:[a-z0-9_-]+|endpoint:[a-z0-9_-]+"
            r"|answers:.+|model:.+)$"
        ),
        AfterValidator(_placed_source),
    ]
    transform: Transform = "identity"
    estimator: Estimator = "step_normalised"
    steps: Positive | None = None
    equal_voice: bool = False
    model: str | None = Field(default=None, min_length=1, description="name of the model at the endpoint")
    concurrency: Positive | None = Field(default=None, description="calls at once; 8 where left out")
    timeout: Rate | None = Field(default=None, description="seconds of a call; 120 where left out")
    retries: int | None = Field(default=None, ge=0, description="4 where left out")
    price: PriceSection | None = Field(default=None, description="of the model, in place of its endpoint's")
    extra_body: Annotated[dict[str, Any] | None, AfterValidator(checked_body)] = None
    headers: Annotated[dict[str, str] | None, AfterValidator(checked_headers)] = None

    @model_validator(mode="after")
    def _settings_of_the_source(self) -> ConditionSection:
        kind = source_kind(self.source)
        given = [name for name in ASKED_SETTINGS if getattr(self, name) is not None]
        if kind != "endpoint" and given:
            raise ValueError(f"a condition with source {kind!r} is asked at no endpoint; remove {' and '.join(given)}")
        if kind == "endpoint" and self.model is None:
            raise ValueError("source 'endpoint:…' needs `model`, the name of the model at the endpoint")
        if kind == "model" and self.source.partition(":")[2] in BASE_MODEL:
            raise ValueError("the run's own base model answers under source 'none'")
        if "stop" in (self.extra_body or {}):
            raise ValueError("extra_body.stop is what answer.stop says; remove it")
        return self

    @property
    def asked(self) -> AskedModel | None:
        """Where it is asked; None for a condition that is asked at no endpoint."""
        kind, _, name = self.source.partition(":")
        if kind != "endpoint":
            return None
        return AskedModel(endpoint=name, extra_body=self.extra_body, headers=self.headers, price=self.price)


class TinySection(Section):
    """A tiny Llama made from a configuration and pre-trained briefly on the run's own texts."""

    hidden: Positive = 64
    layers: Positive = 2
    heads: Positive = 4
    vocabulary: int = Field(default=768, ge=300)
    steps: int = Field(default=250, ge=0)
    batch: Positive = 24
    learning_rate: Rate = 6e-3


class TrainSection(Section):
    """Weighted DPO. `batch` is the number of pairs per optimizer step over all processes."""

    model: str = Field(description="'tiny', a folder, or a name on the Hugging Face hub")
    revision: str | None = None
    tiny: TinySection = TinySection()
    beta: Rate = 0.1
    learning_rate: Rate = 5e-6
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    warmup: float = Field(default=0.0, ge=0, le=1, description="share of the steps")
    steps: Positive = 100
    batch: Positive = 32
    micro_batch: Positive = 4
    max_length: int = Field(default=1024, ge=16)
    max_gradient_norm: float = Field(default=1.0, ge=0, allow_inf_nan=False, description="0 clips nothing")
    weight_decay: float = Field(default=0.0, ge=0)
    optimizer: str = "adamw_torch"
    precision: Literal["fp32", "bf16_mixed", "bf16"] = "fp32"
    gradient_checkpointing: bool = False
    checkpoint_minutes: float = Field(
        default=10.0,
        ge=0,
        allow_inf_nan=False,
        description="between states on disk that training goes on from after an interruption; 0: after every step",
    )
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int = Field(default=1, ge=0, description="CPU threads of torch; 0 leaves the default")

    @model_validator(mode="after")
    def _batches_divide(self) -> TrainSection:
        if self.batch % self.micro_batch:
            raise ValueError(f"batch ({self.batch}) must be a multiple of micro_batch ({self.micro_batch})")
        return self


class LimitsSection(Section):
    """What an endpoint bears: kept before it has to say so."""

    requests_per_minute: int | None = Field(default=None, ge=1)
    tokens_per_minute: int | None = Field(default=None, ge=1, description="of prompts and replies together")
    concurrency: int | None = Field(default=None, ge=1, description="requests in flight, of all who are asked there")


class EndpointSection(Section):
    """An OpenAI-compatible endpoint that judges, and who writes questions, name; without an address it is the default.

    `key_env` names the variable of the environment that holds its key, "" where it is used without one. `limits` hold
    for all who are asked at its address with its key; `price` is that of its models, unless whoever asks one says
    another.
    """

    name: Identifier
    base_url: Address | None = None
    key_env: str = "OPENAI_API_KEY"
    limits: LimitsSection | None = None
    price: PriceSection | None = None

    @field_validator("key_env")
    @classmethod
    def _names_a_variable(cls, value: str) -> str:
        if not re.fullmatch("([A-Z][A-Z0-9_]*)?", value):
            raise ValueError(
                "this is no name of a variable (capital letters, digits and _); it names the variable of the "
                "environment that holds the key, and is never the key itself"
            )
        return value


class AskedModel(Section):
    """Where a model is asked: at an endpoint that is defined under a name, or at an address; and what goes with it."""

    base_url: Address | None = None
    endpoint: str | None = Field(default=None, description="name of one of the endpoints, in place of base_url")
    extra_body: Annotated[dict[str, Any] | None, AfterValidator(checked_body)] = Field(
        default=None, description="fields that every request has beside its own; part of what is asked"
    )
    headers: Annotated[dict[str, str] | None, AfterValidator(checked_headers)] = Field(
        default=None, description="headers of every request; recorded, so never a key"
    )
    price: PriceSection | None = Field(default=None, description="of this model, in place of its endpoint's")

    prompt: Place | None = Field(default=None, description="file of the words to ask by; read once, into template")
    template: str | None = Field(default=None, description="the words of that file, as prompts are made of them")

    @model_validator(mode="after")
    def _one_place(self) -> AskedModel:
        if self.base_url is not None and self.endpoint is not None:
            raise ValueError("give endpoint or base_url, not both; the endpoint has an address of its own")
        return self


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


class AnswerSection(Section):
    """Greedy answers to the questions of a constitution.

    `questions` is a folder of files, one a clause, or a run's folder: its questions are asked again, word by word, and
    its constitution is taken where `constitution` is left out.
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
    stop: tuple[str, ...] = ("\nUser:", "\nAssistant:")

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
        description="JSON Lines of the rankings of a recorded judge; of any other the folder of a run, of whose judge "
        "of the same label the replies are taken over",
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
        _require_distinct([j.label for j in value], "judge", ", which `label` gives it")
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
    jury: tuple[Method, ...] | None = Field(
        default=None,
        description="methods of the boards by each judge and without each; where left out, bradley_terry and borda",
    )
    gold: Place | None = Field(
        default=None, description="rankings by people (JSON Lines) that each judge is compared with"
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
    def key_variables(self) -> tuple[str, ...]:
        """The variables that hold keys of endpoints."""
        return tuple({entry.key_env: None for entry in self.endpoints if entry.key_env})

    @model_validator(mode="after")
    def _names_are_known(self) -> RunConfig:
        lotteries = _require_distinct([x.name for x in self.lotteries], "lottery")
        draws = _require_distinct([x.id for x in self.draws], "draw")
        _require_distinct([x.name for x in self.conditions], "condition")
        if self.run.secret_file is not None and self.data.world is not None:
            raise ValueError("run.secret_file: the secret of planted worlds is one that everybody knows")
        if self.data.people_only:
            self._only_a_pool()
        elif self.data.format == NO_DATA:
            self._nothing_to_train_on()
        elif self.lotteries and self.population is None:
            raise ValueError("lotteries need [[population.attributes]], or data.format = 'tables'")
        for draw in self.draws:
            _require_known(draw.lottery, lotteries, f"draw {draw.id!r}: lottery")
        for condition in self.conditions:
            source, _, name = condition.source.partition(":")
            if source == "draw":
                _require_known(name, draws, f"condition {condition.name!r}: draw")
            if source == "lottery":
                _require_known(name, lotteries, f"condition {condition.name!r}: lottery")
            if source == "population" and self.data.world is None:
                raise ValueError(f"condition {condition.name!r}: source 'population' needs data.world")
        endpoints = _require_distinct([x.name for x in self.endpoints], "endpoint")
        for who, asked in self.asked.items():
            if asked.endpoint is not None:
                _require_known(asked.endpoint, endpoints, f"{who}: endpoint")
        if self.judge is not None and self.judge.budget is not None:
            self._all_priced(self.judge)
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


def _require_distinct(names: Sequence[str], what: str, remedy: str = "") -> Sequence[str]:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two entries are called {name!r}; each {what} needs a name of its own{remedy}")
    return names


def _require_known(name: str, known: Sequence[str], where: str) -> None:
    if name not in known:
        listed = ", ".join(repr(k) for k in known) or "there is none"
        raise ValueError(f"{where} {name!r} is not defined (defined: {listed})")


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
