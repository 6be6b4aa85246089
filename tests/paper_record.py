"""A record of the size of a paper's run, or several times as large, and what a process pays to look at it.

    python paper_record.py ROOT WHAT     prints JSON: seconds, and the peak memory of the process in MiB

Five conditions, 3,000 questions, five judges: 15,000 answers, 15,000 judge calls, 75,000 ranked places. An answer takes
900 bytes and a judge's prompt all five of them, as with the 256 tokens that the paper's runs allow.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from records import genesis, step  # noqa: E402

from core.data.pseudonyms import PLANTED  # noqa: E402
from core.events import (  # noqa: E402
    AnswerGiven,
    JudgeCalled,
    LotteryPanel,
    LotterySolved,
    LotteryTypes,
    PoolBuilt,
    PoolRater,
    PoolType,
    Text,
    UnitCompleted,
    digest,
)
from core.run_folder import RunFolder  # noqa: E402
from core.training.prediction.peak import most_resident  # noqa: E402
from storage.record.log import Log  # noqa: E402
from storage.record.reader import Reader  # noqa: E402
from storage.verify import verify  # noqa: E402

CONDITIONS = ("base", "full", "us_rep", "hard", "soft")
QUESTIONS, JUDGES, RATERS, PANEL, PANELS = 3_000, 5, 1_500, 100, 200
ANSWER, PROMPT, REPLY = 900, 1_500, 300
"""Bytes of an answer, of a prompt without its answers, and of a reply."""

WIN_MATRIX = """SELECT a.condition AS winner, b.condition AS loser, count(*) AS wins FROM rankings a
JOIN rankings b ON a.question_id = b.question_id AND a.judge = b.judge AND a.position < b.position GROUP BY 1, 2"""

PI = """SELECT t.lottery, t.type, sum(p.probability * x.count) / t.size AS pi FROM types t
JOIN panel_types x ON x.lottery = t.lottery AND x.type = t.type
JOIN panels p ON p.lottery = x.lottery AND p.panel = x.panel GROUP BY 1, 2"""


def write_record(root: Path, times: int) -> None:
    """Writes the record without waiting for the disk after each of its units: thirty thousand commits take minutes."""
    generator = random.Random(times)
    with Log.create(RunFolder(root), genesis(root.name), PLANTED) as log:
        log._db.execute("PRAGMA synchronous=OFF")
        _lottery(log, times)
        for condition in CONDITIONS[1:]:
            log.record("train", [step(number, condition=condition) for number in range(1, 501)])
        for question in range(QUESTIONS * times):
            _question(log, question, generator)


def _words(generator: random.Random, length: int) -> str:
    return generator.randbytes(length // 2).hex()


def _text(body: str) -> tuple[Text, bytes]:
    return Text(sha256=digest(body.encode())), body.encode()


def _lottery(log: Log, times: int) -> None:
    generator, raters = random.Random(0), RATERS * times
    type_of = sorted(generator.randrange(raters // 2) for _ in range(raters))
    numbers = {old: new for new, old in enumerate(dict.fromkeys(type_of))}
    sizes = [0] * len(numbers)
    for old in type_of:
        sizes[numbers[old]] += 1
    types = [PoolType(type=t, categories=[f"age {t % 7}", f"place {t}"], size=size) for t, size in enumerate(sizes)]
    people = [
        PoolRater(rater_id=f"r{digest(str(i).encode())[:11]}", type=numbers[old], pairs=40)
        for i, old in enumerate(type_of)
    ]
    built = PoolBuilt(attributes=["age", "place"], raters=people, types=types, survey_only=0)
    log.record("pool", [built, UnitCompleted(seconds=0.0)], unit=("pool", 1))
    pi, panels = [0.0] * len(types), []
    for panel in range(PANELS):
        chosen = sorted(generator.sample(range(len(types)), PANEL))
        for t in chosen:
            pi[t] += 1 / PANELS / sizes[t]
        numerator = str(2**53 // PANELS + (2**53 % PANELS if panel == 0 else 0))
        counts = [(t, 1) for t in chosen]
        panels.append(
            LotteryPanel(lottery="l", panel=panel, numerator=numerator, probability=1 / PANELS, counts=counts)
        )
    solved = LotterySolved(
        lottery="l",
        algorithm="random",
        method="made up for a benchmark",
        estimated=False,
        panels=PANELS,
        pi=pi,
        max_difference=0.0,
        solver={},
    )
    listed = LotteryTypes(lottery="l", attributes=["age", "place"], types=types)
    log.record("lottery", [listed, *panels, solved, UnitCompleted(seconds=0.0)], unit=("l", 1))


def _question(log: Log, question: int, generator: random.Random) -> None:
    clause, named = question // 40 + 1, f"c{question // 40}-q{question}"
    answers = {condition: _words(generator, ANSWER) for condition in CONDITIONS}
    for condition, words in answers.items():
        given, body = _text(words)
        event = AnswerGiven(
            condition=condition, question_id=named, clause_id=clause, answer=given, tokens=225, finish="stop"
        )
        log.record("answer", [event, UnitCompleted(seconds=0.5)], unit=(f"{condition}:{named}", 1), blobs=[body])
    for judge in range(JUDGES):
        shown = generator.sample(CONDITIONS, len(CONDITIONS))
        prompt, asked = _text(_words(generator, PROMPT) + "".join(answers[condition] for condition in shown))
        reply, said = _text(_words(generator, REPLY))
        call = JudgeCalled(
            question_id=named,
            clause_id=clause,
            judge=f"judge#{judge}",
            judge_kind="openai",
            outcome="ranked",
            shown_order=shown,
            ranking=generator.sample(CONDITIONS, len(CONDITIONS)),
            attempts=1,
            prompt=prompt,
            reply=reply,
            prompt_tokens=1500,
            completion_tokens=75,
            request_key=digest(named.encode()),
            rule=1,
            seconds=1.5,
        )
        log.record("judge", [call, UnitCompleted(seconds=1.5)], unit=(f"{named}:judge#{judge}", 1), blobs=[asked, said])


def _verified(root: Path) -> str:
    checks = verify(root)
    return f"{sum(check.verdict == 'ok' for check in checks)} of {len(checks)} checks ok"


def _opened(root: Path) -> str:
    with Log.open(RunFolder(root)) as log:
        return f"{log.head[0]:,} events"


WORK: dict[str, Callable[[Path], str]] = {
    "nothing": lambda root: "only the program",
    "verify": _verified,
    "open": _opened,
    "win matrix": lambda root: f"{len(Reader(root).query(WIN_MATRIX))} rows",
    "pi": lambda root: f"{len(Reader(root).query(PI))} types",
}


def main() -> None:
    """Does one thing with a record and says what it cost."""
    root, what = Path(sys.argv[1]), sys.argv[2]
    begun = time.perf_counter()
    told = WORK[what](root)
    seconds = time.perf_counter() - begun
    print(json.dumps({"seconds": seconds, "peak": round(most_resident() / 2**20, 1), "told": told}))


if __name__ == "__main__":
    main()
