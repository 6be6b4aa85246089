"""Before its first update a policy is its own reference: dropout, other tokens or another cache would show at once."""

import pytest
from test_training_stage import make_run
from training_world import make_pairs, make_tiny

from core.errors import DempoError
from core.events import TrainStart, TrainStep
from core.facts.training.rules import LAYOUTS_ALLOWED, START_MARGIN, start_tolerance
from core.training.models.dropout import switch_off_dropout

FULL = '[[conditions]]\nname = "full"\nsource = "all"'


def base_with_dropout(folder, rate=0.5):
    """A base model whose configuration asks for dropout in the attention, as public Llama checkpoints do."""
    from core.training.models.model import save_model

    tokenizer, model = make_tiny(make_pairs())
    model.config.attention_dropout = rate
    save_model(model, tokenizer, folder)
    return folder


def first_margins(run):
    (start,) = run.recorder.of_kind(TrainStart)
    return start, run.recorder.of_kind(TrainStep)[0]


def test_dropout_that_a_configuration_asks_for_is_off_in_the_policy(tmp_path):
    run = make_run(tmp_path / "run", FULL, model=base_with_dropout(tmp_path / "base"), steps=2)
    run.train()
    start, step = first_margins(run)
    assert start.largest_margin < 1e-4
    assert (start.tolerance, start.layouts) == (START_MARGIN, None)
    assert abs(step.margin) <= start.largest_margin


def test_dropout_that_stays_on_stops_the_condition_before_it_is_trained(tmp_path, monkeypatch):
    monkeypatch.setattr("core.training.dpo.switch_off_dropout", lambda model: None)
    run = make_run(tmp_path / "run", FULL, model=base_with_dropout(tmp_path / "base"))
    with pytest.raises(
        DempoError, match=r"'full' does not start at its reference: .*dropout, or other noise that Llama"
    ):
        run.train()
    (start,) = run.recorder.of_kind(TrainStart)
    assert start.largest_margin > start.tolerance
    assert run.recorder.of_kind(TrainStep) == []
    assert run.files() == {}


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_reference_of_something_else_stops_the_condition(tmp_path, monkeypatch, precision):
    from core.training import reference

    scored = reference.log_probs
    monkeypatch.setattr(
        reference, "log_probs", lambda *given: {key: (1.2 + key[1] % 2) * v for key, v in scored(*given).items()}
    )
    run = make_run(tmp_path, FULL, precision=precision)
    with pytest.raises(DempoError, match="reference's cache are not those of this model and these tokens: the chat"):
        run.train()
    assert run.recorder.of_kind(TrainStep) == []


@pytest.mark.parametrize("precision", ["bf16_mixed", "bf16"])
@pytest.mark.parametrize("micro_batch", [1, 4])
def test_rounding_in_lower_precision_is_measured_and_allowed(tmp_path, precision, micro_batch):
    base = base_with_dropout(tmp_path / "base", rate=0.0)
    run = make_run(tmp_path / "run", FULL, model=base, precision=precision, micro_batch=micro_batch, steps=1)
    run.train()
    start, _ = first_margins(run)
    assert start.layouts > 0
    assert start.tolerance == max(START_MARGIN, LAYOUTS_ALLOWED * start.layouts)
    assert start.largest_margin <= start.tolerance


def test_what_is_allowed():
    assert [start_tolerance(layouts) for layouts in (None, 0.0, 0.01)] == [1e-3, 1e-3, 0.06]


# ---------------------------------------------------------------- every dropout


def test_every_number_that_drops_something_is_0_in_modules_and_configurations():
    import torch
    from transformers import LlamaConfig, PreTrainedConfig

    class Inner(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.config = LlamaConfig(attention_dropout=0.4, num_hidden_layers=1)
            self.config.vision = PreTrainedConfig(attn_pdrop=0.3, embd_pdrop=1, dropout_rule="keep")
            self.config.parts = {"ffn": {"hidden_dropout_prob": 0.2, "size": 3}}
            self.hidden_dropout = 0.1
            self.layerdrop = 0.1
            self.use_dropout = True
            self.scale = 0.5
            self.first = torch.nn.Dropout(0.1)
            self.second = torch.nn.AlphaDropout(0.1)
            self.attention = torch.nn.MultiheadAttention(4, 2, dropout=0.1)

    inner = Inner()
    switch_off_dropout(torch.nn.Sequential(inner))
    config = inner.config
    assert [config.attention_dropout, config.vision.attn_pdrop, config.vision.embd_pdrop] == [0, 0, 0]
    assert config.parts == {"ffn": {"hidden_dropout_prob": 0, "size": 3}}
    assert [inner.hidden_dropout, inner.layerdrop, inner.first.p, inner.second.p, inner.attention.dropout] == [0] * 5
    assert (inner.use_dropout, inner.scale, config.vision.dropout_rule) == (True, 0.5, "keep")


SMALL = {"vocab_size": 50, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
MODELS = {
    "gpt2": {"attn_pdrop": 0.5, "resid_pdrop": 0.5, "embd_pdrop": 0.5},
    "opt": {"word_embed_proj_dim": 32, "ffn_dim": 32, "layerdrop": 0.5, "dropout": 0.5},
    "bloom": {"hidden_dropout": 0.5, "attention_dropout": 0.5},
    "llama": {"intermediate_size": 32, "num_key_value_heads": 2, "attention_dropout": 0.5},
    "granite": {"intermediate_size": 32, "num_key_value_heads": 2, "attention_dropout": 0.5},
}


@pytest.mark.parametrize("kind", MODELS)
def test_a_model_in_training_computes_what_it_computes_at_rest(kind):
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **SMALL, **MODELS[kind]))
    ids = torch.arange(2, 22)[None]
    noisy, rest = model.train()(ids).logits, model.eval()(ids).logits
    assert not torch.allclose(noisy, rest)
    switch_off_dropout(model)
    assert torch.allclose(model.train()(ids).logits, rest, atol=1e-6)
