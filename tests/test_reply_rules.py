"""How replies of a judge behind an endpoint are verified."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from records import done, genesis
from rewritten import Row, forged

from core.data.pseudonyms import PLANTED
from core.evaluation.prompts import recorded_prompt, template_text, writer_messages
from core.events import Clause, PlannedQuestion, QuestionsGenerated, QuestionsPlanned, Text, digest
from core.facts.judging.prompts import LABELS
from core.facts.judging.replies import READING_RULE
from core.facts.judging.requests import DEFAULT_ADDRESS, writing_key, writing_parameters
from core.run_folder import RunFolder
from storage.check import Check
from storage.record.log import Log
from storage.verifier.checks import checks_of
from storage.verifier.contents import replies
from storage.verifier.ground.reading import read_record
from storage.verifier.ground.record import Found
from storage.verifier.writer_facts import tree_facts
from storage.verify import verify

Change = Callable[[dict[str, Any]], Any]


def replies_check(root: Path) -> Check:
    """What both verifiers say of the replies."""
    (said,) = [check for check in verify(root) if check.name == "replies"]
    (alone,) = [check for check in checks_of(read_record(root / "audit.db", tree_facts())) if check.name == "replies"]
    assert said == alone
    return said


def calls(change: Change, malformed: bool) -> Callable[[list[Row]], list[Row]]:
    """Changes every call that was malformed, or every other one."""

    def attack(rows: list[Row]) -> list[Row]:
        found = [row.payload for row in rows if row.kind == "judge.called"]
        picked = [call for call in found if (call["outcome"] == "malformed") == malformed]
        assert picked
        for call in picked:
            change(call)
        return rows

    return attack


def test_a_record_names_the_rule_and_is_ok(judged: Path) -> None:
    assert all(check.verdict in ("ok", "unknown") for check in verify(judged))
    seen = []
    record = read_record(judged / "audit.db", tree_facts())
    for event in record.counted("judge.called"):
        seen.append(event.values["outcome"])
        assert event.values["rule"] == READING_RULE
    assert (seen.count("malformed"), seen.count("ranked")) == (4, 20)


def test_a_quotation_that_is_called_a_ranking_fails(judged: Path, tmp_path: Path) -> None:
    def taken(call: dict[str, Any]) -> None:
        call.update(outcome="ranked", ranking=list(call["shown_order"]), detail="")

    assert replies_check(forged(judged, tmp_path, calls(taken, malformed=True))).verdict == "failed"


@pytest.mark.parametrize(("said", "verdict"), [("Answer {}", "ok"), ("not {}", "failed")])
def test_a_reply_in_another_spelling_is_verified_by_the_same_reading(
    judged: Path, tmp_path: Path, said: str, verdict: str
) -> None:
    (count,) = {len(call.values["shown_order"]) for call in read_calls(judged)}
    reply = "<think>Hm.</think>" + " > ".join(said.format(label.lower()) for label in reversed(LABELS[:count]))

    def change(call: dict[str, Any]) -> None:
        call["reply"] = {"sha256": digest(reply.encode())}

    assert replies_check(forged(judged, tmp_path, calls(change, malformed=False), reply.encode())).verdict == verdict


def read_calls(root: Path) -> Sequence[Found]:
    return read_record(root / "audit.db", tree_facts()).counted("judge.called")


@pytest.mark.parametrize(("rule", "verdict"), [(READING_RULE + 1, "unchecked"), (0, "failed")])
def test_other_rules_are_newer_or_none(judged: Path, tmp_path: Path, rule: int, verdict: str) -> None:
    other = forged(judged, tmp_path, calls(lambda call: call.update(rule=rule), malformed=False))
    assert replies_check(other).verdict == verdict


def test_no_call_is_said_to_have_failed_for_good(judged: Path, tmp_path: Path) -> None:
    """A failure needs no reply, so it would be the way to be rid of a call that displeases."""

    def failed(call: dict[str, Any]) -> None:
        call.update(outcome="failed", detail="503: busy")
        del call["reply"], call["ranking"]

    check = replies_check(forged(judged, tmp_path, calls(failed, malformed=False)))
    assert check.verdict == "failed"
    assert "asked again" in check.detail


def test_a_reply_that_reads_slowly_is_read_once(judged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a record of half a megabyte could name it in every call, and take hours."""
    slow = b'{"k":[' * 400 + b"1," * 98_800
    read: list[int] = []
    parse = replies.parse_ranking

    def counted(text: str, labels: str) -> tuple[str, ...]:
        read.append(len(text))
        return parse(text, labels)

    monkeypatch.setattr(replies, "parse_ranking", counted)

    def change(call: dict[str, Any]) -> None:
        call["reply"] = {"sha256": digest(slow)}

    copy = forged(judged, tmp_path, calls(change, malformed=True), slow)
    record = read_record(copy / "audit.db", tree_facts())
    assert [check.verdict for check in checks_of(record) if check.name == "replies"] == ["ok"]
    assert read.count(len(slow)) == 1


