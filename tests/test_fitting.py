"""Tokens are made in passing, by context, and are those of the rule applied to one pair after the other."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plain_fitting import Pair, Plain, plainly
from training_world import make_pairs, make_tiny

from core.errors import InputError
from core.facts.training.token_file import CUT_CONTEXT, CUT_RESPONSE, HEADER_BYTES, token_tables
from core.training.as_tokens import fitting
from core.training.as_tokens.fitting import tokenise
from core.training.as_tokens.token_file import counts_of, read_tokens, write_tokens
from core.training.as_tokens.tokens import Tokens
from core.types import Context, Message

WORDS = ("rivers", "bread", "stars", "go", "on", "the", "<|eos|>", "é", "…", "Assistant:")


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return make_tiny(make_pairs())[0]


def text(rng: random.Random, most: int) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(rng.randint(1, most)))


def world(seed: int) -> tuple[list[Context], list[str], list[Pair]]:
    """Contexts of which some are the ends of others, responses that several contexts share, and pairs of both."""
    rng = random.Random(seed)
    contexts: list[Context] = []
    for _ in range(8):
        turns = [Message("assistant" if i % 2 else "user", text(rng, 12)) for i in range(rng.choice([1, 3, 5]))]
        contexts += [tuple(turns), tuple(turns[-1:]), (Message("system", text(rng, 4)), *turns)]
    responses = [text(rng, rng.choice([2, 10, 40])) for _ in range(12)]
    drawn = {(rng.randrange(len(contexts)), *sorted(rng.sample(range(len(responses)), 2))) for _ in range(60)}
    return contexts, responses, [(c, a, b) for c, a, b in drawn]


def read_back(tokens: Tokens) -> Plain:
    """The same as lists."""
    keys = tokens.sequences()
    return Plain(
        [tokens.prompts[i].tolist() for i in range(len(tokens.prompts))],
        [tokens.responses[i].tolist() for i in range(len(tokens.responses))],
        {pair: tokens.keys(*pair) for pair in zip(*tokens.pairs[:3].tolist(), strict=True)},
        {key for key, mark in zip(keys, tokens.cut.tolist(), strict=True) if mark & CUT_CONTEXT},
        {key for key, mark in zip(keys, tokens.cut.tolist(), strict=True) if mark & CUT_RESPONSE},
    )


@pytest.mark.parametrize("window", [16, 24, 40, 64, 1000])
@pytest.mark.parametrize("at_once", [1, 7, 512])
def test_tokens_are_those_of_the_rule_applied_to_each_pair(
    window: int, at_once: int, tokenizer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Strings, their numbers, the sequences of each pair, and what was cut: also where a context is torn apart by the
    amount that is tokenised at once, and a shortened context is another one."""
    contexts, responses, pairs = world(window)
    plain = plainly(tokenizer, contexts, responses, pairs, window)
    monkeypatch.setattr(fitting, "_TOKENISE_AT_ONCE", at_once)
    made = tokenise(tokenizer, contexts, responses, pairs, window, beside=tmp_path)
    assert read_back(made) == plain
    assert made.sequences() == sorted({key for both in plain.pairs.values() for key in both})
    assert (made.cut_contexts, made.cut_responses) == (len(plain.cut_contexts), len(plain.cut_responses))
    assert list(tmp_path.iterdir()) == [], "what was put aside has no name"
    with (tmp_path / "tokens").open("wb") as stream:
        write_tokens(made, stream)
    read = read_tokens(tmp_path / "tokens")
    assert read_back(read) == plain
    assert [read.digest(key) for key in read.sequences()] == [made.digest(key) for key in made.sequences()]
    assert (read.window, counts_of(read)) == (window, counts_of(made))
    if window < 1000:
        assert plain.cut_contexts
        assert plain.cut_responses


def test_the_whole_world_fits_into_a_wide_window(tokenizer: Any) -> None:
    made = tokenise(tokenizer, *world(1), 1000)
    assert (made.cut_contexts, made.cut_responses, made.cut.sum()) == (0, 0, 0)


def test_a_pair_that_was_not_tokenised_is_none_of_these(tokenizer: Any) -> None:
    contexts, responses, pairs = world(2)
    made = tokenise(tokenizer, contexts, responses, pairs, 64)
    lacking = next(
        (c, a, b) for c in range(len(contexts)) for a in range(6) for b in range(a, 6) if (c, a, b) not in pairs
    )
    for pair in (lacking, (len(contexts), 0, 1), (-1, 0, 1)):
        with pytest.raises(KeyError):
            made.keys(*pair)


def test_no_pairs_are_no_tokens(tokenizer: Any, tmp_path: Path) -> None:
    made = tokenise(tokenizer, [], [], [], 64)
    with (tmp_path / "tokens").open("wb") as stream:
        write_tokens(made, stream)
    assert read_tokens(tmp_path / "tokens").sequences() == made.sequences() == []


def test_progress_is_told_to_the_end(tokenizer: Any) -> None:
    contexts, responses, pairs = world(3)
    told: list[tuple[int, int]] = []
    tokenise(tokenizer, contexts, responses, pairs, 64, lambda done, total: told.append((done, total)))
    assert told[-1] == (len(pairs), len(pairs))


def test_the_file_follows_from_the_pairs_and_says_where_each_table_is(tokenizer: Any) -> None:
    """Nothing of how it was made is in it; `core.facts.training.token_file` alone is needed to read it."""
    contexts, responses, pairs = world(4)
    bodies = []
    for order in (pairs, pairs[::-1]):
        stream = io.BytesIO()
        made = tokenise(tokenizer, contexts, responses, order, 40)
        write_tokens(made, stream)
        bodies.append(stream.getvalue())
    assert bodies[0] == bodies[1]
    tables = token_tables(counts_of(made))
    assert tables["offsets"][0] == HEADER_BYTES
    assert tables["cut"][1] == len(bodies[0])
    start, end = tables["ids"]
    assert np.frombuffer(bodies[0][start:end], "<i4")[: len(made.prompts[0])].tolist() == made.prompts[0].tolist()


def test_a_file_of_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tokens").write_bytes(b'{"format":"dempo-tokens-0"}'.ljust(HEADER_BYTES))
    with pytest.raises(InputError, match="'dempo-tokens-0' cannot be read"):
        read_tokens(tmp_path / "tokens")
