"""Within the stage `lottery`: published files about people, and their numbers beside those of the run's own lottery.

Ids are looked up under the pseudonyms of the pool; what is recorded of each person stands in a sealed part that no
redacted copy has.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from core.config import RunConfig
from core.data.files.jsonl import JsonLines
from core.data.pseudonyms import kept_secret, pseudonyms
from core.data.tables import read_tables
from core.errors import InputError, quoted
from core.events import Event, LotteryQuotas, LotterySolved, PeopleCompared, PeopleRead
from core.facts.plural import number_of
from core.facts.sortition.published_people import OwnLottery, PeopleGiven, compared_people
from core.publication.comparing import row_of
from core.publication.people_files import ListedPeople, people_files_in, read_people
from core.sections.who_is_drawn import LotterySection
from core.sortition.recording import lottery_from
from core.stage import Context, Unit, only
from core.types import Pool


def check_people(config: RunConfig) -> None:
    """Refuses folders of which the stage could make nothing.

    Raises:
        InputError: as `people_files_in` and `read_people`; a folder holds nothing about people; or a file names people
            whom the survey does not have.
    """
    for section in config.lotteries:
        if section.published is not None:
            surveyed = _surveyed(config)
            for listed in _listed(section.published):
                if surveyed is not None:
                    _require_surveyed(listed, surveyed)


def record_people(ctx: Context, section: LotterySection, pool: Pool, events: Sequence[Event]) -> None:
    """Records every file about people of the folder that a lottery names, and its numbers beside the lottery's.

    Two units: `<name>/published` and `<name>/compared`.

    Args:
        events: of the lottery's own units.

    Raises:
        InputError: as `check_people`, where the files are not recorded yet.
    """
    folder = section.published
    if folder is None:
        return

    def read(unit: Unit) -> None:
        for listed in _listed(folder):
            unit.add(_people_read(section.name, listed, _places(ctx, pool, listed.ids)))

    recorded = [e for e in ctx.unit(f"{section.name}/published", read) if isinstance(e, PeopleRead)]

    def compare(unit: Unit) -> None:
        own = _own_lottery(pool, events)
        given = [_given(event) for event in recorded]
        for event, file in zip(recorded, given, strict=True):
            rows = [row_of(row) for row in compared_people(file, given, own)]
            told = {"what": event.what, "name": event.file.name, "sha256": event.file.sha256}
            unit.add(PeopleCompared(lottery=section.name, rows=rows, **told))

    ctx.unit(f"{section.name}/compared", compare)


def _listed(folder: Path) -> list[ListedPeople]:
    if not folder.is_dir():
        raise InputError(f"lotteries: published is {folder}, which is not a folder")
    found = list(read_people(people_files_in(folder)))
    if not found:
        raise InputError(
            f"{folder} holds nothing about people: no CSV file with user_id and pi, no text file of a panel's ids, no "
            "JSON lines of weighted pairs"
        )
    return found


def _surveyed(config: RunConfig) -> frozenset[str] | None:
    """The ids of everybody in the data; None where they are not on this machine."""
    if config.data.people_only:
        return frozenset(person.source_id for person in read_tables(config.data).people)
    if config.data.path is None:
        return None
    survey = config.data.path / "survey.jsonl"
    return frozenset(str(row.values.get("user_id")) for row in JsonLines(survey))


def _require_surveyed(listed: ListedPeople, surveyed: frozenset[str]) -> None:
    unknown = [person for person in listed.ids if person not in surveyed]
    if unknown:
        raise InputError(
            f"{listed.file.name} names {number_of(len(unknown), 'person', 'people')} whom the survey does not have "
            f"({', '.join(quoted(person) for person in unknown[:3])}); give the survey that it was made from"
        )


def _places(ctx: Context, pool: Pool, ids: Iterable[str]) -> dict[str, int]:
    """The place in the pool of each of these people who is in it."""
    listed = list(ids)
    place = {rater.rater_id: i for i, rater in enumerate(pool.raters)}
    digits = max(map(len, place), default=0)
    names = [name[:digits] for name in pseudonyms(kept_secret(ctx.folder.private), listed, digits)]
    return {person: place[name] for person, name in zip(listed, names, strict=True) if name in place}


def _people_read(lottery: str, listed: ListedPeople, place: dict[str, int]) -> PeopleRead:
    known = sorted((place[person], person) for person in listed.ids if person in place)
    told: dict[str, Any] = {}
    if listed.what == "pi":
        told = {"total": math.fsum(listed.pi.values()), "pi": [(i, listed.pi[person]) for i, person in known]}
    elif listed.what == "panel":
        told = {"members": [i for i, _ in known]}
    else:
        told = {"weights": [(i, *listed.weights[person]) for i, person in known]}
    return PeopleRead(lottery=lottery, what=listed.what, file=listed.file, people=len(listed.ids), **told)


def _given(event: PeopleRead) -> PeopleGiven:
    return PeopleGiven(
        event.what,
        event.people,
        event.total or 0.0,
        dict(event.pi or ()),
        event.members or (),
        {i: (pairs, low, high) for i, pairs, low, high in event.weights or ()},
    )


def _own_lottery(pool: Pool, events: Sequence[Event]) -> OwnLottery:
    solved, asked = only(events, LotterySolved), only(events, LotteryQuotas)
    made = lottery_from(events, pool.type_sizes())
    optimum = solved.optimum
    pi = [float(p) for p in made.inclusion(pool.type_of)] if optimum is None else [optimum[t] for t in pool.type_of]
    return OwnLottery(
        solved.lottery,
        asked.size,
        optimum is not None,
        pi,
        pool.type_of,
        pool.pairs,
        pool.attributes,
        pool.types,
        [quota.model_dump() for quota in asked.quotas],
    )
