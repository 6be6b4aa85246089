"""The stages `pairs` and `pool`. Each is one unit; the pairs themselves are an artifact."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from core.config import Attribute, DataSection
from core.data.attributes import reason_missing
from core.data.codec import MEDIA_TYPE, decode_pairs, encode_pairs
from core.data.pairing import PairTable, build_pairs
from core.data.pool import build_pool, pool_of
from core.data.prism import (
    TABLES,
    Survey,
    open_folder,
    open_hub,
    read_conversations,
    read_survey,
    read_utterances,
)
from core.data.pseudonyms import pseudonyms, secret_of, write_raters
from core.data.rows import Row, Source
from core.data.texts import Texts
from core.errors import InputError
from core.events import PairsBuilt, PoolBuilt
from core.stage import Context, Unit
from core.types import Pool, PreferencePairs

REASONS = {
    "raters_other_locale": "people of the survey with another study_locale",
    "utterances_other_locale": "their scored responses",
    "utterances_placeholder_prompt": "scored responses to a prompt that is null, blank or EMPTY STRING",
    "utterances_placeholder_response": "responses that are null, blank or EMPTY STRING",
    "utterances_without_score": "responses that nobody scored",
    "turns_single_response": "turns with one usable response",
    "pairs_tied": "two responses of a turn with equal scores",
    "pairs_within_delta": "two responses of a turn whose scores differ by δ or less",
    "pairs_identical_responses": "two equal responses of a turn with different scores",
    "pairs_different_prompts": "two responses of a turn whose rows give different prompts",
    "context_turns_from_utterances": "earlier turns that the history lost or garbled, taken from the utterances",
    "context_turns_placeholder": "earlier turns without a usable prompt or reply, left out of contexts",
    "context_turns_lost": "earlier turns that neither file has",
    "context_replies_by_score": "earlier turns whose reply is the best-scored one, for want of a usable chosen one",
    "history_second_prompts": "further prompts of a turn in a history; the first counts",
    "texts_lone_surrogates_replaced": "distinct texts in which half a character became U+FFFD",
}
"""What `pairs.built` counts under `excluded`, zeros included; `raters_<attribute>_missing` are added:
raters without an answer who were put into "Prefer not to say" or "Other"."""

_PROGRESS_SECONDS = 0.5


def pairs(ctx: Context) -> PreferencePairs:
    """Reads the data and builds every usable preference pair.

    Raters are in the order of their source ids (code points), so that nothing depends on the order of
    lines or on pseudonyms.

    Raises:
        InputError: the data cannot be used; the message has file, line and remedy.
    """
    ctx.plan(1)
    events = ctx.unit("pairs", lambda unit: _record_pairs(ctx, unit))
    built = next(event for event in events if isinstance(event, PairsBuilt))
    return decode_pairs(ctx.load(built.artifact), built.rater_ids)


def pool(ctx: Context, pairs: PreferencePairs) -> Pool:
    """Raters with at least one usable pair; people who only answered the survey are counted."""
    ctx.plan(1)
    events = ctx.unit("pool", lambda unit: unit.add(build_pool(pairs, _attributes(ctx))))
    built = next(event for event in events if isinstance(event, PoolBuilt))
    return pool_of(built, pairs)


def _attributes(ctx: Context) -> tuple[Attribute, ...]:
    population = ctx.config.population
    return population.attributes if population else ()


def _record_pairs(ctx: Context, unit: Unit) -> None:
    attributes = _attributes(ctx)
    tally = Counter(dict.fromkeys([*REASONS, *(reason_missing(a.name) for a in attributes)], 0))
    sources = _open(ctx.config.data)
    survey, table = _build(ctx, sources, attributes, tally)
    if not len(table):
        raise InputError(_no_pairs(tally))
    source_ids = sorted(survey.raters)
    rater_ids = pseudonyms(secret_of(ctx.folder.private), source_ids)
    write_raters(ctx.folder.private, rater_ids, source_ids)
    unit.add(
        PairsBuilt(
            source=ctx.config.data.hub or str(ctx.config.data.path),
            files=[sources[name].file_read() for name in TABLES],
            raters=len(source_ids),
            rater_ids=list(rater_ids),
            contexts=len(table.contexts),
            responses=len({*table.chosen, *table.rejected}),
            pairs=len(table),
            excluded=dict(tally),
            artifact=ctx.store(encode_pairs(table), MEDIA_TYPE),
        )
    )


def _open(data: DataSection) -> dict[str, Source]:
    if data.hub is not None:
        return open_hub(data.hub)
    if data.path is not None:
        return open_folder(data.path)
    raise InputError(
        "no data: set data.path to a folder in PRISM's format, or data.hub to its name on the Hugging Face hub "
        "(for example --set data.path=data/prism)"
    )


def _build(
    ctx: Context, sources: Mapping[str, Source], attributes: Sequence[Attribute], tally: Counter[str]
) -> tuple[Survey, PairTable]:
    texts = Texts(tally)
    survey = read_survey(_watched(ctx, sources, "survey"), attributes, ctx.config.data.locale, tally)
    conversations = read_conversations(_watched(ctx, sources, "conversations"), survey, texts, tally)
    utterances = read_utterances(_watched(ctx, sources, "utterances"), survey, conversations, texts, tally)
    ctx.progress(1, 1, "building pairs")
    return survey, build_pairs(survey.raters, conversations, utterances, ctx.config.data.delta, tally)


def _watched(ctx: Context, sources: Mapping[str, Source], name: str) -> Iterator[Row]:
    """The rows of a source; from time to time tells how far the reading is, and stops on request."""
    total = sum(source.total for source in sources.values())
    last = time.monotonic()
    for row in sources[name]:
        yield row
        now = time.monotonic()
        if now - last >= _PROGRESS_SECONDS:
            last = now
            ctx.check_stop()
            ctx.progress(sum(source.done for source in sources.values()), total, f"reading {name}")


def _no_pairs(tally: Counter[str]) -> str:
    counted = ", ".join(f"{reason}: {count}" for reason, count in tally.items() if count) or "no utterances of raters"
    return (
        f"the data gives no preference pair at all ({counted}); a pair needs two scored responses to one prompt "
        "whose scores differ by more than data.delta: check data.delta, data.locale and utterances.jsonl"
    )
