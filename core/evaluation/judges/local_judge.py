"""A local causal language model as a judge.

It is asked under its own chat template, the plain one where it carries none, to write the labels in one line, best
first, and writes them one by one: at each place the label with the highest logit among those still open. So every reply
is a ranking, from any model, and the same one each time. What the model prefers by habit (an early label, say) is part
of it: the shown order changes from call to call, and the rank stage measures the position bias.

With m answers, prompt tokens x and labels already chosen l_1 … l_{j−1}:

    l_j = argmax_{l open} logit(l | x, l_1, ">", …, l_{j−1}, ">"),   j = 1 … m,   ties to the earlier label.

With `calibration = "rotations"` answers are also shown in the other m − 1 rotations of the call's order, so that each
stands once under each label, and answers take the place of labels: with r rotations to the left, prompt x^r and the
label a^r of answer a,

    a_j = argmax_{a open} (1/m) Σ_r logit(a^r | x^r, a_1^r, ">", …, a_{j−1}^r, ">"),   ties to the answer shown earlier.

What the model gives a label whatever stands there adds the same to every answer (and so does the constant between logit
and log-probability in each rotation). Neighbours stay neighbours but for the two ends. It costs m prefills.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.errors import JudgeError
from core.evaluation.answers import Answers
from core.evaluation.judges.judge import Call, Calls, request_key, shown_answers
from core.evaluation.local_model import LocalModel, enough_memory, opened
from core.evaluation.prompts import judge_messages, labels_for, template_text
from core.events import JudgeCalled
from core.facts.judging.replies import READING_RULE
from core.facts.judging.requests import local_parameters
from core.sections.who_judges import JudgeModel

OPENING = "Best to worst:"
"""Written for the model before its first label, after a space unless its template leaves one."""


def judge_by_model(calls: Calls, folder: Path | None) -> str:
    """Makes the calls that are missing; none of them fails by itself, so there is nothing to say of those ("").

    The batches are fixed by the plan of all calls, so that a batch that was interrupted is computed again as it was,
    though only what is missing is recorded.

    Raises:
        JudgeError: the model's tokenizer has no token of its own for every label.
        InputError: the folder holds no model that can be used.
    """
    assert folder is not None, "the answers name the base model"
    ctx, done = calls.ctx, calls.done
    prompts = ctx.config.answer.batch if ctx.config.answer else 16
    batch = max(1, prompts // _rotations(calls.model, len(calls.answers.conditions)))
    with opened(folder, ctx.config.train) as local:
        for start in range(0, len(calls.own), batch):
            chunk = calls.own[start : start + batch]
            missing = {call.key for call in chunk if ctx.recorded(call.key) is None}
            if not missing:
                continue
            ctx.check_stop()
            units = {key: ctx.begin(key) for key in sorted(missing)}
            begun = time.monotonic()
            with enough_memory("judging", prompts):
                events = _judge_batch(local, chunk, calls.answers)
            seconds = round((time.monotonic() - begun) / len(chunk), 4)
            for call, (event, prompt, reply) in zip(chunk, events, strict=True):
                if call.key in units:
                    unit = units[call.key]
                    texts = {"prompt": prompt, "reply": reply, "template": template_text("local", calls.model.template)}
                    texts["chat_template"] = local.tokenizer.chat_template
                    named = {name: unit.text(text) for name, text in texts.items()}
                    unit.add(event.model_copy(update={"seconds": seconds, **named}))
                    unit.complete()
            done += len(missing)
            ctx.progress(done, calls.total, calls.model.label)
    return ""


def _rotations(model: JudgeModel, answers: int) -> int:
    """In how many rotations of its order a call shows the answers."""
    return answers if model.calibration else 1


def _judge_batch(local: LocalModel, calls: Sequence[Call], answers: Answers) -> list[tuple[JudgeCalled, str, str]]:
    """(event, prompt, reply) of every call of a batch."""
    from core.chat import prompt_ids, prompt_text

    labels = labels_for(len(answers.conditions))
    rotations = _rotations(calls[0].model, len(labels))
    rotated = [(call, shown_answers(call, answers), r) for call in calls for r in range(rotations)]
    asked = [
        judge_messages(call.question, [*texts[r:], *texts[:r]], "local", call.model.template)
        for call, texts, r in rotated
    ]
    shown = [prompt_text(local.tokenizer, messages) for messages in asked]
    begun = OPENING if shown[0][-1:].isspace() else f" {OPENING}"
    prompts = [text + begun for text in shown]
    tokens = prompt_ids(local.tokenizer, asked, begun)
    orders = rank_by_logits(local, tokens, labels, rotations)
    found = []
    own = zip(calls, prompts[::rotations], tokens[::rotations], orders, strict=True)
    for number, (call, prompt, ids, order) in enumerate(own):
        longest = max(map(len, tokens[number * rotations : (number + 1) * rotations]))
        event = JudgeCalled(
            question_id=call.question.question_id,
            clause_id=call.question.clause_id,
            judge=call.judge,
            judge_kind="local",
            outcome="ranked",
            shown_order=list(call.order),
            ranking=[call.order[i] for i in order],
            attempts=1,
            detail=local.require_room(longest + 2 * len(labels), "a judge's prompt"),
            prompt_tokens=len(ids),
            completion_tokens=len(order),
            request_key=request_key(call, None, prompt, local_parameters(labels, call.model.calibration)),
            rule=READING_RULE,
            rotations=rotations if call.model.calibration else None,
            seconds=0.0,
        )
        found.append((event, prompt, " > ".join(labels[i] for i in order)))
    return found


def rank_by_logits(
    local: LocalModel, prompts: Sequence[Sequence[int]], labels: Sequence[str], rotations: int = 1
) -> list[list[int]]:
    """For each call the indices of its answers, best first, in the order in which its first prompt shows them.

    Args:
        prompts: of each call `rotations` (R) prompts in a row; prompt r shows answer a under label (a − r) mod m.

    Raises:
        JudgeError: the tokenizer has no token of its own for every label, or the model is broken.
    """
    import torch

    label_ids, separator = label_tokens(local.tokenizer, labels)
    ids, mask = local.padded(prompts)
    candidates = torch.tensor(label_ids, device=ids.device)
    rows = torch.arange(len(prompts) // rotations, device=ids.device)
    shifts = torch.arange(rotations, device=ids.device)  # (R,)
    label_of = (torch.arange(len(labels), device=ids.device) - shifts[:, None]) % len(labels)  # (R, m)
    closed = torch.zeros(len(prompts) // rotations, len(labels), dtype=torch.bool, device=ids.device)
    chosen: list[torch.Tensor] = []
    cache: Any = None
    with torch.inference_mode(), local.placed.computing():
        while len(chosen) < len(labels):
            positions = (mask.cumsum(dim=1) - 1).clamp(min=0)[:, -ids.shape[1] :]
            output = local.model(
                input_ids=ids,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
            cache = output.past_key_values
            scores = output.logits[:, -1].float()[:, candidates].view(-1, rotations, len(labels))  # (B, R, m) by label
            if scores.isnan().any():
                raise JudgeError(
                    "the local judge's logits are not numbers (NaN), so it ranks nothing; use another model"
                )
            scores = scores.gather(2, label_of.expand(len(closed), -1, -1)).mean(dim=1)  # (B, m) by answer
            best = scores.masked_fill(closed, float("-inf")).argmax(dim=1)  # (B,)
            closed[rows, best] = True
            chosen.append(best)
            following = torch.tensor(separator, device=ids.device).expand(len(prompts), -1)
            written = candidates[(best[:, None] - shifts) % len(labels)]  # (B, R)
            ids = torch.cat([written.view(-1, 1), following], dim=1)
            mask = torch.cat([mask, torch.ones_like(ids)], dim=1)
    return torch.stack(chosen, dim=1).tolist()


def label_tokens(tokenizer: Any, labels: Sequence[str]) -> tuple[list[int], list[int]]:
    """One token per label, with a space before it where all have such a token, and the tokens of the separator.

    Raises:
        JudgeError: labels share tokens, or need several.
    """
    for space in (" ", ""):
        encoded = [tokenizer.encode(f"{space}{label}", add_special_tokens=False) for label in labels]
        single = all(len(tokens) == 1 for tokens in encoded)
        first = [tokens[0] for tokens in encoded if tokens]
        if single and len(set(first)) == len(labels) and tokenizer.unk_token_id not in first:
            return first, tokenizer.encode(" >", add_special_tokens=False)
    raise JudgeError(
        f"the local judge's tokenizer has no single token for each of the labels {labels[0]} to {labels[-1]}; "
        "use another model as judge"
    )
