"""Can anybody in a redacted bundle be named by whoever has the public source, the program and the recorded seed?

On an invented survey of PRISM's size, whose ids everybody knows. What attributes say of a person in `--redact` is
said in LIMITS.md; order, numbers and schedules say nothing; with `--k` nothing is said of a person at all.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from prism_sized import BUNDLES, PEOPLE, SECRET, US_REP, configuration, made
from reidentify import Bundle, Source, by_knowledge, by_order, likeness, read_source, right
from same_record import differences

from core.config_file import parse_config
from core.data.pseudonyms import PLANTED, pseudonyms
from core.facts.randomness import RandomStream
from core.facts.sortition.draw import draw_members
from core.training.planning.schedule import encode_schedule, uniform_schedule, weighted_schedule

pytestmark = pytest.mark.long

CHANCE = 5
"""A random order names one person on average, and more than five once in 1,700 tries."""
FAR = 5.0
"""Standard deviations: as far from chance as nothing here is by chance."""


@dataclass(frozen=True)
class World:
    """A run, what everybody knows of it, its bundles, the truth, and the files that a stranger makes of the source."""

    root: Path
    source: Source
    plain: Bundle
    redacted: Bundle
    with_k: Bundle
    truth: dict[str, str]
    strangers: Path


@pytest.fixture(scope="module")
def world(prism_sized: Path) -> World:
    (root,), (stranger,) = (sorted((prism_sized / name).glob("2*")) for name in ("runs", "stranger"))
    with (root / "private" / "raters.csv").open() as lines:
        truth = {row["rater_id"]: row["source_id"] for row in csv.DictReader(lines)}
    bundles = [Bundle(prism_sized / name, frozenset(truth)) for name in BUNDLES]
    source = read_source(parse_config(configuration(prism_sized / "data")).config)
    return World(root, source, *bundles, truth, stranger / "artifacts")


# ------------------------------------------------------------ by order


def named_by_order(world: World, bundle: Bundle) -> dict[str, int]:
    """Most people named by each order of a bundle that is as long as a list that everybody has."""
    public = (world.source.ids, world.source.rated, world.source.us_rep)
    return {
        where: max(right(guess, world.truth) for people in public for guess in by_order(listed, people))
        for where, listed in bundle.orders.items()
        if len(listed) in map(len, public)
    }


def test_the_attack_names_everybody_where_nothing_is_withheld(world: World) -> None:
    """The order of the source's ids stands in a whole bundle, as it stood in every bundle once."""
    assert len(world.truth) == PEOPLE
    assert max(named_by_order(world, world.plain).values()) == PEOPLE
    bodies = b"".join(world.plain.bodies.values())
    assert [digest in bodies for digest in drawn_again(world, world.plain).values()] == [True] * 5


def test_no_order_in_a_redacted_bundle_names_more_people_than_chance(world: World) -> None:
    named = named_by_order(world, world.redacted)
    assert {"pool.built", "condition.planned", "text"} <= {where.partition(" ")[0] for where in named}
    assert max(named.values()) <= CHANCE, named
    orders = world.redacted.orders
    far = {where: likeness(listed, world.truth) for where, listed in orders.items() if len(listed) > 2}
    assert max(far.values()) < FAR, far


def test_order_adds_nothing_to_what_is_said_of_a_person(world: World) -> None:
    """Whom attributes tell apart is found, as LIMITS.md says; among people who are alike order is chance."""
    said, people = world.redacted.known(), world.source.known
    limits = (world.redacted.folder / "LIMITS.md").read_text()
    for what, of in {
        "number of pairs": lambda known: known.pairs,
        "attributes": lambda known: known.categories,
        "attributes and locale": lambda known: (known.categories, known.locale),
        "attributes, locale and number of pairs": lambda known: (known.categories, known.locale, known.pairs),
    }.items():
        groups = Counter(map(of, people.values()))
        guess, many, alone = by_knowledge(
            {name: of(known) for name, known in said.items()}, {who: of(known) for who, known in people.items()}
        )
        found = {name: who for name, who in guess.items() if groups[of(people[who])] == 1}
        assert right(found, world.truth) == len(found) == alone
        assert right(guess, world.truth) <= many + FAR * (many - alone) ** 0.5, "one in each group by chance"
        if what != "number of pairs":
            assert f"| {what} | {alone} of {len(people)} |" in limits


