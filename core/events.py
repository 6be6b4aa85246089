"""Every kind of event that a run records, and the `Recorder` through which stages record them.

An event is a frozen pydantic model with a literal `kind`. Its fields become the payload, as RFC 8785
canonical JSON. Events of a unit of work also carry `unit` and `attempt` in the payload; the
`Recorder` adds and removes them. `docs/events.md` is generated from this file (`make events`).

Numbers that JSON cannot hold exactly are strings: seeds, numerators, decimal targets. NaN and the
infinities are the strings "nan", "inf" and "-inf". Lengths of time are seconds.
Fields marked volatile may differ between two runs that are "the same" (DESIGN §1).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Protocol

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

SCHEMA_VERSION = 1
"""Version of the catalogue and of the database; a reader accepts its own and older ones."""


def encode_text(text: str) -> bytes:
    """The exact bytes of a text, lone surrogates included (they occur in model output)."""
    return text.encode("utf-8", "surrogatepass")


def decode_text(body: bytes) -> str:
    """The inverse of `encode_text`."""
    return body.decode("utf-8", "surrogatepass")


def digest(body: bytes) -> str:
    """SHA-256 in hex: the name of a blob or an artifact."""
    return hashlib.sha256(body).hexdigest()


def named_number(value: object) -> object:
    """Turns a float that JSON cannot hold into its name."""
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    return value


Number = Annotated[float | Literal["nan", "inf", "-inf"], BeforeValidator(named_number)]
"""A float, or the name of a value that JSON cannot hold."""


def as_float(number: float | str) -> float:
    """The float that a recorded `Number` stands for."""
    return float(number)


def volatile(description: str, **more: Any) -> Any:
    """A field that may differ between two runs that are the same."""
    return Field(description=description, json_schema_extra={"volatile": True}, **more)


def described(description: str, **more: Any) -> Any:
    """A field with its description for the catalogue."""
    return Field(description=description, **more)


class Part(BaseModel):
    """A structured value inside an event."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Text(Part):
    """A text stored as a blob. `shown` names a second blob with NUL and lone surrogates as U+FFFD."""

    sha256: str
    shown: str | None = None

    @property
    def readable(self) -> str:
        """The blob that a view shows."""
        return self.shown or self.sha256


class Artifact(Part):
    """A file under `artifacts/`, named by its content."""

    sha256: str
    bytes: int
    media_type: str


class Event(BaseModel):
    """Base of all events; `kind` is the literal tag under which the class is registered."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: ClassVar[str]

    def payload(self) -> dict[str, Any]:
        """The fields as plain JSON values; absent optional fields are left out."""
        return self.model_dump(mode="json", exclude_none=True)


# ---------------------------------------------------------------- the run and its engine


class RunCreated(Event):
    """The genesis event: what this run is and the whole configuration it was given."""

    kind: ClassVar[str] = "run.created"
    domain: str = described("separates this chain from every other use of SHA-256")
    run_id: str = volatile("<utc yyyymmdd-hhmmss>-<name>")
    schema_version: int = described("version of the event catalogue and the database")
    name: str = described("name of the run")
    seed: str = described("seed of the run, decimal")
    config: dict[str, Any] = described("resolved configuration; decimals as strings")
    origins: dict[str, str] = described("where each value came from: file, set, default; by key path")
    simulated: bool = described("true where raters or judges are simulated (planted worlds)")


class EngineStarted(Event):
    """An engine process took the run's lock."""

    kind: ClassVar[str] = "engine.started"
    pid: int = volatile("process id")
    host: str = volatile("SHA-256 of the host name, first 12 hex digits")
    resumed: bool = volatile("false for the first engine of the run")
    program: str = volatile("version of dempo")
    commit: str | None = volatile("git commit of the checkout, absent outside one", default=None)
    dirty: bool | None = volatile("whether the checkout had uncommitted changes", default=None)
    python: str = volatile("version of Python")
    platform: str = volatile("operating system and processor")
    packages: dict[str, str] = volatile("installed versions of the packages that matter")
    environment: dict[str, str] = volatile("variables that matter; secrets as present or absent")
    devices: list[str] = volatile("accelerators, by name", default_factory=list)


