"""What a verifier says of updates and of searches of steps: of what this program writes, and of what was changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import dempo
from rewritten import Row, forged
from test_verified_training import each
from verified_runs import TINY, small_demo

from storage.check import Check
from storage.record.reader import Reader
from storage.step_searches import searches_told
from storage.verifier.checks import checks_of
from storage.verifier.ground.reading import read_record
from storage.verifier.writer_facts import tree_facts
from storage.verify import verify, verify_all
from tui.commands.runs.process import work
from tui.terminal import tables
from tui.terminal.console import Console

Rows = list[Row]

SEARCH = [
    "conditions=["
    '{name = "hard", source = "draw:main", steps_match = ["full"], step_grid = 1, tolerance = 1e-6}, '
    '{name = "full", source = "all", steps = 2}]'
]


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real run in which one condition's steps are searched for, among one to four."""
    root = small_demo(tmp_path_factory.mktemp("searched"), [*TINY, *SEARCH])
    assert work(root, "train", Console(quiet=True)) == 0
    return root


def by_program(root: Path, name: str = "updates") -> Check:
    return next(check for check in verify(root) if check.name == name)


def alone(root: Path, name: str = "updates") -> Check:
    record = read_record(root / "audit.db", tree_facts())
    return next(check for check in checks_of(record) if check.name == name)


def test_updates_are_measured_again_where_the_models_are(trained: Path, tmp_path: Path) -> None:
    found = by_program(trained)
    count = len({row["condition"] for row in Reader(trained).view("updates")})
    assert (found.verdict, found.detail) == ("ok", f"{count} updates measured again")
    assert alone(trained).verdict == "unknown"
    assert "`dempo verify` measures them again" in alone(trained).detail
    by_name = next(check for check in verify_all(trained, files=False) if check.name == "updates")
    assert (by_name.verdict, "--files measures them again" in by_name.detail) == ("unknown", True)
    root = Path(shutil.copytree(trained, tmp_path / trained.name))
    shutil.rmtree(root / "checkpoints" / "full")
    assert by_program(root).verdict == "unknown"
    assert "the models of 'full' are not here" in by_program(root).detail


def test_the_view_shows_the_whole_and_every_layer(trained: Path) -> None:
    rows = [row for row in Reader(trained).view("updates") if row["condition"] == "full"]
    assert [row["layer"] for row in rows] == ["all", "embeddings", "layers.0", "layers.1", "norm"]
    assert rows[0]["parameters"] == sum(row["parameters"] for row in rows[1:])
    shown = tables.updates(rows).splitlines()
    assert len(shown) == 2
    assert f"{1e3 * rows[0]['relative']:.3f}" in shown[-1]


def _whole(name: str, by: float = 1 + 2**-30) -> Callable[[Rows], Rows]:
    return each("update.measured", lambda v: v.update({name: v[name] * by}))


def _layer(name: str, by: float = 1 + 2**-30) -> Callable[[Rows], Rows]:
    return each("update.measured", lambda v: v["layers"][0].update({name: v["layers"][0][name] * by}))


def _scaled(values: dict[str, Any]) -> None:
    """An update twice as large in every number that follows from it."""
    for row in (values, *values["layers"]):
        for name in ("l2", "rms", "mean_abs", "relative"):
            row[name] *= 2


CHANGES: dict[str, tuple[Callable[[Rows], Rows], str]] = {
    "l2": (_whole("l2", 1.001), "rms is"),
    "rms": (_whole("rms", 1.001), "rms is"),
    "relative": (_whole("relative", 1.001), "relative is"),
    "the norm of the base": (_whole("base_l2", 1.001), "relative is"),
    "mean_abs": (_whole("mean_abs", 1.001), "the sum of differences"),
    "l2 of a layer": (_layer("l2", 1.001), "rms is"),
    "the numbers of a layer": (_layer("numbers", 2), "rms is"),
    "a layer less": (each("update.measured", lambda v: v["layers"].pop()), "the numbers of its layers"),
    "a layer twice": (
        each("update.measured", lambda v: v["layers"][1].update(layer=v["layers"][0]["layer"])),
        "has a layer twice",
    ),
    "more numbers than the model has": (_whole("numbers", 10**6), "numbers, and the base model has"),
    "shares that are none": (_whole("changed", 1.5), "are no shares"),
    "more changed after rounding": (
        each("update.measured", lambda v: v.update(changed_bf16=1.0, changed=0.5)),
        "are no shares",
    ),
    "the update of another": (
        each("update.measured", lambda v: v["condition"] == "full" and v.update(condition="soft")),
        "was measured twice",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_number_fails_without_the_models(what: str, trained: Path, tmp_path: Path) -> None:
    change, told = CHANGES[what]
    root = forged(trained, tmp_path, change)
    assert told in alone(root).detail
    assert alone(root).verdict == by_program(root).verdict == "failed"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (each("update.measured", _scaled), "its files give"),
        (each("update.measured", lambda v: v.update(left_out=["lm_head.weight"])), "what is left out"),
    ],
)
def test_consistent_lies_fail_with_the_models(
    change: Callable[[Rows], Rows], told: str, trained: Path, tmp_path: Path
) -> None:
    root = forged(trained, tmp_path, change)
    assert alone(root).verdict == "unknown"
    assert by_program(root).verdict == "failed"
    assert told in by_program(root).detail


