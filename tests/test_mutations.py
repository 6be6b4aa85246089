"""Attacks on finished records, drawn by seeds: each is found, said, without a meaning, or in the closed list `NEVER`.

`DEMPO_TEST_DATE=2026-11-26` tries the attacks of that day again.
"""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import mutations
import pytest
from both_verifiers import same, shipped
from liars import LIARS, Liar
from mutation_outcomes import KINDS, Base, bases_of, kind_of, tried, verdict_of
from never import NEVER, row_of
from night import TODAY, of_the_day
from signing import make_key, needs_ssh_keygen, signed_record
from test_chain_file import run_chain
from verified_runs import make_drawn_run

from core.events import EVENTS
from storage.check import Check
from storage.replay.replaying import replay_run
from storage.verify import verify_all

AT_A_TIME = 20
FIRST = int(TODAY.replace("-", "")) * 10_000
"""The first seed of the day."""

DOCS = Path(__file__).resolve().parent.parent / "docs" / "audit.md"
BY_CHAIN = {"file", "schema", "chain", "blobs", "artifacts"}
"""Checks that chain.py repeats whole."""


@pytest.fixture(scope="module")
def bases(trained: Path, judged: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Base]:
    folder = tmp_path_factory.mktemp("bases")
    signed = signed_record(folder, make_key(folder))
    return bases_of(folder / "good", trained=trained, judged=judged, drawn=make_drawn_run(folder), signed=signed)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Base]:
    folder = tmp_path_factory.mktemp("small")
    return bases_of(folder / "good", drawn=make_drawn_run(folder))


def holds(seed: int, bases: dict[str, Base], folder: Path) -> None:
    """One attack, and on every fourth what the shipped verify.py and chain.py say of the same copy."""
    one, checks, copy = tried(seed, bases, folder)
    assert one.verdict != "MISSED", one
    if one.verdict == "never":
        assert one.head == NEVER[row_of(one.what) or ""].head, one
    if seed % 4 == 0:
        head = bases[one.base].head
        same([Check(**check.row()) for check in shipped().verify_alone(copy, shipped().WRITTEN, None, head)], checks)
        chain_agrees(copy, checks)


def chain_agrees(copy: Path, checks: Sequence[Check]) -> None:
    """chain.py refuses what the same checks of verify.py refuse, and nothing that all of them let pass."""
    code, told = run_chain(copy)
    assert "Traceback" not in told
    bad = {check.name for check in checks if check.verdict in ("failed", "unchecked")}
    if bad & BY_CHAIN and not any(check.verdict == "unchecked" for check in checks if check.name in BY_CHAIN):
        assert code != 0, (bad, told)
    if not bad & (BY_CHAIN | {"events"}):
        assert code == 0, told


# ------------------------------------------------------------ seeds of the day


QUICK = [seed for seed in range(FIRST, FIRST + 100) if "drawn" in KINDS[kind_of(seed)][1]][:10]


def test_ten_attacks_of_the_day_on_a_small_record(small: dict[str, Base], tmp_path: Path) -> None:
    for seed in QUICK:
        holds(seed, small, tmp_path / "copy")


@pytest.mark.long
@pytest.mark.night
@needs_ssh_keygen
@pytest.mark.parametrize("part", of_the_day(range(100), 3))
def test_attacks_of_the_day(part: int, bases: dict[str, Base], tmp_path: Path) -> None:
    """Two thousand at night, sixty by day."""
    for seed in range(FIRST + part * AT_A_TIME, FIRST + (part + 1) * AT_A_TIME):
        holds(seed, bases, tmp_path / "copy")


# ------------------------------------------------------------ each by its name


NAMED: dict[str, tuple[str, dict[str, mutations.Attack]]] = {
    "objects": ("drawn", mutations.OBJECTS_CHANGED),
    "objects of a bundle": ("bundle", mutations.OBJECTS_CHANGED),
    "files": ("whole", mutations.FILES_CHANGED),
    "spellings": ("drawn", {what: partial(mutations.spelling, name=what) for what in mutations.SPELLINGS}),
}