class EngineStopped(Event):
    """An engine process let go of the run."""

    kind: ClassVar[str] = "engine.stopped"
    outcome: Literal["completed", "paused", "stopped", "failed"] = volatile(
        "completed: all stages; paused: the stage asked for by --until; stopped: by the operator"
    )
    reason: str = volatile("a sentence")
    exit_code: int = volatile("exit code of the process")


class OperatorAction(Event):
    """Something a person asked for while the run existed."""

    kind: ClassVar[str] = "operator.action"
    action: str = volatile("stop, resume, …")
    detail: str = volatile("what was asked, in words", default="")


class StageStarted(Event):
    """A stage began (or began again after an interruption)."""

    kind: ClassVar[str] = "stage.started"
    name: str = described("name of the stage")
    version: int = described("version of the stage's code")
    key: str = described("SHA-256 of name, version, configuration slice, seed and the keys of its inputs")
    replay: str = described("how far the stage can be replayed: view, re-derive, re-solve, re-run, not replayable")


class StagePlanned(Event):
    """How many units of work the stage has; completed units over this number is its progress."""

    kind: ClassVar[str] = "stage.planned"
    name: str = described("name of the stage")
    units: int = described("number of units")


class StageCompleted(Event):
    """All units of a stage are recorded."""

    kind: ClassVar[str] = "stage.completed"
    name: str = described("name of the stage")
    key: str = described("the key of `stage.started`")
    seconds: float = volatile("time since this engine began the stage")


class StageSkipped(Event):
    """A stage has nothing to do in this run."""

    kind: ClassVar[str] = "stage.skipped"
    name: str = described("name of the stage")
    reason: str = described("why, in words")


class UnitCompleted(Event):
    """A unit of work is whole; events of the same unit with another attempt don't count."""

    kind: ClassVar[str] = "unit.completed"
    seconds: float = volatile("time the unit took")


class SeedDerived(Event):
    """The seed of a stage or of a unit that uses randomness."""

    kind: ClassVar[str] = "seed.derived"
    seed: str = described("the seed: a decimal, or 64 hex digits of a derived key")
    origin: str = described("how it came about")


# ---------------------------------------------------------------- pairs and pool


class FileRead(Part):
    """One input file."""

    name: str
    bytes: int
    sha256: str
    rows: int


class PairsBuilt(Event):
    """The usable preference pairs; every filter has been applied."""

    kind: ClassVar[str] = "pairs.built"
    source: str = volatile("folder or hub name the data came from")
    files: list[FileRead] = described("files read, with size, SHA-256 and number of rows")
    raters: int = described("raters kept, with and without pairs")
    rater_ids: list[str] = described("pseudonyms of the raters kept, in source order", default_factory=list)
    contexts: int = described("distinct contexts")
    responses: int = described("distinct responses")
    pairs: int = described("preference pairs")
    excluded: dict[str, int] = described("what was left out or repaired, by reason, in counts")
    artifact: Artifact = described("the pairs with their texts")


class PoolRater(Part):
    """One row of the pool; raters are in the order of their source ids."""

    rater_id: str
    type: int
    pairs: int
    locale: str = ""


class PoolType(Part):
    """Raters with equal attributes; categories in the order of the attributes."""

    type: int
    categories: list[str]
    size: int


class PoolBuilt(Event):
    """Raters with at least one usable pair, and their types."""

    kind: ClassVar[str] = "pool.built"
    attributes: list[str] = described("names of the attributes, in order")
    raters: list[PoolRater] = described("pseudonym, type and N_r of every rater, in source order")
    types: list[PoolType] = described("types in order of their categories")
    survey_only: int = described("raters without a usable pair, left out")