# ---------------------------------------------------------------- searches


def test_a_search_is_verified_and_says_which_models_were_not_kept(searched: Path) -> None:
    verdicts = {check.name: check for check in verify(searched)}
    wrong = [check for check in verdicts.values() if check.verdict in ("failed", "unchecked")]
    assert wrong == []
    assert verdicts["checkpoints"].verdict == "ok"
    assert verdicts["updates"].verdict == "unknown"
    assert "the models of 'hard@" in verdicts["updates"].detail
    assert "2 updates measured again" in verdicts["updates"].detail
    (stage,) = [row for row in Reader(searched).view("stages") if row["stage"] == "train"]
    assert (stage["units"], stage["completed"], stage["status"]) == (6, 6, "completed")
    steps = {row["condition"] for row in Reader(searched).view("train_steps")}
    assert "hard" not in steps
    (told,) = searches_told(Reader(searched))
    assert "that were tried; its relative update " in told
    assert " is NOT within " in told
    assert told in " ".join(dempo("show", searched).stdout.split())
    assert any(name.startswith("hard@") for name in steps)


def of_hard(kind: str, change: Callable[[dict[str, Any]], Any]) -> Callable[[Rows], Rows]:
    """Changes the events of the condition that is searched for, not those of its candidates."""
    return each(kind, lambda v: v["condition"] == "hard" and change(v))


def _other_steps(values: dict[str, Any]) -> None:
    other = next(row for row in values["candidates"] if row["steps"] != values["steps"])
    values.update(steps=other["steps"], relative=other["relative"])


def _renamed(rows: Rows) -> Rows:
    """A candidate under another number of steps."""
    kept = next(row.payload["steps"] for row in rows if row.kind == "steps.matched")
    for row in rows:
        body = json.dumps(row.payload)
        if f"hard@{kept}" in body:
            row.payload = json.loads(body.replace(f"hard@{kept}", "hard@9"))
    return rows


SEARCHES: dict[str, tuple[str, Callable[[Rows], Rows], str]] = {
    "another choice": ("updates", of_hard("steps.matched", _other_steps), "the steps that it chooses"),
    "another target": ("updates", of_hard("steps.matched", lambda v: v.update(target=v["target"] * 2)), "its target"),
    "a candidate less": ("updates", of_hard("steps.matched", lambda v: v["candidates"].pop()), "its candidates"),
    "a target that is met": (
        "updates",
        of_hard("steps.matched", lambda v: v.update(matched=not v["matched"])),
        "whether its target is met",
    ),
    "rising": ("updates", of_hard("steps.matched", lambda v: v.update(rising=not v["rising"])), "grow with the steps"),
    "another tolerance": ("updates", of_hard("steps.matched", lambda v: v.update(tolerance=0.5)), "its tolerance"),
    "another model": (
        "updates",
        of_hard("train.checkpoint", lambda v: v["files"].update({"model.safetensors": "0" * 64})),
        "the files of its model",
    ),
    "steps of the model": (
        "updates",
        of_hard("train.checkpoint", lambda v: v.update(step=9)),
        "the steps of its model",
    ),
    "the rate of a candidate": (
        "training",
        each("train.step", lambda v: "@" in v["condition"] and v.update(learning_rate=v["learning_rate"] / 2)),
        "the learning rate of step 1 is",
    ),
    "a step less": (
        "training",
        lambda rows: [r for r in rows if r.kind != "train.step" or r.payload["condition"] != "hard@2"],
        "optimizer steps instead of 2",
    ),
    "a candidate that no search asks for": ("stages", _renamed, "that the configuration does not give it"),
}


@pytest.mark.parametrize("what", SEARCHES)
def test_a_search_that_was_changed_fails(what: str, searched: Path, tmp_path: Path) -> None:
    check, change, told = SEARCHES[what]
    root = forged(searched, tmp_path, change)
    found = alone(root, check)
    assert found.verdict == "failed"
    assert told in found.detail
