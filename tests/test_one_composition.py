"""A lottery of one composition gives it the probability 1, which canonical JSON writes without a point."""

from __future__ import annotations

from pathlib import Path

import pytest
from both_verifiers import checked
from rewritten import changed_first, forged
from table_runs import make_table_run

from storage.record.reader import Reader
from storage.replay.replaying import replay_run
from storage.verifier.ground.finding import Finding, same
from storage.verifier.ground.shapes import alike, misfit

PEOPLE = ["w,young", "w,old", "m,young", "m,old", "m,old"]
QUOTAS = {
    "everybody": (5, "gender,w,2,2\ngender,m,3,3\nage,young,2,2\nage,old,3,3\n"),
    "one": (1, "gender,w,1,1\ngender,m,0,0\nage,young,0,0\nage,old,1,1\n"),
    "one of each": (3, "gender,w,2,2\ngender,m,1,1\nage,young,2,2\nage,old,1,1\n"),
}
CONFIG = """
[[lotteries]]
name = "main"
size = {size}
panels = {panels}
[[draws]]
id = "first"
lottery = "main"
"""


def forced_run(folder: Path, size: int, quotas: str, panels: int) -> Path:
    rows = [f"p{i},{row}" for i, row in enumerate(PEOPLE)]
    people, bounds = "\n".join(["who,gender,age", *rows, ""]), f"category,feature,min,max\n{quotas}"
    return make_table_run(folder, "forced", people, bounds, CONFIG.format(size=size, panels=panels))


@pytest.mark.parametrize("panels", [0, 5])
@pytest.mark.parametrize("name", QUOTAS)
def test_an_honest_record_of_one_composition_passes_both_verifiers_and_replay(
    name: str, panels: int, tmp_path: Path
) -> None:
    root = forced_run(tmp_path, *QUOTAS[name], panels)
    (panel, *others) = Reader(root).view("panels")
    if panels == 0:
        assert (panel["probability"], others) == (1, [])
    assert {check.verdict for check in checked(root).values()} <= {"ok", "unknown"}
    assert checked(root)["lotteries"].verdict == checked(root)["draws"].verdict == "ok"
    assert replay_run(root).drifted == []


def test_another_probability_and_a_true_one_are_found(tmp_path: Path) -> None:
    root = forced_run(tmp_path, *QUOTAS["everybody"], 0)
    for number, wrong in enumerate((0.5, True, "1")):
        checks = checked(forged(root, tmp_path / str(number), changed_first("lottery.panel", probability=wrong)))
        assert checks["lotteries" if wrong == 0.5 else "events"].verdict == "failed"


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (1, 1.0, True),
        (0, -0.0, True),
        ([1, {"a": 2.0}], [1.0, {"a": 2}], True),
        (True, 1, False),
        (False, 0.0, False),
        ([True], [1], False),
        ({"a": 1}, {"a": True}, False),
        ("1", 1, False),
        (None, 0, False),
        ([1, 2], [1, 2, 3], False),
        ({"a": 1}, {"b": 1}, False),
        (1, 1.0000000001, False),
        (2**53, float(2**53), True),
    ],
)
def test_numbers_are_the_same_as_numbers_and_as_nothing_else(one: object, other: object, equal: bool) -> None:
    assert alike(one, other) is alike(other, one) is equal
    assert (misfit(one, ["one of", other]) is None) is equal
    if not equal:
        with pytest.raises(Finding, match="it is "):
            same(one, other, "it", 1)
