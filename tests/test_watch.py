"""`dempo watch`: what it prints while nothing is recorded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from storage.record.reader import Progress
from tui.commands.runs import watch

WAITING = "router: rate limited, waiting 42 s, 3 of 32 at once"


class Run:
    """A run that records something at some looks, and lives for so many."""

    def __init__(self, looks: int, recorded: set[int], changes: bool) -> None:
        self.looks = looks
        self.recorded = recorded
        self.changes = changes
        self.look = 0

    def live(self) -> bool:
        self.look += 1
        return self.look < self.looks

    def events_after(self, seq: int) -> list[dict[str, Any]]:
        if self.look not in self.recorded:
            return []
        payload = json.dumps({"name": "judge"})
        return [
            {
                "seq": seq + 1,
                "stage": "judge",
                "kind": "stage.started",
                "at": "2026-11-27T15:00:00Z",
                "payload": payload,
            }
        ]

    def progress(self) -> Progress:
        return Progress("judge", 7, 60, WAITING, f"2026-11-27T15:00:{self.look % 60 if self.changes else 0:02}Z")


def printed(run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[str]:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    watch.follow(run)  # type: ignore[arg-type]
    return capsys.readouterr().out.splitlines()


def test_while_nothing_is_recorded_it_says_what_the_engine_waits_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = printed(Run(looks=50, recorded={1}, changes=True), monkeypatch, capsys)
    assert "stage.started" in lines[0]
    assert len(lines) == 3, "at the 20th look without an event, and at the 40th"
    assert all(f"judge       7/60 {WAITING}" in line for line in lines[1:])


def test_one_note_is_printed_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(printed(Run(looks=90, recorded=set(), changes=False), monkeypatch, capsys)) == 1


def test_while_events_come_they_say_enough(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(Run(looks=90, recorded=set(range(1, 90, 10)), changes=True), monkeypatch, capsys)
    assert not [line for line in lines if WAITING in line]


class Training(Run):
    """A run whose model is trained: a step at every look."""

    def events_after(self, seq: int) -> list[dict[str, Any]]:
        values = {"condition": "full", "step": self.look, "loss": 0.693147, "margin": -0.01234, "seconds": 1.5}
        at, payload = "2026-11-27T15:00:00Z", json.dumps({**values, "gradient_norm": 1.0, "learning_rate": 5e-6})
        row = {"seq": seq + 1, "stage": "train", "kind": "train.step", "at": at, "payload": payload}
        return [row] if self.look < self.looks else []


def test_while_a_model_is_trained_the_note_comes_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = printed(Training(looks=50, recorded=set(), changes=True), monkeypatch, capsys)
    assert lines[0] == "15:00:00  train       full step 1: loss 0.6931, margin -0.01234, 1.5 s"
    assert len(lines[0]) < 80
    assert [number for number, line in enumerate(lines) if WAITING in line] == [20, 41]
