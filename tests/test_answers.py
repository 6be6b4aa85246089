"""Greedy answers: the same batched as alone, the same resumed as fresh, and ended where they should end."""

from __future__ import annotations

import gc
import json
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from memory_recorder import MemoryRecorder, make_context
from random_llama import TRAIN, save_random_llama

import core.training.models.model
from core.config import RunConfig
from core.errors import InputError, Stopped
from core.evaluation import answers as answers_module
from core.evaluation.answering import answer
from core.evaluation.answers import Generated, greedy
from core.evaluation.local_model import LocalModel, opened
from core.events import AnswerGiven, QuestionsPlanned, StagePlanned
from core.training.checkpoints import hash_files
from core.training.stage import Trained

QUESTIONS = [
    "how are you?",
    "a",
    "tell me about the bread and the weather, please, and then about everything else that is nice today",
    "Ünïcode ☃ and <|eos|> inside",
    "is it good?",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_random_llama(tmp_path_factory.mktemp("llama") / "one")


@pytest.fixture(scope="module")
def local(folder: Path) -> Iterator[LocalModel]:
    with opened(folder, TRAIN) as found:
        yield found


def by_hand(local: LocalModel, text: str, max_tokens: int) -> list[int]:
    """Greedy decoding without cache, padding or `generate`: the whole sequence through the model for each token."""
    import torch

    from core.chat import prompt_ids
    from core.types import Message

    (ids,) = prompt_ids(local.tokenizer, [(Message("user", text),)])
    written: list[int] = []
    with torch.inference_mode():
        while len(written) < max_tokens:
            token = int(local.model(input_ids=torch.tensor([ids + written])).logits[0, -1].argmax())
            if token == local.tokenizer.eos_token_id:
                break
            written.append(token)
    return written


def test_a_batch_gives_what_each_question_gives_alone_and_by_hand(local: LocalModel) -> None:
    together = greedy(local, QUESTIONS, 24, ())
    assert len({generated.text for generated in together}) == len(QUESTIONS), "the model must tell prompts apart"
    for question, generated in zip(QUESTIONS, together, strict=True):
        assert greedy(local, [question], 24, ()) == [generated]
        written = by_hand(local, question, 24)
        assert generated.text == local.tokenizer.decode(written, skip_special_tokens=True).strip()
        assert generated.tokens == len(written)
        assert generated.finish == ("length" if len(written) == 24 else "stop")


def test_an_answer_ends_before_the_first_stop_string(local: LocalModel) -> None:
    free = greedy(local, QUESTIONS, 24, ())
    # A piece from the middle of one answer, as a stop string that a token may end in the middle of.
    piece = next(g.text[i : i + 3] for g in free for i in [len(g.text) // 2] if "\ufffd" not in g.text[i : i + 3])
    stopped = greedy(local, QUESTIONS, 24, ("never there", piece))
    assert any(piece in generated.text for generated in free)
    for before, after in zip(free, stopped, strict=True):
        if piece in before.text:
            assert after.finish == "stop"
            assert after.text == before.text[: before.text.index(piece)].strip()
            assert after.tokens < before.tokens
        else:
            assert after == before


def test_generation_ends_as_soon_as_every_answer_has_its_stop_string(local: LocalModel) -> None:
    calls: list[int] = []
    hook = local.model.register_forward_hook(lambda *arguments: calls.append(1))
    try:
        (free,) = greedy(local, QUESTIONS[:1], 24, ())
        assert len(calls) == 24
        calls.clear()
        (stopped,) = greedy(local, QUESTIONS[:1], 24, (free.text[2:5],))
        assert stopped.finish == "stop"
        assert len(calls) <= 8
    finally:
        hook.remove()


def test_a_stop_string_at_the_start_leaves_an_empty_answer(local: LocalModel) -> None:
    (free,) = greedy(local, QUESTIONS[:1], 8, ())
    assert greedy(local, QUESTIONS[:1], 8, (free.text[0],)) == [Generated(text="", tokens=0, finish="stop")]


def test_every_end_token_that_the_checkpoint_names_ends_an_answer(local: LocalModel) -> None:
    written = by_hand(local, QUESTIONS[0], 12)
    end = written[5]
    local.model.generation_config.eos_token_id = [local.tokenizer.eos_token_id, end]
    try:
        (generated,) = greedy(local, QUESTIONS[:1], 12, ())
    finally:
        local.model.generation_config.eos_token_id = local.tokenizer.eos_token_id
    kept = written[: written.index(end)]
    assert generated.finish == "stop"
    assert generated.tokens == len(kept)
    assert generated.text == local.tokenizer.decode(kept, skip_special_tokens=True).strip()


def test_a_checkpoint_that_asks_for_sampling_and_penalties_is_still_greedy(local: LocalModel, folder: Path) -> None:
    from transformers import GenerationConfig

    plain = greedy(local, QUESTIONS, 16, ())
    with opened(folder, TRAIN) as other:
        other.model.generation_config = GenerationConfig(
            do_sample=True, temperature=2.0, repetition_penalty=5.0, no_repeat_ngram_size=1, max_length=3
        )
        assert greedy(other, QUESTIONS, 16, ()) == plain


def test_a_model_with_learned_positions_is_not_asked_for_more_than_it_has(tmp_path: Path, local: LocalModel) -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    from core.training.models.model import save_model

    settings = GPT2Config(vocab_size=len(local.tokenizer), n_positions=32, n_embd=16, n_layer=1, n_head=2)
    save_model(GPT2LMHeadModel(settings), local.tokenizer, tmp_path / "gpt2")
    with opened(tmp_path / "gpt2", TRAIN) as small:
        assert len(greedy(small, ["a"], 4, ())) == 1
        with pytest.raises(InputError, match=r"needs \d+ tokens, and the model's context holds 32"):
            greedy(small, ["a"], 32, ())


# ---------------------------------------------------------------- the stage


def write_questions(root: Path) -> dict[str, Any]:
    (root / "c.txt").write_text("1. Be kind.\n2. Be true.\n")
    (root / "q").mkdir()
    for number, clause in ((1, "Be kind."), (2, "Be true.")):
        content = {"clause_id": number, "clause": clause, "questions": [f"{text} {number}" for text in QUESTIONS]}
        (root / "q" / f"{number}.json").write_text(json.dumps(content))
    return {"constitution": str(root / "c.txt"), "questions": str(root / "q"), "max_tokens": 12, "batch": 4}


def config(root: Path, **section: Any) -> RunConfig:
    values = write_questions(root) if not (root / "c.txt").exists() else {}
    values = values or {
        "constitution": str(root / "c.txt"),
        "questions": str(root / "q"),
        "max_tokens": 12,
        "batch": 4,
    }
    train = {"model": "tiny", "device": "cpu", "threads": 1}
    conditions = [{"name": "base", "source": "none"}, {"name": "full", "source": "all"}]
    given = {"run": {"name": "r"}, "data": {}, "train": train, "conditions": conditions, "answer": values | section}
    return RunConfig.model_validate(given)


@pytest.fixture
def trained(folder: Path, tmp_path: Path) -> Trained:
    other = save_random_llama(tmp_path / "two", seed=2)
    models = {"base": folder, "full": other}
    files = {name: hash_files(path) for name, path in models.items()}
    return Trained(models=models, files=files, base=folder, base_files=files["base"])


def test_every_condition_answers_every_question_under_the_recorded_plan(tmp_path: Path, trained: Trained) -> None:
    recorder = MemoryRecorder()
    found = answer(make_context("answer", config(tmp_path, per_clause=3), tmp_path / "r", recorder), trained)
    assert found.conditions == ("base", "full")
    assert [q.question_id for q in found.questions] == ["1:0", "1:1", "1:2", "2:0", "2:1", "2:2"]
    assert (found.questions[3].clause, found.questions[3].text) == ("Be true.", "how are you? 2")
    assert found.base == trained.base
    assert recorder.of_kind(StagePlanned)[0].units == 1 + 2 * 2
    (plan,) = recorder.of_kind(QuestionsPlanned)
    assert plan.origin == "file"
    assert recorder.text(plan.constitution.sha256) == "1. Be kind.\n2. Be true.\n"
    given = recorder.of_kind(AnswerGiven)
    assert len(given) == 12
    assert {(e.condition, e.question_id): recorder.text(e.answer.sha256) for e in given} == found.answers
    assert found.answers["base", "1:0"] != found.answers["full", "1:0"]


def test_an_interrupted_stage_goes_on_and_ends_as_if_it_had_not_been(
    tmp_path: Path, trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = config(tmp_path)
    fresh = answer(make_context("answer", settings, tmp_path / "fresh"), trained)

    asked: list[Sequence[str]] = []

    def counted(local: LocalModel, texts: Sequence[str], max_tokens: int, stop: Sequence[str]) -> list[Generated]:
        asked.append(tuple(texts))
        if len(asked) == 2:
            ctx.folder.stop_request.touch()
        return greedy(local, texts, max_tokens, stop)

    monkeypatch.setattr(answers_module, "greedy", counted)
    recorder = MemoryRecorder()
    ctx = make_context("answer", settings, tmp_path / "r", recorder)
    with pytest.raises(Stopped):
        answer(ctx, trained)
    assert len(recorder.of_kind(AnswerGiven)) == 8
    ctx.folder.stop_request.unlink()
    (tmp_path / "c.txt").unlink()  # what was planned is in the record
    resumed = answer(make_context("answer", settings, tmp_path / "r", recorder), trained)
    assert resumed == fresh
    assert [len(texts) for texts in asked] == [4, 4, 2, 4, 4, 2], "no batch is answered twice"
    again = answer(make_context("answer", settings, tmp_path / "r", recorder), trained)
    assert again == fresh
    assert len(asked) == 6
    told = [detail for *_, detail in recorder.progresses if "tokens/s" in detail]
    assert len(told) == 6, "what was recorded before is not said to have been answered in no time"


def test_only_one_model_is_in_memory_at_a_time(
    tmp_path: Path, trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[weakref.ref[Any]] = []
    load = core.training.models.model.load_model

    def watched(folder: Path, placed: Any) -> Any:
        assert all(reference() is None for reference in loaded), "the model before must be gone"
        model = load(folder, placed)
        loaded.append(weakref.ref(model))
        return model

    monkeypatch.setattr(core.training.models.model, "load_model", watched)
    answer(make_context("answer", config(tmp_path, clauses=1, per_clause=1), tmp_path / "r"), trained)
    gc.collect()
    assert len(loaded) == 2
    assert all(reference() is None for reference in loaded)


def test_a_checkpoint_that_was_changed_does_not_answer(tmp_path: Path, trained: Trained) -> None:
    with (trained.models["full"] / "model.safetensors").open("ab") as stream:
        stream.write(b"x")
    recorder = MemoryRecorder()
    with pytest.raises(InputError, match=r"model\.safetensors does not hold what was recorded"):
        answer(make_context("answer", config(tmp_path, per_clause=1), tmp_path / "r", recorder), trained)
    assert {event.condition for event in recorder.of_kind(AnswerGiven)} == {"base"}
