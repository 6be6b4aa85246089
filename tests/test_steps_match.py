"""Conditions whose number of steps is searched for: the search itself, what it refuses, and what is trained."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from same_record import stable
from test_training_stage import Killed, Run, make_run
from training_world import make_config

from core.errors import DempoError, InputError
from core.events import StepsMatched, TrainCheckpoint, TrainStart, TrainStep, UpdateMeasured
from core.facts.training.steps_match import is_rising, kept_steps, next_steps
from core.training.possible import check_training
from core.training.steps_match import trainings_of

# ---------------------------------------------------------------- the search


def searched(
    relative: Callable[[int], float], grid: int, most: int, target: float, tolerance: float
) -> dict[int, float]:
    """What a search tries, in its order."""
    found: dict[int, float] = {}
    while (steps := next_steps(grid, most, target, tolerance, found)) is not None:
        assert steps not in found
        assert 0 < steps <= most
        assert steps % grid == 0 or steps == most
        found[steps] = relative(steps)
    return found


@given(
    st.integers(1, 500),
    st.integers(1, 4000),
    st.floats(0.01, 1.2),
    st.floats(1e-6, 0.5),
)
def test_a_search_finds_what_looking_at_every_count_finds(grid: int, most: int, share: float, tolerance: float) -> None:
    target = share * math.sqrt(most)
    found = searched(math.sqrt, grid, most, target, tolerance)
    kept = kept_steps(target, tolerance, found)
    every = {min(steps, most): math.sqrt(min(steps, most)) for steps in range(grid, most + grid, grid)}
    assert every.keys() >= found.keys()
    matched = [steps for steps, r in every.items() if abs(r - target) <= tolerance * target]
    if matched:
        assert kept in matched
    elif min(every.values()) > target:
        assert kept == min(every)
    else:
        assert every[kept] == max(r for r in every.values() if r <= target)
    assert 1 <= len(found) <= math.ceil(math.log2(len(every) + 1))
    assert is_rising(found)


@given(st.lists(st.floats(0, 2), min_size=1, max_size=40), st.floats(0.1, 2), st.floats(1e-6, 0.5))
def test_a_search_ends_where_more_steps_do_not_move_further(moves: list[float], target: float, by: float) -> None:
    found = searched(lambda steps: moves[steps // 10 - 1], 10, 10 * len(moves), target, by)
    assert 1 <= len(found) <= math.ceil(math.log2(len(moves) + 1))
    kept = kept_steps(target, by, found)
    near = [s for s, r in found.items() if abs(r - target) <= by * target]
    below = [r for r in found.values() if r <= target]
    if near:
        assert kept in near
    elif below:
        assert target - found[kept] == target - max(below), "but for two that are equally close in float64"
        assert found[kept] <= target
    else:
        assert found[kept] - target == min(found.values()) - target


def test_the_authors_search_takes_six_trainings_at_most() -> None:
    """3,538 steps, by hundreds: 36 counts, of which the last is no hundred."""
    config = make_config(matching("step_grid = 100", steps=3538), steps=3538)
    assert config.train is not None
    assert [trainings_of(condition, config.train) for condition in config.conditions] == [1, 1, 6, 0]
    tried = searched(lambda steps: steps / 3538, 100, 3538, 0.999, 1e-6)
    assert max(tried) == 3538
    assert len(tried) == 6
    hard = searched(lambda steps: steps / 3538, 100, 3538, 2200 / 3538, 1e-6)
    assert list(hard) == [1800, 2700, 2200], "the authors came to 2,200 from 3,538 by fourteen trainings"


def test_an_even_choice_is_the_shorter_training() -> None:
    assert kept_steps(0.5, 0.3, {300: 0.6, 100: 0.4}) == 100
    assert not is_rising({100: 0.4, 200: 0.4})


# ---------------------------------------------------------------- what is refused


def matching(more: str = "", like: str = '"full", "soft"', steps: int = 12, name: str = "hard") -> str:
    return f"""
