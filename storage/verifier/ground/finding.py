"""How a check ends when it is not simply well: with a verdict, a sentence and the first event that shows it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar

from storage.check import Check, Verdict
from storage.verifier.ground.reading import is_hindrance
from storage.verifier.ground.record import Found, Record, WithheldField
from storage.verifier.ground.shapes import alike

MOST_STEPS = 200_000_000
"""Work that the checks of a record may take together beyond reading it: minutes. A paper's run takes a hundredth."""

STEPS_OF_A_NUMBER = 10
"""What a random number costs of them."""

NO_MEMORY = "this check takes more memory than there is here"

Known = TypeVar("Known")

Step = Callable[[Record], str]
"""A check: it says what was found, or raises a `Finding`."""


class Finding(Exception):
    """Ends a check with another verdict than "ok"."""

    def __init__(self, verdict: Verdict, detail: str, event: int | None = None) -> None:
        super().__init__(detail)
        self.verdict: Verdict = verdict
        self.detail = detail
        self.event = event


def broken(detail: str, event: int | None = None) -> Finding:
    """Something that is wrong."""
    return Finding("failed", detail, event)


def newer(what: str, event: int | None = None) -> Finding:
    """Something that a later version of the program may have written: this one cannot say whether it is right."""
    return Finding("unchecked", f"{what} is newer than this verifier; use a newer dempo", event)


def rule_of(event: Found, newest: int, what: str) -> int:
    """The rule by which an event was computed: its field `rule`.

    Raises:
        Finding: it is above `newest`, the last rule known here ("unchecked"), or no rule at all ("failed").
    """
    rule = event.values["rule"]
    if rule < 1:
        raise broken(f"{what} was computed by rule {rule}, and rules are numbered from 1", event.seq)
    if rule > newest:
        raise newer(f"{what}, computed by rule {rule},", event.seq)
    return int(rule)


def concluded(name: str, step: Step, record: Record) -> Check:
    """Runs a check. What a hostile record brings it to is a verdict too."""
    try:
        return Check(name, "ok", step(record))
    except Finding as found:
        return Check(name, found.verdict, found.detail, found.event)
    except WithheldField as field:
        return Check(name, "withheld", f"{field}, so this was not checked")
    except MemoryError:
        return Check(name, "unchecked", NO_MEMORY)
    except OSError as error:
        return Check(name, "unchecked", f"a file cannot be read: {str(error)[:200]}")
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        told = f"{type(error).__name__}: {str(error)[:200]}"
        return Check(name, "failed", f"the record holds what no run of this program writes ({told})")


def whole(record: Record) -> None:
    """Ends a check that needs every event where not every event could be read."""
    if record.problem:
        raise Finding("unchecked" if record.hindered else "failed", record.problem)


def unhindered(record: Record) -> None:
    """Ends a check where the record could not be read to its end and is not to blame for it."""
    if record.hindered:
        whole(record)


def unreadable(error: sqlite3.Error) -> Finding:
    """The database could not be read a second time."""
    return Finding("unchecked" if is_hindrance(error) else "failed", f"the database cannot be read: {error}")


def once(work: Callable[[Record], Known]) -> Callable[[Record], Known]:
    """What several checks build upon is worked out once for each record."""

    @wraps(work)
    def remembered(record: Record) -> Known:
        if work.__name__ not in record.remembered:
            record.remembered[work.__name__] = work(record)
        found: Known = record.remembered[work.__name__]
        return found

    return remembered


def spend(record: Record, steps: int) -> None:
    """Notes work that is larger than what the record itself takes, and ends the check where it becomes too much."""
    spent = record.remembered.get("spent", 0) + max(0, steps)
    record.remembered["spent"] = spent
    if spent > MOST_STEPS:
        raise Finding("unchecked", f"the record takes more than {MOST_STEPS} steps to check, so this was left out")


def sections(config: Any, key: str, name: str) -> dict[str, dict[str, Any]]:
    """The configuration's sections of a kind by their names, in its order."""
    found: dict[str, dict[str, Any]] = {}
    listed = config.get(key, []) if isinstance(config, dict) else None
    if not isinstance(listed, list):
        raise broken(f"the configuration in event 1 has no list {key!r}", 1)
    for section in listed:
        if not isinstance(section, dict) or not isinstance(section.get(name), str) or section[name] in found:
            raise broken(f"the configuration in event 1 has a section of {key!r} without a name of its own", 1)
        found[section[name]] = section
    return found


def same(found: Any, expected: Any, what: str, event: int) -> None:
    """Ends a check where something recorded is not what follows from the rest."""
    if not alike(found, expected):
        raise broken(f"{what} is {brief(found)}; from the rest of the record follows {brief(expected)}", event)


def brief(value: Any) -> str:
    """A value in a sentence."""
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:79]}…"


def one_of(values: Mapping[Any, Any], name: Any, what: str, event: int) -> Any:
    """The entry of that name."""
    if name not in values:
        raise broken(f"{what} {brief(name)} is not in the record", event)
    return values[name]
