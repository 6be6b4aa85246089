"""A million pairs are tokenised in 1.5 GiB: what is held of each, measured on fewer, in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.long

TESTS = Path(__file__).resolve().parent
MOST = 1.5 * 1024**3 / 1_000_000
"""Bytes a pair may take, with its share of the file, whose pages count while they are looked at."""


def measured(pairs: int, folder: Path) -> dict[str, Any]:
    """What the script says, its tokenizer in one thread: each has a part of the heap, full after some thousands."""
    done = subprocess.run(
        [sys.executable, str(TESTS / "many_tokens.py"), str(pairs), str(folder)],
        env={**os.environ, "PYTHONPATH": str(TESTS.parent), "HF_HUB_OFFLINE": "1", "RAYON_NUM_THREADS": "1"},
        capture_output=True,
        check=True,
        text=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_what_a_pair_takes_of_memory_leaves_room_for_a_million(tmp_path: Path) -> None:
    """Python's lists of the same tokens took 8 kB a pair."""
    few, many = (measured(pairs, tmp_path) for pairs in (2_000, 26_000))
    more = many["pairs"] - few["pairs"]
    assert (more, many["sequences"] > many["pairs"] * 0.9) == (24_000, True)
    assert many["cut_contexts"] > 0
    assert (many["peak"] - few["peak"]) / more < 0.8 * MOST - few["before"] / 1_000_000
    assert (many["file"] - few["file"]) / more == pytest.approx(4 * many["tokens"] / many["pairs"], rel=0.15)
    assert many["peak"] - few["peak"] < 3 * (many["file"] - few["file"])
    assert few["peak"] - few["before"] < 64_000_000, "texts of 512 pairs, each response tokenised with its context"
