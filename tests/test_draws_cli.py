"""`dempo draw …` as a stranger meets it: what is recorded, what is refused, and what can be checked by hand."""

from __future__ import annotations

import csv
import fcntl
import hashlib
import json
import os
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from commands import Ended
from commands import answered as json_of
from commands import dempo as command
from draw_runs import IDS, PEOPLE, QUOTAS, copied, make_draw_run
from sample_run import make_sample_run
from test_draw import alternates_by_hand, redraw

from core.facts.chain import link_hash
from core.run_folder import RunFolder
from storage.demonstration import altered_payload
from storage.draws.history import history_of
from storage.draws.public import PublicDraw
from storage.draws.waiting import waits_for
from storage.record.log import Log
from storage.record.reader import Reader
from storage.record.schema import TRIGGERS
from storage.record.sealing import opened
from storage.replay.replaying import replay_run
from storage.verify import verify
from tui.commands.people.draw_text import people_command

CHECKOUT = Path(__file__).parent.parent
SOURCE = "drand round 4512345 (quicknet), https://api.example/public/4512345"
HOSTILE = "a\x1b]0;t\x07 [bold]b[/] \u202edc\nd"

Dempo = Callable[..., Ended]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_draw_run(tmp_path_factory.mktemp("draws"))


@pytest.fixture
def root(template: Path, tmp_path: Path) -> Path:
    return copied(template, tmp_path)


@pytest.fixture
def dempo(root: Path) -> Dempo:
    """Runs `dempo draw STEP RUN …` (or `resume RUN`)."""

    def call(step: str, *arguments: object) -> Ended:
        words = ["resume"] if step == "resume" else ["draw", step]
        return command(*words, root, *arguments, "--runs-dir", root.parent)

    return call


def events(root: Path, *kinds: str) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(root / "audit.db")) as db:
        rows = db.execute("SELECT seq, stage, kind, payload FROM events ORDER BY seq").fetchall()
        bodies = dict(db.execute("SELECT sha256, body FROM blobs").fetchall()).get
    return [
        {"seq": seq, "stage": stage, "kind": kind, **opened(json.loads(payload), bodies)}
        for seq, stage, kind, payload in rows
        if not kinds or kind in kinds
    ]


def state(root: Path, draw: str = "public") -> str:
    return history_of(Reader(root), draw).state


def good(answer: Ended) -> str:
    assert answer[0] == 0, answer[2]
    return answer[1]


def refused(answer: Ended, sentence: str, code: int = 2) -> None:
    assert answer[0] == code, answer
    assert answer[1] == ""
    assert sentence in answer[2].replace("\n", " ")


def refuses(root: Path, dempo: Dempo, arguments: tuple[str, ...], sentence: str, code: int = 2) -> None:
    """The command is refused and the record is as before."""
    before = Reader(root).head()
    refused(dempo(*arguments), sentence, code)
    assert Reader(root).head() == before


# ---------------------------------------------------------------- waiting


def test_the_engine_pauses_and_says_which_commands_come_next(root: Path, dempo: Dempo) -> None:
    assert Reader(root).status() == "paused"
    (reason,) = [e["reason"] for e in events(root, "engine.stopped")]
    assert reason.startswith(
        "draw 'public' waits for a commitment to a public source of randomness; draw 'numbered' waits for a commitment "
        "to a public source of randomness; next: `dempo draw commit "
    )
    code, out, err = dempo("resume", "--quiet")
    assert code == 0
    assert out.splitlines()[-1] == f"run: {root}"
    assert "Panels, by category" in out
    for draw in ("public", "numbered"):
        assert f"dempo: draw '{draw}' waits for a commitment to a public source of randomness\nnext: " in err
    assert f"next: `dempo draw commit {root.name} public --source SOURCE" in err
    good(dempo("commit", "public", "--source", SOURCE))
    err = dempo("resume")[2]
    assert f"draw 'public' waits for the value of its public source, {SOURCE[:59] + '…'!r}" in err
    assert f"next: `dempo draw reveal {root.name} public VALUE" in err
    good(dempo("reveal", "public", "7"))
    err = dempo("resume")[2]
    assert "draw 'public' waits for its proposed panel to be accepted or rejected" in err
    assert f"next: `dempo draw people {root.name} public --proposed --to FOLDER" in err
    assert f"then: `dempo draw accept {root.name} public" in err
    accepted = dempo("accept", "public")
    good(accepted)
    assert [line.split(":")[0] for line in accepted[2].splitlines()] == ["next", "then"]
    code, out, err = dempo("resume")
    assert code == 0
    assert "draw 'numbered' waits" in err
    assert "draw 'public' waits" not in err


