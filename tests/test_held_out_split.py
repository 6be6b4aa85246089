"""Which pairs are held out: whole groups, as many as asked for, the same for everybody, and told in the record."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from memory_recorder import MemoryRecorder, make_context
from scipy.stats import chisquare
from training_world import CONDITIONS, make_config, make_draw, make_lottery, make_pairs, make_pool

from core.errors import InputError
from core.events import ConditionPlanned, HeldOutSplit
from core.facts.randomness import RandomStream
from core.facts.training.split import held_out_split, numbered_groups
from core.training.batches import rows_of
from core.training.planning.conditions import conditions
from core.training.possible import notes_on_training
from core.types import PreferencePairs

HARD = '\n[[conditions]]\nname = "hard"\nsource = "draw:first"\n'
SAMPLED = '\n[[conditions]]\nname = "sampled"\nsource = "lottery:main"\nestimator = "weighted_sampling"\n'


def planned(
    root: Path,
    pairs: PreferencePairs,
    recorder: MemoryRecorder | None = None,
    members: tuple[int, ...] = (0, 3),
    **held_out: object,
):
    """The conditions of a run, its recorder, and the split (None without `held_out`)."""
    recorder = recorder or MemoryRecorder()
    config = make_config(CONDITIONS + HARD + SAMPLED, **({"held_out": held_out} if held_out else {}))
    pool = make_pool(pairs)
    lottery = make_lottery(pool, [(2, 0), (1, 1)], [2**53 // 4])
    context = make_context("conditions", config, root, recorder)
    found = conditions(context, pairs, pool, (lottery,), (make_draw(members),))
    splits = [event for _, event, _ in recorder.events if isinstance(event, HeldOutSplit)]
    return found, recorder, splits[0] if splits else None


def out_of(root: Path, split: HeldOutSplit) -> list[int]:
    numbers: list[int] = json.loads((root / "artifacts" / split.artifact.sha256).read_bytes())["pairs"]
    return numbers


@given(st.lists(st.integers(0, 9), min_size=1, max_size=60), st.floats(0.01, 0.99), st.integers(0, 9))
def test_whole_groups_are_held_out_as_many_as_asked_for(keys: list[int], share: float, seed: int) -> None:
    groups = numbered_groups(keys)
    number = len(set(keys))
    wanted = max(1, int(share * number + 0.5))
    if wanted >= number:
        with pytest.raises(ValueError, match="none would be left to train on"):
            held_out_split(groups, share, None, RandomStream(seed, "test"))
        return
    pairs, measured = held_out_split(groups, share, None, RandomStream(seed, "test"))
    out = {keys[p] for p in pairs}
    assert len(out) == wanted
    assert pairs == measured == [p for p, key in enumerate(keys) if key in out]
    assert held_out_split(groups, share, 2, RandomStream(seed, "test"))[0] == pairs
    some = held_out_split(groups, share, 2, RandomStream(seed, "test"))[1]
    assert len(some) == min(2, len(pairs))
    assert set(some) <= set(pairs)
    assert some == sorted(some)


def test_every_group_is_held_out_as_often_as_any_other() -> None:
    groups = numbered_groups("aaaaaabbcde")  # their sizes do not matter
    found = Counter(groups[p] for seed in range(2_000) for p in set(_firsts(groups, seed)))
    assert chisquare([found[g] for g in range(5)]).pvalue > 1e-3


def _firsts(groups: list[int], seed: int) -> list[int]:
    pairs, _ = held_out_split(groups, 0.4, None, RandomStream(seed, "test"))
    return [groups.index(g) for g in {groups[p] for p in pairs}]


@pytest.mark.parametrize("by", ["pair", "conversation", "rater"])
def test_nothing_that_is_held_out_is_in_a_schedule(by: str, tmp_path: Path) -> None:
    pairs = make_pairs(raters=6, pairs=90)
    found, _, split = planned(tmp_path, pairs, share=0.3, by=by)
    assert split is not None
    out = out_of(tmp_path, split)
    assert 0 < len(out) < len(pairs)
    kept = np.setdiff1d(np.arange(len(pairs)), out)

    def keys(numbers) -> set[object]:
        if by == "rater":
            return set(pairs.rater[numbers].tolist())
        if by == "conversation":
            return {pairs.contexts[c][0].content for c in pairs.context[numbers]}
        sides = np.sort(np.stack([pairs.chosen, pairs.rejected]), axis=0)[:, numbers]
        return set(zip(pairs.context[numbers].tolist(), *sides.tolist(), strict=True))

    assert not keys(out) & keys(kept), "no group is on both sides"
    assert (split.groups, split.held_out) == (len(keys(np.arange(len(pairs)))), len(keys(out)))
    left = np.bincount(pairs.rater[kept], minlength=6)
    for condition in found:
        assert condition.measured.tolist() == out
        assert not np.isin(condition.schedule, out).any()
        assert condition.pairs_of_rater.tolist() == left.tolist()
        assert (condition.weight[left == 0] == 0).all()
    full = next(c for c in found if c.name == "full")
    assert set(full.schedule.ravel().tolist()) <= set(kept.tolist())
    assert full.weight.tolist() == left.tolist(), "a pair counts one, and the weight of a rater is N of those left"
    soft = next(c for c in found if c.name == "soft")
    rater = pairs.rater[soft.schedule.ravel()]
    assert np.allclose(rows_of(soft, pairs).weight, soft.weight[rater] / left[rater])


def test_the_other_way_round_is_the_same_comparison(tmp_path: Path) -> None:
    pairs = make_pairs(pairs=40)
    both = replace(
        pairs,
        context=np.repeat(pairs.context, 2),
        chosen=np.stack([pairs.chosen, pairs.rejected], axis=1).ravel(),
        rejected=np.stack([pairs.rejected, pairs.chosen], axis=1).ravel(),
        rater=np.repeat(pairs.rater, 2),
    )
    _, _, split = planned(tmp_path, both, share=0.2, by="pair")
    assert split is not None
    out = set(out_of(tmp_path, split))
    assert {p ^ 1 for p in out} == out


def test_what_is_held_out_of_whom_is_told_and_who_drops_out(tmp_path: Path) -> None:
    pairs = make_pairs(raters=6, pairs=90)
    found, recorder, split = planned(tmp_path, pairs, share=0.5, by="rater", max_pairs=7)
    assert split is not None
    out, names = out_of(tmp_path, split), [rater.rater_id for rater in pairs.raters]
    held = Counter(names[pairs.rater[p]] for p in out)
    assert {row.rater_id: row.pairs for row in split.rows} == held
    assert [row.rater_id for row in split.rows] == sorted(held)
    assert sum(row.measured for row in split.rows) == split.measured == 7 == len(found[1].measured)
    assert (split.raters, split.emptied, split.pairs) == (3, 3, len(out))
    lost = {e.condition: e.held_out_raters for _, e, _ in recorder.events if isinstance(e, ConditionPlanned)}
    members = {names[make_pool(pairs).rater[i]] for i in (0, 3)}
    assert lost == {"base": None, "full": 3, "soft": 3, "hard": len(members & set(held)), "sampled": 3}
    for _, event, _ in recorder.events:
        if isinstance(event, ConditionPlanned):
            assert not {row.rater_id for row in event.weights} & set(held)


def test_the_split_comes_first_and_is_restored(tmp_path: Path) -> None:
    pairs = make_pairs()
    found, recorder, _ = planned(tmp_path, pairs, share=0.2, by="pair")
    assert isinstance(next(e for s, e, u in recorder.events if u), HeldOutSplit)
    again, _, _ = planned(tmp_path, pairs, recorder, share=0.2, by="pair")
    for one, other in zip(found, again, strict=True):
        assert one.schedule.tolist() == other.schedule.tolist()
        assert one.measured.tolist() == other.measured.tolist()
        assert one.pairs_of_rater.tolist() == other.pairs_of_rater.tolist()


def test_where_nothing_is_held_out_nothing_is_recorded_of_it(tmp_path: Path) -> None:
    found, recorder, split = planned(tmp_path, make_pairs())
    assert split is None
    assert all(condition.measured.size == 0 for condition in found)
    events = [e for _, e, _ in recorder.events if isinstance(e, ConditionPlanned)]
    assert not any("held_out_raters" in event.payload() for event in events)


def test_there_must_be_something_left_to_train_on(tmp_path: Path) -> None:
    pairs = make_pairs(raters=4, pairs=40)
    with pytest.raises(InputError, match="of the raters that the pairs are from, 4 of 4 would be held out"):
        planned(tmp_path, pairs, share=0.9, by="rater")
    _, _, split = planned(tmp_path / "some", pairs, share=0.5, by="rater")
    assert split is not None
    gone = next(i for i, rater in enumerate(make_pool(pairs).raters) if rater.rater_id == split.rows[0].rater_id)
    with pytest.raises(InputError, match=r"'hard': source 'draw:first' leaves no rater with a pair"):
        planned(tmp_path / "hard", pairs, members=(gone,), share=0.5, by="rater")


def test_whoever_starts_a_run_is_told_that_panels_lose_members() -> None:
    by = {"share": 0.1, "by": "rater"}
    (note,) = notes_on_training(make_config(CONDITIONS + HARD, held_out=by), True)
    assert "0.1 of the raters is held out" in note
    assert "'hard' will train without those" in note
    assert notes_on_training(make_config(CONDITIONS, held_out=by), True) == ()
    assert notes_on_training(make_config(CONDITIONS + HARD, held_out=by | {"by": "pair"}), True) == ()
    assert notes_on_training(make_config(CONDITIONS + HARD), True) == ()


@pytest.mark.parametrize(
    ("key", "value"), [("share", 0), ("share", 1.0), ("every", -1), ("max_pairs", 0), ("by", "day")]
)
def test_bad_settings_are_refused_with_the_configuration(key: str, value: object) -> None:
    with pytest.raises(InputError, match=f"train.held_out.{key}"):
        make_config(CONDITIONS, held_out={"share": 0.1, "by": "pair"} | {key: value})
