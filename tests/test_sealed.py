"""What an export withholds about people: nothing in a redacted bundle leads back to the source."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import sqlite3
import zipfile
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from both_verifiers import checked
from commands import answered, dempo, told
from prism_folder import Prism
from rewritten import Row, forged
from tampering import edited, tampered

from core.config_file import parse_config
from core.data.pseudonyms import keep_secret
from core.events import digest
from core.run_folder import RunFolder
from storage.errors import StorageError
from storage.export.export import export_run
from storage.record.codec import canonical
from storage.record.create import create_run
from storage.record.reader import Reader
from storage.record.sealing import opened
from storage.verify import verify
from tui.commands.runs.process import work
from tui.terminal.console import Console

PEOPLE = 24

CONFIG = """
[run]
name = "sealed"
seed = 3
[data]
path = "{0}"
[[population.attributes]]
name = "age"
column = "age"
targets = {{ "young" = 0.5, "old" = 0.5 }}
[[population.attributes]]
name = "gender"
column = "gender"
targets = {{ "Female" = 0.5, "Male" = 0.5 }}
[[lotteries]]
name = "main"
size = 6
tolerance = 0.5
[[lotteries]]
name = "even"
size = 6
tolerance = 0.5
panels = 8
[[draws]]
id = "main"
lottery = "main"
[[conditions]]
name = "full"
source = "all"
[[conditions]]
name = "soft"
source = "lottery:main"
[[conditions]]
name = "hard"
source = "draw:main"
[train]
model = "tiny"
steps = 5
batch = 4
[train.tiny]
hidden = 16
vocabulary = 300
steps = 2
"""


def source_id(number: int) -> str:
    return f"member-{100 + number}"


def data(folder: Path) -> Path:
    prism = Prism()
    for i in range(PEOPLE):
        who = source_id(i)
        prism.person(who, age=("young", "old")[i % 3 % 2], gender=("Female", "Male")[i % 2])
        prism.talk(f"c{i}", who, (f"question {i}", [("A", 2, True), ("B", 1), ("C", i % 2)]))
    return prism.write(folder)


def made(folder: Path, source: Path, secret: bytes | None = None, until: str = "conditions") -> Path:
    """A run up to a stage, below `folder`; with a secret that was there before it, or its own."""
    if secret is not None:
        (folder / "private").mkdir(parents=True)
        keep_secret(folder / "private", secret)
    text = CONFIG.format(source)
    root = create_run(parse_config(text), text, folder)
    assert work(root, until, Console(quiet=True)) == 0
    return root


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sealed")
    return made(folder / "runs", data(folder / "alice-at-home"))


def unpacked(root: Path, folder: Path, k: int | None = None) -> Path:
    export_run(root, folder / "run.zip", redact=True, k=k, told=lambda what, done, total: None)
    with zipfile.ZipFile(folder / "run.zip") as bundle:
        bundle.extractall(folder / "bundle")
    return folder / "bundle"


def events(root: Path) -> list[tuple[str, dict[str, Any]]]:
    """Kind and values of every event, as far as its parts are here."""
    with closing(sqlite3.connect(root / "audit.db")) as db:
        bodies = dict(db.execute("SELECT sha256, body FROM blobs").fetchall()).get
        rows = db.execute("SELECT kind, payload FROM events ORDER BY seq").fetchall()
    return [(kind, opened(json.loads(payload), bodies)) for kind, payload in rows]


def pseudonyms(root: Path) -> dict[str, str]:
    """Source id by pseudonym, which only the operator has."""
    lines = (root / "private" / "raters.csv").read_text().splitlines()[1:]
    return dict(line.split(",") for line in lines)


def lists_of_raters(value: Any, known: set[str]) -> list[list[str]]:
    """Every list in which raters come one after the other."""
    found = []
    if isinstance(value, list):
        named = [inner.get("rater_id") if isinstance(inner, dict) else inner for inner in value]
        named = [name for name in named if isinstance(name, str) and name in known]
        found = [named] if named else []
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return found + [listed for one in inner for listed in lists_of_raters(one, known)]


def everything(bundle: Path) -> bytes:
    return b"\n".join(path.read_bytes() for path in sorted(bundle.rglob("*")) if path.is_file())


# ------------------------------------------------------------ the order


def test_every_list_in_a_redacted_bundle_is_in_the_order_of_the_pseudonyms(root: Path, tmp_path: Path) -> None:
    """Whoever has the public file knows the order of the source's ids: it names everybody."""
    known = set(pseudonyms(root))
    assert len(known) == PEOPLE
    bundle = unpacked(root, tmp_path)
    listed = [
        (kind, names)
        for kind, values in events(bundle)
        if kind != "draw.alternates"  # the order in which they stand in, drawn at random
        for names in lists_of_raters(values, known)
    ]
    assert {kind for kind, _ in listed} == {"pool.built", "draw.made", "condition.planned"}
    assert all(names == sorted(names) for _, names in listed)
    guessed = [source_id(i) for i in range(PEOPLE)]
    in_order = next(names for kind, names in listed if kind == "pool.built")
    right = sum(pseudonyms(root)[name] == guess for name, guess in zip(in_order, guessed, strict=True))
    assert right < PEOPLE / 2, "of 24 in a random order one is right on average"


