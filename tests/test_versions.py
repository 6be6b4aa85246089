"""What a change of events or views does to records that others hold: nothing changes without a number that says so."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from records import small_record
from rewritten import changed_first, forged

from core.events import SCHEMA_VERSION
from core.run_folder import RunFolder
from storage.errors import StorageError
from storage.record.log import Log
from storage.record.reader import Reader
from storage.record.schema import RELEASED_VIEWS, VIEWS, VIEWS_VERSION
from storage.verifier.ground.reading import schema_digest
from storage.verifier.ground.shapes import Shape
from storage.verifier.writer_facts import tree_facts
from storage.verify import verify

RELEASED = Path(__file__).parent / "data" / f"event_shapes_{SCHEMA_VERSION}.json"


def narrower(old: Shape, new: Shape, where: str) -> list[str]:
    """Where an event of the old shape would not have the new one."""
    if old == new or new == "any" or (old, new) == ("int", "num"):
        return []
    if isinstance(old, dict) and isinstance(new, dict):
        return _fields_narrower(old, new, where)
    options = new[1:] if isinstance(new, list) and new[0] == "or" else [new]
    if isinstance(old, list) and old[0] == "or":
        return [wrong for part in old[1:] for wrong in narrower(part, new, where)]
    if len(options) > 1:
        found = [narrower(old, option, where) for option in options]
        return [] if [] in found else [f"{where}: {old} fits none of {options}"]
    if isinstance(old, list) and isinstance(new, list) and old[0] == new[0]:
        if old[0] == "one of":
            return [f"{where}: {value!r} is gone" for value in old[1:] if value not in new[1:]]
        if len(old) == len(new):
            return [w for a, b in zip(old[1:], new[1:], strict=True) for w in narrower(a, b, f"{where}[]")]
    return [f"{where}: {old} became {new}"]


def _fields_narrower(old: dict[str, Shape], new: dict[str, Shape], where: str) -> list[str]:
    fields = {name.removesuffix("?"): (shape, name.endswith("?")) for name, shape in new.items()}
    wrong = []
    for name, shape in old.items():
        plain, optional = name.removesuffix("?"), name.endswith("?")
        if plain not in fields:
            wrong.append(f"{where}.{plain} is gone")
            continue
        now, may_be_absent = fields.pop(plain)
        if optional and not may_be_absent:
            wrong.append(f"{where}.{plain} is required now")
        wrong += narrower(shape, now, f"{where}.{plain}")
    return wrong + [f"{where}.{name} is new and required" for name, (_, optional) in fields.items() if not optional]


def test_records_of_this_version_still_fit_all_events() -> None:
    """Where this fails, `SCHEMA_VERSION` has to rise."""
    released, now = json.loads(RELEASED.read_text(encoding="utf-8")), tree_facts().kinds
    gone = [f"{kind} is gone" for kind in released if kind not in now]
    assert gone + [w for kind in released if kind in now for w in narrower(released[kind], now[kind], kind)] == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"a": "int"}, [".b is gone", ".c is gone"]),
        ({"a": "str", "b?": "str", "c": ["one of", "x", "y"]}, [": int became str"]),
        ({"a": "int", "b": "str", "c": ["one of", "x", "y"]}, [".b is required now"]),
        ({"a": "int", "b?": "str", "c": ["one of", "x"]}, ["'y' is gone"]),
        ({"a": "int", "b?": "str", "c": ["one of", "x", "y"], "d": "int"}, [".d is new and required"]),
        ({"a?": "num", "b?": ["or", "str", "int"], "c": ["one of", "x", "y", "z"], "d?": "int"}, []),
    ],
)
def test_what_an_old_record_would_not_fit_is_told(change: Shape, told: list[str]) -> None:
    found = narrower({"a": "int", "b?": "str", "c": ["one of", "x", "y"]}, change, "e")
    assert len(found) == len(told)
    assert all(part in whole for part, whole in zip(told, found, strict=True))


# ------------------------------------------------------------ views


def test_no_view_changes_unnoticed() -> None:
    """Where this fails: raise `VIEWS_VERSION`, and add the digest that it shows to `RELEASED_VIEWS`."""
    assert RELEASED_VIEWS[VIEWS_VERSION] == schema_digest(VIEWS)
    assert sorted(RELEASED_VIEWS) == list(range(1, VIEWS_VERSION + 1))


@pytest.mark.parametrize(
    ("claimed", "verdict", "told"),
    [
        (1, "failed", "these views are of no version of the program: judge_calls, run"),
        (99, "unchecked", f"views of version 99 are newer than {VIEWS_VERSION}; use a newer dempo"),
        ("99", "failed", "these views are of no version of the program: judge_calls, run"),
    ],
)
def test_other_views_may_be_newer_or_forged(tmp_path: Path, claimed: Any, verdict: str, told: str) -> None:
    root = forged(small_record(tmp_path / "runs"), tmp_path, changed_first("run.created", views=claimed))
    with closing(sqlite3.connect(root / "audit.db")) as db:
        db.execute("DROP VIEW run")
        db.execute("CREATE VIEW run AS SELECT 'forged' AS run_id")
        db.execute("DROP VIEW judge_calls")
    schema = next(check for check in verify(root) if check.name == "schema")
    assert (schema.verdict, schema.detail) == (verdict, told)
    assert Reader(root).view("run")[0]["run_id"] == root.name, "what the record's own views say is not shown"
    assert Reader(root).view("judge_calls") == []
    with pytest.raises(StorageError, match="is not continued"):
        Log.open(RunFolder(root))


def test_a_table_more_is_no_matter_of_views(tmp_path: Path) -> None:
    root = forged(small_record(tmp_path / "runs"), tmp_path, changed_first("run.created", views=99))
    with closing(sqlite3.connect(root / "audit.db")) as db:
        db.execute("CREATE TABLE more (a)")
    schema = next(check for check in verify(root) if check.name == "schema")
    assert (schema.verdict, schema.detail) == (
        "failed",
        f"these differ from what version {SCHEMA_VERSION} writes: more",
    )
