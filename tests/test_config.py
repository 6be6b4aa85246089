"""Configurations: what a user reads when one is wrong, and exactness of decimals."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from core.config import from_recorded, places, resolved
from core.config_file import change, load_config, parse_config
from core.errors import InputError

GOOD = """
[run]
name = "small"
seed = 3
[data]
path = "data"
[[population.attributes]]
name = "age"
column = "age"
targets = { young = 0.5, old = 0.5 }
[[lotteries]]
name = "main"
size = 10
tolerance = 0.1
[[draws]]
id = "first"
lottery = "main"
[[conditions]]
name = "hard"
source = "draw:first"
"""


def test_decimals_are_exact_and_survive_the_record() -> None:
    config = parse_config(GOOD).config
    assert config.lotteries[0].tolerance == Decimal("0.1")
    assert resolved(config)["lotteries"][0]["tolerance"] == "0.1"
    assert from_recorded(resolved(config), {}) == config


def test_origins_say_where_each_value_came_from() -> None:
    loaded = parse_config(GOOD, ["run.seed=9", "lotteries.0.size=12"])
    assert loaded.config.run.seed == 9
    assert loaded.config.lotteries[0].size == 12
    assert loaded.origins["run.seed"] == "set"
    assert loaded.origins["run.name"] == "file"
    assert loaded.origins["rank.resamples"] == "default"


def test_a_clone_changes_only_what_was_asked() -> None:
    original = parse_config(GOOD).config
    clone = change(original, ["run.seed=4"])
    assert clone.config.run.seed == 4
    assert clone.config.model_copy(update={"run": original.run}) == original


def test_relative_paths_are_recorded_in_full() -> None:
    path = parse_config(GOOD).config.data.path
    assert path == Path.cwd() / "data"


PLACES = """
[run]
name = "small"
[data]
path = "data/prism"
[train]
model = "models/llama"
[answer]
constitution = "../c.txt"
questions = "~/questions"
[[judge.judges]]
kind = "local"
model = "models/judge"
[[judge.judges]]
kind = "openai"
model = "models/other"
"""


def test_paths_of_a_file_are_relative_to_it_and_those_of_set_to_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A configuration that is copied with its data runs from any folder; `--set` is typed in one."""
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "small.toml").write_text(PLACES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/somebody")
    loaded = load_config(Path("there/small.toml"))
    assert dict(places(loaded.config)) == {
        "data.path": tmp_path / "there/data/prism",
        "answer.constitution": tmp_path / "there/../c.txt",
        "answer.questions": Path("/home/somebody/questions"),
    }
    overridden = load_config(Path("there/small.toml"), ["data.path=mine", 'answer={constitution="c",questions="q"}'])
    assert dict(places(overridden.config)) == {
        "data.path": tmp_path / "mine",
        "answer.constitution": tmp_path / "c",
        "answer.questions": tmp_path / "q",
    }


def test_a_model_is_a_folder_beside_the_file_or_a_name(tmp_path: Path) -> None:
    file = tmp_path / "small.toml"
    file.write_text(PLACES)

    def models() -> list[str]:
        config = load_config(file).config
        assert config.train is not None
        assert config.judge is not None
        return [config.train.model, *(judge.model for judge in config.judge.judges)]

    assert models() == ["models/llama", "models/judge", "models/other"]
    for name in ("llama", "judge", "other"):
        (tmp_path / "models" / name).mkdir(parents=True)
    assert models() == [f"{tmp_path}/models/llama", f"{tmp_path}/models/judge", "models/other"]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("run.name=Big Name", "run.name"),
        ("run.seed=-1", "run.seed: Input should be greater than or equal to 0 (given: -1)"),
        ("data.colour=1", "data.colour is not a known key (given: 1); known here: format, path"),
        ("data.format=csv", "data.format: Input should be 'prism', 'tables' or 'none' (given: 'csv')"),
        ("lotteries.0.tolerance=-0.1", "lotteries.0.tolerance"),
        ("draws.0.lottery=other", "draw 'first': lottery 'other' is not defined (defined: 'main')"),
        ("conditions.0.source=draw:second", "condition 'hard': draw 'second' is not defined (defined: 'first')"),
        ("conditions.0.source=panel", "conditions.0.source"),
        ("conditions.0.source=population", "source 'population' needs data.world"),
        ("population.attributes.0.targets.young=0.4", "the targets sum to 0.9; they must sum to 1"),
        ("population.attributes.0.targets.young=1.4", "must lie between 0 and 1"),
        ('population.attributes.0.slack=["none"]', "slack category 'none' has no target"),
        ("lotteries.3.size=2", "this list has 1 entries, numbered from 0"),
        ("run.name.first=x", "run.name is a value, not a section"),
        ("seed", "write it as key.path=value"),
        ('train={model="tiny", batch=10, micro_batch=4}', "batch (10) must be a multiple of micro_batch (4)"),
        ('answer={constitution="c.txt"}', "give either questions (a folder) or [answer.generate]"),
        ('data.hub="x/y"', "give path or hub, not both"),
    ],
)
def test_a_wrong_value_is_refused_with_its_path_and_what_would_be_valid(override: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_config(GOOD, [override])
    assert message in str(caught.value)


def test_two_entries_with_one_name_are_refused() -> None:
    again = '[[lotteries]]\nname = "main"\nsize = 5\n'
    with pytest.raises(InputError, match="two entries are called 'main'; each lottery needs a name of its own"):
        parse_config(GOOD + again)


def test_a_file_that_is_missing_or_no_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read the configuration .*: No such file"):
        load_config(tmp_path / "none.toml")
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("[run\n")
    with pytest.raises(InputError, match="is not valid TOML: .*line 1"):
        load_config(wrong)
    wrong.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not UTF-8"):
        load_config(wrong)
