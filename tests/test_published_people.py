"""A published panel, published π and weights: whether they are what a run on the same pool and quotas gives."""

from __future__ import annotations

import json
import math
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from commands import dempo
from people_folder import (
    ELSEWHERE,
    OPTIMUM,
    PEOPLE,
    pairs_of,
    pi_where,
    write_data,
    write_pairs,
    write_panel,
    write_pi,
)
from published_folder import invented_rows, write_lines
from rewritten import Row, forged
from table_runs import make_table_run

from core.config_file import parse_config
from core.errors import InputError
from core.facts.sortition.published_people import OwnLottery, PeopleGiven, compared_people
from core.publication.panel_config import people_text
from storage.export.export import export_run
from storage.findings.published_found import REASONS, PublishedFound
from storage.findings.published_people_found import people_told
from storage.record.reader import Reader
from storage.record.rows import PublishedRow
from storage.replay.replaying import replay_run
from storage.verifier.checks import CHECKS, checks_of
from storage.verifier.ground.reading import read_record
from storage.verifier.shipped import tree_facts
from storage.verify import verify
from tui.commands.ranking.import_published import create_imported
from tui.commands.runs.process import work
from tui.screens.panes.leaderboards import LeaderboardsPane, PageRequest
from tui.screens.results.published_page import PublishedPage
from tui.terminal.console import Console

PANEL = ["user00", "user08", "user12", "user14"]
"""A white woman, a white man, a black man, a black woman."""


ONLY_PEOPLE = {"published people": CHECKS["published people"]}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("people") / "data")


def created(folder: Path, data: Path, *overrides: str) -> Path:
    runs = folder.parent / f"{folder.name}-runs"
    return create_imported(folder, None, 0, None, None, overrides, runs, data, data / "panel.yaml")[0]


def imported(folder: Path, data: Path, *overrides: str) -> Path:
    root = created(folder, data, *overrides)
    assert work(root, None, Console(quiet=True)) == 0
    return root


@pytest.fixture(scope="module")
def sound(data: Path) -> Path:
    """A run whose published files are what LEXIMIN gives, and weights √π/N_r."""
    folder = write_panel(write_pi(data.parent / "sound", OPTIMUM), PANEL)
    return imported(write_pairs(folder, {user: math.sqrt(pi) for user, pi in OPTIMUM.items()}), data)


@pytest.fixture(scope="module")
def off(data: Path) -> Path:
    """A run whose π are those of another lottery, whose panel breaks quotas, and whose weights are its π/N_r."""
    folder = write_panel(write_pi(data.parent / "off", pi_where(0.5)), ["user00", "user01", "user02", "user12"])
    return imported(write_pairs(folder, pi_where(0.5)), data)


def numbers(root: Path, method: str) -> dict[tuple[str, str], dict[str, Any]]:
    rows = Reader(root).view("published")
    return {(row["measure"], row["other"]): row for row in rows if row["method"] == method}


def of(root: Path, method: str, measure: str) -> dict[str, Any]:
    (row,) = (row for (name, _), row in numbers(root, method).items() if name == measure)
    return row


# ------------------------------------------------------------ what is found


def test_what_leximin_gives_is_said_to_be_the_optimum(sound: Path) -> None:
    rows = Reader(sound).view("published")
    assert {(row["verdict"], row["reason"]) for row in rows} == {("equal", "")}
    assert of(sound, "pi", "smallest")["recomputed"] == pytest.approx(1 / 6, abs=1e-12)
    assert of(sound, "pi", "sum")["recomputed"] == 4
    assert PublishedFound.of_run(Reader(sound)).people() == [
        "published π: the optimum of LEXIMIN, level by level",
        "published panel: keeps all 4 quotas",
        "published weights (soft.jsonl): those of published π, as √π over the number of pairs",
        "published weights (soft.jsonl): those of the run's own π, as √π over the number of pairs",
    ]


