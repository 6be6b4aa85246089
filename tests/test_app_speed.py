"""What the app's readings cost, by what they ask of a record and not by the clock."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sample_run import make_sample_run

from core.events import OperatorAction
from core.run_folder import RunFolder
from storage.judging import judging_notes
from storage.record import reader as reading
from storage.record.lists.call_pages import call_index
from storage.record.log import Log
from storage.record.reader import Reader
from storage.record.schema import VIEWS, rows_of
from tui.screens.panes.leaderboards import LeaderboardsPane, PageRequest
from tui.screens.results.board_page import BoardPage
from tui.screens.run import PANES, read_run


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete run; tests only read it."""
    return make_sample_run(tmp_path_factory.mktemp("runs"))


class Asked:
    """The statements that were run, and how often a record was opened."""

    def __init__(self) -> None:
        self.statements: list[str] = []
        self.opened = 0

    def clear(self) -> None:
        self.statements, self.opened = [], 0


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    found, connect = Asked(), reading.connect

    def counted(*where: Any) -> Any:
        connection = connect(*where)
        connection.set_trace_callback(found.statements.append)
        found.opened += 1
        return connection

    monkeypatch.setattr(reading, "connect", counted)
    return found


def test_a_reading_opens_the_record_once(sample: Path, asked: Asked) -> None:
    """SQLite reads the text of all views each time, which takes longer than most of what is asked."""
    for pane in PANES:
        asked.clear()
        assert read_run(sample, pane, None, None).error == ""
        assert asked.opened == 1, pane.key
    asked.clear()
    reading.summary_of(sample)
    assert asked.opened == 1, "a line of the list of runs, too"


def test_a_tick_at_which_nothing_changed_asks_for_the_pulse_alone(sample: Path, asked: Asked) -> None:
    seq = Reader(sample).head()[0]
    asked.clear()
    assert read_run(sample, PANES[0], None, seq).found is None
    assert asked.opened == 1
    assert len(asked.statements) <= 6
    assert not [statement for statement in asked.statements if "unit.completed" in statement]


def test_views_that_are_read_sooner_have_the_same_rows(sample: Path, tmp_path: Path) -> None:
    stopped = make_sample_run(tmp_path, stop_before="rank")
    for root in (sample, stopped):
        reader = Reader(root)
        with reader.at_once():
            for view in VIEWS:
                assert reader.query(f"{rows_of(view)} SELECT * FROM {view}") == reader.view(view), view
    early = Reader(sample, Reader(sample).head()[0] // 2)
    with early.at_once():
        for view in VIEWS:
            assert early.query(f"{rows_of(view)} SELECT * FROM {view}") == early.view(view), view


def test_boards_stand_before_what_is_said_of_the_judging_is_read(sample: Path, asked: Asked) -> None:
    first = LeaderboardsPane.read(Reader(sample), PageRequest(whole=False)).page
    assert isinstance(first, BoardPage)
    assert (bool(first.boards), first.unread) == (True, True)
    assert judging_notes.CALLED not in asked.statements
    assert "is being read" in first.text(80).plain
    whole = LeaderboardsPane.read(Reader(sample), PageRequest()).page
    assert isinstance(whole, BoardPage)
    assert not whole.unread
    assert judging_notes.CALLED in asked.statements
    assert "is being read" not in whole.text(80).plain


def test_what_is_said_of_the_judging_is_read_again_only_where_it_changed(tmp_path: Path, asked: Asked) -> None:
    root = make_sample_run(tmp_path)
    page = LeaderboardsPane.read(Reader(root), PageRequest()).page
    assert isinstance(page, BoardPage)
    asked.clear()
    with Log.open(RunFolder(root)) as log:
        log.record("run", [OperatorAction(action="note", detail="nothing of judging")])
    again = LeaderboardsPane.read(Reader(root), PageRequest(held=page.judging)).page
    assert isinstance(again, BoardPage)
    assert again.judging == page.judging
    assert judging_notes.CALLED not in asked.statements
    half = LeaderboardsPane.read(Reader(root, Reader(root).head()[0] - 3), PageRequest(held=page.judging))
    assert half.page.judging == page.judging, "an earlier state with the same calls"
    ((last,),) = Reader(root).rows("SELECT max(seq) FROM events WHERE kind = 'judge.called'")
    assert page.judging is not None
    assert page.judging.holds(Reader(root))
    assert not page.judging.holds(Reader(root, last)), "the call is recorded there, and not yet its unit"


def test_calls_that_came_since_are_found_without_those_before(sample: Path, asked: Asked) -> None:
    reader = Reader(sample)
    held = call_index(reader, reader.head()[0])
    middle = call_index(reader, held.seq // 2)
    assert call_index(reader, held.seq, middle) == held
    since = [sql for sql in asked.statements if "'judge.called' AND e.seq >" in sql]
    assert len(since) == 3
    assert all(sql.count("seq >") == 2 for sql in since), "the calls, and the units that were completed"
