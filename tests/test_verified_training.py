"""What a verifier says of training: of what this program writes, of older rules, and of models that are no models."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from rewritten import Row, forged

from core.facts.training.learning_rate import rate_share
from core.facts.training.numbers import rounding_seed
from core.facts.training.weight_files import WEIGHTS_INDEX
from storage.check import Check
from storage.record.reader import Reader
from storage.verifier.checks import checks_of
from storage.verifier.ground.reading import read_record
from storage.verifier.writer_facts import tree_facts
from storage.verify import verify

Rows = list[Row]


def training(root: Path) -> Check:
    """The verdict on training, on which `dempo verify` and the stand-alone checks agree."""
    (by_program,) = [check for check in verify(root) if check.name == "training"]
    (alone,) = [check for check in checks_of(read_record(root / "audit.db", tree_facts())) if check.name == "training"]
    assert alone == by_program
    return by_program


def each(kind: str, change: Callable[[dict[str, Any]], Any]) -> Callable[[Rows], Rows]:
    """Changes the payload of every event of a kind."""

    def attack(rows: Rows) -> Rows:
        for row in rows:
            if row.kind == kind:
                change(row.payload)
        return rows

    return attack


def _counted_from_zero(step: dict[str, Any]) -> None:
    step.update(learning_rate=5e-4 * rate_share(step["step"] - 2, 4, 0.1, "linear") if step["step"] > 1 else 0.0)


def test_rates_are_those_of_a_rule_that_is_known(trained: Path, tmp_path: Path) -> None:
    assert training(trained).verdict == "ok"
    other = training(forged(trained, tmp_path / "a", each("train.step", _counted_from_zero)))
    assert other.verdict == "failed"
    assert "the learning rate of step 1 is" in other.detail
    more = each("train.step", lambda v: v.update(learning_rate=v["learning_rate"] * (1 + 2**-20)))
    assert training(forged(trained, tmp_path / "b", more)).verdict == "failed"
    for rule, verdict in ((0, "failed"), (2, "unchecked")):
        found = training(forged(trained, tmp_path / str(rule), each("train.step", lambda v, r=rule: v.update(rule=r))))
        assert found.verdict == verdict


def _only_a_tokenizer(values: dict[str, Any]) -> None:
    values["files"] = {name: value for name, value in values["files"].items() if not name.endswith(".safetensors")}


def _first_of_two_shards(values: dict[str, Any]) -> None:
    _only_a_tokenizer(values)
    values["files"] |= dict.fromkeys((WEIGHTS_INDEX, "model-00001-of-00002.safetensors"), "0" * 64)


@pytest.mark.parametrize(
    ("kind", "change", "told"),
    [
        ("train.checkpoint", _only_a_tokenizer, "the model of condition 'full' has no complete weights: 'model.safe"),
        ("model.ready", _only_a_tokenizer, "the base model has no complete weights: 'model.safetensors' is not"),
        ("model.ready", _first_of_two_shards, "'model-00002-of-00002.safetensors' is not among its files"),
    ],
)
def test_a_model_without_complete_weights_fails(
    kind: str, change: Callable[[dict[str, Any]], None], told: str, trained: Path, tmp_path: Path
) -> None:
    found = training(forged(trained, tmp_path, each(kind, change)))
    assert found.verdict == "failed"
    assert told in found.detail


def test_a_shard_that_the_index_names_belongs_to_the_model(trained: Path, tmp_path: Path) -> None:
    index = json.dumps({"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}).encode()
    names = {WEIGHTS_INDEX: hashlib.sha256(index).hexdigest(), "one.safetensors": "0" * 64}

    def sharded(values: dict[str, Any]) -> None:
        _only_a_tokenizer(values)
        values["files"] |= names

    root = forged(trained, tmp_path, each("model.ready", sharded))
    (root / "checkpoints" / "base" / WEIGHTS_INDEX).write_bytes(index)
    assert "'two.safetensors' is not among its files" in training(root).detail
    (root / "checkpoints" / "base" / WEIGHTS_INDEX).write_bytes(index + b" ")
    assert "was changed" in training(root).detail


def test_more_cut_than_scored_fails(trained: Path, tmp_path: Path) -> None:
    found = training(forged(trained, tmp_path, each("reference.computed", lambda v: v.update(cut_responses=10**6))))
    assert found.verdict == "failed"


STARTS: dict[str, tuple[Callable[[Rows], Rows], str]] = {
    "a margin before any update": (
        each("train.start", lambda v: v.update(largest_margin=0.01)),
        "does not start at its reference: a margin is 0.01",
    ),
    "a larger tolerance": (
        each("train.start", lambda v: v.update(tolerance=0.5)),
        "the margin that its start may have",
    ),
    "layouts measured where they are not": (
        each("train.start", lambda v: v.update(layouts=0.5, tolerance=3.0)),
        "whether no difference of layouts was measured",
    ),
    "a first step that is further off": (
        each("train.step", lambda v: v["step"] == 1 and v.update(margin=0.25)),
        "the margin of its first step is larger than that of any pair in it",
    ),
    "a seed of a rounding without chance": (
        each("train.start", lambda v: v.update(rounding_seed="7")),
        "the seed of its rounding",
    ),
    "no comparison": (
        lambda rows: [row for row in rows if row.kind != "train.start"],
        "has 0 comparisons of its start with the reference instead of one",
    ),
}


@pytest.mark.parametrize("what", STARTS)
def test_a_start_that_is_not_the_reference_fails(what: str, trained: Path, tmp_path: Path) -> None:
    change, told = STARTS[what]
    found = training(forged(trained, tmp_path, change))
    assert found.verdict == "failed"
    assert told in found.detail


def _at(step: int, **values: Any) -> Callable[[dict[str, Any]], None]:
    """Changes fields of one step of every condition; None leaves a field out."""

    def change(payload: dict[str, Any]) -> None:
        if payload["step"] == step:
            payload.update(values)
            for name in [name for name, value in values.items() if value is None]:
                del payload[name]

    return change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda v: v.update(effective_pairs=v["effective_pairs"] * (1 - 1e-9)), "effective_pairs of step 1 is"),
        (_at(3, effective_pairs=1.5), "effective_pairs of step 3 is 1.5; it is "),
        (_at(2, effective_pairs=None), "some of its steps say how many pairs they are worth, and some do not"),
        (_at(2, tokens=None), "step 2 has None tokens of 4 pairs"),
        (_at(4, tokens=7), "step 4 has 7 tokens of 4 pairs"),
        (_at(4, tokens=10**6), "step 4 has 1000000 tokens of 4 pairs"),
    ],
)
def test_what_the_pairs_of_a_step_are_worth_follows_from_schedule_and_weights(
    change: Callable[[dict[str, Any]], None], told: str, trained: Path, tmp_path: Path
) -> None:
    found = training(forged(trained, tmp_path, each("train.step", change)))
    assert found.verdict == "failed"
    assert told in found.detail


def test_steps_of_before_say_nothing_of_their_pairs(trained: Path, tmp_path: Path) -> None:
    def older(values: dict[str, Any]) -> None:
        for name in ("effective_pairs", "tokens", "memory"):
            del values[name]

    assert training(forged(trained, tmp_path, each("train.step", older))).verdict == "ok"


def test_what_a_step_says_of_its_pairs_is_sealed(trained: Path) -> None:
    """With the source, the seed and these numbers anybody could try who is on a panel."""
    with closing(sqlite3.connect(f"file:{trained / 'audit.db'}?mode=ro", uri=True)) as db:
        payloads = [json.loads(row[0]) for row in db.execute("SELECT payload FROM events WHERE kind = 'train.step'")]
    assert payloads
    assert not [p for p in payloads if "tokens" in p or "effective_pairs" in p]
    assert all(set(p["sealed"]) == {"private"} and p["memory"] > 0 for p in payloads)
    assert len({p["sealed"]["private"]["sha256"] for p in payloads}) == len(payloads), "a salt of its own for each"


def test_the_view_of_steps_says_how_fast_they_were(trained: Path) -> None:
    rows = Reader(trained).view("train_steps")
    assert rows
    for row in rows:
        assert 1 <= row["effective_pairs"] <= 4
        assert row["pairs_per_second"] == pytest.approx(4 / row["seconds"], abs=1e-3)
        assert row["tokens_per_second"] == pytest.approx(row["tokens"] / row["seconds"], abs=0.1)


# ---------------------------------------------------------------- numbers and chance


def all_of(*changes: Callable[[Rows], Rows]) -> Callable[[Rows], Rows]:
    def attack(rows: Rows) -> Rows:
        for change in changes:
            rows = change(rows)
        return rows

    return attack


def asked(**train: Any) -> Callable[[Rows], Rows]:
    """A record whose configuration says something else of [train]; None leaves a setting out."""

    def change(values: dict[str, Any]) -> None:
        section = values["config"]["train"]
        section.update(train)
        for name in [name for name, value in section.items() if value is None]:
            del section[name]

    return each("run.created", change)


def computed_in(numbers: str | None, layouts: float | None = 1e-5) -> Callable[[Rows], Rows]:
    """A record of other numbers; without any as older programs wrote it."""

    def start(values: dict[str, Any]) -> None:
        values.update(tolerance=0.001, layouts=layouts)
        if layouts is None:
            del values["layouts"]

    def reference(values: dict[str, Any]) -> None:
        values["precision"] = numbers
        if numbers is None:
            del values["precision"]

    return all_of(each("train.start", start), each("reference.computed", reference))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (computed_in("tf32"), ""),
        (computed_in("bf16_mixed"), ""),
        (all_of(asked(precision="bf16"), computed_in("bf16")), ""),
        (all_of(asked(precision="fp32"), computed_in(None, None)), ""),
        (all_of(asked(precision="bf16"), computed_in(None)), ""),
        (computed_in("bf16"), "was scored in are 'bf16'; the configuration can mean fp32 or tf32 or bf16_mixed"),
        (computed_in(None, None), "was scored in are None; the configuration can mean"),
        (all_of(asked(precision="bf16"), computed_in("fp32", None)), "the configuration can mean bf16"),
        (computed_in("tf32", None), "whether no difference of layouts was measured"),
        (computed_in("fp32"), "whether no difference of layouts was measured"),
    ],
)
def test_numbers_are_those_that_the_configuration_can_mean(
    change: Callable[[Rows], Rows], told: str, trained: Path, tmp_path: Path
) -> None:
    found = training(forged(trained, tmp_path, change))
    assert (found.verdict, told in found.detail) == ("failed" if told else "ok", True)


def test_the_seed_of_a_rounding_by_chance_is_derived_again(trained: Path, tmp_path: Path) -> None:
    record = read_record(trained / "audit.db", tree_facts())

    def seeded(change: Callable[[int], int]) -> Callable[[Rows], Rows]:
        def start(values: dict[str, Any]) -> None:
            values["rounding_seed"] = str(change(rounding_seed(record.genesis["seed"], values["condition"])))

        return all_of(asked(optimizer="adamw_sr"), computed_in("bf16"), each("train.start", start))

    assert training(forged(trained, tmp_path / "a", seeded(lambda seed: seed))).verdict == "ok"
    other = training(forged(trained, tmp_path / "b", seeded(lambda seed: seed + 1)))
    assert (other.verdict, "the seed of its rounding" in other.detail) == ("failed", True)
    none = training(forged(trained, tmp_path / "c", all_of(asked(optimizer="adamw_sr"), computed_in("bf16"))))
    assert (none.verdict, "the seed of its rounding" in none.detail) == ("failed", True)
