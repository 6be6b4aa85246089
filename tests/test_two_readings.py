"""A payload that two readers read differently is no payload, however well the chain holds it.

Python knows `{"\\u0070osition": 1}` by its name, and SQLite before 3.45 does not: one signed record would show two
leaderboards. So every payload has to stand in its RFC 8785 form.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from both_verifiers import checked
from mutations import as_bytes
from records import small_record
from tampering import tampered

from storage.check import Check
from storage.verifier.contents.whole import check_events
from storage.verifier.ground.finding import concluded
from storage.verifier.ground.reading import read_record
from storage.verifier.writer_facts import tree_facts

Rewrite = Callable[[str], str]


def escaped(key: str) -> Rewrite:
    """The first letter of a key as a JSON escape."""
    return lambda text: text.replace(f'"{key}":', f'"\\u{ord(key[0]):04x}{key[1:]}":')


def reordered(text: str) -> str:
    return json.dumps(dict(reversed(json.loads(text).items())), ensure_ascii=False, separators=(",", ":"))


def spaced(text: str) -> str:
    return json.dumps(json.loads(text), ensure_ascii=False)


def replaced(old: str, new: str) -> Rewrite:
    return lambda text: text.replace(old, new, 1)


READINGS: dict[str, tuple[str, Rewrite]] = {
    **{
        f"an escaped key {key} of {kind}": (kind, escaped(key))
        for kind, key in (
            ("judge.called", "outcome"),
            ("judge.called", "ranking"),
            ("leaderboard.computed", "score"),
            ("leaderboard.computed", "rows"),
            ("unit.completed", "unit"),
            ("lottery.solved", "method"),
            ("draw.made", "panel"),
            ("draw.made", "outcome"),
            ("condition.planned", "raters"),
        )
    },
    "white space": ("leaderboard.computed", spaced),
    "another order of keys": ("leaderboard.computed", reordered),
    "-0.0": ("lottery.diagnosed", replaced(":0,", ":-0.0,")),
    "a number with more digits": ("train.step", replaced('"step":1,', '"step":1.0,')),
    "a lone surrogate": ("engine.stopped", replaced('"outcome":"', '"outcome":"\\ud800')),
    "an escaped letter of a text": ("engine.started", replaced('"program":"c', '"program":"\\u0063')),
    "a key named twice": ("leaderboard.computed", replaced("{", '{"method":"x",')),
}


@pytest.mark.parametrize("what", READINGS)
def test_a_payload_with_two_readings_is_named(what: str, trained: Path, tmp_path: Path) -> None:
    kind, rewrite = READINGS[what]
    first = 0

    def change(db: sqlite3.Connection) -> None:
        nonlocal first
        rows = db.execute("SELECT seq, payload FROM events WHERE kind = ? ORDER BY seq", [kind]).fetchall()
        changed = [(rewrite(payload), seq) for seq, payload in rows if rewrite(payload) != payload]
        first = changed[0][1]
        db.executemany("UPDATE events SET payload = ? WHERE seq = ?", changed)

    root = tampered(trained, tmp_path, change)
    record = read_record(root / "audit.db", tree_facts())
    check = concluded("events", check_events, record)
    assert (record.chain_wrong, check.verdict, check.event) == (None, "failed", first)
    assert "it is not in canonical form (RFC 8785), so other readers may read it otherwise" in check.detail


def test_both_verifiers_say_so_of_the_leaderboard_without_its_winner(trained: Path, tmp_path: Path) -> None:
    def change(db: sqlite3.Connection) -> None:
        db.execute(
            "UPDATE events SET payload = replace(payload, '\"position\":1', '\"\\u0070osition\":1') "
            "WHERE kind = 'leaderboard.computed'"
        )

    check = checked(tampered(trained, tmp_path, change))["events"]
    assert isinstance(check, Check)
    assert (check.verdict, "canonical form" in check.detail) == ("failed", True)


@pytest.mark.parametrize("column", ["at", "stage", "kind", "payload", "prev", "hash"])
def test_a_field_that_is_no_text_is_a_verdict_of_the_chain(tmp_path: Path, column: str) -> None:
    root = small_record(tmp_path)
    as_bytes(root, column)
    found = {check.name for check in checked(root).values() if check.verdict == "failed"}
    assert found >= {"chain"}