def test_another_lottery_is_told_with_its_level(off: Path) -> None:
    """By hand: white men have .125 in place of 1/6; ρ² = 135/232.5; the black woman has 1/2 in place of 2/3."""
    level = of(off, "pi", "leximin")
    assert (level["other"], level["published"], level["verdict"], level["reason"]) == (
        "level 1",
        0.125,
        "differs",
        "not_optimal",
    )
    assert level["recomputed"] == pytest.approx(1 / 6, abs=1e-9)
    assert of(off, "pi", "rank_correlation")["published"] == pytest.approx(math.sqrt(135 / 232.5), abs=1e-12)
    assert of(off, "pi", "largest_difference")["published"] == pytest.approx(1 / 6, abs=1e-9)
    assert of(off, "pi", "sum")["verdict"] == "equal"
    assert of(off, "pi", "spread_in_type")["verdict"] == "equal"


def test_broken_quotas_are_told_with_how_many(off: Path) -> None:
    seats = {other: row for (measure, other), row in numbers(off, "panel").items() if measure == "seats"}
    told = {other: (row["published"], row["recomputed"], row["difference"]) for other, row in seats.items()}
    assert told == {
        "gender: Female": (3, 2, -1),
        "gender: Male": (1, 2, 1),
        "ethnicity: White": (3, 2, -1),
        "ethnicity: Black": (1, 2, 1),
    }
    assert {(row["low"], row["high"], row["reason"]) for row in seats.values()} == {(2, 2, "quota_broken")}


def test_weights_of_the_published_pi_are_not_those_of_the_run(off: Path) -> None:
    theirs, ours = of(off, "pairs", "of_published_pi"), of(off, "pairs", "of_own_pi")
    assert (theirs["other"], theirs["verdict"]) == ("identity", "equal")
    assert (ours["verdict"], ours["reason"]) == ("differs", "other_weights")
    told = PublishedFound.of_run(Reader(off)).people()
    assert told[0] == "published π: not optimal, level 1 is 0.125 against 0.166667 of the run's own LEXIMIN"
    assert told[1].startswith("published panel: breaks 4 of 4 quotas: gender: Female has 3 and may have 2 to 2, ")
    assert told[3].startswith("published weights (soft.jsonl): not those of the run's own π; the closest, ")


FITS: dict[str, tuple[Callable[[float], float], str]] = {
    "π": (lambda pi: pi, "identity"),
    "√π": (math.sqrt, "sqrt"),
    "π²": (lambda pi: pi * pi, "square"),
    "one for everybody": (lambda pi: 1.0, "equal"),
    "none": (lambda pi: math.nan, "unweighted"),
}


@pytest.mark.parametrize("transform", FITS)
def test_the_transform_of_weights_is_recovered(data: Path, tmp_path: Path, transform: str) -> None:
    f, name = FITS[transform]
    totals = {u: float(pairs_of(u)) if name == "unweighted" else f(pi) for u, pi in OPTIMUM.items()}
    root = imported(write_pairs(tmp_path / "weights", totals), data)
    row = of(root, "pairs", "of_own_pi")
    assert (row["other"], row["verdict"]) == (name, "equal")
    assert ("of_published_pi", name) not in numbers(root, "pairs"), "no π is published"


def test_clipped_weights_are_recovered() -> None:
    """By hand: π of .01 to .41; the 5 % quantile is .03, that of 95 % is .39. π³ is π² but
    for a factor of π, which is 1 to 41."""
    pi = [(i + 1) / 100 for i in range(41)]
    own = OwnLottery("own", 4, True, pi, [0] * 41, [2] * 41, [], [[]], [])
    totals = [min(max(value, 0.03), 0.39) for value in pi]
    file = PeopleGiven("pairs", 41, weights={i: (2, total / 2, total / 2) for i, total in enumerate(totals)})
    (row,) = (row for row in compared_people(file, [file], own) if row.number.measure == "of_own_pi")
    assert (row.number.other, row.verdict) == ("clipped", "equal")
    other = PeopleGiven("pairs", 41, weights={i: (2, value**3, value**3) for i, value in enumerate(pi)})
    (row,) = (row for row in compared_people(other, [other], own) if row.number.measure == "of_own_pi")
    assert (row.number.other, row.verdict) == ("square", "differs"), "π³ is closest to π²"
    assert row.number.value == pytest.approx((41 - 1) / (41 + 1))


