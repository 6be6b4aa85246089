"""Plans of real small runs: recorded first, tested, shown, deviated from; and lies about all of it that are found."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from both_verifiers import checked
from chat_server import ChatServer, completion, serving_alone
from commands import dempo
from planned_runs import PLAN, by_quality, configured, materials, worked
from rewritten import Row, forged

from core.config import resolved
from core.config_file import LoadedConfig, change, cloned
from core.errors import InputError, JudgeError
from core.facts.ranking.hypotheses import standings
from core.run_folder import RunFolder
from storage.checks_ranking import estimate_again
from storage.draws.history import config_of
from storage.judging.linked_judging import judged_again
from storage.judging.reopening import reopen_calls
from storage.plans.deviations import deviate
from storage.plans.earlier_plans import earlier_plans
from storage.record.create import create_run
from storage.record.log import Log
from storage.record.reader import Reader
from storage.replay.replaying import replay_run
from storage.verifier.checks import CHECKS
from storage.verifier.ground.finding import concluded
from storage.verifier.ground.reading import read_record
from storage.verifier.writer_facts import tree_facts
from storage.verify import Check, verify
from tui.commands.runs.process import work
from tui.screens.panes.leaderboards import LeaderboardsPane, PageRequest, page
from tui.terminal.console import Console

Server = tuple[Any, ChatServer]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving_alone(by_quality) as both:
        yield both


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return materials(tmp_path_factory.mktemp("planned") / "materials")


@pytest.fixture(scope="module")
def planned(server: Server, folder: Path) -> Path:
    """A run with three hypotheses, recorded before 24 calls of one judge."""
    return worked(configured(folder, server[1].url), folder.parent / "runs")


def statuses(root: Path) -> dict[str, str]:
    return {row["hypothesis"]: row["status"] for row in Reader(root).view("hypotheses")}


def test_the_plan_comes_first_and_what_came_of_it_is_verified(planned: Path) -> None:
    reader = Reader(planned)
    first = {row["kind"]: row["seq"] for row in reversed(reader.query("SELECT seq, kind FROM events ORDER BY seq"))}
    assert first["answer.read"] < first["plan.recorded"] < first["judge.called"]
    found = {row["hypothesis"]: (row["verdict"], row["status"]) for row in reader.view("hypotheses")}
    assert found == {
        "soft-over-full": ("supported", "as planned"),
        "full-over-hard": ("contradicted", "as planned"),
        "soft-over-hard": ("not supported", "as planned"),
    }
    checks = checked(planned)
    assert {name for name, check in checks.items() if check.verdict != "ok"} <= {"signatures", "configuration"}
    number = first["plan.recorded"]
    assert checks["plan"].detail == f"3 hypotheses recorded in event {number}, before the first judge was asked"


def test_replay_tests_the_plan_again(planned: Path) -> None:
    (found,) = replay_run(planned, "rank").stages
    rows = [row for row in found.events if row.kind == "plan.tested"]
    assert [(row.verdict, row.grade) for row in rows] == [("same", "re-derive")]


def test_the_plan_is_shown(planned: Path) -> None:
    plain, data = dempo("plan", planned), json.loads(dempo("plan", planned, "--json").stdout)
    assert "tested by Bradley–Terry, 95 % intervals from resamples of questions\nrecorded in event" in plain.stdout
    assert "  soft-over-full: soft over full (Bradley–Terry): supported, as planned\n" in plain.stdout
    assert "soft over hard by more than 0.250" in plain.stdout
    assert max(map(len, plain.stdout.splitlines())) <= 80
    assert data["plan"]["title"] == "panels"
    assert [row["verdict"] for row in data["hypotheses"]] == ["supported", "contradicted", "not supported"]
    assert (
        "  full-over-hard: full over hard (Bradley–Terry): contradicted, as planned\n" in dempo("show", planned).stdout
    )
    assert json.loads(dempo("show", planned, "--json").stdout)["hypotheses"] == Reader(planned).view("hypotheses")


def test_a_bundle_and_the_app_show_what_was_planned(planned: Path, tmp_path: Path) -> None:
    told = dempo("export", planned, "--to", tmp_path / "bundle.zip")
    assert told.returncode == 0, told.stderr
    with zipfile.ZipFile(tmp_path / "bundle.zip") as bundle:
        (name,) = (name for name in bundle.namelist() if name.endswith("report.html"))
        report = bundle.read(name).decode()
        (name,) = (name for name in bundle.namelist() if name.endswith("tables/hypotheses.csv"))
        assert bundle.read(name).decode().startswith("hypothesis,better,than,by,method,difference,low,high,holds,p,")
    section = report.partition(">Hypotheses</h3>")[2].partition("<h3")[0]
    for words in ("soft over hard by more than 0.25", "contradicted, as planned", "weights help", "Recorded in event"):
        assert words in section
    assert (
        "planned: soft-over-full supported, as planned" in page(LeaderboardsPane.read(Reader(planned), None), 80).plain
    )
    shown = page(LeaderboardsPane.read(Reader(planned), PageRequest("plan")), 80).plain
    assert "soft-over-full: soft over full (Bradley–Terry): supported, as planned" in shown


def test_a_plan_is_read_before_anything_is_done(server: Server, folder: Path, tmp_path: Path) -> None:
    root = create_run(configured(folder, server[1].url), "", tmp_path)
    told = dempo("plan", root).stdout
    assert "in event 1; no judge was asked yet\n" in told
    assert "  soft-over-hard: soft over hard by more than 0.25\n" in told
    (check,) = [check for check in verify(root) if check.name == "plan"]
    assert (check.verdict, check.detail) == ("ok", "3 hypotheses planned in event 1; no judge was asked yet")


def test_a_run_without_a_plan_is_given_none(server: Server, folder: Path, tmp_path: Path) -> None:
    root = create_run(configured(folder, server[1].url, plan=""), "", tmp_path)
    for words in (("plan", root), ("plan", root, "--deviate", "all", "--reason", "we looked")):
        told = dempo(*words)
        assert (told.returncode, "[plan] is missing in its configuration" in told.stderr) == (2, True), told
    changed = ("--set", "plan.primary=borda")
    assert dempo("resume", root, *changed).returncode == 2
    told = dempo("resume", create_run(configured(folder, server[1].url, name="other"), "", tmp_path), *changed)
    assert "plan.primary is part of what run" in told.stderr


# ------------------------------------------------------------ deviations


def test_a_deviation_is_recorded_and_shown_for_ever(planned: Path, tmp_path: Path) -> None:
    root = forged(planned, tmp_path, lambda rows: rows)
    for words, sentence in (
        (("--deviate", "soft-over-full"), "--deviate HYPOTHESIS (or all), and --reason TEXT"),
        (("--reason", "x"), "--deviate HYPOTHESIS (or all), and --reason TEXT"),
        (("--deviate", "soft", "--reason", "x"), "plans no hypothesis 'soft'"),
        (("--deviate", "all", "--reason", " "), "a deviation needs a reason"),
        (("--deviate", "all", "--reason", "x" * 2001), "2000 are the most"),
    ):
        told = dempo("plan", root, *words)
        assert (told.returncode, sentence in told.stderr) == (2, True), told
    assert set(statuses(root).values()) == {"as planned"}
    told = dempo("plan", root, "--deviate", "soft-over-full", "--reason", "clause 2\n was \x1b[31mwrong", "--json")
    assert json.loads(told.stdout)["hypotheses"] == ["soft-over-full"]
    assert "\x1b" not in dempo("plan", root).stdout
    assert statuses(root) == {
        "soft-over-full": "deviated",
        "full-over-hard": "as planned",
        "soft-over-hard": "as planned",
    }
    with Log.open(RunFolder(root)) as log:
        deviate(log, [], "all of it")
    assert set(statuses(root).values()) == {"deviated"}
    (row, *_) = Reader(root).view("hypotheses")
    last = Reader(root).head()[0]
    assert row["reason"] == f"clause 2 was \x1b[31mwrong (event {last - 1}); all of it (event {last})"
    assert [row["action"] for row in Reader(root).view("operator_actions")] == ["deviate", "deviate"]
    assert checked(root)["plan"].detail.endswith("not as planned: 'soft-over-full', 'full-over-hard', 'soft-over-hard'")


# ------------------------------------------------------------ other runs


def after(planned: Path, loaded: LoadedConfig, linked: bool = True) -> dict[str, tuple[str, str]]:
    """How the hypotheses of a run that is made now would stand."""
    earlier = earlier_plans(loaded.config, planned if linked else None)
    assert earlier is not None
    return {
        name: (standing, why)
        for name, (standing, why) in standings(
            resolved(loaded.config), [run.model_dump(mode="json") for run in earlier]
        ).items()
    }


def test_a_repetition_with_the_same_plan_is_as_planned(planned: Path) -> None:
    loaded = change(config_of(Reader(planned)), ["judge.judges.0.concurrency=1"])
    assert {standing for standing, _ in after(planned, loaded).values()} == {"as planned"}


def test_what_is_planned_after_results_is_exploratory(planned: Path) -> None:
    loaded = change(config_of(Reader(planned)), ["plan.hypotheses.0.by=0.5", "plan.hypotheses.1.name=another"])
    found = after(planned, loaded)
    told = f"run {planned.name} had 24 rankings before this was planned"
    assert found["soft-over-full"] == found["another"] == ("exploratory", told)
    assert found["soft-over-hard"] == ("as planned", f"planned in run {planned.name}, which had 24 rankings")


def test_a_clone_is_given_another_plan_in_the_open(planned: Path, tmp_path: Path) -> None:
    """It goes up to the judges, who are asked nothing here; the first event says already how it stands."""
    plan = 'plan={primary="borda", hypotheses=[{name="late", better="soft", than="full"}]}'
    words = ("--set", "run.name=late", "--set", plan, "--until", "conditions", "--quiet", "--json")
    told = dempo("clone", planned, *words, "--runs-dir", tmp_path)
    assert told.returncode == 0, told.stderr
    root = Path(json.loads(told.stdout)["path"])
    (row,) = Reader(root).query("SELECT payload->'$.earlier_plans' AS said FROM events WHERE seq = 1")
    (run,) = json.loads(row["said"])
    assert run == {
        "run_id": planned.name,
        "first": Reader(planned).first_hash(),
        "rankings": 24,
        "fresh": False,
        "standings": {},
        "changed": ["plan.primary"],
    }
    assert of_plan(root).detail == "1 hypothesis planned in event 1; no judge was asked yet"


@pytest.mark.parametrize(
    ("settings", "changed"),
    [
        (["plan.primary=borda", "rank.confidence=0.9"], "plan.primary, rank.confidence"),
        (["plan.resample=clauses", "rank.resample=clauses"], "rank.resample"),
        (["judge.judges.0.rankings=3"], "judge.judges"),
        (["judge.ties=skip"], "judge.ties"),
        (["answer.per_clause=3"], "answer"),
    ],
)
def test_a_repetition_that_changes_the_test_has_deviated(planned: Path, settings: list[str], changed: str) -> None:
    found = after(planned, change(config_of(Reader(planned)), settings))
    assert set(found.values()) == {("deviated", f"planned in run {planned.name}; changed since: {changed}")}


def test_other_data_are_a_replication(planned: Path) -> None:
    """A plan that is made after a first run, for data that the other seed makes, comes before its rankings."""
    loaded = change(config_of(Reader(planned)), ["run.seed=5", "plan.hypotheses.0.by=0.5"])
    assert {standing for standing, _ in after(planned, loaded).values()} == {"as planned"}


@pytest.mark.parametrize("of", ["", "#hard"])
def test_a_run_that_takes_answers_over_knows_it_without_a_link(
    planned: Path, server: Server, folder: Path, of: str
) -> None:
    text = configured(folder, server[1].url, plan=PLAN.replace("0.25", "0.5"))
    taking = [f"conditions.{k}.source=answers:{planned}{of}" for k in range(3)]
    found = after(planned, change(text.config, ["run.seed=5", *taking]), linked=False)
    assert found["soft-over-hard"][0] == "exploratory"
    assert found["soft-over-full"][0] == "as planned"


def test_a_folder_of_answers_is_no_earlier_run(folder: Path, server: Server) -> None:
    taking = [f"conditions.{k}.source=answers:{folder}" for k in range(3)]
    assert earlier_plans(change(configured(folder, server[1].url).config, taking).config, None) == []


def test_judging_again_keeps_the_plan_and_tells_what_changed(
    planned: Path, server: Server, folder: Path, tmp_path: Path
) -> None:
    reader = Reader(planned)
    same_replies = worked(judged_again(reader), tmp_path / "a", planned)
    assert set(statuses(same_replies).values()) == {"as planned"}
    assert not {c.name: c for c in verify(same_replies) if c.verdict == "failed"}
    values = json.loads(judged_again(reader).config.model_dump_json(exclude_none=True))
    more = values["judge"]["judges"][0] | {"label": "more"}
    del more["recorded"]
    values["judge"]["judges"].append(more)
    added = worked(cloned(values, (), "x"), tmp_path / "b", planned)
    rows = Reader(added).view("hypotheses")
    assert {row["status"] for row in rows} == {"deviated"}
    assert {row["reason"] for row in rows} == {f"planned in run {planned.name}; changed since: judge.judges"}
    checks = checked(added)
    assert not {name: check for name, check in checks.items() if check.verdict == "failed"}
    assert "not as planned: 'soft-over-full'" in checks["plan"].detail

    def unsaid(rows: list[Row]) -> list[Row]:
        rows[0].payload["earlier_plans"] = []
        return rows

    assert "of which it is not said what" in of_plan(forged(added, tmp_path / "c", unsaid)).detail


# ------------------------------------------------------------ lies


def of_plan(root: Path, name: str = "plan") -> Check:
    """What a check says; what estimates are with numpy's help, too."""
    record = read_record(root / "audit.db", tree_facts())
    found = concluded(name, CHECKS[name], record)
    if name == "estimates":
        assert concluded(name, estimate_again, record) == found
    return found


