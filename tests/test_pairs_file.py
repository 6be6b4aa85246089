"""The file of pairs: its exact bytes for a small case, and that a stranger can read it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from memory_recorder import MemoryRecorder, make_context
from prism_folder import ATTRIBUTES, config, small

from core.data import stage
from core.data.codec import decode_pairs
from core.errors import InputError
from core.events import PairsBuilt

# Written by hand from the docstring of core/data/codec.py and the data of prism_folder.small().
GOLDEN = """\
{"format":"dempo-pairs","version":1,"raters":3,"texts":7,"contexts":2,"pairs":4}
{"locale":"us","us_rep":false,"attributes":{"gender":"Female","ethnicity":"White"}}
{"locale":"uk","us_rep":false,"attributes":{"gender":"Female","ethnicity":"White"}}
{"locale":"us","us_rep":false,"attributes":{"gender":"Male","ethnicity":"White"}}
{"text":"p0"}
{"text":"A"}
{"text":"B"}
{"text":"C"}
{"text":"p1"}
{"text":"E"}
{"text":"D"}
{"messages":[["user",0]]}
{"messages":[["user",0],["assistant",1],["user",4]]}
{"rater":0,"context":0,"chosen":1,"rejected":2}
{"rater":2,"context":0,"chosen":1,"rejected":2}
{"rater":2,"context":0,"chosen":1,"rejected":3}
{"rater":2,"context":1,"chosen":5,"rejected":6}
"""


def test_the_file_has_exactly_the_documented_bytes(tmp_path: Path) -> None:
    recorder = MemoryRecorder()
    ctx = make_context("pairs", config(small().write(tmp_path / "data"), ATTRIBUTES), tmp_path / "run", recorder)
    stage.pairs(ctx)
    artifact = recorder.of_kind(PairsBuilt)[0].artifact
    assert (ctx.folder.artifacts / artifact.sha256).read_text(encoding="utf-8") == GOLDEN
    assert artifact.sha256 == hashlib.sha256(GOLDEN.encode()).hexdigest()
    assert artifact.bytes == len(GOLDEN)


def test_reading_the_file_gives_the_pairs() -> None:
    pairs = decode_pairs(GOLDEN.encode(), ("r0", "r1", "r2"))
    assert [(r.rater_id, r.locale, r.attributes["gender"]) for r in pairs.raters] == [
        ("r0", "us", "Female"),
        ("r1", "uk", "Female"),
        ("r2", "us", "Male"),
    ]
    assert pairs.responses == ("A", "B", "C", "E", "D")
    assert [[(m.role, m.content) for m in context] for context in pairs.contexts] == [
        [("user", "p0")],
        [("user", "p0"), ("assistant", "A"), ("user", "p1")],
    ]
    assert pairs.rater.tolist() == [0, 2, 2, 2]
    assert pairs.context.tolist() == [0, 0, 0, 1]
    assert pairs.chosen.tolist() == [0, 0, 0, 3]
    assert pairs.rejected.tolist() == [1, 1, 2, 4]
    assert all(a.dtype == np.int32 for a in (pairs.rater, pairs.context, pairs.chosen, pairs.rejected))


def test_a_file_of_another_version_is_refused() -> None:
    body = GOLDEN.replace('"version":1', '"version":2').encode()
    with pytest.raises(InputError, match="version 2; this program reads 'dempo-pairs', version 1"):
        decode_pairs(body, ("r0", "r1", "r2"))
