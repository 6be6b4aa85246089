"""The primary method of a plan speaks for a run wherever one method does, wherever it stands in `rank.methods`."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from both_verifiers import checked
from chat_server import serving_alone
from commands import dempo
from planned_runs import PLAN, by_quality, configured, materials, worked
from rewritten import Row, forged

from core.facts.randomness import RandomStream
from core.ranking.leaderboards import Aggregation
from core.ranking.robustness.stands import robustness
from storage.draws.history import config_of
from storage.judging.run_rankings import rankings_of_run
from storage.record.reader import Reader
from storage.replay.replaying import replay_run
from storage.verifier.ground.finding import concluded
from storage.verifier.ground.reading import read_record
from storage.verifier.ranking.order_stands import check_robustness
from storage.verifier.shipped import tree_facts
from storage.verify import Check
from tui.screens.panes.leaderboards import LeaderboardsPane, page


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """By the order of the methods Borda would speak, and Bradley–Terry for the robustness."""
    folder = tmp_path_factory.mktemp("planned")
    plan = PLAN.replace('primary = "bradley_terry"', 'primary = "kemeny"')
    with serving_alone(by_quality) as (_, server):
        yield worked(configured(materials(folder / "materials"), server.url, plan), folder / "runs")


def event_of(root: Path) -> dict[str, Any]:
    (row,) = Reader(root).query("SELECT payload FROM events WHERE kind = 'robustness.computed'")
    found: dict[str, Any] = json.loads(row["payload"])
    return found


def robust(root: Path) -> Check:
    return concluded("robustness", check_robustness, read_record(root / "audit.db", tree_facts()))


def test_the_order_that_analyses_are_compared_with_is_the_planned_one(planned: Path) -> None:
    event = event_of(planned)
    assert (event["method"], event["rule"]) == ("kemeny", 1)
    board = [row for row in Reader(planned).view("leaderboards") if row["method"] == "kemeny"]
    assert event["order"][0] == [row["condition"] for row in board if row["position"] == 1]
    assert {one["method"] for one in event["analyses"] if one["analysis"] == "clause"} == {"kemeny"}
    assert [one["method"] for one in event["analyses"] if one["analysis"] == "method"] == ["borda", "bradley_terry"]
    checks = checked(planned)
    assert {name for name, check in checks.items() if check.verdict != "ok"} <= {"signatures", "configuration"}
    (stage,) = replay_run(planned, "rank").stages
    assert [row.verdict for row in stage.events if row.kind == "robustness.computed"] == ["same"]


def test_command_report_and_app_open_with_it(planned: Path, tmp_path: Path) -> None:
    told = dempo("show", planned).stdout
    first = " ".join(told.partition("ahead")[2].partition("Leaderboards")[0].split())
    assert "by Kemeny, the planned method" in first, first
    assert "\nkemeny  (lower is better)\n" in told
    assert "by other methods: borda, bradley_terry;" in told
    assert "compared with the order by Kemeny" in " ".join(told.split())
    assert dempo("export", planned, "--to", tmp_path / "bundle.zip").returncode == 0
    with zipfile.ZipFile(tmp_path / "bundle.zip") as bundle:
        (name,) = (name for name in bundle.namelist() if name.endswith("report.html"))
        report = bundle.read(name).decode()
    opening, _, rest = report.partition("<h2")
    assert "by Kemeny, the planned method" in opening
    assert "Kemeny: scores with 95 % intervals" in opening
    heads = [rest.index(f">{words}</h3>") for words in ("Kemeny", "Borda", "Bradley–Terry")]
    assert heads == sorted(heads)
    shown = page(LeaderboardsPane.read(Reader(planned), None), 80).plain
    assert shown.index("\nKemeny  ") < shown.index("\nBorda  ") < shown.index("\nBradley–Terry  ")


def test_ranking_the_run_once_more_compares_with_it_too(planned: Path) -> None:
    rows = json.loads(dempo("rank", planned, "--json").stdout)["robustness"]
    assert rows == Reader(planned).view("robustness")
    some = json.loads(dempo("rank", planned, "--method", "borda,bradley_terry", "--json").stdout)["robustness"]
    assert {row["primary_method"] for row in some} == {"bradley_terry"}, "the planned one is not among these"


def as_before(root: Path) -> dict[str, Any]:
    """What the program recorded when it did not ask for a plan."""
    reader = Reader(root)
    config = config_of(reader)
    listed = rankings_of_run(reader, config)
    stream = RandomStream(config.run.seed, "rank")
    whole = Aggregation(listed, config.rank, stream, lambda done, total, detail: None)
    boards = [whole.leaderboard(method) for method in config.rank.methods]
    return robustness(listed, whole, boards).payload()


def test_a_record_of_before_verifies_by_the_rule_of_its_time(planned: Path, tmp_path: Path) -> None:
    before = as_before(planned)
    assert (before["method"], before.get("rule")) == ("bradley_terry", None)
    assert robust(forged(planned, tmp_path, with_event(before))).verdict == "ok"


def with_event(values: dict[str, Any]) -> Any:
    """The record with another event of robustness in the place of its own."""

    def change(rows: list[Row]) -> list[Row]:
        (row,) = (row for row in rows if row.kind == "robustness.computed")
        row.payload = {key: row.payload[key] for key in ("unit", "attempt")} | values
        return rows

    return change


def test_the_other_method_under_the_new_rule_is_found(planned: Path, tmp_path: Path) -> None:
    found = robust(forged(planned, tmp_path, with_event(as_before(planned) | {"rule": 1})))
    assert (found.verdict, found.detail.startswith("the method whose order is compared")) == ("failed", True), found


@pytest.mark.parametrize(
    ("rule", "verdict", "sentence"),
    [
        (None, "failed", "the method whose order is compared"),
        (0, "failed", "rules are numbered from 1"),
        (2, "unchecked", "is newer than this verifier"),
    ],
)
def test_another_rule_is_found(planned: Path, tmp_path: Path, rule: int | None, verdict: str, sentence: str) -> None:
    def change(rows: list[Row]) -> list[Row]:
        (row,) = (row for row in rows if row.kind == "robustness.computed")
        row.payload = {k: v for k, v in row.payload.items() if k != "rule"} | ({} if rule is None else {"rule": rule})
        return rows

    found = robust(forged(planned, tmp_path, change))
    assert (found.verdict, sentence in found.detail) == (verdict, True), found


def test_a_rule_for_plans_without_a_plan_is_found(planned: Path, tmp_path: Path) -> None:
    def unplanned(rows: list[Row]) -> list[Row]:
        del rows[0].payload["config"]["plan"]
        return rows

    found = robust(forged(planned, tmp_path, unplanned))
    assert (found.verdict, "has none" in found.detail) == ("failed", True), found
