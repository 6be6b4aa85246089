"""The crate's metadata: it names every file, and roc-validator finds a Process Run Crate."""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from records import small_record
from sample_run import make_sample_run

from core.data.pseudonyms import PLANTED
from core.events import EngineStopped
from core.program.environment import engine_started
from core.run_folder import RunFolder
from storage.export.export import export_run
from storage.imports.bundle import MANIFEST
from storage.record.log import Log
from storage.record.reader import Reader

VALIDATOR = "DEMPO_CRATE_PYTHON"
"""Names the interpreter of an environment that holds roc-validator: it can't live in the app's own."""


def crate(root: Path, target: Path, **options: Any) -> tuple[dict[str, dict[str, Any]], set[str]]:
    """The entities of a bundle's metadata by id, and the names of its files."""
    export_run(root, target, told=lambda *_: None, **options)
    with zipfile.ZipFile(target) as bundle:
        values = json.loads(bundle.read("ro-crate-metadata.json"))
        return {entity["@id"]: entity for entity in values["@graph"]}, set(bundle.namelist())


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [value["@id"]] if value.keys() == {"@id"} else [i for inner in value.values() for i in references(inner)]
    return [i for inner in value for i in references(inner)] if isinstance(value, list) else []


@pytest.mark.parametrize("redact", [False, True])
def test_every_file_is_described_and_every_reference_resolves(tmp_path: Path, redact: bool) -> None:
    entities, names = crate(make_sample_run(tmp_path / "runs"), tmp_path / "run.zip", redact=redact)
    parts = {part["@id"] for part in entities["./"]["hasPart"]}
    assert parts == names - {"ro-crate-metadata.json"}
    outside = {"https://w3id.org/ro/crate/1.1"}
    for entity in entities.values():
        assert set(references(list(entity.values()))) <= entities.keys() | outside
    assert MANIFEST in parts


def test_the_run_is_an_action_with_its_times_instrument_inputs_and_results(tmp_path: Path) -> None:
    root = make_sample_run(tmp_path / "runs")
    entities, _ = crate(root, tmp_path / "run.zip", agent="A. Person")
    action = entities["#run"]
    times = Reader(root).query("SELECT min(at) AS first, max(at) AS last FROM events")[0]
    assert (action["startTime"], action["endTime"]) == (times["first"], times["last"])
    assert action["actionStatus"] == "http://schema.org/CompletedActionStatus"
    assert entities[action["instrument"]["@id"]]["softwareVersion"] == "0.1.0"
    inputs = references(action["object"])
    assert "config.toml" in inputs
    assert entities["#data-0"]["name"] == "survey.jsonl"
    assert {"audit.db", "tables/leaderboards.csv", "report.html"} <= set(references(action["result"]))
    assert entities[action["agent"]["@id"]]["name"] == "A. Person"


def test_a_failed_run_says_so(tmp_path: Path) -> None:
    root = small_record(tmp_path / "runs")
    with Log.open(RunFolder(root)) as log:
        log.record("run", [engine_started(resumed=False, secret=PLANTED)])
        log.record("run", [EngineStopped(outcome="failed", reason="the disk is full", exit_code=1)])
    entities, _ = crate(root, tmp_path / "run.zip")
    assert entities["#run"]["actionStatus"] == "http://schema.org/FailedActionStatus"
    assert entities["#run"]["error"] == "the disk is full"
    assert "agent" not in entities["#run"]


@pytest.mark.skipif(VALIDATOR not in os.environ, reason=f"{VALIDATOR} names no interpreter with roc-validator")
@pytest.mark.parametrize("kind", ["whole", "redacted", "failed", "with an agent"])
def test_roc_validator_finds_a_process_run_crate(tmp_path: Path, kind: str) -> None:
    if kind == "failed":
        test_a_failed_run_says_so(tmp_path)
    else:
        agent = "A. Person" if kind == "with an agent" else None
        crate(make_sample_run(tmp_path / "runs"), tmp_path / "run.zip", redact=kind == "redacted", agent=agent)
    script = Path(__file__).with_name("validate_crate.py")
    command = [os.environ[VALIDATOR], str(script), str(tmp_path / "run.zip")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
