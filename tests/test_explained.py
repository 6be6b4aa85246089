"""What people are told of a check: its own words, the verdicts that it can give, and the line where it stands."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import both_verifiers
import pytest
from commands import dempo

from storage.export.export import export_run
from storage.verifier.checks import CHECKS
from storage.verifier.explained import DECIDING, MEANINGS, explanation, verdicts_of
from storage.verifier.shipped import parts, released_digest, verifier_text
from storage.verifier.writer_facts import tree_facts
from storage.verify import verify_all

SEALED = tree_facts().sealed
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def lines() -> list[str]:
    return verifier_text().splitlines()


def contents(lines: list[str]) -> Iterator[tuple[int, str]]:
    """The rows of the two tables at the top of verify.py: a line, and what begins there."""
    top = lines[: lines.index("from __future__ import annotations")]
    for line in top:
        if row := re.fullmatch(r" {4} *(\d+)  (.+)", line):
            yield int(row[1]), row[2]


def test_the_tables_at_the_top_lead_to_every_part_and_check(lines: list[str]) -> None:
    rows = list(contents(lines))
    for part, (number, told) in zip(parts(), rows, strict=False):
        assert lines[number - 1].endswith(f" {part}")
        assert part.endswith(told.split()[0])
    checks = rows[len(parts()) :]
    assert [told.rpartition(" ")[0].strip() for _, told in checks] == list(DECIDING)
    for number, told in checks:
        assert lines[number - 1].startswith(f"def {told.split()[-1]}(")


@pytest.mark.parametrize("name", DECIDING)
def test_both_verifiers_explain_every_check(name: str, lines: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert both_verifiers.shipped().main(both_verifiers.shipped().WRITTEN, ["--explain", name]) == 0
    by_file = capsys.readouterr().out
    by_program = dempo("verify", "--explain", name).stdout
    without_place = explanation(name, SEALED).rpartition("\n\nDecided by ")[0]
    assert by_file.startswith(without_place)
    assert by_program.startswith(without_place)
    place = re.search(r"Decided by (\w+), \S+, line (\d+)", by_file)
    assert place is not None
    begin = [line for line in lines[int(place[2]) - 1 :][:2] if not line.startswith("@")]
    assert begin[0].startswith(f"def {place[1]}(")
    assert len(without_place.partition("\n")[0]) > len(name) + 30


def test_the_verdicts_are_those_that_the_code_names() -> None:
    always = {"ok", "failed", "unchecked"}
    assert {name for name in CHECKS if "withheld" in verdicts_of(DECIDING[name], SEALED)} == {
        "blobs", "artifacts", "pairs", "pool", "quotas", "lotteries", "solver", "draws", "weights", "training",
        "tokens", "reference", "held-out pairs", "constitution", "replies", "estimates", "judges",
        "published people", "published",
    }  # fmt: skip
    assert verdicts_of(DECIDING["chain"], SEALED) == always
    assert verdicts_of(DECIDING["registry"], SEALED) == always | {"unknown"}
    assert MEANINGS.keys() == always | {"unknown", "withheld"}


def test_no_check_says_more_than_its_explanation(trained: Path, tmp_path: Path) -> None:
    """On both kinds of redacted copies, where half of the checks say "withheld"."""
    seen = set()
    for k in (None, 5):
        for check in verify_all(unzipped(trained, tmp_path / str(k), k)):
            assert check.verdict in verdicts_of(DECIDING[check.name], SEALED), check
            seen |= {check.name} if check.verdict == "withheld" else set()
    able = {name for name in CHECKS if "withheld" in verdicts_of(DECIDING[name], SEALED)}
    nothing = {"held-out pairs", "published people", "published"}
    assert seen == able - nothing, "this run holds none out, and nothing published is in it"


def unzipped(root: Path, folder: Path, k: int | None) -> Path:
    """A redacted copy of a run."""
    folder.mkdir()
    export_run(root, folder / "run.zip", redact=True, k=k, told=lambda what, done, total: None)
    with zipfile.ZipFile(folder / "run.zip") as bundle:
        bundle.extractall(folder / "copy")
    return folder / "copy"


def test_an_unknown_check_is_refused_with_the_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert both_verifiers.shipped().main(both_verifiers.shipped().WRITTEN, ["--explain", "nothing"]) == 2
    assert "there is no check 'nothing'; the checks are file, schema" in capsys.readouterr().err
    done = dempo("verify", "--explain", "nothing")
    assert (done.returncode, "there is no check 'nothing'" in done.stderr) == (2, True)


@pytest.mark.parametrize("name", ["verify.py", "chain.py"])
def test_anybody_with_a_release_can_print_its_files(name: str) -> None:
    """As docs/verifiers.md says."""
    command = [sys.executable, "-m", "storage.verifier.shipped", *([name] if name == "chain.py" else [])]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=120).stdout
    assert hashlib.sha256(printed).hexdigest() == released_digest(name)
    assert "python -m storage.verifier.shipped" in (ROOT / "docs" / "verifiers.md").read_text(encoding="utf-8")


def test_the_table_of_releases_names_none_that_does_not_exist() -> None:
    rows = [line for line in (ROOT / "docs" / "verifiers.md").read_text().splitlines() if line.startswith("| ")]
    tags = subprocess.run(["git", "tag"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    assert {row.split()[1] for row in rows[1:]} <= set(tags)
