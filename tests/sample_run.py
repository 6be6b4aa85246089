"""A small complete run record, written through the same log as a real one, for tests of readers.

Twelve invented raters, two lotteries, three draws, four conditions, six questions and eighteen judge
calls. Nothing is computed: the numbers are made up here, apart from π, which follows from the panels.
Texts are as hostile as models and people can make them.
"""

from __future__ import annotations

import math
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any

from core.config_file import load_config
from core.events import (
    SCHEMA_VERSION,
    AlternatesOfType,
    AnswerGiven,
    Clause,
    ConditionPlanned,
    DiagnosticsComputed,
    DrawAlternates,
    DrawCommitted,
    DrawDecided,
    DrawMade,
    EngineStarted,
    EngineStopped,
    Event,
    FileRead,
    JudgeCalled,
    LeaderboardComputed,
    LeaderboardRow,
    LotteryDiagnosed,
    LotteryLevel,
    LotteryPanel,
    LotteryQuotas,
    LotterySolved,
    LotteryTypes,
    ModelReady,
    OperatorAction,
    PairsBuilt,
    PlannedQuestion,
    PoolBuilt,
    PoolRater,
    PoolType,
    QuestionsPlanned,
    QuotaRow,
    RecoveryMeasured,
    ReferenceComputed,
    TrainCheckpoint,
    TrainState,
    TrainStep,
    UpdateMeasured,
    UpdateRow,
    WeightRow,
    digest,
)
from core.facts.formats import PROGRAM_ID
from core.facts.judging.replies import READING_RULE
from core.facts.ranking.positions import ORDER_RULE
from core.facts.sortition.draw import seats_of
from core.facts.sortition.inequality import histogram
from core.facts.training.rules import RATE_RULE, REFERENCE_RULE, training_unit, update_unit
from core.run_folder import RunFolder
from core.stage import Context, Stage, Unit, run_stage
from core.types import LOTTERY_DENOMINATOR, Lottery
from storage.record.create import create_run
from storage.record.log import Log
from storage.record.schema import OBJECTS

CONFIG = """
[run]
name = "sample"
seed = 7
[data]
path = "/worlds/sample"
world = "world.json"
[[population.attributes]]
name = "age"
column = "age"
targets = {"18-34" = 0.5, "35+" = 0.5}
[[population.attributes]]
name = "education"
column = "education"
slack = ["unknown"]
targets = {low = 0.5, high = 0.5, unknown = 0}
[[lotteries]]
name = "panel4"
size = 4
[[lotteries]]
name = "panel6"
size = 6
[[draws]]
id = "main"
lottery = "panel4"
[[draws]]
id = "second"
lottery = "panel4"
[[draws]]
id = "large"
lottery = "panel6"
[[conditions]]
name = "base"
source = "none"
[[conditions]]
name = "full"
source = "all"
[[conditions]]
name = "hard"
source = "draw:main"
[[conditions]]
name = "soft"
source = "lottery:panel4"
[train]
model = "tiny"
steps = 30
[answer]
constitution = "/constitution.txt"
questions = "/questions"
[judge]
judges = [{kind = "planted", model = "citizens", rankings = 3}]
"""

TYPES = (("18-34", "high"), ("18-34", "low"), ("35+", "high"), ("35+", "low"))
TYPE_OF = (0, 0, 1, 2, 0, 1, 0, 2, 1, 0, 2, 3)
RATERS = tuple(sorted(f"r{digest(str(i).encode())[:11]}" for i in range(12)))
CONDITIONS = ("base", "full", "hard", "soft")
SOURCES = {"base": "none", "full": "all", "hard": "draw:main", "soft": "lottery:panel4"}
STEPS = 30
PANELS = {
    "panel4": (4, ((1, 1, 1, 1), (2, 1, 1, 0), (1, 2, 1, 0)), (1, 2, 1)),
    "panel6": (6, ((2, 2, 1, 1), (2, 1, 2, 1), (2, 2, 2, 0)), (2, 1, 1)),
}
"""Lottery: size, compositions over TYPES, probabilities in quarters."""

