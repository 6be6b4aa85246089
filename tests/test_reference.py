"""The reference's log-probabilities: an error here shifts every margin of every condition."""

import numpy as np
import pytest
from training_world import direct_log_prob, make_config, make_pairs, make_tiny

from core.errors import InputError
from core.training.as_tokens.fitting import tokenise
from core.training.as_tokens.tokens import Tokens, every_pair
from core.training.models.precision import Placement, placement
from core.training.reference import decode_reference, encode_reference, log_probs, with_fused_head


@pytest.fixture(scope="module")
def scored():
    pairs = make_pairs()
    tokenizer, model = make_tiny(pairs)
    tokens = tokenise(tokenizer, pairs.contexts, pairs.responses, every_pair(pairs), 60)
    return with_fused_head(model), tokens, tokens.sequences(), tokenizer.pad_token_id


@pytest.mark.parametrize("budget", [1, 300, 100_000])
def test_log_probs_equal_a_direct_computation_whatever_the_batches(scored, budget):
    import torch

    model, tokens, sequences, pad = scored
    section = make_config().train
    seen = []
    found = log_probs(model, tokens, sequences, placement(section), pad, budget, lambda done, _: seen.append(done))
    with torch.no_grad():
        expected = [float(direct_log_prob(model, *tokens.ids(key))) for key in sequences]
    assert list(found) == sequences
    assert list(found.values()) == pytest.approx(expected, rel=2e-5)
    assert seen[-1] == len(sequences)
    assert (len(seen) == len(sequences)) == (budget == 1)


class Rounded(Placement):
    """A placement on the CPU whose widths are rounded as on a GPU."""

    multiple = 32


def test_rounded_widths_change_no_log_probability_and_stay_within_the_budget(scored, monkeypatch):
    model, tokens, sequences, pad = scored
    placed = placement(make_config().train)
    expected = log_probs(model, tokens, sequences, placed, pad, 300)
    shapes = []
    plain = Tokens.batch
    monkeypatch.setattr(Tokens, "batch", lambda *a: shapes.append((b := plain(*a))["input_ids"].shape) or b)
    found = log_probs(model, tokens, sequences, Rounded(placed.device, placed.numbers), pad, 300)
    assert list(found.values()) == pytest.approx(list(expected.values()), rel=2e-5)
    assert {width for _, width in shapes} <= {32, 60}, "multiples of 32 within a window of 60"
    assert max(rows * width for rows, width in shapes) <= 300


def test_generation_still_works_after_scoring(scored):
    model, tokens, sequences, _ = scored
    import torch

    log_probs(model, tokens, sequences[:2], placement(make_config().train), 2, 300)
    prompt = torch.tensor([tokens.prompts[sequences[0][0]].tolist()])
    assert model.generate(prompt, max_new_tokens=3, do_sample=False).shape[1] > prompt.shape[1]


def test_the_artifact_keeps_every_bit():
    values = {"ff" * 32: float(np.float32(-12.3456789)), "0a" * 32: -0.1}
    body = encode_reference(values)
    assert decode_reference(body) == values
    assert body.startswith(b'{"format":"dempo-reference-1","columns":["sequence","log_probability"],"rows":[["0a0a')


def test_an_artifact_of_another_format_is_refused():
    for name in ("other", "dempo-reference-0"):
        with pytest.raises(InputError, match=f"'{name}' cannot be read"):
            decode_reference(b'{"format":"%s"}' % name.encode())
