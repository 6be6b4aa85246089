"""`dempo export` and `dempo import` as a stranger meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bundles import contents, with_database, write_bundle
from commands import answered, dempo, told

from core.data.planted.world_folder import write_world
from storage.record.reader import Reader


@pytest.fixture(scope="module")
def sample(trained: Path) -> Path:
    return trained


def test_export_and_import_answer_in_json(sample: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "run.zip"
    written = answered(dempo("export", sample, "--to", bundle, "--json"))
    assert (written["path"], written["run_id"], written["redacted"]) == (str(bundle), sample.name, False)
    read = answered(dempo("import", bundle, "--runs-dir", tmp_path / "runs", "--json"))
    assert (read["run_id"], read["sha256"]) == (sample.name, written["sha256"])
    (row,) = answered(dempo("list", "--runs-dir", tmp_path / "runs", "--json"))["runs"]
    assert row["run_id"] == sample.name
    shown = answered(dempo("show", sample.name, "--view", "leaderboards", "--runs-dir", tmp_path / "runs", "--json"))
    assert shown == answered(dempo("show", sample, "--view", "leaderboards", "--json"))


def test_they_tell_people_where_it_is_and_what_to_keep(sample: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "run.zip"
    done = dempo("export", sample, "--to", bundle, "--redact")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == str(bundle)
    assert f"head: event {Reader(sample).head()[0]}, " in done.stdout
    assert "artifacts, which hold texts or the order of the source" in done.stderr
    assert "exists; give --force" in told(dempo("export", sample, "--to", bundle), 2)


def test_a_bundle_that_was_changed_ends_with_code_4_and_the_check(sample: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "run.zip"
    dempo("export", sample, "--to", bundle)
    changed = with_database(bundle, tmp_path / "changed.zip", "DELETE FROM events WHERE seq = 9", unguarded=True)
    assert "check 'chain' failed at event 9" in told(dempo("import", changed, "--runs-dir", tmp_path / "runs"), 4)
    assert not (tmp_path / "runs").exists()


def test_wrong_input_ends_with_code_2_and_names_it(sample: Path, tmp_path: Path) -> None:
    sentence = told(dempo("export", sample, "--to", tmp_path / "none" / "run.zip"), 2)
    assert f"the folder {tmp_path / 'none'} does not exist" in sentence
    assert "--agent names nobody" in told(dempo("export", sample, "--to", tmp_path / "run.zip", "--agent", ""), 2)
    assert list(tmp_path.iterdir()) == []


def test_an_imported_run_is_cloned_with_its_recorded_configuration(tmp_path: Path) -> None:
    """Its config.toml is left behind, because nobody can say whether it is the one that was given."""
    write_world(tmp_path / "world", "planted", 0)
    config = tmp_path / "config.toml"
    config.write_text(f'[run]\nname = "first"\nseed = 7\n[data]\npath = "{tmp_path / "world"}"\ndelta = 3\n')
    until = ["--until", "pairs", "--json"]
    first = answered(dempo("run", config, *until, "--runs-dir", tmp_path / "runs"))["path"]
    dempo("export", first, "--to", tmp_path / "run.zip")
    files = {**contents(tmp_path / "run.zip"), "config.toml": b"[run]\nseed = 99\n"}
    lie = write_bundle(files, tmp_path / "lie.zip")
    theirs = answered(dempo("import", lie, "--runs-dir", tmp_path / "here", "--json"))["path"]
    mine = answered(dempo("clone", theirs, *until, "--runs-dir", tmp_path / "mine"))["path"]
    (original,), (clone,) = (answered(dempo("show", run, "--view", "run", "--json"))["run"] for run in (first, mine))
    assert json.loads(clone["config"]) == json.loads(original["config"])
    assert (Path(mine) / "config.toml").read_text() == f"# as recorded in run {Path(theirs).name}\n"
    assert "was imported before" in told(dempo("import", lie, "--runs-dir", tmp_path / "here"), 1)


def test_a_file_that_is_no_bundle_ends_with_code_2(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_text(json.dumps({"no": "zip"}) * 20)
    sentence = told(dempo("import", tmp_path / "x.zip", "--runs-dir", tmp_path / "runs"), 2)
    assert "nothing was imported" in sentence
    assert [path.name for path in tmp_path.iterdir()] == ["x.zip"]
