"""The learning rate of every step: a first step at rate 0 is a step that was paid for and learnt nothing."""

import pytest

from core.facts.training.learning_rate import rate_share
from core.sections.what_trains import TrainSection

SCHEDULES = ("linear", "cosine", "constant")


def test_there_is_no_warm_up_unless_one_is_asked_for():
    assert TrainSection(model="tiny").warmup == 0


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("warmup", [0.0, 0.1, 0.5, 1.0])
def test_every_step_learns_and_none_above_the_given_rate(schedule, warmup):
    shares = [rate_share(done, 20, warmup, schedule) for done in range(20)]
    assert all(0 < share <= 1 for share in shares)
    assert max(shares) == 1


def test_a_warm_up_counts_from_its_own_step():
    assert [rate_share(done, 8, 0.5, "linear") for done in range(8)] == [0.25, 0.5, 0.75, 1, 1, 0.75, 0.5, 0.25]


@pytest.mark.parametrize(
    ("schedule", "name"), [("linear", "linear"), ("cosine", "cosine"), ("constant", "constant_with_warmup")]
)
@pytest.mark.parametrize("warmup", [0.0, 0.3])
def test_after_the_warm_up_the_schedules_are_those_of_transformers(schedule, name, warmup):
    import torch
    from transformers import get_scheduler

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = get_scheduler(name, optimizer, num_warmup_steps=round(warmup * 10), num_training_steps=10)
    for done in range(10):
        expected = theirs.get_last_lr()[0]
        optimizer.step()
        theirs.step()
        if done >= warmup * 10:
            assert rate_share(done, 10, warmup, schedule) == pytest.approx(expected, abs=1e-12)
