"""The estimator, against independent arithmetic: a wrong normalisation would undo every weight unseen."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from dpo_worker import BATCH, make_step
from training_world import direct_log_prob, make_pairs, make_tiny

from core.errors import InputError
from core.facts.training.shares import weights_in_loss

TESTS = Path(__file__).parent


def relative_error(found, expected):
    return np.linalg.norm(found - expected) / np.linalg.norm(expected)


def one_step(tmp_path, micro_batch, weight=None, **train):
    trainer, collator, found = make_step(micro_batch, weight, tmp_path, **train)
    trainer.train()
    return collator, found


def plain_big_batch(collator, beta=0.5):
    """(gradient, loss, margin) of Σω(−log σ(βΔ))/Σω, from full logits of one unpadded sequence at a time."""
    import torch

    _, policy = make_tiny(make_pairs(pairs=BATCH), seed=4)
    weight = torch.tensor(collator.rows.weight)
    margins = []
    for c, y, n in zip(collator.rows.context, collator.rows.chosen, collator.rows.rejected, strict=True):
        sides = []
        for key in collator.tokens.keys(int(c), int(y), int(n)):
            sides.append(direct_log_prob(policy, *collator.tokens.ids(key)) - collator.reference[key])
        margins.append(beta * (sides[0] - sides[1]))
    margin = torch.stack(margins).double()
    loss = (weight * torch.log1p(torch.exp(-margin))).sum() / weight.sum()
    loss.backward()
    gradient = torch.cat([p.grad.reshape(-1) for p in policy.parameters()]).double().numpy()
    return gradient, loss.item(), ((weight * margin).sum() / weight.sum()).item()


@pytest.mark.parametrize(("micro_batch", "multiple"), [(1, 1), (4, 1), (16, 1), (4, 64)])
def test_the_gradient_equals_a_plain_big_batch(tmp_path, micro_batch, multiple):
    collator, found = one_step(tmp_path, micro_batch, multiple=multiple)
    gradient, loss, margin = plain_big_batch(collator)
    assert relative_error(found["gradient"], gradient) < 1e-5
    assert found["metrics"].loss == pytest.approx(loss, rel=1e-5)
    assert found["metrics"].margin == pytest.approx(margin, rel=1e-4)
    assert found["metrics"].gradient_norm == pytest.approx(np.linalg.norm(gradient), rel=1e-5)


def published_batch(collator, weight, micro_batch, beta=0.5):
    """(gradient, loss) of the published loss: Σωℓ/Σω of each micro-batch backward by itself, then the mean."""
    import torch

    _, policy = make_tiny(make_pairs(pairs=BATCH), seed=4)
    rows, losses = collator.rows, []
    for start in range(0, BATCH, micro_batch):
        total, weights = 0.0, 0.0
        for i in range(start, start + micro_batch):
            sides = [
                direct_log_prob(policy, *collator.tokens.ids(key)) - collator.reference[key]
                for key in collator.tokens.keys(int(rows.context[i]), int(rows.chosen[i]), int(rows.rejected[i]))
            ]
            total = total + weight[i] * torch.log1p(torch.exp(-beta * (sides[0] - sides[1]).double()))
            weights += weight[i]
        loss = total / weights / (BATCH // micro_batch)
        loss.backward()
        losses.append(loss.item())
    return torch.cat([p.grad.reshape(-1) for p in policy.parameters()]).double().numpy(), sum(losses)


@pytest.mark.parametrize(("inside", "layout"), [(1, 4), (4, 4), (4, 1), (4, 16), (8, 2)])
def test_the_published_gradient_is_that_of_its_micro_batches_in_any_layout(tmp_path, inside, layout):
    omega = np.random.default_rng(0).lognormal(sigma=1.5, size=BATCH)
    collator, found = one_step(tmp_path, layout, weights_in_loss(omega.tolist(), "published", inside))
    gradient, loss = published_batch(collator, omega, inside)
    assert relative_error(found["gradient"], gradient) < 1e-5
    assert found["metrics"].loss == pytest.approx(loss, rel=1e-5)
    whole = one_step(tmp_path, 4, omega)[1]["gradient"]
    assert relative_error(found["gradient"], whole) > 0.05, "normalising inside micro-batches is another loss"


def test_a_gradient_norm_of_zero_clips_nothing_and_is_measured(tmp_path):
    whole, clipped = one_step(tmp_path, 4)[1], one_step(tmp_path, 4, max_gradient_norm=0.5)[1]
    assert whole["metrics"].gradient_norm == pytest.approx(np.linalg.norm(whole["gradient"]), rel=1e-6)
    assert whole["metrics"].gradient_norm > 0.5
    assert clipped["metrics"].gradient_norm == whole["metrics"].gradient_norm
    assert np.linalg.norm(clipped["gradient"]) == pytest.approx(0.5, rel=1e-4)


def test_soft_differs_from_full_with_one_pair_per_micro_batch(tmp_path):
    soft = one_step(tmp_path, 1)[1]["gradient"]
    full = one_step(tmp_path, 1, np.ones(BATCH))[1]["gradient"]
    assert relative_error(soft, full) > 0.1


def test_scaling_all_weights_changes_nothing(tmp_path):
    weight = np.random.default_rng(1).lognormal(size=BATCH)
    once = one_step(tmp_path, 4, weight)[1]["gradient"]
    scaled = one_step(tmp_path, 4, weight * 1e-9)[1]["gradient"]
    assert relative_error(scaled, once) < 1e-5


def test_pairs_of_weight_zero_do_not_count_even_alone_in_a_micro_batch(tmp_path):
    weight = np.zeros(BATCH)
    weight[3] = 2.0
    collator, found = one_step(tmp_path, 1, weight)
    assert relative_error(found["gradient"], plain_big_batch(collator)[0]) < 1e-5


def test_gradient_checkpointing_gives_the_same_gradient(tmp_path):
    plain = one_step(tmp_path, 4)[1]["gradient"]
    checkpointed = one_step(tmp_path, 4, gradient_checkpointing=True)[1]["gradient"]
    assert relative_error(checkpointed, plain) < 1e-6


def test_a_step_without_any_weight_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"optimizer step 1: the weights of its pairs sum to 0\.0"):
        one_step(tmp_path, 4, np.zeros(BATCH))


def test_a_batch_that_the_processes_cannot_share_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(InputError, match=r"train.batch \(16\) must be a multiple .* number of processes \(3\)"):
        make_step(4, folder=tmp_path)


@pytest.mark.parametrize("precision", ["bf16_mixed", "bf16"])
def test_lower_precision_points_the_same_way(tmp_path, precision):
    full = one_step(tmp_path, 4)[1]["gradient"]
    lower = one_step(tmp_path, 4, precision=precision)[1]["gradient"]
    assert 1e-5 < relative_error(lower, full) < 0.2


@pytest.mark.long
def test_two_processes_equal_one(tmp_path):
    environment = {
        **os.environ,
        "ACCELERATE_USE_CPU": "true",
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS), *sys.path]),
    }
    worker = str(TESTS / "dpo_worker.py")
    one, two = tmp_path / "one.npz", tmp_path / "two.npz"
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_addr", "127.0.0.1"]
    subprocess.run([sys.executable, worker, str(one), "4"], env=environment, check=True, timeout=200)
    subprocess.run(
        [*torchrun, "--master_port", "29611", worker, str(two), "2"], env=environment, check=True, timeout=200
    )
    with np.load(one) as single, np.load(two) as double:
        assert relative_error(double["gradient"], single["gradient"]) < 1e-5
        assert double["metrics"] == pytest.approx(single["metrics"], rel=1e-5)
