"""What a verifier says of held-out pairs: the split and every number again; and what a redacted copy tells of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from both_verifiers import checked
from commands import dempo
from rewritten import Row, forged
from test_app import INTERVAL, wait_for
from test_sealed import CONFIG, data, unpacked

from core.config_file import parse_config
from core.events import digest
from core.facts.training.split import held_out_file
from storage.export.crowd import crowd_of
from storage.record.create import create_run
from storage.record.reader import Reader, connect
from storage.record.rows import held_out_so_far
from storage.record.views.sql_parts import people_of
from storage.replay.replaying import replay_run
from tui.app import DempoApp
from tui.commands.runs.process import work
from tui.terminal.console import Console

Rows = list[Row]
Change = Callable[[Row], Any]
CHECK = "held-out pairs"
SPLITS = "FROM events WHERE kind = 'heldout.split'"


def made(folder: Path, until: str, by: str, **more: int) -> Path:
    lines = [f"share = 0.25\nby = {json.dumps(by)}", *(f"{key} = {value}" for key, value in more.items())]
    text = CONFIG.format(data(folder / "data")) + "[train.held_out]\n" + "\n".join(lines) + "\n"
    root = create_run(parse_config(text), text, folder / "runs")
    assert work(root, until, Console(quiet=True)) == 0
    return root


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A quarter of the comparisons of 24 raters, measured after steps 2, 4 and 5. Nobody writes into it."""
    return made(tmp_path_factory.mktemp("measured"), "train", "pair", every=2)


def verdicts(root: Path) -> dict[str, str]:
    return {name: check.verdict for name, check in checked(root).items() if check.verdict not in ("ok", "unknown")}


def test_a_run_that_holds_pairs_out_verifies(measured: Path) -> None:
    assert verdicts(measured) == {}
    assert "drawn again; 9 measurements worked out again" in checked(measured)[CHECK].detail
    rows = Reader(measured).view("heldout")
    assert {row["step"] for row in rows} == {2, 4, 5}
    assert {row["scope"] for row in rows} == {"micro", "macro", "category", "minimum"}
    assert all((row["low"] is not None) == (row["step"] == 5) for row in rows)
    (split,) = Reader(measured).view("heldout_split")
    assert {row["pairs"] for row in rows if row["scope"] == "micro"} == {split["measured"]}


@pytest.mark.parametrize("by", ["rater", "conversation"])
def test_other_splits_are_drawn_again_too(by: str, tmp_path: Path) -> None:
    root = made(tmp_path, "conditions", by, max_pairs=5)
    assert verdicts(root) == {}
    (split,) = Reader(root).view("heldout_split")
    assert (split["groups_in_all"], split["groups_held_out"], split["measured"]) == (24, 6, 5)
    lost = {row["condition"]: row["held_out_raters"] for row in Reader(root).view("conditions")}
    assert lost["full"] == 6, "a conversation is all that a rater has here"
    wrong = forged(root, tmp_path / "a", each("condition.planned", lambda v: v.update(held_out_raters=0)))
    assert verdicts(wrong) == {"weights": "failed"}


def each(kind: str, change: Callable[[dict[str, Any]], Any]) -> Callable[[Rows], Rows]:
    """Changes the payload of every event of a kind."""

    def attack(rows: Rows) -> Rows:
        for row in rows:
            if row.kind == kind:
                change(row.payload)
        return rows

    return attack


def of_last(change: Callable[[dict[str, Any]], Any]) -> Callable[[Rows], Rows]:
    """Changes the last measurement."""

    def attack(rows: Rows) -> Rows:
        change([row.payload for row in rows if row.kind == "heldout.measured"][-1])
        return rows

    return attack


def _nudged(rows: str, place: int, field: str) -> Callable[[dict[str, Any]], Any]:
    return lambda values: values[rows][place].update({field: values[rows][place][field] + 1e-6})


