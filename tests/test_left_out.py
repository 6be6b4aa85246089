"""A record in which people are left out of the pool: both verifiers derive pool, pairs, weights and schedules."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from both_verifiers import checked
from prism_folder import Prism
from rewritten import Row, forged

from core.config_file import parse_config
from storage.record.create import create_run
from storage.replay.replaying import replay_run
from tui.commands.runs.process import work
from tui.terminal.console import Console

Rows = list[Row]

CONFIG = """
[run]
name = "leftout"
seed = 3
[data]
path = "{0}"
[[population.attributes]]
name = "age"
column = "age"
unlisted = "leave_out"
targets = {{ "young" = 0.5, "old" = 0.5 }}
[[population.attributes]]
name = "gender"
column = "gender"
unlisted = "Other"
targets = {{ "Female" = 0.5, "Male" = 0.5, "Other" = 0 }}
[[lotteries]]
name = "main"
size = 2
tolerance = 1
[[draws]]
id = "main"
lottery = "main"
[[conditions]]
name = "full"
source = "all"
[[conditions]]
name = "voices"
source = "all"
equal_voice = true
estimator = "weighted_sampling"
[[conditions]]
name = "us_rep"
source = "us_rep"
[[conditions]]
name = "hard"
source = "draw:main"
[[conditions]]
name = "soft"
source = "lottery:main"
estimator = "weighted_sampling"
[train]
model = "tiny"
steps = 4
batch = 4
"""

PEOPLE = {
    "a": ("old", "Female"),
    "b": ("Prefer not to say", "Male"),
    "c": ("young", "Male"),
    "d": (None, "Female"),
    "e": ("old", "agender"),
    "f": ("young", "Female"),
    "g": ("old", "Female"),
    "silent": ("Prefer not to say", "Male"),
}
"""The second and the fourth have no age; they stand between others in the order of the pairs."""


@pytest.fixture(scope="module")
def left_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("left_out")
    prism = Prism()
    for i, (user, (age, gender)) in enumerate(PEOPLE.items()):
        prism.person(user, age=age, gender=gender, included_in_US_REP=user in "abc")
        if user != "silent":
            prism.talk(f"c{user}", user, *[(f"p{t}", [(f"A{t}", 9, True), (f"B{t}", 1)]) for t in range(1 + i % 3)])
    text = CONFIG.format(prism.write(folder / "data"))
    root = create_run(parse_config(text), text, folder / "runs")
    assert work(root, "conditions", Console(quiet=True)) == 0
    return root


def failed(root: Path) -> dict[str, str]:
    return {name: check.detail for name, check in checked(root).items() if check.verdict == "failed"}


def test_everything_is_derived_again(left_out: Path) -> None:
    checks = checked(left_out)
    derived = ("pairs", "pool", "quotas", "lotteries", "draws", "weights", "training", "stages")
    assert {name: checks[name].verdict for name in derived} == dict.fromkeys(derived, "ok")
    assert checks["pool"].detail == "5 people of 4 types, counted again; 2 left out, as configured"


def test_everything_comes_out_again(left_out: Path) -> None:
    report = replay_run(left_out)
    assert report.drifted == []
    assert [stage.stage for stage in report.stages if stage.outcome == "replayed"] == [
        "pairs",
        "pool",
        "lottery",
        "draw",
        "conditions",
    ]


def pool_of(rows: Rows) -> dict[str, Any]:
    return next(row for row in rows if row.kind == "pool.built").payload


def without_one_of_them(rows: Rows) -> Rows:
    """As if the first person who is left out had no pair at all."""
    del pool_of(rows)["left_out"][0]
    pool_of(rows)["survey_only"] += 1
    return rows


def somebody_more(rows: Rows) -> Rows:
    """Somebody with an age is left out as well, so that the lottery cannot draw that person."""
    pool = pool_of(rows)
    gone = next(row for row in pool["raters"] if pool["types"][row["type"]]["size"] > 1)
    pool["raters"].remove(gone)
    pool["left_out"].append({**{key: gone[key] for key in ("rater_id", "pairs", "locale")}, "attributes": ["age"]})
    pool["left_out"].sort(key=lambda row: row["rater_id"])
    pool["types"][gone["type"]]["size"] -= 1
    return rows


def for_another_reason(rows: Rows) -> Rows:
    pool_of(rows)["left_out"][0]["attributes"] = ["gender"]
    return rows


def other_answers(rows: Rows) -> Rows:
    built = next(row for row in rows if row.kind == "pairs.built").payload
    built["unlisted"][0]["raters"] += 1
    return rows


def dropped_from_full(rows: Rows) -> Rows:
    """The people who are left out lose their place in the condition of all raters."""
    gone = {row["rater_id"] for row in pool_of(rows)["left_out"]}
    full = next(row for row in rows if row.kind == "condition.planned").payload
    full["weights"] = [row for row in full["weights"] if row["rater_id"] not in gone]
    full["raters"] = len(full["weights"])
    full["pairs"] = sum(row["pairs"] for row in full["weights"])
    full["effective_pairs"] = float(full["pairs"])
    return rows


@pytest.mark.parametrize(
    ("change", "check", "sentence"),
    [
        (without_one_of_them, "pool", "the number of pairs of all raters of the pool is"),
        (somebody_more, "pairs", "attributes without a category is ['age']; from the rest of the record follows []"),
        (for_another_reason, "pool", "what 'gender' allows is 'Other'"),
        (other_answers, "pairs", "answers without a category are"),
        (dropped_from_full, "weights", "condition 'full': the number of raters with a weight is 5"),
    ],
)
def test_a_lie_about_people_left_out_is_told(
    left_out: Path, tmp_path: Path, change: Callable[[Rows], Rows], check: str, sentence: str
) -> None:
    assert sentence in failed(forged(left_out, tmp_path, change))[check]
