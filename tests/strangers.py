"""Folders that belong to somebody else: root reads everything, so it has to lose that right first."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache

import pytest

_RIGHTS = "-dac_override,-dac_read_search"
_WITHOUT = ["setpriv", f"--bounding-set={_RIGHTS}", f"--inh-caps={_RIGHTS}"]


@cache
def as_a_stranger() -> list[str]:
    """What stands before a command so that permissions hold for it; skips the test where that cannot be had."""
    if os.geteuid() != 0:
        return []
    can = shutil.which("setpriv") and subprocess.run([*_WITHOUT, "true"], check=False).returncode == 0
    if not can:
        pytest.skip("root reads everything, and there is no setpriv to prevent it")
    return _WITHOUT
