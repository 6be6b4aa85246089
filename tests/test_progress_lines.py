"""`--progress`: how far a command is, in lines of JSON on standard error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from commands import answered, dempo
from test_registry import make_run


def lines_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_a_verification_tells_each_check_with_its_verdict(tmp_path: Path) -> None:
    ended = dempo("verify", make_run(tmp_path, "one"), "--progress", "--json")
    lines, checks = lines_of(ended.stderr), answered(ended)["checks"]
    told = [(line["step"], line["verdict"]) for line in lines if "verdict" in line]
    assert told == [(check["name"], check["verdict"]) for check in checks]
    assert (lines[0]["done"], lines[0]["total"]) == (0, 0)
    assert (lines[-1]["done"], lines[-1]["total"]) == (len(checks), len(checks))
    assert lines_of(dempo("verify", make_run(tmp_path, "two"), "--json").stderr) == []


@pytest.mark.parametrize("command", ["export", "replay"])
def test_other_commands_tell_their_steps(tmp_path: Path, command: str) -> None:
    to = ("--to", tmp_path / "x.zip") if command == "export" else ()
    ended = dempo(command, make_run(tmp_path, "one"), *to, "--progress", "--json")
    lines = lines_of(ended.stderr)
    assert ended.returncode == 0
    assert all({"step", "done", "total", "detail"} == {*line} for line in lines)
    assert bool(lines) == (command == "export")  # nothing is recorded that could be repeated
