"""An engine that judges is killed ten times, at a server with faults of all kinds: nothing that was paid for is lost.

The server knows what it was asked, and how often: a call is known by the seed of its request.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from chat_server import Answer, ChatServer, Raw, body, by_length, error, serving
from commands import dempo
from night import TODAY, size
from verified_runs import TINY, small_demo

from core.errors import JudgeError
from core.facts.judging.requests import judging_parameters
from storage.record.reader import Reader
from storage.verify import verify

CHECKOUT = Path(__file__).parent.parent
CONCURRENCY, KILLS, QUESTIONS = 16, 10, 50
RANKINGS = size(30, 300)
CALLS = QUESTIONS * RANKINGS
MOST_ENGINES = 5
"""That a call fails twice in one engine's life is rare; each engine after it asks again."""


@dataclass
class Faulty:
    """A judge of which every tenth answer is a fault; it kills the engine when it was asked so many times."""

    chance: random.Random
    kill_at: list[int] = field(default_factory=list)
    asked: Counter[int] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    engine: subprocess.Popen[bytes] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    never: threading.Event = field(default_factory=threading.Event)

    def __call__(self, request: dict[str, Any], number: int) -> Answer:
        with self.lock:
            self.asked[request["seed"]] += 1
            fault = self.chance.choice(["500", "429", "broken", "slow", "reset"]) if self.chance.random() < 0.1 else ""
            self.faults[fault] += 1
            if self.kill_at and number >= self.kill_at[0] and self.engine is not None:
                del self.kill_at[0]
                threading.Timer(self.chance.uniform(0, 0.05), self.engine.kill).start()
                self.engine = None
        if fault == "slow":
            self.never.wait(0.3)
        faults: dict[str, Answer] = {
            "500": (500, error("oops")),
            "429": (429, error("slow down"), {"retry-after-ms": "50"}),
            "broken": body(b'{"choices": [{"mess'),
            "reset": Raw([]),
        }
        return faults.get(fault, (200, by_length(request)))


def engine(root: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tui", "resume", str(root), "--quiet"],
        cwd=CHECKOUT,
        env=os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def seeds(root: Path, outcomes: str) -> Counter[int]:
    """The seeds of the requests of which such outcomes are recorded, and how many of each."""
    rows = Reader(root).query(
        "SELECT payload->>'$.judge' AS judge, payload->>'$.question_id' AS question FROM events "
        f"WHERE kind = 'judge.called' AND payload->>'$.outcome' {outcomes}"
    )
    found: Counter[int] = Counter()
    for row in rows:
        label, _, index = str(row["judge"]).rpartition("#")
        found[judging_parameters(0, label, int(index), str(row["question"]), 0.0, 1024)["seed"]] += 1
    return found


def judged_until_killed(root: Path, faulty: Faulty) -> None:
    """Runs an engine until the server has it killed."""
    process = engine(root)
    with faulty.lock:
        faulty.engine = process
    _, errors = process.communicate(timeout=600)
    assert process.returncode == -9, (process.returncode, errors.decode())


def prepared(folder: Path, server: ChatServer) -> Path:
    """A run of which only judging is left."""
    one = (
        f'{{kind = "openai", model = "m", rankings = {RANKINGS}, base_url = "{server.url}", '
        f"concurrency = {CONCURRENCY}, timeout = 20.0}}"
    )
    sizes = ["answer.clauses=5", f"answer.per_clause={QUESTIONS // 5}", "answer.batch=25"]
    root = small_demo(folder, [*TINY, *sizes, f"judge.judges=[{one}]"], QUESTIONS // 5)
    done = dempo("resume", root, "--until", "answer", "--quiet")
    assert done.returncode == 0, done.stderr
    return root


@pytest.mark.long
@pytest.mark.night
@pytest.mark.timeout(5400)
def test_an_engine_that_is_killed_ten_times_asks_nothing_again_that_it_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_CUSTOM_HEADERS", "DEMPO_KEY_HOSTS"):
        monkeypatch.delenv(name, raising=False)
    chance = random.Random(f"killed {TODAY}")
    faulty = Faulty(chance, sorted(chance.sample(range(CALLS // 50, CALLS), KILLS)))
    with serving(faulty) as server:
        root = prepared(tmp_path, server)
        settled: dict[int, int] = {}
        for _ in range(KILLS):
            judged_until_killed(root, faulty)
            recorded, failed = seeds(root, "<> 'failed'"), seeds(root, "= 'failed'")
            asked = Counter(faulty.asked)
            lost = set(asked) - set(recorded) - set(failed)
            assert len(lost) <= CONCURRENCY, "only what was in flight is asked again"
            settled |= {seed: asked[seed] for seed in recorded if seed not in settled}
        for _ in range(MOST_ENGINES):
            process = engine(root)
            _, errors = process.communicate(timeout=3600)
            assert process.returncode in (0, JudgeError.exit_code), errors.decode()
            if process.returncode == 0:
                break
    assert len(settled) > CALLS // 4, "the kills came while it judged"
    assert {seed: faulty.asked[seed] for seed in settled} == settled, "what was recorded is never asked again"
    recorded = seeds(root, "<> 'failed'")
    assert len(recorded) == CALLS, "every call has a seed of its own, and an outcome"
    assert set(recorded.values()) == {1}
    assert set(faulty.asked) == set(recorded)
    assert min(faulty.faults[fault] for fault in ("500", "429", "broken", "slow", "reset")) > 0
    view = Reader(root).query("SELECT count(*) AS n FROM judge_calls WHERE outcome = 'ranked'")
    assert view[0]["n"] == CALLS
    assert [check.name for check in verify(root) if check.verdict == "failed"] == []
    status = json.loads(dempo("show", root, "--json").stdout)
    assert status["status"] == "completed"