MARKUP = "[@click=app.quit]x[/] [bold red]not bold[/]"
ESCAPES = "before \x1b[2J\x1b]0;title\x07 after \x9b31m"
REVERSED = "abc \u202e fed\u202c \u2066isolated\u2069 zero\u200bwidth"
NULS = "nul \0 and a lone surrogate \ud83d end"
QUESTIONS = tuple((f"c{clause}-q{q}", clause) for clause in (1, 2) for q in (1, 2, 3))
BROKEN_CALLS = {4: "refused", 8: "truncated", 12: "malformed", 16: "failed"}


def make_sample_run(runs: Path, *, long_answer: int = 0, stop_before: str | None = None) -> Path:
    """Writes the run below `runs` and returns its folder.

    Args:
        long_answer: characters of one answer, for tests of truncation.
        stop_before: a stage that is not begun any more; the run is then recorded as stopped.
    """
    runs.mkdir(parents=True, exist_ok=True)
    config = runs / ".sample.toml"
    config.write_text(CONFIG, encoding="utf-8")
    root = create_run(load_config(config), CONFIG, runs)
    config.unlink()
    with Log.open(RunFolder(root)) as log:
        log.record("run", [started(resumed=False)])
        for stage, work in _STAGES.items():
            if stage == stop_before:
                log.record("run", [OperatorAction(action="stop", detail="asked for in the app")])
                log.record("run", [EngineStopped(outcome="stopped", reason="stopped on request", exit_code=130)])
                return root
            write_stage(log, root, stage, work, long_answer)
        log.record("run", [EngineStopped(outcome="completed", reason="all stages are recorded", exit_code=0)])
    return root


def write_stage(
    log: Log, root: Path, name: str, work: Callable[[Context, int], None] | None = None, long_answer: int = 0
) -> None:
    """Records one stage as the engine would."""
    config = load_config(root / "config.toml").config
    chosen = work or _STAGES[name]
    stage = Stage(name, 1, (), ("run",), _REPLAY[name], lambda ctx: chosen(ctx, long_answer))
    run_stage(stage, config, log, RunFolder(root), digest(name.encode()), (), None)


def copy_prefix(root: Path, target: Path, events: int) -> Path:
    """A copy of the run below `target` that ends after its first `events` events, as a crash would leave it."""
    copy = target / root.name
    shutil.copytree(root, copy, ignore=shutil.ignore_patterns("audit.db*"))
    with closing(sqlite3.connect(root / "audit.db")) as source, closing(sqlite3.connect(copy / "audit.db")) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute(f"PRAGMA application_id={PROGRAM_ID}")
        db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        for statement in OBJECTS.values():
            db.execute(statement)
        rows = source.execute("SELECT * FROM events WHERE seq <= ? ORDER BY seq", [events]).fetchall()
        db.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        db.executemany("INSERT INTO blobs VALUES (?, ?)", source.execute("SELECT * FROM blobs").fetchall())
        db.commit()
    return copy


def started(resumed: bool) -> EngineStarted:
    """The event of an engine that took the lock."""
    return EngineStarted(
        pid=4711,
        host="0" * 12,
        resumed=resumed,
        program="0.1.0",
        files=digest(b"the program"),
        python="3.11.0",
        platform="Linux",
        packages={"torch": "2.13.0", "trl": "1.16.0"},
        environment={"HF_TOKEN": "absent"},
    )


def _pairs(ctx: Context, _: int) -> None:
    def build(unit: Unit) -> None:
        artifact = ctx.store(b"pairs", "application/x-npz")
        unit.add(
            PairsBuilt(
                source="worlds/sample",
                files=[FileRead(name="survey.jsonl", bytes=2048, sha256=digest(b"survey"), rows=13)],
                raters=13,
                rater_ids=[*RATERS, "r-without-pairs"],
                contexts=30,
                responses=80,
                pairs=120,
                excluded={"placeholder text": 3, "equal scores": 17},
                artifact=artifact,
            )
        )

    ctx.plan(1)
    ctx.unit("pairs", build)


def _pool(ctx: Context, _: int) -> None:
    def build(unit: Unit) -> None:
        raters = [PoolRater(rater_id=r, type=t, pairs=10, locale="us") for r, t in zip(RATERS, TYPE_OF, strict=True)]
        unit.add(PoolBuilt(attributes=["age", "education"], raters=raters, types=_types(), survey_only=1))

    ctx.plan(1)
    ctx.unit("pool", build)