@pytest.mark.long
@needs_ssh_keygen
@pytest.mark.parametrize("group", NAMED)
def test_each_attack_that_was_once_tried_by_hand(group: str, bases: dict[str, Base], tmp_path: Path) -> None:
    """Every one of them, whatever the seeds of the day draw."""
    name, attacks = NAMED[group]
    base = bases[name]
    came = {}
    for number, (what, attack) in enumerate(attacks.items()):
        copy = Path(shutil.copytree(base.root, tmp_path / str(number) / base.root.name))
        attack(random.Random(number), copy)
        if name == "bundle":
            mutations.written_anew(copy)
        came[what], _ = verdict_of(what, base, copy, verify_all(copy, head=base.head))
        shutil.rmtree(copy)
    assert [what for what, verdict in came.items() if verdict == "MISSED"] == []
    assert group != "spellings" or set(came.values()) == {"failed"}


# ------------------------------------------------------------ the closed list


ENTRIES = [(row, attack) for row, entry in NEVER.items() for attack in entry.attacks]
BY_NAME: dict[str, mutations.Attack | Liar] = {
    **{what: liar for what, (liar, _) in LIARS.items()},
    **mutations.OBJECTS_CHANGED,
    **mutations.FILES_CHANGED,
}
TRIES = 12


def attacks_of(attack: str) -> mutations.Attack | Liar | None:
    """What an entry of the list does; None for one that only the seeds draw."""
    kind = ".".join(attack.split(".")[:2])
    if kind in EVENTS:
        return partial(mutations.field, name=attack)
    return BY_NAME.get(attack) or (mutations.flipped(attack) if re.search(r"\.[a-z]+$", attack) else None)


@pytest.mark.long
@pytest.mark.night
@needs_ssh_keygen
@pytest.mark.parametrize("number", of_the_day(range(len(ENTRIES)), 8))
def test_what_is_said_to_be_never_found_is_never_found(number: int, bases: dict[str, Base], tmp_path: Path) -> None:
    """An entry that a check has since come to find is no longer true, and has to go."""
    row, name = ENTRIES[number]
    attack = attacks_of(name)
    if attack is None:
        pytest.skip("a file of plots, or an event moved: only the seeds draw it")
    tried_on = []
    for turn in range(TRIES):
        for base_name, base in bases.items():
            copy = Path(shutil.copytree(base.root, tmp_path / f"{turn}-{base_name}" / base.root.name))
            try:
                attack(random.Random(turn), copy)
            except LookupError:
                continue  # this record holds nothing of the kind
            if base_name == "bundle":
                mutations.written_anew(copy)
            checks = verify_all(copy, head=base.head)
            verdict, by = verdict_of(name, base, copy, checks)
            if verdict == "never":
                return
            tried_on.append((base_name, verdict, by))
    raise AssertionError(f"{name} ({row}) was always found: {tried_on}")


def test_every_row_of_the_list_stands_in_the_page() -> None:
    """With the same words, and yes or no where a kept head shows it, and the stage whose replay does."""
    rows = dict(re.findall(r"^\| (.+?) \| (.+) \|$", DOCS.read_text(encoding="utf-8"), re.MULTILINE))
    for row, entry in NEVER.items():
        assert row in rows, row
        cells = [cell.strip() for cell in rows[row].split("|")]
        assert cells[1] == ("yes" if entry.head else "no"), row
        assert cells[2] == (f"`{entry.replay}`" if entry.replay else "no"), row


SHOWN_BY_REPLAY = [(row, entry.replay) for row, entry in NEVER.items() if entry.replay and entry.attacks[0] in LIARS]


@pytest.mark.long
@pytest.mark.night
@pytest.mark.parametrize("number", of_the_day(range(len(SHOWN_BY_REPLAY)), 1))
def test_what_a_replay_is_said_to_show_it_shows(number: int, trained: Path, tmp_path: Path) -> None:
    row, stage = SHOWN_BY_REPLAY[number]
    copy = Path(shutil.copytree(trained, tmp_path / trained.name, ignore=shutil.ignore_patterns("*-wal", "*-shm")))
    LIARS[NEVER[row].attacks[0]][0](random.Random(1), copy)
    assert replay_run(copy, stage).drifted
