"""Questions, answers and judge calls."""

from __future__ import annotations

from typing import ClassVar, Literal

from core.events.base import Event, Part, Sha256, Text, described, volatile
from core.events.data import FileRead
from core.facts.judging.outcomes import Outcome, Unranked


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
    batches: list[int] | None = described(
        "how many questions each batch holds in which a model on this machine answers; `answer.batch` where left out",
        default=None,
    )


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
    detail: str | None = described(
        "what the endpoint did not accept, and why it was asked again, in words", default=None
    )
    finish_reason: str | None = described("as the endpoint gave it", default=None)
    fingerprint: str | None = described("system fingerprint of the endpoint", default=None)
    prompt_tokens: int | None = described("as the endpoint counted", default=None)
    completion_tokens: int | None = described("as the endpoint counted", default=None)
    cached_tokens: int | None = described("of the prompt, taken from the endpoint's cache as it says", default=None)
    reasoning_tokens: int | None = described("of the reply, spent on thoughts as the endpoint says", default=None)
    request_key: Sha256 = described("SHA-256 of model, endpoint, prompt and parameters")
    rule: int | None = described("number of the rule by which questions were taken (judging.md)", default=None)
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


class ModelLinked(Event):
    """The model of a condition that answers as it is: weights are links to files that exist elsewhere."""

    kind: ClassVar[str] = "model.linked"
    condition: str = described("name of the condition; the model lies in the folder checkpoints/<condition>")
    model: str = volatile("what the configuration named")
    architecture: str = described("class of the model")
    parameters: int = described("number of parameters")
    vocabulary: int = described("size of the tokenizer's vocabulary")
    template: Sha256 = described("SHA-256 of the chat template")
    template_kind: Literal["plain", "model"] | None = described(
        "the model's own chat template, or the plain one where it carries none", default=None
    )
    template_text: Text | None = described("the chat template", default=None)
    files: dict[str, Sha256] = described("SHA-256 of each file of the model")


class AnswersRead(Event):
    """Where answers were read that existed before the run: a file, or another run's record."""

    kind: ClassVar[str] = "answers.read"
    condition: str = described("name of the condition")
    name: str = described("name of the file, or of the run's folder")
    rows: int = described("answers that it holds, to questions of this run or to others")
    sha256: Sha256 | None = described("SHA-256 of the file; absent for a run", default=None)
    bytes: int | None = described("size of the file", default=None)
    run: str | None = described("id of the run; absent for a file", default=None)
    of: str | None = described("the condition of that run whose answers these are", default=None)
    head: Sha256 | None = described("hash of the last event of that run when it was read", default=None)
    events: int | None = described("number of that event", default=None)


class AnswerRead(Event):
    """An answer that existed before the run."""

    kind: ClassVar[str] = "answer.read"
    condition: str = described("name of the condition")
    question_id: str = described("the question")
    clause_id: int = described("its clause")
    answer: Text = described("the answer, as it was read")


class AnswerReceived(Event):
    """A call of a model behind an endpoint that answers a question. Only a call that did not fail has an answer."""

    kind: ClassVar[str] = "answer.received"
    condition: str = described("name of the condition")
    question_id: str = described("the question")
    clause_id: int = described("its clause")
    outcome: Literal["answered", "refused", "truncated", "failed"] = described("what came of it")
    model: str = described("model at the endpoint")
    answer: Text | None = described("the answer: the reply up to the first stop string", default=None)
    reply: Text | None = described("what the model said, raw", default=None)
    prompt: Text | None = described("what it was asked", default=None)
    attempts: int = described("requests made, retries included")
    detail: str = described("error or refusal, or what the endpoint did not accept, in words", default="")
    finish_reason: str | None = described("as the endpoint gave it", default=None)
    fingerprint: str | None = described("system fingerprint of the endpoint", default=None)
    prompt_tokens: int | None = described("as the endpoint counted", default=None)
    completion_tokens: int | None = described("as the endpoint counted", default=None)
    cached_tokens: int | None = described("of the prompt, taken from the endpoint's cache as it says", default=None)
    reasoning_tokens: int | None = described("of the reply, spent on thoughts as the endpoint says", default=None)
    request_key: Sha256 = described("SHA-256 of model, address, prompt and parameters")
    seconds: float = volatile("time of the call")


class RankingsRead(Event):
    """The file of a judge whose rankings exist already. Each of them is a `judge.called` of its own."""

    kind: ClassVar[str] = "rankings.read"
    judge: str = described("label of the judge")
    file: FileRead = described("the file, with size, SHA-256 and number of rankings")
    rankings: dict[str, int] = described("how many rankings there are of each question that has any")
    shown: bool | None = described("true where the file says in which order some answers were shown", default=None)


class TakenFrom(Part):
    """The call of another run whose reply this is: that run, the hash of its first event, and the event's number."""

    run_id: str
    first: Sha256
    event: int


class JudgeCalled(Event):
    """One call of one judge, whatever came of it. Only `ranked` calls hold a ranking."""

    kind: ClassVar[str] = "judge.called"
    question_id: str = described("the question")
    clause_id: int = described("its clause")
    judge: str = described("label#index; the configuration has its model")
    judge_kind: Literal["openai", "local", "planted", "recorded"] = described("what kind of judge")
    outcome: Outcome = described("what came of it")
    shown_order: list[str] = described(
        "conditions in the order in which their answers were shown; empty for recorded rankings of which it is unknown"
    )
    ranking: list[str] | None = described("conditions, best first", default=None)
    attempts: int = described("requests made, retries included")
    template: Text | None = described("the words around the case in the prompt (judging.md)", default=None)
    chat_template: Text | None = described("the chat template of a local judge", default=None)
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
    taken_from: TakenFrom | None = volatile(
        "where the reply was taken over from, in place of a request; absent for a call that was made", default=None
    )
    reasoning: Text | None = described("what the endpoint sent as reasoning beside the reply, raw", default=None)
    rotations: int | None = described("rotations of the shown order that a local judge's mean is over", default=None)
    seconds: float = volatile("time of the call")


class JudgeReopened(Event):
    """An operator's action on a run at rest: these completed calls are made again, each as a further attempt.

    The former replies stay in the record; the last completed attempt is the one that counts.
    """

    kind: ClassVar[str] = "judge.reopened"
    outcomes: list[Unranked] = described("calls that ended so are made again")
    units: list[str] = described("the units of these calls, in the order of their names")