Edit = Callable[[dict[str, Any]], object]


def lie(kind: str, edit: Edit) -> Callable[[list[Row]], list[Row]]:
    def changed(rows: list[Row]) -> list[Row]:
        edit(next(row for row in rows if row.kind == kind).payload)
        return rows

    return changed


def plan_last(rows: list[Row]) -> list[Row]:
    """The plan as if it had been recorded when all rankings were there."""
    plan = [row for row in rows if row.payload.get("unit") == "plan"]
    others = [row for row in rows if row not in plan]
    last = max(k for k, row in enumerate(others) if row.stage == "judge" and "unit" in row.payload)
    return [*others[: last + 1], *plan, *others[last + 1 :]]


def no_plan(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row.payload.get("unit") not in ("plan", "hypotheses")]


def unplanned(rows: list[Row]) -> list[Row]:
    del rows[0].payload["config"]["plan"]
    return rows


def with_deviation(**values: Any) -> Callable[[list[Row]], list[Row]]:
    event = {"hypotheses": ["soft-over-full"], "reason": "why"} | values
    return lambda rows: [*rows, Row(rows[-1].at, "run", "plan.deviated", event)]


def first_row(values: dict[str, Any]) -> dict[str, Any]:
    return dict.__getitem__(values, "hypotheses" if "hypotheses" in values else "rows")[0]  # type: ignore[no-any-return]


