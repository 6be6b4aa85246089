"""What a verifier says of the file of the tokens: every table of it can be wrong, and is found."""

from __future__ import annotations

import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from liars import LIARS
from rewritten import Row, forged
from token_tables import Tables, tables_of

from core.events import digest
from core.facts.training.token_file import CUT_CONTEXT, CUT_RESPONSE
from storage.check import Check
from storage.export.export import export_run
from storage.verifier.checks import CHECKS, checks_of
from storage.verifier.ground.reading import read_record
from storage.verifier.ground.record import Found, WithheldField
from storage.verifier.training import tokens
from storage.verifier.writer_facts import tree_facts


def told_of(root: Path) -> Check:
    (found,) = checks_of(read_record(root / "audit.db", tree_facts()), {"tokens": CHECKS["tokens"]})
    return found


def made_of(root: Path) -> Found:
    (made,) = read_record(root / "audit.db", tree_facts()).counted("tokens.made")
    return made


def values_of(rows: list[Row], kind: str) -> dict[str, Any]:
    (row,) = [row for row in rows if row.kind == kind]
    return row.payload


def lying(
    trained: Path, folder: Path, change: Callable[[Tables], Any], cut: Callable[[bytes], bytes] = bytes, **said: Any
) -> Check:
    """The verdict on a run whose file is another one, its event to suit, and the reference's counts as well."""

    def attack(rows: list[Row]) -> list[Row]:
        values = values_of(rows, "tokens.made")
        tables = tables_of((trained / "artifacts" / values["artifact"]["sha256"]).read_bytes())
        change(tables)
        body = cut(tables.body())
        values.update(tables.counts(), **said)
        values["artifact"].update(sha256=digest(body), bytes=len(body))
        marks = {"cut_contexts": CUT_CONTEXT, "cut_responses": CUT_RESPONSE}
        values.update({name: int(np.count_nonzero(tables.cut & mark)) for name, mark in marks.items()})
        values_of(rows, "reference.computed").update({name: values[name] for name in (*marks, "sequences")})
        bodies.append(body)
        return rows

    bodies: list[bytes] = []
    root = forged(trained, folder, attack)
    (root / "artifacts" / digest(bodies[0])).write_bytes(bodies[0])
    return told_of(root)


def test_the_tokens_of_a_real_run_are_as_recorded(trained: Path, tmp_path: Path) -> None:
    found = told_of(trained)
    assert found.verdict == "ok"
    assert "those that the reference scored" in found.detail
    assert "pairs of the schedules" in found.detail
    assert lying(trained, tmp_path, lambda tables: None).verdict == "ok", "the same file again"


def _exchanged(tables: Tables) -> None:
    tables.pairs[:3, [0, 1]] = tables.pairs[:3, [1, 0]]


def _numbered_backwards(tables: Tables) -> None:
    tables.pairs[3] = tables.pairs[3].max() - tables.pairs[3]


def _one_sequence_twice(tables: Tables) -> None:
    tables.sequences[:, 1] = tables.sequences[:, 0]


def _longer(tables: Tables) -> None:
    """The last response has a thousand tokens more."""
    tables.ids = np.concatenate([tables.ids, np.zeros(1000, dtype="<i4")])
    tables.offsets[-1] += 1000


def _empty(tables: Tables) -> None:
    """The last response has none."""
    tables.ids = tables.ids[: tables.offsets[-2]]
    tables.offsets[-1] = tables.offsets[-2]


def _out_of_order(tables: Tables) -> None:
    tables.offsets[1], tables.offsets[2] = tables.offsets[2], tables.offsets[1]


def _another_token(tables: Tables) -> None:
    tables.ids[-1] += 1


def _another_context(tables: Tables) -> None:
    tables.pairs[0, -1] += 1


def _marked(mark: int) -> Callable[[Tables], None]:
    def change(tables: Tables) -> None:
        tables.cut[0] = mark

    return change


