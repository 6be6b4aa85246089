"""Judge calls page by page say what the views say, and read no more for a page than the page."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sample_run import judge_call, make_sample_run

from core.events import Event, JudgeCalled, UnitCompleted
from core.run_folder import RunFolder
from storage.record.lists import call_pages
from storage.record.lists.call_pages import CallIndex, answers_at, asked, call_index, calls_at, reply_of
from storage.record.log import Log
from storage.record.reader import Reader, connect

LISTED = """SELECT j.*, q.clause_id FROM judge_calls j
LEFT JOIN (SELECT row_number() OVER () AS place, question_id, clause_id FROM questions) q USING (question_id)
ORDER BY coalesce(q.place, 0), j.question_id, j.judge"""
"""The views' own way, which joins all calls and questions of the run."""


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sample_run(tmp_path_factory.mktemp("runs"))


def index_of(reader: Reader) -> CallIndex:
    return call_index(reader, reader.head()[0])


def require_as_in_views(reader: Reader) -> None:
    """All calls, in their order, with all that is shown of them."""
    index, listed = index_of(reader), reader.query(LISTED)
    calls = calls_at(reader, index.calls)
    for column in ("question_id", "judge", "outcome", "shown_order", "attempts", "detail", "prompt_tokens"):
        assert [getattr(call, column) for call in calls] == [row[column] for row in listed], column
    assert [index.clauses.get(call.question_id) for call in calls] == [row["clause_id"] for row in listed]
    assert index.outcomes == dict(Counter(row["outcome"] or "–" for row in listed))
    places: dict[tuple[Any, Any], list[str]] = {}
    for row in reader.query("SELECT question_id, judge, condition FROM rankings ORDER BY position"):
        places.setdefault((row["question_id"], row["judge"]), []).append(row["condition"])
    assert {(call.question_id, call.judge): call.order for call in calls if call.order} == places


def test_pages_say_what_the_views_say(sample: Path) -> None:
    reader = Reader(sample)
    require_as_in_views(reader)
    texts = {(row["condition"], row["question_id"]): row["answer"] for row in reader.view("answers")}
    planned = {row["question_id"]: row for row in reader.view("questions")}
    index = index_of(reader)
    for call in calls_at(reader, index.calls):
        question = asked(reader, call.question_id, 10**6)
        assert question is not None
        row = planned[call.question_id]
        assert (question.question, question.clause) == (row["question"], row["clause"])
        answers = answers_at(reader, index.answers[call.question_id], 10**6)
        assert {name: answer.answer for name, answer in answers.items()} == {
            condition: text for (condition, asked_about), text in texts.items() if asked_about == call.question_id
        }
        assert reply_of(reader, call, 10**6) is not None
    assert asked(reader, "no such question", 10) is None


def test_what_came_since_is_added_to_what_is_known(sample: Path) -> None:
    """At many events of the record, between those of one unit too, from what was held before and from nothing."""
    held: CallIndex | None = None
    last, first = Reader(sample).head()[0], index_of(Reader(sample)).calls[0]
    for seq in sorted({*range(1, last, 25), *range(first, first + 6), last}):
        reader = Reader(sample, until=seq)
        held = call_index(reader, seq, held)
        assert held == call_index(reader, seq)
    assert held is not None
    assert len(held.calls) == 18
    early = Reader(sample, until=held.seq // 2)
    assert call_index(early, held.seq // 2, held) == call_index(early, held.seq // 2), "time goes back, too"


def test_what_an_engine_records_meanwhile_is_read_once(sample: Path) -> None:
    """The reader sees more than the event up to which it is asked, as where an engine is at work."""
    reader, held = Reader(sample), CallIndex()
    first, last = index_of(reader).calls[0], reader.head()[0]
    for seq in [*range(first - 3, last, 4), last]:
        held = call_index(reader, seq, held)
        assert max([*held.calls, *(n for numbers in held.answers.values() for n in numbers)], default=0) <= seq
    assert held == call_index(reader, last)
    assert len(held.calls) == len(set(held.calls)) == 18


def record(root: Path, unit: str, attempt: int, events: Sequence[Event]) -> None:
    with Log.open(RunFolder(root)) as log:
        log.record("judge", [*events, UnitCompleted(seconds=0)], unit=(unit, attempt))


def call(question: str, judge: str = "planted#0", **values: Any) -> JudgeCalled:
    made: list[Event] = []

    class Kept:
        add, text = staticmethod(made.append), staticmethod(lambda body: None)

    template = judge_call(Kept(), question, 1, judge, 0)  # type: ignore[arg-type]
    return template.model_copy(update=values)


def test_a_call_that_is_made_again_counts_once(tmp_path: Path) -> None:
    root = make_sample_run(tmp_path, stop_before="rank")
    before = index_of(Reader(root))
    first = calls_at(Reader(root), before.calls)[0]
    (name,) = Reader(root).query("SELECT payload->>'$.unit' AS unit FROM events WHERE seq = ?", [first.seq])
    again = call(first.question_id, judge=first.judge, outcome="refused", ranking=None)
    record(root, name["unit"], 2, [again])
    reader = Reader(root)
    after = call_index(reader, reader.head()[0], before)
    assert after == index_of(reader)
    require_as_in_views(reader)
    assert first.seq not in after.calls
    assert after.outcomes["refused"] == before.outcomes["refused"] + 1


def test_calls_about_questions_that_were_never_planned_come_first(tmp_path: Path) -> None:
    """A stranger's record may hold any."""
    root = make_sample_run(tmp_path, stop_before="rank")
    record(root, "more", 1, [call("z"), call("a"), call("a", judge="b#0")])
    require_as_in_views(Reader(root))


def test_a_page_reads_the_events_of_its_calls_by_their_numbers(sample: Path) -> None:
    """Whatever the record's size: a scan of all events would take seconds in a large one."""
    statements = {
        call_pages._PAGE: ["[1, 2]"],
        call_pages._ANSWERS: ["[1, 2]", 10],
        call_pages._REPLY: [1, 10],
        call_pages._QUESTION: ["a", 1, 1],
        call_pages._REDONE: [1, 1],
    }
    with connect(Reader(sample).folder.database) as connection:
        for statement, parameters in statements.items():
            plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
            scans = [line for line in plan if (line.startswith("SCAN") and " events" in line) or line == "SCAN e"]
            assert scans == [], json.dumps(plan)
