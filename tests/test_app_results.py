"""The pages of the tab of leaderboards: what ranking found, through keys and at the size of a paper."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import pytest
from paper_judging import CONDITIONS, write_judging
from rich.text import Text
from test_app import INTERVAL, shown, until, wait_for
from textual.app import ComposeResult
from textual.pilot import Pilot

from storage.findings.asked_texts import AskedText, clause_texts, question_texts
from storage.findings.heat_map import HeatMap
from storage.findings.pairs_found import PairsFound
from storage.findings.published_found import PublishedFound
from storage.record.reader import Reader
from storage.record.rows import (
    BoardDetailRow,
    ClauseLeaderRow,
    ClauseScoreRow,
    PairRow,
    PublishedRow,
    QuestionRow,
)
from storage.summary.labels import MEASURES, METHODS, measure_words
from tui.app import DempoApp
from tui.look.themed_app import ThemedApp
from tui.screens.panes.leaderboards import PAGES, LeaderboardsPane, PageRequest, Results, page
from tui.screens.results.clause_page import ClausePage
from tui.screens.results.detail_page import DetailPage
from tui.screens.results.page import Page, TablePage
from tui.screens.results.published_page import PublishedPage
from tui.screens.results.question_page import QuestionPage
from tui.widgets.lists.whole_list import WholeList

OFFERED = ("boards", "pairs", "clauses", "judges", "questions", "details")
"""The pages of a run without a plan and without published numbers."""

SHOWS = {
    "boards": ["Leaderboards", "Borda  higher is better", "P(1st)"],
    "pairs": ["Win rates", "  1 "],
    "clauses": ["difficulty", "rule 0", "firsts"],
    "judges": ["Judges: agreement and biases", "Kendall τ"],
    "questions": ["least agreed on first", "Question ", "margin"],
    "details": ["share of resamples with the same order"],
}
"""What each of them must show at 80×24 without being scrolled."""


@pytest.fixture(scope="module")
def judged_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A record of judging alone, two clauses, 48 questions by five calls; tests only read it."""
    root = tmp_path_factory.mktemp("results") / "20260101-000000-paper"
    write_judging(root, questions=48, resamples=10)
    return root


def heat(clauses: int, names: list[str]) -> ClausePage:
    """Scores of clauses, the same whenever it is asked for, and a text to every clause but the first."""
    generator = random.Random(3)
    most = len(names) - 1
    scores = [
        ClauseScoreRow(clause, name, round(most * generator.random(), 4), 1, 10)
        for clause in range(1, clauses + 1)
        for name in names
    ]
    leaders = [ClauseLeaderRow(clause, "who leads", 0.5, "nan") for clause in range(1, clauses + 1)]
    texts = {str(clause): AskedText(f"text of clause {clause}", 20) for clause in range(2, clauses + 1)}
    return ClausePage(HeatMap.of(scores, leaders), texts, "(missing)")


class One(ThemedApp):
    """The tab alone, with a page of which no record is needed."""

    CSS_PATH = DempoApp.CSS_PATH  # type: ignore[assignment]
    HORIZONTAL_BREAKPOINTS = DempoApp.HORIZONTAL_BREAKPOINTS

    def __init__(self, name: str, what: Page) -> None:
        super().__init__(css_path=Path(__file__).resolve().parents[1] / "tui" / "app.tcss")
        self.pane, self.found = LeaderboardsPane(), Results(tuple(PAGES), name, what)

    def compose(self) -> ComposeResult:
        yield self.pane

    def on_mount(self) -> None:
        self.pane.show(self.found)
        front = self.pane.front
        assert front is not None
        front.focus()


async def press(pilot: Pilot[Any], *keys: str) -> str:
    await pilot.press(*keys)
    await pilot.wait_for_scheduled_animations()
    await pilot.pause()
    return shown(pilot.app)


# ---------------------------------------------------------------- turning


