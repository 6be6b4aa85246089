"""A pool from tables: who can be drawn, the quotas in numbers of members, and who of an earlier panel answered.

    respondents   one person per row; the columns that are attributes of the quotas are read, others are not
    quotas        category,name,min,max                  attribute, its value, and how many members may have it;
                                                         `core.data.quota_table` has the other headers
    responses     id,status                              people of an earlier panel who accepted or declined;
                                                         the ids may stand under `source id` or `id_column` as well

Attributes and their categories are those of the quotas, in the order of that file. People who accepted
keep their seats: they leave the pool, and every quota shrinks by the seats they take. Ids of people
never stand in a message, because messages are recorded; the line does instead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.data.files.csv_table import CsvTable, Problems, names, nearest, read_csv
from core.data.quota_table import QuotaTable, read_quotas
from core.errors import InfeasibleQuotas, InputError, quoted
from core.events import FileRead, PoolBounds
from core.facts.plural import number_of
from core.sections.who_is_drawn import DataSection

ANSWERS = {
    **dict.fromkeys(("accepted", "accept", "yes", "y", "true", "1"), True),
    **dict.fromkeys(("declined", "decline", "no", "n", "false", "0"), False),
}
"""What the column `status` of the responses may say, whatever the case."""

_PEOPLE = ("person", "people")


@dataclass(frozen=True)
class Person:
    """One respondent: the id in the source, and a category per attribute."""

    source_id: str
    categories: tuple[str, ...]


@dataclass(frozen=True)
class Tables:
    """What the files say: people who can be drawn in the order of their ids (code points), and bounds left for them.

    `kept` are those who keep a seat of an earlier round.
    """

    quotas: QuotaTable
    people: tuple[Person, ...]
    bounds: tuple[PoolBounds, ...]
    kept: tuple[Person, ...]
    declined: int
    files: tuple[FileRead, ...]

    @property
    def seated(self) -> int:
        """How many people keep a seat of an earlier round."""
        return len(self.kept)

    def notes(self) -> tuple[str, ...]:
        """What a person should know although nothing is wrong, as sentences."""
        if not self.quotas.ignored:
            return ()
        return (f"{self.quotas.path}: the columns {names(self.quotas.ignored)} are ignored; min and max count",)


def read_tables(data: DataSection) -> Tables:
    """Reads the tables of a configuration with `format = "tables"`.

    Raises:
        InputError: a file cannot be used; the message has file, line, column and remedy.
        InfeasibleQuotas: more people accepted than a quota allows.
    """
    assert data.respondents is not None, "the configuration requires respondents"
    assert data.quotas is not None, "the configuration requires quotas"
    quotas = read_quotas(data.quotas)
    respondents = read_csv(data.respondents, "data.respondents")
    people = _people(respondents, quotas, data.id_column)
    files = [respondents.file, quotas.file]
    answers: dict[str, bool] = {}
    if data.responses is not None:
        responses = read_csv(data.responses, "data.responses")
        answers = _answers(responses, {person.source_id for person in people}, data)
        files.append(responses.file)
    seated = [person for person in people if answers.get(person.source_id) is True]
    return Tables(
        quotas=quotas,
        people=tuple(person for person in people if person.source_id not in answers),
        bounds=_bounds_left(quotas, seated),
        kept=tuple(seated),
        declined=len(answers) - len(seated),
        files=tuple(files),
    )


# ---------------------------------------------------------------- people


def _people(table: CsvTable, quotas: QuotaTable, id_column: str | None) -> list[Person]:
    """All respondents in the order of their ids."""
    attributes = quotas.attributes()
    places = [
        (_attribute_column(table, quotas, name), name, [q.category for q in quotas.of(name)]) for name in attributes
    ]
    problems = Problems(table)
    ids = _ids(table, id_column, problems)
    for row in table.rows:
        for place, name, known in places:
            if row.cells[place] not in known:
                problems.add(row.line, _no_quota(row.cells[place], known), name)
    problems.refuse()
    people = [
        Person(source_id, tuple(row.cells[place] for place, _, _ in places))
        for source_id, row in zip(ids, table.rows, strict=True)
    ]
    return sorted(people, key=lambda person: person.source_id)


def _attribute_column(table: CsvTable, quotas: QuotaTable, attribute: str) -> int:
    try:
        return table.column(attribute)
    except InputError as error:
        line = quotas.of(attribute)[0].line
        raise InputError(f"{error} ({quotas.path}, line {line}, has quotas for it)") from error


def _ids(table: CsvTable, column: str | None, problems: Problems) -> list[str]:
    """Ids of all rows, short of those that cannot be used.

    Without a column rows are numbered, so that the order of code points is that of rows.
    """
    if column is None:
        width = max(4, len(str(len(table.rows))))
        return [f"row {number:0{width}d}" for number in range(1, len(table.rows) + 1)]
    place = table.column(column.strip())
    lines: dict[str, int] = {}
    for row in table.rows:
        source_id = row.cells[place]
        if not source_id:
            problems.add(row.line, "this cell is empty; every person needs an id of their own", column)
        elif source_id in lines:
            told = f"the same id stands in line {lines[source_id]}; remove the row, or give each person an own id"
            problems.add(row.line, told, column)
        else:
            lines[source_id] = row.line
    return list(lines)


def _no_quota(value: str, known: Sequence[str]) -> str:
    problem = f"{quoted(value)} has no quota{nearest(value, known)}" if value else "this cell is empty"
    return f"{problem} (quotas are for: {names(known, 20)}); correct the cell, or add a row to the quotas"


# ---------------------------------------------------------------- responses


def _answers(table: CsvTable, ids: set[str], data: DataSection) -> dict[str, bool]:
    """Whether each of the people who answered accepted, by id."""
    by_fold = {cell.casefold(): cell for cell in table.header.cells}
    id_name = by_fold.get("id") or by_fold.get("source id") or data.id_column or "id"
    place, status = table.column(id_name), table.column(by_fold.get("status", "status"))
    found: dict[str, bool] = {}
    lines: dict[str, int] = {}
    problems = Problems(table)
    for row in table.rows:
        source_id, word = row.cells[place], row.cells[status]
        answer = ANSWERS.get(word.casefold())
        if source_id not in ids:
            remedy = f"the ids are those of its column {quoted(data.id_column)}" if data.id_column else _ROW_IDS
            problem = "nobody" if source_id else "this cell is empty; nobody"
            problems.add(row.line, f"{problem} in {data.respondents} has this id; {remedy}", id_name)
        if answer is None:
            problem = f"{quoted(word)} is no answer" if word else "this cell is empty"
            remedy = f"write one of {', '.join(ANSWERS)}, and leave out people who have not answered"
            problems.add(row.line, f"{problem}; {remedy}", "status")
        elif found.setdefault(source_id, answer) != answer:
            told = f"the same person gave another answer in line {lines[source_id]}; keep one of both"
            problems.add(row.line, told)
        lines.setdefault(source_id, row.line)
    problems.refuse()
    return found


_ROW_IDS = "without data.id_column people are called 'row 0001', 'row 0002' and so on"


def _bounds_left(quotas: QuotaTable, seated: Sequence[Person]) -> tuple[PoolBounds, ...]:
    """The quotas less the seats that are taken; a lower bound that is met already becomes 0."""
    attributes = quotas.attributes()
    taken = Counter((name, c) for person in seated for name, c in zip(attributes, person.categories, strict=True))
    for row in quotas.rows:
        accepted = taken[row.attribute, row.category]
        if accepted > row.upper:
            raise InfeasibleQuotas(
                f"{quotas.path}, line {row.line}: {number_of(accepted, *_PEOPLE)} with {quoted(row.attribute)} "
                f"{quoted(row.category)} accepted, but max is {row.upper}; raise max to {accepted}, or ask "
                f"{accepted - row.upper} of them to step back and write 'declined' for them"
            )
    return tuple(
        PoolBounds(
            attribute=row.attribute,
            category=row.category,
            lower=max(0, row.lower - taken[row.attribute, row.category]),
            upper=row.upper - taken[row.attribute, row.category],
        )
        for row in quotas.rows
    )


# ---------------------------------------------------------------- sums


def require_sums(tables: Tables, lottery: str, size: int) -> None:
    """Refuses a panel size that the quotas of one attribute, by themselves, rule out.

    Raises:
        InputError: everyone who accepted fills the panel already.
        InfeasibleQuotas: the minima of an attribute sum to more than the seats, or its maxima to less.
    """
    seats = size - tables.seated
    left = f" left ({tables.seated} of {size} are taken)" if tables.seated else ""
    if seats <= 0:
        raise InputError(
            f"lottery {lottery!r}: {number_of(tables.seated, *_PEOPLE)} accepted, and the panel has "
            f"{number_of(size, 'seat')}; there is nobody left to draw"
        )
    for attribute in tables.quotas.attributes():
        bounds = [bound for bound in tables.bounds if bound.attribute == attribute]
        least, most = sum(bound.lower for bound in bounds), sum(bound.upper for bound in bounds)
        if least <= seats <= most:
            continue
        lines = [row.line for row in tables.quotas.of(attribute)]
        where = f"line {lines[0]}" if len(lines) == 1 else f"lines {min(lines)} to {max(lines)}"
        what, amount, change, side = (
            ("ask for at least", least, "lower", "min") if least > seats else ("allow at most", most, "raise", "max")
        )
        raise InfeasibleQuotas(
            f"lottery {lottery!r}: No panel of {size} meets the quotas. In {tables.quotas.path} ({where}) the "
            f"categories of {quoted(attribute)} {what} {number_of(amount, *_PEOPLE)}, but "
            f"there {'is' if seats == 1 else 'are'} {number_of(seats, 'seat')}{left}. "
            f"{change.capitalize()} some of their {side}, or choose another size; `dempo feasible` says which exist.",
            _details(lottery, size, bounds, side),
        )


def _details(lottery: str, size: int, bounds: Sequence[PoolBounds], side: str) -> Mapping[str, object]:
    conflict = [
        {
            "attribute": bound.attribute,
            "category": bound.category,
            "side": "lower" if side == "min" else "upper",
            "bound": bound.lower if side == "min" else bound.upper,
        }
        for bound in bounds
        if side == "max" or bound.lower
    ]
    unknown = dict.fromkeys(("least_change", "single_changes", "feasible_sizes"))
    return {"lottery": lottery, "size": size, "conflict": conflict, **unknown}
