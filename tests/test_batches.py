"""Length never drops a pair: what is cut is cut by rule, and counted."""

import numpy as np
import pytest
from training_world import make_pairs, make_tiny, strings_of

from core.chat import prompt_ids, response_ids
from core.training.as_tokens.fitting import tokenise, without_oldest_turn
from core.training.as_tokens.padding import padded
from core.training.as_tokens.tokens import as_fitted, scheduled_pairs
from core.training.batches import PairCollator, Rows, rows_of
from core.types import Condition, Message


@pytest.fixture(scope="module")
def tokenizer():
    return make_tiny(make_pairs())[0]


def conversation(*texts):
    return tuple(Message("assistant" if i % 2 else "user", text) for i, text in enumerate(texts))


SHORT = conversation("Hi.")
LONG = conversation("old " * 30, "answer " * 10, "What now?")
HUGE = conversation("word " * 200)


def cut(tokenizer, contexts, responses, pairs, length):
    """The tokens of pairs, and of each its two sequences as lists of ids."""
    tokens = tokenise(tokenizer, contexts, responses, pairs, length)
    sequences = [[[part.tolist() for part in tokens.ids(key)] for key in tokens.keys(*pair)] for pair in pairs]
    return tokens, sequences


def test_what_fits_is_left_alone(tokenizer):
    tokens, ((first, second),) = cut(tokenizer, [LONG], ["Fine."], [(0, 0, 0)], 1000)
    assert first == second == [prompt_ids(tokenizer, [LONG])[0], response_ids(tokenizer, [LONG], ["Fine."])[0]]
    assert (tokens.cut_contexts, tokens.cut_responses) == (0, 0)


def test_a_long_context_loses_its_oldest_turn(tokenizer):
    tokens, (_, found) = cut(tokenizer, [SHORT, LONG], ["Fine.", "Well."], [(0, 0, 0), (1, 0, 1)], 64)
    prompt = prompt_ids(tokenizer, [LONG[2:]])[0]
    assert found == [[prompt, ids] for ids in response_ids(tokenizer, [LONG, LONG], ["Fine.", "Well."])]
    assert (tokens.cut_contexts, tokens.cut_responses) == (2, 0)


def test_a_long_response_is_cut_after_the_context_and_loses_its_eos(tokenizer):
    tokens, ((first, second),) = cut(tokenizer, [LONG], ["long " * 100, "Short."], [(0, 0, 1)], 64)
    prompt = prompt_ids(tokenizer, [LONG[2:]])[0]
    long_ids, short_ids = response_ids(tokenizer, [LONG, LONG], ["long " * 100, "Short."])
    assert first == [prompt, long_ids[: 64 - len(prompt)]]
    assert second == [prompt, short_ids]
    assert (tokens.cut_contexts, tokens.cut_responses) == (2, 1)


def test_a_message_longer_than_the_window_loses_its_start_and_leaves_room(tokenizer):
    tokens, (((prompt, response), _),) = cut(tokenizer, [HUGE], ["long " * 100], [(0, 0, 0)], 64)
    whole = prompt_ids(tokenizer, [HUGE])[0]
    assert prompt == [tokenizer.bos_token_id, *whole[-31:]]
    assert len(response) == 32
    assert (tokens.cut_contexts, tokens.cut_responses) == (1, 1)


def test_a_pair_has_the_same_tokens_whatever_other_pairs_a_run_has(tokenizer):
    """The prompt was once fitted to the longest response of any pair: 139 tokens alone, 9 beside a long one."""
    responses = ["long " * 100, "short", "brief"]
    mine, others = (0, 1, 2), [(0, 0, 1), (0, 0, 2)]
    alone, (expected,) = cut(tokenizer, [LONG], responses, [mine], 200)
    beside, found = cut(tokenizer, [LONG], responses, [*others, mine], 200)
    assert found[-1] == expected
    assert expected[0][0] == prompt_ids(tokenizer, [LONG])[0]
    names = {alone.digest(key) for key in alone.sequences()}
    assert names < {beside.digest(key) for key in beside.sequences()}


def test_what_was_cut_is_counted_by_sequence_as_fitted(tokenizer):
    """One context, whole before two short responses and cut before a long one: six sequences, of which some are cut."""
    responses = ["long " * 100, "short", "brief"]
    tokens, found = cut(tokenizer, [LONG], responses, [(0, 0, 1), (0, 0, 2), (0, 1, 2)], 200)
    whole = prompt_ids(tokenizer, [LONG])[0]
    assert [prompt == whole for pair in found for prompt, _ in pair] == [False] * 4 + [True] * 2
    assert len(tokens.sequences()) == 5, "the long response after the cut prompt is one sequence of two pairs"
    assert (tokens.cut_contexts, tokens.cut_responses) == (3, 1)


def test_exchanged_responses_are_the_same_pair(tokenizer):
    tokens, _ = cut(tokenizer, [SHORT], ["Fine.", "Well."], [(0, 0, 1)], 64)
    assert tokens.keys(0, 1, 0) == tokens.keys(0, 0, 1)[::-1]


