"""The report and the plots of a bundle: they parse, load nothing, run nothing, and show hostile text harmlessly."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sqlite3
import xml.etree.ElementTree as ElementTree
import zipfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from draw_runs import make_draw_run
from sample_run import ESCAPES, MARKUP, RATERS, make_sample_run, started

from core.events import JudgeCalled, UnitCompleted, digest
from core.facts.judging.equal_answers import EqualAnswers
from core.facts.ranking.notes import notes_of
from core.run_folder import RunFolder
from storage.draws.public import PublicDraw
from storage.export.export import export_run
from storage.export.pages.grid import table
from storage.export.pages.headings import anchored
from storage.export.pages.markup import prose
from storage.export.plots.line_plots import lines, multiples
from storage.export.plots.row_plots import Range, Whisker, ranges, whiskers
from storage.export.sections.chapters import CHAPTERS
from storage.export.sections.comparisons import pairwise
from storage.export.sections.content import Content
from storage.export.sections.leximin_levels import levels
from storage.export.sections.of_view import OfView
from storage.export.sections.standings import leaderboards, places
from storage.export.statements import limits
from storage.judging.board_notes import SAID_IN_NOTES
from storage.judging.coverage import Coverage
from storage.judging.judging_notes import JudgingNotes
from storage.record.log import Log
from storage.record.reader import Reader
from storage.record.rows import BoardRow

HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><a href='https://evil.example/'>\u202egnp.exe\0\x1b[2J"
)
_ACTIVE = {"script", "iframe", "object", "embed", "link", "base", "form", "img", "video", "audio", "foreignobject"}
_VOID = {"meta", "br", "hr"}


class Page(HTMLParser):
    """Everything that a browser would act on, and whether the elements are nested as they should be."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str | None]] = set()
        self.ids: list[str | None] = []
        self.links: list[dict[str, str | None]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {pair for pair in attrs if (tag, pair[0]) != ("a", "href")}
        self.ids += [value for name, value in attrs if name == "id"]
        self.links += [dict(attrs)] if tag == "a" else []
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= set(attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def harmless(text: str) -> Page:
    """The page, after checking that it holds nothing that acts and no address that would be loaded."""
    page = Page(text)
    assert page.open == []
    assert not page.tags & _ACTIVE
    assert len(set(page.ids)) == len(page.ids), "every anchor once"
    assert {link["href"] for link in page.links} <= {f"#{anchor}" for anchor in page.ids}, "links stay on the page"
    assert all(link.keys() == {"href"} and re.fullmatch(r"#[a-z0-9-]+", link["href"] or "") for link in page.links)
    names = {name for name, _ in page.attributes}
    assert not [name for name in names if name.startswith("on") or name in ("src", "href", "style", "xlink:href")]
    addresses = [value for _, value in page.attributes if value and re.search(r"[a-z]+://|javascript:|data:", value)]
    assert addresses in ([], ["http://www.w3.org/2000/svg"])
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text)
    return page


def report_of(root: Path, target: Path, redact: bool = False) -> str:
    export_run(root, target, redact=redact, told=lambda *_: None)
    with zipfile.ZipFile(target) as bundle:
        for name in bundle.namelist():
            if name.endswith(".svg"):
                svg = bundle.read(name).decode()
                ElementTree.fromstring(svg)
                harmless(svg)
        return bundle.read("report.html").decode()


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sample_run(tmp_path_factory.mktemp("sample"), long_answer=10_000_000)


@pytest.fixture(scope="module")
def report(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    return report_of(sample, tmp_path_factory.mktemp("report") / "run.zip")


def test_it_says_what_the_run_is_and_what_was_checked(report: str, sample: Path) -> None:
    words = " ".join(harmless(report).words)
    for expected in (
        sample.name,
        "SHA-256 of the run's seed, the stage's name and the unit's key",
        "panel4",
        "18-34",
        "expected members",
        "Checkpoints held fixed",
        "Bradley–Terry",
        "Limits of this record",
        "events, each bound to the one before",
        "two members withdrew",
        "citizens#0",
        "truncated",
    ):
        assert expected in words, expected


def test_the_expected_members_follow_from_pi_and_the_pool(report: str) -> None:
    """By hand: π of panel4 is (1,2,1)/4 over three compositions; categories 35+ has types 2 and 3."""
    rows = re.findall(r"<tr><td>panel4</td><td>age</td><td>35\+</td>(.*?)</tr>", report)
    cells = re.findall(r"<td[^>]*>(.*?)</td>", rows[0])
    # compositions: (1,1,1,1), (2,1,1,0), (1,2,1,0) with 1/4, 1/2, 1/4: members of 35+ are 2, 1, 1
    assert float(cells[-1]) == 1.25


def first_screen(page: str) -> str:
    return page[page.index("<header>") : page.index("</header>")]


def said_in(part: str) -> str:
    return " ".join(" ".join(harmless(part).words).split())


def test_its_first_screen_is_the_result_what_it_is_of_and_what_to_beware_of(report: str) -> None:
    opening = f"{first_screen(report)}</header>"
    words = said_in(opening)
    ahead = "soft is ahead by Borda with 2.210 [1.930 to 2.500]; next is hard with 2.070 [1.790 to 2.360]"
    overlaps = "the intervals of soft and hard overlap; those of soft and full; hard and full do not"
    for expected in (
        ahead,
        "higher is better; in brackets 95 % intervals",
        overlaps,
        "All 4 methods agree on the first place",
        "6 questions about 2 clauses",
        "12 raters with 120 preference pairs",
        "panel4: 4 seats by LEXIMIN",
        "4 conditions: base, full, hard, soft; 3 trained by weighted DPO from tiny",
        "14 rankings from 18 calls",
        "This run is simulated",
    ):
        assert expected in words, expected
    assert words.index("Coverage 77.8%: 14 of 18 judge calls gave a ranking") < words.index("soft is ahead")
    assert opening.count("<svg") == 1
    assert "Borda: scores with 95 % intervals, higher is better" in opening
    assert opening.count("<li>") == 3
    counted = re.search(r"(\d+) checks, (\d+) ok; (\d+) failed \((.*?)\); (\d+) unknown \((.*?)\)\.", words)
    assert counted is not None, words
    every, ok, failed, of_failed, unknown, of_unknown = counted.groups()
    assert int(every) == int(ok) + int(failed) + int(unknown)
    assert (len(of_failed.split(", ")), len(of_unknown.split(", "))) == (int(failed), int(unknown))
    assert "signatures" in of_unknown


def test_results_come_before_how_it_was_made_which_is_folded(report: str) -> None:
    assert re.findall(r"<h2[^>]*>(.*?)</h2>", report) == [
        "Leaderboards",
        "Agreement and bias of the judges",
        "Models",
        "Chances and panels",
        "Answers",
        "How to check this",
        "Limits of this record",
        "What the run was made with",
    ]
    folded = re.findall(r"<details><summary>(.*?)</summary>", report[report.index(">How to check this</h2>") :])
    assert folded == [
        "Every check",
        "Stages",
        "Seeds",
        "Engines that worked on it",
        "Versions of the last engine",
    ]


def test_every_heading_has_an_anchor_and_the_contents_lead_to_it(report: str) -> None:
    nav = report[report.index("<nav") : report.index("</nav>")]
    headings = re.findall(r'<h[23] id="([^"]*)">(.*?)</h[23]>', report)
    assert re.findall(r'<a href="#([^"]*)">(.*?)</a>', nav) == headings
    assert not re.search(r"<h[23]>", report)
    assert 'name="viewport"' in report
    assert "prefers-color-scheme: dark" in report
    assert "@media print" in report


def test_headings_of_one_name_have_anchors_of_their_own() -> None:
    body, contents = anchored("".join(f"<h2>{name}</h2>" for name in ("A b", "A b", "A b-2", "!", "?")))
    assert re.findall(r'id="([^"]*)"', body) == ["a-b", "a-b-2", "a-b-2-2", "part", "part-2"]
    assert contents.count("<a ") == 5
    assert anchored("<p>nothing</p>") == ("<p>nothing</p>", "")


def test_it_says_how_to_check_it(report: str) -> None:
    words = said_in(report)
    assert "the exporter's rendering of it: nothing compares them with the record" in words
    for expected in ("python3 -I verify.py --key FILE --head FILE", "dempo import", "No head of this record is signed"):
        assert expected in words, expected


def test_notes_that_all_boards_share_stand_once(report: str) -> None:
    assert report.count("heckpoints held fixed") == 1
    assert report.count("Score is pairwise votes won minus votes lost.") == 1


def test_numbers_of_a_column_have_one_precision(report: str) -> None:
    """And no column is empty."""
    for shown in re.findall(r"<table>(.*?)</table>", report):
        rows = [re.findall(r"<td([^>]*)>(.*?)</td>", row) for row in re.split(r"<tr[^>]*>", shown)[2:]]
        columns = list(zip(*rows, strict=True))
        head = re.findall(r"<th scope=\"col\"[^>]*>(.*?)</th>", shown)
        assert head
        for name, cells in zip(head, columns, strict=True):
            assert any(text for _, text in cells), name
            decimals = {len(text.partition(".")[2]) for _, text in cells if re.fullmatch(r"-?[\d,]+(\.\d+)?", text)}
            numbers = all("n" in kind for kind, _ in cells)
            assert len(decimals) <= 1 or not numbers or head[0] == "measure", (name, cells)


@pytest.mark.parametrize(
    ("values", "shown_as"),
    [
        ([280, 194.0, -72.05], ["280.0", "194.0", "-72.0"]),
        ([3.1, 3.15556, 0.994306], ["3.100", "3.156", "0.994"]),
        ([12.3456, "inf", -0.001], ["12.35", "∞", "0.00"]),
        ([9206, 1211.0], ["9,206", "1,211"]),
        ([1.1e-16, 0.0], ["1.1e-16", "0"]),
        (["nan", "-inf"], ["no number", "-∞"]),
    ],
)
def test_a_precision_follows_from_the_numbers_of_a_column(values: list[Any], shown_as: list[str]) -> None:
    page = table({"x": value} for value in values)
    assert re.findall(r'<td class="n">(.*?)</td>', page) == shown_as


def test_engines_are_shown_with_commit_changes_and_platform(tmp_path: Path) -> None:
    root = make_sample_run(tmp_path / "runs")
    commit = "0123456789abcdef" * 2 + "01234567"
    with Log.open(RunFolder(root)) as log:
        log.record("run", [started(resumed=True).model_copy(update={"commit": commit, "dirty": True})])
    shown = report_of(root, tmp_path / "run.zip")
    rows = re.findall(r"<tr><td>[^<]*</td><td>0\.1\.0</td>(.*?)</tr>", shown)
    assert [re.findall(r"<td[^>]*>(.*?)</td>", row)[:4] for row in rows] == [
        ["unknown", "unknown", "3.11.0", "Linux"],
        [commit, "yes", "3.11.0", "Linux"],
    ]
    assert "<tr><td>torch</td><td>2.13.0</td></tr>" in shown


def test_a_report_speaks_only_of_tables_that_are_there(sample: Path, tmp_path: Path) -> None:
    """Of a run that stopped after the draw, too: what it never came to is left out, not shown as nothing."""
    early = make_sample_run(tmp_path / "runs", stop_before="conditions")
    for number, root in enumerate((sample, early)):
        target = tmp_path / f"{number}.zip"
        shown = report_of(root, target)
        with zipfile.ZipFile(target) as bundle:
            assert set(re.findall(r"tables/\w+\.csv", shown)) <= set(bundle.namelist())
    headings = re.findall(r"<h2[^>]*>(.*?)</h2>", shown)
    assert headings == [
        "Chances and panels",
        "How to check this",
        "Limits of this record",
        "What the run was made with",
    ]
    assert "<p></p>" not in shown
    opening = said_in(f"{first_screen(shown)}</header>")
    assert "Draw main, round 1: panel 1 of lottery panel4, 4 members, all 4 quotas kept; accepted." in opening
    assert "only a draw by public randomness shows that nobody picked the panel" in opening


def test_rounds_of_a_public_draw_are_shown_with_value_reason_and_commitment(tmp_path: Path) -> None:
    root = make_draw_run(tmp_path)
    with Log.open(RunFolder(root)) as log:
        PublicDraw(log, "public").commit("a lottery on Friday", "hash")
        PublicDraw(log, "public").reveal("1 2 3")
        PublicDraw(log, "public").decide("rejected", "the value was misread")
    shown = report_of(root, tmp_path / "run.zip")
    (row,) = Reader(root).view("draw_commitments")
    for cells in (
        ["a lottery on Friday", "hash", "1 2 3", "rejected", "the value was misread"],
        ["public", row["commitment"]],
        *([part, named] for part, named in json.loads(row["hashes"]).items()),
    ):
        assert any(is_in_order(cells, table_row) for table_row in rows_in(shown)), cells


def test_no_table_is_wider_than_a_page(report: str) -> None:
    """The widest were cut off at 1,000 pixels: a table has at most nine columns, and hashes may break anywhere."""
    heads = re.findall(r"<thead><tr>(.*?)</tr></thead>", report)
    assert max(head.count("<th") for head in heads) <= 9
    seeds = re.findall(r"<td([^>]*)>[0-9a-f]{64}</td>", report)
    assert set(seeds) == {' class="h"'}


def test_numbers_that_are_not_finite_stand_with_the_others() -> None:
    rows = [{"name": "a", "score": 1.5}, {"name": "nan", "score": "-inf"}]
    shown = table(rows)
    assert '<td class="n">1.500</td>' in shown
    assert '<td class="n">-∞</td>' in shown
    assert '<th scope="col" class="n">score</th>' in shown


def test_the_plot_of_a_method_stands_below_its_table_but_for_the_one_that_the_report_opens_with(report: str) -> None:
    assert report.count("<title>Borda: scores with") == 1
    assert "<title>Borda: scores with" in first_screen(report)
    board = report[report.index(">Leaderboards</h2>") : report.index(">Agreement and bias of the judges</h2>")]
    parts = re.findall(r"<h3[^>]*>(.*?)</h3>|<title>(.*?): scores with|(<table>)", board)
    told = [heading or plot or "table" for heading, plot, _ in parts]
    assert told[:5] == ["Borda", "table", "Copeland, by votes", "table", "Copeland, by votes"]


def test_what_the_notes_of_a_board_say_is_no_table_beside_it() -> None:
    row = {"condition": "a", "score": 1.0, "low": 1.0, "high": 1.0, "position": 1, "rankings": 4, "draws": ""}
    board = row | {"method": "kemeny", "resample": "questions", "resamples": 5, "confidence": 0.95, "units": 60}
    found = {"exact_match": 0.814, "orders": 1, "orders_counted": 1, "agreement": 17, "consensus:a": 1}
    details = [{"method": "kemeny", "name": name, "value": value} for name, value in found.items()]
    boards = [board | {"interval": "percentile", "mean": 1.0}]
    shown = leaderboards(Invented({"leaderboards": boards, "leaderboard_details": details}))
    assert "81.4% of the resamples have this order" in shown
    assert rows_in(shown.partition("<details>")[2]) == [["votes that agree with the consensus", "17"]]


@pytest.mark.parametrize("name", sorted(SAID_IN_NOTES))
def test_notes_say_what_the_table_leaves_out(name: str) -> None:
    """What is unusual of a detail is said, whatever the others are."""
    method = "mallows" if name == "train_rankings" else "kemeny"
    usual = {"orders": 1.0, "orders_counted": 1.0, "settled": 1.0}

    def told(**details: float) -> list[str]:
        return notes_of(method, "questions", 60, {"a": 1, "b": 2}, usual | details)

    assert told(**{name: 0.0 if name in ("orders_counted", "settled") else 3.0}) != told()


def test_answers_to_a_question_stand_side_by_side(report: str) -> None:
    part = report[report.index(">Question c1-q1</h3>") : report.index(">Question c1-q2</h3>")]
    assert part.count('<div class="abreast">') == 1
    assert re.findall(r"<h4>(\w+) · mean place ([\d.]+)</h4>", part) == [
        ("base", "3.67"),
        ("full", "2.67"),
        ("hard", "1.67"),
        ("soft", "2.00"),
    ]


def test_the_proof_of_a_level_is_shown_whole_and_counted_from_one() -> None:
    row = {
        "lottery": "main",
        "level": 0,
        "probability": 0.25,
        "types": "[1,2]",
        "binding": json.dumps({f"district {k} {'of a long name ' * 20}: x (upper)": k / 100 for k in (1, 2, 75)}),
        "exact": "1/4",
        "proof": "quotas",
        "gap": "0",
    }
    other = {**row, "level": 1, "binding": "{}", "types": "[3]"}
    higher = {**row, "level": 2, "probability": 0.5, "exact": "1/2", "gap": "1/1000000", "binding": "{}"}
    shown = levels(Invented({"levels": [row, other, higher]}))
    cells = rows_in(shown)
    assert {line[0] for line in cells} == {"main"}
    assert [line[1] for line in cells] == ["1", "1", "2"], "as dempo show --why counts: a level is a chance"
    prices = cells[0][-1].split("<br>")
    assert [price.rpartition(": ")[2] for price in prices] == ["up to 100 %", "2 points a seat", "1 points a seat"]
    assert "…" not in shown
    assert "undecided: up to 1.0e-06 above the chance" in shown


class Invented(Content):
    """Rows of views that are made up here, some of views that this version does not have yet."""

    def __init__(self, views: dict[str, list[dict[str, Any]]]) -> None:
        super().__init__(sqlite3.connect(":memory:"), [], False, [f"tables/{view}.csv" for view in views])
        self._made_up = views

    judging = JudgingNotes(Coverage(()), {}, EqualAnswers(0, 0, 0, 0))  # type: ignore[assignment]

    def rows(self, view: str) -> Iterator[dict[str, Any]]:
        return iter(self._made_up.get(view, []))


def test_win_rates_are_a_square_and_every_pair_stands_once() -> None:
    def pair(condition: str, other: str, votes: float, against: float) -> dict[str, Any]:
        rate = votes / (votes + against)
        rates = {"win_rate": rate, "low": rate - 0.1, "high": rate + 0.1, "majority_win_rate": rate}
        return {"condition": condition, "other": other, "votes": votes, "votes_against": against, **rates}

    both = [("a", "b", 6, 4), ("a", "c", 7, 3), ("b", "a", 4, 6), ("b", "c", 5, 5), ("c", "a", 3, 7), ("c", "b", 5, 5)]
    shown = pairwise(Invented({"pairwise": [pair(*row) for row in both]}))
    square, pairs = shown.split("<h3>")
    assert rows_in(square) == [["a", "", "60.0", "70.0"], ["b", "40.0", "", "50.0"], ["c", "30.0", "50.0", ""]]
    assert [row[:4] for row in rows_in(pairs)] == [["a", "b", "6", "4"], ["a", "c", "7", "3"], ["b", "c", "5", "5"]]
    assert pairwise(Invented({})) == ""


def test_chances_of_places_are_a_row_for_each_condition() -> None:
    shares = {("a", 1): 0.9, ("a", 2): 0.1, ("b", 1): 0.1, ("b", 2): 0.9}
    rows = [{"method": "borda", "condition": c, "place": k, "share": share} for (c, k), share in shares.items()]
    board = dict.fromkeys(BoardRow.__dataclass_fields__) | {"method": "borda"}
    shown = places(Invented({"places": rows, "leaderboards": [board]}))
    assert rows_in(shown) == [["Borda", "a", "0.900", "0.100"], ["Borda", "b", "0.100", "0.900"]]
    assert "each row sums to 1" in shown


def test_a_view_that_this_version_does_not_have_is_no_section() -> None:
    for chapter, parts in CHAPTERS:
        for part in parts:
            if isinstance(part, OfView):
                assert part(Invented({})) == "", chapter
    shown = OfView("Flips", "flips", "One remark.")(Invented({"flips": [{"analysis": "without x", "first": "a"}]}))
    assert "<h3>Flips</h3>" in shown
    assert rows_in(shown) == [["without x", "a"]]


def test_the_statement_of_limits_is_set_as_text() -> None:
    shown = prose("# Title\n\nOne *line*\nand `code`.\n\n## Two\n\n- first\n  goes on\n- <b> & second\n")
    assert shown == (
        "<p>One *line* and <code>code</code>.</p>\n<h3>Two</h3>\n"
        "<ul><li>first goes on</li><li>&lt;b&gt; &amp; second</li></ul>"
    )
    harmless(prose(limits(None, None, [], redacted=True)))
    assert "##" not in prose(limits(None, None, [], redacted=True))


def rows_in(page: str) -> list[list[str]]:
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr[^>]*>(.*?)</tr>", page)]
    return [row for row in rows if row]


def is_in_order(wanted: list[str], cells: list[str]) -> bool:
    left = iter(cells)
    return all(cell in left for cell in wanted)


def test_its_policy_allows_its_own_style_and_nothing_else(report: str) -> None:
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', report)
    (style,) = re.findall(r"<style>(.*?)</style>", report, re.DOTALL)
    own = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{own}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_a_long_answer_is_cut_with_a_note(report: str) -> None:
    assert len(report) < 1_000_000
    assert "9,998,000 of 10,000,000 characters are left out here; the record holds all of them." in report


def test_hostile_answers_are_shown_and_do_nothing(report: str) -> None:
    words = " ".join(harmless(report).words)
    assert MARKUP in words
    assert "␛[2J" in words
    assert "<U+202E>" in words
    assert ESCAPES not in words


def test_a_hostile_record_makes_a_harmless_report(tmp_path: Path) -> None:
    """Names that no configuration allows, in a record that somebody wrote by hand."""
    root = make_sample_run(tmp_path / "runs")
    call = JudgeCalled(
        question_id=HOSTILE,
        clause_id=1,
        judge=HOSTILE,
        judge_kind="planted",
        outcome="failed",
        shown_order=[HOSTILE],
        attempts=1,
        detail=HOSTILE,
        request_key=digest(b""),
        rule=1,
        seconds=0.0,
    )
    with Log.open(RunFolder(root)) as log:
        log.record("judge", [call, UnitCompleted(seconds=0.0)], unit=(HOSTILE, 1))
    shown = report_of(root, tmp_path / "run.zip")
    assert "&lt;script&gt;alert(1)" in shown
    harmless(shown)


def test_a_redacted_report_holds_no_text_and_no_rater(sample: Path, tmp_path: Path) -> None:
    shown = report_of(sample, tmp_path / "run.zip", redact=True)
    words = " ".join(harmless(shown).words)
    assert "24 answers are withheld" in words
    assert MARKUP not in words.replace("two members withdrew " + MARKUP, "").replace(f"Saturday {MARKUP}", "")
    assert not [rater for rater in RATERS if rater in words]
    assert "members of panels remain" in words


def test_small_plots_share_their_axes() -> None:
    curves = {"a": [(0.0, 1.0), (10.0, 3.0)], "b": [(0.0, 2.0), (10.0, 2.0)], "c": [(0.0, 0.0)], "d": [(5.0, 1.0)]}
    svg = multiples("t", "step", "loss", curves)
    lines_of = re.findall(r'<polyline points="([^"]*)"', svg)
    assert len(lines_of) == 4
    (_, first), (_, last) = (tuple(map(float, p.split(","))) for p in lines_of[1].split())
    assert first == last
    low, high = (float(p.split(",")[1]) for p in lines_of[0].split())
    assert high < first < low, "2 lies between 1 and 3 on the axis of both"
    assert [name for name in "abcd" if f">{name}<" in svg] == list("abcd")


def test_plots_take_any_number_and_any_name() -> None:
    strange = [float("nan"), float("inf"), float("-inf"), 0.0, 1e308, -1e308, 5e-324]
    made = [
        lines(HOSTILE, HOSTILE, HOSTILE, {HOSTILE: [(i, v) for i, v in enumerate(strange)], "empty": []}),
        multiples(HOSTILE, HOSTILE, HOSTILE, {HOSTILE: [(i, v) for i, v in enumerate(strange)], "empty": []}),
        multiples("nothing", "x", "y", {}),
        lines("one point", "x", "y", {"a": [(1.0, 2.0)]}),
        lines("nothing", "x", "y", {}),
        whiskers(HOSTILE, [Whisker(HOSTILE, v, v, w) for v in strange for w in strange]),
        whiskers("none", []),
        ranges(HOSTILE, [Range(HOSTILE, 0.0, 5.0, v, (v, 1.0)) for v in strange]),
        ranges(HOSTILE, [Range(HOSTILE, v, w, 1.0, (1.0,)) for v in strange for w in strange]),
        lines("lost", "x", "y", {"a": [(0.0, float("nan")), (1.0, float("inf"))]}),
        ranges("none", []),
    ]
    for svg in made:
        ElementTree.fromstring(svg)
        harmless(svg)
        assert "nan" not in re.findall(r'"([^"]*)"', svg)


INF, NAN = float("inf"), float("nan")


def drawn(svg: str) -> tuple[list[tuple[float, float]], set[str], list[str]]:
    """Where the last row's lines begin and end, its arrows with the edge that each stands at, and its words."""
    grid = [float(x) for x in re.findall(r'<line x1="[^"]*" y1="[^"]*" x2="([^"]*)" [^>]*stroke="#ddd"', svg)]
    middle = (min(grid) + max(grid)) / 2
    found = re.findall(r'<line x1="([^"]*)" y1="[^"]*" x2="([^"]*)" y2="[^"]*" stroke="#1b', svg)
    ends = [(float(a), float(b)) for a, b in found]
    arrows = re.findall(r'<text x="([^"]*)" [^>]*>([‹›])<', svg)
    sides = {f"{sign} {'left' if float(x) < middle else 'right'}" for x, sign in arrows}
    return ends, sides, re.findall(r">(no [a-z, ]*)<", svg)


@pytest.mark.parametrize(
    ("row", "length", "arrows", "words"),
    [
        ((-INF, -INF, -INF), "none", {"‹ left"}, []),
        ((INF, INF, INF), "none", {"› right"}, []),
        ((0.0, -INF, 1.0), "left", {"‹ left"}, []),
        ((0.0, -INF, INF), "all", {"‹ left", "› right"}, []),
        ((1.0, 0.5, INF), "right", {"› right"}, []),
        ((-INF, -INF, 0.0), "left", {"‹ left"}, []),
        ((0.0, NAN, 1.0), "absent", set(), ["no interval"]),
        ((NAN, 0.0, 1.0), "some", set(), ["no score"]),
        ((NAN, NAN, NAN), "absent", set(), ["no score, no interval"]),
    ],
)
def test_an_infinite_number_is_an_arrow_at_the_edge_on_its_side(
    row: tuple[float, float, float], length: str, arrows: set[str], words: list[str]
) -> None:
    score, low, high = row
    ends, sides, said = drawn(whiskers("t", [Whisker("scale", 0.5, 0.0, 1.0), Whisker("row", score, low, high)]))
    (scale, *own) = ends
    assert (sides, said) == (arrows, words)
    kinds = [
        "all"
        if a < scale[0] and b > scale[1]
        else "none"
        if a == b
        else "left"
        if a < scale[0]
        else "right"
        if b > scale[1]
        else "some"
        for a, b in own
    ]
    assert kinds == ([] if length == "absent" else [length])


def test_a_curve_breaks_where_its_values_are_not_finite() -> None:
    svg = lines("t", "x", "y", {"a": [(0, 1.0), (1, 2.0), (2, NAN), (3, NAN), (4, 1.0), (5, INF), (6, -INF)]})
    assert [len(points.split()) for points in re.findall(r'<polyline points="([^"]*)"', svg)] == [2, 1]
    assert re.findall(r">([×▲▼])<", svg) == ["×", "▲"]


def test_bounds_that_are_no_numbers_are_no_bar() -> None:
    svg = ranges("t", [Range("a", NAN, 3.0, 1.0, (2.0,)), Range("b", 1.0, INF, None, (-INF, 2.0))])
    assert svg.count("<rect") == 1
    assert re.findall(r">([‹›])<", svg) == ["‹", "›"]


def test_a_curve_lies_where_its_numbers_say() -> None:
    """Higher values are higher on the page, and the whole width is used."""
    svg = lines("t", "x", "y", {"a": [(0.0, 1.0), (10.0, 3.0), (20.0, 2.0)]})
    (points,) = re.findall(r'<polyline points="([^"]*)"', svg)
    (x0, y0), (x1, y1), (x2, y2) = (tuple(map(float, p.split(","))) for p in points.split())
    assert x0 < x1 < x2
    assert y1 < y2 < y0
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.02)
    assert y0 - y1 == pytest.approx(2 * (y0 - y2), abs=0.05)


def test_a_line_of_many_points_keeps_its_last_one() -> None:
    svg = lines("t", "x", "y", {"a": [(float(i), float(i)) for i in range(100_001)]})
    (points,) = re.findall(r'<polyline points="([^"]*)"', svg)
    shown = points.split()
    assert len(shown) < 700
    other = lines("t", "x", "y", {"a": [(0.0, 0.0), (100_000.0, 100_000.0)]})
    assert shown[-1] in other