def test_list_and_show_say_what_a_paused_run_waits_for_now(root: Path, dempo: Dempo) -> None:
    """What the engine recorded when it ended is out of date after the first `dempo draw`."""

    def told() -> list[str]:
        (run,) = json_of(command("list", "--json", "--runs-dir", root.parent))["runs"]
        shown = json_of(command("show", root, "--json", "--runs-dir", root.parent))
        text = command("show", root, "--runs-dir", root.parent).stdout
        assert run["waits_for"] == "; ".join(shown["waits_for"])
        assert all(sentence in text for sentence in shown["waits_for"])
        return [str(sentence) for sentence in shown["waits_for"]]

    numbered = "draw 'numbered' waits for a commitment to a public source of randomness"
    assert told() == ["draw 'public' waits for a commitment to a public source of randomness", numbered]
    good(dempo("commit", "public", "--source", "dice"))
    assert told() == ["draw 'public' waits for the value of its public source, 'dice'", numbered]
    good(dempo("abort", "public", "--reason", "lost"))
    assert told() == ["draw 'public' waits for a new commitment (round 1 was aborted)", numbered]
    for draw, rule in (("public", "hash"), ("numbered", "number")):
        good(dempo("commit", draw, "--source", "dice", "--rule", rule))
        good(dempo("reveal", draw, "07"))
    assert told()[0] == "draw 'public' waits for its proposed panel to be accepted or rejected"
    good(dempo("accept", "public"))
    good(dempo("accept", "numbered"))
    assert told() == ["all draws are accepted; `dempo resume` goes on with the run"]
    good(dempo("resume"))
    assert told() == []


def test_a_run_that_was_asked_to_end_early_says_so(tmp_path: Path) -> None:
    root = make_draw_run(tmp_path, until="lottery")
    assert waits_for(Reader(root)) == ["up to stage lottery, as asked"]
    with Log.open(RunFolder(root)) as log:
        PublicDraw(log, "public").commit("dice", "hash")
    assert waits_for(Reader(root)) == [
        "up to stage lottery, as asked",
        "draw 'public' waits for the value of its public source, 'dice'",
    ]


def test_resume_after_acceptance_goes_on_to_the_end(root: Path, dempo: Dempo) -> None:
    for draw, value in (("public", "7"), ("numbered", "07")):
        rule = "number" if draw == "numbered" else "hash"
        good(dempo("commit", draw, "--source", SOURCE, "--rule", rule))
        good(dempo("reveal", draw, value))
        good(dempo("accept", draw))
    code, _, err = dempo("resume")
    assert code == 0
    assert "wait" not in err
    assert f"next: `dempo draw people {root.name} public --to FOLDER" in err
    assert "(draws: public, first, numbered)" in err
    stages = {row["stage"]: row["status"] for row in Reader(root).view("stages")}
    assert stages["draw"] == "completed"
    assert Reader(root).status() == "completed"
    assert [check.verdict for check in verify(root) if check.verdict == "failed"] == []


def test_raters_of_preference_data_are_nobody_to_write_to(tmp_path: Path, root: Path) -> None:
    assert people_command(Reader(make_sample_run(tmp_path)), tmp_path) == []
    assert people_command(Reader(root), root.parent) != []


# ---------------------------------------------------------------- by hand


def sha256_of_events(root: Path, *kinds: str, lottery: str) -> str:
    """SHA-256 of the recorded payloads, as docs say a reader would compute it; the run was never interrupted."""
    with closing(sqlite3.connect(root / "audit.db")) as db:
        rows = db.execute("SELECT kind, payload FROM events ORDER BY seq").fetchall()
    found = [p for k, p in rows if k in kinds and json.loads(p).get("lottery", lottery) == lottery]
    assert found
    return hashlib.sha256("".join(found).encode()).hexdigest()


