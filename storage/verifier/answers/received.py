"""Answers of models behind endpoints: what each was asked, and that its answer is what it replied."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from core.facts.judging.answers import answer_in
from core.facts.judging.endpoints import asked_behind
from core.facts.judging.prompts import spelled
from core.facts.judging.requests import answering_parameters, writing_key
from core.facts.places import place_name
from storage.verifier.contents.texts import Texts
from storage.verifier.ground.finding import brief, broken, one_of, same, sections
from storage.verifier.ground.record import Found, Record


class Received:
    """Compares the calls of a record one after the other.

    `addresses` gives the addresses at which one who is asked can have been asked.
    """

    def __init__(self, record: Record, texts: Texts, questions: Mapping[str, Mapping[str, Any]]) -> None:
        self.config = record.genesis.get("config", {})
        self.seed = record.genesis.get("seed", "")
        self.conditions = sections(self.config, "conditions", "name")
        self.texts = texts
        self.questions = questions

    def section(self, event: Found) -> Mapping[str, Any]:
        """The condition of a call, as one who is asked at an endpoint."""
        name = event.values["condition"]
        return asked_behind(one_of(self.conditions, name, "the configuration's condition", event.seq))

    def check(self, event: Found, addresses: Iterable[str]) -> None:
        """One call: its outcome, its answer, its prompt and its key."""
        values, section = event.values, self.section(event)
        what = f"condition {brief(values['condition'])} on question {brief(values['question_id'])}"
        if values["outcome"] == "failed" or not {"answer", "reply", "prompt"} <= values.keys():
            raise broken(f"{what}: the call has no answer, and what fails is asked again until it has one", event.seq)
        same(values["outcome"], _outcome(values), f"{what}: what came of the call, by how it ended,", event.seq)
        same(values["model"], place_name(str(section.get("model"))), f"{what}: the model", event.seq)
        reply, answer = self.texts.body(values["reply"]), self.texts.body(values["answer"])
        if reply is not None and answer is not None:
            said = answer_in(reply, self.config["answer"]["stop"])
            same(answer, said, f"{what}: the answer, from the reply,", event.seq)
        prompt = self.texts.body(values["prompt"])
        if prompt is None:
            return
        question = self.texts.body(self.questions[values["question_id"]])
        if question is not None and prompt != spelled([{"role": "user", "content": question}]):
            raise broken(f"{what} was asked something else than the question", event.seq)
        if values["request_key"] not in self._keys(event, prompt, section, addresses):
            raise broken(f"{what}: its request key is not that of its model, prompt and settings", event.seq)

    def _keys(self, event: Found, prompt: str, section: Mapping[str, Any], addresses: Iterable[str]) -> Iterator[str]:
        values, answer = event.values, self.config["answer"]
        parameters = answering_parameters(
            self.seed,
            values["condition"],
            values["question_id"],
            answer["max_tokens"],
            answer["stop"],
            section.get("extra_body"),
        )
        for address in addresses:
            yield writing_key(values["model"], address, prompt, parameters)


def _outcome(values: Mapping[str, Any]) -> str:
    """What a call is called; that a model refused in so many words is what the record says of it."""
    finish = values.get("finish_reason")
    if values["outcome"] == "refused" or finish == "content_filter":
        return "refused"
    return "truncated" if finish == "length" else "answered"