def test_a_redacted_bundle_confirms_no_file_that_is_numbered_as_the_source(root: Path, tmp_path: Path) -> None:
    """Pairs and schedules follow from the public file, the seed and the order: no hash of them is there to try."""
    names = {path.name for path in (root / "artifacts").iterdir()}
    assert len(names) >= 4, "the pairs and three schedules"
    body = everything(unpacked(root, tmp_path))
    assert not [name for name in names if name.encode() in body]
    verdicts = {check.name: (check.verdict, check.detail) for check in verify(tmp_path / "bundle")}
    assert [verdicts[name][0] for name in ("training", "pairs", "artifacts")] == ["withheld"] * 3
    assert {verdicts[name][0] for name in ("chain", "pool", "quotas", "lotteries", "draws", "weights")} == {"ok"}


def test_no_redaction_holds_a_place_or_a_source_id(root: Path, tmp_path: Path) -> None:
    for k in (None, 5):
        (tmp_path / str(k)).mkdir()
        body = everything(unpacked(root, tmp_path / str(k), k))
        assert b"alice-at-home" in body, "the name of a folder is data; where it lies is not"
        assert str(root.parent.parent).encode() not in body
        assert not [who for who in map(source_id, range(PEOPLE)) if who.encode() in body]


# ------------------------------------------------------------ --k


def test_with_k_nobody_is_left_to_be_told_by_attributes(root: Path, tmp_path: Path) -> None:
    bundle = unpacked(root, tmp_path, 5)
    body = everything(bundle)
    assert not [name for name in pseudonyms(root) if name.encode() in body]
    values = dict(events(bundle))
    listed = {name for _, found in events(bundle) for name, value in found.items() if isinstance(value, list)}
    assert not listed & {"raters", "types", "members", "weights", "counts", "pi", "left_out", "alternates"}
    assert sum(values["lottery.diagnosed"]["histogram"]) == PEOPLE
    assert sum(values["draw.made"]["seats"]["age"].values()) == 6
    few = sorted(f"{r['attribute']}: {r['category']} ({r['in_pool']})" for r in Reader(root).view("quotas"))
    assert "counted all the same: none." in (bundle / "LIMITS.md").read_text()
    (tmp_path / "more").mkdir()
    said = (unpacked(root, tmp_path / "more", 100) / "LIMITS.md").read_text().rpartition("counted all the same: ")[2]
    assert sorted(said.strip().rstrip(".").split(", ")) == sorted(set(few))
    verdicts = {check.name: check.verdict for check in verify(bundle)}
    assert {name for name, verdict in verdicts.items() if verdict == "failed"} == set()
    for name in ("pool", "quotas", "lotteries", "draws", "weights"):
        assert verdicts[name] == "withheld"
    assert "1 quota" not in next(check.detail for check in verify(bundle) if check.name == "quotas")


def test_seats_outside_the_quotas_fail_also_where_people_are_withheld(root: Path, tmp_path: Path) -> None:
    def change(rows: list[Row]) -> list[Row]:
        made = next(row for row in rows if row.kind == "draw.made").payload
        made["seats"]["age"] = {"young": 6}
        return rows

    bundle = unpacked(root, tmp_path, 5)
    copy = forged(bundle, tmp_path / "forged", change)
    found = {check.name: check for check in verify(copy)}
    assert found["quotas"].verdict == "failed"
    assert "instead of" in found["quotas"].detail


def test_the_limits_of_a_bundle_give_this_runs_own_figures(root: Path, tmp_path: Path) -> None:
    plain = (unpacked(root, tmp_path) / "LIMITS.md").read_text()
    groups = Counter(row["type"] for row in Reader(root).view("raters"))
    assert f"| attributes | {sum(n == 1 for n in groups.values())} of {PEOPLE} |" in plain


@pytest.mark.parametrize("k", [None, 5])
def test_a_failed_check_names_nobody_in_a_redacted_report(root: Path, tmp_path: Path, k: int | None) -> None:
    """Checks are made before anything is withheld, and say whose weight is wrong."""

    def double(values: dict[str, Any]) -> None:
        values["weights"][3]["weight"] *= 2

    wrong = tampered(root, tmp_path / "wrong", edited("condition.planned", double))
    assert any(name in checked(wrong)["weights"].detail for name in pseudonyms(root))
    report = (unpacked(wrong, tmp_path, k) / "report.html").read_text()
    assert re.search(r">weights<.*?>failed<.*?>withheld<", report)
    assert not [name for name in pseudonyms(root) if name in report]


