"""A local judge: always a ranking, the same one each time, and the one that its logits give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from memory_recorder import MemoryRecorder, make_context
from random_llama import TRAIN, save_random_llama

from core.config import RunConfig
from core.errors import InputError, JudgeError, Stopped
from core.evaluation.answers import Answers
from core.evaluation.judges import local_judge
from core.evaluation.judges.local_judge import label_tokens, rank_by_logits
from core.evaluation.local_model import LocalModel, opened
from core.evaluation.stage import judge
from core.events import JudgeCalled
from core.types import Question

LABELS = ("A", "B", "C", "D")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_random_llama(tmp_path_factory.mktemp("judge") / "llama", positions=4096)


def config(model: str = "base", rankings: int = 3, batch: int = 4, **more: Any) -> RunConfig:
    return RunConfig.model_validate(
        {
            "run": {"name": "r"},
            "data": {},
            "train": {"model": "tiny", "device": "cpu", "threads": 1},
            "answer": {"constitution": "c.txt", "questions": "q", "batch": batch},
            "judge": {"judges": [{"kind": "local", "model": model, "rankings": rankings, **more}]},
        }
    )


def answers(base: Path, questions: int = 3) -> Answers:
    asked = tuple(Question(f"1:{i}", 1, "Be kind.", f"Question {i}?") for i in range(questions))
    texts = {(c, q.question_id): f"{c} " * (n + 3 * i) for n, c in enumerate("abcd") for i, q in enumerate(asked)}
    return Answers(asked, ("a", "b", "c", "d"), texts, base)


def by_hand(local: LocalModel, prompt: list[int]) -> list[int]:
    """The same ranking without cache, batch or mask: one forward pass over the whole text per place."""
    import torch

    tokens, separator = label_tokens(local.tokenizer, LABELS)
    order: list[int] = []
    with torch.inference_mode():
        while len(order) < len(LABELS):
            logits = local.model(input_ids=torch.tensor([prompt])).logits[0, -1]
            best = max((i for i in range(len(LABELS)) if i not in order), key=lambda i: float(logits[tokens[i]]))
            order.append(best)
            prompt = [*prompt, tokens[best], *separator]
    return order


def test_each_place_goes_to_the_open_label_with_the_highest_logit(folder: Path) -> None:
    with opened(folder, TRAIN) as local:
        prompts = [local.tokenizer.encode(text * 3) for text in ("rank", "the bread is nice", "a", "who? me?", "7 x 9")]
        found = rank_by_logits(local, prompts, LABELS)
        assert all(sorted(order) == [0, 1, 2, 3] for order in found)
        assert found == [by_hand(local, prompt) for prompt in prompts]
        assert len({tuple(order) for order in found}) > 1, "the prompt must matter"


def test_padding_does_not_move_learned_positions(folder: Path, tmp_path: Path) -> None:
    import torch
    from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

    from core.training.models.model import save_model

    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    torch.manual_seed(3)
    settings = GPT2Config(
        vocab_size=len(tokenizer), n_positions=64, n_embd=16, n_layer=2, n_head=2, initializer_range=1.0
    )
    save_model(GPT2LMHeadModel(settings), tokenizer, tmp_path / "gpt2")
    with opened(tmp_path / "gpt2", TRAIN) as local:
        prompts = [tokenizer.encode(text) for text in ("a", "the bread is nice today", "who? me?", "7 x 9", "rank")]
        assert rank_by_logits(local, prompts, LABELS) == [by_hand(local, prompt) for prompt in prompts]


def test_labels_have_one_token_each_even_where_few_have_one_with_a_space(folder: Path) -> None:
    with opened(folder, TRAIN) as local:
        letters = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        tokens, separator = label_tokens(local.tokenizer, letters)
        assert [local.tokenizer.decode([token]) for token in tokens] == list(letters)
        assert local.tokenizer.decode(separator) == " >"
        assert local_judge.label_tokens(local.tokenizer, ("A",))[0] == local.tokenizer.encode("A")


def test_a_tokenizer_without_the_labels_is_refused() -> None:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel({"A": 0, "?": 1}, unk_token="?")), unk_token="?"
    )
    with pytest.raises(JudgeError, match="no single token for each of the labels A to D"):
        label_tokens(tokenizer, LABELS)


def test_a_broken_model_ranks_nothing(folder: Path) -> None:
    import torch

    with opened(folder, TRAIN) as local:
        with torch.no_grad():
            local.model.get_output_embeddings().weight.fill_(float("nan"))
        with pytest.raises(JudgeError, match="not numbers"):
            rank_by_logits(local, [[5, 6]], LABELS)


def test_rankings_are_recorded_with_prompt_and_reply_and_resumed_exactly(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = answers(folder)
    whole = MemoryRecorder()
    fresh = judge(make_context("judge", config(), tmp_path / "a", whole), given)
    assert len(fresh.rankings) == 9
    for event in whole.of_kind(JudgeCalled):
        prompt, reply = whole.text(event.prompt.sha256), whole.text(event.reply.sha256)
        assert [event.shown_order["ABCD".index(label)] for label in reply.split(" > ")] == event.ranking
        assert prompt.startswith("<|bos|>User: ")
        assert prompt.endswith("\nAssistant: Best to worst:")
        assert f'"{event.shown_order[0]} ' in prompt or '"A": ""' in prompt
        assert (event.outcome, event.attempts, event.detail) == ("ranked", 1, "")

    sizes: list[int] = []
    compute = rank_by_logits

    def interrupted(local: LocalModel, prompts: Any, labels: Any, rotations: int) -> Any:
        sizes.append(len(prompts))
        if len(sizes) == 2:
            ctx.folder.stop_request.touch()
        return compute(local, prompts, labels, rotations)

    monkeypatch.setattr(local_judge, "rank_by_logits", interrupted)
    recorder = MemoryRecorder()
    ctx = make_context("judge", config(), tmp_path / "b", recorder)
    with pytest.raises(Stopped):
        judge(ctx, given)
    assert len(recorder.of_kind(JudgeCalled)) == 8
    ctx.folder.stop_request.unlink()
    assert judge(make_context("judge", config(), tmp_path / "b", recorder), given) == fresh
    assert sizes == [4, 4, 1], "batches are those of the plan"
    assert {e.request_key for e in recorder.of_kind(JudgeCalled)} == {e.request_key for e in whole.of_kind(JudgeCalled)}


def test_a_batch_that_was_recorded_in_part_is_computed_as_it_was(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = answers(folder)
    whole = MemoryRecorder()
    fresh = judge(make_context("judge", config(), tmp_path / "a", whole), given)
    keep = {("base#0/1:0", 1), ("base#0/1:2", 1)}
    part = MemoryRecorder(events=[item for item in whole.events if item[2] in keep], blobs=dict(whole.blobs))
    sizes: list[int] = []
    monkeypatch.setattr(
        local_judge,
        "rank_by_logits",
        lambda local, prompts, labels, r: sizes.append(len(prompts)) or rank_by_logits(local, prompts, labels, r),
    )
    assert judge(make_context("judge", config(), tmp_path / "b", part), given) == fresh
    assert sizes == [4, 4, 1], "other neighbours in a batch would change the last bits of the logits"
    assert len(part.of_kind(JudgeCalled)) == 9


def test_a_prompt_beyond_the_context_is_noted(tmp_path: Path) -> None:
    short = save_random_llama(tmp_path / "short", positions=64)
    recorder = MemoryRecorder()
    judge(make_context("judge", config(rankings=1), tmp_path / "r", recorder), answers(short, questions=1))
    (event,) = recorder.of_kind(JudgeCalled)
    assert event.detail.endswith("beyond the model's context of 64")


def test_a_judge_of_its_own_keeps_its_own_template(folder: Path, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    own = save_random_llama(tmp_path / "own")
    tokenizer = AutoTokenizer.from_pretrained(str(own))
    tokenizer.chat_template = "{% for m in messages %}[{{ m['content'] }}]{% endfor %}"
    tokenizer.save_pretrained(own)
    recorder = MemoryRecorder()
    judge(make_context("judge", config(str(own), rankings=1), tmp_path / "r", recorder), answers(folder, questions=1))
    (event,) = recorder.of_kind(JudgeCalled)
    prompt = recorder.text(event.prompt.sha256)
    assert prompt.startswith("[You are a judge.")
    assert prompt.endswith("] Best to worst:")


def test_a_judge_that_is_no_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"judge '.*none': .*none is no folder of a model"):
        judge(make_context("judge", config(str(tmp_path / "none")), tmp_path / "r"), answers(folder))