def test_a_public_draw_is_rederived_by_the_standard_library_alone(root: Path, dempo: Dempo) -> None:
    good(dempo("commit", "public", "--source", HOSTILE))
    good(dempo("reveal", "public", " 0af3-ü\n"))
    good(dempo("accept", "public", "--reason", "read aloud on the square"))
    (committed,) = events(root, "draw.committed")
    parts = {
        "pool": ("pool.built",),
        "quotas": ("lottery.quotas", "lottery.types"),
        "lottery": ("lottery.panel", "lottery.solved"),
        "certificate": ("lottery.level",),
    }
    terms = {
        "run": root.name,
        "draw": "public",
        "round": 1,
        "lottery": "main",
        "hashes": {part: sha256_of_events(root, *kinds, lottery="main") for part, kinds in parts.items()},
        "source": HOSTILE,
        "rule": "hash",
    }
    text = json.dumps(terms, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    commitment = hashlib.sha256(text.encode()).hexdigest()
    assert committed["commitment"] == commitment
    proposed, accepted = (e for e in events(root, "draw.made") if e["draw"] == "public")
    message = b"".join(
        len(part).to_bytes(8, "big") + part for part in (b"dempo-draw-1", commitment.encode(), "0af3-ü".encode())
    )
    key = hashlib.sha256(message).hexdigest()
    (pool,) = events(root, "pool.built")
    type_of = [rater["type"] for rater in pool["raters"]]
    panels = [e for e in events(root, "lottery.panel") if e["lottery"] == "main"]
    counts = [[dict(p["counts"]).get(t, 0) for t in range(len(pool["types"]))] for p in panels]
    members = redraw([int(p["numerator"]) for p in panels], counts, type_of, key)
    for made in (proposed, accepted):
        assert made["seed"] == key
        assert made["value"] == "0af3-ü"
        assert made["commitment"] == commitment
        assert made["members"] == [pool["raters"][i]["rater_id"] for i in members]
        assert {t: made["members"].count(t) for t in made["members"]} == dict.fromkeys(made["members"], 1)
    assert ("unit" in proposed, proposed["outcome"], accepted["outcome"]) == (False, "proposed", "accepted")
    assert accepted["reason"] == "read aloud on the square"
    recorded = next(e for e in events(root, "draw.alternates") if e["draw"] == "public")
    by_hand = alternates_by_hand(type_of, members, key)
    assert {a["type"]: a["raters"] for a in recorded["alternates"]} == {
        t: [pool["raters"][i]["rater_id"] for i in order] for t, order in by_hand.items()
    }


def test_acceptance_completes_the_unit_as_the_stage_would(root: Path, dempo: Dempo) -> None:
    good(dempo("commit", "public", "--source", SOURCE))
    good(dempo("reveal", "public", "7"))
    good(dempo("accept", "public"))
    of_unit = [e for e in events(root) if e["stage"] == "draw" and e.get("unit") == "public"]
    by_seed = [e for e in events(root) if e["stage"] == "draw" and e.get("unit") == "first"]
    assert [e["kind"] for e in of_unit] == [e["kind"] for e in by_seed]
    assert {e["attempt"] for e in of_unit} == {1}
    assert of_unit[0]["seed"] == of_unit[1]["seed"]


def test_a_number_is_the_panel_and_names_its_members(root: Path, dempo: Dempo) -> None:
    text = good(dempo("commit", "numbered", "--source", "the ball at 8 pm", "--rule", "number"))
    assert "2 digits from 00 to 19" in text
    for wrong in ("7", "007", "x7"):
        refuses(root, dempo, ("reveal", "numbered", wrong), "panels are 00 to 19")
    refused(dempo("reveal", "numbered", "20"), "there is no panel 20; the panels are 00 to 19")
    made = json.loads(good(dempo("reveal", "numbered", "07", "--json")))
    assert made["panel"] == 7
    panel = next(e for e in events(root, "lottery.panel") if e["lottery"] == "even" and e["panel"] == 7)
    (pool,) = events(root, "pool.built")
    assert made["members"] == [pool["raters"][i]["rater_id"] for i in panel["raters"]]


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("commit", "nobody", "--source", SOURCE), "there is no draw 'nobody' in"),
        (("commit", "nobody", "--source", SOURCE), "the draws are public, first, numbered"),
        (("commit", "first", "--source", SOURCE), "draw 'first' is made from the run's seed"),
        (("commit", "public", "--source", " \n"), "--source (the future public source of randomness) is empty"),
        (("commit", "public", "--source", SOURCE, "--rule", "number"), "lottery 'main' is not uniform over numbered"),
        (("commit", "public", "--source", SOURCE, "--rule", "coin"), "'coin' is no rule; it is hash or number"),
        (("reveal", "public", "7"), "no commitment is open; `dempo draw commit` begins a round"),
        (("accept", "public"), "accept: for draw 'public' no panel is proposed"),
        (("reject", "public", "--reason", "x"), "reject: for draw 'public' no panel is proposed"),
        (("abort", "public", "--reason", "x"), "abort: for draw 'public' no commitment is open"),
        (("abort", "public"), "Missing option '--reason'"),
    ],
)
def test_out_of_turn_is_refused_and_records_nothing(
    root: Path, dempo: Dempo, arguments: tuple[str, ...], sentence: str
) -> None:
    refuses(root, dempo, arguments, sentence)


def test_an_open_commitment_waits_for_its_value(root: Path, dempo: Dempo) -> None:
    good(dempo("commit", "public", "--source", SOURCE))
    for arguments, sentence in (
        (("commit", "public", "--source", "another"), "has an open commitment (round 1) that waits for its value"),
        (("accept", "public"), "accept: draw 'public' has an open commitment (round 1)"),
        (("reject", "public", "--reason", "x"), "reject: draw 'public' has an open commitment (round 1)"),
        (("abort", "public", "--reason", " "), "--reason is empty"),
        (("reveal", "public", "  "), "VALUE is empty"),
        (("reveal", "public", "half \udce4"), "VALUE holds NUL or bytes that are not UTF-8 text"),
    ):
        refuses(root, dempo, arguments, sentence)


