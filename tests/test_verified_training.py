"""What a verifier says of training: of what this program writes, of older rules, and of models that are no models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rewritten import Row, forged

from core.training.learning_rate import rate_share
from storage.check import Check
from storage.verifier.checks import checks_of
from storage.verifier.reading import read_record
from storage.verifier.shipped import tree_facts
from storage.verify import verify

Rows = list[Row]


def training(root: Path) -> Check:
    """The verdict on training, on which `dempo verify` and the stand-alone checks agree."""
    (by_program,) = [check for check in verify(root) if check.name == "training"]
    (alone,) = [check for check in checks_of(read_record(root / "audit.db", tree_facts())) if check.name == "training"]
    assert alone == by_program
    return by_program


def each(kind: str, change: Callable[[dict[str, Any]], Any]) -> Callable[[Rows], Rows]:
    """Changes the payload of every event of a kind."""

    def attack(rows: Rows) -> Rows:
        for row in rows:
            if row.kind == kind:
                change(row.payload)
        return rows

    return attack


def _at_rates_of_rule_1(step: dict[str, Any]) -> None:
    share = rate_share(step["step"] - 1, 4, 0.1, "linear", rule=1)
    step.update(learning_rate=5e-4 * share)
    del step["rule"]


def test_rates_are_compared_by_the_rule_of_their_step(trained: Path, tmp_path: Path) -> None:
    assert training(trained).verdict == "ok"
    assert training(forged(trained, tmp_path / "a", each("train.step", _at_rates_of_rule_1))).verdict == "ok"
    unnamed = training(forged(trained, tmp_path / "b", each("train.step", lambda v: v.pop("rule"))))
    assert unnamed.verdict == "failed"
    assert "the learning rate of step 1 is" in unnamed.detail
