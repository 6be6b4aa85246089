"""Values that a record could hold although no run gives them: numbers, times, clauses, the reference, config.toml."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from both_verifiers import checked, shipped
from rewritten import Row, changed_first, forged

from core.config_file import parse_config
from core.evaluation.constitution import parse_constitution
from core.events import digest
from core.facts.judging.clauses import clauses_in
from storage.record.create import create_run
from storage.verifier.beside.given import _is_value

Change = Callable[[list[Row]], list[Row]]


def last(kind: str, **values: Any) -> Change:
    def change(rows: list[Row]) -> list[Row]:
        next(row for row in reversed(rows) if row.kind == kind).payload.update(values)
        return rows

    return change


IMPOSSIBLE: dict[str, tuple[Change, str]] = {
    "loss": (last("train.step", loss=-5), "loss is -5"),
    "no loss": (last("train.step", loss="nan"), "a step that broke down ends its unit"),
    "an infinite loss": (last("train.step", loss="-inf"), "loss is -inf"),
    "gradient": (last("train.step", gradient_norm=-1), "gradient_norm is -1"),
    "seconds": (last("unit.completed", seconds=-9), "seconds is -9"),
    "attempts": (last("judge.called", attempts=-4), "attempts is -4"),
    "tokens": (last("judge.called", prompt_tokens=-1), "prompt_tokens is -1"),
    "first loss": (changed_first("train.step", loss=0.5), "with every margin at 0 it is ln 2"),
    "excluded": (changed_first("pairs.built", excluded={"ties": -3}), "-3 are left out as 'ties'"),
    "rows": (
        changed_first("pairs.built", files=[{"name": "f", "bytes": 1, "sha256": "0" * 64, "rows": -1}]),
        "1 bytes and -1 rows",
    ),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_a_number_that_no_run_writes_fails(trained: Path, tmp_path: Path, name: str) -> None:
    change, told = IMPOSSIBLE[name]
    found = checked(forged(trained, tmp_path, change))["values"]
    assert found.verdict == "failed"
    assert told in found.detail


ORIGINS: dict[str, Callable[[dict[str, Any]], object]] = {
    "a setting that nobody gave": lambda first: first["config"]["rank"].update(invented=[1]),
    "a setting under another name": lambda first: first["config"]["rank"].update(
        samples=first["config"]["rank"].pop("resamples")
    ),
    "a section less": lambda first: first["config"].pop("answer"),
    "no origins": lambda first: first.update(origins={}),
    "an origin of nothing": lambda first: first["origins"].update({"rank.invented": "default"}),
}


@pytest.mark.parametrize("name", ORIGINS)
def test_of_every_setting_it_is_said_where_it_comes_from(trained: Path, tmp_path: Path, name: str) -> None:
    def change(rows: list[Row]) -> list[Row]:
        ORIGINS[name](rows[0].payload)
        return rows

    found = checked(forged(trained, tmp_path, change))["genesis"]
    assert found.verdict == "failed"
    assert "the configuration and the origins of its values differ" in found.detail


@pytest.mark.parametrize(
    ("value", "verdict", "told"),
    [
        ("audited", "unchecked", "the configuration (there is no field 'rank.invented') is newer than this verifier"),
        (12, "failed", "the configuration is not one that this program resolves (rank.resamples is no integer"),
    ],
)
def test_every_setting_is_one_of_the_program(
    trained: Path, tmp_path: Path, value: object, verdict: str, told: str
) -> None:
    def change(rows: list[Row]) -> list[Row]:
        first, name = rows[0].payload, "invented" if verdict == "unchecked" else "resamples"
        first["config"]["rank"][name] = value if verdict == "unchecked" else str(value)
        first["origins"].setdefault(f"rank.{name}", "default")
        return rows

    found = checked(forged(trained, tmp_path, change))["genesis"]
    assert found.verdict == verdict
    assert told in found.detail


@pytest.mark.parametrize("field", ["declined", "seated"])
def test_nobody_declines_who_was_not_asked(trained: Path, tmp_path: Path, field: str) -> None:
    found = checked(forged(trained, tmp_path, changed_first("pool.built", **{field: 3})))["pool"]
    assert found.verdict == "failed"
    assert f"3 people are {field}" in found.detail


# ------------------------------------------------------------ times


@pytest.mark.parametrize(
    "at",
    [
        "2026-11-26T\x1b[31mXY",
        "2026-11-26T10:00:00Z",
        "2026-11-26 10:00:00.000000Z",
        "2026-02-30T10:00:00.000000Z",
        "2026-11-26T10:00:00.000000",
        "٢٠٢٦-11-26T10:00:00.000000Z",
        "",
    ],
)
def test_a_time_that_is_none_fails(trained: Path, tmp_path: Path, at: str) -> None:
    def change(rows: list[Row]) -> list[Row]:
        rows[6].at = at
        return rows

    found = checked(forged(trained, tmp_path, change))["times"]
    assert (found.verdict, found.event) == ("failed", 7)


def test_a_clock_that_goes_back_is_said(trained: Path, tmp_path: Path) -> None:
    def change(rows: list[Row]) -> list[Row]:
        for row in rows[10:]:
            row.at = row.at.replace("20", "19", 1)
        return rows

    assert "back" not in checked(trained)["times"].detail
    found = checked(forged(trained, tmp_path, change))["times"]
    assert found.verdict == "ok"
    assert "1 time it went back, furthest before event 11, by 3,155,7" in found.detail


def test_a_run_whose_id_names_another_time_than_its_first_event_is_said(trained: Path, tmp_path: Path) -> None:
    assert "id" not in checked(trained)["times"].detail
    rewritten = {"run_id": f"19991231-235959-{trained.name.split('-', 2)[2]}"}
    found = checked(forged(trained, tmp_path, changed_first("run.created", **rewritten)))["times"]
    assert found.verdict == "ok"
    assert "s before the first event" in found.detail


# ------------------------------------------------------------ constitution


def test_clauses_are_those_of_the_constitution(trained: Path, tmp_path: Path) -> None:
    assert checked(trained)["constitution"].verdict == "ok"
    other = "1. Choose the response that I like.\n2. Choose the longer one.\n"

    def text(rows: list[Row]) -> list[Row]:
        planned = next(row for row in rows if row.kind == "questions.planned")
        planned.payload["constitution"] = {"sha256": digest(other.encode())}
        return rows

    found = checked(forged(trained, tmp_path / "text", text, other.encode()))["constitution"]
    assert (found.verdict, found.detail[:20]) == ("failed", "the text of clause 1")
    clause = b"Choose the response that I like."

    def one_clause(rows: list[Row]) -> list[Row]:
        planned = next(row for row in rows if row.kind == "questions.planned")
        planned.payload["clauses"][1]["text"] = {"sha256": digest(clause)}
        return rows

    found = checked(forged(trained, tmp_path / "clause", one_clause, clause))["constitution"]
    assert (found.verdict, found.detail[:20]) == ("failed", "the text of clause 2")
    none = b"no clause"

    def no_clauses(rows: list[Row]) -> list[Row]:
        planned = next(row for row in rows if row.kind == "questions.planned")
        planned.payload["constitution"] = {"sha256": digest(none)}
        return rows

    assert "not a numbered" in checked(forged(trained, tmp_path / "none", no_clauses, none))["constitution"].detail


def test_engine_and_verifier_read_clauses_alike() -> None:
    text = "\n 2. Two  things \r\n\n7.\tSeven\n"
    assert parse_constitution(text).clauses == clauses_in(text) == {2: "Two  things", 7: "Seven"}


# ------------------------------------------------------------ reference


def test_the_reference_has_the_recorded_sequences(trained: Path, tmp_path: Path) -> None:
    assert checked(trained)["reference"].verdict == "ok"
    for number, told in ((1, "its sequences"), (99_999_999, "the schedules can need")):
        changed = changed_first("reference.computed", sequences=number, cut_contexts=0, cut_responses=0)
        found = checked(forged(trained, tmp_path / str(number), changed))["reference"]
        assert (found.verdict, told in found.detail) == ("failed", True)


ROWS = [["0" * 64, -1.5]]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "holds no rows"),
        (
            {"format": "dempo-reference-1", "columns": ["sequence", "log_probability"], "rows": [["0" * 64, 3]]},
            "which is",
        ),
        (
            {"format": "dempo-reference-1", "columns": ["sequence", "log_probability"], "rows": [["x", -1]]},
            "no SHA-256",
        ),
        ({"format": "dempo-reference-0", "columns": ["sequence", "log_probability"], "rows": ROWS}, "its format"),
    ],
)
def test_a_file_that_is_no_reference_fails(trained: Path, tmp_path: Path, body: Any, told: str) -> None:
    written = json.dumps(body).encode()
    artifact = {"sha256": digest(written), "bytes": len(written), "media_type": "application/vnd.dempo.reference+json"}
    changed = changed_first("reference.computed", artifact=artifact, sequences=1, cut_contexts=0, cut_responses=0)
    root = forged(trained, tmp_path, changed)
    (root / "artifacts" / artifact["sha256"]).write_bytes(written)
    found = checked(root)["reference"]
    assert (found.verdict, told in found.detail) == ("failed", True)


# ------------------------------------------------------------ config.toml

TEXT = """
[run]
name = "given"
seed = 5
[data]
path = "../somewhere/./data"
delta = 1
[[population.attributes]]
name = "sex"
column = "sex"
targets = {"f.m" = 0.5, m = "0.50"}
[[lotteries]]
name = "main"
size = 10
tolerance = 0.10
[[judge.judges]]
kind = "planted"
model = "a"
timeout = 5e1
[[judge.judges]]
kind = "planted"
model = "b"
[rank]
"""


def test_what_was_given_is_what_the_run_has(tmp_path: Path) -> None:
    overridden = ("run.seed=7", 'judge.judges=[{kind="planted", model="c"}]', "rank.resamples=9")
    for number, overrides in enumerate([(), overridden]):
        loaded = parse_config(TEXT, overrides, folder=Path("examples"))
        found = checked(create_run(loaded, TEXT, tmp_path / str(number)))["configuration"]
        assert found.verdict == "ok", found.detail


def test_values_of_a_replaced_section_come_from_the_command_line() -> None:
    loaded = parse_config(TEXT, ('judge.judges=[{kind="planted", model="c"}]',))
    judges = {key: origin for key, origin in loaded.origins.items() if key.startswith("judge.judges")}
    assert judges["judge.judges.0.model"] == "set"
    assert judges["judge.judges.0.timeout"] == "default"
    assert "judge.judges.1.model" not in judges


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: text.replace("seed = 5", "seed = 6"), "it gives run.seed = 6, and the run has 5"),
        (lambda text: text.replace("seed = 5", ""), "the run has run.seed from the file"),
        (lambda text: text.replace("0.10", "0.11"), "it gives lotteries.0.tolerance = 0.11"),
        (lambda text: text.replace("/data", "/other"), "it gives data.path"),
        (
            lambda text: text.replace("[rank]", "[rank]\nresample = 'clauses'"),
            "it gives rank.resample, which the run does not",
        ),
        (lambda text: text.replace("[rank]", "[train]\nmodel = 'x'"), "it gives train.model, which the run does not"),
        (lambda text: "[run", "it cannot be read"),
    ],
)
def test_another_config_toml_than_the_given_one_fails(tmp_path: Path, change: Callable[[str], str], told: str) -> None:
    root = create_run(parse_config(TEXT), TEXT, tmp_path)
    (root / "config.toml").write_text(change(TEXT))
    found = checked(root)["configuration"]
    assert (found.verdict, found.event) == ("failed", 1)
    assert "config.toml is not what this run was made with" in found.detail
    assert told in found.detail


def test_a_bundle_or_a_run_without_the_file_is_unknown(tmp_path: Path) -> None:
    root = create_run(parse_config(TEXT), TEXT, tmp_path)
    (root / "imported.json").write_text("{}")
    assert checked(root)["configuration"].verdict == "unknown"
    (root / "imported.json").unlink()
    (root / "config.toml").unlink()
    assert checked(root)["configuration"].verdict == "unknown"
    shutil.rmtree(root)


def test_what_the_program_makes_of_a_value_is_that_value() -> None:
    for given, recorded in [(1, 1.0), ("5", 5), ("true", True), (["a"], ["a"]), ("~/x", "/home/me/x"), (".", "/a")]:
        assert _is_value(given, recorded)
    for given, recorded in [(1, 2), ("a", "b"), (True, 1), (["a"], ["a", "b"]), ("x", "/home/me/y"), ("y", "x/y")]:
        assert not _is_value(given, recorded)
    assert shipped().GIVEN_NAME == "config.toml"