def test_a_value_is_revealed_once(root: Path, dempo: Dempo) -> None:
    good(dempo("commit", "public", "--source", SOURCE))
    good(dempo("reveal", "public", "7"))
    for arguments in (
        ("reveal", "public", "8"),
        ("commit", "public", "--source", SOURCE),
        ("abort", "public", "--reason", "x"),
    ):
        sentence = "the value of draw 'public' (round 1) is revealed and its panel proposed: accept it, or reject it"
        refuses(root, dempo, arguments, sentence)
    refuses(root, dempo, ("reject", "public", "--reason", "\t"), "--reason is empty")


def test_acceptance_is_final(root: Path, dempo: Dempo) -> None:
    good(dempo("commit", "public", "--source", SOURCE))
    good(dempo("reveal", "public", "7"))
    good(dempo("accept", "public"))
    for arguments in (
        ("commit", "public", "--source", SOURCE),
        ("reveal", "public", "8"),
        ("accept", "public"),
        ("reject", "public", "--reason", "x"),
        ("abort", "public", "--reason", "x"),
    ):
        sentence = "draw 'public' was accepted in round 1, and acceptance is final"
        refuses(root, dempo, arguments, sentence)
    before = Reader(root).query("SELECT * FROM panel_members WHERE draw = 'public'")
    assert len(before) == 8
    dempo("resume")
    assert Reader(root).query("SELECT * FROM panel_members WHERE draw = 'public'") == before


def test_a_commitment_needs_the_recorded_lottery(tmp_path: Path) -> None:
    root = make_draw_run(tmp_path, until="pool")
    sentence = f"lottery 'main' is not recorded yet; `dempo resume {root.name} --until lottery`"
    refused(command("draw", "commit", root, "public", "--source", SOURCE, "--runs-dir", root.parent), sentence)


def change_event(root: Path, kind: str, change: Callable[[dict[str, Any]], None]) -> None:
    """Rewrites the first event of a kind and every hash after it, as a forger with the file would."""
    with closing(sqlite3.connect(root / "audit.db")) as db:
        db.execute("DROP TRIGGER events_no_update")
        rows = db.execute("SELECT seq, at, stage, kind, payload, prev FROM events ORDER BY seq").fetchall()
        wanted = next(row[0] for row in rows if row[3] == kind)
        head = rows[0][5]
        for seq, at, stage, found, payload, _ in rows:
            if seq == wanted:
                payload = altered_payload(db, kind, payload, change)
            hashed = link_hash(head, seq, at, stage, found, payload)
            db.execute("UPDATE events SET payload = ?, prev = ?, hash = ? WHERE seq = ?", (payload, head, hashed, seq))
            head = hashed
        db.execute(TRIGGERS["events_no_update"])
        db.commit()


@pytest.mark.parametrize(
    ("kind", "change", "part"),
    [
        ("pool.built", lambda values: values["raters"].reverse(), "pool of the record"),
        ("lottery.quotas", lambda values: values["quotas"][0].update(upper=8), "quotas of the record"),
        ("lottery.solved", lambda values: values.update(method="another"), "lottery of the record"),
        ("lottery.level", lambda values: values.update(probability=0.5), "certificate of the record"),
        ("draw.committed", lambda values: values.update(source="dice"), "the terms of the record"),
    ],
)
def test_a_record_that_was_rewritten_after_the_commitment_draws_nothing(
    root: Path, dempo: Dempo, kind: str, change: Callable[[dict[str, Any]], None], part: str
) -> None:
    good(dempo("commit", "public", "--source", SOURCE))
    change_event(root, kind, change)
    assert not [check for check in verify(root) if check.name == "chain" and check.verdict == "failed"]
    sentence = f"draw 'public', round 1: {part} no longer hash to the commitment that was published"
    refuses(root, dempo, ("reveal", "public", "7"), sentence, code=4)


def test_a_proposed_panel_that_was_rewritten_is_not_accepted(root: Path, dempo: Dempo) -> None:
    good(dempo("commit", "public", "--source", SOURCE))
    good(dempo("reveal", "public", "7"))

    def swap(values: dict[str, Any]) -> None:
        assert values["draw"] == "public"
        values["members"][0] = "0" * 12

    with closing(sqlite3.connect(root / "audit.db")) as db:
        db.execute("DROP TRIGGER events_no_update")
        last = "SELECT seq, payload, prev, at, stage, kind FROM events ORDER BY seq DESC LIMIT 1"
        seq, payload, *chained = db.execute(last).fetchone()
        prev, at, stage, kind = chained
        changed = altered_payload(db, kind, payload, swap)
        hashed = link_hash(prev, seq, at, stage, kind, changed)
        db.execute("UPDATE events SET payload = ?, hash = ? WHERE seq = ?", (changed, hashed, seq))
        db.execute(TRIGGERS["events_no_update"])
        db.commit()
    sentence = "the panel proposed for draw 'public' does not follow from its commitment and value"
    refuses(root, dempo, ("accept", "public"), sentence, code=4)
    assert state(root) == "proposed"


