"""The stand-alone verifier says what `dempo verify` says, on good records and on records changed in every way."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import both_verifiers
import pytest
from both_verifiers import NEEDS_MORE, same
from golden import GOLDEN
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from records import small_record
from tampering import Change, edited, flipped, opened, removed, repeated, tampered
from verified_runs import make_drawn_run

from core.errors import InputError
from core.events import digest
from core.facts.trees import Tree
from storage.check import Check
from storage.demonstration import ALTERATIONS, BESIDE, demonstrate, rechain, shown_as
from storage.errors import StorageError
from storage.verifier.checks import CHECKS, checks_of
from storage.verifier.ground.reading import read_record
from storage.verifier.shipped import released_digest, verifier_text
from storage.verifier.vouching.kept import Head
from storage.verifier.vouching.vouching import decisive, unchecked
from storage.verifier.writer_facts import shape_of, tree_facts
from storage.verify import verify, verify_all
from tui.terminal.tables import table


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("verifier") / "verify.py"
    path.write_text(verifier_text(), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_drawn_run(tmp_path_factory.mktemp("drawn"))


def alone(shipped: Path, root: Path, *options: str) -> tuple[int, list[Check]]:
    """The verdicts of the shipped file, run as a stranger would: no packages, no settings, another folder."""
    done = subprocess.run(
        [sys.executable, "-S", "-I", str(shipped), str(root), "--json", *options],
        capture_output=True,
        cwd=shipped.parent,
        timeout=60,
        check=False,
    )
    assert done.stderr == b""
    return done.returncode, [Check(**row) for row in json.loads(done.stdout)["checks"]]


def in_this_process(root: Path, *options: str) -> tuple[int, list[Check]]:
    """The same file, loaded once: hundreds of records are checked."""
    with contextlib.redirect_stdout(io.StringIO()) as said:
        code = both_verifiers.shipped().main(both_verifiers.shipped().WRITTEN, [str(root), "--json", *options])
    return code, [Check(**row) for row in json.loads(said.getvalue())["checks"]]


def agreed(shipped: Path, root: Path, key: Path | None = None, head: Path | None = None) -> dict[str, Check]:
    """The verdicts of `dempo verify`, once both agree on every check, signatures and kept heads among them."""
    given = [*(["--key", str(key)] if key else []), *(["--head", str(head)] if head else [])]
    code, by_file = in_this_process(root, *given)
    by_program = verify_all(root, key, head)
    same(by_file, by_program)
    wrong, left = decisive(by_file, key is not None, head is not None), unchecked(by_file, None)
    assert code == (4 if wrong else 7 if left else 0)
    return {check.name: check for check in by_program}


def failing(checks: dict[str, Check]) -> set[str]:
    return {name for name, check in checks.items() if check.verdict == "failed"}


# ------------------------------------------------------------ good records


@pytest.mark.parametrize("name", sorted(path.name for path in GOLDEN.parent.iterdir()))
def test_both_agree_on_golden_records(name: str, shipped: Path) -> None:
    (root,) = [path for path in (GOLDEN.parent / name).iterdir() if path.is_dir()]
    assert {"chain", "schema", "blobs", "units"}.isdisjoint(failing(agreed(shipped, root)))


def test_a_trained_judged_and_ranked_run_passes_every_check(trained: Path, shipped: Path) -> None:
    checks = agreed(shipped, trained)
    assert {check.verdict for name, check in checks.items() if name in CHECKS} == {"ok"}
    assert failing(checks) == set()
    code, by_file = alone(shipped, trained)
    assert (code, by_file) == in_this_process(trained)
    assert {check.verdict for check in by_file if check.name in CHECKS.keys() - NEEDS_MORE} == {"ok"}


def test_a_stranger_is_told_the_same_of_a_changed_record(trained: Path, shipped: Path, tmp_path: Path) -> None:
    root = tampered(trained, tmp_path, flipped("events", "payload", 40), mended=False)
    code, by_file = alone(shipped, root)
    assert code == 4
    assert (code, by_file) == in_this_process(root)


def test_draws_of_every_kind_pass_every_check(drawn: Path, shipped: Path) -> None:
    checks = agreed(shipped, drawn)
    assert {check.verdict for name, check in checks.items() if name in CHECKS} == {"ok"}
    assert checks["draws"].detail.startswith("3 accepted panels drawn again")


# ------------------------------------------------------------ one byte, the chain left as it was


@pytest.mark.long
@pytest.mark.parametrize("row", [0, 40, -1])
@pytest.mark.parametrize("column", ["seq", "at", "stage", "kind", "payload", "prev", "hash"])
def test_a_byte_of_an_event_is_found_and_named(
    column: str, row: int, trained: Path, shipped: Path, tmp_path: Path
) -> None:
    root = tampered(trained, tmp_path, flipped("events", column, row), mended=False)
    found = agreed(shipped, root)["chain"]
    (events,) = sqlite3.connect(root / "audit.db").execute("SELECT count(*) FROM events").fetchone()
    assert found.verdict == "failed"
    assert found.event == (row + 1 if row >= 0 else events)


@pytest.mark.parametrize("row", [0, 20, -1])
@pytest.mark.parametrize("column", ["sha256", "body"])
def test_a_byte_of_a_text_is_found(column: str, row: int, trained: Path, shipped: Path, tmp_path: Path) -> None:
    root = tampered(trained, tmp_path, flipped("blobs", column, row), mended=False)
    assert "blobs" in failing(agreed(shipped, root))


@pytest.mark.parametrize("pragma", ["user_version = 1", "user_version = 4", "application_id = 7"])
def test_a_changed_mark_of_the_file_is_found(pragma: str, drawn: Path, shipped: Path, tmp_path: Path) -> None:
    root = tampered(drawn, tmp_path, lambda db: db.execute(f"PRAGMA {pragma}") and None, mended=False)
    checks = agreed(shipped, root)
    assert checks["schema"].verdict == ("unchecked" if pragma == "user_version = 4" else "failed")
    assert "genesis" in failing(checks) or "application_id" in pragma


@pytest.mark.long
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_byte_of_any_table_is_found(data: st.DataObject, drawn: Path, tmp_path: Path) -> None:
    root = tmp_path / drawn.name
    if not root.exists():
        tampered(drawn, tmp_path, lambda db: None)
    columns = ["at", "stage", "kind", "payload", "prev", "hash"]
    with opened(root) as db:
        seq = data.draw(st.integers(1, db.execute("SELECT max(seq) FROM events").fetchone()[0]))
        column = data.draw(st.sampled_from(columns))
        (before,) = db.execute(f"SELECT CAST({column} AS BLOB) FROM events WHERE seq = ?", [seq]).fetchone()
        place = data.draw(st.integers(0, len(before) - 1))
        changed = before[:place] + bytes([before[place] ^ data.draw(st.integers(1, 255))]) + before[place + 1 :]
        db.execute("PRAGMA ignore_check_constraints=ON")
        db.execute(f"UPDATE events SET {column} = CAST(? AS TEXT) WHERE seq = ?", (changed, seq))
    checks = {check.name: check for check in checks_of(read_record(root / "audit.db", tree_facts()))}
    assert checks["chain"].verdict == "failed"
    assert checks["chain"].event == seq
    with opened(root) as db:
        db.execute("PRAGMA ignore_check_constraints=ON")
        db.execute(f"UPDATE events SET {column} = CAST(? AS TEXT) WHERE seq = ?", (before, seq))


# ------------------------------------------------------------ one thing, and the chain mended behind it


def put(*path: Any, to: Any) -> Callable[[dict[str, Any]], None]:
    """Sets the value at a path; `to` may be a function of the old one."""

    def edit(values: dict[str, Any]) -> None:
        inner: Any = values
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = to(inner[path[-1]]) if callable(to) else to

    return edit


def more(value: Any) -> Any:
    return str(int(value) + 1) if isinstance(value, str) else value + 1


def slightly(value: float) -> float:
    return value * (1 + 2**-40) or 2**-40


def other_digit(value: str) -> str:
    return value[:-1] + ("0" if value[-1] != "0" else "1")


def swapped(values: list[Any]) -> list[Any]:
    return [values[1], values[0], *values[2:]]


def only_cut(values: list[Any]) -> list[Any]:
    return values[:-1]


NEW_SEED = {"run": {"name": "demo-planted", "seed": 8}}

IN_TRAINED: dict[str, tuple[Change, str]] = {
    "another seed": (edited("run.created", put("seed", to="8")), "genesis"),
    "another run": (edited("run.created", put("run_id", to="20260101-000000-other")), "genesis"),
    "another seed, in the configuration too": (
        edited("run.created", lambda v: v.update(seed="8", config=v["config"] | NEW_SEED)),
        "draws",
    ),
    "another schema": (edited("run.created", put("schema_version", to=1)), "genesis"),
    "a text for a number": (edited("train.step", put("loss", to="0.5")), "events"),
    "a field too few": (edited("pool.built", lambda v: v.pop("types")), "events"),
    "a unit that never ended": (removed("unit.completed", 5), "units"),
    "a unit that ended twice": (repeated("unit.completed", -1), "units"),
    "another attempt": (edited("unit.completed", put("attempt", to=2), 3), "units"),
    "a stage under another key": (edited("stage.completed", put("key", to=other_digit)), "units"),
    "fewer units planned": (edited("stage.planned", put("units", to=more), 2), "units"),
    "a rater of another type": (edited("pool.built", put("raters", 0, "type", to=lambda t: (t + 1) % 3)), "pool"),
    "a pair more": (edited("pool.built", put("raters", 0, "pairs", to=more)), "pool"),
    "raters in another order": (edited("pool.built", put("raters", to=swapped)), "pool"),
    "a wider quota": (edited("lottery.quotas", put("quotas", 0, "upper", to=more)), "quotas"),
    "a lower quota": (edited("lottery.quotas", put("quotas", 1, "lower", to=lambda x: x - 1)), "quotas"),
    "another target": (edited("lottery.quotas", put("quotas", 0, "target", to="0.43")), "quotas"),
    "more people in the pool": (edited("lottery.quotas", put("quotas", 0, "in_pool", to=more)), "quotas"),
    "another tolerance": (edited("lottery.quotas", put("tolerance", to="0.06")), "quotas"),
    "another category of a type": (edited("lottery.types", put("types", 0, "categories", 0, to="x")), "quotas"),
    "a likelier panel": (edited("lottery.panel", put("numerator", to=more)), "lotteries"),
    "a member moved": (
        edited(
            "lottery.panel", put("counts", to=lambda c: [[t, x + (i == 0) - (i == 1)] for i, (t, x) in enumerate(c)])
        ),
        "lotteries",
    ),
    "π": (edited("lottery.solved", put("pi", 0, to=slightly)), "lotteries"),
    "the optimum": (edited("lottery.solved", put("optimum", 0, to=lambda p: p + 1e-6)), "lotteries"),
    "a level": (edited("lottery.level", put("exact", to="1/9")), "lotteries"),
    "a price": (edited("lottery.level", put("seat", to=more)), "lotteries"),
    "a type at no level": (edited("lottery.level", put("types", to=only_cut), -1), "lotteries"),
    "a level left out": (removed("lottery.level", -1), "lotteries"),
    "the Gini coefficient": (edited("lottery.diagnosed", put("gini", to=lambda g: g / 2)), "lotteries"),
    "the seed of the draw": (edited("draw.made", put("seed", to=other_digit)), "draws"),
    "another panel": (edited("draw.made", put("panel", to=lambda p: (p + 1) % 2)), "draws"),
    "members in another order": (edited("draw.made", put("members", to=swapped)), "draws"),
    "a member left out": (edited("draw.made", put("members", to=only_cut)), "draws"),
    "another root over the people": (edited("draw.made", put("root", to=other_digit)), "draws"),
    "another key of their salts": (edited("draw.made", put("leaf_key", to=other_digit)), "draws"),
    "no key of their salts": (edited("draw.made", put("leaf_key", to="")), "draws"),
    "another root over the weights": (edited("condition.planned", put("root", to=other_digit), 2), "weights"),
    "no key of these salts": (edited("condition.planned", put("leaf_key", to="no"), 2), "weights"),
    "alternates in another order": (
        edited(
            "draw.alternates", lambda v: next(put("raters", to=swapped)(a) for a in v["alternates"] if a["raters"][1:])
        ),
        "draws",
    ),
    "no alternates": (removed("draw.alternates"), "draws"),
    "a rejected draw": (edited("draw.made", put("outcome", to="rejected")), "draws"),
    "a heavier rater": (edited("condition.planned", put("weights", 0, "weight", to=slightly), 3), "weights"),
    "a rater left out": (edited("condition.planned", put("weights", to=only_cut), 1), "weights"),
    "another source": (edited("condition.planned", put("source", to="all"), 2), "weights"),
    "another transform": (edited("condition.planned", put("transform", to="sqrt"), 3), "weights"),
    "the effective sample size": (edited("condition.planned", put("effective_pairs", to=more), 3), "weights"),
    "fewer steps": (edited("condition.planned", put("steps", to=3), 3), "weights"),
    "a step left out": (removed("train.step", 2), "training"),
    "a step in the unit of another condition": (edited("train.step", put("unit", to="condition:hard"), 1), "stages"),
    "a state in the unit of another condition": (edited("train.state", put("unit", to="condition:hard"), 1), "stages"),
    "a step of another number": (edited("train.step", put("step", to=more), 1), "training"),
    "another schedule": (edited("condition.planned", put("artifact", "sha256", to=other_digit), 3), "artifacts"),
    "an answer left out": (removed("answer.given", 3), "answers"),
    "an answer to another question": (edited("answer.given", put("question_id", to="9:9"), 3), "answers"),
    "a ranking of others": (edited("judge.called", put("ranking", 0, to="nobody"), 3), "judge calls"),
    "one ranked twice": (edited("judge.called", put("ranking", to=lambda r: [r[1], *r[1:]]), 3), "judge calls"),
    "shown in another order": (edited("judge.called", put("shown_order", to=swapped), 3), "judge calls"),
    "a ranking taken back": (edited("judge.called", put("outcome", to="refused"), 3), "judge calls"),
    "a judge call left out": (removed("judge.called", 3), "judge calls"),
    "another winner": (edited("judge.called", put("ranking", to=lambda r: r[::-1]), 3), "leaderboards"),
    "a better score": (edited("leaderboard.computed", put("rows", 0, "score", to=slightly)), "leaderboards"),
    "a better place": (edited("leaderboard.computed", put("rows", -1, "position", to=1), 3), "leaderboards"),
    "fewer rankings": (edited("leaderboard.computed", put("rankings", to=3)), "leaderboards"),
    "a leaderboard left out": (removed("leaderboard.computed", 2), "leaderboards"),
    "a narrower interval": (edited("leaderboard.computed", put("rows", 0, "low", to=lambda x: x + 1e-6)), "estimates"),
    "a Bradley–Terry score": (
        edited("leaderboard.computed", put("rows", 0, "score", to=lambda x: x + 1e-6), 4),
        "estimates",
    ),
    "agreement of the judges": (
        edited("diagnostics.computed", put("values", "first_given_shown:1", to=lambda x: x + 0.001)),
        "estimates",
    ),
}

IN_DRAWN: dict[str, tuple[Change, str]] = {
    "a commitment": (edited("draw.committed", put("commitment", to=other_digit)), "draws"),
    "a hash in a commitment": (edited("draw.committed", put("hashes", "pool", to=other_digit), -1), "draws"),
    "another source": (edited("draw.committed", put("source", to="a friend")), "draws"),
    "a commitment left out": (removed("draw.committed", -1), "draws"),
    "a public value": (edited("draw.made", put("value", to="2 7 1 8")), "draws"),
    "the number of a panel": (edited("draw.made", put("value", to="08"), -2), "draws"),
    "a rejection left out": (removed("draw.decided", 1), "draws"),
    "another root over the people of a proposed panel": (edited("draw.made", put("root", to=other_digit), 1), "draws"),
    "a second acceptance": (repeated("draw.made", -1), "units"),
    "a step after acceptance": (
        lambda db: (
            db.execute("UPDATE events SET stage = 'run' WHERE kind = 'draw.committed'")
            and repeated("draw.committed", 2)(db)
        ),
        "draws",
    ),
    "a round of another number": (edited("draw.decided", put("round", to=more)), "draws"),
    "a member of the uniform lottery": (edited("lottery.panel", put("raters", to=only_cut), -1), "lotteries"),
    "an uneven probability": (edited("lottery.panel", put("numerator", to="2"), -1), "lotteries"),
    "π of a person": (edited("lottery.solved", put("rater_pi", 0, to=slightly), 1), "lotteries"),
    "another bound of the table": (edited("pool.built", put("bounds", 0, "upper", to=more)), "quotas"),
    "a public draw made one by seed": (
        edited("run.created", put("config", "draws", 0, "randomness", to="seed")),
        "draws",
    ),
}


@pytest.mark.parametrize("what", IN_TRAINED)
def test_a_change_of_a_run_is_found_although_the_chain_is_mended(
    what: str, trained: Path, shipped: Path, tmp_path: Path
) -> None:
    change, check = IN_TRAINED[what]
    checks = agreed(shipped, tampered(trained, tmp_path, change))
    assert check in failing(checks)
    assert checks["chain"].verdict == "ok"


def test_a_field_that_this_verifier_does_not_know_is_unchecked(trained: Path, shipped: Path, tmp_path: Path) -> None:
    more = edited("train.step", lambda v: v.update(note="x"))
    checks = agreed(shipped, tampered(trained, tmp_path, more))
    assert checks["events"].verdict == "unchecked"
    assert not failing(checks)


@pytest.mark.parametrize("what", IN_DRAWN)
def test_a_change_of_a_draw_is_found_although_the_chain_is_mended(
    what: str, drawn: Path, shipped: Path, tmp_path: Path
) -> None:
    change, check = IN_DRAWN[what]
    checks = agreed(shipped, tampered(drawn, tmp_path, change))
    assert check in failing(checks)
    assert checks["chain"].verdict == "ok"


def test_a_view_that_would_show_another_text_is_found(tmp_path: Path, shipped: Path) -> None:
    def show(db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO blobs VALUES (?, ?)", (digest(b"Another."), b"Another."))
        edited("answer.given", lambda v: v["answer"].update(shown=digest(b"Another.")))(db)

    checks = agreed(shipped, tampered(small_record(tmp_path / "runs"), tmp_path, show))
    assert failing(checks) == {"blobs"}
    assert "shows another text" in checks["blobs"].detail


# ------------------------------------------------------------ a head that was kept elsewhere


def test_a_head_that_was_kept_tells_what_the_record_alone_cannot(drawn: Path, shipped: Path, tmp_path: Path) -> None:
    with sqlite3.connect(drawn / "audit.db") as db:
        seq, hashed = db.execute("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1").fetchone()
        (genesis,) = db.execute("SELECT hash FROM events WHERE seq = 1").fetchone()
        tree = Tree(bytes.fromhex(row[0]) for row in db.execute("SELECT hash FROM events ORDER BY seq"))
    kept = tmp_path / "kept"
    lines = Head(drawn.name, genesis, seq, hashed, tree.root, "0" * 64).text()
    cut = tampered(drawn, tmp_path / "cut", removed("engine.stopped", -1))
    anew = tampered(drawn, tmp_path / "anew", edited("engine.started", put("pid", to=1)))
    for text in (f"{seq} {hashed}\n", lines, f"{lines}\nand a signature", json.dumps({"text": lines})):
        kept.write_text(text)
        assert agreed(shipped, drawn, head=kept)["kept head"].verdict == "ok"
        for copy, sentence in (
            (cut, "it was cut at its end, set back, or written anew"),
            (anew, "changed or written anew"),
        ):
            checks = agreed(shipped, copy, head=kept)
            assert failing(checks) == {"kept head"}
            assert sentence in checks["kept head"].detail


@pytest.mark.parametrize("text", ["", "no head", "{" * 5000, '{"text": 5}', "1 2"])
@pytest.mark.parametrize("option", ["--head", "--key"])
def test_a_file_that_is_no_head_or_no_key_is_refused(
    option: str, text: str, drawn: Path, shipped: Path, tmp_path: Path
) -> None:
    (tmp_path / "brought").write_text(text)
    command = [sys.executable, "-S", "-I", str(shipped), str(drawn), option, str(tmp_path / "brought")]
    told = subprocess.run(command, capture_output=True, check=False)
    assert (told.returncode, told.stdout) == (2, b"")
    assert told.stderr.startswith(b"verify: ")
    assert len(told.stderr.splitlines()) == 1
    with pytest.raises(InputError):
        verify_all(drawn, **{option.removeprefix("--"): tmp_path / "brought"})


# ------------------------------------------------------------ hostile records


def test_a_field_that_is_named_twice_is_refused(tmp_path: Path, shipped: Path) -> None:
    def twice(db: sqlite3.Connection) -> None:
        db.execute("UPDATE events SET payload = replace(payload, '{', '{\"loss\":0,') WHERE seq = 2")

    checks = agreed(shipped, tampered(small_record(tmp_path / "runs"), tmp_path, twice))
    assert checks["events"] == Check(
        "events",
        "failed",
        "event 2: its payload is not one that this program writes: it is not in canonical form (RFC 8785), so other "
        "readers may read it otherwise",
        2,
    )


@pytest.mark.parametrize(
    "payload",
    ["[]", "0", '"text"', "null", "{}", "[" * 900 + "]" * 900, '{"a":' * 900 + "1" + "}" * 900, "1e999", "9" * 5000],
    ids=["list", "number", "text", "null", "nothing", "deep list", "deep table", "infinite", "long"],
)
@pytest.mark.parametrize("seq", [1, 3, 6])
def test_a_payload_that_is_none_is_a_sentence(payload: str, seq: int, tmp_path: Path, shipped: Path) -> None:
    def replace(db: sqlite3.Connection) -> None:
        db.execute("UPDATE events SET payload = ? WHERE seq = ?", (payload, seq))

    checks = agreed(shipped, tampered(small_record(tmp_path / "runs"), tmp_path, replace))
    assert checks["events"].event == seq


@pytest.mark.long
@pytest.mark.parametrize("value", [None, 5, "x", [], [7], {"x": 1}, [{"name": "main"}], [{"name": []}], 1e300])
@pytest.mark.parametrize("key", ["lotteries", "draws", "conditions", "judge", "rank", "population", "train"])
def test_a_configuration_of_anything_is_a_verdict(
    key: str, value: Any, drawn: Path, trained: Path, tmp_path: Path
) -> None:
    for number, root in enumerate((drawn, trained)):
        copy = tampered(
            root, tmp_path / str(number), edited("run.created", lambda v: v["config"].update({key: value, "more": 1}))
        )
        assert all(check.detail for check in verify(copy))


@pytest.mark.long
@pytest.mark.parametrize("number", [0, -1, 10**9, 2**53 - 1, -(2**53) + 1, 1e300, 5e-324])
def test_a_huge_number_anywhere_is_a_verdict_in_a_short_time(number: float, trained: Path, tmp_path: Path) -> None:
    """Every number of every kind of event, one kind at a time."""
    kinds = [kind for kind in tree_facts().kinds if kind not in ("head.signed", "lottery.bounded")]
    (tmp_path / "copy").mkdir()
    root = tampered(trained, tmp_path / "copy", lambda db: None)
    begun = time.monotonic()
    for kind in kinds[:: 2 if number in (0, -1) else 3]:
        with opened(root) as db:
            before = db.execute("SELECT seq, payload FROM events WHERE kind = ?", [kind]).fetchall()
            for seq, payload in before[:1]:
                values = json.dumps(_with_number(json.loads(payload), number))
                db.execute("UPDATE events SET payload = ? WHERE seq = ?", (values, seq))
            rechain(db)
        assert all(check.detail for check in verify(root))
        with opened(root) as db:
            for seq, payload in before[:1]:
                db.execute("UPDATE events SET payload = ? WHERE seq = ?", (payload, seq))
    assert time.monotonic() - begun < 240


def _with_number(value: Any, number: float) -> Any:
    if isinstance(value, dict):
        return {key: inner if key == "attempt" else _with_number(inner, number) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_number(inner, number) for inner in value]
    return number if isinstance(value, int | float) and not isinstance(value, bool) else value


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
        "ALTER TABLE events RENAME TO old; CREATE VIEW events AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT "
        "i + 1 FROM n) SELECT i AS seq, '' AS at, '' AS stage, '' AS kind, '{}' AS payload, '' AS prev, "
        "'' AS hash FROM n",
        "ALTER TABLE events RENAME TO old; CREATE TABLE events AS SELECT seq, x'00' AS at, stage, 7 AS kind, payload, "
        "prev, hash FROM old",
        "ALTER TABLE blobs RENAME TO old; CREATE TABLE blobs (sha256, body AS (zeroblob(1000000000)))",
        "DROP TABLE blobs",
        "DROP TABLE events",
    ],
    ids=["endless view", "endless events", "other types", "generated texts", "no texts", "no events"],
)
def test_tables_that_are_not_ours_are_not_read(statement: str, tmp_path: Path, shipped: Path) -> None:
    root = small_record(tmp_path)
    with sqlite3.connect(root / "audit.db") as db:
        db.execute("PRAGMA writable_schema=ON")
        db.execute("DELETE FROM sqlite_master WHERE type IN ('view', 'trigger')")
        db.commit()
    with sqlite3.connect(root / "audit.db") as db:
        db.executescript(statement)
    begun = time.monotonic()
    assert "schema" in failing(agreed(shipped, root))
    assert time.monotonic() - begun < 100


def test_bytes_in_the_place_of_texts_are_a_verdict(tmp_path: Path, shipped: Path) -> None:
    root = small_record(tmp_path)
    with opened(root) as db:
        (sql,) = db.execute("SELECT sql FROM sqlite_master WHERE name = 'events'").fetchone()
        db.execute("PRAGMA writable_schema=ON")
        db.execute("UPDATE sqlite_master SET sql = replace(sql, ' STRICT', '') WHERE name = 'events'")
        db.commit()
        db.execute("PRAGMA schema_version = 9000")
    with opened(root) as db:
        db.execute("UPDATE events SET at = x'ff00', kind = x'00' WHERE seq = 3")
        db.execute("UPDATE events SET stage = CAST(x'ff41' AS TEXT) WHERE seq = 5")
        db.execute("PRAGMA writable_schema=ON")
        db.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'events'", [sql])
        db.commit()
        db.execute("PRAGMA schema_version = 9001")
    checks = agreed(shipped, root)
    assert {"file", "chain"} <= failing(checks)
    assert checks["chain"].event == 3


@pytest.mark.long
def test_ten_megabytes_in_one_event_are_read_and_more_than_the_limit_is_a_sentence(
    tmp_path: Path, shipped: Path
) -> None:
    def long(size: int) -> Change:
        return edited("answer.given", lambda v: v.update(condition="y" * size))

    root = tampered(small_record(tmp_path / "runs"), tmp_path / "a", long(10_000_000))
    assert failing(agreed(shipped, root)) == set()
    larger = tampered(root, tmp_path / "b", long(70 * 1024**2))
    assert "too big" in agreed(shipped, larger)["chain"].detail


def test_what_lies_under_artifacts_may_be_anything(trained: Path, shipped: Path, tmp_path: Path) -> None:
    root = tampered(trained, tmp_path / "a", lambda db: None)
    path = next((root / "artifacts").iterdir())
    body = path.read_bytes()
    path.unlink()
    assert "is missing" in agreed(shipped, root)["artifacts"].detail
    os.mkfifo(path)
    assert "is missing" in agreed(shipped, root)["artifacts"].detail
    path.unlink()
    path.symlink_to("/dev/zero")
    assert "is missing" in agreed(shipped, root)["artifacts"].detail
    path.unlink()
    path.write_bytes(body[:-1] + b"?")
    assert "was changed" in agreed(shipped, root)["artifacts"].detail
    named = edited("condition.planned", put("artifact", "sha256", to="../audit.db"), 3)
    assert "artifact.sha256 is no SHA-256" in agreed(shipped, tampered(trained, tmp_path / "b", named))["events"].detail


@pytest.mark.parametrize("lines", [0, 1, 100, -1])
def test_a_file_of_the_pairs_that_is_cut_is_a_verdict(trained: Path, shipped: Path, tmp_path: Path, lines: int) -> None:
    root = tampered(trained, tmp_path, lambda db: None)
    files = (root / "artifacts").iterdir()
    path = next(file for file in files if file.read_bytes().startswith(b'{"format":"dempo-pairs"'))
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:lines]))
    found = agreed(shipped, root)["pairs"]
    assert (found.verdict, found.detail) == ("failed", "the file of the pairs ends before its last pair")


def test_texts_and_artifacts_that_a_bundle_withholds_are_withheld(trained: Path, shipped: Path, tmp_path: Path) -> None:
    root = tampered(trained, tmp_path, lambda db: db.execute("DELETE FROM blobs") and None)
    (texts,) = sqlite3.connect(trained / "audit.db").execute("SELECT count(*) FROM blobs").fetchone()
    artifact = next((root / "artifacts").iterdir())
    artifact.unlink()
    assert "blobs" in failing(agreed(shipped, root))
    note = root / "redacted.json"
    note.write_text(json.dumps({"texts": texts, "artifacts": [artifact.name]}))
    checks = agreed(shipped, root)
    assert failing(checks) == set()
    withheld = {name for name, check in checks.items() if check.verdict == "withheld"}
    assert {"blobs", "artifacts", "constitution", "estimates", "replies", "pool", "training"} <= withheld
    assert {checks[name].verdict for name in ("chain", "stages", "answers")} == {"ok"}
    note.write_text(json.dumps({"texts": texts - 1, "artifacts": []}))
    assert "blobs" in failing(agreed(shipped, root))
    note.write_text("[" * 100_000)
    assert "does not say what was withheld" in agreed(shipped, root)["blobs"].detail


def test_a_bundle_may_lie_in_a_folder_of_any_name_and_its_journal_is_called_out_and_not_replayed(
    drawn: Path, shipped: Path, tmp_path: Path
) -> None:
    root = tampered(drawn, tmp_path, lambda db: None).rename(tmp_path / "unpacked")
    assert "genesis" in failing(agreed(shipped, root))
    with contextlib.closing(sqlite3.connect(root / "audit.db")) as db:
        db.execute("PRAGMA journal_mode=DELETE")
    (root / "ro-crate-metadata.json").write_text("{}")
    assert failing(agreed(shipped, root)) == {"bundle"}
    (root / "audit.db-wal").write_bytes(b"no log at all" * 100)
    assert failing(agreed(shipped, root)) == {"bundle", "file"}


# ------------------------------------------------------------ the file that travels


def test_it_needs_nothing_but_its_own_folder(shipped: Path, drawn: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(drawn, tmp_path / drawn.name))
    shutil.copy(shipped, copy / "verify.py")
    told = subprocess.run(
        [sys.executable, "-S", "-I", "verify.py"],
        capture_output=True,
        cwd=copy,
        env={"LC_ALL": "C", "PYTHONIOENCODING": "ascii"},
        timeout=60,
        check=False,
    )
    assert (told.returncode, told.stderr) == (0, b"")
    assert b"3 accepted panels drawn again" in told.stdout
    assert not list(copy.glob("__pycache__"))


def test_text_of_strangers_is_told_on_one_line_without_orders_to_the_terminal(tmp_path: Path, shipped: Path) -> None:
    hostile = edited("run.created", put("run_id", to="\x1b[2Jx\u202e\n[@click]"))
    root = tampered(small_record(tmp_path / "runs"), tmp_path, hostile)
    told = subprocess.run([sys.executable, "-S", "-I", str(shipped), str(root)], capture_output=True, check=False)
    assert told.returncode == 4
    assert b"\x1b" not in told.stdout
    assert "\u202e".encode() not in told.stdout
    all_in_all = ["", "the line about all of them"]
    assert len(told.stdout.splitlines()) == len(CHECKS) + len(("signatures", "head files", "registry")) + len(
        all_in_all
    )


def test_a_folder_without_a_record_is_no_success(tmp_path: Path, shipped: Path) -> None:
    told = subprocess.run([sys.executable, "-S", "-I", str(shipped), str(tmp_path)], capture_output=True, check=False)
    assert told.returncode == 2
    assert b"there is no file" in told.stderr


def test_no_name_in_it_was_left_behind_in_another_file(shipped: Path) -> None:
    """Joining drops the imports between its parts: what they named has to be in it."""
    ruff = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--select", "F", str(shipped)]
    told = subprocess.run(ruff, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout


def test_its_text_is_the_same_whenever_it_is_made(shipped: Path) -> None:
    verifier_text.cache_clear()
    assert verifier_text().encode() == shipped.read_bytes()
    assert released_digest("verify.py") == digest(shipped.read_bytes())


def test_shapes_say_of_a_field_what_its_schema_says() -> None:
    from core.events import JudgeCalled

    shape = shape_of(JudgeCalled.model_json_schema())
    assert shape["question_id"] == "str"
    assert shape["ranking?"] == ["list", "str"]
    assert shape["prompt?"] == {"sha256": "hash", "shown?": "hash"}
    assert shape["outcome"][:2] == ["one of", "ranked"]


def test_a_section_with_a_default_has_a_shape_however_pydantic_writes_it() -> None:
    """Before 2.9 it wraps the reference; numbers of such a section were hashed as payloads write them."""
    part = {"type": "object", "properties": {"delta": {"type": "number"}}, "required": ["delta"]}
    for reference in ({"$ref": "#/$defs/Data"}, {"allOf": [{"$ref": "#/$defs/Data"}], "default": {"delta": 0.0}}):
        schema = {"$defs": {"Data": part}, "type": "object", "properties": {"data": reference}}
        assert shape_of(schema) == {"data?": {"delta": "num"}}


# ------------------------------------------------------------ the demonstration


@pytest.mark.long
def test_the_demonstration_alters_copies_and_says_what_is_found_by_what(judged: Path, drawn: Path) -> None:
    before = {path: path.read_bytes() for root in (judged, drawn) for path in root.rglob("*") if path.is_file()}
    rows = [*demonstrate(judged), *demonstrate(drawn)]
    found = {row.altered: row for row in rows}
    assert found.keys() == {alteration.what for alteration in ALTERATIONS} | BESIDE.keys()
    for alteration in ALTERATIONS:
        row = found[alteration.what]
        assert bool(row.found_by) != bool(alteration.reason), row
        assert not alteration.reason or row.kept_head == "differs"
    assert found["the probability of a panel"].found_by[0] == "lotteries"
    assert found["a score"].found_by == ("leaderboards", "estimates") or found["a score"].found_by == ("estimates",)
    by = {what: found[what].found_by[0] for what in BESIDE}
    assert list(by.values()) == ["artifacts", "checkpoints", "file", "bundle", "bundle"], by
    assert found["a judge asked something else"].found_by == ("replies",)
    assert found["an escaped key (\\u0072ows)"].found_by[0] == "events"
    assert max(len(line) for line in table([shown_as(row) for row in rows]).splitlines()) <= 80
    assert before == {path: path.read_bytes() for path in before}


def test_the_demonstration_refuses_a_run_that_fails_already(drawn: Path, tmp_path: Path) -> None:
    root = tampered(drawn, tmp_path, removed("draw.committed"))
    with pytest.raises(StorageError, match="use a run that passes"):
        next(demonstrate(root))
