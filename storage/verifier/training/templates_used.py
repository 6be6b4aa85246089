"""The chat templates of models: the one that was asked for, its text, and the file that a checkpoint holds of it."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing

from core.facts.training.chat_templates import (
    PLAIN_TEMPLATE,
    TEMPLATE_FILE,
    template_kind,
    without_clock,
)
from storage.verifier.contents.texts import Texts
from storage.verifier.ground.finding import broken, same, unreadable
from storage.verifier.ground.reading import opened_safely
from storage.verifier.ground.record import Found, Record


def check_templates(record: Record) -> None:
    """Every model is recorded with the template that it was trained and asked under, and holds that one and no other.

    Records of before name a template by its SHA-256 alone, unless their configuration asks for one.
    """
    train = record.genesis["config"].get("train") or {}
    ready, linked = record.counted("model.ready"), record.counted("model.linked")
    try:
        with closing(opened_safely(record.database)) as db:
            texts = Texts(record, db)
            for event in ready:
                if "template_kind" in event.values or train.get("template"):
                    kind = event.values.get("template_kind")
                    same(kind, train.get("template") or "plain", "the chat template of the base model", event.seq)
                _check_model_template(texts, event, "the base model")
            for event in linked:
                _check_model_template(texts, event, f"the model of condition {event.values['condition']!r}")
    except sqlite3.Error as error:
        raise unreadable(error) from None
    for event in record.counted("train.checkpoint"):
        for base in ready:
            _check_template_file(
                event, base.values["template"], f"the model of condition {event.values['condition']!r}"
            )


def _check_model_template(texts: Texts, event: Found, what: str) -> None:
    """Its text is that of its SHA-256 and of its kind, and one that no clock changes."""
    values, told = event.values, f"the chat template of {what}"
    _check_template_file(event, values["template"], what)
    kind, reference = values.get("template_kind"), values.get("template_text")
    if kind is None and reference is None:
        return
    if kind is None or reference is None:
        raise broken(f"{told} is recorded in part", event.seq)
    same(reference["sha256"], values["template"], f"{told}: its text, by its SHA-256,", event.seq)
    plain = hashlib.sha256(PLAIN_TEMPLATE.encode()).hexdigest()
    same(kind == "plain", values["template"] == plain, f"{told}: whether it is the plain one", event.seq)
    body = texts.body(reference)
    if body is not None:
        same(kind, template_kind(body), f"{told}: its kind", event.seq)
        if without_clock(body) != body:
            raise broken(f"{told} asks a clock for the date, so its texts change from day to day", event.seq)


def _check_template_file(event: Found, template: str, what: str) -> None:
    """The file of the template that a checkpoint holds is the recorded one."""
    if TEMPLATE_FILE in event.values["files"]:
        same(event.values["files"][TEMPLATE_FILE], template, f"the chat template that {what} holds", event.seq)