# ---------------------------------------------------------------- rounds


def test_rejected_and_aborted_rounds_stay_in_the_record(root: Path, dempo: Dempo) -> None:
    good(dempo("commit", "public", "--source", "round 1"))
    good(dempo("abort", "public", "--reason", HOSTILE))
    assert state(root) == "aborted"
    refuses(root, dempo, ("reveal", "public", "7"), "no commitment is open (round 1 was aborted)")
    good(dempo("commit", "public", "--source", "round 2"))
    good(dempo("reveal", "public", "7"))
    good(dempo("reject", "public", "--reason", "two members know each other"))
    assert state(root) == "rejected"
    good(dempo("commit", "public", "--source", "round 3"))
    good(dempo("reveal", "public", "7"))
    good(dempo("accept", "public"))
    listed = json.loads(good(dempo("list", "--json")))["draws"]
    sources = [(row["draw"], row["source"]) for row in listed]
    assert sources == [("first", None), *(("public", f"round {number}") for number in (1, 2, 3))]
    assert "round 3" in good(dempo("list"))
    rows = [row for row in Reader(root).view("draws") if row["draw"] == "public"]
    assert [(r["round"], r["outcome"], r["reason"], r["value"]) for r in rows] == [
        (1, "aborted", HOSTILE, None),
        (2, "rejected", "two members know each other", "7"),
        (3, "accepted", "", "7"),
    ]
    commitments = [row["commitment"] for row in Reader(root).view("draw_commitments")]
    assert len(set(commitments)) == 3
    assert rows[1]["seed"] != rows[2]["seed"], "the same value in another round draws anew"


def test_a_refused_value_leaves_the_round_open(root: Path, dempo: Dempo) -> None:
    good(dempo("commit", "numbered", "--source", SOURCE, "--rule", "number"))
    refused(dempo("reveal", "numbered", "99"), "there is no panel 99")
    assert state(root, "numbered") == "committed"
    good(dempo("reveal", "numbered", "19"))


# ---------------------------------------------------------------- showing


def test_what_is_published_is_what_is_recorded(root: Path, dempo: Dempo) -> None:
    data = json.loads(good(dempo("commit", "public", "--source", SOURCE, "--json")))
    (committed,) = events(root, "draw.committed")
    seq, head = Reader(root).head()
    assert data["head"] == {"event": seq, "hash": head}
    assert data["run"] == root.name
    assert {key: data[key] for key in ("commitment", "hashes", "source", "rule", "round")} == {
        key: committed[key] for key in ("commitment", "hashes", "source", "rule", "round")
    }


def test_hostile_texts_are_stored_exactly_and_shown_harmlessly(root: Path, dempo: Dempo) -> None:
    shown = [dempo("commit", "public", "--source", HOSTILE), dempo("reveal", "public", HOSTILE)]
    shown += [dempo("reject", "public", "--reason", HOSTILE), dempo("list")]
    for code, out, err in shown:
        assert code == 0
        assert not {"\x1b", "\x07", "\u202e"} & set(out + err)
    assert "a␛]0;t␇ [bold]b[/] <U+202E>dc␊d" in shown[0][1]
    assert "a␛]0;t␇ [bold]b[/] <U+202E>dc␊d" in shown[3][1]
    assert [e["source"] for e in events(root, "draw.committed")] == [HOSTILE]
    assert [e["value"] for e in events(root, "draw.made") if e["draw"] == "public"] == [HOSTILE]
    assert [e["reason"] for e in events(root, "draw.decided")] == [HOSTILE]
    assert not {"\x1b", "\u202e"} & set(dempo("commit", HOSTILE, "--source", "x")[2])


def test_list_has_every_attempt_and_says_what_comes_next(root: Path, dempo: Dempo) -> None:
    good(dempo("commit", "public", "--source", SOURCE))
    code, out, err = dempo("list", "--json")
    assert code == 0
    assert [(row["draw"], row["outcome"]) for row in json.loads(out)["draws"]] == [
        ("first", "accepted"),
        ("public", "committed"),
    ]
    assert f"next: `dempo draw reveal {root.name} public VALUE" in err
    assert f"next: `dempo draw commit {root.name} numbered --source SOURCE" in err


def test_the_runs_folder_before_the_command_counts(root: Path) -> None:
    listed = command("--runs-dir", root.parent, "draw", "list", root.name[:15])
    assert listed.returncode == 0
    assert "first" in listed.stdout


# ---------------------------------------------------------------- the lock


def test_a_run_that_an_engine_works_on_is_left_alone(root: Path, dempo: Dempo) -> None:
    with Log.open(RunFolder(root)):
        code, out, err = dempo("commit", "public", "--source", SOURCE)
    assert (code, out) == (1, "")
    assert f"another engine (process {os.getpid()}) works on {root.name}" in err
    assert events(root, "draw.committed") == []


