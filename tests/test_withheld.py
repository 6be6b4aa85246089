"""What a redacted copy does not hold is called withheld, wherever a person looks for it."""

from __future__ import annotations

import csv
import re
import shutil
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sample_run
from bundles import kept_rows, written_anew
from commands import answered, dempo, told
from test_app import INTERVAL, SIZES, wait_for
from test_sealed import data, made
from test_verified_held_out import made as trained_with_pairs_held_out

from core.facts.tables import COLUMNS_OF_PEOPLE, COLUMNS_OF_PRIVATE, PEOPLE_IN_VIEWS
from storage.export.export import export_run
from storage.imports.importing import import_bundle
from storage.record.reader import Reader
from storage.record.schema import VIEWS
from storage.verify import verify_all
from storage.withheld import people_left_out
from tui.app import DempoApp

PEOPLE = "withheld: this copy was exported without rows about people and types"
SOURCE = "withheld: this copy was exported without what leads back to the source"
REASON = "withheld: this copy was exported without the engine's reason"


def silent(what: str, done: float, total: float) -> None:
    """No progress."""


def bundle_of(root: Path, folder: Path, k: int | None) -> Path:
    """A redacted bundle, as somebody unzipped it."""
    folder.mkdir(parents=True)
    export_run(root, folder / "run.zip", redact=True, k=k, told=silent)
    with zipfile.ZipFile(folder / "run.zip") as stream:
        stream.extractall(folder / "bundle")
    return folder / "bundle"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run up to its weights, with a lottery over types and one over named people."""
    folder = tmp_path_factory.mktemp("drawn")
    return made(folder / "runs", data(folder / "data"))


@pytest.fixture(scope="module")
def copies(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int | None, Path]:
    """Its two redacted bundles, by k. Nobody writes into them."""
    folder = tmp_path_factory.mktemp("copies")
    return {k: bundle_of(drawn, folder / str(k), k) for k in (None, 5)}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run up to its training, with pairs held out."""
    return trained_with_pairs_held_out(tmp_path_factory.mktemp("measured"), "train", "pair")


@pytest.fixture(scope="module")
def copies_measured(measured: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int | None, Path]:
    """Its two redacted bundles, by k. Nobody writes into them."""
    folder = tmp_path_factory.mktemp("copies-measured")
    return {k: bundle_of(measured, folder / str(k), k) for k in (None, 5)}


