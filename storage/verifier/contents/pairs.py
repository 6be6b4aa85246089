"""The preference pairs: the file that holds them against what was recorded of it, and whose pair each one is."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.facts.formats import PAIRS_LAYOUT, PAIRS_TYPE
from core.facts.plural import number_of
from storage.verifier.contents.artifact_files import artifact_file
from storage.verifier.contents.pool import PoolRead, pool_of_record
from storage.verifier.ground.finding import brief, broken, same, sections, whole
from storage.verifier.ground.record import Found, Record

LONGEST_LINE = 64 * 1024**2


def check_pairs(record: Record) -> str:
    """The file of the pairs says of every rater what the pool says: attributes, locale and number of pairs."""
    whole(record)
    listed = record.counted("pairs.built")
    if not listed:
        return "no pairs are recorded"
    if len(listed) > 1:
        raise broken("the pairs were built twice", listed[1].seq)
    built, pool = listed[0], pool_of_record(record)
    values, seq = built.values, built.seq
    same(len(values.get("rater_ids", [])), values["raters"], "the number of pseudonyms of the pairs", seq)
    if len(set(values["rater_ids"])) != values["raters"]:
        raise broken("a rater of the pairs is named twice", seq)
    so = ", so attributes and numbers of pairs were not compared with it"
    path = artifact_file(record, values["artifact"], PAIRS_TYPE, "the file of the pairs", seq, so)
    try:
        people, counts = _read_pairs(path, built)
    except StopIteration:
        raise broken("the file of the pairs ends before its last pair", seq) from None
    if pool is not None:
        _check_people(record, pool, built, people, counts)
    return f"{number_of(values['pairs'], 'pair')} of {number_of(len(counts), 'rater')}, counted again from their file"


def _read_pairs(path: Path, built: Found) -> tuple[dict[str, dict[str, Any]], Counter[str]]:
    """What the file says of every rater, and how many pairs each one has, by pseudonym.

    Raises:
        StopIteration: it ends too early.
    """
    values, seq = built.values, built.seq
    rater_ids: list[str] = values["rater_ids"]
    counts: Counter[str] = Counter()
    with path.open("rb") as stream:
        lines = _lines_of(stream, seq)
        header = next(lines)
        wanted = {**PAIRS_LAYOUT, **{name: values[name] for name in ("raters", "contexts", "pairs")}}
        for name, value in wanted.items():
            same(header.get(name), value, f"the file of the pairs: its {name}", seq)
        people = {rater_id: next(lines) for rater_id in rater_ids}
        for _ in range(header["texts"] + header["contexts"]):
            next(lines)
        responses: set[int] = set()
        last = 0
        for _ in range(header["pairs"]):
            pair = next(lines)
            if not last <= pair["rater"] < len(people) or not 0 <= pair["context"] < header["contexts"]:
                raise broken("the file of the pairs: its pairs are not in the order of the raters", seq)
            last = pair["rater"]
            counts[rater_ids[last]] += 1
            responses |= {pair["chosen"], pair["rejected"]}
        if next(lines, None) is not None:
            raise broken("the file of the pairs goes on after its last pair", seq)
    same(len(responses), values["responses"], "the number of responses of the pairs", seq)
    return people, counts


def _lines_of(stream: Any, seq: int) -> Iterator[dict[str, Any]]:
    for line in iter(lambda: stream.readline(LONGEST_LINE), b""):
        found = json.loads(line)
        if not isinstance(found, dict):
            raise broken("the file of the pairs holds a line that is no table", seq)
        yield found


def _check_people(
    record: Record, pool: PoolRead, built: Found, people: dict[str, dict[str, Any]], counts: Counter[str]
) -> None:
    if {rater_id for rater_id, _ in pool.everybody} != counts.keys():
        raise broken("the pool and those whom it leaves out are not the raters who have a pair", pool.seq)
    names, types = pool.values["attributes"], pool.values["types"]
    for rater in pool.values["raters"]:
        what, said = f"rater {brief(rater['rater_id'])}", people[rater["rater_id"]]
        same(rater["pairs"], counts[rater["rater_id"]], f"{what}: the number of pairs", pool.seq)
        same(rater.get("locale", ""), said["locale"], f"{what}: the locale", pool.seq)
        categories = types[rater["type"]]["categories"]
        same(categories, [said["attributes"][name] for name in names], f"{what}: the attributes", pool.seq)
    _check_unlisted(record, pool, built, people, counts)
    locale = (record.genesis["config"].get("data") or {}).get("locale")
    if locale is not None and any(said["locale"] != locale for said in people.values()):
        raise broken(f"the configuration asks for raters of {brief(locale)} alone, and there are others", built.seq)


def _check_unlisted(
    record: Record, pool: PoolRead, built: Found, people: dict[str, dict[str, Any]], counts: Counter[str]
) -> None:
    """Who is left out lacks a category where the pool says so; answers without one are counted again."""
    targets = {
        name: section["targets"]
        for name, section in sections(record.genesis["config"].get("population") or {}, "attributes", "name").items()
    }
    for row in pool.values.get("left_out", []):
        what, said = f"rater {brief(row['rater_id'])}, who is left out", people[row["rater_id"]]
        lacking = [name for name, known in targets.items() if said["attributes"][name] not in known]
        same(row["attributes"], lacking, f"{what}: attributes without a category", pool.seq)
        same(row["pairs"], counts[row["rater_id"]], f"{what}: the number of pairs", pool.seq)
        same(row.get("locale", ""), said["locale"], f"{what}: the locale", pool.seq)
    answers = Counter(
        (name, said["attributes"][name])
        for said in people.values()
        for name, known in targets.items()
        if said["attributes"][name] not in known
    )
    told = {
        (row["attribute"], row["answer"]): row["raters"]
        for row in built.values.get("unlisted", [])
        if row.get("category") is None
    }
    if told != answers:
        raise broken(f"answers without a category are {brief(dict(answers))}, and {brief(told)} is recorded", built.seq)