def test_weights_that_vary_within_a_person_and_other_pairs_are_found(data: Path, tmp_path: Path) -> None:
    folder = write_pairs(tmp_path / "weights", {user: pi for user, pi in OPTIMUM.items() if user != "user03"})
    path = folder / "soft.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    first = next(i for i, row in enumerate(lines) if row["user_id"] == "user01")
    lines[first]["weight"] *= 3
    write_lines(path, [*lines, lines[0]])
    root = imported(folder, data)
    assert of(root, "pairs", "spread_within_person")["published"] == pytest.approx(0.5, abs=1e-12), "(3 − 1)/(3 + 1)"
    assert of(root, "pairs", "spread_within_person")["reason"] == "unequal_within"
    assert of(root, "pairs", "people_with_other_pairs")["published"] == 1
    dropped = of(root, "pairs", "people_dropped")
    assert (dropped["published"], dropped["recomputed"], dropped["reason"]) == (1, 0, "other_people")


def test_a_drawn_panel_weighs_its_members_alike(data: Path, tmp_path: Path) -> None:
    folder = write_pairs(write_panel(tmp_path / "hard", PANEL), dict.fromkeys(PANEL, 1.0), "hard.jsonl")
    root = imported(folder, data)
    assert of(root, "pairs", "of_own_pi")["other"] == "equal"
    dropped = of(root, "pairs", "people_dropped")
    assert (dropped["published"], dropped["recomputed"], dropped["verdict"]) == (11, 11, "equal")


def test_people_of_another_locale_and_people_left_out_are_counted(data: Path, tmp_path: Path) -> None:
    pi = {user: value for user, value in OPTIMUM.items() if user != "user00"} | {ELSEWHERE: OPTIMUM["user00"]}
    root = imported(write_panel(write_pi(tmp_path / "other", pi), [*PANEL[1:], ELSEWHERE]), data)
    assert of(root, "pi", "people")["verdict"] == "equal"
    assert (of(root, "pi", "people_unknown")["published"], of(root, "panel", "people_unknown")["published"]) == (1, 1)
    assert of(root, "pi", "sum")["verdict"] == "equal", "the sum is over everybody in the file"
    assert numbers(root, "panel")["seats", "gender: Female"]["published"] == 1
    told = PublishedFound.of_run(Reader(root)).people()
    assert told[0].endswith("level by level, of the people whom both the file and the pool have")
    assert told[1].startswith("published panel: breaks 2 of 4 quotas, of the people whom both")


def test_unequal_pi_of_equal_people_and_a_pi_that_is_too_good_are_told(data: Path, tmp_path: Path) -> None:
    root = imported(write_pi(tmp_path / "good", {user: pi + 0.01 for user, pi in OPTIMUM.items()}), data)
    assert of(root, "pi", "leximin")["reason"] == "beyond_optimum"
    assert (of(root, "pi", "sum")["reason"], of(root, "pi", "spread_in_type")["verdict"]) == ("other_size", "equal")
    uneven = OPTIMUM | {"user00": 1 / 6 + 0.02, "user01": 1 / 6 - 0.02}
    root = imported(write_pi(tmp_path / "uneven", uneven), data)
    spread = of(root, "pi", "spread_in_type")
    assert (spread["published"], spread["reason"]) == (pytest.approx(0.04), "unequal_types")
    assert of(root, "pi", "leximin")["published"] == pytest.approx(1 / 6 - 0.02)


