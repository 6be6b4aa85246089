"""A leaderboard says first how many of the judge calls it comes from, where those are too few."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from rewritten import Row, changed_first, forged

from core.config_file import parse_config
from core.facts.ranking.methods import METHODS
from core.pipeline import stage_keys
from storage.check import Check
from storage.export.export import export_run
from storage.judging.coverage import Coverage
from storage.record.reader import Reader
from storage.verifier.checks import checks_of
from storage.verifier.ground.reading import read_record
from storage.verifier.writer_facts import tree_facts
from storage.verify import verify
from tui.commands.record.show import results
from tui.screens.panes.leaderboards import LeaderboardsPane, page

SAID = "coverage 83.3%: 20 of 24 judge calls gave a ranking (4 malformed), fewer than judge.coverage = 0.95 asks for"


def test_a_run_that_lost_replies_says_so_above_every_leaderboard(
    judged: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results(Reader(judged), as_json=False)
    shown = " ".join(capsys.readouterr().out.split())
    assert {str(row["method"]) for row in Reader(judged).view("leaderboards")} == set(METHODS)
    assert shown.index(SAID) < shown.index(" is ahead by ") < shown.index("Leaderboards")
    results(Reader(judged), as_json=True)
    found = json.loads(capsys.readouterr().out)["coverage"]
    assert found == {"calls": 24, "share": 20 / 24, "wanted": 0.95, "ranked": 20, "malformed": 4}


def test_the_app_and_the_report_say_it_first(judged: Path, tmp_path: Path) -> None:
    text = page(LeaderboardsPane.read(Reader(judged), None), 400).plain
    heading = text.index("Leaderboards")
    assert text[heading:].split("\n")[1].strip().startswith(f"! {SAID}")
    export_run(judged, tmp_path / "bundle.zip", told=lambda *told: None)
    with zipfile.ZipFile(tmp_path / "bundle.zip") as bundle:
        (name,) = [name for name in bundle.namelist() if name.endswith("report.html")]
        report = bundle.read(name).decode()
    said = f"C{SAID[1:]}"
    assert report.index(said) < report.index(" is ahead by "), "before the first screen says anything"
    assert report.index(said, report.index(">Leaderboards</h2>")) < report.index(">Borda</h3>"), "and above all boards"
    assert report.count(SAID) == 1, "in the check of the calls"


def test_a_run_that_lost_nothing_says_nothing(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results(Reader(trained), as_json=False)
    assert "coverage" not in capsys.readouterr().out
    assert "coverage" not in page(LeaderboardsPane.read(Reader(trained), None), 400).plain


def test_citizens_are_the_judges_only_where_they_are(
    judged: Path, trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results(Reader(judged), as_json=False)
    heading = "Leaderboards (the raters are simulated, those of a planted world; the judges are not)"
    assert heading in capsys.readouterr().out
    results(Reader(trained), as_json=False)
    assert "Leaderboards (simulated: citizens of a planted world are the judges)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("ranked", "lost", "wanted", "said"),
    [
        (95, 5, 0.95, ""),
        (94, 6, 0.95, "coverage 94.0%: 94 of 100 judge calls gave a ranking (6 refused)"),
        (1, 47, None, "coverage 2.1%: 1 of 48 judge calls gave a ranking (47 refused)"),
        (1, 47, "high", "fewer than judge.coverage = 0.95"),
        (1, 47, 0, ""),
        (47, 1, 1, "coverage 97.9%"),
    ],
)
def test_what_is_wanted_decides(ranked: int, lost: int, wanted: Any, said: str) -> None:
    found = Coverage((("ranked", "openai", ranked, wanted), ("refused", "openai", lost, wanted)))
    assert bool(found.sentence) == bool(said)
    assert said in found.sentence


def test_no_judge_call_is_no_loss() -> None:
    assert Coverage(()).sentence == ""


def leaderboards_check(root: Path) -> Check:
    (said,) = [check for check in verify(root) if check.name == "leaderboards"]
    alone = checks_of(read_record(root / "audit.db", tree_facts()))
    assert said in alone
    return said


def test_the_calls_of_a_leaderboard_are_counted_by_both_verifiers(judged: Path, tmp_path: Path) -> None:
    """And a record of before, which does not name them, is as good as it was."""
    assert leaderboards_check(judged).verdict == "ok"
    forged_run = forged(judged, tmp_path / "a", changed_first("leaderboard.computed", calls=20))
    assert leaderboards_check(forged_run).verdict == "failed"

    def unnamed(rows: list[Row]) -> list[Row]:
        for row in rows:
            if row.kind == "leaderboard.computed":
                assert row.payload.pop("calls") == 24
        return rows

    assert leaderboards_check(forged(judged, tmp_path / "b", unnamed)).verdict == "ok"


def test_the_share_that_is_wanted_is_in_no_key() -> None:
    """It changes nothing that is recorded, and a run of before, which had no such setting, can still be resumed."""
    text = '[run]\nname = "x"\n[data]\n[judge]\ncoverage = {}\n[[judge.judges]]\nkind = "planted"\nmodel = "c"\n'
    half, whole = (parse_config(text.format(share)).config for share in (0.5, 1))
    assert stage_keys(half) == stage_keys(whole)
