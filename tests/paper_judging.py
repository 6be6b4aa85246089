"""Answers, judge calls and leaderboards of the size of a paper's run, as the stages record them: every check holds.

`paper_record` makes a record with more in it, and an invented lottery, for what views and files cost; the checks give
it up early. Here the orders are derived, the prompts quote the answers and the replies say the rankings, so that
verification has all its work to do.
"""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path

from core.config import RunConfig, resolved
from core.config_file import parse_config
from core.data.pseudonyms import PLANTED
from core.evaluation.prompts import judge_messages, labels_for, recorded_prompt, template_text
from core.events import (
    SCHEMA_VERSION,
    AnswerGiven,
    Clause,
    JudgeCalled,
    PlannedQuestion,
    QuestionsPlanned,
    RunCreated,
    Text,
    UnitCompleted,
    digest,
)
from core.facts.chain import CHAIN_DOMAIN, NO_EVENT
from core.facts.judging.orders import shown_orders
from core.facts.judging.replies import READING_RULE
from core.facts.judging.requests import DEFAULT_ADDRESS, judging_key, judging_parameters
from core.facts.randomness import RandomStream
from core.ranking.stage import rank
from core.run_folder import RunFolder
from core.stage import Context
from core.types import Judged, Question, Ranking
from storage.record.log import Log
from storage.record.schema import VIEWS_VERSION

CONDITIONS = ("base", "full", "us_rep", "hard", "soft")
BATCH, ANSWER, SEED = 16, 900, 5
"""Questions of a unit of answers; the most bytes of an answer; the run's seed."""

CONFIG = f"""
[run]
name = "paper"
seed = {SEED}
[data]
path = "data"
[answer]
constitution = "constitution.txt"
questions = "questions.txt"
batch = {BATCH}
[train]
model = "model"
[judge]
judges = [{{ kind = "openai", model = "judge", rankings = 5 }}]
[rank]
""" + "".join(f'[[conditions]]\nname = "{name}"\nsource = "none"\n' for name in CONDITIONS)