@pytest.mark.parametrize("size", [(80, 24), pytest.param((120, 40), marks=pytest.mark.long)])
async def test_every_page_is_turned_to_and_takes_the_keys(judged_once: Path, size: tuple[int, int]) -> None:
    app = DempoApp(judged_once.parent, INTERVAL)
    async with app.run_test(size=size, notifications=True) as pilot:
        await wait_for(pilot, "paper")
        await pilot.press("enter", "6")
        for name in OFFERED:
            text = await wait_for(pilot, f"[{name}]", *SHOWS[name])
            assert "Traceback" not in text
            assert isinstance(app.focused, WholeList) == issubclass(PAGES[name], TablePage)
            if issubclass(PAGES[name], TablePage):
                assert app.screen.query_one("#results-table", WholeList).virtual_size.width <= size[0], (
                    "nothing lies outside"
                )
            await pilot.press("right_square_bracket")
        await wait_for(pilot, "[boards]")
        await pilot.press("left_square_bracket", "1")
        await wait_for(pilot, "folder")
        await pilot.press("6")
        await wait_for(pilot, "[details]")


async def test_the_list_of_a_page_has_the_keys_when_one_comes_back_to_it(judged_once: Path) -> None:
    app = DempoApp(judged_once.parent, INTERVAL)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "paper")
        await pilot.press("enter", "6")
        for name in OFFERED[:3]:
            await wait_for(pilot, f"[{name}]")
            await pilot.press(*(["right_square_bracket"] if name != "clauses" else []))
        await wait_for(pilot, "[clauses]", "Clause 1\n")
        await pilot.press("1")
        await wait_for(pilot, "folder")
        await pilot.press("6")
        await until(pilot, lambda: isinstance(app.focused, WholeList))
        await pilot.press("down")
        await wait_for(pilot, "Clause 2\n")


def test_a_page_is_offered_once_something_of_it_is_recorded(judged_once: Path) -> None:
    reader = Reader(judged_once)
    assert LeaderboardsPane.read(reader, None).names == OFFERED
    assert LeaderboardsPane.read(reader, PageRequest("clauses")).name == "clauses"
    assert LeaderboardsPane.read(reader, PageRequest("published")).name == "boards", "of what there is none"
    before = Reader(judged_once, 2)
    assert LeaderboardsPane.read(before, PageRequest("clauses")).names == ("boards",)
    assert page(LeaderboardsPane.read(before, PageRequest("clauses")), 80).plain == "no leaderboard is recorded yet"


