"""Answers that no category of the population has: counted, told together, and what the configuration does with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from core.data.files.rows import Row, listed, shown
from core.errors import InputError
from core.events import UnlistedAnswer
from core.facts.plural import number_of
from core.sections.who_is_drawn import Attribute

REMEDY = (
    "correct the data, give the answer a target (if only 0), or let the attribute say what becomes of such answers: "
    'unlisted = "leave_out" (not in the pool, still among all raters) or one of its categories'
)

_ANSWERS = 20
"""How many answers to one attribute a message tells, the most frequent first: a column may hold free text."""


class Unlisted:
    """The answers of a survey that have no category, by attribute, with the number of people who gave each."""

    def __init__(self, attributes: Sequence[Attribute]) -> None:
        self._attributes = {attribute.name: attribute for attribute in attributes}
        self._people: dict[str, Counter[str]] = {name: Counter() for name in self._attributes}
        self._first: dict[tuple[str, str], Row] = {}

    def category(self, row: Row, attribute: Attribute, answer: str) -> str:
        """What an answer counts as: the category that the attribute names, else the answer itself; counts it."""
        self._people[attribute.name][answer] += 1
        self._first.setdefault((attribute.name, answer), row)
        taken = _taken_for(attribute)
        return answer if taken is None else taken

    def refuse(self) -> None:
        """Ends the reading where an attribute refuses such answers.

        Raises:
            InputError: with every answer of every such attribute, the number of people, and where the first one is.
        """
        told = [line for name, found in self._attributes.items() if _refuses(found) for line in self._told(name)]
        if len(told) == 1:
            raise InputError(f"{told[0]}; {REMEDY}")
        if told:
            raise InputError("\n  ".join(["answers of the survey have no category:", *told, REMEDY]))

    def rows(self) -> list[UnlistedAnswer]:
        """What is recorded of them, in an order that does not depend on that of the people."""
        return [
            UnlistedAnswer(attribute=name, answer=answer, raters=people, category=_taken_for(self._attributes[name]))
            for name in self._attributes
            for answer, people in sorted(self._people[name].items())
        ]

    def notes(self) -> tuple[str, ...]:
        """What a person should know who starts a run, as sentences."""
        return tuple(
            f"{self._attributes[row.attribute].column} {_said(row.answer)} ({_people(row.raters)}), no category of "
            f"attribute {row.attribute!r}: "
            + (f"taken for {row.category!r}" if row.category else "left out of the pool, still among all raters")
            for row in self.rows()
        )

    def _told(self, name: str) -> Iterator[str]:
        attribute, people = self._attributes[name], self._people[name]
        for answer, count in people.most_common(_ANSWERS):
            where = self._first[name, answer].where
            yield (
                f"{where}: {attribute.column} {_said(answer)} ({_people(count)}), no category of attribute {name!r} "
                f"(known: {listed(attribute.targets)})"
            )
        if len(people) > _ANSWERS:
            yield f"and {number_of(len(people) - _ANSWERS, 'further answer')} to {attribute.column}"


def _refuses(attribute: Attribute) -> bool:
    return attribute.unlisted == "refuse" and "refuse" not in attribute.targets


def _taken_for(attribute: Attribute) -> str | None:
    return attribute.unlisted if attribute.unlisted in attribute.targets else None


def _said(answer: str) -> str:
    return f"is {shown(answer)}" if answer else "has no value"


def _people(count: int) -> str:
    return number_of(count, "person", "people")
