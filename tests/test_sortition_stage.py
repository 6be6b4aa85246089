"""The stages lottery and draw: what is recorded is what is returned, however often the engine was killed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from memory_recorder import MemoryRecorder, make_context
from sortition_pools import attribute, config_of, pool_of

from core.config import RunConfig
from core.errors import InfeasibleQuotas, InputError, Stopped, VerificationFailed
from core.events import (
    DrawMade,
    Event,
    LotteryBounded,
    LotteryLevel,
    LotteryPanel,
    LotteryQuotas,
    LotterySolved,
    LotteryTypes,
    SeedDerived,
    StagePlanned,
    UnitCompleted,
)
from core.facts.randomness import derive_key
from core.sections.who_is_drawn import DrawSection, LotterySection
from core.sortition.draws.stage import draw
from core.sortition.leximin import certificate
from core.sortition.quotas.problem import PanelProblem
from core.sortition.stage import lottery
from core.types import Draw, Lottery, Pool

PEOPLE = [
    ("w", "old"),
    ("m", "old"),
    ("m", "young"),
    ("w", "young"),
    ("m", "young"),
    ("m", "old"),
    ("m", "young"),
    ("w", "young"),
]
POOL = pool_of(["gender", "age"], PEOPLE)
ATTRIBUTES = [attribute("gender", {"w": "0.5", "m": "0.5"}), attribute("age", {"old": "0.25", "young": "0.75"})]
DRAWS = [DrawSection(id="first", lottery="main"), DrawSection(id="second", lottery="main")]


def section(name: str = "main", size: int = 4, **more: object) -> LotterySection:
    return LotterySection.model_validate({"name": name, "size": size, "tolerance": Decimal("0.1"), **more})


def run(config: RunConfig, root: Path, recorder: MemoryRecorder, pool: Pool = POOL) -> tuple[Lottery, ...]:
    return lottery(make_context("lottery", config, root, recorder), pool)


def run_draw(config: RunConfig, root: Path, rec: MemoryRecorder, made: tuple[Lottery, ...]) -> tuple[Draw, ...]:
    return draw(make_context("draw", config, root, rec), POOL, made)


def payloads(recorder: MemoryRecorder) -> list[dict[str, object]]:
    """Everything of the last completed attempts but times and versions, in order of units."""
    return [
        event.payload() | {"solver": {}}
        for stage in ("lottery", "draw")
        for _, events in sorted(recorder.completed(stage).items())
        for event in events
    ]


def test_lottery_is_what_was_recorded(tmp_path: Path) -> None:
    recorder = MemoryRecorder()
    (made,) = run(config_of(ATTRIBUTES, [section()]), tmp_path, recorder)
    (solved,) = recorder.of_kind(LotterySolved)
    (quotas,) = recorder.of_kind(LotteryQuotas)
    (types,) = recorder.of_kind(LotteryTypes)
    panels = recorder.of_kind(LotteryPanel)
    assert recorder.of_kind(StagePlanned)[0].units == 2
    assert [(q.category, q.lower, q.upper, q.in_pool) for q in quotas.quotas] == [
        ("w", 1, 3, 3),
        ("m", 1, 3, 5),
        ("old", 0, 2, 3),
        ("young", 2, 4, 5),
    ]
    assert [(t.categories, t.size) for t in types.types] == [
        (list(categories), size) for categories, size in zip(POOL.types, POOL.type_sizes(), strict=True)
    ]
    assert [p.panel for p in panels] == list(range(solved.panels)) == list(range(len(made.panels)))
    assert [int(p.numerator) for p in panels] == list(made.numerators)
    assert [sum(x for _, x in p.counts) for p in panels] == [4] * solved.panels
    assert solved.pi == [float(pi) for pi in made.inclusion_by_type()]
    assert solved.optimum is not None
    assert solved.max_difference < 1e-9
    # No quota binds a fair share of one half for everyone.
    assert solved.optimum == pytest.approx([0.5] * 4)
    assert not solved.estimated


def test_inclusion_probabilities_sum_to_the_panel_size_exactly(tmp_path: Path) -> None:
    (made,) = run(config_of(ATTRIBUTES, [section()]), tmp_path, MemoryRecorder())
    pi = made.inclusion_by_type()
    assert sum((pi[t] for t in POOL.type_of), Fraction(0)) == 4


def test_every_type_is_fixed_at_one_level(tmp_path: Path) -> None:
    recorder = MemoryRecorder()
    tight = [ATTRIBUTES[0], attribute("age", {"old": "0.75", "young": "0.25"})]
    run(config_of(tight, [section()]), tmp_path, recorder)
    levels = recorder.of_kind(LotteryLevel)
    (solved,) = recorder.of_kind(LotterySolved)
    assert sorted(t for level in levels for t in level.types) == list(range(len(POOL.types)))
    assert [level.level for level in levels] == list(range(len(levels)))
    for level in levels:
        assert [solved.optimum[t] for t in level.types] == [level.probability] * len(level.types)
    assert levels[0].probability < levels[-1].probability
    assert "age: old (lower)" in levels[0].binding


@pytest.mark.parametrize("algorithm", ["legacy", "random"])
def test_baselines_are_labelled_estimated(tmp_path: Path, algorithm: str) -> None:
    recorder = MemoryRecorder()
    (made,) = run(config_of(ATTRIBUTES, [section(algorithm=algorithm)]), tmp_path, recorder)
    (solved,) = recorder.of_kind(LotterySolved)
    assert solved.estimated
    assert solved.algorithm == algorithm
    assert solved.optimum is None
    assert solved.standard_error is not None
    assert all(0 <= error < 0.02 for error in solved.standard_error)
    assert solved.method == algorithm
    assert sum(made.numerators) == 2**53


def test_several_lotteries_and_draws(tmp_path: Path) -> None:
    config = config_of(
        ATTRIBUTES,
        [section(), section("small", 2)],
        [*DRAWS, DrawSection(id="third", lottery="small")],
    )
    recorder = MemoryRecorder()
    made = run(config, tmp_path, recorder)
    draws = run_draw(config, tmp_path, recorder, made)
    assert [x.name for x in made] == ["main", "small"]
    assert [(d.draw, d.lottery, len(d.members)) for d in draws] == [
        ("first", "main", 4),
        ("second", "main", 4),
        ("third", "small", 2),
    ]
    events = recorder.of_kind(DrawMade)
    assert [e.outcome for e in events] == ["accepted"] * 3
    for event, drawn in zip(events, draws, strict=True):
        assert event.members == [POOL.raters[i].rater_id for i in drawn.members]
        assert event.seed == derive_key(7, "draw", event.draw).hex()
        assert event.origin == "unit"
    seeds = [e.seed for s, e, _ in recorder.events if s == "draw" and isinstance(e, SeedDerived)]
    assert seeds == [e.seed for e in events]


def test_another_seed_draws_another_panel(tmp_path: Path) -> None:
    panels = set()
    for seed in range(5):
        config = config_of(ATTRIBUTES, [section()], DRAWS, seed=seed)
        recorder = MemoryRecorder()
        drawn = run_draw(config, tmp_path, recorder, run(config, tmp_path, recorder))
        panels.add(drawn[0].members)
    assert len(panels) > 1


def test_pseudonyms_do_not_change_the_result(tmp_path: Path) -> None:
    renamed = pool_of(["gender", "age"], PEOPLE)
    renamed = type(renamed)(
        **{
            **vars(renamed),
            "raters": tuple(type(r)(f"z{9 - i}", r.attributes) for i, r in enumerate(renamed.raters)),
        }
    )
    config = config_of(ATTRIBUTES, [section()], DRAWS)
    results = []
    for number, pool in enumerate((POOL, renamed)):
        root, recorder = tmp_path / str(number), MemoryRecorder()
        made = run(config, root, recorder, pool)
        results.append(draw(make_context("draw", config, root, recorder), pool, made))
    assert results[0] == results[1]


class Killed(Exception):
    """Stands for a kill -9 while the engine writes."""


class FailingRecorder(MemoryRecorder):
    """Dies at the n-th completed unit, before anything of it is written."""

    dies_at = 0

    def record(self, stage: str, events: Sequence[Event], **more: object) -> None:  # type: ignore[override]
        if any(isinstance(event, UnitCompleted) for event in events):
            self.dies_at -= 1
            if self.dies_at == 0:
                raise Killed
        super().record(stage, events, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("dies_at", [1, 2, 3, 4])
def test_killed_lottery_resumes_to_the_same_record(tmp_path: Path, dies_at: int) -> None:
    config = config_of(ATTRIBUTES, [section(), section("other", 3, algorithm="legacy")], DRAWS)
    whole = MemoryRecorder()
    wanted = run(config, tmp_path / "a", whole)
    killed = FailingRecorder()
    killed.dies_at = dies_at
    with pytest.raises(Killed):
        run(config, tmp_path / "b", killed)
    assert run(config, tmp_path / "b", killed) == wanted
    assert payloads(killed) == payloads(whole)


def test_completed_lottery_is_not_solved_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_of(ATTRIBUTES, [section()])
    recorder = MemoryRecorder()
    made = run(config, tmp_path, recorder)

    def fail(*_: object) -> None:
        raise AssertionError("solved again")

    monkeypatch.setattr("core.sortition.stage._solve", fail)
    assert run(config, tmp_path, recorder) == made


def test_request_to_stop_ends_the_stage(tmp_path: Path) -> None:
    config = config_of(ATTRIBUTES, [section()])
    ctx = make_context("lottery", config, tmp_path)
    ctx.folder.stop_request.touch()
    with pytest.raises(Stopped):
        lottery(ctx, POOL)


def test_infeasible_quotas_name_lottery_and_conflict(tmp_path: Path) -> None:
    many_old = [ATTRIBUTES[0], attribute("age", {"old": "1", "young": "0"})]
    with pytest.raises(InfeasibleQuotas, match=r"lottery 'main': No panel of 4 .* age 'old' at least 4 \(3 in the"):
        run(config_of(many_old, [section(tolerance="0")]), tmp_path, MemoryRecorder())


def test_uniform_lottery_is_recorded_with_its_members(tmp_path: Path) -> None:
    recorder = MemoryRecorder()
    tight = [ATTRIBUTES[0], attribute("age", {"old": "0.75", "young": "0.25"})]
    config = config_of(tight, [section(panels=100)], DRAWS)
    (made,) = run(config, tmp_path, recorder)
    (solved,) = recorder.of_kind(LotterySolved)
    assert (solved.panels, solved.denominator, made.denominator) == (100, "100", 100)
    assert [p.raters for p in recorder.of_kind(LotteryPanel)] == [list(m) for m in made.members]
    pi = made.inclusion(POOL.type_of)
    assert solved.rater_pi == [float(p) for p in pi]
    assert sum(pi) == 4
    assert solved.optimum is not None
    assert solved.max_difference == max(
        abs(float(p) - solved.optimum[t]) for p, t in zip(pi, POOL.type_of, strict=True)
    )
    assert solved.max_difference <= 0.02
    assert 0 < solved.spread <= 0.02
    assert all(level.proof for level in recorder.of_kind(LotteryLevel))
    (first, _) = run_draw(config, tmp_path, recorder, (made,))
    assert first.members == made.members[first.panel]


def test_bound_of_a_lottery_is_recorded_before_it_is_solved(tmp_path: Path) -> None:
    recorder = MemoryRecorder()
    run(config_of(ATTRIBUTES, [section()]), tmp_path, recorder)
    kinds = [event.kind for stage, event, _ in recorder.events if stage == "lottery"]
    assert kinds.index("lottery.bounded") < kinds.index("lottery.panel")
    assert recorder.of_kind(LotteryBounded)[0].pi == pytest.approx(recorder.of_kind(LotterySolved)[0].optimum)


def test_baselines_have_no_uniform_lottery(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'main' has panels = 1000; a uniform lottery is made from LEXIMIN"):
        run(config_of(ATTRIBUTES, [section(panels=1000, algorithm="legacy")]), tmp_path, MemoryRecorder())


def test_false_certificate_is_not_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the solver claims, the reviewer's checker has the last word before anything is recorded."""
    honest = certificate.proof_fields

    def dishonest(level: certificate.Level, problem: PanelProblem) -> dict[str, object]:
        return honest(level, problem) | {"exact": "3/4"}

    monkeypatch.setattr(certificate, "proof_fields", dishonest)
    recorder = MemoryRecorder()
    with pytest.raises(VerificationFailed, match="its certificate does not hold"):
        run(config_of(ATTRIBUTES, [section()]), tmp_path, recorder)
    assert recorder.of_kind(LotterySolved) == []


def test_random_panel_larger_than_the_pool_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'main' draws 9 raters, but the pool has 8"):
        run(config_of(ATTRIBUTES, [section(size=9, algorithm="random")]), tmp_path, MemoryRecorder())


def test_importing_the_stage_loads_no_solver() -> None:
    code = "import sys, core.sortition.stage; print([m for m in ('pyomo', 'highspy', 'scipy') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[1], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