def test_a_bundle_can_be_redacted_further_and_never_back(root: Path, tmp_path: Path) -> None:
    (tmp_path / "once").mkdir()
    unpacked(root, tmp_path / "once")
    runs = tmp_path / "runs"
    there = answered(dempo("import", tmp_path / "once" / "run.zip", "--runs-dir", runs, "--json"))
    imported = Path(there["path"])
    (tmp_path / "twice").mkdir()
    body = everything(unpacked(imported, tmp_path / "twice", 5))
    assert not [name for name in pseudonyms(root) if name.encode() in body]
    told(dempo("export", imported.name, "--runs-dir", runs, "--to", tmp_path / "back.zip"), 0)
    with zipfile.ZipFile(tmp_path / "back.zip") as bundle:
        assert json.loads(bundle.read("redacted.json"))["texts"] > 0


# ------------------------------------------------------------ forgeries


def test_what_belongs_into_a_sealed_part_is_nowhere_else(root: Path, tmp_path: Path) -> None:
    """The views read the part, a verifier the payload: what stands in both could be two different things."""
    copy = forged(root, tmp_path, lambda rows: rows)
    assert not [check for check in checked(copy).values() if check.verdict == "failed"]
    with closing(sqlite3.connect(copy / "audit.db")) as db:
        db.execute("DROP TRIGGER events_no_update")
        (payload,) = db.execute("SELECT payload FROM events WHERE kind = 'draw.made'").fetchone()
        both = canonical({**json.loads(payload), "members": []})
        db.execute("UPDATE events SET payload = ? WHERE kind = 'draw.made'", [both])
        db.commit()
    found = {check.name: check for check in verify(copy)}
    assert "'members' belongs into a sealed part" in found["events"].detail


def resealed(root: Path, folder: Path, kind: str, change: Callable[[dict[str, Any], dict[str, Any]], None]) -> Path:
    """A copy in which the payload of an event and its part about people were changed, and everything hashed anew."""

    def again(db: sqlite3.Connection) -> None:
        seq, payload = db.execute("SELECT seq, payload FROM events WHERE kind = ?", [kind]).fetchone()
        values = json.loads(payload)
        (body,) = db.execute(
            "SELECT body FROM blobs WHERE sha256 = ?", [values["sealed"]["people"]["sha256"]]
        ).fetchone()
        part = json.loads(body)
        change(values, part)
        text = canonical(part).encode()
        values["sealed"]["people"]["sha256"] = digest(text)
        db.execute("INSERT OR IGNORE INTO blobs VALUES (?, ?)", (digest(text), text))
        db.execute("UPDATE events SET payload = ? WHERE seq = ?", (canonical(values), seq))

    return tampered(root, folder, again)


@pytest.mark.parametrize(
    "change",
    [
        lambda values, part: part.update(shoe_size=42),
        lambda values, part: values["sealed"].update(weather=dict(values["sealed"]["people"])),
    ],
    ids=["a field more in a part", "a part more"],
)
def test_what_a_newer_program_seals_is_unchecked(root: Path, tmp_path: Path, change: Any) -> None:
    found = checked(resealed(root, tmp_path, "draw.made", change))["events"]
    assert found.verdict == "unchecked"
    assert "newer than this verifier" in found.detail


@pytest.mark.parametrize("change", [lambda v, part: part.update(panel=0), lambda v, part: part.pop("salt")])
def test_a_part_says_only_what_is_its_own(root: Path, tmp_path: Path, change: Any) -> None:
    found = checked(resealed(root, tmp_path, "draw.made", change))["events"]
    assert (found.verdict, "fields that are not its own" in found.detail) == ("failed", True)