def _seats(members: Iterable[int]) -> dict[str, dict[str, int]]:
    return seats_of(["age", "education"], TYPES, (TYPE_OF[i] for i in members))


def _types() -> list[PoolType]:
    return [PoolType(type=t, categories=list(c), size=TYPE_OF.count(t)) for t, c in enumerate(TYPES)]


def quota_rows(size: int) -> list[QuotaRow]:
    """Bounds at τ = 0.1 for shares of one half; `unknown` is slack."""
    lower, upper = math.floor(size * 0.45), math.ceil(size * 0.55)
    in_pool = {"18-34": 8, "35+": 4, "low": 4, "high": 8}
    rows = [
        QuotaRow(attribute=a, category=c, target="0.5", lower=lower, upper=upper, slack=False, in_pool=in_pool[c])
        for a, c in (("age", "18-34"), ("age", "35+"), ("education", "low"), ("education", "high"))
    ]
    slack = QuotaRow(attribute="education", category="unknown", target="0", lower=0, upper=size, slack=True, in_pool=0)
    return [*rows, slack]


def lottery(name: str) -> Lottery:
    """The lottery as a value, which checks its own arithmetic."""
    size, panels, quarters = PANELS[name]
    sizes = tuple(TYPE_OF.count(t) for t in range(len(TYPES)))
    return Lottery(name, size, sizes, panels, tuple(q * LOTTERY_DENOMINATOR // 4 for q in quarters))


def _lottery(ctx: Context, _: int) -> None:
    ctx.plan(len(PANELS))
    for name in PANELS:
        ctx.unit(name, lambda unit, name=name: unit.add(*_lottery_events(name)))  # type: ignore[misc]


def _lottery_events(name: str) -> list[Event]:
    solved = lottery(name)
    pi = [float(p) for p in solved.inclusion_by_type()]
    panels = [
        LotteryPanel(
            lottery=name,
            panel=p,
            numerator=str(numerator),
            probability=numerator / LOTTERY_DENOMINATOR,
            counts=[(t, x) for t, x in enumerate(panel) if x],
        )
        for p, (panel, numerator) in enumerate(zip(solved.panels, solved.numerators, strict=True))
    ]
    return [
        LotteryQuotas(lottery=name, size=solved.size, tolerance="0.1", quotas=quota_rows(solved.size)),
        LotteryTypes(lottery=name, attributes=["age", "education"], types=_types()),
        LotteryLevel(
            lottery=name,
            level=0,
            probability=min(pi),
            types=[0],
            binding={"age: 35+ (lower)": 0.125},
        ),
        *panels,
        LotterySolved(
            lottery=name,
            algorithm="leximin",
            method="tight",
            estimated=False,
            panels=len(panels),
            pi=pi,
            optimum=pi,
            max_difference=0.0,
            solver={"highs": "1.15.1"},
        ),
        LotteryDiagnosed(
            lottery=name,
            raters=len(RATERS),
            smallest=min(pi),
            largest=max(pi),
            equal=solved.size / len(RATERS),
            gini=0.125,
            max_min_ratio=max(pi) / min(pi) if min(pi) else "inf",
            coefficient_of_variation=0.25,
            without_chance=0,
            certain=0,
            histogram=histogram([Fraction(p) for p in pi]),
        ),
    ]


DRAWS: dict[str, tuple[str, int, tuple[int, ...], str, str]] = {
    "main": ("panel4", 1, (0, 4, 2, 3), "accepted", ""),
    "second": ("panel4", 2, (0, 2, 5, 7), "rejected", "two members withdrew " + MARKUP),
    "large": ("panel6", 0, (0, 4, 2, 5, 3, 11), "accepted", ""),
}
"""Draw: lottery, panel, indices of the members in RATERS, outcome, reason."""


def _draw(ctx: Context, _: int) -> None:
    ctx.plan(len(DRAWS))
    for name, (of, panel, members, outcome, reason) in DRAWS.items():
        made = DrawMade(
            draw=name,
            lottery=of,
            panel=panel,
            seed=digest(name.encode()),
            origin="unit",
            members=[RATERS[i] for i in sorted(members)],
            seats=_seats(members),
            leaf_key=digest(name.encode()),
            root=digest(b"root"),
            outcome=outcome,  # type: ignore[arg-type]
            reason=reason,
        )
        spare = AlternatesOfType(type=0, raters=[r for r, t in zip(RATERS, TYPE_OF, strict=True) if t == 0][-1:])
        stand_in = DrawAlternates(draw=name, alternates=[spare])
        ctx.unit(name, lambda unit, made=made, more=stand_in: unit.add(made, more))  # type: ignore[misc]
    ctx.recorder.record("draw", _public_draws())


def _public_draws() -> list[Event]:
    """Three attempts at a draw by public randomness: withdrawn, rejected, and one that waits for its value."""
    committed = [
        DrawCommitted(
            draw="public",
            round=number,
            lottery="panel4",
            hashes={"pool": digest(b"pool"), "lottery": digest(b"lottery")},
            source="the lottery numbers of next Saturday " + MARKUP,
            rule="hash",
            commitment=digest(str(number).encode()),
        )
        for number in (1, 2, 3)
    ]
    proposed = DrawMade(
        draw="public",
        lottery="panel4",
        panel=1,
        seed=digest(b"public"),
        origin="public_hash",
        members=sorted(RATERS[:4]),
        seats=_seats(range(4)),
        leaf_key=digest(b"leaves"),
        root=digest(b"root"),
        outcome="proposed",
        round=2,
        commitment=committed[1].commitment,
        value="3 14 15 9 26 5",
    )
    aborted = DrawDecided(draw="public", round=1, outcome="aborted", reason="the source was cancelled")
    rejected = DrawDecided(draw="public", round=2, outcome="rejected", reason="read out wrongly")
    return [committed[0], aborted, committed[1], proposed, rejected, committed[2]]


def _conditions(ctx: Context, _: int) -> None:
    ctx.plan(len(CONDITIONS))
    members = {"base": (), "full": range(12), "hard": sorted(DRAWS["main"][2]), "soft": range(12)}
    pi = [float(p) for p in lottery("panel4").inclusion_by_type()]
    for name in CONDITIONS:
        weights = [
            WeightRow(rater_id=RATERS[i], pairs=10, weight={"full": 10.0, "soft": pi[TYPE_OF[i]]}.get(name, 1.0))
            for i in members[name]
        ]
        planned = ConditionPlanned(
            condition=name,
            source=SOURCES[name],
            transform="identity",
            estimator="step_normalised",
            steps=STEPS if weights else 0,
            batch=8,
            pairs=10 * len(weights),
            raters=len(weights),
            effective_pairs=9.5 * len(weights),
            weights=weights,
            leaf_key=digest(name.encode()),
            root=digest(b"root"),
            artifact=ctx.store(f"schedule {name}".encode(), "application/x-npz") if weights else None,
        )
        ctx.unit(name, lambda unit, planned=planned: unit.add(planned))  # type: ignore[misc]


def _model(ctx: Context, _: int) -> None:
    ctx.plan(1)
    ready = ModelReady(
        model="tiny",
        architecture="LlamaForCausalLM",
        parameters=156_000,
        vocabulary=768,
        template=digest(b"template"),
        files={"model.safetensors": digest(b"base")},
        pretraining_loss=2.31,
    )
    ctx.unit("base", lambda unit: unit.add(ready))


def _train(ctx: Context, _: int) -> None:
    trained = CONDITIONS[1:]
    ctx.plan(1 + 2 * len(trained))
    reference = ReferenceComputed(
        sequences=80,
        cut_contexts=0,
        cut_responses=2,
        rule=REFERENCE_RULE,
        artifact=ctx.store(b"reference", "application/x-npz"),
    )
    ctx.unit("reference", lambda unit: unit.add(reference))
    for condition in trained:
        ctx.unit(training_unit(condition), lambda unit, c=condition: train_condition(unit, c))  # type: ignore[misc]
        ctx.unit(update_unit(condition), lambda unit, c=condition: unit.add(update_of(c)))  # type: ignore[misc]


def update_of(condition: str) -> UpdateMeasured:
    """A model of two layers, of which the second moved twice as far as the first."""
    size = {"full": 0.3, "hard": 0.5, "soft": 0.4}[condition]
    rows = [
        UpdateRow(
            layer=f"layers.{i}",
            numbers=78_000,
            l2=l2,
            rms=l2 / math.sqrt(78_000),
            mean_abs=l2 / math.sqrt(78_000) / 2,
            base_l2=100.0,
            relative=l2 / 100,
            changed=1.0,
            changed_bf16=0.5,
        )
        for i, l2 in enumerate((size, 2 * size))
    ]
    l2, base, d = math.hypot(size, 2 * size), math.hypot(100, 100), 156_000
    return UpdateMeasured(
        condition=condition,
        numbers=d,
        l2=l2,
        rms=l2 / math.sqrt(d),
        mean_abs=sum(row.mean_abs * row.numbers for row in rows) / d,
        base_l2=base,
        relative=l2 / base,
        changed=1.0,
        changed_bf16=0.5,
        layers=rows,
        left_out=[],
    )


def train_condition(unit: Unit, condition: str) -> None:
    """The optimizer steps, recorded one by one with a state now and then, and the model."""
    for step in range(1, STEPS + 1):
        unit.now(train_step(condition, step))
        if step % 6 == 0 and step < STEPS:
            folder = f"checkpoints/.state/{condition}/checkpoint-{step}"
            unit.now(TrainState(condition=condition, step=step, folder=folder, files={"state": digest(b"state")}))
    unit.add(
        TrainCheckpoint(
            condition=condition,
            step=STEPS,
            folder=f"checkpoints/{condition}",
            files={"model.safetensors": digest(condition.encode())},
        )
    )


def train_step(condition: str, step: int) -> TrainStep:
    """A step of a curve that falls as losses do."""
    slope = {"full": 0.02, "hard": 0.03, "soft": 0.025}.get(condition, 0.02)
    return TrainStep(
        condition=condition,
        step=step,
        loss=math.log(2) * math.exp(-slope * step) + 0.01 * math.sin(7 * step),
        margin=slope * step / 4,
        gradient_norm=1.0 / step,
        learning_rate=5e-4 * (1 - step / STEPS),
        rule=RATE_RULE,
        seconds=0.09,
    )


def _recovery(ctx: Context, _: int) -> None:
    values = {"base": (0.7310, 0.512), "full": (0.7040, 0.548), "hard": (0.6710, 0.601), "soft": (0.6650, 0.615)}
    values["ceiling"] = (0.6410, 0.652)
    ctx.plan(len(values))
    for name, (loss, agree) in values.items():
        measured = RecoveryMeasured(condition=name, population_log_loss=loss, margin_agreement=agree, pairs=600)
        ctx.unit(name, lambda unit, measured=measured: unit.add(measured))  # type: ignore[misc]


def _answer(ctx: Context, long_answer: int) -> None:
    ctx.plan(1 + len(CONDITIONS))
    ctx.unit("questions", _questions)
    texts = {"base": MARKUP, "full": ESCAPES, "hard": REVERSED, "soft": NULS}
    for condition in CONDITIONS:
        ctx.unit(f"{condition}:0", lambda unit, c=condition: _answers(unit, c, texts[c], long_answer))  # type: ignore[misc]


def _questions(unit: Unit) -> None:
    clauses = [Clause(clause_id=c, text=unit.text(f"The assistant should be kind ({c}). {MARKUP}")) for c in (1, 2)]
    questions = [
        PlannedQuestion(question_id=q, clause_id=c, text=unit.text(f"What would you say to a friend? ({q}) {REVERSED}"))
        for q, c in QUESTIONS
    ]
    constitution = unit.text("1. The assistant should be kind (1).\n2. The assistant should be kind (2).\n")
    unit.add(QuestionsPlanned(constitution=constitution, clauses=clauses, questions=questions, origin="file"))


def _answers(unit: Unit, condition: str, text: str, long_answer: int) -> None:
    for question, clause in QUESTIONS:
        whole = f"Answer of {condition} to {question}: {text}\nsecond line"
        if long_answer and (condition, question) == ("soft", QUESTIONS[0][0]):
            whole = "y" * long_answer
        unit.add(
            AnswerGiven(
                condition=condition,
                question_id=question,
                clause_id=clause,
                answer=unit.text(whole),
                tokens=21,
                finish="stop" if condition != "full" else "length",
            )
        )


def _judge(ctx: Context, _: int) -> None:
    calls = [(q, c, f"citizens#{j}") for q, c in QUESTIONS for j in range(3)]
    ctx.plan(len(calls))
    for k, (question, clause, judge) in enumerate(calls):
        ctx.unit(
            f"{question}:{judge}",
            lambda unit, q=question, c=clause, j=judge, k=k: unit.add(judge_call(unit, q, c, j, k)),  # type: ignore[misc]
        )


def judge_call(unit: Unit, question: str, clause: int, judge: str, k: int) -> JudgeCalled:
    """Call number k: most are ranked, four end in the other ways."""
    outcome = BROKEN_CALLS.get(k, "ranked")
    ordered = ["soft", "hard", "full", "base"]
    ranking = ordered[k % 2 :] + ordered[: k % 2]
    return JudgeCalled(
        question_id=question,
        clause_id=clause,
        judge=judge,
        judge_kind="planted",
        outcome=outcome,  # type: ignore[arg-type]
        shown_order=list(CONDITIONS[k % 4 :] + CONDITIONS[: k % 4]),
        ranking=ranking if outcome == "ranked" else None,
        attempts=1 + (outcome == "failed") * 4,
        prompt=unit.text(f"Rank these four answers to {question}."),
        reply=unit.text("C > A > B > D" if outcome == "ranked" else f"I will not. {ESCAPES}"),
        detail="" if outcome == "ranked" else f"the judge gave no ranking {MARKUP}",
        prompt_tokens=120,
        completion_tokens=9,
        request_key=digest(f"{question}{judge}".encode()),
        rule=READING_RULE,
        seconds=0.02,
    )


def _rank(ctx: Context, _: int) -> None:
    boards: dict[str, Sequence[tuple[str, Any, Any, Any, int]]] = {
        "borda": [
            ("soft", 2.21, 1.93, 2.5, 1),
            ("hard", 2.07, 1.79, 2.36, 2),
            ("full", 1.14, 0.86, 1.43, 3),
            ("base", 0.57, 0.21, 0.93, 4),
        ],
        "copeland": [("soft", 3, 1, 3, 1), ("hard", 1, 1, 3, 2), ("full", -1, -1, -1, 3), ("base", -3, -3, -3, 4)],
        "kemeny": [("soft", 1.2, 1, 2, 1), ("hard", 1.8, 1, 2, 2), ("full", 3, 3, 3, 3), ("base", 4, 4, 4, 4)],
        "bradley_terry": [
            ("soft", 1.31, 0.82, math.inf, 1),
            ("hard", 1.02, 0.6, 1.55, 2),
            ("full", -0.4, -0.9, 0.1, 3),
            ("base", math.nan, -math.inf, -0.9, 4),
        ],
    }
    ctx.plan(len(boards) + 1)
    for method, rows in boards.items():
        board = LeaderboardComputed(
            method=method,
            rankings=14,
            calls=18,
            resample="questions",
            resamples=1000,
            confidence=0.95,
            rows=[LeaderboardRow(condition=c, score=s, low=low, high=high, position=p) for c, s, low, high, p in rows],
            detail={f"consensus:{row[0]}": float(row[4]) for row in rows} if method == "kemeny" else {},
            rule=ORDER_RULE,
            units=3,
        )
        ctx.unit(method, lambda unit, board=board: unit.add(board))  # type: ignore[misc]
    diagnostics = DiagnosticsComputed(values={"mean_kendall_tau": 0.62, "fleiss_kappa": 0.41, "position_bias": 0.03})
    ctx.unit("diagnostics", lambda unit: unit.add(diagnostics))


_STAGES: dict[str, Callable[[Context, int], None]] = {
    "pairs": _pairs,
    "pool": _pool,
    "lottery": _lottery,
    "draw": _draw,
    "conditions": _conditions,
    "model": _model,
    "train": _train,
    "recovery": _recovery,
    "answer": _answer,
    "judge": _judge,
    "rank": _rank,
}
_REPLAY: dict[str, Any] = {
    "pairs": "re-derive",
    "pool": "re-derive",
    "lottery": "re-solve",
    "draw": "re-derive",
    "conditions": "re-derive",
    "model": "re-run",
    "train": "re-run",
    "recovery": "re-run",
    "answer": "re-run",
    "judge": "not replayable",
    "rank": "re-derive",
}
