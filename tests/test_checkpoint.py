"""Checkpoints: a killed lottery must go on where it was, and end with the bits of one that was not killed."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import numpy as np
import pytest
from brute_leximin import random_problem

from core.errors import Stopped
from core.facts.randomness import RandomStream
from core.sortition.leximin import decomposition
from core.sortition.leximin.checkpoint import Checkpoint, Checkpoints, State, identity_of, packed, unpacked
from core.sortition.leximin.decomposition import Mixture, Separated, decompose
from core.sortition.leximin.relaxation import relaxed_leximin
from core.sortition.panels import BestComposition
from core.sortition.uniform import uniform
from core.sortition.uniform.uniform import Uniform, uniform_panels

TIGHT = random_problem(3, 120, 20, 5, 3, slip=1)
PRICED = random_problem(7, 60, 12, 6, 3)
NOT_TIGHT = random_problem(9, 60, 12, 6, 3)
PROBLEMS = {"tight": TIGHT, "priced": PRICED, "not tight": NOT_TIGHT}
STATE: State = {"round": 3, "panels": [[0, 0, 2], [1, 2]], "weights": [0.1, 1 / 3]}


class Killed(Exception):
    """Stands for the end of the process."""


class Killing(Checkpoints):
    """Dies right after the state number `at` is written; never, where that is 0."""

    def __init__(self, folder: Path, at: int) -> None:
        super().__init__(folder)
        self.at, self.saves = at, 0

    def of(self, work: str, identity: str) -> Checkpoint:
        file, outer = super().of(work, identity), self

        class Watched(Checkpoint):
            def save(self, state: State) -> None:
                outer.saves += 1
                file.save(state)
                if outer.saves == outer.at:
                    raise Killed

        return Watched(file.path, identity)


@functools.cache
def target_of(problem_name: str) -> np.ndarray:
    problem = PROBLEMS[problem_name]
    return relaxed_leximin(problem).pi * problem.n


def lottery(problem_name: str, checkpoints: Checkpoints | None = None) -> Mixture | Separated:
    problem = PROBLEMS[problem_name]
    target = target_of(problem_name)
    return decompose(problem, target, BestComposition(problem), RandomStream(1, "test"), checkpoints=checkpoints)


def bits(found: Mixture | Separated) -> tuple[object, ...]:
    if isinstance(found, Mixture):
        return found.panels, found.weights.tobytes(), found.residual
    return found.panels, found.direction.tobytes(), found.bound


@pytest.mark.long
@pytest.mark.parametrize(("name", "size"), [("tight", 15), ("priced", 12), ("not tight", 6)])
def test_lottery_killed_at_every_checkpoint_ends_like_one_left_alone(
    name: str, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decomposition, "ROUND", size)
    expected = bits(lottery(name))
    counting = Killing(tmp_path / "count", 0)
    assert bits(lottery(name, counting)) == expected
    assert counting.saves >= 2
    for at in range(1, counting.saves + 1):
        folder = tmp_path / str(at)
        with pytest.raises(Killed):
            lottery(name, Killing(folder, at))
        resumed = Killing(folder, 0)
        assert bits(lottery(name, resumed)) == expected
        assert resumed.saves == counting.saves - at


def test_lottery_killed_at_any_moment_ends_like_one_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One lottery that is stopped again and again, each time a little later."""
    monkeypatch.setattr(decomposition, "ROUND", 10)
    target = target_of("tight")
    expected = bits(lottery("tight"))
    checkpoints = Checkpoints(tmp_path)
    for patience in range(1, 200):
        left = patience

        def impatient(panels: int, residual: float) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise Stopped("stop")

        try:
            found = decompose(
                TIGHT, target, BestComposition(TIGHT), RandomStream(1, "test"), (), impatient, checkpoints
            )
        except Stopped:
            continue
        assert patience > 1
        assert bits(found) == expected
        return
    pytest.fail("never finished")


def uniform_lottery(checkpoints: Checkpoints | None = None) -> Uniform | None:
    sizes = TIGHT.type_sizes
    type_of = [t for t, n in enumerate(sizes) for _ in range(n)]
    pi = target_of("tight") / TIGHT.n
    return uniform_panels(TIGHT, type_of, pi, 60, RandomStream(1, "test"), checkpoints=checkpoints)


@pytest.mark.long
def test_uniform_lottery_killed_at_every_checkpoint_ends_like_one_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uniform, "ROUND", 13)
    expected = uniform_lottery()
    assert expected is not None
    for at in range(1, 6):
        folder = tmp_path / str(at)
        with pytest.raises(Killed):
            uniform_lottery(Killing(folder, at))
        resumed = Killing(folder, 0)
        assert uniform_lottery(resumed) == expected
        assert resumed.saves == 5 - at


def test_state_reads_back_exactly(tmp_path: Path) -> None:
    Checkpoints(tmp_path / "new" / "folder").of("work", "a" * 64).save(STATE)
    assert Checkpoints(tmp_path / "new" / "folder").of("work", "a" * 64).load() == STATE


def test_state_of_another_question_is_ignored(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "x.json", "a" * 64)
    checkpoint.save(STATE)
    assert Checkpoint(tmp_path / "x.json", "b" * 64).load() is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda body: b"",
        lambda body: body[: len(body) // 2],
        lambda body: body.replace(b'"round":3', b'"round":4'),
        lambda body: body + b"\0",
        lambda body: b"\xff\xfe" + body,
        lambda body: b"[" * 100_000,
        lambda body: b"[]",
        lambda body: b"null",
        lambda body: json.dumps({**json.loads(body), "state": [1]}).encode(),
        lambda body: json.dumps({"identity": "a" * 64}).encode(),
    ],
)
def test_damaged_state_is_ignored_and_replaced(damage: object, tmp_path: Path) -> None:
    assert callable(damage)
    path = tmp_path / "x.json"
    checkpoint = Checkpoint(path, "a" * 64)
    checkpoint.save(STATE)
    path.write_bytes(damage(path.read_bytes()))
    assert checkpoint.load() is None
    checkpoint.save(STATE)
    assert checkpoint.load() == STATE


def test_identity_tells_questions_apart() -> None:
    """Quotas, size, seed, path and target each make another question."""
    other = random_problem(4, 120, 20, 5, 3, slip=1)
    target = [0.1, 0.2]
    same = identity_of(TIGHT, RandomStream(1, "a"), target)
    assert same == identity_of(TIGHT, RandomStream(1, "a"), list(target))
    others = [
        identity_of(other, RandomStream(1, "a"), target),
        identity_of(TIGHT, RandomStream(2, "a"), target),
        identity_of(TIGHT, RandomStream(1, "b"), target),
        identity_of(TIGHT, RandomStream(1, "a"), [0.1, float(np.nextafter(0.2, 1))]),
    ]
    assert len({same, *others}) == 5


def test_discarding_leaves_what_is_not_ours(tmp_path: Path) -> None:
    folder = tmp_path / "lottery"
    checkpoints = Checkpoints(folder)
    checkpoints.discard()
    checkpoints.of("one", "a" * 64).save(STATE)
    checkpoints.of("two", "b" * 64).save(STATE)
    (folder / "notes.txt").write_text("mine")
    checkpoints.discard()
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]
    (folder / "notes.txt").unlink()
    checkpoints.of("one", "a" * 64).save(STATE)
    checkpoints.discard()
    assert not folder.exists()


def test_panels_read_back() -> None:
    panels = [(0, 2, 1), (3, 0, 0)]
    assert packed(panels) == [[1, 1, 2], [0, 0, 0]]
    assert unpacked(packed(panels), 3) == panels
