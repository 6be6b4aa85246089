"""Commands of dempo in this process: no second interpreter loads what the tests have loaded already.

Tests of signals, locks, limits and of the start of the program itself use processes of their own.
"""

from __future__ import annotations

import io
import json
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from typing import Any, NamedTuple
from unittest.mock import patch

import typer.main

from tui import opening

_tree_of = cache(typer.main.get_command)
"""The tree of all commands, which a process of `dempo` makes once; here it is for all commands of a process."""


class Ended(NamedTuple):
    """How a command ended, and what it printed."""

    returncode: int
    stdout: str
    stderr: str


def dempo(*arguments: object, **variables: str) -> Ended:
    """What `dempo ARGUMENTS` prints and how it ends, without a terminal; `variables` are of the environment."""
    words = ["dempo", *map(str, arguments)]
    out, err, code = io.StringIO(), io.StringIO(), 0
    with (
        patch.dict(os.environ, {"COLUMNS": "100", **variables}),
        patch.object(sys, "argv", words),
        patch.object(sys, "stdin", io.StringIO()),
        patch.object(typer.main, "get_command", _tree_of),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            opening.main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
    return Ended(code, out.getvalue(), err.getvalue())


def told(ended: Ended, code: int) -> str:
    """Standard error of a command that ended with `code` and a sentence."""
    assert ended.returncode == code, ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stderr


def answered(ended: Ended) -> Any:
    """The JSON of a command that went well."""
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)
