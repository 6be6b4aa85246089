"""Conditions over several draws: what a file says once, and how their scores differ."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from core.config import from_recorded, resolved
from core.config_file import change, parse_config
from core.errors import InputError
from storage.judging.board_notes import board_notes, by_method
from storage.judging.families import spread_table
from storage.record.rows import BoardRow, FamilyRow, as_rows
from storage.record.schema import OBJECTS
from tui.screens.results.board_page import BoardPage

CONFIG = """
[run]
name = "families"
[data]
path = "."
[[population.attributes]]
name = "age"
column = "age"
targets = { old = 0.5, young = 0.5 }
[[lotteries]]
name = "main"
size = 2
[[draws]]
id = "main1"
lottery = "main"
[[draws]]
id = "other"
lottery = "main"
[[draws]]
id = "main2"
lottery = "main"
randomness = "public"
[[conditions]]
name = "base"
source = "none"
[[conditions]]
name = "hard"
source = "draws:main*"
steps = 7
[[conditions]]
name = "soft"
source = "lottery:main"
[train]
model = "tiny"
"""


def test_a_condition_for_each_draw_takes_the_place_of_the_one_in_the_file():
    loaded = parse_config(CONFIG, ["conditions.2.estimator=weighted_sampling"])
    found = [(c.name, c.source, c.family, c.steps, c.estimator) for c in loaded.config.conditions]
    assert found == [
        ("base", "none", None, None, "step_normalised"),
        ("hard-main1", "draw:main1", "hard", 7, "step_normalised"),
        ("hard-main2", "draw:main2", "hard", 7, "weighted_sampling"),
        ("soft", "lottery:main", None, None, "step_normalised"),
    ]
    keys = ("name", "source", "family", "steps", "estimator", "transform")
    for number, origin in ((1, "default"), (2, "set")):
        found = [loaded.origins[f"conditions.{number}.{key}"] for key in keys]
        assert found == ["file", "file", "file", "file", origin, "default"]
    assert loaded.origins["conditions.3.source"] == "file"
    assert loaded.origins["conditions.3.estimator"] == "default"


def test_what_is_recorded_is_read_again_and_can_be_changed():
    config = parse_config(CONFIG).config
    assert from_recorded(resolved(config), {}) == config
    assert [c.steps for c in change(config, ["conditions.2.steps=9"]).config.conditions] == [None, 7, 9, None]


def test_a_setting_cannot_become_a_family():
    with pytest.raises(InputError, match=r"conditions\.0\.source: 'draws:main\*' may stand in a file alone"):
        parse_config(CONFIG, ["conditions.0.source=draws:main*"])


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("draws:main*", "draws:*", "source 'draws:\\*' needs how the ids of its draws begin, and then \\*"),
        ("draws:main*", "draws:main", "needs how the ids of its draws begin"),
        ("draws:main*", "draws:x*", "no draw begins as 'draws:x\\*' says \\(defined: 'main1', 'other', 'main2'\\)"),
        ('name = "soft"', 'name = "hard-main1"', "two entries are called 'hard-main1'"),
        ('name = "hard"', f'name = "{"h" * 38}"', "has a name of more than 40 characters"),
        ("steps = 7", 'family = "x"', "the family of conditions over several draws is its name"),
    ],
)
def test_what_is_wrong_with_a_family_is_told(old, new, told):
    with pytest.raises(InputError, match=told):
        parse_config(CONFIG.replace(old, new))


def families_of(boards, family_of):
    """The rows of the view over leaderboards {method: [(condition, score, low, high)]}."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.row_factory = sqlite3.Row
        for statement in OBJECTS.values():
            db.execute(statement)
        events = []
        for condition, family in family_of.items():
            named = {"condition": condition} | ({"family": family} if family else {})
            events.append(("conditions", "condition.planned", named, condition))
        for method, rows in boards.items():
            listed = [dict(zip(("condition", "score", "low", "high"), row, strict=True)) for row in rows]
            events.append(("rank", "leaderboard.computed", {"method": method, "rows": listed}, method))
        for stage, kind, payload, unit in events:
            for one, values in ((kind, payload), ("unit.completed", {})):
                (seq,) = db.execute("SELECT coalesce(max(seq), 0) + 1 FROM events").fetchone()
                body = json.dumps({**values, "unit": unit, "attempt": 1})
                db.execute("INSERT INTO events VALUES (?, '', ?, ?, ?, '', '')", (seq, stage, one, body))
        return spread_table(as_rows(FamilyRow, map(dict, db.execute("SELECT * FROM families"))))


def test_the_spread_is_that_of_the_members_scores():
    family_of = {"base": None, "hard-1": "hard", "hard-2": "hard", "hard-3": "hard", "alone-1": "alone"}
    rows = [("base", 9.0, 8.0, 10.0), ("hard-1", 1, 0.5, 2.5), ("hard-2", 2.0, 1.0, 3.0), ("hard-3", 6.0, 5.0, 8.0)]
    found = families_of({"borda": [*rows, ("alone-1", 4.0, 3.0, 5.0)]}, family_of)
    hard = {"method": "borda", "family": "hard", "members": 3, "mean": 3.0, "smallest": 1, "largest": 6.0}
    assert found == [
        hard | {"deviation": pytest.approx(7**0.5), "width": pytest.approx(7 / 3)},
        {"method": "borda", "family": "alone", "members": 1, "mean": 4.0, "smallest": 4.0, "largest": 4.0}
        | {"deviation": None, "width": 2.0},
    ]


def test_a_score_that_is_no_number_leaves_no_spread():
    rows = [("a", "-inf", "-inf", 0.0), ("b", 1.0, 0.0, 2.0)]
    (found,) = families_of({"published": rows}, {"a": "f", "b": "f"})
    assert found == dict.fromkeys(found) | {"method": "published", "family": "f", "members": 2}


def test_the_page_of_leaderboards_shows_the_spread_and_says_so() -> None:
    named = {"resample": "questions", "units": 40, "rankings": 40, "draws": "", "resamples": 9, "confidence": 0.95}
    named |= {"interval": "percentile", "mean": 1.0}
    scores = {"hard-1": 1.0, "hard-2": 3.0}
    values = [
        named | {"method": "borda", "condition": name, "score": score, "low": 0, "high": 4, "position": place}
        for place, (name, score) in enumerate(scores.items(), start=1)
    ]
    family = FamilyRow("borda", "hard", 2, 2.0, 1.0, 3.0, 2.0, 4.0)
    boards = by_method(as_rows(BoardRow, values))
    notes = board_notes(boards, [], [family])
    told = "the spread between the members of hard is shown beside the leaderboards"
    assert told in notes["borda"]
    assert told not in board_notes(boards, [], [])["borda"]
    results = BoardPage(boards, [], False, "", notes=notes, spread=spread_table([family]))
    shown = results.text(100).plain
    (line,) = [line for line in shown.splitlines() if line.startswith("  Borda")]
    assert line.split() == ["Borda", "hard", "2", "2.000", "1.000", "3.000", "1.414", "4.000"]
