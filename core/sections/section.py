"""What all sections of a configuration share: their base, and kinds of values."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from core.asking.address import plain_address

Identifier = Annotated[str, Field(pattern=r"^[a-z0-9_][a-z0-9_-]{0,39}$")]
Positive = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Money = Annotated[Decimal, Field(ge=0, le=1_000_000_000, decimal_places=9)]
"""An amount, or a price of a million tokens: exact, so that what was spent is not a matter of rounding."""
Patience = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""Minutes for which an endpoint that answers nothing but limits is waited for."""
Address = Annotated[str, AfterValidator(plain_address)]
Place = Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())]
"""A path, recorded in full, so that a resume finds it.

A relative one is taken from the current folder; those that stand in a file were placed by `core.config_file` before.
"""


class Section(BaseModel):
    """Base of all sections: unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def require_distinct(names: Sequence[str], what: str, remedy: str = "") -> Sequence[str]:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two entries are called {name!r}; each {what} needs a name of its own{remedy}")
    return names


def require_known(name: str, known: Sequence[str], where: str) -> None:
    if name not in known:
        listed = ", ".join(repr(k) for k in known) or "there is none"
        raise ValueError(f"{where} {name!r} is not defined (defined: {listed})")