# ------------------------------------------------------------ by what can be drawn again


def drawn_again(world: World, bundle: Bundle) -> dict[str, bytes]:
    """SHA-256 in hex of the pairs and of each schedule that needs nobody's pseudonym, from source and seed alone."""
    seed = int(bundle.values("run.created")[0]["seed"])
    (solved,), (types,) = bundle.values("lottery.solved"), bundle.values("lottery.types")
    pi = {tuple(row["categories"]): solved["pi"][row["type"]] for row in types["types"]}
    rater = np.array(world.source.rater_of_pairs, dtype=np.int32)
    weight = np.array(
        [pi[world.source.known[who].categories] if who in world.source.known else 0 for who in world.source.ids]
    )
    us_rep = np.isin(rater, [world.source.ids.index(who) for who in world.source.us_rep])
    found = {"pairs": next(path.name for path in world.strangers.iterdir()).encode()}
    for name, eligible in {"full": rater >= 0, "us-rep": us_rep, "soft": weight[rater] > 0, "sampled": None}.items():
        (planned,) = [values for values in bundle.values("condition.planned") if values["condition"] == name]
        shape = planned["steps"], planned["batch"]
        stream, size = RandomStream(seed, "conditions", name), planned["steps"] * planned["batch"]
        if eligible is None:
            schedule = weighted_schedule(weight, rater, size, stream.child("sampling"))
        else:
            schedule = uniform_schedule(np.flatnonzero(eligible), size, "shuffles", stream)
        body = encode_schedule(schedule.reshape(shape), np.zeros(shape, dtype=np.bool_))
        found[name] = hashlib.sha256(body).hexdigest().encode()
    return found


def test_pairs_and_schedules_drawn_again_are_confirmed_by_nothing(world: World) -> None:
    digests = drawn_again(world, world.redacted)
    hidden = {path.name.encode() for path in (world.root / "artifacts").iterdir()}
    assert set(digests.values()) < hidden, "the attacker draws them rightly; the hard panel's alone is not among them"
    for bundle in (world.redacted, world.with_k):
        bodies = b"".join(bundle.bodies.values())
        assert not [name for name in hidden if name in bodies or bytes.fromhex(name.decode()) in bodies]


def test_the_order_in_which_a_schedule_needs_people_is_no_order_in_the_bundle(world: World) -> None:
    rater = world.source.rater_of_pairs
    for path in (world.root / "artifacts").iterdir():
        if (schedule := json.loads(path.read_bytes().partition(b"\n")[0])).get("pairs") and "steps" in schedule:
            needed = list(dict.fromkeys(world.source.ids[rater[pair]] for step in schedule["pairs"] for pair in step))
            for listed in world.redacted.orders.values():
                assert all(right(guess, world.truth) <= CHANCE for guess in by_order(listed, needed))


def test_a_panel_drawn_again_in_the_order_of_the_source_is_another_one(world: World) -> None:
    """The composition is everybody's to work out; who of several people with equal attributes was drawn is not."""
    (types,) = world.redacted.values("lottery.types")
    number = {tuple(row["categories"]): row["type"] for row in types["types"]}
    by_type: list[list[int]] = [[] for _ in number]
    for place, who in enumerate(world.source.rated):
        by_type[number[world.source.known[who].categories]].append(place)
    panels = world.redacted.values("lottery.panel")
    for drawing in world.redacted.values("draw.made"):
        stream = RandomStream.from_key(bytes.fromhex(drawing["seed"]))
        assert stream.weighted([int(panel["numerator"]) for panel in panels]) == drawing["panel"]
        counts = dict(panels[drawing["panel"]]["counts"])
        guess = {world.source.rated[place] for place in draw_members(counts, by_type, stream)}
        drawn = {world.truth[name] for name in drawing["members"]}
        whole = sum(x for t, x in counts.items() if x == len(by_type[t]))
        open_ = [(x, len(by_type[t])) for t, x in counts.items() if x < len(by_type[t])]
        mean = sum(x * x / n for x, n in open_)
        spread = sum(x * (x / n) * (1 - x / n) * (n - x) / (n - 1) for x, n in open_) ** 0.5
        assert whole <= len(guess & drawn) <= whole + mean + FAR * spread
        assert len(guess & drawn) < len(drawn)


