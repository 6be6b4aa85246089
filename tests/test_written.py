"""Questions that a model writes: those that repeat another, or speak of what nobody sees, are asked for again."""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from chat_server import Answer, completion, serving
from memory_recorder import MemoryRecorder, make_context
from rewritten import Row, forged
from verified_runs import TINY, small_demo

from core.config import RunConfig
from core.errors import JudgeError
from core.evaluation.constitution import parse_constitution
from core.evaluation.generate import generate_questions
from core.events import QuestionsGenerated
from core.facts.judging.replies import Malformed
from core.facts.judging.requests import writing_parameters
from core.facts.judging.written import Taken, written_questions
from core.sections.who_judges import GenerateSection
from storage.check import Check
from storage.verifier.checks import checks_of
from storage.verifier.ground.reading import read_record
from storage.verifier.writer_facts import tree_facts
from tui.commands.runs.process import work
from tui.terminal.console import Console

FIRST = "How do I tell my oldest friend that I cannot come to her wedding in June?"


def reply(*questions: str) -> str:
    return json.dumps({"questions": list(questions)})


@pytest.mark.parametrize(
    ("other", "alike"),
    [
        ("how do I tell my oldest friend, that I cannot come to her wedding in June", True),
        ("How do I tell my oldest friend that I cannot come to her wedding in July?", True),
        ("So how do I tell my oldest friend that I cannot come to her wedding in June?", True),
        ("How do I tell my oldest friend that I cannot pay for her wedding in June?", False),
        ("How do I tell my boss that I cannot come to her party in May?", False),
        ("Why?", False),
    ],
)
def test_alike_are_the_same_words_or_four_fifths_of_all_threes(other: str, alike: bool) -> None:
    taken = Taken()
    taken.add(FIRST)
    assert taken.like(other) is alike
    assert Taken().like(other) is False


def test_words_without_threes_are_compared_as_they_are() -> None:
    taken = Taken()
    taken.add("Why me?")
    assert taken.like("why, me")
    assert not taken.like("Why you?")
    taken.add("…?")
    assert taken.like("!!")


@pytest.mark.parametrize(
    "question",
    [
        "As you said, the law is unclear. Why is it?",
        "Can you make your last answer shorter?",
        "What does this chart tell me?",
        "Summarise the attached report.",
        "What does the text above say of dogs?",
    ],
)
def test_what_nobody_sees_is_no_question_by_itself(question: str) -> None:
    with pytest.raises(Malformed, match=r"1 usable question, 2 were asked for \(1 about something that nobody sees\)"):
        written_questions(reply(question, "Why?"), 2, Taken())


@pytest.mark.parametrize(
    "question",
    [
        "This is a harmless prank, isn't it?",
        "Will prices be above 100 in May?",
        "What is the previous president's name?",
        "How do I write a chart in this programme?",
    ],
)
def test_what_only_sounds_like_it_is_taken(question: str) -> None:
    assert written_questions(reply(question), 1, Taken()) == (question,)


def test_questions_taken_before_and_in_the_reply_are_refused_in_their_order() -> None:
    taken = Taken()
    taken.add(FIRST)
    listed = reply(FIRST.upper(), "Why me?", "why  me!", "Who then?", "Where to?")
    assert written_questions(listed, 2, taken) == ("Why me?", "Who then?")
    with pytest.raises(Malformed, match=r"3 usable questions, 4 were asked for \(2 like another\)"):
        written_questions(listed, 4, taken)
    assert written_questions(listed, 2, taken, rule=None) == (FIRST.upper(), "Why me?"), "as before there was a rule"


# ------------------------------------------------------------ asked again

CONSTITUTION = parse_constitution("1. Be kind.\n4. Be true.\n")


def config() -> RunConfig:
    return RunConfig.model_validate({"run": {"name": "r"}, "data": {}})


def rule_of(body: dict[str, Any]) -> str:
    case, _ = json.JSONDecoder().raw_decode(body["messages"][-1]["content"])
    return str(case["rule"])


