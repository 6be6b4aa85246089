"""A small preference data set, and a run configuration, for the tests of training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.config import RunConfig
from core.config_file import parse_config
from core.training.as_tokens.tokens import TokenStrings
from core.types import LOTTERY_DENOMINATOR, Draw, Lottery, Message, Pool, PreferencePairs, Rater

TOPICS = ("rivers", "bread", "stars", "trains", "bees", "chess")
STYLES = ("short and plain", "long, warm and careful", "dry", "playful! with marks?")


def make_pairs(raters: int = 5, pairs: int = 60, seed: int = 1) -> PreferencePairs:
    """Rater r brings a share of the pairs that falls with r; contexts have one or two turns."""
    generator = np.random.default_rng(seed)
    contexts = []
    for topic in TOPICS:
        contexts.append((Message("user", f"Tell me about {topic}."),))
        contexts.append((*contexts[-1], Message("assistant", f"{topic} are fine."), Message("user", "Go on.")))
    responses = tuple(f"Here is what I know of {topic}, {style}." for topic in TOPICS for style in STYLES)
    share = np.arange(raters, 0, -1, dtype=float)
    rater = np.sort(generator.choice(raters, size=pairs, p=share / share.sum()))
    rater[:raters] = np.arange(raters)
    context = generator.integers(len(contexts), size=pairs)
    styles = np.array([generator.permutation(len(STYLES))[:2] for _ in range(pairs)])
    first = context // 2 * len(STYLES)
    return PreferencePairs(
        raters=tuple(Rater(f"r{r}", {"age": "young" if r % 2 else "old"}, us_rep=r > 1) for r in range(raters)),
        contexts=tuple(contexts),
        responses=responses,
        context=context.astype(np.int32),
        chosen=(first + styles[:, 0]).astype(np.int32),
        rejected=(first + styles[:, 1]).astype(np.int32),
        rater=np.sort(rater).astype(np.int32),
    )


def strings_of(lists: Sequence[Any]) -> TokenStrings:
    """Token strings that were made already."""
    lengths = np.array([len(ids) for ids in lists], dtype=np.int64)
    return TokenStrings(np.concatenate(lists).astype(np.int32), np.cumsum(lengths) - lengths, lengths)


def make_pool(pairs: PreferencePairs) -> Pool:
    """Types by age; members in source order."""
    counts = pairs.pairs_per_rater()
    members = [r for r in range(len(pairs.raters)) if counts[r]]
    types = (("old",), ("young",))
    return Pool(
        attributes=("age",),
        raters=tuple(pairs.raters[r] for r in members),
        pairs=tuple(int(counts[r]) for r in members),
        rater=tuple(members),
        types=types,
        type_of=tuple(types.index((pairs.raters[r].attributes["age"],)) for r in members),
    )


def make_lottery(pool: Pool, panels: Sequence[tuple[int, ...]], numerators: Sequence[int]) -> Lottery:
    """A lottery given by hand; numerators over 2^53 that are completed by the last panel."""
    whole = [*numerators, LOTTERY_DENOMINATOR - sum(numerators)]
    return Lottery(
        name="main",
        size=sum(panels[0]),
        type_sizes=pool.type_sizes(),
        panels=tuple(panels),
        numerators=tuple(whole),
    )


def make_draw(members: tuple[int, ...]) -> Draw:
    """A draw given by hand."""
    return Draw(draw="first", lottery="main", panel=0, members=members)


def make_config(conditions: str = "", **train: Any) -> RunConfig:
    """A configuration with a tiny model and the given [[conditions]]."""
    values = {
        "model": "tiny",
        "beta": 0.5,
        "learning_rate": 1e-3,
        "steps": 6,
        "batch": 4,
        "micro_batch": 2,
        "max_length": 96,
        "checkpoint_minutes": 0,
        "warmup": 0.0,
        "device": "cpu",
        **train,
    }
    written = "\n".join(f"{key} = {_toml(value)}" for key, value in values.items())
    tiny = "hidden = 32\nlayers = 2\nheads = 4\nvocabulary = 300\nsteps = 4\nbatch = 4"
    text = f"""
[run]
name = "test"
seed = 7
[data]
path = "."
world = "world.json"
[[population.attributes]]
name = "age"
column = "age"
targets = {{ old = 0.5, young = 0.5 }}
[[lotteries]]
name = "main"
size = 2
[[draws]]
id = "first"
lottery = "main"
{conditions}
[train]
{written}
[train.tiny]
{tiny}
"""
    return parse_config(text).config


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return f'"{value}"' if isinstance(value, str | Path) else str(value)


CONDITIONS = """
[[conditions]]
name = "base"
source = "none"
[[conditions]]
name = "full"
source = "all"
[[conditions]]
name = "soft"
source = "lottery:main"
"""


def make_tiny(pairs: PreferencePairs, seed: int = 3, hidden: int = 32) -> tuple[Any, Any]:
    """(tokenizer, model): untrained, with weights large enough that log-probabilities differ visibly."""
    import torch

    from core.sections.what_trains import TinySection
    from core.training.models.tiny import make_model, train_tokenizer

    torch.set_num_threads(1)
    texts = [m.content for context in pairs.contexts for m in context]
    tokenizer = train_tokenizer([*texts, *pairs.responses], 300)
    model = make_model(TinySection(hidden=hidden, heads=4, vocabulary=300), tokenizer, 256, seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3.0)
    return tokenizer, model.eval()


def direct_log_prob(model: Any, prompt: Sequence[int], response: Sequence[int]) -> Any:
    """Σ log p(response token) from the full logits of one unpadded sequence; a tensor of shape ()."""
    import torch

    ids = torch.tensor([[*map(int, prompt), *map(int, response)]])
    log_probs = torch.log_softmax(model(input_ids=ids).logits[0, :-1].float(), dim=-1)
    picked = log_probs.gather(1, ids[0, 1:, None])[:, 0]
    return picked[len(prompt) - 1 :].sum()