def test_no_page_asks_the_record_more_often_for_more_clauses_or_questions(
    judged_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    larger = tmp_path / "20260101-000000-larger"
    write_judging(larger, questions=88, resamples=4)
    asked: list[str] = []
    query = Reader.query

    def counting(reader: Reader, sql: str, parameters: Any = ()) -> list[dict[str, Any]]:
        asked.append(sql)
        return query(reader, sql, parameters)

    monkeypatch.setattr(Reader, "query", counting)
    for name in OFFERED:
        counts = []
        for root in (judged_once, larger):
            asked.clear()
            LeaderboardsPane.read(Reader(root), PageRequest(name))
            counts.append(len(asked))
        assert counts[0] == counts[1] > 0, name


# ---------------------------------------------------------------- the heat map


async def test_a_papers_heat_map_is_read_without_colours_and_scrolls_at_80_by_24() -> None:
    names = ["full-prism", "us-rep", "hard-panel", "soft-panel", "adversary-hard", "adversary-soft", "base"]
    what = heat(75, names)
    async with One("clauses", what).run_test(size=(80, 24)) as pilot:
        text = await press(pilot)
        order = what.found.conditions
        legend = " ".join(re.sub(r"\s+", " ", text).split())
        assert all(f"{letter} {name}" in legend for letter, name in zip("ABCDEFG", order, strict=True))
        assert (head := _line(text, "clause ")).split() == ["clause", *"ABCDEFG", "difficulty", "τ"]
        for clause in ("1", "2", "3"):
            line = _line(text, f"{clause} ")
            figures = [f"{float(what.found.score(clause, name)):.2f}" for name in order]
            assert re.findall(r"\d\.\d\d", line)[:7] == figures
            assert [head[at.start()] for at in re.finditer(r"(?<=\d)(?=\*)", line)] == [" "], "one is marked"
            marked = figures[[f"{figure}*" in line for figure in figures].index(True)]
            assert float(marked) == max(map(float, figures))
        assert {"Clause 1", "(missing)"} <= {line.strip() for line in text.splitlines()}
        await press(pilot, "down", "end")
        text = await wait_for(pilot, "Clause 75")
        assert _line(text, "clause ") == head, "the row above stays"
        assert _line(text, "75 ").split()[0] == "75"
        assert "text of clause 75" in text
        assert not pilot.app.query_one("#results-table", WholeList).max_scroll_x


async def test_many_conditions_are_scrolled_to_and_the_clause_stays() -> None:
    names = [f"checkpoints/model-{k}-of-26" for k in range(26)]
    async with One("clauses", heat(4, names)).run_test(size=(80, 24)) as pilot:
        before = await press(pilot)
        table = pilot.app.query_one("#results-table", WholeList)
        await press(pilot, "right")
        await until(pilot, lambda: table.scroll_x > 0)
        table.scroll_to(x=table.max_scroll_x, animate=False)
        after = await press(pilot)
        head = _line(after, "clause ")
        assert (head.split()[0], head.split()[-1]) == ("clause", "τ")
        assert ("Z" in head, "Z" in _line(before, "clause ")) == (True, False)
        assert [_line(after, f"{clause} ").split()[0] for clause in "1234"] == list("1234")
        assert "…" in after, "the letters are too many to be told above; beneath is each with its name"


def _line(text: str, start: str) -> str:
    """The line of the table that begins so."""
    return next(line[1:] for line in text.splitlines() if line[1:].startswith(start))


@pytest.mark.parametrize("conditions", [1, 2, 7, 12, 26])
@pytest.mark.parametrize("room", [56, 78, 198])
def test_every_cell_has_its_figure_whatever_the_width(conditions: int, room: int) -> None:
    what = heat(5, [f"m{k}" for k in range(conditions)])
    listed = what.listed(room, room)
    assert max(map(len, listed.note.splitlines())) <= room
    for clause, cells in listed.rows:
        figures = [cell.plain.strip() for cell in cells[1:-2]]
        assert [f.rstrip("*") for f in figures] == [
            f"{what.found.score(str(clause), name):.2f}" for name in what.found.conditions
        ]
        best = [name for name, f in zip(what.found.conditions, figures, strict=True) if f.endswith("*")]
        assert set(best) == what.found.best(str(clause))
        wide = {cell.plain.index(".") - len(cell.plain) for cell in cells[1:-2]}
        assert len(wide) == 1, "decimal points stand below each other"


def test_brightness_follows_the_score() -> None:
    names = ["a", "b", "c", "d", "e", "f"]
    scores = [ClauseScoreRow(1, name, float(k), 0, 1) for k, name in enumerate(names)]
    ((_, cells),) = ClausePage(HeatMap.of(scores, [])).listed(80, 80).rows
    shades = [_brightness(cell) for cell in cells[1:-2]]
    assert shades == sorted(shades, reverse=True), "the best condition stands first"
    assert len(set(shades)) == 5


def _brightness(cell: Text) -> float:
    (span,) = cell.spans
    red, green, blue = (int(str(span.style)[-6:][k : k + 2], 16) for k in (0, 2, 4))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_what_a_stranger_wrote_is_shown_without_harm() -> None:
    scores = [ClauseScoreRow("\x1b[31m", "\x1b]0;x\x07", "much", None, "many")]
    what = ClausePage(HeatMap.of(scores, [ClauseLeaderRow("\x1b[31m", None, "x", [])]))
    listed = what.listed(80, 80)
    ((key, cells),) = listed.rows
    told = what.told(key, 60).plain + listed.note + "".join(listed.headings) + "".join(cell.plain for cell in cells)
    assert not {"\x1b", "\x07"} & set(told)
    question = QuestionRow("\x1b", "\x1b", "many", "x", None, [])
    asked = QuestionPage((question,), {"\x1b": AskedText("\x1b[2J", 4)}, {}, "(missing)")
    ((key, cells),) = asked.listed(80, 80).rows
    assert "\x1b" not in asked.told(key, 60).plain + "".join(cell.plain for cell in cells)
    assert "\x1b" not in DetailPage((BoardDetailRow("\x1b", "\x1b:\x1b", "\x1b"),)).text(80).plain


# ---------------------------------------------------------------- texts and words


def test_clauses_and_questions_have_the_texts_that_were_asked(judged_once: Path) -> None:
    reader = Reader(judged_once)
    asked = reader.view("questions")
    assert {name: known.text for name, known in clause_texts(reader, 9_999).items()} == {
        str(row["clause_id"]): row["clause"] for row in asked
    }
    some = [str(row["question_id"]) for row in asked[:3]]
    found = question_texts(reader, some, 5)
    assert {name: (known.text, known.length) for name, known in found.items()} == {
        str(row["question_id"]): (row["question"][:5], len(row["question"])) for row in asked[:3]
    }


def test_all_that_is_recorded_of_judges_and_boards_has_words(judged_once: Path) -> None:
    reader = Reader(judged_once)
    named = {str(row["name"]).partition(":")[0] for row in reader.view("judge_diagnostics")}
    assert named <= set(MEASURES)
    text = "\n".join(
        page(LeaderboardsPane.read(reader, PageRequest(name)), 100).plain
        for name in ("boards", "pairs", "judges", "details")
    )
    raw = {name for name in (*METHODS, *MEASURES) if "_" in name}
    without = text.replace("us_rep", "")
    assert not [name for name in raw if re.search(rf"\b{name}\b", without)]
    assert "_" not in re.sub(r"`[^`]*`", "", without), "conditions apart, no key of the record is shown"
    assert measure_words("mean_rank_shown:2") == "mean rank of what was shown at place 2"


def test_every_pair_has_its_numbers_and_fits(judged_once: Path) -> None:
    rows = [
        PairRow(a, b, 6, 4, 0.6, 0.55, 0.65, 0.7, 0.51, 0.89, 0.2)
        if a < b
        else PairRow(a, b, 4, 6, 0.4, 0.35, 0.45, 0.3, 0.11, 0.49, -0.2)
        for a, b in (("x", "y"), ("y", "x"))
    ]
    lines = PairsFound(rows).every_pair(80)
    assert lines[1].split() == ["votes", "low", "high", "quest.", "low", "high", "margin"]
    assert lines[2].split() == ["x", "over", "y", "0.600", "0.550", "0.650", "0.700", "0.510", "0.890", "0.200"]
    long = [PairRow(f"{row.condition * 40}", f"{row.other * 40}", *list(vars(row).values())[2:]) for row in rows]
    narrow = PairsFound(long).every_pair(80)
    assert narrow[1].split() == ["votes", "low", "high", "quest.", "margin"], "an interval is spared for the names"
    assert max(map(len, narrow)) <= 80
    assert "…" in narrow[2]
    assert PairsFound().every_pair(80) == []
    every = PairsFound.of_run(Reader(judged_once)).every_pair(80)
    assert sum(" over " in line for line in every[:-4]) == len(CONDITIONS) * (len(CONDITIONS) - 1) // 2


def test_details_have_every_value_of_the_view(judged_once: Path) -> None:
    reader = Reader(judged_once)
    text = " ".join(page(LeaderboardsPane.read(reader, PageRequest("details")), 100).plain.split())
    for row in reader.view("leaderboard_details"):
        if isinstance(row["value"], float) and not row["value"].is_integer():
            assert f"{row['value']:z.3f}" in text, row
    assert "dispersion φ: " in text


# ---------------------------------------------------------------- published


def published(measure: str, verdict: str, reason: str | None, condition: str = "full") -> PublishedRow:
    return PublishedRow("borda.json", "borda", measure, condition, "", 1.5, 1.25, -0.25, None, None, verdict, reason)


def test_published_numbers_stand_by_measure_with_every_number_and_why() -> None:
    rows = [
        published("score", "equal", None),
        published("score_mean", "inside", "random_numbers"),
        published("score_mean", "differs", "resampling_unit", "\x1bhard"),
        published("score_mean", "not_computed", "not_computed"),
    ]
    what = PublishedPage(PublishedFound((), rows))
    listed = what.listed(80, 80)
    assert [[cell.plain for cell in cells] for _, cells in listed.rows] == [
        ["Borda", "score", "1", "1", "0", "0", "0", "0.2500"],
        ["Borda", "score, mean over resamp…", "3", "0", "1", "1", "1", "0.2500"],
    ]
    told = what.told(listed.rows[1][0], 60).plain
    assert "1 number: the published bootstrap resamples something else than the run" in told
    lines = told.splitlines()
    assert [line.split()[2] for line in lines if line.startswith("  ") and "1.5000" in line] == [
        "not",
        "differs",
        "inside",
    ]
    assert "␛hard" in told
    assert "nothing to compare" in " ".join(PublishedPage(PublishedFound((), ())).listed(80, 80).note.split())
