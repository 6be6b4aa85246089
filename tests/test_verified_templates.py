"""What a verifier says of chat templates: the one that was asked for, its text, and no other in a model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chat_tokenizers import CHATML, LLAMA3
from rewritten import Row, forged
from test_verified_training import each, training

from core.chat import template_digest
from core.facts.training.chat_templates import without_clock

Values = dict[str, Any]


def renamed(values: Values, text: str = CHATML, kind: str = "model") -> None:
    """As if the model had been made with another template, its file included."""
    name = template_digest(text)
    values |= {"template": name, "template_kind": kind, "template_text": {"sha256": name}}
    values["files"]["chat_template.jinja"] = name


def everywhere(text: str, kind: str = "model", asked: str | None = "model") -> Callable[[list[Row]], list[Row]]:
    """A record whose base model and trained models have another template, as if it had been asked for."""

    def change(rows: list[Row]) -> list[Row]:
        for row in rows:
            if row.kind == "run.created":
                row.payload["config"]["train"] |= {} if asked is None else {"template": asked}
            if row.kind == "model.ready":
                renamed(row.payload, text, kind)
            if row.kind == "train.checkpoint":
                row.payload["files"]["chat_template.jinja"] = template_digest(text)
        return rows

    return change


def _without(*names: str) -> Callable[[Values], None]:
    return lambda values: [values.pop(name) for name in names] and None


def test_a_template_that_was_asked_for_is_fine(trained: Path, tmp_path: Path) -> None:
    assert training(trained).verdict == "ok"
    assert training(forged(trained, tmp_path / "a", everywhere(CHATML), CHATML.encode())).verdict == "ok"
    pinned = without_clock(LLAMA3)
    assert training(forged(trained, tmp_path / "b", everywhere(pinned), pinned.encode())).verdict == "ok"


def test_a_record_of_before_names_it_by_its_hash_alone(trained: Path, tmp_path: Path) -> None:
    before = each("model.ready", _without("template_kind", "template_text"))
    assert training(forged(trained, tmp_path, before)).verdict == "ok"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (everywhere(CHATML, asked=None), "the chat template of the base model is 'model'"),
        (everywhere(CHATML, asked="plain"), "the chat template of the base model is 'model'"),
        (everywhere(CHATML, kind="plain", asked="plain"), "whether it is the plain one"),
        (
            each("model.ready", lambda v: v.update(template_kind="model")),
            "the chat template of the base model is 'model'",
        ),
        (each("model.ready", _without("template_text")), "the chat template of the base model is recorded in part"),
        (
            each("model.ready", lambda v: v.update(template_text={"sha256": template_digest(CHATML)})),
            "the chat template of the base model: its text, by its SHA-256,",
        ),
        (
            each("model.ready", lambda v: v["files"].update({"chat_template.jinja": "0" * 64})),
            "the chat template that the base model holds",
        ),
        (
            each("train.checkpoint", lambda v: v["files"].update({"chat_template.jinja": "0" * 64})),
            "the chat template that the model of condition",
        ),
        (everywhere(LLAMA3), "asks a clock for the date"),
    ],
)
def test_another_template_is_found(
    change: Callable[[list[Row]], list[Row]], told: str, trained: Path, tmp_path: Path
) -> None:
    found = training(forged(trained, tmp_path, change, CHATML.encode(), LLAMA3.encode()))
    assert found.verdict == "failed"
    assert told in found.detail


def test_a_configuration_that_asks_for_one_needs_it_recorded(trained: Path, tmp_path: Path) -> None:
    def asked(rows: list[Row]) -> list[Row]:
        everywhere(CHATML)(rows)
        return each("model.ready", _without("template_kind", "template_text"))(rows)

    found = training(forged(trained, tmp_path, asked))
    assert (found.verdict, "the chat template of the base model" in found.detail) == ("failed", True)