# ---------------------------------------------------------------- lottery and draw


class QuotaRow(Part):
    """One quota; target is an exact decimal."""

    attribute: str
    category: str
    target: str
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
    types: list[PoolType] = described("number, categories and size of every type")


class LotteryLevel(Event):
    """One stage of LEXIMIN: the level reached and the types fixed at it."""

    kind: ClassVar[str] = "lottery.level"
    lottery: str = described("name of the lottery")
    level: int = described("0 is the lowest")
    probability: float = described("inclusion probability of the types fixed here")
    types: list[int] = described("types fixed at this level")
    binding: dict[str, float] = described(
        "duals of the quotas that bind, by 'attribute: category (lower|upper)'", default_factory=dict
    )


class LotteryPanel(Event):
    """One composition of the lottery's support."""

    kind: ClassVar[str] = "lottery.panel"
    lottery: str = described("name of the lottery")
    panel: int = described("number of the panel, from 0")
    numerator: str = described("probability times 2^53, decimal integer")
    probability: float = described("probability of the panel")
    counts: list[tuple[int, int]] = described("[type, members] where members > 0")


class LotterySolved(Event):
    """The lottery as a whole."""

    kind: ClassVar[str] = "lottery.solved"
    lottery: str = described("name of the lottery")
    algorithm: Literal["leximin", "legacy", "random"] = described("how the lottery was made")
    method: str = described("what proved or produced it, in words")
    estimated: bool = described("true where π comes from a Monte Carlo estimate")
    panels: int = described("compositions in the support")
    pi: list[float] = described("π per type, from the compositions and their integer probabilities")
    standard_error: list[float] | None = described("per type, for estimated lotteries", default=None)
    optimum: list[float] | None = described("π per type that LEXIMIN proved optimal", default=None)
    max_difference: float = described("max |π − optimum| over types (0 for baselines)")
    solver: dict[str, str] = volatile("solver and versions")


class DrawMade(Event):
    """A draw from a lottery, whatever became of it."""

    kind: ClassVar[str] = "draw.made"
    draw: str = described("id of the draw")
    lottery: str = described("name of the lottery")
    panel: int = described("number of the panel that was drawn")
    seed: str = described("key of the random stream, hex")
    origin: str = described("where the seed comes from")
    members: list[str] = described("pseudonyms of the panel, in source order")
    outcome: Literal["accepted", "rejected", "aborted"] = described("what became of the draw")
    reason: str = described("why, in words", default="")


# ---------------------------------------------------------------- conditions and training


class WeightRow(Part):
    """Weight w_r of one rater; one pair counts ω = w_r / N_r."""

    rater_id: str
    pairs: int
    weight: float


class ConditionPlanned(Event):
    """What a condition trains on: weights of its raters and the schedule of pairs."""

    kind: ClassVar[str] = "condition.planned"
    condition: str = described("name of the condition")
    source: str = described("none, all, us_rep, draw:<id>, lottery:<name> or population")
    transform: str = described("f in w_r = f(π_r)")
    estimator: str = described("step_normalised or weighted_sampling")
    steps: int = described("optimizer steps")
    batch: int = described("pairs per optimizer step")
    pairs: int = described("pairs with positive weight")
    raters: int = described("raters with positive weight")
    effective_pairs: float = described("(Σω)²/Σω² over the pairs: the effective sample size")
    weights: list[WeightRow] = described("raters with positive weight, in source order")
    artifact: Artifact | None = described("the schedule: pair index and flip per step", default=None)


class ModelReady(Event):
    """The base model that every condition starts from."""

    kind: ClassVar[str] = "model.ready"
    model: str = volatile("what the configuration named")
    architecture: str = described("class of the model")
    parameters: int = described("number of parameters")
    vocabulary: int = described("size of the tokenizer's vocabulary")
    template: str = described("SHA-256 of the chat template")
    files: dict[str, str] = described("SHA-256 of each file of the base checkpoint")
    pretraining_loss: Number | None = described("last loss of the brief pre-training of a tiny model", default=None)