@pytest.fixture(scope="module")
def runs(copies: dict[int | None, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders with each bundle, imported and unzipped by hand."""
    folder = tmp_path_factory.mktemp("theirs")
    for k, copy in copies.items():
        import_bundle(copy.parent / "run.zip", folder / f"imported-{k}", silent)
        shutil.copytree(copy, folder / f"unzipped-{k}" / "copy")
    return folder


def printed(*words: object) -> str:
    done = dempo(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# ------------------------------------------------------------ views


def test_the_views_about_people_are_those_that_a_bundle_lacks(
    drawn: Path,
    copies: dict[int | None, Path],
    measured: Path,
    copies_measured: dict[int | None, Path],
) -> None:
    """And no other: a view that is made of a sealed part has to be named, and its columns that are."""
    shown = {
        view
        for root, of_it in ((drawn, copies), (measured, copies_measured))
        for view in VIEWS
        if compared(view, Reader(root), Reader(of_it[None]), Reader(of_it[5]))
    }
    assert shown == PEOPLE_IN_VIEWS.keys(), "these runs show something of each"


def compared(view: str, whole: Reader, kept: Reader, lacking: Reader) -> bool:
    """Whether a run shows something of a view that the copy with people has, but for texts and what leads back to the
    source, and the one without people has not."""
    full, rows = whole.view(view), lacking.view(view)
    assert kept_rows(kept, view) == kept_rows(whole, view), view
    assert people_left_out(whole, view) == people_left_out(kept, view) == ""
    if view not in PEOPLE_IN_VIEWS or not full:
        assert kept_rows(lacking, view) == kept_rows(whole, view), view
        return False
    assert people_left_out(lacking, view) == PEOPLE, view
    assert bool(rows) == (view in COLUMNS_OF_PEOPLE), view
    left_out = COLUMNS_OF_PEOPLE.get(view, frozenset())
    all_rows = iter([{name: cell for name, cell in row.items() if name not in left_out} for row in full])
    for row in rows:
        assert {name: cell for name, cell in row.items() if name not in left_out} in all_rows, "in order, and as it was"
    return True


@pytest.mark.parametrize("k", [None, 5])
def test_what_leads_back_to_the_source_is_no_empty_cell_of_a_view(
    k: int | None, measured: Path, copies_measured: dict[int | None, Path]
) -> None:
    copy = copies_measured[k]
    for view, columns in COLUMNS_OF_PRIVATE.items():
        full, rows = Reader(measured).view(view), Reader(copy).view(view)
        assert all(row[name] is not None for row in full for name in columns), "this run has something there"
        assert {row[name] for row in rows for name in columns} == {None}
        with (copy / "tables" / f"{view}.csv").open(encoding="utf-8", newline="") as stream:
            written = list(csv.DictReader(stream))
        assert len(written) == len(full) > 0
        assert all({name for name, cell in row.items() if cell == "withheld"} == columns for row in written)
        shown = dempo("show", copy, "--view", view)
        assert all(line.split().count("withheld") == len(columns) for line in shown.stdout.splitlines()[1:])
        assert SOURCE in shown.stderr
        assert answered(dempo("show", copy, "--view", view, "--json")) == {view: rows, "withheld": SOURCE}
        assert "withheld" not in printed("show", measured, "--view", view)


def test_a_view_says_that_its_rows_or_cells_are_withheld(copies: dict[int | None, Path]) -> None:
    for view in ("raters", "types", "weights", "panel_raters"):
        assert printed("show", copies[5], "--view", view) == f"({PEOPLE})"
        assert answered(dempo("show", copies[5], "--view", view, "--json")) == {view: [], "withheld": PEOPLE}
        assert "withheld" not in printed("show", copies[None], "--view", view)
    levels = dempo("show", copies[5], "--view", "levels")
    assert levels.stdout.splitlines()[1].split()[3] == "withheld"
    assert PEOPLE in levels.stderr
    assert answered(dempo("show", copies[5], "--view", "levels", "--json"))["levels"][0]["types"] is None


def test_withheld_texts_are_no_empty_cells(tmp_path: Path) -> None:
    copy = bundle_of(sample_run.make_sample_run(tmp_path / "runs"), tmp_path / "copies", None)
    shown = dempo("show", copy, "--view", "answers")
    assert all(" withheld " in line for line in shown.stdout.splitlines()[1:])
    assert "withheld: this copy was exported without texts" in shown.stderr


def test_what_was_lost_is_not_called_withheld(drawn: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(drawn, tmp_path / drawn.name))
    with closing(sqlite3.connect(root / "audit.db")) as db:
        db.execute("DROP TRIGGER blobs_no_delete")
        db.execute("DELETE FROM blobs")
        db.commit()
    lost = "missing: the record refers to rows about people and types and does not hold it; `dempo verify` says more"
    assert printed("show", root, "--view", "types") == f"({lost})"


# ------------------------------------------------------------ events


def event_of(root: Path, kind: str) -> int:
    return int(Reader(root).query("SELECT max(seq) AS seq FROM events WHERE kind = ?", [kind])[0]["seq"])


def test_events_are_shown_whole(drawn: Path, copies: dict[int | None, Path]) -> None:
    """With both kinds of sealed parts, which are named where they are not here."""
    seq = event_of(drawn, "condition.planned")
    for root, people, private in ((drawn, True, True), (copies[None], True, False), (copies[5], False, False)):
        shown = dempo("show", root, "--event", str(seq))
        text = shown.stdout
        assert text.startswith(f"event {seq}  condition.planned  replay re-derive\nat 20")
        parts = text.partition("sealed part people  (rows about people and types")[2].partition("sealed part private")
        assert ('"weights": [' in parts[0], f"({PEOPLE})" in parts[0]) == (people, not people)
        assert ('"artifact": {' in parts[2], f"({SOURCE})" in parts[2]) == (private, not private)
        (event,) = answered(dempo("show", root, "--event", str(seq), "--json"))["events"]
        assert event["payload"]["sealed"].keys() == event["sealed"].keys() == {"people", "private"}
        assert (event["sealed"]["people"] is not None, event["sealed"]["private"] is not None) == (people, private)
        assert event.get("withheld", {}) == ({} if people else {"people": PEOPLE}) | (
            {} if private else {"private": SOURCE}
        )


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ('{"sealed": "nothing"}', "(missing: the record refers to what a part of this name holds"),
        ('{"sealed": {"people": 7}}', "sealed part people  (rows about people and types"),
        ("{no JSON", "the payload is not JSON\n{no JSON"),
    ],
)
def test_an_event_that_no_program_wrote_is_shown_all_the_same(
    drawn: Path, tmp_path: Path, payload: str, said: str
) -> None:
    root = Path(shutil.copytree(drawn, tmp_path / drawn.name))
    with closing(sqlite3.connect(root / "audit.db")) as db:
        db.execute("DROP TRIGGER events_no_update")
        db.execute("PRAGMA ignore_check_constraints=ON")
        db.execute("UPDATE events SET payload = ? WHERE seq = 5", [payload])
        db.commit()
    assert said in printed("show", root, "--event", "5")


def test_all_events_of_a_kind_or_stage_are_shown_in_order(drawn: Path) -> None:
    found = answered(dempo("show", drawn, "--kind", "lottery", "--json"))["events"]
    rows = Reader(drawn).query("SELECT seq, kind, hash FROM events WHERE stage = 'lottery' ORDER BY seq")
    assert [{name: event[name] for name in ("seq", "kind", "hash")} for event in found] == rows
    assert len(found) > 20
    assert printed("show", drawn, "--kind", "nothing") == "(none)"
    one = answered(dempo("show", drawn, "--kind", "draw.made", "--as-of", str(event_of(drawn, "draw.made")), "--json"))
    assert len(one["events"]) == 1
    last = Reader(drawn).head()[0]
    assert f"--event {last + 1}: {drawn.name} has the events 1 to {last}" in told(
        dempo("show", drawn, "--event", str(last + 1)), 2
    )
    both = told(dempo("show", drawn, "--event", "1", "--view", "raters"), 2)
    assert "--view and --event print different things; give one of them" in both


# ------------------------------------------------------------ commands


def test_commands_about_people_say_why_they_cannot(copies: dict[int | None, Path], tmp_path: Path) -> None:
    copy = copies[5]
    assert PEOPLE in told(dempo("show", copy, "--why", "abc"), 2)
    assert printed("draw", "list", copy, "--members") == f"({PEOPLE})"
    assert answered(dempo("draw", "list", copy, "--members", "--json")) == {"members": [], "withheld": PEOPLE}
    assert PEOPLE in told(dempo("draw", "people", copy, "main", "--to", tmp_path / "people"), 2)
    assert not (tmp_path / "people").exists()
    listed = dempo("draw", "list", copy)
    assert (listed.returncode, listed.stderr) == (0, ""), "nobody makes a draw of somebody else's run"
    assert "accepted" in listed.stdout
    cloned = told(dempo("clone", copies[None], "--runs-dir", tmp_path), 2)
    assert "withheld: this copy was exported without the places of its files; they are looked for in the" in cloned


def test_replay_says_what_was_withheld_and_blames_nothing_else(copies: dict[int | None, Path]) -> None:
    for k, others in ((None, ""), (5, "; rows about people and types were withheld from this copy")):
        report = answered(dempo("replay", copies[k], "--json"))
        said = {stage["stage"]: stage["detail"] for stage in report["stages"] if stage["outcome"] == "not available"}
        assert said["pairs"].startswith(
            "where the input lies was withheld from this copy: survey.jsonl, looked for in "
        )
        assert said["pool"] == f"the file of the pairs was withheld from this copy{others}"
        if k is not None:
            assert said["lottery"] == said["draw"] == "rows about people and types were withheld from this copy"


# ------------------------------------------------------------ bundles


def test_tables_and_report_of_a_bundle_say_withheld(
    copies: dict[int | None, Path], copies_measured: dict[int | None, Path]
) -> None:
    for view in PEOPLE_IN_VIEWS:
        copy = copies_measured[5] if view.startswith("heldout") else copies[5]
        header, *rows = (copy / "tables" / f"{view}.csv").read_text(encoding="utf-8").splitlines()
        if view in COLUMNS_OF_PEOPLE:
            assert all("withheld" in row for row in rows), view
        else:
            assert rows == [",".join(["withheld"] * (header.count(",") + 1))], view
    report = (copies[5] / "report.html").read_text(encoding="utf-8")
    for sentence in ("π of every rater: withheld.", "Members: withheld.", "Weights of raters: withheld."):
        assert sentence in report
        assert sentence not in (copies[None] / "report.html").read_text(encoding="utf-8")
    assert "completed: the reason is withheld" in report or "paused: the reason is withheld" in report


@pytest.mark.parametrize("change", ["another word", "no table"])
def test_a_withheld_table_is_checked_as_others_are(copies: dict[int | None, Path], tmp_path: Path, change: str) -> None:
    copy = Path(shutil.copytree(copies[5], tmp_path / "bundle"))
    assert next(check for check in verify_all(copy) if check.name == "bundle").verdict == "ok"
    table = copy / "tables" / "weights.csv"
    if change == "no table":
        table.unlink()
    else:
        table.write_text(table.read_text().replace("withheld", "none"))
    written_anew(copy)
    found = next(check for check in verify_all(copy) if check.name == "bundle")
    assert (found.verdict, "tables/weights.csv" in found.detail) == ("failed", True)


# ------------------------------------------------------------ the app

WITHHELD_ON = {
    "1": [
        f"raters, types and pairs {PEOPLE}",
        "paused: (withheld: this copy was exported without the engine's reason)",
    ],
    "2": [PEOPLE, "π of every rater: withheld", "withheld 12", "π from 0."],
    "3": ["members and alternates withheld", "withheld this copy was exported without rows about people"],
}
"""What each tab says where people were withheld, on lines of any width."""


def flat(text: str) -> str:
    return " ".join(text.split())


async def settled(pilot: Any, wanted: str) -> str:
    """The screen once it says this, wherever its lines are broken."""
    return await wait_for(pilot, *wanted.split())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("folder", ["imported-5", "unzipped-5"])
async def test_every_tab_says_what_was_withheld(runs: Path, size: tuple[int, int], folder: str) -> None:
    app = DempoApp(runs / folder, INTERVAL)
    async with app.run_test(size=size, notifications=True) as pilot:
        await wait_for(pilot, "conditions")
        await pilot.press("enter")
        for tab, wanted in WITHHELD_ON.items():
            await pilot.press(tab)
            for part in wanted:
                text = await settled(pilot, part)
                assert flat(part) in flat(text)
            assert "0 members" not in text
        await pilot.press("2", "l")
        text = await wait_for(pilot, "held down by", "withheld")
        levels = [line.split() for line in text.splitlines() if line.split()[:1] == ["0"]]
        assert levels[0][2:4] == ["withheld", "withheld"]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("folder", "kind", "shown"),
    [
        ("", "engine.stopped", ["sealed part private (what leads back to the source", '"reason": "']),
        ("imported-5", "draw.made", ["sealed part people (rows about people", f"({PEOPLE})"]),
        ("unzipped-None", "run.created", ["sealed part private (what leads back", f"({SOURCE})"]),
    ],
)
async def test_the_event_pane_opens_sealed_parts_or_says_that_they_are_withheld(
    drawn: Path, runs: Path, size: tuple[int, int], folder: str, kind: str, shown: list[str]
) -> None:
    async with DempoApp(runs / folder if folder else drawn.parent, INTERVAL).run_test(size=size) as pilot:
        await wait_for(pilot, "conditions")
        await pilot.press("enter", "7", "g", *str(event_of(drawn, kind)), "enter")
        await wait_for(pilot, f"{kind}  replay")
        await pilot.press("tab", "end")
        for part in shown:
            text = await settled(pilot, part)
            beside_the_list = [re.split("[│┃]", line)[-1] for line in text.splitlines()]
            assert flat(part) in flat(" ".join(beside_the_list))
