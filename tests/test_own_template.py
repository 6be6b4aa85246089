"""A model with a chat template of its own, trained, asked and taken as a judge: everywhere the one that it has."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from chat_tokenizers import CHATML, LLAMA3, save_chat_model
from memory_recorder import MemoryRecorder, make_context
from random_llama import TRAIN
from test_local_judge import answers, config
from test_training_stage import make_run

from core.chat import load_tokenizer, template_digest
from core.errors import InputError
from core.evaluation import answers as answers_module
from core.evaluation.answers import greedy, stop_strings
from core.evaluation.local_model import LocalModel, opened
from core.evaluation.sources.linked import linked_model
from core.evaluation.stage import judge
from core.events import JudgeCalled, ModelLinked, ModelReady
from core.facts.training.chat_templates import PLAIN_TEMPLATE, without_clock
from core.sections.what_trains import ConditionSection
from core.sections.who_judges import PLAIN_STOPS

FULL = '[[conditions]]\nname = "base"\nsource = "none"\n[[conditions]]\nname = "full"\nsource = "all"\n'


@pytest.fixture(scope="module")
def llama3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_chat_model(tmp_path_factory.mktemp("llama3") / "model", LLAMA3)


@pytest.fixture(scope="module")
def trained(llama3: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    run = make_run(tmp_path_factory.mktemp("run"), FULL, model=llama3, template="model", steps=2, max_length=256)
    run.trained = run.train()
    return run


def test_base_and_trained_models_carry_the_template_that_was_used(trained: Any) -> None:
    text = without_clock(LLAMA3)
    (ready,) = trained.recorder.of_kind(ModelReady)
    assert (ready.template, ready.template_kind) == (template_digest(text), "model")
    assert trained.recorder.text(ready.template_text.sha256) == text
    for folder in trained.trained.models.values():
        assert load_tokenizer(folder).chat_template == text
        assert template_digest((folder / "chat_template.jinja").read_text()) == ready.template


def test_under_the_plain_template_the_same_model_trains_as_a_base_model(llama3: Path, tmp_path: Path) -> None:
    run = make_run(tmp_path, FULL, model=llama3, template="plain", steps=1)
    run.train()
    (ready,) = run.recorder.of_kind(ModelReady)
    assert (ready.template, ready.template_kind) == (template_digest(), "plain")
    assert load_tokenizer(run.root / "checkpoints" / "full").chat_template == PLAIN_TEMPLATE


def test_without_a_choice_the_stage_refuses_as_preflight_does(llama3: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"train\.template is not set"):
        make_run(tmp_path, FULL, model=llama3).model()


def test_an_answer_ends_where_the_trained_text_did(trained: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its tokenizer's EOS is another token, and the checkpoint names no further one."""
    with opened(trained.trained.models["full"], TRAIN) as local:
        end = local.tokenizer.convert_tokens_to_ids("<|eot_id|>")
        assert local.tokenizer.eos_token_id != end
        assert answers_module._end_tokens(local) == sorted({end, local.tokenizer.eos_token_id})
        (free,) = greedy(local, ["how are you?"], 6, ())
        assert free.finish == "length"
        _writes(local, end, after=3)
        (ended,) = greedy(local, ["how are you?"], 6, ())
    assert (ended.finish, ended.tokens) == ("stop", 3)


def _writes(local: LocalModel, token: int, after: int) -> None:
    """Makes the model write a token once it has written so many."""
    seen = [0]

    def chosen(module: Any, given: Any, output: Any) -> Any:
        seen[0] += 1
        if seen[0] == after + 1:
            output[..., token] = 1e9
        return output

    local.model.get_output_embeddings().register_forward_hook(chosen)


def test_the_default_stop_strings_end_answers_of_the_plain_template_alone() -> None:
    assert stop_strings(PLAIN_TEMPLATE, PLAIN_STOPS) == PLAIN_STOPS
    assert stop_strings(CHATML, PLAIN_STOPS) == stop_strings(CHATML, list(PLAIN_STOPS)) == ()
    assert stop_strings(CHATML, ("###",)) == ("###",)
    assert stop_strings(CHATML, (*PLAIN_STOPS, "###")) == (*PLAIN_STOPS, "###")


@pytest.mark.parametrize("template", [LLAMA3, None])
def test_a_model_that_answers_as_it_is_is_asked_in_its_own_turns(
    template: str | None, llama3: Path, tmp_path: Path
) -> None:
    model = llama3 if template else save_chat_model(tmp_path / "bare", None)
    recorder = MemoryRecorder()
    condition = ConditionSection(name="other", source=f"model:{model}")
    found = linked_model(make_context("answer", config(), tmp_path / "r", recorder), condition, "other/model")
    text = without_clock(template) if template else PLAIN_TEMPLATE
    (linked,) = recorder.of_kind(ModelLinked)
    assert (linked.template, linked.template_kind) == (template_digest(text), "model" if template else "plain")
    assert recorder.text(linked.template_text.sha256) == text
    assert linked.files["chat_template.jinja"] == linked.template
    assert load_tokenizer(found.verified()).chat_template == text


def test_a_judge_is_asked_under_its_own_and_its_template_is_recorded(llama3: Path, tmp_path: Path) -> None:
    recorder = MemoryRecorder()
    judge(
        make_context("judge", config(str(llama3), rankings=1), tmp_path / "r", recorder), answers(llama3, questions=1)
    )
    (event,) = recorder.of_kind(JudgeCalled)
    prompt = recorder.text(event.prompt.sha256)
    assert recorder.text(event.chat_template.sha256) == without_clock(LLAMA3)
    assert prompt.startswith("<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nToday Date: 26 Jul 2024")
    assert prompt.endswith("<|start_header_id|>assistant<|end_header_id|>\n\nBest to worst:")
    assert prompt.count("<|begin_of_text|>") == 1


def test_a_run_that_goes_on_with_another_template_is_refused(trained: Any, tmp_path: Path) -> None:
    from core.training.checkpoints import verify

    base = trained.model()
    folder = shutil.copytree(base.path, tmp_path / "base")
    (folder / "chat_template.jinja").write_text(CHATML)
    with pytest.raises(InputError, match=r"chat_template\.jinja"):
        verify(folder, base.files)
