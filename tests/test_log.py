"""The writer: what is acknowledged stays, nothing recorded can be changed, and one engine writes at a time."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from records import answer, done, genesis, small_record, step
from tampering import edited, tampered

from core.data.pseudonyms import PLANTED
from core.events import OperatorAction
from core.run_folder import RunFolder
from storage.errors import StorageError
from storage.record.codec import canonical, parse
from storage.record.log import Log
from storage.record.reader import Reader
from storage.verify import verify


def test_completed_units_are_read_back_as_their_last_completed_attempt(tmp_path: Path) -> None:
    with Log.open(RunFolder(small_record(tmp_path))) as log:
        assert log.completed("train") == {"full/0001": (step(1, 0.7), step(2, 0.6))}
        log.record("train", [step(3)], unit=("full/0002", 1))
        assert "full/0002" not in log.completed("train")
        assert log.attempts("train") == {"full/0001": 2, "full/0002": 1}


def test_the_chain_goes_on_where_an_earlier_engine_left_it(tmp_path: Path) -> None:
    root = small_record(tmp_path)
    with Log.open(RunFolder(root)) as log:
        before = log.head
        log.record("run", [OperatorAction(action="resume")])
        assert log.head[0] == before[0] + 1
    assert all(check.verdict in ("ok", "unknown") for check in verify(root))


def test_a_second_engine_is_refused_and_told_which_process_holds_the_run(tmp_path: Path) -> None:
    folder = RunFolder(small_record(tmp_path))
    with Log.open(folder), pytest.raises(StorageError, match=f"another engine \\(process {os.getpid()}\\)"):
        Log.open(folder)
    Log.open(folder).close()


def test_a_run_folder_is_never_reused(tmp_path: Path) -> None:
    root = small_record(tmp_path)
    with pytest.raises(StorageError, match="File exists"):
        Log.create(RunFolder(root), genesis(root.name), PLANTED)


def test_a_record_with_another_schema_is_not_continued(tmp_path: Path) -> None:
    root = small_record(tmp_path)
    with sqlite3.connect(root / "audit.db") as db:
        db.execute("DROP TRIGGER events_no_update")
    with pytest.raises(StorageError, match="its schema is not one"):
        Log.open(RunFolder(root))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET stage = 'x' WHERE seq = 2",
        "DELETE FROM events WHERE seq = 2",
        "INSERT OR REPLACE INTO events SELECT * FROM events WHERE seq = 2",
        "INSERT INTO events SELECT seq + 50, at, stage, kind, payload, prev, hash FROM events WHERE seq = 2",
        "UPDATE blobs SET body = x'00'",
        "DELETE FROM blobs",
    ],
)
def test_triggers_stop_accidents(tmp_path: Path, statement: str) -> None:
    root = small_record(tmp_path)
    with sqlite3.connect(root / "audit.db") as db, pytest.raises(sqlite3.IntegrityError):
        db.execute(statement)


def test_replacing_a_blob_keeps_the_first_body(tmp_path: Path) -> None:
    root = small_record(tmp_path)
    with sqlite3.connect(root / "audit.db") as db:
        (key,) = db.execute("SELECT sha256 FROM blobs").fetchone()
        db.execute("INSERT OR REPLACE INTO blobs VALUES (?, ?)", (key, b"forged"))
    assert Reader(root).query("SELECT CAST(body AS TEXT) AS body FROM blobs WHERE NOT instr(body, 'salt')") == [
        {"body": "An answer."}
    ]


def test_nothing_of_a_transaction_is_kept_where_a_part_of_it_fails(tmp_path: Path) -> None:
    root = small_record(tmp_path)
    with Log.open(RunFolder(root)) as log:
        event, body = answer(b"second", "1:1")
        log._seq += 5  # a number too far: the append trigger refuses the event, after its blob went in
        with pytest.raises(StorageError, match="appended in order"):
            log.record("answer", [event], blobs=[body])
        assert Reader(root).query("SELECT count(*) AS blobs FROM blobs WHERE NOT instr(body, 'salt')") == [{"blobs": 1}]
        log._seq -= 5
        log.record("answer", [event, done()], unit=("full/0002", 1), blobs=[body])
    assert all(check.verdict in ("ok", "unknown") for check in verify(root))


def test_a_full_disk_is_a_sentence_and_the_record_goes_on_when_there_is_space(tmp_path: Path) -> None:
    root = small_record(tmp_path)
    script = """
        import resource, signal, sys
        from pathlib import Path
        from core.events import OperatorAction
        from core.run_folder import RunFolder
        from storage.errors import StorageError
        from storage.record.log import Log
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        with Log.open(RunFolder(Path(sys.argv[1]))) as log:
            size = max(p.stat().st_size for p in Path(sys.argv[1]).glob("audit.db*"))
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + 40_000, resource.RLIM_INFINITY))
            written = 0
            try:
                for i in range(10_000):
                    log.record("run", [OperatorAction(action="note", detail="x" * 500)])
                    written += 1
            except StorageError as error:
                print(written, error)
    """
    done = run_python(script, root)
    written, sentence = done.stdout.split(" ", 1)
    assert "the disk" in sentence
    assert len(Reader(root).view("operator_actions")) == int(written)
    with Log.open(RunFolder(root)) as log:
        log.record("run", [OperatorAction(action="resume")])
    assert all(check.verdict in ("ok", "unknown") for check in verify(root))


def run_python(script: str, root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(root)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=Path(__file__).parent.parent,
    )


@pytest.mark.long
def test_no_acknowledged_event_is_lost_by_kill_9(tmp_path: Path) -> None:
    script = """
        import sys
        from pathlib import Path
        from core.events import OperatorAction
        from core.run_folder import RunFolder
        from storage.record.log import Log
        with Log.open(RunFolder(Path(sys.argv[1]))) as log:
            for i in range(100_000):
                log.record("run", [OperatorAction(action="note", detail=str(i))])
                print(i, flush=True)
    """
    for round_number in range(4):
        root = small_record(tmp_path, f"20260101-00000{round_number}-small")
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(script), str(root)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parent.parent,
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.05 * (round_number + 1))
        process.send_signal(signal.SIGKILL)
        told = [int(line) for line in process.stdout.read().splitlines()]
        process.wait()
        kept = [int(row["detail"]) for row in Reader(root).view("operator_actions")]
        assert kept[: len(told) + 1] == list(range(len(told) + 1))
        assert all(check.verdict in ("ok", "unknown") for check in verify(root))
        with Log.open(RunFolder(root)) as log:
            log.record("run", [OperatorAction(action="resume")])


# Made once and not in the function below: that runs while values are drawn, and looks at every character there is.
json_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-(2.0**53), 2.0**53) | json_texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(json_texts, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["a", "b", "é", "𝄞"]), json_values))
def test_canonical_json_reads_back_exactly_and_does_not_depend_on_order(payload: dict[str, object]) -> None:
    text = canonical(payload)
    assert parse(text)[0] == payload
    assert canonical(dict(reversed(payload.items()))) == text


def test_canonical_json_of_rfc_8785() -> None:
    """The example of RFC 8785, section 3.2.4 (numbers and sorting; the string's escapes by hand)."""
    numbers = [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001]
    text = canonical({"numbers": numbers, "literals": [None, True, False], "\u20ac": "Euro Sign", "\r": "CR"})
    assert text == (
        '{"\\r":"CR","literals":[null,true,false],'
        '"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"\u20ac":"Euro Sign"}'
    )


def test_text_that_json_cannot_hold_is_replaced_in_payloads() -> None:
    assert canonical({"a": "x\0y\ud800"}) == '{"a":"x\ufffdy\ufffd"}'


def test_an_engine_goes_on_from_whole_events_only(tmp_path: Path) -> None:
    """What is sealed and lost is a sentence that names the text; so is a field that this version does not write."""
    root = small_record(tmp_path)
    parts = Reader(root).query("SELECT payload->>'$.sealed.private.sha256' AS name FROM events WHERE seq = 1")
    lost = tampered(
        root, tmp_path / "a", lambda db: db.execute("DELETE FROM blobs WHERE sha256 = ?", list(parts[0].values()))
    )
    with Log.open(RunFolder(lost)) as log, pytest.raises(StorageError, match="the text [0-9a-f]{12}… is missing; run"):
        log.genesis()
    forged = tampered(root, tmp_path / "b", edited("answer.given", lambda values: values.update(tokens="many")))
    with (
        Log.open(RunFolder(forged)) as log,
        pytest.raises(StorageError, match="'answer.given' is none that this version"),
    ):
        log.completed("answer")