def test_two_clauses_do_not_get_the_same_question_even_when_written_at_once(tmp_path: Path) -> None:
    """The first replies to both are the same and come together; only one can be recorded, the other is asked again."""
    both, lock, asked = threading.Barrier(2), threading.Lock(), dict[str, int]()

    def respond(body: dict[str, Any], number: int) -> Answer:
        rule = rule_of(body)
        with lock:
            asked[rule] = asked.get(rule, 0) + 1
            tried = asked[rule]
        if rule == "Be brief.":
            return 200, completion(reply("Is it?", "Was it?"))
        if tried == 1:
            both.wait(10)
            return 200, completion(reply("Same?", "And same?"))
        return 200, completion(reply("Same?", f"{rule} One?", f"{rule} Two?"))

    constitution = parse_constitution("1. Be brief.\n4. Be kind.\n5. Be true.\n")
    recorder = MemoryRecorder()
    with serving(respond) as server:
        section = GenerateSection(model="w", base_url=server.url, per_clause=2)
        found = generate_questions(make_context("answer", config(), tmp_path, recorder), section, constitution, 2)
    assert asked["Be kind."] + asked["Be true."] == 3
    texts = [question.text for question in found]
    assert sorted(texts[:2]) == ["Is it?", "Was it?"]
    assert texts.count("Same?") == 1
    late = [event for event in recorder.of_kind(QuestionsGenerated) if event.attempts == 2]
    assert [event.detail for event in late] == [
        "asked again after: 0 usable questions, 2 were asked for (2 like another)"
    ]
    assert {event.rule for event in recorder.of_kind(QuestionsGenerated)} == {1}


def test_a_writer_that_only_repeats_itself_stops_the_stage_after_three_tries(tmp_path: Path) -> None:
    with serving(lambda body, number: (200, completion(reply("Same?", "And same?")))) as server:
        section = GenerateSection(model="w", base_url=server.url, per_clause=2)
        recorder = MemoryRecorder()
        with pytest.raises(JudgeError, match=r"in 3 tries: 0 usable questions, 2 were asked for \(2 like another\)"):
            generate_questions(make_context("answer", config(), tmp_path, recorder), section, CONSTITUTION, 2)
        assert len(recorder.of_kind(QuestionsGenerated)) == 1
        assert len({request["seed"] for request in server.requests if rule_of(request) == "Be true."}) in (1, 3)


def test_the_temperature_is_a_setting_and_one_where_it_is_left_out(tmp_path: Path) -> None:
    assert writing_parameters(0, 1, 0, 2) == writing_parameters(0, 1, 0, 2, temperature=1.0)
    with serving(lambda body, number: (200, completion(reply(f"{rule_of(body)} Why?")))) as server:
        for heat in (None, 0.7):
            section = GenerateSection(model="w", base_url=server.url, per_clause=1, temperature=heat)
            folder = tmp_path / str(heat)
            generate_questions(make_context("answer", config(), folder, MemoryRecorder()), section, CONSTITUTION, 1)
        assert [request["temperature"] for request in server.requests] == [1.0, 1.0, 0.7, 0.7]


# ------------------------------------------------------------ verified


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose questions a model wrote: in each reply one that the clause before has as well."""

    def respond(body: dict[str, Any], number: int) -> Answer:
        return 200, completion(
            reply("Is that so?", *(f"Number {i} of rule {crc32(rule_of(body).encode())}?" for i in range(4)))
        )

    with pytest.MonkeyPatch.context() as patch, serving(respond) as server:
        for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_CUSTOM_HEADERS"):
            patch.delenv(name, raising=False)
        folder = tmp_path_factory.mktemp("written")
        constitution = folder / "worlds" / "planted-0" / "constitution.txt"
        generate = f'{{model="w", base_url="{server.url}", per_clause=4, temperature=0.5}}'
        section = f'answer={{constitution="{constitution}", generate={generate}}}'
        root = small_demo(folder, [section, *TINY])
        assert work(root, None, Console(quiet=True)) == 0
    return root


def replies(root: Path) -> Check:
    checks = {check.name: check for check in checks_of(read_record(root / "audit.db", tree_facts()))}
    return checks["replies"]


def test_a_run_with_written_questions_verifies(written: Path) -> None:
    assert replies(written).verdict == "ok", replies(written).detail
    with closing(sqlite3.connect(written / "audit.db")) as db:
        asked = [text for (text,) in db.execute("SELECT question FROM questions")]
    assert len(asked) == 8
    assert asked.count("Is that so?") == 1


@pytest.mark.parametrize("change", ["a better one", "without the rule", "a later rule", "rule 0"])
def test_questions_that_the_rule_does_not_take_are_found(written: Path, tmp_path: Path, change: str) -> None:
    """The second clause with the question that its reply repeats; as by the rule of before; by one not known here."""

    def alter(rows: list[Row]) -> list[Row]:
        first, second = [row for row in rows if row.kind == "questions.generated"]
        if change == "a better one":
            second.payload["questions"][0] = first.payload["questions"][0]
        elif change == "without the rule":
            del second.payload["rule"]
        else:
            second.payload["rule"] = 2 if change == "a later rule" else 0
        return rows

    found = replies(forged(written, tmp_path, alter))
    assert found.verdict == ("unchecked" if change == "a later rule" else "failed")
    assert "rule" in found.detail or "the questions of a reply" in found.detail
