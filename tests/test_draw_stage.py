"""The stage draw: draws by the seed are made at once, draws by public randomness are waited for."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from memory_recorder import MemoryRecorder, make_context
from sortition_pools import attribute, config_of, pool_of

from core.config import RunConfig
from core.errors import Waiting
from core.events import DrawAlternates, DrawMade, SeedDerived, UnitCompleted
from core.facts.randomness import derive_key
from core.sections.who_is_drawn import DrawSection, LotterySection
from core.sortition.draws.stage import draw, events_of
from core.sortition.stage import lottery
from core.types import Lottery

POOL = pool_of(["gender"], [("w",)] * 4 + [("m",)] * 5)
ATTRIBUTES = [attribute("gender", {"w": "0.5", "m": "0.5"})]


def configured(*draws: DrawSection) -> RunConfig:
    return config_of(ATTRIBUTES, [LotterySection(name="main", size=4, tolerance=Decimal(0))], draws)


def section(name: str, randomness: str = "seed") -> DrawSection:
    return DrawSection.model_validate({"id": name, "lottery": "main", "randomness": randomness})


def made_lottery(config: RunConfig, root: Path, recorder: MemoryRecorder) -> tuple[Lottery, ...]:
    return lottery(make_context("lottery", config, root, recorder), POOL)


def accept(recorder: MemoryRecorder, name: str, members: list[int]) -> None:
    """What acceptance leaves in the record."""
    ids = [rater.rater_id for rater in POOL.raters]
    made = DrawMade(
        draw=name,
        lottery="main",
        panel=0,
        seed="00" * 32,
        origin="public",
        members=[ids[i] for i in members],
        seats={},
        leaf_key="00" * 32,
        root="00" * 32,
        outcome="accepted",
        value="7",
    )
    recorder.record("draw", [*events_of(made, ids, POOL.type_of), UnitCompleted(seconds=0)], unit=(name, 1))


def test_a_draw_by_the_seed_has_alternates_who_keep_every_quota(tmp_path: Path) -> None:
    config, recorder = configured(section("one")), MemoryRecorder()
    (drawn,) = draw(make_context("draw", config, tmp_path, recorder), POOL, made_lottery(config, tmp_path, recorder))
    (stand_in,) = recorder.of_kind(DrawAlternates)
    type_of = {rater.rater_id: POOL.type_of[i] for i, rater in enumerate(POOL.raters)}
    members = {POOL.raters[i].rater_id for i in drawn.members}
    assert [a.type for a in stand_in.alternates] == [0, 1]
    for alternates in stand_in.alternates:
        assert {type_of[rater] for rater in alternates.raters} == {alternates.type}
        assert {r for r, t in type_of.items() if t == alternates.type} == members.intersection(
            {r for r, t in type_of.items() if t == alternates.type}
        ) | set(alternates.raters)
        assert not members & set(alternates.raters)
    seed = recorder.of_kind(SeedDerived)[-1]
    assert seed.seed == recorder.of_kind(DrawMade)[0].seed == derive_key(7, "draw", "one").hex()


def test_public_draws_are_waited_for_after_all_others_are_made(tmp_path: Path) -> None:
    config = configured(section("a", "public"), section("b"), section("c", "public"), section("d"))
    recorder = MemoryRecorder()
    made = made_lottery(config, tmp_path, recorder)
    with pytest.raises(Waiting, match="draws 'a', 'c' wait for public randomness") as wait:
        draw(make_context("draw", config, tmp_path, recorder), POOL, made)
    assert wait.value.draws == ("a", "c")
    assert wait.value.exit_code == 0
    assert list(recorder.completed("draw")) == ["b", "d"]
    accept(recorder, "c", [0, 1, 4, 5])
    with pytest.raises(Waiting, match="draw 'a' waits for public randomness"):
        draw(make_context("draw", config, tmp_path, recorder), POOL, made)
    accept(recorder, "a", [2, 3, 7, 8])
    drawn = draw(make_context("draw", config, tmp_path, recorder), POOL, made)
    assert [d.draw for d in drawn] == ["a", "b", "c", "d"]
    assert drawn[0].members == (2, 3, 7, 8)
    assert drawn[2].members == (0, 1, 4, 5)
    assert len(recorder.of_kind(DrawMade)) == 4
