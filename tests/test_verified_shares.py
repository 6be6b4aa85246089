"""Estimators, transforms, orders and families as a run records them: both verifiers work them out again."""

from __future__ import annotations

import html
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from both_verifiers import checked
from prism_folder import Prism
from rewritten import Row, forged

from core.config_file import parse_config
from core.preflight import preflight
from storage.export.export import export_run
from storage.record.create import create_run
from storage.record.reader import Reader
from storage.replay.replaying import replay_run
from tui.commands.runs.process import work
from tui.terminal.console import Console

CONFIG = """
[run]
name = "shares"
seed = 4
[data]
path = "{0}"
[[population.attributes]]
name = "age"
column = "age"
targets = {{ "young" = 0.7, "old" = 0.3 }}
[[population.attributes]]
name = "gender"
column = "gender"
targets = {{ "Female" = 0.5, "Male" = 0.5 }}
[[lotteries]]
name = "main"
size = 4
tolerance = 0.1
[[draws]]
id = "main1"
lottery = "main"
[[draws]]
id = "main2"
lottery = "main"
[[conditions]]
name = "full"
source = "all"
[[conditions]]
name = "hard"
source = "draws:main*"
[[conditions]]
name = "soft"
source = "lottery:main"
[[conditions]]
name = "published"
source = "lottery:main"
estimator = "published"
[[conditions]]
name = "sampled"
source = "lottery:main"
estimator = "weighted_sampling"
transform = "clipped"
[[conditions]]
name = "power"
source = "lottery:main"
transform = "power:0.75"
[train]
model = "tiny"
steps = 6
batch = 4
micro_batch = 2
order = "with_replacement"
"""


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run up to its conditions, of 17 raters of whom few are young."""
    folder = tmp_path_factory.mktemp("shares")
    prism = Prism()
    for i in range(17):
        user, age, gender = f"u{i:02d}", "young" if i % 5 == 0 else "old", "Female" if i % 3 else "Male"
        prism.person(user, age=age, gender=gender)
        prism.talk(f"c{user}", user, *[(f"p{t}", [(f"A{t}", 9, True), (f"B{t}", 1)]) for t in range(1 + i % 4)])
    text = CONFIG.format(prism.write(folder / "data"))
    loaded = parse_config(text)
    root = create_run(loaded, text, folder / "runs")
    assert work(root, "conditions", Console(quiet=True)) == 0
    return root


def test_everything_is_derived_again(planned: Path) -> None:
    checks = checked(planned)
    assert {check.name: check.detail for check in checks.values() if check.verdict == "failed"} == {}
    derived = ("configuration", "stages", "weights", "training", "values")
    assert {name: checks[name].verdict for name in derived} == dict.fromkeys(derived, "ok")
    report = replay_run(planned)
    assert report.drifted == []


def test_what_is_recorded_of_each_condition(planned: Path) -> None:
    reader = Reader(planned)
    rows = {
        json.loads(row["payload"])["condition"]: json.loads(row["payload"])
        for row in reader.query("SELECT payload FROM events WHERE kind = 'condition.planned'")
    }
    assert list(rows) == ["full", "hard-main1", "hard-main2", "soft", "published", "sampled", "power"]
    assert {name: row.get("family") for name, row in rows.items() if "family" in row} == {
        "hard-main1": "hard",
        "hard-main2": "hard",
    }
    assert {name for name, row in rows.items() if row.get("order") == "with_replacement"} == set(rows) - {"sampled"}
    assert {name: row["micro_batch"] for name, row in rows.items() if "micro_batch" in row} == {"published": 2}


def private(reader: Reader, kind: str, unit: str) -> dict[str, Any]:
    """The private part of the event of a unit."""
    (found,) = reader.query(
        "SELECT CAST(body AS TEXT) AS body FROM events JOIN blobs ON sha256 = payload->>'$.sealed.private.sha256' "
        "WHERE kind = ? AND payload->>'$.unit' = ?",
        (kind, unit),
    )
    values: dict[str, Any] = json.loads(found["body"])
    return values


def plain_shares(reader: Reader, name: str, estimator: str, micro_batch: int) -> dict[str, list[float]]:
    """Due and realised shares by numpy, from the views and the file of the schedule."""
    chance = {row["rater_id"]: row["pi"] for row in reader.view("inclusion_probabilities")}
    rows = {row["rater_id"]: row for row in reader.view("weights") if row["condition"] == name}
    raters = [rater for rater in private(reader, "pairs.built", "pairs")["rater_ids"] if rater in rows]
    decile = np.empty(len(raters), dtype=int)
    decile[np.argsort(np.round([chance[rater] for rater in raters], 9), kind="stable")] = (
        np.arange(len(raters)) * 10 // len(raters)
    )
    weight, counts = (np.array([rows[rater][key] for rater in raters]) for key in ("weight", "pairs"))
    artifact = private(reader, "condition.planned", name)["artifact"]["sha256"]
    schedule = np.array(json.loads((reader.folder.artifacts / artifact).read_bytes())["pairs"])
    drawn = np.repeat(np.arange(len(raters)), counts)[schedule]
    omega = np.ones(drawn.shape) if estimator == "weighted_sampling" else (weight / counts)[drawn]
    if estimator == "published":
        groups = omega.reshape(len(omega), -1, micro_batch)
        omega = (groups / groups.sum(axis=2, keepdims=True)).reshape(omega.shape)
    omega = omega / omega.sum(axis=1, keepdims=True)
    return {
        "raters": [int((decile == d).sum()) for d in range(10)],
        "pairs": [counts[decile == d].sum() / counts.sum() for d in range(10)],
        "due": [weight[decile == d].sum() / weight.sum() for d in range(10)],
        "realised": [np.where(decile[drawn] == d, omega, 0).sum(axis=1).mean() for d in range(10)],
    }


@pytest.mark.parametrize(
    ("name", "estimator"),
    [
        ("soft", "step_normalised"),
        ("published", "published"),
        ("sampled", "weighted_sampling"),
        ("power", "step_normalised"),
    ],
)
def test_shares_are_those_of_the_schedule_by_numpy(planned: Path, name: str, estimator: str) -> None:
    reader = Reader(planned)
    found = [row for row in reader.view("weight_shares") if row["condition"] == name]
    for key, wanted in plain_shares(reader, name, estimator, 2).items():
        assert [row[key] for row in found] == pytest.approx(wanted), key
    if name == "soft":
        other = plain_shares(reader, name, "published", 2)["realised"]
        assert [row["realised"] for row in found] != pytest.approx(other)


def edit(kind: str, condition: str, change: Callable[[dict[str, Any]], Any]) -> Callable[[list[Row]], list[Row]]:
    def attack(rows: list[Row]) -> list[Row]:
        (found,) = [row for row in rows if row.kind == kind and row.payload["condition"] == condition]
        change(found.payload)
        return rows

    return attack


def more(decile: int, key: str) -> Callable[[dict[str, Any]], Any]:
    return lambda v: v["deciles"][decile].update({key: v["deciles"][decile][key] * (1 + 1e-9) + 1e-9})


ATTACKS: dict[str, tuple[Callable[[list[Row]], list[Row]], str, str]] = {
    "a larger share that is due": (edit("weights.realised", "soft", more(9, "due")), "training", "due of decile 10"),
    "a larger share that is realised": (
        edit("weights.realised", "published", more(9, "realised")),
        "training",
        "realised of decile 10 of π",
    ),
    "more pairs": (edit("weights.realised", "sampled", more(0, "pairs")), "training", "pairs of decile 1 of π"),
    "another number of raters": (
        edit("weights.realised", "power", lambda v: v["deciles"][3].update(raters=5)),
        "training",
        "raters of decile 4 of π",
    ),
    "a decile left out": (
        edit("weights.realised", "soft", lambda v: v["deciles"].pop()),
        "training",
        "the number of deciles of π",
    ),
    "no shares": (
        lambda rows: [row for row in rows if row.kind != "weights.realised" or row.payload["condition"] != "soft"],
        "stages",
        "holds 0 events weights.realised instead of 1",
    ),
    "other quantiles": (
        edit("condition.planned", "sampled", lambda v: v["clip"].reverse()),
        "weights",
        "its quantiles of π",
    ),
    "quantiles where nothing is clipped": (
        edit("condition.planned", "soft", lambda v: v.update(clip=[0.1, 0.9])),
        "weights",
        "its quantiles of π",
    ),
    "a weight by another power": (
        edit("condition.planned", "power", lambda v: v["weights"][0].update(weight=v["weights"][0]["weight"] * 1.001)),
        "weights",
        "the weight of rater",
    ),
    "another family": (
        edit("condition.planned", "hard-main1", lambda v: v.update(family="soft")),
        "weights",
        "its family",
    ),
    "another order": (edit("condition.planned", "soft", lambda v: v.pop("order")), "weights", "the order of its pairs"),
    "another micro-batch": (
        edit("condition.planned", "published", lambda v: v.update(micro_batch=4)),
        "weights",
        "the pairs inside which it normalises weights",
    ),
}


@pytest.mark.parametrize("what", ATTACKS)
def test_a_lie_is_told(what: str, planned: Path, tmp_path: Path) -> None:
    change, name, told = ATTACKS[what]
    found = checked(forged(planned, tmp_path, change))[name]
    assert found.verdict == "failed"
    assert told in found.detail


def test_shares_are_withheld_with_what_is_about_people(planned: Path, tmp_path: Path) -> None:
    export_run(planned, tmp_path / "b.zip", redact=True, k=5, told=lambda what, done, total: None)
    with zipfile.ZipFile(tmp_path / "b.zip") as bundle:
        names = {Path(name).name: name for name in bundle.namelist()}
        assert bundle.read(names["weight_shares.csv"]).decode().splitlines()[1:] == [",".join(["withheld"] * 6)]
        report = html.unescape(bundle.read(names["report.html"]).decode())
        assert "the estimator 'published' is not recommended" in report
        assert "Due and realised weight by tenths of raters: withheld" in report


def test_the_run_says_what_is_due_before_it_trains(planned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tui.commands.record.show import Wanted, show
    from tui.commands.runs.process import _stage

    _stage(planned, Console(), "conditions", "completed", 1.0)
    _stage(planned, Console(), "model", "completed", 1.0)
    told = capsys.readouterr().err
    assert told.count("Weight by tenths of the raters of each Soft condition") == 1
    assert all(name in told for name in ("published", "realised", "sampled"))
    assert told.count("published: the estimator 'published' is not recommended") == 1
    show(Reader(planned), Wanted(), planned.parent, as_json=False)
    assert "tenth 10 has the highest π" in capsys.readouterr().out


def test_whoever_starts_a_run_reads_what_the_published_estimator_loses(planned: Path) -> None:
    config = parse_config((planned / "config.toml").read_text(encoding="utf-8")).config
    (note,) = [note for note in preflight(config) if "published" in note]
    assert note.startswith("condition 'published': estimator 'published' is not recommended; it normalises weights")
    assert "inside each micro-batch of 2 pairs" in note
    without = config.model_copy(update={"conditions": config.conditions[:4]})
    assert not [note for note in preflight(without) if "published" in note]