LIES: dict[str, tuple[Callable[[list[Row]], list[Row]], str, str]] = {
    "a plan that came later": (plan_last, "plan", "the plan was recorded after the first judge was asked (event"),
    "no plan recorded": (no_plan, "plan", "a judge was asked, and the plan had not been recorded"),
    "a plan of nobody": (unplanned, "plan", "and the configuration in event 1 plans nothing"),
    "another side": (lie("plan.recorded", lambda v: first_row(v).update(better="hard")), "plan", "better is 'hard'"),
    "a lower bar": (lie("plan.recorded", lambda v: v["hypotheses"][2].update(by=0.1)), "plan", "by is 0.1"),
    "another method": (lie("plan.recorded", lambda v: v.update(primary="borda")), "plan", "primary is 'borda'"),
    "another unit": (lie("plan.recorded", lambda v: v.update(resample="clauses")), "plan", "resample is 'clauses'"),
    "another ranking section": (
        lie("run.created", lambda v: v["config"]["rank"].update(resample="clauses")),
        "plan",
        "the plan: resample is 'questions'",
    ),
    "a hypothesis fewer": (lie("plan.recorded", lambda v: v["hypotheses"].pop()), "plan", "the planned hypotheses"),
    "another standing": (
        lie("plan.recorded", lambda v: first_row(v).update(standing="exploratory")),
        "plan",
        "how it stands",
    ),
    "rankings that were there": (
        lie(
            "run.created",
            lambda v: v.update(
                earlier_plans=[
                    {"run_id": "r", "first": "0" * 64, "rankings": 3, "fresh": False, "standings": {}, "changed": []}
                ]
            ),
        ),
        "plan",
        "how it stands",
    ),
    "a link and nothing of it": (lie("run.created", lambda v: v.update(linked_to="0" * 64)), "plan", "repeats another"),
    "no word of other runs": (lie("run.created", lambda v: v.pop("earlier_plans")), "plan", "which runs the plan"),
    "another verdict": (
        lie("plan.tested", lambda v: first_row(v).update(verdict="contradicted")),
        "plan",
        "its verdict",
    ),
    "a smaller p": (lie("plan.tested", lambda v: first_row(v).update(p=0.001)), "plan", "its p value"),
    "no Holm": (lie("plan.tested", lambda v: first_row(v).update(adjusted=first_row(v)["p"])), "plan", "adjusted p"),
    "more units": (lie("plan.tested", lambda v: v.update(units=13)), "estimates", "how many questions are resampled"),
    "a difference": (lie("plan.tested", lambda v: first_row(v).update(difference=2.4)), "estimates", "difference"),
    "an end of its interval": (lie("plan.tested", lambda v: first_row(v).update(low=0.8)), "estimates", "low"),
    "a share": (lie("plan.tested", lambda v: v["rows"][2].update(holds=0.9)), "estimates", "holds"),
    "a test left out": (lie("plan.tested", lambda v: v["rows"].pop()), "plan", "the tested hypotheses"),
    "a deviation from nothing": (with_deviation(hypotheses=["x"]), "plan", "hypotheses that are not planned"),
    "a deviation of none": (with_deviation(hypotheses=[]), "plan", "of none"),
    "a deviation without a reason": (with_deviation(reason=" "), "plan", "has no reason"),
}