WRONG: dict[str, tuple[Callable[[Tables], None], str]] = {
    "pairs in another order": (_exchanged, "its pairs are not in ascending order, each once"),
    "strings in another order": (_numbered_backwards, "not numbered in the order in which pairs need them"),
    "a sequence twice": (_one_sequence_twice, "its sequences are not those of its pairs"),
    "more than the window": (_longer, "of them of its response"),
    "no response": (_empty, "0 of them of its response"),
    "strings that overlap": (_out_of_order, "do not lie one behind the other"),
    "a response that is cut and fits": (_marked(CUT_RESPONSE), "as if it did not fit"),
    "a mark that is none": (_marked(4), "is marked 4"),
    "another token": (_another_token, "scored for other sequences than those of the tokens"),
    "another pair": (_another_context, "holds no tokens of the scheduled pair"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_file_that_is_not_of_these_tokens_fails(what: str, trained: Path, tmp_path: Path) -> None:
    change, told = WRONG[what]
    found = lying(trained, tmp_path, change)
    assert (found.verdict, told in found.detail) == ("failed", True), found


@pytest.mark.parametrize(
    ("cut", "told"),
    [
        (lambda body: body[:-1], "its bytes"),
        (lambda body: body + b"\0", "its bytes"),
        (lambda body: body.replace(b"dempo-tokens-1", b"dempo-tokens-0"), "its format"),
        (lambda body: body.replace(b'"pairs":', b'"pears":'), "its pairs"),
        (lambda body: b"", "what no run of this program writes"),
    ],
)
def test_a_file_of_another_form_fails(cut: Callable[[bytes], bytes], told: str, trained: Path, tmp_path: Path) -> None:
    found = lying(trained, tmp_path, lambda tables: None, cut)
    assert (found.verdict, told in found.detail) == ("failed", True), found


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"window": 4096}, "the window of the tokens"),
        ({"template": "0" * 64}, "the chat template of the tokens"),
        ({"sequences": 10**8}, "the schedules can need"),
        ({"cut_contexts": 1}, "the reference: cut_contexts"),
        ({"cut_responses": 10**6}, "are cut_responses"),
        ({"tokens": 1}, "its tokens"),
        ({"rule": 0}, "rules are numbered from 1"),
    ],
)
def test_an_event_that_says_something_else_fails(
    said: dict[str, Any], told: str, trained: Path, tmp_path: Path
) -> None:
    def attack(rows: list[Row]) -> list[Row]:
        values_of(rows, "tokens.made").update(said)
        return rows

    found = told_of(forged(trained, tmp_path, attack))
    assert (found.verdict, told in found.detail) == ("failed", True), found


def test_cuts_that_both_events_deny_are_in_the_file(trained: Path, tmp_path: Path) -> None:
    def attack(rows: list[Row]) -> list[Row]:
        for kind in ("tokens.made", "reference.computed"):
            values_of(rows, kind)["cut_contexts"] += 1
        return rows

    found = told_of(forged(trained, tmp_path, attack))
    assert (found.verdict, "its cut_contexts" in found.detail) == ("failed", True), found


def test_what_is_not_here_or_too_large_is_said(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = forged(trained, tmp_path, lambda rows: rows)
    made = made_of(root)
    schedule = next(path for path in (root / "artifacts").iterdir() if b"dempo-schedule" in path.read_bytes()[:40])
    schedule.unlink()
    assert "which pairs the schedules take was not compared" in told_of(root).detail
    monkeypatch.setattr(tokens, "LARGEST_TOKENS", 100)
    found = told_of(root)
    assert (found.verdict, found.detail) == ("unknown", "the file of the tokens is larger than what is read here")
    (root / "artifacts" / made.values["artifact"]["sha256"]).unlink()
    assert (told_of(root).verdict, told_of(root).detail) == ("unknown", "the file of the tokens is not here")


def test_tokens_of_other_texts_are_for_a_replay_to_find(trained: Path, tmp_path: Path) -> None:
    """Where the reference was made to suit: no check knows the tokenizer, as docs/audit.md says."""
    root = forged(trained, tmp_path, lambda rows: rows)
    LIARS["tokens of other texts, and their reference"][0](random.Random(1), root)
    record = read_record(root / "audit.db", tree_facts())
    wanted = {name: CHECKS[name] for name in ("chain", "artifacts", "training", "tokens", "reference")}
    assert [check.verdict for check in checks_of(record, wanted)] == ["ok"] * 5
    assert record.counted("tokens.made")[0].values["artifact"] != made_of(trained).values["artifact"]


@pytest.mark.parametrize("k", [None, 5])
def test_a_redacted_copy_confirms_no_tokens(k: int | None, trained: Path, tmp_path: Path) -> None:
    """Whoever has the texts, the model and a guess of whose pairs were taken can make the file again."""
    values = made_of(trained).values
    again = (trained / "artifacts" / values["artifact"]["sha256"]).read_bytes()
    export_run(trained, tmp_path / "run.zip", redact=True, k=k, told=lambda what, done, total: None)
    with zipfile.ZipFile(tmp_path / "run.zip") as bundle:
        bundle.extractall(tmp_path / "copy")
    copy = tmp_path / "copy"
    held = b"\n".join(path.read_bytes() for path in sorted(copy.rglob("*")) if path.is_file())
    name = digest(again)
    assert not [body for body in (name.encode(), bytes.fromhex(name)) if body in held]
    ids = tables_of(again).ids.tobytes()
    assert not [start for start in range(0, len(ids) - 64, 64) if ids[start : start + 64] in held]
    said = made_of(copy).values
    for field in ("tokens", "pairs", "prompts", "responses", "artifact"):
        with pytest.raises(WithheldField):
            said[field]
    assert told_of(copy).verdict == "withheld"


def test_the_file_can_be_read_with_nothing_but_its_description(trained: Path) -> None:
    """As docs/training.md has it."""
    body = (trained / "artifacts" / made_of(trained).values["artifact"]["sha256"]).read_bytes()
    header = json.loads(body.partition(b"\n")[0])
    assert list(header) == ["format", "window", "prompts", "responses", "pairs", "sequences", "tokens"]
    assert len(body) == (
        256
        + 8 * (header["prompts"] + header["responses"] + 1)
        + 4 * (6 * header["pairs"] + 2 * header["sequences"] + header["tokens"])
        + header["sequences"]
    )