def test_rounding_is_no_difference(data: Path, tmp_path: Path) -> None:
    """π of six digits, with noise that would break every tie."""
    noisy = {user: round(pi, 6) + 4e-7 * (i % 2) for i, (user, pi) in enumerate(OPTIMUM.items())}
    root = imported(write_pi(tmp_path / "noisy", noisy), data)
    assert {row["verdict"] for row in Reader(root).view("published")} == {"equal"}


def test_a_run_s_own_pi_come_back_as_the_optimum(off: Path, data: Path, tmp_path: Path) -> None:
    """π as dempo computed them, written as such a file under the ids of the survey."""
    lines = (off / "private" / "raters.csv").read_text().splitlines()[1:]
    names = dict(line.split(",") for line in lines)
    pi = {names[row["rater_id"]]: row["pi"] for row in Reader(off).view("inclusion_probabilities")}
    assert pi.keys() == PEOPLE.keys()
    root = imported(write_pi(tmp_path / "own", pi), data)
    assert {row["verdict"] for row in Reader(root).view("published")} == {"equal"}


def test_the_app_says_it_of_a_run_that_ranks_nothing(off: Path) -> None:
    found = LeaderboardsPane.read(Reader(off), PageRequest("published"))
    assert isinstance(found.page, PublishedPage)
    listed = found.page.listed(80, 80)
    assert "not optimal" in " ".join(listed.note.split())
    seats = str(found.page.told(("panel", "seats"), 60))
    assert "the panel is outside a quota" in seats
    assert ".0000" not in seats, "counts are whole"


def test_a_strange_record_is_shown_all_the_same() -> None:
    """A view of somebody else's record holds what they wrote there."""
    strange = dict.fromkeys((field.name for field in fields(PublishedRow)), None) | {"published": "nan"}
    seats, level = strange | {"method": "panel", "measure": "seats"}, strange | {"method": "pi", "measure": "leximin"}
    weights = strange | {"method": "pairs", "measure": "of_own_pi"}
    told = people_told([PublishedRow(**row) for row in (seats, level, weights)])
    assert len(told) == 3
    assert all("nan" in sentence for sentence in told)


def test_every_reason_has_its_words(sound: Path, off: Path) -> None:
    for root in (sound, off):
        assert {row["reason"] for row in Reader(root).view("published")} - {""} <= REASONS.keys()


# ------------------------------------------------------------ the record


def test_the_files_are_recorded_and_no_id_of_a_person(off: Path, data: Path) -> None:
    folder = data.parent / "off"
    rows = {row["name"]: row for row in Reader(off).view("published_artefacts")}
    assert rows.keys() == {path.name for path in folder.iterdir()}
    assert {row["what"] for row in rows.values()} == {"pi", "panel", "pairs"}
    body = (off / "audit.db").read_bytes()
    assert not [user for user in (*PEOPLE, ELSEWHERE) if user.encode() in body]


def test_every_check_is_ok_and_a_repetition_comes_to_the_same(off: Path) -> None:
    checks = verify(off)
    assert [(c.name, c.detail) for c in checks if c.verdict != "ok" and c.name != "signatures"] == []
    (lottery,) = replay_run(off, "lottery", None, False).stages
    assert [event.verdict for event in lottery.events if event.kind == "people.compared"] == ["same"] * 3
    assert {event.verdict for event in lottery.events if event.kind == "people.read"} == {"recorded"}


def altered(kind: str, change: Callable[[dict[str, Any]], Any], which: int = 0) -> Callable[[list[Row]], list[Row]]:
    def rewritten(rows: list[Row]) -> list[Row]:
        change([row.payload for row in rows if row.kind == kind][which])
        return rows

    return rewritten


def last(values: dict[str, Any]) -> dict[str, Any]:
    return values["rows"][-1]