QUESTIONS = ("How?", "Why me?")


def written(
    runs: Path,
    said: str,
    recorded: tuple[str, ...] = QUESTIONS,
    keep: bool = True,
    key: str | None = None,
    rule: str = "Be kind.",
) -> Check:
    """The check of a record in which a model wrote questions of one clause; it was asked about the first one."""
    asked = recorded_prompt(writer_messages("Be kind.", len(recorded)))
    bodies = [text.encode() for text in (template_text("writer"), asked, said, *recorded, rule)]
    template, prompt, reply, *questions, clause = (Text(sha256=digest(body)) for body in bodies)
    own = writing_key("writer", DEFAULT_ADDRESS, asked, writing_parameters(5, 1, 2, len(recorded)))
    event = QuestionsGenerated(
        clause_id=1,
        model="writer",
        questions=questions,
        attempts=1,
        template=template,
        prompt=prompt,
        reply=reply,
        request_key=own if key is None else key,
        seconds=1,
    )
    plan = QuestionsPlanned(
        constitution=clause,
        clauses=[Clause(clause_id=1, text=clause)],
        questions=[PlannedQuestion(question_id=f"1:{i}", clause_id=1, text=text) for i, text in enumerate(questions)],
        origin="writer",
    )
    root = runs / "20260101-000000-small"
    with Log.create(RunFolder(root), genesis(root.name), PLANTED) as log:
        log.record("answer", [event, done()], unit=("clause:1", 1), blobs=bodies if keep else bodies[3:])
        log.record("answer", [plan, done()], unit=("questions", 1))
    return replies_check(root)


def test_questions_of_a_model_are_those_of_its_reply(tmp_path: Path) -> None:
    reply = json.dumps({"questions": QUESTIONS})
    assert written(tmp_path / "a", reply).verdict == "ok"
    assert written(tmp_path / "b", f"<think>{{}}</think> Here: {reply}").verdict == "ok"
    other = written(tmp_path / "c", json.dumps({"questions": ["How?", "Why not me?"]}))
    assert (other.verdict, other.event) == ("failed", 2)
    none = written(tmp_path / "d", "How? Why me?")
    assert none.verdict == "failed"
    assert "the reply lists no such questions" in none.detail


def test_the_key_of_what_a_writer_was_asked_is_worked_out_again(tmp_path: Path) -> None:
    check = written(tmp_path, json.dumps({"questions": QUESTIONS}), key="0" * 64)
    assert (check.verdict, check.event) == ("failed", 2)
    assert "its request key is not that of its prompt and settings" in check.detail


def test_a_writer_was_asked_about_its_clause(tmp_path: Path) -> None:
    check = written(tmp_path, json.dumps({"questions": QUESTIONS}), rule="Be brief.")
    assert (check.verdict, check.event) == ("failed", 2)
    assert "was asked something else than template, texts and their order give" in check.detail


def test_questions_whose_reply_is_not_here_are_unknown(tmp_path: Path) -> None:
    assert written(tmp_path, "", keep=False).verdict == "unknown"
