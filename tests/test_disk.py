"""What `dempo doctor` predicts is enough, and not many times too much."""

from __future__ import annotations

from pathlib import Path

import pytest
from records import done, genesis, small_record

from core.config import RunConfig
from core.config_file import load_config
from core.data.pseudonyms import PLANTED
from core.events import AnswerGiven, JudgeCalled, Text, digest
from core.run_folder import RunFolder
from storage.record.log import Log
from tui.commands.runs import disk
from tui.commands.runs.disk import PAPER, Size, disk_rows, predict, size_of

EXAMPLES = Path(__file__).parent.parent / "examples"
SIZE = Size(conditions=4, questions=60, rankings=5, answer_tokens=200, reply_tokens=400, steps=0)


def text(seed: str, length: int) -> tuple[Text, bytes]:
    body = (digest(seed.encode()) * (length // 64 + 1))[:length].encode()
    return Text(sha256=digest(body)), body


def full_record(runs: Path) -> Path:
    """A record in which every text is as long as it may be."""
    root = runs / "20260101-000000-full"
    names = [f"c{i}" for i in range(SIZE.conditions)]
    with Log.create(RunFolder(root), genesis(root.name), PLANTED) as log:
        log._db.execute("PRAGMA synchronous=OFF")
        for q in range(SIZE.questions):
            for name in names:
                ref, body = text(f"{q}{name}", 4 * SIZE.answer_tokens)
                event = AnswerGiven(
                    condition=name, question_id=str(q), clause_id=1, answer=ref, tokens=200, finish="stop"
                )
                log.record("answer", [event, done()], unit=(f"{name}:{q}", 1), blobs=[body])
            for judge in range(SIZE.rankings):
                prompt, asked = text(f"p{q}{judge}", 4 * 4 * SIZE.answer_tokens + 2000)
                reply, said = text(f"r{q}{judge}", 4 * SIZE.reply_tokens)
                call = JudgeCalled(
                    question_id=str(q),
                    clause_id=1,
                    judge=f"judge#{judge}",
                    judge_kind="openai",
                    outcome="ranked",
                    shown_order=names,
                    ranking=names,
                    attempts=1,
                    prompt=prompt,
                    reply=reply,
                    request_key=digest(b""),
                    rule=1,
                    seconds=1.0,
                )
                log.record("judge", [call, done()], unit=(f"{q}:{judge}", 1), blobs=[asked, said])
    return root


def test_a_record_takes_no_more_than_predicted_and_not_much_less(tmp_path: Path) -> None:
    found = (full_record(tmp_path) / "audit.db").stat().st_size
    assert found <= predict(SIZE).record <= 1.6 * found


def test_the_paper_sized_run_fits_what_it_should() -> None:
    assert 100 * 1024**2 < predict(PAPER).record < 300 * 1024**2


def test_the_size_comes_from_the_configuration() -> None:
    config: RunConfig = load_config(EXAMPLES / "prism-small.toml").config
    assert config.answer is not None
    size = size_of(config, 150)
    assert (size.conditions, size.questions) == (len(config.conditions), 150)
    assert size.answer_tokens == config.answer.max_tokens


def test_doctor_names_the_largest_run_and_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [row["name"] for row in disk_rows(tmp_path / "none")] == ["disk of a run"]
    small_record(tmp_path, "20260101-000000-small")
    large = small_record(tmp_path, "20260102-000000-large")
    (large / "artifacts" / "a").write_bytes(bytes(2**20))
    rows = disk_rows(tmp_path)
    assert "20260102-000000-large" in rows[1]["detail"]
    monkeypatch.setattr(disk, "free_at", lambda _: 1024**2)
    assert all(row["state"] == "note" and "only 1 MiB are free" in row["detail"] for row in disk_rows(tmp_path))