@pytest.mark.parametrize("what", LIES)
def test_a_lie_about_a_plan_is_found(what: str, planned: Path, tmp_path: Path) -> None:
    change, name, sentence = LIES[what]
    found = of_plan(forged(planned, tmp_path, change), name)
    assert (found.verdict, sentence in found.detail) == ("failed", True), found


def test_the_tests_cannot_be_left_out(planned: Path, tmp_path: Path) -> None:
    root = forged(planned, tmp_path, lambda rows: [row for row in rows if row.kind != "plan.tested"])
    assert "holds 0 events plan.tested instead of 1" in of_plan(root, "stages").detail


@pytest.mark.parametrize("kind", ["plan.recorded", "plan.tested"])
def test_a_later_rule_is_not_judged(kind: str, planned: Path, tmp_path: Path) -> None:
    root = forged(planned, tmp_path, lie(kind, lambda v: v.update(rule=2)))
    for name in ("plan", "estimates")[: 1 + (kind == "plan.tested")]:
        found = of_plan(root, name)
        assert (found.verdict, "is newer than this verifier" in found.detail) == ("unchecked", True), found


def test_calls_that_are_made_again_are_a_deviation(server: Server, folder: Path, tmp_path: Path) -> None:
    """An operator who asks again sees what there is so far."""
    moody, found = server
    root = create_run(configured(folder, found.url, settings=["judge.judges.0.retries=0"]), "", tmp_path)

    def faint(body: dict[str, Any], number: int) -> Any:
        left = number - begun
        return (200, completion("I cannot say.")) if left < 2 else (500, {}) if left > 20 else by_quality(body, number)

    begun = len(found.requests)
    moody.mood = faint
    try:
        with pytest.raises(JudgeError):
            work(root, None, Console(quiet=True))
    finally:
        moody.mood = by_quality
    with Log.open(RunFolder(root)) as log:
        event = reopen_calls(log, ["malformed"])
    assert event is not None
    assert work(root, None, Console(quiet=True)) == 0
    rows = Reader(root).view("hypotheses")
    assert {row["status"] for row in rows} == {"deviated"}
    assert rows[0]["reason"].startswith(f"{len(event.units)} calls were made again (event ")
    assert not [check for check in verify(root) if check.verdict == "failed" and check.name != "configuration"]
    told = of_plan(root).detail
    assert "not as planned: 'soft-over-full', 'full-over-hard', 'soft-over-hard'" in told