def test_with_k_nobody_learns_how_many_pairs_a_panel_brought(root: Path, tmp_path: Path) -> None:
    """With the public file these sums tell one small panel from another."""
    bundle = unpacked(root, tmp_path, 5)
    planned = [v for kind, v in events(bundle) if kind == "condition.planned"]
    assert planned
    assert not {"pairs", "effective_pairs"} & {name for values in planned for name in values}
    with (bundle / "tables" / "conditions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["pairs"], row["effective_pairs"]) for row in rows} == {("withheld", "withheld")}
    assert all(row["raters"].isdigit() for row in rows)


def test_a_part_is_bound_by_a_salt_that_cannot_be_guessed(root: Path) -> None:
    with closing(sqlite3.connect(root / "audit.db")) as db:
        (payload,) = db.execute("SELECT payload FROM events WHERE kind = 'pool.built'").fetchone()
        part = json.loads(payload)["sealed"]["people"]["sha256"]
        (body,) = db.execute("SELECT body FROM blobs WHERE sha256 = ?", [part]).fetchone()
    inner = json.loads(body)
    assert len(inner.pop("salt")) == 32
    guess = json.dumps(inner, sort_keys=True, separators=(",", ":")).encode()
    assert hashlib.sha256(guess).hexdigest() != part


# ------------------------------------------------------------ the secret


def test_runs_of_one_folder_share_their_secret_and_results(root: Path, tmp_path: Path) -> None:
    source = data(tmp_path / "data")
    one = made(tmp_path / "runs", source)
    secret = (tmp_path / "runs" / "private" / "pseudonym.key").read_bytes()
    other = made(tmp_path / "other", source, secret)
    first, second = (dict(events(run)) for run in (one, other))
    for kind in ("pairs.built", "pool.built", "lottery.solved", "draw.made", "condition.planned"):
        own = {"leaf_key", "root"}  # of trees with salts of their own
        assert {k: v for k, v in first[kind].items() if k not in own} == {
            k: v for k, v in second[kind].items() if k not in own
        }, kind
    assert first["run.created"]["secret"] == hashlib.sha256(secret).hexdigest()


def test_a_secret_of_ones_own_is_named_in_the_configuration(tmp_path: Path) -> None:
    """So that runs of several folders can be joined; its path stays in the private part."""
    source, key = data(tmp_path / "data"), tmp_path / "keys" / "joint.key"
    key.parent.mkdir()
    key.write_bytes(bytes(range(32)))
    text = CONFIG.format(source).replace("[run]", f'[run]\nsecret_file = "{key}"')
    roots = [create_run(parse_config(text), text, tmp_path / name) for name in ("one", "two")]
    assert [work(root, "draw", Console(quiet=True)) for root in roots] == [0, 0]
    assert pseudonyms(roots[0]).keys() == pseudonyms(roots[1]).keys()
    assert not (tmp_path / "one" / "private").exists()
    with closing(sqlite3.connect(roots[0] / "audit.db")) as db:
        assert "keys/joint.key" not in "".join(row[0] for row in db.execute("SELECT payload FROM events"))
    key.write_bytes(b"short")
    with pytest.raises(StorageError, match=r"run.secret_file: .*joint.key holds 5 bytes instead of 32"):
        create_run(parse_config(text.replace("sealed", "again")), text, tmp_path / "three")
    assert [path.name for path in (tmp_path / "three").iterdir()] == ["registry.db"]


def of_two_secrets(folder: Path, until: str) -> list[Path]:
    source = data(folder / "data")
    return [made(folder / name, source, bytes([n]) * 32, until) for n, name in enumerate(("one", "two"))]


def test_two_secrets_give_equal_chances_and_training_data_of_all_but_the_panel(tmp_path: Path) -> None:
    runs = of_two_secrets(tmp_path, "conditions")
    found = [events(run) for run in runs]
    assert set(pseudonyms(runs[0])).isdisjoint(pseudonyms(runs[1]))
    pi = [[v["pi"] for kind, v in listed if kind == "lottery.solved"] for listed in found]
    counts = [[v["counts"] for kind, v in listed if kind == "lottery.panel"] for listed in found]
    assert (pi[0], counts[0]) == (pi[1], counts[1])
    kept = [
        {v["condition"]: v["artifact"]["sha256"] for kind, v in listed if kind == "condition.planned"}
        for listed in found
    ]
    for condition in ("full", "soft"):
        assert kept[0][condition] == kept[1][condition]
    pairs = [next(v["artifact"]["sha256"] for kind, v in listed if kind == "pairs.built") for listed in found]
    assert pairs[0] == pairs[1]


@pytest.mark.long
def test_two_secrets_give_equal_models_of_all_but_the_panel(tmp_path: Path) -> None:
    runs = of_two_secrets(tmp_path, "train")
    models = [{path.parent.name: path.read_bytes() for path in root.rglob("model.safetensors")} for root in runs]
    assert {name for name, body in models[0].items() if models[1][name] != body} == {"hard"}
    assert len(set(models[0].values())) == len(models[0]) == 4, "base and three conditions, each trained to another one"


def test_a_run_whose_secret_is_gone_is_not_continued(tmp_path: Path) -> None:
    root = made(tmp_path / "runs", data(tmp_path / "data"))
    key = RunFolder(root).private / "pseudonym.key"
    key.write_bytes(bytes(32))
    before = Reader(root).head()
    said = told(dempo("resume", root.name, "--runs-dir", root.parent), 1)
    assert "does not hold the secret" in said
    key.unlink()
    assert "pseudonym.key" in told(dempo("resume", root.name, "--runs-dir", root.parent), 1)
    assert Reader(root).head() == before
