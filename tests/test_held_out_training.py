"""Held-out pairs are measured while a condition trains, and leave no trace in what it trains."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from test_training_stage import Killed, Run, make_run
from training_world import direct_log_prob

from core.chat import load_tokenizer
from core.events import HeldOutMeasured, HeldOutSplit, TrainStep
from core.training.as_tokens.fitting import tokenise
from core.training.heldout.margins import decode_margins
from core.training.heldout.measuring import HeldOutMeasuring
from core.training.models.model import load_model
from core.training.models.precision import placement

FULL = '\n[[conditions]]\nname = "full"\nsource = "all"\n'
HELD_OUT = {"share": 0.2, "by": "pair"}


@pytest.fixture(scope="module")
def often(tmp_path_factory):
    """Measured after every second step."""
    run = make_run(tmp_path_factory.mktemp("often"), FULL, held_out=HELD_OUT | {"every": 2})
    run.trained = run.train()
    return run


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    """Measured after the last step alone."""
    run = make_run(tmp_path_factory.mktemp("once"), FULL, held_out=HELD_OUT)
    run.trained = run.train()
    return run


def measured(run: Run) -> list[HeldOutMeasured]:
    events = run.recorder.completed("train")["condition:full"]
    return [event for event in events if isinstance(event, HeldOutMeasured)]


def margins(run: Run, event: HeldOutMeasured) -> list[float]:
    return decode_margins((run.root / "artifacts" / event.artifact.sha256).read_bytes())


def test_measuring_changes_nothing_that_is_trained(often, once):
    assert [event.step for event in measured(often)] == [2, 4, 6]
    assert [event.step for event in measured(once)] == [6]
    assert often.files() == once.files(), "the models are the same in every bit"
    assert often.steps() == once.steps()
    assert measured(often)[-1] == measured(once)[-1]


def test_no_generator_is_drawn_from_and_the_mode_of_the_model_stays(often, monkeypatch, tmp_path):
    seen = []

    def watched(self, model, *args, **kwargs):
        state, modes = torch.get_rng_state(), [m.training for m in model.modules()]
        found = own(self, model, *args, **kwargs)
        left_alone = torch.equal(state, torch.get_rng_state()), modes == [m.training for m in model.modules()]
        seen.append((*left_alone, any(modes)))
        assert all(p.grad is None or not p.grad.any() for p in model.parameters())
        return found

    own = HeldOutMeasuring.measure
    monkeypatch.setattr(HeldOutMeasuring, "measure", watched)
    run = make_run(tmp_path, FULL, held_out=HELD_OUT | {"every": 3})
    run.train()
    assert seen == [(True, True, True)] * 2
    assert run.files() == often.files()


def test_margins_are_those_of_the_finished_model(once):
    (event,) = measured(once)
    (split,) = [e for _, e, _ in once.recorder.events if isinstance(e, HeldOutSplit)]
    numbers = json.loads((once.root / "artifacts" / split.artifact.sha256).read_bytes())["measured"]
    section, pairs, base = once.config.train, once.pairs, once.trained.base
    placed, folder = placement(section), once.trained.models["full"]
    policy, frozen = load_model(folder, placed), load_model(base, placed)
    chosen, rejected = pairs.chosen[numbers], pairs.rejected[numbers]
    texts = sorted(
        {
            (int(c), min(int(y), int(n)), max(int(y), int(n)))
            for c, y, n in zip(pairs.context[numbers], chosen, rejected, strict=True)
        }
    )
    tokens = tokenise(load_tokenizer(base), pairs.contexts, pairs.responses, texts, section.max_length)

    def gain(key):
        ids = tokens.ids(key)
        with torch.no_grad():
            return float(direct_log_prob(policy, *ids) - direct_log_prob(frozen, *ids))

    direct = []
    for context, y, n in zip(pairs.context[numbers], chosen, rejected, strict=True):
        keys = tokens.keys(int(context), int(y), int(n))
        direct.append(section.beta * (gain(keys[0]) - gain(keys[1])))
    assert np.abs(direct).max() > 1e-2
    assert margins(once, event) == pytest.approx(direct, abs=2e-4)
    accuracy = next(row for row in event.rows if (row.scope, row.metric) == ("micro", "accuracy"))
    assert accuracy.value == pytest.approx(np.mean(np.array(direct) > 0))


def test_intervals_are_those_of_the_last_measurement_alone(often):
    *earlier, last = measured(often)
    assert all(row.low is None and row.high is None for event in earlier for row in [*event.rows, *event.categories])
    assert all(row.low <= row.value <= row.high for row in [*last.rows, *last.categories])


@pytest.mark.parametrize("fatal", [("full", 4), pytest.param(("unit", "condition:full"), marks=pytest.mark.long)])
def test_a_killed_run_measures_the_same_once_it_is_resumed(fatal, often, tmp_path):
    run = make_run(tmp_path, FULL, held_out=HELD_OUT | {"every": 2})
    run.recorder.fatal = fatal
    with pytest.raises(Killed):
        run.train()
    run.recorder.fatal = None
    run.train()
    assert run.recorder.attempts("train")["condition:full"] == 2
    assert measured(run) == measured(often)
    assert run.files() == often.files()
    events = [
        e for e in run.recorder.completed("train")["condition:full"] if isinstance(e, HeldOutMeasured | TrainStep)
    ]
    assert sorted((e.step, isinstance(e, HeldOutMeasured)) for e in events) == [
        (1, False), (2, False), (2, True), (3, False), (4, False), (4, True), (5, False), (6, False), (6, True),
    ]  # fmt: skip


@pytest.mark.long
def test_no_number_depends_on_micro_batches(once, tmp_path):
    run = make_run(tmp_path, FULL, held_out=HELD_OUT, micro_batch=4)
    run.train()
    assert margins(run, measured(run)[0]) == pytest.approx(margins(once, measured(once)[0]), abs=1e-3)
