"""What every event is made of: texts, artifacts, numbers, parts, and the base class."""

from __future__ import annotations

import hashlib
import math
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from core.facts.chain import SHA256_HEX


def encode_text(text: str) -> bytes:
    """The exact bytes of a text, lone surrogates included (they occur in model output)."""
    return text.encode("utf-8", "surrogatepass")


def decode_text(body: bytes) -> str:
    """The inverse of `encode_text`."""
    return body.decode("utf-8", "surrogatepass")


def digest(body: bytes) -> str:
    """SHA-256 in hex: the name of a blob or an artifact."""
    return hashlib.sha256(body).hexdigest()


def named_number(value: object) -> object:
    """Turns a float that JSON cannot hold into its name."""
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    return value


Number = Annotated[float | Literal["nan", "inf", "-inf"], BeforeValidator(named_number)]
"""A float, or the name of a value that JSON cannot hold; `float` takes both."""

Sha256 = Annotated[str, StringConstraints(pattern=f"^{SHA256_HEX}$")]
"""A hash or another key of 32 bytes in hex."""


def volatile(description: str, **more: Any) -> Any:
    """A field that may differ between two runs that are the same."""
    return Field(description=description, json_schema_extra={"volatile": True}, **more)


def sealed(part: Literal["people", "private"], description: str, volatile: bool = False, **more: Any) -> Any:
    """A field that stands in a sealed part of the event (`core.facts.sealed`), not in its payload."""
    extra: dict[str, Any] = {"sealed": part} | ({"volatile": True} if volatile else {})
    return Field(description=description, json_schema_extra=extra, **more)


def described(description: str, **more: Any) -> Any:
    """A field with its description for the catalogue."""
    return Field(description=description, **more)


class Part(BaseModel):
    """A structured value inside an event."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Text(Part):
    """A text stored as a blob. `shown` names a second blob with NUL and lone surrogates as U+FFFD."""

    sha256: Sha256
    shown: Sha256 | None = None

    @property
    def readable(self) -> str:
        """The blob that a view shows."""
        return self.shown or self.sha256


class Artifact(Part):
    """A file under `artifacts/`, named by its content."""

    sha256: Sha256
    bytes: int
    media_type: str


class Event(BaseModel):
    """Base of all events; `kind` is the literal tag under which the class is registered."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: ClassVar[str]

    def payload(self) -> dict[str, Any]:
        """All fields as plain JSON values, those of sealed parts included; absent optional fields are left out."""
        return self.model_dump(mode="json", exclude_none=True)

    @classmethod
    def sealed_fields(cls) -> dict[str, tuple[str, ...]]:
        """The fields of each sealed part, by the part's name."""
        found: dict[str, tuple[str, ...]] = {}
        for name, field in cls.model_fields.items():
            extra = field.json_schema_extra
            if isinstance(extra, dict) and (part := extra.get("sealed")):
                found[str(part)] = (*found.get(str(part), ()), name)
        return found