LIES: dict[str, tuple[Callable[[Rows], Rows], set[str]]] = {
    "an accuracy": (of_last(_nudged("rows", 0, "value")), {CHECK}),
    "a log-loss of a category": (of_last(_nudged("categories", 2, "value")), {CHECK}),
    "a narrower interval": (of_last(_nudged("rows", 3, "low")), {CHECK}),
    "another category as the minimum": (of_last(lambda v: v["categories"][-3].update(category="old?")), {CHECK}),
    "no interval": (of_last(lambda v: v["rows"][0].pop("high")), {CHECK}),
    "a category left out": (of_last(lambda v: v["categories"].pop(0)), {CHECK}),
    "one more rater": (of_last(lambda v: v["rows"][0].update(raters=v["rows"][0]["raters"] + 1)), {CHECK}),
    "another step": (of_last(lambda v: v.update(step=3)), {CHECK}),
    "more pairs of a rater held out": (
        each("heldout.split", lambda v: v["rows"][0].update(pairs=v["rows"][0]["pairs"] + 1)),
        {CHECK, "weights", "training"},
    ),
    "another share": (each("heldout.split", lambda v: v.update(share=0.5)), {CHECK}),
    "more comparisons": (each("heldout.split", lambda v: v.update(groups=v["groups"] + 1)), {CHECK}),
    "raters who lost their pairs": (each("heldout.split", lambda v: v.update(emptied=v["emptied"] + 1)), {CHECK}),
    "whoever drops out": (
        each("condition.planned", lambda v: v.update(held_out_raters=v["held_out_raters"] + 1)),
        {"weights"},
    ),
    "a measurement left out": (
        lambda rows: [r for r in rows if r.payload.get("step") != 2 or r.kind[:4] != "held"],
        {CHECK},
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_changed_number_fails(lie: str, measured: Path, tmp_path: Path) -> None:
    change, checks = LIES[lie]
    found = verdicts(forged(measured, tmp_path, change))
    assert set(found.values()) == {"failed"}
    assert found.keys() <= checks | {"stages"}
    assert found.keys() & checks


def test_another_split_fails(measured: Path, tmp_path: Path) -> None:
    """Easier pairs are held out and measured, with everything else made to suit but the schedules."""
    body = held_out_file([0, 1, 2], [0, 1, 2])

    def change(values: dict[str, Any]) -> None:
        values["artifact"] |= {"sha256": digest(body), "bytes": len(body)}

    root = forged(measured, tmp_path, each("heldout.split", change))
    (root / "artifacts" / digest(body)).write_bytes(body)
    assert verdicts(root) == {CHECK: "failed"}


def test_other_margins_fail_and_missing_ones_are_unknown(measured: Path, tmp_path: Path) -> None:
    names: list[str] = []

    def change(values: dict[str, Any]) -> None:
        body = (measured / "artifacts" / values["artifact"]["sha256"]).read_bytes()
        margins = json.loads(body)
        margins["margins"] = [-m for m in margins["margins"]]
        new = json.dumps(margins, separators=(",", ":")).encode()
        names.append(digest(new))
        (tmp_path / names[-1]).write_bytes(new)
        values["artifact"] |= {"sha256": names[-1], "bytes": len(new)}

    root = forged(measured, tmp_path / "a", of_last(change))
    (root / "artifacts" / names[0]).write_bytes((tmp_path / names[0]).read_bytes())
    assert verdicts(root) == {CHECK: "failed"}
    (root / "artifacts" / names[0]).unlink()
    assert checked(root)[CHECK].verdict == "unknown"


def test_a_redacted_copy_tells_of_everybody_and_not_of_groups(measured: Path, tmp_path: Path) -> None:
    bundle = unpacked(measured, tmp_path, k=5)
    assert checked(bundle)[CHECK].verdict == "withheld"
    rows = Reader(bundle).view("heldout")
    assert {row["scope"] for row in rows} == {"micro", "macro"}
    assert {row["pairs"] for row in rows} == {None}
    (tmp_path / "plain").mkdir()
    plain = Reader(unpacked(measured, tmp_path / "plain")).view("heldout")
    assert {row["scope"] for row in plain} == {"micro", "macro", "category", "minimum"}


def test_what_is_shown_of_it(measured: Path) -> None:
    said = dempo("show", measured).stdout
    assert "Held-out pairs (accuracy over pairs" in said
    assert "held out: " in said
    assert [(row.condition, row.step) for row in held_out_so_far(Reader(measured))][:3] == [
        ("full", 2),
        ("full", 4),
        ("full", 5),
    ]


async def test_the_tab_of_training_plots_it(measured: Path) -> None:
    async with DempoApp(measured.parent, INTERVAL).run_test(size=(120, 40), notifications=True) as pilot:
        await wait_for(pilot, "sealed")
        await pilot.press("enter", "4")
        await wait_for(pilot, "held-out log-loss (nats)", "ln 2", "held out: accuracy")


def test_what_is_held_out_of_people_is_counted_among_what_tells_them_apart(measured: Path) -> None:
    reader = Reader(measured)
    (event,) = [json.loads(row["s"]) for row in reader.query(f"SELECT {people_of('payload')} AS s {SPLITS}")]
    held = {row["rater_id"]: (row["pairs"], row["measured"]) for row in event["rows"]}
    people = reader.view("raters")
    described = Counter((row["type"], row["locale"], row["pairs"], held.get(row["rater_id"])) for row in people)
    crowds = crowd_of(connect(measured / "audit.db"))
    assert crowds is not None
    assert crowds.with_pairs.alone == sum(n == 1 for n in described.values())
    assert crowds.with_pairs.alone > crowds.with_locale.alone


@pytest.mark.long
def test_replay_measures_again(measured: Path) -> None:
    report = replay_run(measured, "train", None, True)
    (train,) = [stage for stage in report.stages if stage.stage == "train"]
    again = [event for event in train.events if event.kind == "heldout.measured"]
    assert len(again) == 9
    assert {event.verdict for event in again} <= {"same", "agrees"}
