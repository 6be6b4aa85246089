"""`make bench-judging`: what a judge behind an endpoint costs this program. Prints a table; nothing is asserted.

A server on this machine, in a process of its own, takes `SLEEP` seconds for each call and works on any number of them.
The stage asks it as in a run, and records into a database. How many calls were in flight is counted by the server: the
share of slots busy is that number over `CONCURRENCY`, from the end of the ramp (the first moment at which all slots
were busy) until the last call was begun.

    python tests/bench_judging.py [CALLS]
"""

from __future__ import annotations

import asyncio
import http.client
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

CONCURRENCY, SLEEP, CALLS = 256, 2.0, 7680
CONDITIONS = ("base", "full", "us_rep", "hard", "soft")
ANSWER = 900
"""Characters of an answer, about as many as those of models of the paper's size have."""

Change = tuple[float, int]
"""A moment, and how many calls were in flight from then on."""


# ---------------------------------------------------------------- the server


REPLY = json.dumps(
    {
        "choices": [
            {"finish_reason": "stop", "message": {"role": "assistant", "content": '{"ranking": ["B","A","C","E","D"]}'}}
        ],
        "usage": {"prompt_tokens": 1200, "completion_tokens": 12},
        "system_fingerprint": "bench",
    }
).encode()
HEAD = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n"


class Server:
    """Answers every call after `sleep` seconds; a GET is answered with all changes so far."""

    def __init__(self, sleep: float) -> None:
        self.sleep = sleep
        self.inside = 0
        self.changes: list[Change] = []

    def changed(self, by: int) -> None:
        self.inside += by
        self.changes.append((time.monotonic(), self.inside))

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one connection, call after call."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                body = json.dumps(self.changes).encode()
                if head.startswith(b"POST"):
                    await reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]))
                    self.changed(+1)
                    await asyncio.sleep(self.sleep)
                    self.changed(-1)
                    body = REPLY
                writer.write(HEAD.format(len(body)).encode() + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def serve(self) -> None:
        """Prints its port, and serves until its standard input ends."""
        server = await asyncio.start_server(self.connection, "127.0.0.1", 0, backlog=2 * CONCURRENCY)
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)
        os._exit(0)


# ---------------------------------------------------------------- what is measured


def busy(changes: Sequence[Change], begin: float, end: float) -> float:
    """The mean number of calls in flight between two moments."""
    area = 0.0
    for (moment, inside), (until, _) in itertools.pairwise(changes):
        area += inside * max(0.0, min(until, end) - max(moment, begin))
    return area / (end - begin)


def judged(url: str, calls: int, folder: Path, concurrency: int = CONCURRENCY) -> tuple[float, float]:
    """Seconds and processor seconds of this process for so many calls."""
    from records import genesis

    from core.config import RunConfig
    from core.data.pseudonyms import PLANTED
    from core.evaluation.answers import Answers
    from core.evaluation.stage import judge
    from core.run_folder import RunFolder
    from core.stage import Context
    from core.types import Question
    from storage.record.log import Log

    one = {"kind": "openai", "model": "judge", "rankings": 5, "concurrency": concurrency, "base_url": url}
    config = RunConfig.model_validate({"run": {"name": "bench"}, "data": {}, "judge": {"judges": [one]}})
    asked = tuple(Question(f"1:{i}", 1, "Be kind.", f"Question {i}?") for i in range(calls // 5))
    texts = {(c, q.question_id): f"{c}, {q.question_id}: ".ljust(ANSWER, ".") for c in CONDITIONS for q in asked}
    with Log.create(RunFolder(folder), genesis(folder.name), PLANTED) as log:
        ctx = Context("judge", config, log, RunFolder(folder))
        begun, spent = time.perf_counter(), time.process_time()
        judge(ctx, Answers(asked, CONDITIONS, texts, Path("base")))
        return time.perf_counter() - begun, time.process_time() - spent


def main(calls: int = CALLS, concurrency: int = CONCURRENCY, sleep: float = SLEEP) -> None:
    """Measures and prints."""
    command = [sys.executable, __file__, "--serve", str(sleep)]
    with (
        tempfile.TemporaryDirectory() as scratch,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server,
    ):
        assert server.stdout is not None, "it was asked for"
        port = int(server.stdout.readline())
        seconds, cpu = judged(
            f"http://127.0.0.1:{port}/v1", calls, Path(scratch) / "20260101-000000-bench", concurrency
        )
        asking = http.client.HTTPConnection("127.0.0.1", port)
        asking.request("GET", "/")
        changes: list[Change] = [(moment, inside) for moment, inside in json.loads(asking.getresponse().read())]
        asking.close()
        server.communicate()
    numbers = [inside for _, inside in changes]
    full = next((moment for moment, inside in changes if inside == max(numbers)), changes[0][0])
    last = max(later[0] for earlier, later in itertools.pairwise(changes) if later[1] > earlier[1])
    begin, end = changes[0][0], changes[-1][0]
    rows = [
        (f"{len(numbers) // 2:,} calls, {concurrency} at once, {sleep:g} s each at the server", f"{seconds:.0f} s"),
        ("most calls in flight, as the server counted", f"{max(numbers)}"),
        ("ramp: until all slots were busy (one call first, one more for each success)", f"{full - begin:.1f} s"),
        ("slots busy after the ramp, until the last call was begun", f"{busy(changes, full, last) / concurrency:.1%}"),
        ("slots busy over the whole run", f"{busy(changes, begin, end) / concurrency:.1%}"),
        ("calls per second after the ramp", f"{busy(changes, full, last) / sleep:.0f} of {concurrency / sleep:.0f}"),
        ("processor time of the engine per call", f"{1000 * cpu / calls:.2f} ms"),
    ]
    for what, value in rows:
        print(f"| {what} | {value} |", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        asyncio.run(Server(float(sys.argv[2])).serve())
    else:
        main(*map(int, sys.argv[1:]))
