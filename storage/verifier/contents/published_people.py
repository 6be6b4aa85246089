"""Published files about people: what they give, by places in the pool, and their numbers beside a lottery's."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from core.facts.plural import number_of
from core.facts.ranking.published.verdicts import ComparedNumber
from core.facts.sortition.published_people import OwnLottery, PeopleGiven, compared_people
from storage.verifier.contents.lotteries import LotteryRead, lotteries_of_record
from storage.verifier.ground.finding import brief, broken, one_of, same, sections, spend, whole
from storage.verifier.ground.record import Found, Record

NEAR_PEOPLE = 1e-9
"""How far numbers of people may lie apart that are one number."""


def lotteries_with_people(record: Record) -> list[str]:
    """The lotteries that the configuration compares with published files about people."""
    listed = sections(record.genesis["config"], "lotteries", "name").items()
    return [name for name, section in listed if section.get("published") is not None]


def check_published_people(record: Record) -> str:
    """Every number of a published panel, of published π and of published weights follows from what the file gives of
    the people of the pool, and what stands beside it from the lottery."""
    whole(record)
    read, compared = record.counted("people.read"), record.counted("people.compared")
    if not read and not compared:
        return "nothing published about people was imported"
    asked = lotteries_with_people(record)
    rows = 0
    for name in dict.fromkeys(event.values["lottery"] for event in (*read, *compared)):
        own_read = [event for event in read if event.values["lottery"] == name]
        own_compared = [event for event in compared if event.values["lottery"] == name]
        seq = (own_read or own_compared)[0].seq
        if name not in asked:
            raise broken(f"the configuration compares lottery {brief(name)} with nothing published", seq)
        lottery = one_of(lotteries_of_record(record), name, "the lottery", seq)
        rows += _check_lottery_beside(record, lottery, own_read, own_compared)
    return f"{number_of(rows, 'number')} of {number_of(len(read), 'published file')} about people worked out again"


def _check_lottery_beside(
    record: Record, lottery: LotteryRead, read: Sequence[Found], compared: Sequence[Found]
) -> int:
    """Compares every file's numbers with those that follow; how many there are."""
    given = [_people_given(event, lottery) for event in read]
    _check_each_once(read)
    own = _own_lottery(lottery)
    spend(record, len(read) * (20 * len(own.pi) + len(own.quotas)))
    if compared or record.ledger.ended("lottery"):
        same(len(compared), len(read), "how many published files about people are compared", (compared or read)[0].seq)
    rows = 0
    for event, file, source in zip(compared, given, read, strict=True) if compared else ():
        same(event.values["what"], file.what, "which published file is compared", event.seq)
        same(event.values["name"], source.values["file"]["name"], "the published file that is compared", event.seq)
        same(event.values["sha256"], source.values["file"]["sha256"], "the published file that is compared", event.seq)
        rows += _check_people_rows(event, compared_people(file, given, own))
    return rows


def _check_each_once(read: Sequence[Found]) -> None:
    seen: set[str] = set()
    for event in read:
        what = event.values["what"]
        same(event.values["origin"], "imported", "where a published file about people comes from", event.seq)
        if what != "pairs" and what in seen:
            raise broken(f"two published files of {brief(what)} are recorded", event.seq)
        seen.add(what)


def _people_given(event: Found, lottery: LotteryRead) -> PeopleGiven:
    """What a file gives, where it can be."""
    values, seq = event.values, event.seq
    what = values["what"]
    if what == "pi":
        file = PeopleGiven(what, values["people"], values["total"], pi=dict(values["pi"]))
        listed = [i for i, _ in values["pi"]]
        if not all(0 <= pi <= 1 for pi in file.pi.values()):
            raise broken("a published π is no probability", seq)
        missing = file.pi_sum - math.fsum(file.pi.values())
        if abs(missing) > NEAR_PEOPLE and not -NEAR_PEOPLE <= missing <= file.people - len(listed) + NEAR_PEOPLE:
            raise broken(f"the published π sum to {brief(file.pi_sum)}, and those of the pool do not go with it", seq)
    elif what == "panel":
        file = PeopleGiven(what, values["people"], members=values["members"])
        listed = values["members"]
    elif what == "pairs":
        file = PeopleGiven(what, values["people"], weights={i: (n, low, high) for i, n, low, high in values["weights"]})
        listed = [row[0] for row in values["weights"]]
        if not all(n >= 1 and 0 <= low <= high < math.inf for n, low, high in file.weights.values()):
            raise broken("published weights of a person are none of pairs", seq)
        pairs, others = sum(n for n, _, _ in file.weights.values()), file.people - len(listed)
        if pairs + others > values["file"]["rows"] or (others == 0 and pairs != values["file"]["rows"]):
            raise broken("the published pairs of all people are not the rows of their file", seq)
    else:
        raise broken(f"{brief(what)} is no published file about people", seq)
    if listed != sorted(set(listed)) or any(not 0 <= i < len(lottery.pool.type_of) for i in listed):
        raise broken("a published file names people that the pool does not have, or out of their order", seq)
    if len(listed) > file.people:
        raise broken("a published file has more people of the pool than people", seq)
    if what != "pairs":
        same(values["file"]["rows"], file.people, "how many people a published file has", seq)
    return file


def _own_lottery(lottery: LotteryRead) -> OwnLottery:
    pool, optimum = lottery.pool, lottery.solved.values.get("optimum")
    pi = [float(p) for p in lottery.by_rater] if optimum is None else [optimum[t] for t in pool.type_of]
    return OwnLottery(
        lottery.solved.values["lottery"],
        lottery.quotas.values["size"],
        optimum is not None,
        pi,
        pool.type_of,
        [rater["pairs"] for rater in pool.values["raters"]],
        pool.values["attributes"],
        [row["categories"] for row in pool.values["types"]],
        lottery.quotas.values["quotas"],
    )


def _check_people_rows(event: Found, wanted: Sequence[ComparedNumber]) -> int:
    rows = event.values["rows"]
    same(len(rows), len(wanted), "how many numbers of a published file about people there are", event.seq)
    for row, own in zip(rows, wanted, strict=True):
        _check_people_row(event, row, own)
    return len(rows)


def _check_people_row(event: Found, row: Mapping[str, Any], own: ComparedNumber) -> None:
    number = own.number
    what = f"published {number.method}, {number.measure} {number.other}".rstrip()
    names = {"method": number.method, "measure": number.measure, "condition": number.condition, "other": number.other}
    for name, text in {**names, "verdict": own.verdict, "reason": own.reason}.items():
        same(row[name], text, f"{what}: its {name}", event.seq)
    numbers = {"published": number.value, "low": number.low, "high": number.high}
    for name, value in {**numbers, "recomputed": own.recomputed, "difference": own.difference}.items():
        found = row.get(name)
        if (found is None) != (value is None) or (found is not None and not _near_people(found, value)):
            raise broken(f"{what}: {name} is {brief(found)}, and should be {brief(value)}", event.seq)


def _near_people(one: Any, other: Any) -> bool:
    return math.isclose(float(one), other, rel_tol=NEAR_PEOPLE, abs_tol=NEAR_PEOPLE)
