"""A local judge whose logits prefer a label whatever stands there: alone it ranks by the shown place, and with its mean
over all rotations it ranks by what it reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from memory_recorder import MemoryRecorder, make_context
from random_llama import TRAIN, save_random_llama
from test_local_judge import LABELS, answers, config

from core.evaluation.judges import local_judge
from core.evaluation.judges.local_judge import label_tokens, rank_by_logits
from core.evaluation.local_model import LocalModel, opened
from core.evaluation.stage import judge
from core.events import JudgeCalled
from core.facts.ranking.shown_places import habits_of
from core.pipeline import stage_keys
from core.sections.who_judges import JudgeModel

TEXTS = ("the bread is good", "the weather is nice today", "I am fine, thank you", "who? me? no")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_random_llama(tmp_path_factory.mktemp("judge") / "llama", positions=8192)


@contextmanager
def preferring_early_labels(local: LocalModel, by: float = 1000.0) -> Iterator[None]:
    """The model with so much more logit for each label than for the next one."""
    import torch

    tokens, _ = label_tokens(local.tokenizer, LABELS)
    bias = torch.zeros(len(local.tokenizer))
    bias[tokens] = torch.tensor([-by * place for place in range(len(tokens))])
    hook = local.model.get_output_embeddings().register_forward_hook(lambda module, given, logits: logits + bias)
    try:
        yield
    finally:
        hook.remove()


def prompts(local: LocalModel, shown: tuple[str, ...]) -> list[list[int]]:
    """The answers in all rotations of an order, under the labels."""
    rotated = [(*shown[r:], *shown[:r]) for r in range(len(shown))]
    listed = ["; ".join(f"{label}: {text}" for label, text in zip(LABELS, texts, strict=True)) for texts in rotated]
    return [local.tokenizer.encode(text) for text in listed]


def by_hand(local: LocalModel, rotated: list[list[int]]) -> list[int]:
    """The mean over rotations, without cache, batch or mask."""
    import torch

    tokens, separator = label_tokens(local.tokenizer, LABELS)
    size, order = len(LABELS), list[int]()
    with torch.inference_mode():
        while len(order) < size:
            logits = [local.model(input_ids=torch.tensor([ids])).logits[0, -1] for ids in rotated]
            mean = [sum(float(logits[r][tokens[(a - r) % size]]) for r in range(size)) / size for a in range(size)]
            order.append(max((a for a in range(size) if a not in order), key=lambda a: mean[a]))
            rotated = [[*ids, tokens[(order[-1] - r) % size], *separator] for r, ids in enumerate(rotated)]
    return order


def test_the_mean_is_over_what_each_rotation_gives_an_answer(folder: Path) -> None:
    with opened(folder, TRAIN) as local:
        shown = [TEXTS, TEXTS[::-1], (TEXTS[2], TEXTS[0], TEXTS[3], TEXTS[1])]
        asked = [prompts(local, order) for order in shown]
        found = rank_by_logits(local, [ids for call in asked for ids in call], LABELS, rotations=4)
        assert found == [by_hand(local, call) for call in asked]
        assert found[0] != [0, 1, 2, 3], "it must be a ranking that the shown order does not give anyway"


def test_a_preferred_label_decides_alone_and_cancels_in_the_mean(folder: Path) -> None:
    shown = [(*TEXTS[r:], *TEXTS[:r]) for r in range(4)]
    with opened(folder, TRAIN) as local:
        asked = [prompts(local, order) for order in shown]
        every = [ids for call in asked for ids in call]
        unmoved = rank_by_logits(local, every, LABELS, rotations=4)
        with preferring_early_labels(local):
            alone = rank_by_logits(local, [call[0] for call in asked], LABELS)
            calibrated = rank_by_logits(local, every, LABELS, rotations=4)
    assert alone == [[0, 1, 2, 3]] * 4, "without calibration the shown order wins"
    assert calibrated == unmoved, "with it a preference of labels changes nothing"
    contents = {tuple(order[i] for i in ranked) for order, ranked in zip(shown, calibrated, strict=True)}
    assert len(contents) == 1, "and whichever rotation a call shows, the content wins"


def test_calls_record_how_many_rotations_their_mean_is_over(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[int] = []

    def biased(local: LocalModel, asked: list[list[int]], *more: int) -> list[list[int]]:
        rows.append(len(asked))
        with preferring_early_labels(local):
            return rank_by_logits(local, asked, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(local_judge, "rank_by_logits", biased)
    plain, mean = MemoryRecorder(), MemoryRecorder()
    judge(make_context("judge", config(batch=8), tmp_path / "a", plain), answers(folder, 6))
    judge(make_context("judge", config(batch=8, calibration="rotations"), tmp_path / "b", mean), answers(folder, 6))
    assert rows == [8, 8, 2, *[8] * 9], "no more rows at once than answer.batch"
    alone, calibrated = plain.of_kind(JudgeCalled), mean.of_kind(JudgeCalled)
    assert {event.rotations for event in alone} == {None}
    assert {event.rotations for event in calibrated} == {4}
    assert [event.shown_order for event in calibrated] == [event.shown_order for event in alone]
    assert [event.prompt for event in calibrated] == [event.prompt for event in alone]
    assert not {e.request_key for e in alone} & {e.request_key for e in calibrated}
    named = [[(e.judge, e.shown_order, e.ranking or []) for e in events] for events in (alone, calibrated)]
    assert "18 of 18 first places went to the answer shown first of 4" in habits_of(named[0])[0]
    assert habits_of(named[1]) == []


def test_it_is_part_of_the_key_of_the_stage_and_of_local_judges_alone() -> None:
    assert stage_keys(config())["judge"] != stage_keys(config(calibration="rotations"))["judge"]
    with pytest.raises(ValueError, match="a judge of kind 'openai' has none here"):
        JudgeModel(kind="openai", model="m", calibration="rotations")
