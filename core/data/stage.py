"""The stages `pairs` and `pool`. Each is one unit; the pairs themselves are an artifact."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from core.config import RunConfig
from core.data.attributes import reason_missing
from core.data.codec import decode_pairs, encode_pairs
from core.data.files.texts import CleanTexts
from core.data.formats import PREFERENCES
from core.data.pairing import PairTable, build_pairs
from core.data.pool import build_pool, pool_of, raters_of, table_pool
from core.data.pseudonyms import pseudonyms, secret_of, write_raters
from core.data.tables import read_tables
from core.data.utterances import Preferences, Watch
from core.errors import InputError
from core.events import PairsBuilt, PoolBuilt
from core.facts.formats import PAIRS_TYPE
from core.facts.places import place_name
from core.facts.stages import NO_DATA
from core.stage import Context, Unit, only
from core.types import Pool, PreferencePairs, Rater

REASONS = {
    "raters_other_locale": "people of the survey with another study_locale",
    "raters_without_responses": "raters of the survey of whom there is no scored response",
    "raters_without_pairs": "raters with scored responses and no pair",
    "utterances_other_locale": "scored responses of people with another study_locale",
    "conversations_from_utterances": "conversations that only the utterances have; they give pairs too",
    "utterances_placeholder_prompt": "scored responses to a prompt that is null, blank or EMPTY STRING",
    "utterances_placeholder_response": "responses that are null, blank or EMPTY STRING",
    "utterances_without_score": "responses that nobody scored",
    "turns_single_response": "turns with one usable response",
    "pairs_tied": "two responses of a turn with equal scores",
    "pairs_within_delta": "two responses of a turn whose scores differ by δ or less",
    "pairs_identical_responses": "two equal responses of a turn with different scores, dropped",
    "pairs_identical_responses_kept": "such pairs that are kept",
    "pairs_different_prompts": "two responses of a turn whose rows give different prompts",
    "context_turns_from_utterances": "earlier turns that the history lost or garbled, taken from the utterances",
    "context_turns_placeholder": "earlier turns without a usable prompt or reply, left out of contexts",
    "context_turns_lost": "earlier turns that neither file has",
    "context_turns_disagree": "earlier turns that the two files tell differently, taken from the history",
    "context_replies_by_score": "earlier turns whose reply is the best-scored one, for want of a usable chosen one",
    "history_second_prompts": "further prompts of a turn in a history; the first counts",
    "texts_lone_surrogates_replaced": "distinct texts in which half a character became U+FFFD",
    "texts_stripped": "distinct texts that lost white space at their ends (data.strip)",
}
"""What `pairs.built` counts under `excluded`, zeros included; `raters_<attribute>_missing` are added:
raters without an answer who were put into "Prefer not to say" or "Other"."""


def pairs(ctx: Context) -> PreferencePairs:
    """Reads the data and builds every usable preference pair.

    Raters are in the order of their source ids (code points), so that nothing depends on the order of
    lines or on pseudonyms.

    Raises:
        InputError: the data cannot be used; the message has file, line and remedy.
    """
    ctx.plan(1)
    events = ctx.unit("pairs", lambda unit: _record_pairs(ctx, unit))
    built = only(events, PairsBuilt)
    return decode_pairs(ctx.load(built.artifact), built.rater_ids)


def pool(ctx: Context, pairs: PreferencePairs | tuple[()]) -> Pool:
    """The people who can be drawn: raters with at least one usable pair, or, of tables, who did not answer yet.

    pairs is () where the stage `pairs` was skipped, because the data are tables.

    Raises:
        InputError: the tables cannot be used; the message has file, line, column and remedy.
        InfeasibleQuotas: more people of an earlier panel accepted than a quota allows.
    """
    ctx.plan(1)
    if isinstance(pairs, PreferencePairs):
        counts = pairs.pairs_per_rater().tolist()
        raters = pairs.raters
        attributes = ctx.config.attributes
        built = only(ctx.unit("pool", lambda unit: unit.add(build_pool(raters, counts, attributes))), PoolBuilt)
        return pool_of(built, raters)
    built = only(ctx.unit("pool", lambda unit: _record_tables(ctx, unit)), PoolBuilt)
    return pool_of(built, raters_of(built))


def read_pool(config: RunConfig, watch: Watch = lambda done, total, detail: None) -> Pool:
    """The pool of a configuration, read anew and recorded nowhere; people have numbers instead of pseudonyms.

    Raises:
        InputError, InfeasibleQuotas: as the stages `pairs` and `pool` do.
    """
    if config.data.people_only:
        tables = read_tables(config.data)
        built = table_pool(tables, [str(i) for i in range(len(tables.people))])
        return pool_of(built, raters_of(built))
    if config.data.format == NO_DATA:
        raise InputError("the configuration has no [data], so it has no pool; add [data] (docs/data.md)")
    table = _read(config, watch)[1]
    raters = [Rater(str(r), found.attributes, found.locale, found.us_rep) for r, found in enumerate(table.raters)]
    counts = Counter(table.rater)
    return pool_of(build_pool(raters, [counts[r] for r in range(len(raters))], config.attributes), raters)


def _record_tables(ctx: Context, unit: Unit) -> None:
    tables = read_tables(ctx.config.data)
    unit.add(table_pool(tables, _pseudonyms(ctx, [person.source_id for person in tables.people])))


def _record_pairs(ctx: Context, unit: Unit) -> None:
    found, table, tally = _read(ctx.config, ctx.go_on)
    rater_ids = _pseudonyms(ctx, sorted(found.raters))
    unit.add(
        PairsBuilt(
            source=ctx.config.data.hub or place_name(str(ctx.config.data.path)),
            files=list(found.files),
            raters=len(rater_ids),
            rater_ids=list(rater_ids),
            contexts=len(table.contexts),
            responses=len({*table.chosen, *table.rejected}),
            pairs=len(table),
            excluded=dict(tally),
            unlisted=found.unlisted.rows(),
            artifact=ctx.store(encode_pairs(table), PAIRS_TYPE),
        )
    )


def _pseudonyms(ctx: Context, source_ids: Sequence[str]) -> tuple[str, ...]:
    """Pseudonyms of the ids; `private/raters.csv` keeps which is whose."""
    rater_ids = pseudonyms(secret_of(ctx.folder.private), source_ids)
    write_raters(ctx.folder.private, rater_ids, source_ids)
    return rater_ids


def _read(config: RunConfig, watch: Watch) -> tuple[Preferences, PairTable, Counter[str]]:
    """What was read, every usable pair, and what was left out by reason.

    Raises:
        InputError: the data cannot be used, or give no pair at all.
    """
    tally = Counter(dict.fromkeys([*REASONS, *(reason_missing(a.name) for a in config.attributes)], 0))
    texts = CleanTexts(tally, config.data.strip)
    found = PREFERENCES[config.data.format].read(config, texts, tally, watch)
    watch(1, 1, "building pairs")
    table = build_pairs(found.raters, found.conversations, found.turns, config.data, tally)
    if not len(table):
        raise InputError(_no_pairs(tally))
    return found, table, tally


def _no_pairs(tally: Counter[str]) -> str:
    counted = ", ".join(f"{reason}: {count}" for reason, count in tally.items() if count) or "no utterances of raters"
    return (
        f"the data gives no preference pair at all ({counted}); a pair needs two scored responses to one prompt "
        "whose scores differ by more than data.delta: check data.delta, data.locale and utterances.jsonl"
    )
