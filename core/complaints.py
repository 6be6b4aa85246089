"""What is wrong with a configuration: a sentence for every key, and the keys that would have been right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ValidationError

from core.errors import InputError


@dataclass(frozen=True)
class Complaint:
    """What is wrong with the value of a key, its path with dots; "" is the configuration as a whole."""

    key: str
    told: str
    plain: bool
    """Whether the words go on where the key ends: `run.sede` is not a known key."""

    def __str__(self) -> str:
        return f"{self.key or 'the whole file'}{' ' if self.plain else ': '}{self.told}"

    def about(self, key: str) -> bool:
        """Whether it is about this key or one inside it."""
        return f"{self.key}.".startswith(f"{key}.")


class WrongConfiguration(InputError):
    """Values that cannot be used as given; `complaints` say which."""

    def __init__(self, where: str, complaints: Sequence[Complaint]) -> None:
        lines = [str(complaint) for complaint in complaints]
        super().__init__(f"{where}: " + ("\n  ".join(["", *lines]) if len(lines) > 1 else lines[0]))
        self.complaints = tuple(complaints)


_PLAIN = {
    "extra_forbidden": "is not a known key",
    "missing": "is missing",
}


def complaints_of(error: ValidationError, model: type[BaseModel]) -> list[Complaint]:
    """One per wrong key: its path, what is wrong, and what was given."""
    found = []
    for item in error.errors(include_url=False):
        plain = item["type"] in _PLAIN
        reason = _PLAIN.get(item["type"], item["msg"].removeprefix("Value error, "))
        given = "" if item["type"] in ("missing", "value_error") else f" (given: {_short(item['input'])})"
        known = _known_keys(item["loc"], model) if item["type"] == "extra_forbidden" else ""
        found.append(Complaint(".".join(map(str, item["loc"])), f"{reason}{given}{known}", plain))
    return found


def _known_keys(path: tuple[int | str, ...], within: type[BaseModel]) -> str:
    """The keys that would be valid beside an unknown one."""
    model: Any = within
    for part in path[:-1]:
        if isinstance(part, int):
            continue
        field = model.model_fields.get(part) if isinstance(model, type) and issubclass(model, BaseModel) else None
        if field is None:
            return ""
        model = model_inside(field.annotation)
        if model is None:
            return ""
    return f"; known here: {', '.join(model.model_fields)}"


def model_inside(annotation: Any) -> type[BaseModel] | None:
    """The section that a field holds, or a list of it; None for a value."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        found = model_inside(inner)
        if found is not None:
            return found
    return None


def _short(value: object) -> str:
    shown = str(value) if isinstance(value, Decimal) else repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "…"