[[conditions]]
name = "full"
source = "all"
[[conditions]]
name = "soft"
source = "lottery:main"
[[conditions]]
name = "{name}"
source = "draw:first"
steps = {steps}
steps_match = [{like}]
{more}
[[conditions]]
name = "base"
source = "none"
"""


AGAIN = """
[[conditions]]
name = "other"
source = "all"
steps = 12
step_grid = 2
steps_match = ["hard"]
"""


@pytest.mark.parametrize(
    ("conditions", "told"),
    [
        (
            matching("step_grid = 2", like='"nobody"'),
            "names 'nobody', which is no condition of this run (others: 'full'",
        ),
        (matching("step_grid = 2", like='"hard"'), "names 'hard', which is itself"),
        (matching("step_grid = 2", like='"base"'), "names 'base', which is not trained (source 'none')"),
        (matching("step_grid = 2", like='"full", "full"'), "names a condition twice"),
        (matching("step_grid = 13"), "step_grid (13) is more than its 12 steps"),
        (matching("step_grid = 2", like='"other"') + AGAIN, "names 'other', whose own steps are searched for"),
        (matching("step_grid = 2").replace('"draw:first"', '"none"'), "a source 'none' trains nothing"),
    ],
)
def test_what_cannot_be_matched_is_told_before_a_run(conditions: str, told: str) -> None:
    assert any(told in str(error) for error in check_training(make_config(conditions), trained=True))


def test_a_cycle_is_told_of_both() -> None:
    config = make_config(matching("step_grid = 2", like='"other"') + AGAIN)
    told = [str(error) for error in check_training(config, trained=True)]
    assert len([line for line in told if "whose own steps are searched for" in line]) == 2


def test_what_can_be_matched_is_not_refused() -> None:
    assert list(check_training(make_config(matching("step_grid = 2")), trained=True)) == []


@pytest.mark.parametrize("more", ["tolerance = 0.0", "tolerance = -1", "step_grid = 0"])
def test_numbers_that_search_nothing_are_refused(more: str) -> None:
    with pytest.raises(InputError, match="greater than"):
        make_config(matching(more))


# ---------------------------------------------------------------- what is trained


def first_in_the_file(tolerance: float = 0.02) -> str:
    """The condition that is searched for stands before those whose updates it is to match."""
    parts = matching(f"step_grid = 2\ntolerance = {tolerance}").strip().split("[[conditions]]")
    return "[[conditions]]".join(["", parts[3], parts[1], parts[2]])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = make_run(tmp_path_factory.mktemp("search"), first_in_the_file())
    run.trained = run.train()  # type: ignore[attr-defined]
    return run


def results(run: Run) -> dict[str, Any]:
    """Every event of every unit that counts, but for times and working files."""
    found = {}
    for unit, events in run.recorder.completed("train").items():
        kept = [stable(e) for e in events if e.kind != "train.state"]
        found[unit] = kept
    return found


def test_every_candidate_is_recorded_and_the_chosen_one_is_the_model(whole: Run) -> None:
    (search,) = whole.recorder.of_kind(StepsMatched)
    updates = {e.condition: e for e in whole.recorder.of_kind(UpdateMeasured)}
    tried = {row.steps: row.relative for row in search.candidates}
    assert list(updates) == ["full", "soft", *(f"hard@{steps}" for steps in tried), "hard"]
    assert search.target == (updates["full"].relative + updates["soft"].relative) / 2
    assert {f"hard@{steps}": relative for steps, relative in tried.items()} == {
        name: e.relative for name, e in updates.items() if "@" in name
    }
    assert list(tried) == [6, 2, 4], "by bisection of 2, 4, … 12"
    assert (search.steps, search.matched, search.rising) == (2, False, True)
    assert tried[2] < search.target < tried[4], "the grid is too coarse, so the closest not above is taken"
    assert updates["hard"] == updates["hard@2"].model_copy(update={"condition": "hard"})
    files = whole.files()
    assert files["hard", 2] == files["hard@2", 2] == dict(whole.trained.files["hard"])  # type: ignore[attr-defined]
    whole.trained.verified("hard")  # type: ignore[attr-defined]
    here = {path.name for path in (whole.root / "checkpoints").iterdir()}
    assert here == {"base", "full", "soft", "hard"}, "models that were not chosen are gone"


def test_a_candidate_has_a_schedule_of_its_own_and_the_first_pairs_of_the_condition(whole: Run) -> None:
    rates = {}
    for event in whole.recorder.of_kind(TrainStep):
        rates.setdefault(event.condition, []).append(event.learning_rate)
    assert rates["hard@2"] == pytest.approx([1e-3, 0.5e-3])
    assert rates["hard@4"] == pytest.approx([1e-3, 0.75e-3, 0.5e-3, 0.25e-3])
    assert {e.condition for e in whole.recorder.of_kind(TrainStart)} == rates.keys()


def test_the_model_is_that_of_a_training_with_the_chosen_steps(whole: Run, tmp_path: Path) -> None:
    """The schedule of a shorter condition is drawn from the same stream, and begins alike."""
    alone = make_run(tmp_path, '[[conditions]]\nname = "hard"\nsource = "draw:first"\nsteps = 2\n')
    alone.train()
    (short,) = alone.conditions()
    searched_for = next(condition for condition in whole.conditions() if condition.name == "hard")
    assert np.array_equal(short.schedule, searched_for.schedule[:2])
    (moved,) = alone.recorder.of_kind(UpdateMeasured)
    chosen = whole.recorder.of_kind(UpdateMeasured)[-1]
    assert moved.l2 == pytest.approx(chosen.l2, rel=1e-4), "but for the rounding of a reference scored in other batches"
    own, others = alone.steps(), whole.steps()
    for step in (1, 2):
        assert own["hard", step] == pytest.approx(others["hard@2", step], rel=1e-4, abs=1e-5)


def test_a_target_within_the_tolerance_ends_the_search(tmp_path: Path) -> None:
    run = make_run(tmp_path, first_in_the_file(tolerance=0.3))
    run.train()
    (search,) = run.recorder.of_kind(StepsMatched)
    assert [row.steps for row in search.candidates] == [6]
    assert (search.steps, search.matched) == (6, True)
    assert search.relative > search.target


@pytest.mark.parametrize(
    "fatal",
    [
        ("hard@2", 2),
        ("unit", "update:hard@2"),
        ("unit", "condition:hard"),
        pytest.param(("unit", "update:hard"), marks=pytest.mark.long),
        pytest.param(("unit", "condition:hard@4"), marks=pytest.mark.long),
        pytest.param(("hard@6", 5), marks=pytest.mark.long),
        pytest.param(("unit", "update:full"), marks=pytest.mark.long),
    ],
)
def test_a_search_that_was_killed_goes_on_to_the_same_model(whole: Run, tmp_path: Path, fatal: tuple[str, Any]) -> None:
    run = make_run(tmp_path, first_in_the_file())
    run.recorder.fatal = fatal
    with pytest.raises(Killed):
        run.train()
    run.recorder.fatal = None
    trained = run.train()
    assert results(run) == results(whole)
    trained.verified("hard")
    assert {path.name for path in (tmp_path / "checkpoints").iterdir()} == {"base", "full", "soft", "hard"}


def test_a_chosen_model_that_was_changed_is_not_taken(tmp_path: Path) -> None:
    run = make_run(tmp_path, first_in_the_file())
    run.recorder.fatal = ("unit", "condition:hard")
    with pytest.raises(Killed):
        run.train()
    run.recorder.fatal = None
    path = tmp_path / "checkpoints" / "hard" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(InputError, match="does not hold what was recorded"):
        run.train()


def test_updates_of_nothing_are_not_matched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.training import stage

    def unmoved(base: Path, model: Path, name: str, progress: Any) -> UpdateMeasured:
        return measure(base, base, name)

    measure = stage.measure_update
    monkeypatch.setattr(stage, "measure_update", unmoved)
    run = make_run(tmp_path, first_in_the_file())
    with pytest.raises(DempoError, match=r"condition 'hard': the mean relative update of full, soft is 0\.0"):
        run.train()


def test_each_plain_condition_has_one_model_and_one_update(whole: Run) -> None:
    units = whole.recorder.completed("train")
    assert [e.kind for e in units["condition:full"] if isinstance(e, TrainCheckpoint)] == ["train.checkpoint"]
    assert [e.kind for e in units["update:full"]] == ["update.measured"]
    assert [e.kind for e in units["condition:hard"]] == ["steps.matched", "train.checkpoint"]