def test_rankings_of_a_file_existed_before_the_plan(folder: Path, tmp_path: Path) -> None:
    lines = [
        {"question_id": f"{c}:{n}", "clause_id": c, "judge": "ann", "ranking": ["soft", "hard", "full"]}
        for c in (1, 2)
        for n in range(6)
    ]
    (tmp_path / "people.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    people = f'{{kind = "recorded", model = "people", recorded = "{tmp_path}/people.jsonl", rankings = 1}}'
    root = worked(configured(folder, "http://localhost:1", settings=[f"judge.judges=[{people}]"]), tmp_path / "runs")
    (row, *_) = Reader(root).view("hypotheses")
    assert (row["verdict"], row["status"]) == ("supported", "exploratory")
    assert row["reason"] == "the rankings of judge 'people' existed before this plan"
    assert "not as planned" in of_plan(root).detail


def test_whatever_a_stranger_wrote_is_shown_in_its_lines(planned: Path, tmp_path: Path) -> None:
    def hostile(values: dict[str, Any]) -> None:
        first_row(values).update(name="\x1b[31mx\ny", better=7, by="x", standing="\n", reason="\x1b\n" * 9)

    root = forged(planned, tmp_path, lie("plan.recorded", hostile))
    told = dempo("plan", root)
    assert told.returncode == 0
    assert "\x1b" not in told.stdout
    assert set(CHECKS) >= {"plan"}
    assert read_record(root / "audit.db", tree_facts()).shape_wrong is not None


def test_nothing_deviates_while_an_engine_works(planned: Path, tmp_path: Path) -> None:
    root = forged(planned, tmp_path, lambda rows: rows)
    with Log.open(RunFolder(root)):
        told = dempo("plan", root, "--deviate", "all", "--reason", "why")
    assert told.returncode != 0
    assert set(statuses(root).values()) == {"as planned"}
    with pytest.raises(InputError), Log.open(RunFolder(root)) as log:
        deviate(log, ["nobody"], "why")
