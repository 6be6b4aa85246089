"""The long lists of a run through keys: looked through, filtered and sorted, whichever rows are read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from paper_judging import write_judging
from test_app import INTERVAL, shown, the_run, until, wait_for
from test_app_steps import answer, first
from textual.pilot import Pilot

from storage.record import event_pages
from storage.record.event_pages import events_at
from storage.record.lists import call_lists, searches
from storage.record.lists.call_lists import calls_listed, filters_of
from storage.record.lists.call_pages import CallIndex, call_index, calls_at
from storage.record.lists.searches import calls_holding, events_holding
from storage.record.reader import Reader, connect
from tui.app import DempoApp
from tui.screens.panes import rankings, record
from tui.widgets.lists.long_list import PAGE, LongList
from tui.widgets.lists.whole_list import WholeList


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """600 judge calls, 1,800 events; tests only read it."""
    root = tmp_path_factory.mktemp("many") / "20260101-000000-paper"
    write_judging(root, questions=120, resamples=4)
    return root


def index_of(reader: Reader) -> CallIndex:
    return call_index(reader, reader.head()[0])


async def open_tab(pilot: Pilot[Any], key: str, *wanted: str) -> None:
    await wait_for(pilot, "run,")
    await pilot.press("enter", key)
    await wait_for(pilot, *wanted)


# ---------------------------------------------------------------- through keys


@pytest.mark.long
async def test_judge_calls_are_looked_through_filtered_and_sorted(runs: Path) -> None:
    reader = Reader(the_run(runs))
    calls = calls_at(reader, index_of(reader).calls)
    (refused,) = [call for call in calls if call.outcome == "refused"]
    async with DempoApp(runs, INTERVAL).run_test(size=(120, 40), notifications=True) as pilot:
        await open_tab(pilot, "5", "18 judge calls", "/ search  f filter  o sort", "Clause 1")
        await answer(pilot, "slash", "i WILL not.")
        await wait_for(pilot, f"{refused.question_id} · {refused.judge} · ✗ refused", absent="Search the list")
        await answer(pilot, "slash", "50%_nowhere")
        await wait_for(pilot, "nothing here holds '50%_nowhere'")
        await answer(pilot, "f", "refused")
        await wait_for(pilot, "1 of 18 judge calls, only refused (f)", "✗ refused")
        await answer(pilot, "f", "nonsense")
        await wait_for(pilot, "none of 18 judge calls is of 'nonsense'; f and an empty line: all")
        await answer(pilot, "f", "")
        await wait_for(pilot, "18 judge calls: ", absent="only")
        await pilot.press("o")
        await wait_for(pilot, "as it comes", "outcome ↓")
        await pilot.press(*"outcome", "down", "enter")
        text = await wait_for(pilot, "18 of 18 judge calls, by outcome ↓ (o)")
        outcomes = [call.outcome for call in calls]
        await pilot.press("home")
        text = await wait_for(pilot, max(outcomes))
        rows = [line.partition("│")[0] for line in text.splitlines()[4:22]]
        assert [next(word for word in outcomes if word in row) for row in rows] == sorted(outcomes, reverse=True)


async def test_the_record_is_looked_through_beyond_what_is_read(many: Path) -> None:
    last = first(many, "questions.planned")
    async with DempoApp(many.parent, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
        await open_tab(pilot, "7", "newest first")
        await answer(pilot, "slash", "questions.planned")
        await wait_for(pilot, f"event {last}  questions.planned", f"{last}  ")
        await answer(pilot, "slash", "questions.planned")
        await wait_for(pilot, "no other")
        await pilot.press("o")
        await wait_for(pilot, "as it comes")
        await pilot.press(*"kind", "enter")
        await wait_for(pilot, "by kind ↑ (o)", f"event {last}  questions.planned", absent="newest first")
        await pilot.press("home")
        await wait_for(pilot, "answer.given")


async def test_tables_of_results_are_filtered_and_their_texts_looked_through(many: Path) -> None:
    async with DempoApp(many.parent, INTERVAL).run_test(size=(120, 40), notifications=True) as pilot:
        await open_tab(pilot, "6", "page [boards]")
        await pilot.press("slash", "o", "f")
        await pilot.press("right_square_bracket", "right_square_bracket", "right_square_bracket")
        await pilot.press("right_square_bracket")
        await wait_for(pilot, "[questions]", "least agreed on first", absent="Search")
        await answer(pilot, "slash", "question 77")
        await wait_for(pilot, "Question 2:37", "question 77")
        await answer(pilot, "f", "3:1")
        await wait_for(pilot, "11 of 120 rows, only 3:1 (f)")
        await pilot.press("left_square_bracket", "right_square_bracket")
        await wait_for(pilot, "[questions]", absent="only 3:1")


@pytest.mark.long
async def test_a_page_that_is_shown_reads_no_more_than_two_pages_of_rows(
    many: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: Counter[str] = Counter()

    def counted(module: Any, name: str) -> None:
        whole = getattr(module, name)

        def counting(reader: Reader, numbers: Sequence[int]) -> Any:
            rows = whole(reader, numbers)
            read[name] += len(rows)
            return rows

        monkeypatch.setattr(module, name, counting)

    counted(rankings, "calls_at")
    counted(record, "events_at")
    app = DempoApp(many.parent, INTERVAL)
    async with app.run_test(size=(300, 80), notifications=True) as pilot:
        await open_tab(pilot, "5", "600 judge calls")
        for tab, name, found in (("5", "#calls", "calls_at"), ("7", "#events", "events_at")):
            await pilot.press(tab)
            listed = app.screen.query_one(name, LongList)
            for key in ("home", "end", "pageup", "home"):
                read.clear() if key != "home" else None
                await pilot.press(key)
                await until(pilot, lambda listed=listed: all(listed.keys[k] in listed._rows for k in listed.sight))
                assert read[found] <= 2 * PAGE
            assert len(listed._rows) < len(listed.keys)


async def test_a_record_that_loses_a_page_says_so_and_stays_open(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(reader: Reader, numbers: Sequence[int]) -> Any:
        raise ValueError("this page [@click=app.quit]is[/] gone")

    monkeypatch.setattr(record, "events_at", broken)
    app = DempoApp(runs, INTERVAL)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await open_tab(pilot, "7", "this page [@click=app.quit]is[/]", "gone")
        await pilot.press("down")
        assert "…" in shown(app)


async def test_quotas_and_members_are_lists_too(runs: Path) -> None:
    app = DempoApp(runs, INTERVAL)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await open_tab(pilot, "2", "[panel4]", "slack")
        await answer(pilot, "f", "religion" if "religion" in shown(app) else "age")
        await wait_for(pilot, "(f)")
        await pilot.press("3")
        await wait_for(pilot, "✓ accepted", "member")
        members = app.screen.query_one("#members", WholeList)
        await until(pilot, lambda: len(members.keys) > 1)
        await pilot.press("down")
        assert members.chosen == members.keys[1], "the arrows move among the members at once"
        name = str(members.keys[-1])
        await answer(pilot, "f", name)
        await wait_for(pilot, f"listed    1 of 4 members, only {name} (f)")


# ---------------------------------------------------------------- what is found


def texts_of(reader: Reader) -> list[str]:
    """Every answer, question and clause."""
    asked = [str(row[name]) for row in reader.view("questions") for name in ("question", "clause")]
    return [*asked, *(str(row["answer"]) for row in reader.view("answers"))]


def test_a_text_is_found_wherever_it_stands_and_as_it_stands(runs: Path) -> None:
    reader = Reader(the_run(runs))
    index = index_of(reader)
    said: dict[int, str] = {}
    answers: dict[Any, str] = {}
    for row in reader.view("answers"):
        answers[row["question_id"]] = answers.get(row["question_id"], "") + "\n" + row["answer"]
    asked = {row["question_id"]: f"{row['question']}\n{row['clause']}" for row in reader.view("questions")}
    for call in calls_at(reader, index.calls):
        reply = rankings.reply_of(reader, call, 10**6)
        own = (call.question_id, call.judge, call.outcome, call.detail, call.ranking, reply.text if reply else "")
        parts = (*own, answers.get(call.question_id, ""), asked.get(call.question_id, ""))
        said[call.seq] = "\n".join(str(part) for part in parts).lower()
    texts = [
        "%",
        "_",
        "\\",
        "'",
        '"',
        "a%b",
        "refused",
        "i will not",
        "␛",
        "planted#0",
        "[@click",
        "clause",
        "1:1",
        "soft",
    ]
    texts += [text[len(text) // 2 :][:12].lower() for text in texts_of(reader)]
    for text in texts:
        wanted = {seq for seq, words in said.items() if text in words}
        assert calls_holding(reader, index, text) == wanted, text
    everything = reader.view("events")
    for text in ("%", "_", "lottery", "SOLVED", '"outcome":"completed"', "nowhere", "\\"):
        rows = ((row["seq"], f"{row['payload']}\n{row['kind']}\n{row['stage']}".lower()) for row in everything)
        assert events_holding(reader, text) == {seq for seq, words in rows if text.lower() in words}, text


def test_calls_are_filtered_by_each_thing_that_is_suggested(runs: Path) -> None:
    reader = Reader(the_run(runs))
    index = index_of(reader)
    calls = calls_at(reader, index.calls)
    for only in (*filters_of(index), "planted", "nonsense", "%"):
        fits = [
            call.seq
            for call in calls
            if only in (call.question_id, call.judge, call.judge.split("#")[0], call.outcome)
            or only == f"clause {index.clauses.get(call.question_id)}"
        ]
        assert [*calls_listed(reader, index, only)] == fits, only
    assert {"refused", "clause 1", calls[0].judge, calls[0].question_id} <= {*filters_of(index)}


def test_calls_are_sorted_by_each_column(runs: Path) -> None:
    reader = Reader(the_run(runs))
    index = index_of(reader)
    calls = {call.seq: call for call in calls_at(reader, index.calls)}
    for column in call_lists.COLUMNS:
        up, down = (calls_listed(reader, index, "", (column, way)) for way in (False, True))
        assert {*up} == {*down} == {*index.calls}
        if column in ("judge", "outcome"):
            values = [getattr(calls[seq], column) for seq in up]
            assert values == sorted(values)
            assert [getattr(calls[seq], column) for seq in down] == values[::-1]
    ranked = [calls[seq].ranking for seq in calls_listed(reader, index, "planted#0", ("ranking", False))]
    assert ranked == sorted(ranked, key=lambda order: (order is None, order))


def test_a_search_goes_through_no_table_for_each_row_of_another(runs: Path) -> None:
    """A scan within a scan takes a minute in a large record."""
    statements: dict[str, Any] = {
        searches._EVENTS: {"held": "x"},
        searches._ANSWERS: {"held": "x"},
        searches._CALLS: {"held": "x"},
        searches._QUESTIONS: {"held": "x"},
        call_lists._BY_RANKING: ["[1, 2]"],
        event_pages._LISTED: ["[1, 2]"],
        event_pages._NUMBERS.format("kind ASC, "): {"after": 0, "newest": 9, "only": "judge"},
    }
    with connect(Reader(the_run(runs)).folder.database) as connection:
        for statement, parameters in statements.items():
            plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
            scans = [line for line in plan if line.startswith("SCAN") and "VIRTUAL TABLE" not in line]
            tables = [line for line in scans if line.split()[1] not in ("CONSTANT", "planned", "clauses")]
            assert not [line for line in plan if line.startswith("SCAN b")], plan
            assert tables in ([], ["SCAN events"]), plan


def test_events_that_are_not_there_are_left_out(runs: Path) -> None:
    assert [event.seq for event in events_at(Reader(the_run(runs)), [3, 10**9, 1, -1])] == [3, 1]


def test_what_is_asked_for_is_short_however_long_the_list(runs: Path) -> None:
    """Textual writes out what a thread is given: with the list in it, every key took longer the longer the list was."""
    held = rankings.RankingsPane.read(Reader(the_run(runs)), None).listed
    assert len(repr(rankings.CallRequest(5, held=held))) < 100
    events = record.RecordPane.read(Reader(the_run(runs)), None).index
    assert len(repr(record.RecordRequest(5, held=events))) < 100