def test_of_two_commands_at_once_one_wins(root: Path) -> None:
    gate = os.open(RunFolder(root).lock, os.O_RDWR)
    fcntl.flock(gate, fcntl.LOCK_EX)
    command = [sys.executable, "-m", "tui", "draw", "commit", str(root), "public", "--source"]
    started = [
        subprocess.Popen([*command, f"source {n}"], cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for n in (1, 2)
    ]
    os.close(gate)
    ends = [process.communicate(timeout=240) for process in started]
    codes = [process.returncode for process in started]
    assert sorted(codes)[0] == 0, ends
    assert sorted(codes)[1] in (1, 2), ends
    loser = ends[codes.index(max(codes))][1].decode()
    assert "has an open commitment (round 1)" in loser or "another engine" in loser
    assert len(events(root, "draw.committed")) == 1
    assert [c.verdict for c in verify(root) if c.name == "chain"] == ["ok"]


# ---------------------------------------------------------------- people


def read(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_people_are_written_for_spreadsheets(root: Path, dempo: Dempo, tmp_path: Path) -> None:
    folder = tmp_path / "people"
    data = json.loads(good(dempo("people", "--to", folder, "--json")))
    assert data["draw"] == "first"
    selected, alternates, remaining, quotas = (
        read(folder / f"{name}.csv") for name in ("selected", "alternates", "remaining", "quotas")
    )
    for rows in (selected, remaining):
        changed = ["source id_escaped"] if any(row["source id"].startswith("'") for row in rows) else []
        assert list(rows[0]) == ["source id", "pseudonym", "gender", "age", *changed]
        for row in rows if changed else ():
            assert (row["source id_escaped"] == "true") == row["source id"].startswith("'")
    assert (len(selected), len(remaining)) == (8, 16)
    attributes = dict(zip(IDS, PEOPLE, strict=True))
    everyone = {row["source id"].removeprefix("'"): (row["gender"], row["age"]) for row in selected + remaining}
    assert everyone == attributes
    for row in selected + remaining:
        assert row["source id"].startswith("'") == (row["source id"].removeprefix("'") in IDS[:4])
    members = {row["pseudonym"]: (row["gender"], row["age"]) for row in selected}
    ids = {row["pseudonym"]: row["source id"].removeprefix("'") for row in selected}
    for row in alternates:
        named = row["stands in for"].removeprefix("'").split("; ")
        stands_in = [pseudonym for pseudonym, source_id in ids.items() if source_id in named]
        assert len(stands_in) == len(named)
        assert stands_in == [m for m, of in members.items() if of == (row["gender"], row["age"])]
        assert stands_in
        assert row["pseudonym"] not in members
    places = [int(row["position"]) for row in alternates if row["age"] == alternates[0]["age"]]
    assert 1 in places
    for row in quotas:
        counted = sum(row["category"] in of for of in members.values())
        assert int(row["lower"]) <= counted == int(row["members"]) <= int(row["upper"])
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_folder_in_use_is_left_alone(root: Path, dempo: Dempo, tmp_path: Path) -> None:
    folder = tmp_path / "people"
    folder.mkdir()
    (folder / "selected.csv").write_text("mine")
    refused(dempo("people", "first", "--to", folder), "holds files already; name another folder, or overwrite with")
    assert [path.read_text() for path in folder.iterdir()] == ["mine"]
    good(dempo("people", "first", "--to", folder, "--force"))
    assert len(list(folder.iterdir())) == 4
    refused(dempo("people", "first", "--to", folder / "quotas.csv"), "quotas.csv is a file; name a folder")


def test_without_the_private_file_there_are_pseudonyms_only(root: Path, dempo: Dempo, tmp_path: Path) -> None:
    (root / "private" / "raters.csv").unlink()
    code, _, err = dempo("people", "first", "--to", tmp_path / "people")
    assert code == 0
    assert "raters.csv is missing, so the files hold pseudonyms only" in err
    assert list(read(tmp_path / "people" / "selected.csv")[0]) == ["pseudonym", "gender", "age"]


def test_only_accepted_draws_have_people(root: Path, dempo: Dempo, tmp_path: Path) -> None:
    folder = tmp_path / "people"
    refused(dempo("people", "public", "--to", folder), "draw 'public' is not made yet; `dempo draw list")
    good(dempo("commit", "public", "--source", SOURCE))
    good(dempo("reveal", "public", "7"))
    refused(dempo("people", "public", "--to", folder), "is not accepted (it is proposed); --proposed writes a panel")
    good(dempo("accept", "public"))
    refused(dempo("people", "--to", folder), "name one of its draws: public, first")
    sentence = "draw 'public' is not proposed (it is accepted); without --proposed the people of accepted draws"
    refused(dempo("people", "public", "--proposed", "--to", folder), sentence)
    refused(dempo("people", "--proposed", "--to", folder), "no draw of it is proposed; `dempo draw list")
    assert not folder.exists()


def test_organisers_see_whom_they_accept(root: Path, dempo: Dempo, tmp_path: Path) -> None:
    good(dempo("commit", "public", "--source", SOURCE))
    good(dempo("reveal", "public", "7"))
    out = good(dempo("people", "--proposed", "--to", tmp_path / "before"))
    assert out.startswith("draw public: proposed, not accepted\n")
    assert sorted(path.name for path in (tmp_path / "before").iterdir()) == ["proposed.csv", "quotas.csv"]
    proposed = read(tmp_path / "before" / "proposed.csv")
    for row in [*proposed, *read(tmp_path / "before" / "quotas.csv")]:
        assert row.pop("panel") == "proposed, not accepted"
    good(dempo("accept", "public"))
    assert good(dempo("people", "public", "--to", tmp_path / "after")).startswith("draw public: accepted\n")
    assert read(tmp_path / "after" / "selected.csv") == proposed


def test_members_of_every_panel_are_listed(root: Path, dempo: Dempo) -> None:
    panels = []
    for decision in (("reject", "public", "--reason", "no"), ("accept", "public")):
        good(dempo("commit", "public", "--source", SOURCE))
        panels.append(json.loads(good(dempo("reveal", "public", "7", "--json")))["members"])
        good(dempo(*decision))
    good(dempo("commit", "numbered", "--source", SOURCE, "--rule", "number"))
    panels.append(json.loads(good(dempo("reveal", "numbered", "07", "--json")))["members"])
    rows = json.loads(good(dempo("list", "--members", "--json")))["members"]
    assert [(r["draw"], r["round"], r["outcome"], r["rater_id"]) for r in rows if r["draw"] != "first"] == [
        *(("public", 1, "rejected", member) for member in panels[0]),
        *(("public", 2, "accepted", member) for member in panels[1]),
        *(("numbered", 1, "proposed, not accepted", member) for member in panels[2]),
    ]
    assert [r["outcome"] for r in rows if r["draw"] == "first"] == ["accepted"] * 8
    assert {r["gender"] for r in rows} == {"w", "m"}
    assert panels[0][0] in good(dempo("list", "--members"))


# ---------------------------------------------------------------- replacements


def answered(root: Path, dempo: Dempo, folder: Path, leave_out: int = 0) -> tuple[Path, list[str], list[str]]:
    """A file in which the first two members of `first` declined and the others accepted: it, and who they are."""
    good(dempo("people", "first", "--to", folder / "people"))
    panel = [row["source id"] for row in read(folder / "people" / "selected.csv")]
    path = folder / "answers.csv"
    rows = [f"{who},{'declined' if i < 2 else 'accepted'}" for i, who in enumerate(panel[: len(panel) - leave_out])]
    path.write_text("\n".join(["source id,status", *rows, ""]), encoding="utf-8")
    plain = [who.removeprefix("'") for who in panel]
    return path, plain[:2], plain[2:]


def replaced(answer: Ended) -> Path:
    return Path(json.loads(good(answer))["path"])


def source_ids(root: Path, draw: str) -> set[str]:
    people = {row["rater_id"]: row["source_id"] for row in read(root / "private" / "raters.csv")}
    return {people[row["rater_id"]] for row in Reader(root).view("panel_members") if row["draw"] == draw}


def test_a_replacement_keeps_the_seats_of_those_who_accepted(root: Path, dempo: Dempo, tmp_path: Path) -> None:
    path, declined, accepted = answered(root, dempo, tmp_path)
    new = replaced(dempo("replace", "first", path, "--json", "--quiet"))
    assert events(new, "run.created")[0]["linked_to"] == Reader(root).first_hash()
    drawn = source_ids(new, "first")
    assert len(drawn) == 2
    assert not drawn & {*declined, *accepted}
    (pool,) = events(new, "pool.built")
    assert (pool["seated"], pool["declined"], len(pool["raters"])) == (6, 2, 16)
    assert [row["draw"] for row in Reader(new).view("draws")] == ["first"]
    of = dict(zip(IDS, PEOPLE, strict=True))
    panel = [of[who] for who in (*accepted, *drawn)]
    for category, lower, upper in (("w", 3, 5), ("m", 3, 5), ("young", 2, 5), ("middle", 1, 4), ("old", 1, 3)):
        assert lower <= sum(category in person for person in panel) <= upper
    written = tmp_path / "answers.completed.csv"
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    assert {row["id"] for row in read(written)} == {*declined, *accepted}


def test_people_and_quotas_in_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    """The record has names without folders; replacement and replay once took one file for the other."""
    run = make_draw_run(tmp_path, files=("people/t.csv", "quotas/t.csv"))
    (pool,) = replay_run(run, "pool", None, False).stages
    assert pool.outcome == "replayed"
    members = sorted(source_ids(run, "first"))
    answers = tmp_path / "answers.csv"
    answers.write_text("id,status\n" + "".join(f"{who},{'no' if who == members[0] else 'yes'}\n" for who in members))
    line = ("draw", "replace", run, "first", answers, "--json", "--runs-dir", run.parent)
    time.sleep(1)  # ids of runs are seconds
    assert len(source_ids(replaced(command(*line)), "first")) == 1
    (tmp_path / "quotas" / "t.csv").write_text(QUOTAS.replace("old,1,3", "old,1,4"))
    refused(command(*line), "has changed since the panel was drawn")
    (changed,) = replay_run(run, "pool", None, False).stages
    assert changed.detail.startswith(f"the input has changed: {tmp_path / 'quotas' / 't.csv'} holds SHA-256 ")


def test_after_a_replacement_the_whole_panel_is_in_one_file(root: Path, dempo: Dempo, tmp_path: Path) -> None:
    def people_of(run: Path, folder: str) -> Ended:
        return command("draw", "people", run, "--to", tmp_path / folder, "--runs-dir", run.parent)

    path, _, accepted = answered(root, dempo, tmp_path)
    assert not (tmp_path / "people" / "panel.csv").exists(), "nobody kept a seat in a first round"
    out = tmp_path / "kept.csv"
    code, shown, err = dempo("replace", "first", path, "--out", out, "--json")
    assert f"the answers that this round is made from are in {out}; keep it" in err
    assert not (tmp_path / "answers.completed.csv").exists()
    assert json.loads(shown)["responses"] == str(out)
    new = replaced((code, shown, err))
    assert f"next: `dempo draw people {new.name} --to FOLDER" in err
    good(people_of(new, "new"))
    panel = [(row["seat"], row["source id"].removeprefix("'")) for row in read(tmp_path / "new" / "panel.csv")]
    drawn = source_ids(new, "first")
    assert set(panel) == {*(("kept", who) for who in accepted), *(("drawn now", who) for who in drawn)}
    assert len(panel) == 8
    of = dict(zip(IDS, PEOPLE, strict=True))
    for row in read(tmp_path / "new" / "panel.csv"):
        assert (row["gender"], row["age"]) == of[row["source id"].removeprefix("'")]
        assert bool(row["pseudonym"]) == (row["seat"] == "drawn now")
    out.write_text("id,status\n")
    code, shown, err = people_of(new, "later")
    assert code == 0
    assert "panel.csv is not written, because those who kept their seats cannot be read" in err
    assert not (tmp_path / "later" / "panel.csv").exists()


def test_every_member_has_answered_or_silence_has_a_meaning(root: Path, dempo: Dempo, tmp_path: Path) -> None:
    path, _, accepted = answered(root, dempo, tmp_path, leave_out=2)
    before = set(root.parent.iterdir())
    silent = ", ".join(map(repr, accepted[-2:]))
    refused(dempo("replace", "first", path), f"2 of the panel's 8 members are not in it: {silent}; add their answers")
    refused(dempo("replace", "first", path, "--missing", "maybe"), "silence can mean accepted or declined")
    assert set(root.parent.iterdir()) == before
    code, out, err = dempo("replace", "first", path, "--missing", "declined", "--json")
    assert "2 who did not answer count as declined" in err
    new = replaced((code, out, err))
    assert len(source_ids(new, "first")) == 4
    assert not source_ids(new, "first") & set(accepted)


def test_a_second_replacement_keeps_the_first(root: Path, dempo: Dempo, tmp_path: Path) -> None:
    path, declined, accepted = answered(root, dempo, tmp_path)
    second = replaced(dempo("replace", "first", path, "--json", "--quiet"))
    one, other = sorted(source_ids(second, "first"))
    answers = tmp_path / "second.csv"
    answers.write_text(f"id,status\n{one},yes\n{other},no\n", encoding="utf-8")
    time.sleep(1)  # ids of runs are seconds
    third = replaced(command("draw", "replace", second, "first", answers, "--json", "--runs-dir", root.parent))
    (pool,) = events(third, "pool.built")
    assert (pool["seated"], pool["declined"]) == (7, 3)
    (new,) = source_ids(third, "first")
    assert new not in {*declined, *accepted, one, other}


def test_answers_that_cannot_be_used_leave_no_run_and_no_file(root: Path, dempo: Dempo, tmp_path: Path) -> None:
    path, _, _ = answered(root, dempo, tmp_path)
    path.write_text(path.read_text().replace("declined", "perhaps"))
    before = set(root.parent.iterdir())
    refused(dempo("replace", "first", path), "'perhaps' is no answer")
    refused(dempo("replace", "public", path), "draw 'public' is not accepted yet")
    assert set(root.parent.iterdir()) == before
    assert not (tmp_path / "answers.completed.csv").exists()
