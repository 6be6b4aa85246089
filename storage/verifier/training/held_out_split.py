"""The pairs that are held out: drawn again from the run's seed, and what is left to train on."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Hashable
from dataclasses import replace
from typing import Any

from core.facts.formats import PAIRS_TYPE
from core.facts.plural import number_of
from core.facts.randomness import RandomStream
from core.facts.sources import trains
from core.facts.training.split import (
    HELD_OUT_TYPE,
    HELD_OUT_UNIT,
    SPLIT_RULE,
    held_out_file,
    held_out_split,
    numbered_groups,
)
from storage.verifier.contents.artifact_files import artifact_file
from storage.verifier.contents.pool import PoolRead, in_order_of_pairs, required_pool
from storage.verifier.ground.finding import STEPS_OF_A_NUMBER, brief, broken, once, rule_of, same, spend
from storage.verifier.ground.record import Found, Record

LONGEST_PAIR = 64 * 1024**2


def split_wanted(record: Record) -> Any:
    """What the configuration says of held-out pairs; None where it asks for none, or nothing is trained."""
    config = record.genesis.get("config", {})
    if not any(trains(section.get("source")) for section in config.get("conditions", [])):
        return None
    return (config.get("train") or {}).get("held_out")


@once
def split_of_record(record: Record) -> Found | None:
    """The event of the split; None where no pair is held out, or none yet."""
    found = record.counted("heldout.split")
    if found and split_wanted(record) is None:
        raise broken("pairs are held out, and the configuration asks for none", found[0].seq)
    if len(found) > 1:
        raise broken("pairs were held out twice", found[1].seq)
    planned = [event for event in record.counted("condition.planned") if trains(event.values["source"])]
    if split_wanted(record) is not None and planned and (not found or found[0].seq > planned[0].seq):
        raise broken("a condition was planned before pairs were held out", planned[0].seq)
    return found[0] if found else None


def left_to_train_on(record: Record, pool: PoolRead) -> PoolRead:
    """The pool with the pairs of everybody that no split holds out."""
    split = split_of_record(record)
    if split is None:
        return pool
    held = {row["rater_id"]: row["pairs"] for row in split.values["rows"]}
    left = [(rater_id, pairs - held.pop(rater_id, 0)) for rater_id, pairs in pool.everybody]
    if held or any(pairs < 0 for _, pairs in left):
        raise broken("of a rater more pairs are held out than there are", split.seq)
    return replace(pool, everybody=left)


@once
def held_out_pairs(record: Record) -> tuple[list[int], list[int]]:
    """The pairs that are held out and those of them that are measured, drawn again; none where no split is recorded.

    Raises:
        Finding: the file of the pairs, which tells what belongs together, is not here.
    """
    split = split_of_record(record)
    if split is None:
        return [], []
    wanted = split_wanted(record)
    stream = RandomStream(record.genesis["seed"], "conditions", HELD_OUT_UNIT)
    groups = _groups_of_pairs(record, split)
    spend(record, (STEPS_OF_A_NUMBER + 1) * len(groups))
    try:
        return held_out_split(groups, float(wanted["share"]), wanted.get("max_pairs"), stream)
    except ValueError as error:
        raise broken(f"of the pairs {error}", split.seq) from None


def _groups_of_pairs(record: Record, split: Found) -> list[int]:
    """The group of every pair: by the raters of the pool, or by what the file of the pairs says."""
    by = split_wanted(record)["by"]
    if by != "rater":
        return numbered_groups(_keys_in_file(record, split, by))
    everybody = in_order_of_pairs(record, required_pool(record, split.seq))
    return numbered_groups(rater_id for rater_id, pairs in everybody for _ in range(pairs))


def _keys_in_file(record: Record, split: Found, by: str) -> list[Hashable]:
    """What the pairs of a group have in common, from the file of the pairs."""
    built = record.counted("pairs.built")
    if not built:
        raise broken("pairs are held out, and none are recorded", split.seq)
    so = ", so nothing tells which pairs are held out together"
    path = artifact_file(record, built[0].values["artifact"], PAIRS_TYPE, "the file of the pairs", split.seq, so)
    with path.open("rb") as stream:
        header = json.loads(stream.readline(LONGEST_PAIR))
        spend(record, header["raters"] + header["texts"] + header["contexts"] + header["pairs"])
        for _ in range(header["raters"] + header["texts"]):
            stream.readline(LONGEST_PAIR)
        opening = [json.loads(stream.readline(LONGEST_PAIR))["messages"][0][1] for _ in range(header["contexts"])]
        pairs = [json.loads(stream.readline(LONGEST_PAIR)) for _ in range(header["pairs"])]
    if by == "conversation":
        return [opening[pair["context"]] for pair in pairs]
    return [(pair["context"], *sorted((pair["chosen"], pair["rejected"]))) for pair in pairs]


def check_split(record: Record, split: Found) -> str:
    """The split is the one that the seed gives, as configured; its file by its SHA-256, also where it is not here."""
    values, seq, wanted = split.values, split.seq, split_wanted(record)
    rule_of(split, SPLIT_RULE, "the split of the pairs")
    same(values["by"], wanted["by"], "what pairs are held out by", seq)
    same(float(values["share"]), float(wanted["share"]), "the share that is held out", seq)
    pairs, measured = held_out_pairs(record)
    groups = _groups_of_pairs(record, split)
    same(values["groups"], max(groups) + 1, f"{brief(values['by'])}: the groups that there are", seq)
    same(values["held_out"], len({groups[p] for p in pairs}), "the groups that are held out", seq)
    _check_rows_of_split(record, split, pairs, measured)
    same(values["pairs"], len(pairs), "the pairs that are held out", seq)
    same(values["measured"], len(measured), "the pairs that are measured", seq)
    body, artifact = held_out_file(pairs, measured), values["artifact"]
    same(artifact["media_type"], HELD_OUT_TYPE, "the type of the file of the held-out pairs", seq)
    same(artifact["sha256"], hashlib.sha256(body).hexdigest(), "the SHA-256 of the held-out pairs", seq)
    same(artifact["bytes"], len(body), "the size of the file of the held-out pairs", seq)
    return f"{number_of(len(pairs), 'pair')} of {number_of(values['raters'], 'rater')} drawn again"


def raters_of_pairs(record: Record, event: Found) -> list[str]:
    """The pseudonym of every pair's rater."""
    everybody = in_order_of_pairs(record, required_pool(record, event.seq))
    return [rater_id for rater_id, pairs in everybody for _ in range(pairs)]


def _check_rows_of_split(record: Record, split: Found, pairs: list[int], measured: list[int]) -> None:
    """How many pairs of whom, in the order of the pseudonyms."""
    rater_of = raters_of_pairs(record, split)
    held, scored = Counter(rater_of[p] for p in pairs), Counter(rater_of[p] for p in measured)
    rows = [{"rater_id": r, "pairs": held[r], "measured": scored[r]} for r in sorted(held)]
    same(split.values["rows"], rows, "the raters of held-out pairs", split.seq)
    same(split.values["raters"], len(rows), "the number of raters of held-out pairs", split.seq)
    every = Counter(rater_of)
    emptied = sum(held[r] == every[r] for r in held)
    same(split.values["emptied"], emptied, "the number of raters without a pair left to train on", split.seq)
