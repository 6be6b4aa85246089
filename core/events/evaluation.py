"""Questions, answers and judge calls."""

from __future__ import annotations

from typing import ClassVar, Literal

from core.events.base import Event, Part, Sha256, Text, described, volatile


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
    template: Text = described("the words around the rule in the prompt (judging.md)")
    prompt: Text = described("what the model was asked")
    reply: Text = described("what it said, raw")
    detail: str | None = described("what the endpoint did not accept of the request, in words", default=None)
    finish_reason: str | None = described("as the endpoint gave it", default=None)
    fingerprint: str | None = described("system fingerprint of the endpoint", default=None)
    prompt_tokens: int | None = described("as the endpoint counted", default=None)
    completion_tokens: int | None = described("as the endpoint counted", default=None)
    cached_tokens: int | None = described("of the prompt, taken from the endpoint's cache as it says", default=None)
    reasoning_tokens: int | None = described("of the reply, spent on thoughts as the endpoint says", default=None)
    request_key: Sha256 = described("SHA-256 of model, endpoint, prompt and parameters")
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
    judge: str = described("label#index; the configuration has its model")
    judge_kind: Literal["openai", "local", "planted"] = described("what kind of judge")
    outcome: Literal["ranked", "refused", "truncated", "malformed", "failed"] = described("what came of it")
    shown_order: list[str] = described("conditions in the order in which their answers were shown")
    ranking: list[str] | None = described("conditions, best first", default=None)
    attempts: int = described("requests made, retries included")
    template: Text | None = described("the words around the case in the prompt (judging.md)", default=None)
    prompt: Text | None = described("what the judge was asked", default=None)
    reply: Text | None = described("what it said, raw", default=None)
    detail: str = described("error or refusal, in words", default="")
    finish_reason: str | None = described("as the endpoint gave it", default=None)
    fingerprint: str | None = described("system fingerprint of the endpoint", default=None)
    prompt_tokens: int | None = described("as the endpoint counted", default=None)
    completion_tokens: int | None = described("as the endpoint counted", default=None)
    cached_tokens: int | None = described("of the prompt, taken from the endpoint's cache as it says", default=None)
    reasoning_tokens: int | None = described("of the reply, spent on thoughts as the endpoint says", default=None)
    request_key: Sha256 = described("SHA-256 of model, endpoint, prompt, shown order, index and parameters")
    rule: int = described("number of the rule by which the reply was read and sorted (judging.md)")
    seconds: float = volatile("time of the call")
