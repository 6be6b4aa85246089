"""The files of models that lie beside a record are compared with it, by both verifiers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from both_verifiers import same, shipped
from commands import dempo
from rewritten import Row, changed_first, forged

from storage.check import Check
from storage.verifier.beside import checkpoints
from storage.verify import verify_all

WEIGHTS = "model.safetensors"


def checked(root: Path, files: bool | None = None) -> Check:
    """The verdict on the models, once both verifiers have given it."""
    by_program = verify_all(root, files=files)
    file = shipped()
    same([Check(**check.row()) for check in file.verify_alone(root, file.WRITTEN, files=files)], by_program)
    return next(check for check in by_program if check.name == "checkpoints")


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / trained.name, symlinks=True))


def flip(path: Path) -> None:
    body = bytearray(path.read_bytes())
    body[-1] ^= 1
    path.write_bytes(body)


def swap(one: Path, other: Path) -> None:
    aside = one.with_name("aside")
    one.rename(aside)
    other.rename(one)
    aside.rename(other)


def test_the_models_of_a_good_run_are_those_of_the_record(trained: Path) -> None:
    found = checked(trained)
    assert found.verdict == "ok"
    assert "each the one that was recorded" in found.detail


WRONG: dict[str, tuple[Callable[[Path], object], str]] = {
    "a byte": (lambda folder: flip(folder / "hard" / WEIGHTS), "checkpoints/hard/model.safetensors is not the file"),
    "a byte of the base": (lambda folder: flip(folder / "base" / "config.json"), "checkpoints/base/config.json is not"),
    "two swapped": (lambda folder: swap(folder / "hard", folder / "soft"), "is not the file that was recorded"),
    "missing": (lambda folder: (folder / "soft" / "config.json").unlink(), "checkpoints/soft/config.json is missing"),
    "one more": (
        lambda folder: (folder / "soft" / "adapter_config.json").write_text("{}"),
        "checkpoints/soft holds 'adapter_config.json', which the record does not name",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_another_model_than_the_recorded_one_fails(run: Path, wrong: str) -> None:
    change, told = WRONG[wrong]
    change(run / "checkpoints")
    found = checked(run)
    assert found.verdict == "failed"
    assert told in found.detail
    assert found.event is not None


def test_models_that_are_not_here_are_unknown(run: Path) -> None:
    shutil.rmtree(run / "checkpoints" / "soft")
    (run / "checkpoints" / "hard" / ".DS_Store").write_text("a file manager looked at it")
    some = checked(run)
    assert some.verdict == "unknown"
    assert "not here: 'checkpoints/soft'" in some.detail
    shutil.rmtree(run / "checkpoints")
    assert "they were removed, or the record was copied alone" in checked(run).detail
    (run / "imported.json").write_text("{}")
    assert "a bundle has none" in checked(run).detail


def test_weights_in_a_cache_that_was_emptied_are_unknown(run: Path, tmp_path: Path) -> None:
    weights = run / "checkpoints" / "base" / WEIGHTS
    weights.rename(tmp_path / "cached")
    weights.symlink_to(tmp_path / "cached")
    assert checked(run).verdict == "ok"
    (tmp_path / "cached").unlink()
    found = checked(run)
    assert (found.verdict, "checkpoints/base/model.safetensors" in found.detail) == ("unknown", True)
    (run / "imported.json").write_text("{}")
    assert checked(run).verdict == "failed"


def test_large_models_are_read_where_they_are_asked_for(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flip(run / "checkpoints" / "hard" / WEIGHTS)
    for module in (checkpoints, shipped()):
        monkeypatch.setattr(module, "READ_UNASKED", 1000)
    found = checked(run)
    assert (found.verdict, "--files reads" in found.detail) == ("unknown", True)
    assert checked(run, files=True).verdict == "failed"
    (run / "checkpoints" / "soft" / "config.json").unlink()
    assert checked(run, files=False).verdict == "failed", "names are compared without reading"


def test_the_options_of_both_commands(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flip(run / "checkpoints" / "hard" / WEIGHTS)
    assert dempo("verify", run, "--files").returncode == 4
    assert dempo("verify", run, "--no-files").returncode == 0
    for option, code in (("--files", 4), ("--no-files", 0)):
        assert shipped().main(shipped().WRITTEN, [str(run), option]) == code
    capsys.readouterr()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"parameters": 175_000_000_000}, "the number of parameters"),
        ({"parameters": 5}, "the number of parameters"),
        ({"vocabulary": 297}, "the size of the vocabulary of the base model"),
    ],
)
def test_facts_of_the_base_model_are_those_of_its_files(
    trained: Path, tmp_path: Path, changed: dict[str, int], told: str
) -> None:
    found = checked(forged(trained, tmp_path, changed_first("model.ready", **changed)))
    assert found.verdict == "failed"
    assert told in found.detail


def test_a_base_model_may_hold_more_numbers_than_parameters(trained: Path, tmp_path: Path) -> None:
    """Buffers and tied weights: only of a model that the program made itself both are the same."""
    folder = trained / "checkpoints" / "base"
    for name, verdict in (("org/model", "ok"), ("tiny", "failed")):

        def fewer(rows: list[Row], name: str = name) -> list[Row]:
            for row in rows:
                if row.kind == "run.created":
                    row.payload["config"]["train"]["model"] = name
                if row.kind == "model.ready":
                    row.payload |= {"model": name, "parameters": row.payload["parameters"] - 1}
            return rows

        assert checked(forged(trained, tmp_path / name, fewer)).verdict == verdict
    assert json.loads((folder / "tokenizer.json").read_bytes())["model"]["vocab"]


def test_a_name_that_leads_out_of_the_folder_is_not_followed(trained: Path, tmp_path: Path) -> None:
    files = {"../../audit.db": "0" * 64, WEIGHTS: "0" * 64}
    found = checked(forged(trained, tmp_path, changed_first("model.ready", files=files)))
    assert (found.verdict, "names no file" in found.detail) == ("failed", True)