class ReferenceComputed(Event):
    """Log-probabilities of the frozen reference, once per distinct (context, response)."""

    kind: ClassVar[str] = "reference.computed"
    sequences: int = described("distinct (context, response) sequences scored")
    cut_contexts: int = described("sequences whose oldest turns were dropped to fit max_length")
    cut_responses: int = described("sequences whose response was cut to fit max_length")
    artifact: Artifact = described("sum of token log-probabilities per sequence")


class TrainStep(Event):
    """One optimizer step."""

    kind: ClassVar[str] = "train.step"
    condition: str = described("name of the condition")
    step: int = described("from 1")
    loss: Number = described("Σωℓ/Σω over the step (step_normalised) or the mean (weighted_sampling), in nats")
    margin: Number = described("mean implicit reward margin β(Δ_chosen − Δ_rejected), weighted like the loss")
    gradient_norm: Number = described("norm of the gradient before clipping")
    learning_rate: float = described("learning rate of the step")
    seconds: float = volatile("time of the step")


class TrainCheckpoint(Event):
    """A checkpoint on disk; the last one of a condition is its model."""

    kind: ClassVar[str] = "train.checkpoint"
    condition: str = described("name of the condition")
    step: int = described("optimizer steps done")
    final: bool = described("true for the trained model")
    folder: str = described("path below the run directory")
    files: dict[str, str] = described("SHA-256 of the model's files; empty where only the trainer's state was kept")


class RecoveryMeasured(Event):
    """How well a model's implicit reward predicts citizens of a planted population."""

    kind: ClassVar[str] = "recovery.measured"
    condition: str = described("name of the condition")
    population_log_loss: Number = described("mean over held-out pairs, nats, citizens of the target population")
    margin_agreement: Number = described("share of held-out pairs where the margin's sign agrees with a citizen")
    pairs: int = described("held-out pairs")
    floor: Number | None = described("log-loss of the citizens' true choice probabilities: none is lower", default=None)
    agreement_ceiling: Number | None = described("agreement of the majority's choices: none is higher", default=None)
    world: str | None = described("SHA-256 of the world's truth", default=None)


# ---------------------------------------------------------------- evaluation


class Clause(Part):
    """One clause of the constitution."""

    clause_id: int
    text: Text


class PlannedQuestion(Part):
    """One question."""

    question_id: str
    clause_id: int
    text: Text


class QuestionsPlanned(Event):
    """The constitution and the questions that will be asked."""

    kind: ClassVar[str] = "questions.planned"
    constitution: Text = described("the constitution as read")
    clauses: list[Clause] = described("its clauses, by number")
    questions: list[PlannedQuestion] = described("the questions, in order of clause and number")
    origin: str = described("where the questions come from: file or model")


class QuestionsGenerated(Event):
    """Questions that a model wrote for one clause; all clauses together are in `questions.planned`."""

    kind: ClassVar[str] = "questions.generated"
    clause_id: int = described("the clause")
    model: str = described("model at the endpoint")
    questions: list[Text] = described("the questions, in order")
    attempts: int = described("requests made, retries included")
    prompt: Text = described("what the model was asked")
    reply: Text = described("what it said, raw")
    finish_reason: str | None = described("as the endpoint gave it", default=None)
    fingerprint: str | None = described("system fingerprint of the endpoint", default=None)
    prompt_tokens: int | None = described("as the endpoint counted", default=None)
    completion_tokens: int | None = described("as the endpoint counted", default=None)
    request_key: str = described("SHA-256 of model, endpoint, prompt and parameters")
    seconds: float = volatile("time of the call")


