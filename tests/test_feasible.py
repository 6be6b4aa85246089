"""`dempo feasible`: an organiser sees which panel sizes there are before anything is drawn or recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import dempo

from core.config_file import parse_config
from core.errors import InputError
from tui.commands.people.feasible import FeasibleMap, feasible_map
from tui.terminal.console import Console

CHECKOUT = Path(__file__).parent.parent

CONFIG = """
[run]
name = "t"
[data]
format = "tables"
respondents = "{0}/people.csv"
quotas = "{0}/quotas.csv"
{1}
[[lotteries]]
name = "main"
size = {2}
"""
QUOTAS = "feature,value,min,max\ngender,w,2,4\ngender,m,2,4\nage,old,2,3\nage,young,0,9\nage,ancient,0,0\n"
"""All the old are men, so that two old, two women and no more are four people."""
PEOPLE = "gender,age\n" + "m,old\n" * 5 + "w,young\n" * 5


def written(folder: Path, size: int = 4, more: str = "") -> Path:
    (folder / "people.csv").write_text(PEOPLE)
    (folder / "quotas.csv").write_text(QUOTAS)
    (folder / "t.toml").write_text(CONFIG.format(folder, more, size))
    return folder / "t.toml"


def asked(path: Path, lottery: str | None = None, sizes: str | None = None) -> FeasibleMap:
    return feasible_map(parse_config(path.read_text()).config, lottery, sizes, Console(quiet=True))


def test_the_map_in_words_and_marks(tmp_path: Path) -> None:
    assert asked(written(tmp_path), sizes="2:11").text().splitlines() == [
        "lottery main: panels of 2 to 11 from 10 people; its own size is 4",
        "",
        "size   0 1 2 3 4 5 6 7 8 9",
        "0–9        · · ● ● ● ● · ·",
        "10–19  · ·",
        "",
        "● a panel exists",
        "· no panel exists",
        "",
        "feasible: 4–7",
        "not feasible (the quotas of gender ask for at least 4): 2–3",
        "not feasible (quotas of several attributes conflict): 8",
        "not feasible (the quotas of gender leave room for 8): 9–10",
        "not feasible (the pool has 10 people): 11",
    ]


def test_without_sizes_ten_on_each_side_are_asked(tmp_path: Path) -> None:
    assert [a.size for a in asked(written(tmp_path)).answers] == list(range(1, 15))
    assert [a.size for a in asked(written(tmp_path), sizes="5").answers] == [5]


def test_the_command_prints_the_map_and_records_nothing(tmp_path: Path) -> None:
    done = dempo("feasible", written(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "feasible: 4–7" in done.stdout
    assert "14 panel sizes, a pool of 10 people" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["people.csv", "quotas.csv", "t.toml"]


def test_an_infeasible_size_ends_with_3_and_says_what_to_change(tmp_path: Path) -> None:
    done = dempo("feasible", written(tmp_path), "--set", "lotteries.0.size=8", "--sizes", "4:9", "--json")
    assert done.returncode == 3
    found = json.loads(done.stdout)
    assert (found["lottery"], found["size"], found["feasible"], found["pool"]) == ("main", 8, False, 10)
    assert [row["feasible"] for row in found["sizes"]] == [True, True, True, True, False, False]
    details = found["infeasible"]
    assert {(row["attribute"], row["category"], row["side"]) for row in details["conflict"]} == {
        ("gender", "w", "upper"),
        ("age", "old", "upper"),
    }
    assert sorted(row["to"] - row["from"] for row in details["single_changes"]) == [1, 1]
    assert details["feasible_sizes"] == [5, 6, 7]
    assert "dempo: lottery 'main': No panel of 8 meets the quotas. These conflict: " in done.stderr
    assert "Or choose another size: panels of 5, 6 and 7 exist." in done.stderr
    assert "Traceback" not in done.stderr


def test_seats_that_are_taken_are_counted(tmp_path: Path) -> None:
    path = written(tmp_path, 6, f'responses = "{tmp_path / "responses.csv"}"')
    (tmp_path / "responses.csv").write_text("id,status\nrow 0001,yes\nrow 0006,yes\nrow 0007,no\n")
    found = asked(path)
    assert (found.pool, found.seated) == (7, 2)
    assert "from 7 people; its own size is 6\n2 seats are taken; quotas are for the others\n" in found.text()
    assert [a.size for a in found.answers if a.feasible] == [4, 5, 6, 7]
    with pytest.raises(InputError, match="2 people accepted, and the panel has 2 seats"):
        asked(written(tmp_path, 2, f'responses = "{tmp_path / "responses.csv"}"'))


def test_a_category_that_nobody_has_is_a_note(tmp_path: Path) -> None:
    path = written(tmp_path)
    (tmp_path / "quotas.csv").write_text(QUOTAS.replace("ancient,0,0", "ancient,1,1"))
    found = asked(path)
    assert found.warnings == (
        "age 'ancient': nobody in the pool has it, but the quota wants at least 1; no panel can meet it",
    )
    assert found.error is not None


def test_hostile_names_do_not_reach_the_terminal(tmp_path: Path) -> None:
    path = written(tmp_path, 8)
    for name in ("people.csv", "quotas.csv"):
        file = tmp_path / name
        file.write_text(file.read_text().replace("gender", "gen\x1b[31mder").replace("old", "o\u202eld"))
    found = asked(path)
    assert found.error is not None
    for text in (found.text(), str(found.error)):
        assert "\x1b" not in text
        assert "\u202e" not in text


@pytest.mark.parametrize("sizes", ["0:4", "9:4", "4:", "x", "1:2:3", "-3", "1:99999"])
def test_sizes_that_are_not_understood(tmp_path: Path, sizes: str) -> None:
    with pytest.raises(InputError, match="write one panel size or two, such as 120:170"):
        asked(written(tmp_path), sizes=sizes)


def test_which_lottery_must_be_clear(tmp_path: Path) -> None:
    path = written(tmp_path)
    with pytest.raises(InputError, match="--lottery 'other': there is no such lottery; the configuration has main"):
        asked(path, "other")
    path.write_text(path.read_text() + '[[lotteries]]\nname = "second"\nsize = 5\n')
    with pytest.raises(InputError, match="several lotteries; choose one with --lottery: main, second"):
        asked(path)
    assert asked(path, "second").section.size == 5
    path.write_text(path.read_text().split("[[lotteries]]")[0])
    with pytest.raises(InputError, match=r"no \[\[lotteries\]\]"):
        asked(path)