def test_no_secret_that_can_be_thought_of_makes_the_pseudonyms(world: World) -> None:
    (created,) = world.redacted.values("run.created")
    known = [created[name] for name in ("run_id", "seed", "secret", "name", "registry")]
    tried = [b"", bytes(32), PLANTED, *(text.encode() for text in known), bytes.fromhex(created["secret"])]
    for secret in [*tried, *(hashlib.sha256(text).digest() for text in tried)]:
        assert not set(pseudonyms(secret, world.source.ids)) & set(world.truth)
    assert set(pseudonyms(SECRET, world.source.ids)) == set(world.truth), "as the operator makes them"


# ------------------------------------------------------------ with --k


def test_with_k_no_byte_of_the_bundle_is_about_a_person(world: World) -> None:
    for where, body in world.with_k.bodies.items():
        assert not set(re.findall(rb"(?=([0-9a-f]{12}))", body)) & {name.encode() for name in world.truth}, where
    assert not world.with_k.orders
    with closing(sqlite3.connect(world.with_k.folder / "audit.db")) as db:
        assert db.execute("PRAGMA freelist_count").fetchone() == (0,)
        assert db.execute("SELECT count(*) FROM blobs").fetchone() == (0,)
    about_people = {"raters", "weights", "panel_members", "alternates", "inclusion_probabilities", "panel_raters"}
    about_types = {"types", "panel_types", "locale_composition"}
    tables = {path.stem: path for path in (world.with_k.folder / "tables").iterdir()}
    assert {"quotas", "panel_composition", "levels"} < tables.keys()
    for name in tables.keys() & (about_people | about_types):
        _, *rows = csv.reader(tables[name].read_text().splitlines())
        assert [set(row) for row in rows] == [{"withheld"}], name


def test_with_k_people_are_counted_by_category_in_quotas_and_panels_alone(world: World) -> None:
    """docs/audit.md names both. A price or a distance of a level is said of a category too, and counts nobody."""
    (quotas,) = world.with_k.values("lottery.quotas")
    categories = {row["category"] for row in quotas["quotas"]}
    says = {
        kind
        for kind, values in world.with_k.events
        if any(json.dumps(category) in json.dumps(values) for category in categories)
    }
    assert says == {"run.created", "lottery.quotas", "draw.made"}
    counted = {
        path.stem
        for path in (world.with_k.folder / "tables").iterdir()
        if any(cell in categories for row in csv.reader(path.read_text().splitlines()) for cell in row)
    }
    assert counted == {"quotas", "panel_composition"}
    assert sum(row["in_pool"] for row in quotas["quotas"] if row["attribute"] == "age") == len(world.source.rated)


# ------------------------------------------------------------ what the secret changes


def without_names(root: Path) -> tuple[list[tuple[str, object]], dict[str, str]]:
    """What follows from source, configuration and seed alone; and the SHA-256 of each condition's schedule."""
    read = Bundle(root, frozenset())
    found = [("pairs", read.values("pairs.built")[0]["artifact"])]
    for kind, field in (("pool.built", "types"), ("lottery.panel", "counts"), ("lottery.panel", "numerator")):
        found += [(kind, values[field]) for values in read.values(kind)]
    for kind, field in (("lottery.solved", "pi"), ("draw.made", "panel"), ("draw.made", "seats")):
        found += [(kind, values[field]) for values in read.values(kind)]
    return found, {values["condition"]: values["artifact"]["sha256"] for values in read.values("condition.planned")}


def test_only_who_of_equal_people_is_drawn_depends_on_the_secret(world: World, tmp_path: Path) -> None:
    text = (world.root / "config.toml").read_text()
    again, other = (made(tmp_path / name, text, secret) for name, secret in (("one", SECRET), ("other", bytes(32))))
    assert differences(world.root, again) == []
    (facts, schedules), (same, others) = without_names(world.root), without_names(other)
    assert facts == same
    assert {name for name in schedules if schedules[name] != others[name]} == {"hard"}


def test_the_survey_is_as_large_as_prisms(world: World) -> None:
    assert (len(world.source.ids), len(world.source.rated)) == (PEOPLE, 1_400)
    assert 150 < len(world.source.us_rep) <= US_REP
    assert len(world.source.rater_of_pairs) > 20_000