def test_equal_tokens_are_one_sequence(tokenizer):
    """A context that lost its oldest turn is the context that never had it."""
    tokens, found = cut(tokenizer, [LONG, LONG[2:]], ["Fine.", "Well."], [(0, 0, 1), (1, 0, 1)], 64)
    assert found[0] == found[1]
    assert len(tokens.sequences()) == len({tokens.digest(key) for key in tokens.sequences()}) == 2


def test_a_system_message_outlives_the_oldest_turns():
    system = (Message("system", "Be kind."),)
    assert without_oldest_turn(system + LONG) == system + LONG[2:]
    assert without_oldest_turn(system + LONG[2:]) == system + LONG[2:]


def test_both_responses_of_a_pair_follow_the_same_prompt(tokenizer):
    pairs = make_pairs()
    condition = schedule_of(pairs, [[0, 1, 2, 3]])
    tokens = tokenise(tokenizer, pairs.contexts, pairs.responses, scheduled_pairs(pairs, [condition]), 40)
    collator = PairCollator(rows_of(condition, pairs), tokens, dict.fromkeys(tokens.sequences(), 0.0), 2, 1)
    batch = collator([{"row": i} for i in range(4)])
    ids, mask = batch["input_ids"].numpy(), batch["completion_mask"].numpy()
    for i in range(4):
        assert ids[i, : mask[i].argmax()].tolist() == ids[4 + i, : mask[4 + i].argmax()].tolist()
        assert mask[i].sum() > 0


def schedule_of(pairs, schedule, flipped=None, estimator="step_normalised", weight=None):
    schedule = np.array(schedule, dtype=np.int32)
    return Condition(
        name="c",
        source="all",
        estimator=estimator,
        weight=np.ones(len(pairs.raters)) if weight is None else weight,
        pairs_of_rater=pairs.pairs_per_rater(),
        schedule=schedule,
        flipped=np.zeros(schedule.shape, dtype=bool) if flipped is None else np.array(flipped),
    )


def test_rows_carry_the_weight_per_pair_and_exchange_flipped_pairs():
    pairs = make_pairs()
    weight = np.arange(1.0, 6.0)
    rows = rows_of(schedule_of(pairs, [[5, 9]], [[False, True]], weight=weight), pairs)
    r = pairs.rater[[5, 9]]
    assert rows.weight.tolist() == (weight[r] / pairs.pairs_per_rater()[r]).tolist()
    assert rows.chosen.tolist() == [pairs.chosen[5], pairs.rejected[9]]
    assert rows.rejected.tolist() == [pairs.rejected[5], pairs.chosen[9]]


def test_weighted_sampling_takes_the_plain_mean():
    pairs = make_pairs()
    condition = schedule_of(pairs, [[5, 9]], estimator="weighted_sampling", weight=np.arange(1.0, 6.0))
    assert rows_of(condition, pairs).weight.tolist() == [1.0, 1.0]


def test_only_scheduled_pairs_are_wanted():
    pairs = make_pairs()
    found = scheduled_pairs(pairs, [schedule_of(pairs, [[0, 0], [1, 1]]), schedule_of(pairs, [[1, 1]])])
    both = [(int(pairs.chosen[p]), int(pairs.rejected[p])) for p in (0, 1)]
    assert found.tolist() == sorted([int(pairs.context[p]), min(both[p]), max(both[p])] for p in (0, 1))
    assert scheduled_pairs(pairs, []).shape == (0, 3)


def test_padding_is_masked():
    batch = padded([(np.array([5, 6]), np.array([7])), (np.array([5]), np.array([8, 9, 4]))], pad=0)
    assert batch["input_ids"].tolist() == [[5, 6, 7, 0], [5, 8, 9, 4]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 0], [1, 1, 1, 1]]
    assert batch["completion_mask"].tolist() == [[0, 0, 1, 0], [0, 1, 1, 1]]


def test_widths_are_rounded_up_within_the_window():
    ids = strings_of([np.arange(n) for n in (3, 60, 61)])
    tokens = as_fitted(ids, ids, np.zeros((6, 1), dtype=np.int32), np.zeros((2, 1), dtype=np.uint8), window=100)
    assert [tokens.width([(0, 0)], multiple) for multiple in (1, 64)] == [6, 64]
    assert [tokens.width([(0, 0), (0, 2)], multiple) for multiple in (1, 64)] == [64, 64]
    assert [tokens.width([(0, 1), (0, 0), (1, 0)], multiple) for multiple in (1, 50)] == [63, 100]
    assert tokens.width([(0, 2), (0, 1), (0, 0)], 128) == 100, "positions beyond the window may not exist"
    batch = tokens.batch([(0, 0), (0, 1)], 9, 64)
    assert {name: tuple(rows.shape) for name, rows in batch.items()} == dict.fromkeys(batch, (2, 64))
    assert batch["input_ids"][0, 6:].unique().tolist() == [9]
    assert batch["attention_mask"].sum(1).tolist() == [6, 63]
    assert batch["completion_mask"].sum(1).tolist() == [3, 60]


def test_rows_know_their_number():
    empty = np.zeros(3, dtype=np.int32)
    assert len(Rows(empty, empty, empty, np.ones(3))) == 3