class AnswerGiven(Event):
    """A model's greedy answer to a question."""

    kind: ClassVar[str] = "answer.given"
    condition: str = described("name of the condition")
    question_id: str = described("the question")
    clause_id: int = described("its clause")
    answer: Text = described("the answer")
    tokens: int = described("tokens generated, the stop excluded")
    finish: Literal["stop", "length"] = described("why generation ended")


class JudgeCalled(Event):
    """One call of one judge, whatever came of it. Only `ranked` calls hold a ranking."""

    kind: ClassVar[str] = "judge.called"
    question_id: str = described("the question")
    clause_id: int = described("its clause")
    judge: str = described("model#index")
    judge_kind: Literal["openai", "local", "planted"] = described("what kind of judge")
    outcome: Literal["ranked", "refused", "truncated", "malformed", "failed"] = described("what came of it")
    shown_order: list[str] = described("conditions in the order in which their answers were shown")
    ranking: list[str] | None = described("conditions, best first", default=None)
    attempts: int = described("requests made, retries included")
    prompt: Text | None = described("what the judge was asked", default=None)
    reply: Text | None = described("what it said, raw", default=None)
    detail: str = described("error or refusal, in words", default="")
    finish_reason: str | None = described("as the endpoint gave it", default=None)
    fingerprint: str | None = described("system fingerprint of the endpoint", default=None)
    prompt_tokens: int | None = described("as the endpoint counted", default=None)
    completion_tokens: int | None = described("as the endpoint counted", default=None)
    request_key: str = described("SHA-256 of model, endpoint, prompt, shown order, index and parameters")
    seconds: float = volatile("time of the call")


# ---------------------------------------------------------------- rank


class LeaderboardRow(Part):
    """One condition's place."""

    condition: str
    score: Number
    low: Number
    high: Number
    position: int


class LeaderboardComputed(Event):
    """One aggregation method over all rankings."""

    kind: ClassVar[str] = "leaderboard.computed"
    method: str = described("aggregation method")
    rankings: int = described("rankings aggregated")
    resample: str = described("what the bootstrap resamples: questions, rankings or clauses")
    resamples: int = described("number of resamples")
    confidence: float = described("coverage of the percentile intervals")
    rows: list[LeaderboardRow] = described("conditions, best first")
    detail: dict[str, Number] = described("what else the method estimates (Mallows φ, …)", default_factory=dict)
    note: str = described("what the intervals hold fixed, and ties", default="")


class DiagnosticsComputed(Event):
    """Agreement of the judges and their biases."""

    kind: ClassVar[str] = "diagnostics.computed"
    values: dict[str, Number] = described("mean pairwise Kendall τ, Fleiss κ, position bias, …")


EVENTS: dict[str, type[Event]] = {cls.kind: cls for cls in Event.__subclasses__()}
"""Every event class by its kind."""


def decode(kind: str, payload: Mapping[str, Any]) -> Event:
    """The event that a recorded payload stands for; `unit` and `attempt` have been taken out.

    Raises:
        KeyError: a kind that this version doesn't know (a newer program wrote it).
    """
    return EVENTS[kind].model_validate(payload)


class Recorder(Protocol):
    """Where a stage writes, and where it reads back what earlier engines finished."""

    def record(
        self,
        stage: str,
        events: Sequence[Event],
        *,
        unit: tuple[str, int] | None = None,
        blobs: Sequence[bytes] = (),
    ) -> None:
        """Appends events (of one unit and attempt) and their blobs in one transaction."""
        ...

    def completed(self, stage: str) -> dict[str, tuple[Event, ...]]:
        """Events of the last completed attempt of every unit of the stage, by unit."""
        ...

    def attempts(self, stage: str) -> dict[str, int]:
        """The highest attempt begun or completed, by unit."""
        ...

    def text(self, sha256: str) -> str:
        """The text of a blob."""
        ...

    def progress(self, stage: str, done: float, total: float, detail: str = "") -> None:
        """Tells people how far a long piece of work is; not part of the record."""
        ...