FORGERIES = {
    "a published number": altered("people.compared", lambda v: last(v).update(published=0.1)),
    "a recomputed number": altered("people.compared", lambda v: last(v).update(recomputed=0.1)),
    "a verdict": altered("people.compared", lambda v: last(v).update(verdict="equal", reason="")),
    "a quota that is kept": altered("people.compared", lambda v: last(v).update(published=2.0), 1),
    "a row left out": altered("people.compared", lambda v: v["rows"].pop(), 2),
    "the name of a file": altered("people.compared", lambda v: v.update(name="other.csv")),
    "the file of a comparison": altered("people.compared", lambda v: v.update(sha256="ab" * 32)),
    "a π": altered("people.read", lambda v: v["pi"].__setitem__(0, [0, 0.9])),
    "the sum": altered("people.read", lambda v: v.update(total=5.0)),
    "how many people": altered("people.read", lambda v: v.update(people=14)),
    "a member": altered("people.read", lambda v: v.update(members=[0, 1, 2, 99]), 1),
    "a weight": altered("people.read", lambda v: v["weights"].__setitem__(0, [0, 1, 9.0, 9.0]), 2),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_changed_number_is_found(off: Path, tmp_path: Path, forgery: str) -> None:
    record = read_record(forged(off, tmp_path, FORGERIES[forgery]) / "audit.db", tree_facts())
    (check,) = checks_of(record, ONLY_PEOPLE)
    assert check.verdict == "failed", check.detail


def unpacked(root: Path, folder: Path, redact: bool, k: int | None = None) -> Path:
    folder.mkdir()
    export_run(root, folder / "run.zip", redact=redact, k=k, told=lambda what, done, total: None)
    with zipfile.ZipFile(folder / "run.zip") as bundle:
        bundle.extractall(folder / "copy")
    return folder / "copy"


def test_a_bundle_tells_it(off: Path, tmp_path: Path) -> None:
    report = (unpacked(off, tmp_path / "whole", redact=False) / "report.html").read_text(encoding="utf-8")
    assert "not optimal, level 1 is 0.125 against 0.166667" in report


@pytest.mark.parametrize("k", [None, 3])
def test_a_redacted_copy_holds_nothing_of_each_person_and_says_so(off: Path, tmp_path: Path, k: int | None) -> None:
    """A published file tells people apart by its numbers: a bundle that has them names its pseudonyms."""
    copy = unpacked(off, tmp_path / "redacted", True, k)
    with closing(sqlite3.connect(copy / "audit.db")) as db:
        texts = [body for (body,) in db.execute("SELECT CAST(body AS TEXT) FROM blobs")]
    assert not [text for text in texts if '"weights":[[' in text or '"members":[' in text or '"pi":[[' in text]
    (check,) = checks_of(read_record(copy / "audit.db", tree_facts()), ONLY_PEOPLE)
    assert check.verdict == "withheld", check.detail
    assert len(Reader(copy).view("published")) == len(Reader(off).view("published"))
    (lottery,) = replay_run(copy, "lottery", None, False).stages
    assert "drift" not in {event.verdict for event in lottery.events}


# ------------------------------------------------------------ what is refused


WRONG: dict[str, tuple[Callable[[Path], object], str]] = {
    "a stranger": (lambda at: write_pi(at, {"nobody": 0.5}), "whom the survey does not have ('nobody')"),
    "a strange member": (lambda at: write_panel(at, ["nobody"]), "whom the survey does not have ('nobody')"),
    "a negative π": (lambda at: write_pi(at, {"user00": -0.1}), "line 2: pi is '-0.1', and a probability"),
    "a π above 1": (lambda at: write_pi(at, {"user00": 1.1}), "line 2: pi is '1.1', and a probability"),
    "a π that is none": (lambda at: write_pi(at, {"user00": math.nan}), "line 2: pi is 'nan', and a probability"),
    "a person twice": (lambda at: write_panel(at, ["user00", "user00"]), "line 2: 'user00' occurs twice"),
    "no header": (lambda at: (at / "pi.csv").write_text("user00,0.5\n"), "has no header"),
    "nobody": (lambda at: (at / "pi.csv").write_text("user_id,pi\n"), "names nobody"),
    "too few cells": (lambda at: (at / "pi.csv").write_text("user_id,pi\nuser00\n"), "line 2: 1 cells"),
    "two panels": (lambda at: [write_panel(at, PANEL, f"panel_{i}.txt") for i in "ab"], "holds 2 panels"),
    "no weight": (
        lambda at: write_lines(at / "p.jsonl", [{"prompt": [], "chosen": [], "rejected": [], "user_id": "user00"}]),
        "line 1: the pair has no weight",
    ),
    "a negative weight": (
        lambda at: write_lines(
            at / "p.jsonl", [{"prompt": [], "chosen": [], "rejected": [], "user_id": "user00", "weight": -1}]
        ),
        "line 1: weight is -1",
    ),
    "a weight that no float holds": (
        lambda at: write_lines(
            at / "p.jsonl", [{"prompt": [], "chosen": [], "rejected": [], "user_id": "user00", "weight": 10**400}]
        ),
        "and a weight is a number from 0 to 1e+12",
    ),
    "weights of nothing": (
        lambda at: write_lines(
            at / "p.jsonl", [{"prompt": [], "chosen": [], "rejected": [], "user_id": "user00", "weight": 0}]
        ),
        "no pair has a weight above 0",
    ),
    "nothing": (lambda at: (at / "notes.txt").write_text("a panel\n"), "holds nothing about people"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_said_before_a_run_is_made(data: Path, tmp_path: Path, wrong: str) -> None:
    folder = tmp_path / "wrong"
    folder.mkdir()
    make, told = WRONG[wrong]
    make(folder)
    with pytest.raises(InputError) as refused:
        created(folder, data)
    assert told in str(refused.value)
    assert not list(tmp_path.glob("wrong-runs/*"))


def test_without_a_survey_the_files_are_named(tmp_path: Path) -> None:
    folder = write_panel(write_pi(tmp_path / "alone", OPTIMUM), PANEL)
    done = dempo("import-published", folder, "--runs-dir", tmp_path / "runs")
    assert done.returncode == 2
    assert "soft_weights.csv, panel_ids.txt: not compared" in " ".join(done.stderr.split())
    assert "--survey" in done.stderr
    assert not (tmp_path / "runs").exists()


def test_beside_rankings_files_about_people_are_compared_or_named(data: Path, tmp_path: Path) -> None:
    folder = write_pi(tmp_path / "both", OPTIMUM)
    rows = [{k: v for k, v in row.items() if k != "judge_orders"} for row in invented_rows(3, 3)]
    write_lines(folder / "listwise.jsonl", rows)
    few = ["rank.resamples=10", 'rank.methods=["borda"]']
    _, notes = create_imported(folder, None, 0, None, None, few, tmp_path / "runs")
    assert [note for note in notes if note.startswith("soft_weights.csv: not compared")]
    root = imported(folder, data, *few)
    assert of(root, "pi", "leximin")["verdict"] == "equal"
    assert Reader(root).view("leaderboards")
    assert {row["what"] for row in Reader(root).view("published_artefacts")} == {"pi", "rankings"}


def test_the_command_prints_and_its_json_has_the_same(data: Path, tmp_path: Path) -> None:
    folder = write_pi(tmp_path / "cli", pi_where(0.5))
    runs = tmp_path / "runs"
    given = ("--survey", data / "survey.jsonl", "--panel-config", data / "panel.yaml", "--runs-dir", runs)
    done = dempo("import-published", folder, *given, "--quiet")
    assert done.returncode == 0, done.stderr
    root = next(path for path in runs.iterdir() if (path / "audit.db").is_file())
    assert "not optimal, level 1 is 0.125 against 0.166667" in " ".join(dempo("show", root).stdout.split())
    (level,) = (
        row for row in json.loads(dempo("show", root, "--json").stdout)["published"] if row["other"] == "level 1"
    )
    assert (level["published"], level["reason"]) == (0.125, "not_optimal")
    assert level["told"] == REASONS["not_optimal"]


# ------------------------------------------------------------ the configuration of a panel


def test_the_published_quotas_are_those_of_the_run(data: Path) -> None:
    config = parse_config("\n".join(['[run]\nname = "t"', people_text(data, data / "panel.yaml", data)])).config
    gender, ethnicity = config.attributes
    assert (gender.column, ethnicity.column) == ("gender", "ethnicity.simplified")
    assert (gender.slack, ethnicity.slack) == (("Prefer not to say",), ())
    assert {name: str(share) for name, share in gender.targets.items()} == {
        "Female": "0.5",
        "Male": "0.5",
        "Prefer not to say": "0.0",
    }
    assert (config.lotteries[0].size, config.data.locale) == (4, "us")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("panel_size: [", "is not YAML"),
        ("- 1", "it is no mapping"),
        ("panel_size: 4", "attributes is no list"),
        ("panel_size: many\nattributes: []", "panel_size is 'many'"),
        ("attributes: [{name: age}]", "no name or no column"),
        ("attributes: [{name: age, column: age, population_proportions: {young: half}}]", "young is 'half'"),
        ("attributes: [{name: age, column: age}]", "population_proportions of age is no mapping"),
    ],
)
def test_a_wrong_panel_configuration_is_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "panel.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match="panel.yaml") as refused:
        people_text(tmp_path, path, tmp_path)
    assert told in str(refused.value)


# ------------------------------------------------------------ other pools


TABLE = "category,feature,min,max\nsex,w,1,1\nsex,m,1,1\n"
"""One of three women and one of two men: π of 1/3 and 1/2."""


def test_a_pool_in_tables_is_compared_by_its_own_ids(tmp_path: Path) -> None:
    """Without preferences there is no N_r, so weights say nothing of it."""
    folder = write_pairs(write_panel(tmp_path / "pub", ["10", "11"]), {"10": 2.0, "11": 2.0, "12": 2.0})
    write_pi(folder, {"10": 1 / 3, "11": 1 / 3, "12": 1 / 3, "13": 0.5, "14": 0.5})
    people = "who,sex\n10,w\n11,w\n12,w\n13,m\n14,m\n"
    section = f'[[lotteries]]\nname = "small"\nsize = 2\npublished = "{folder}"\n'
    root = make_table_run(tmp_path, "tables", people, TABLE, section)
    assert of(root, "pi", "leximin")["verdict"] == "equal"
    assert numbers(root, "panel")["seats", "sex: m"]["difference"] == 1
    assert ("people_with_other_pairs", "") not in numbers(root, "pairs")
    assert {row["condition"] for row in Reader(root).view("published")} == {"small"}


def test_a_lottery_that_is_not_leximin_gives_no_optimum(data: Path, tmp_path: Path) -> None:
    folder = write_pi(tmp_path / "legacy", OPTIMUM)
    root = imported(folder, data, "lotteries.0.algorithm=legacy")
    row = of(root, "pi", "leximin")
    assert (row["verdict"], row["recomputed"]) == ("not_computed", None)
    assert of(root, "pi", "largest_difference")["reason"] == "no_optimum"
    assert PublishedFound.of_run(Reader(root)).people()[0].endswith("for the run's own lottery is not LEXIMIN")
    (check,) = (check for check in verify(root) if check.name == "published people")
    assert check.verdict == "ok", check.detail


def test_several_files_of_pairs_are_compared_each(data: Path, tmp_path: Path) -> None:
    folder = write_pairs(tmp_path / "modes", OPTIMUM)
    write_pairs(folder, {user: float(pairs_of(user)) for user in PEOPLE}, "full.jsonl")
    root = imported(folder, data)
    rows = [row for row in Reader(root).view("published") if row["measure"] == "of_own_pi"]
    assert [(row["file"], row["other"]) for row in rows] == [("full.jsonl", "unweighted"), ("soft.jsonl", "identity")]
    (check,) = (check for check in verify(root) if check.name == "published people")
    assert check.verdict == "ok", check.detail
