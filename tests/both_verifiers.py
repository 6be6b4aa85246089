"""What `dempo verify` says of a record, once the shipped verify.py has said the same in every word."""

from __future__ import annotations

import sys
import tempfile
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from storage.verifier.shipped import verifier_text
from storage.verify import Check, verify_all

NEEDS_MORE = {"solver", "updates"}
"""Checks about which the standard library alone may have to say "unknown"."""


@cache
def shipped() -> ModuleType:
    """The shipped file, loaded here so that many small records are checked quickly."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "verify.py")
        path.write_text(verifier_text(), encoding="utf-8")
        spec = spec_from_file_location("shipped_verifier", path)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[spec.name] = module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


def checked(root: Path, key: Path | None = None, head: Path | None = None) -> dict[str, Check]:
    """The verdicts by name."""
    by_program = verify_all(root, key, head)
    by_file = [Check(**check.row()) for check in shipped().verify_alone(root, shipped().WRITTEN, key, head)]
    same(by_file, by_program)
    return {check.name: check for check in by_program}


def same(by_file: list[Check], by_program: list[Check]) -> None:
    """Both say the same of every check; about some the file may say less."""
    assert [check.name for check in by_file] == [check.name for check in by_program]
    for one, other in zip(by_file, by_program, strict=True):
        if one.verdict != "unknown" or one.name not in NEEDS_MORE:
            assert one == other, (one, other)