def write_judging(root: Path, questions: int = 3_000, resamples: int = 1_000) -> None:
    """Writes the record without waiting for the disk: 18,000 commits take minutes."""
    loaded = parse_config(CONFIG.replace("[rank]\n", f"[rank]\nresamples = {resamples}\n"))
    generator = random.Random(SEED)
    asked = [
        Question(f"{i // 40 + 1}:{i % 40}", i // 40 + 1, f"rule {i // 40}", f"question {i}") for i in range(questions)
    ]
    created = RunCreated(
        secret=hashlib.sha256(PLANTED).hexdigest(),
        registry=NO_EVENT,
        domain=CHAIN_DOMAIN,
        run_id=root.name,
        schema_version=SCHEMA_VERSION,
        views=VIEWS_VERSION,
        name="paper",
        seed=str(SEED),
        config=resolved(loaded.config),
        origins=loaded.origins,
        simulated=False,
    )
    with Log.create(RunFolder(root), created, PLANTED) as log:
        log._db.execute("PRAGMA synchronous=OFF")
        _plan(log, asked)
        answers = _answer(log, asked, generator)
        judged = _judge(log, asked, answers, loaded.config, generator)
        rank(Context("rank", loaded.config, log, log.folder), judged)


def _text(words: str) -> tuple[Text, bytes]:
    return Text(sha256=digest(words.encode())), words.encode()


def _plan(log: Log, asked: list[Question]) -> None:
    rules = {question.clause_id: question.clause for question in asked}
    constitution, body = _text("\n".join(f"{number}. {rule}" for number, rule in rules.items()))
    bodies, clauses, planned = [body], {}, []
    for question in asked:
        (rule, rule_body), (words, body) = _text(question.clause), _text(question.text)
        clauses[question.clause_id] = Clause(clause_id=question.clause_id, text=rule)
        planned.append(PlannedQuestion(question_id=question.question_id, clause_id=question.clause_id, text=words))
        bodies += [rule_body, body]
    plan = QuestionsPlanned(constitution=constitution, clauses=list(clauses.values()), questions=planned, origin="file")
    log.record("answer", [plan, UnitCompleted(seconds=0.0)], unit=("questions", 1), blobs=bodies)


def _answer(log: Log, asked: list[Question], generator: random.Random) -> dict[tuple[str, str], str]:
    answers: dict[tuple[str, str], str] = {}
    for condition in CONDITIONS:
        for start in range(0, len(asked), BATCH):
            events, bodies = [], []
            for question in asked[start : start + BATCH]:
                body = generator.randbytes(ANSWER // 2)
                words = body.hex(" ", 3)[: ANSWER - 2 * body[0]]
                answers[condition, question.question_id] = words
                given, stored = _text(words)
                bodies.append(stored)
                events.append(
                    AnswerGiven(
                        condition=condition,
                        question_id=question.question_id,
                        clause_id=question.clause_id,
                        answer=given,
                        tokens=225,
                        finish="stop",
                    )
                )
            unit = (f"{condition}/{start // BATCH:05d}", 1)
            log.record("answer", [*events, UnitCompleted(seconds=1.0)], unit=unit, blobs=bodies)
    return answers


def _judge(
    log: Log,
    asked: list[Question],
    answers: dict[tuple[str, str], str],
    config: RunConfig,
    generator: random.Random,
) -> Judged:
    assert config.judge is not None
    (section,) = config.judge.judges
    stream, labels = RandomStream(SEED, "judge", "order"), labels_for(len(CONDITIONS))
    said: dict[tuple[int, str], tuple[Ranking, tuple[str, ...]]] = {}
    for question in asked:
        orders = shown_orders(stream, question.question_id, section.model, CONDITIONS, section.rankings)
        for index, order in enumerate(orders):
            named = generator.sample(labels, len(labels))
            ranking = [order[labels.index(label)] for label in named]
            judge = f"{section.model}#{index}"
            _call(log, question, judge, order, ranking, json.dumps({"ranking": named}), answers)
            said[index, question.question_id] = (
                Ranking(question.question_id, question.clause_id, judge, tuple(ranking)),
                tuple(order),
            )
    in_order = [said[index, question.question_id] for index in range(section.rankings) for question in asked]
    return Judged(
        rankings=tuple(ranking for ranking, _ in in_order),
        shown=tuple(order for _, order in in_order),
        lengths={key: len(text) for key, text in answers.items()},
        words={key: len(text.split()) for key, text in answers.items()},
        calls=len(in_order),
    )


def _call(
    log: Log,
    question: Question,
    judge: str,
    order: tuple[str, ...],
    ranking: list[str],
    reply: str,
    answers: dict[tuple[str, str], str],
) -> None:
    messages = judge_messages(question, [answers[condition, question.question_id] for condition in order])
    shown = recorded_prompt(messages)
    (prompt, asked), (replied, said), (template, around) = _text(shown), _text(reply), _text(template_text("openai"))
    model, _, index = judge.rpartition("#")
    parameters = judging_parameters(SEED, model, int(index), question.question_id, 0.0, 1024)
    call = JudgeCalled(
        question_id=question.question_id,
        clause_id=question.clause_id,
        judge=judge,
        judge_kind="openai",
        outcome="ranked",
        shown_order=list(order),
        ranking=ranking,
        attempts=1,
        template=template,
        prompt=prompt,
        reply=replied,
        finish_reason="stop",
        request_key=judging_key(model, DEFAULT_ADDRESS, shown, order, int(index), parameters),
        rule=READING_RULE,
        seconds=1.0,
    )
    unit = (f"{judge}/{question.question_id}", 1)
    log.record("judge", [call, UnitCompleted(seconds=1.0)], unit=unit, blobs=[asked, said, around])
