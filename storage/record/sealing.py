"""Sealing parts of events into salted texts when they are recorded, and opening them when they are read.

What a sealed part is and which salt it has is `core.facts.sealed`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from core.errors import InputError
from core.facts.sealed import SALT, SEALED
from core.run_folder import RunFolder
from storage.errors import StorageError
from storage.record.codec import canonical, is_whole, parse

if TYPE_CHECKING:
    from core.events import Event, RunCreated

BodyOf = Callable[[str], bytes | None]
"""The body of a text by its SHA-256; None where it is not here."""


_ABOUT = ("lottery", "draw", "condition", "level", "panel", "round")
"""Fields that tell two events of a kind in one run apart."""

_ABOUT_STEPS = ("step",)
"""Those that only some kinds have, and that only their salts know of."""


def salt_of(secret: bytes, run: str, kind: str, part: str, values: Mapping[str, Any]) -> str:
    """The salt of a part of an event with these values, 32 hex digits."""
    steps = [values[name] for name in _ABOUT_STEPS if name in values]
    return _keyed(secret, run, kind, part, *(values.get(name) for name in _ABOUT), *steps)[:32]


def _keyed(secret: bytes, *about: Any) -> str:
    """HMAC-SHA256 over a JSON list, hex."""
    text = json.dumps(about, ensure_ascii=False)
    return hmac.new(secret, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Sealer:
    """Seals the parts of a run's events, under the secret of its pseudonyms."""

    secret: bytes
    run: str

    @classmethod
    def of(cls, folder: RunFolder, genesis: RunCreated) -> Sealer:
        """That of a run.

        Raises:
            StorageError: the secret cannot be read, or is not the one that the run was made with.
        """
        from core.data.pseudonyms import kept_secret

        try:
            secret = kept_secret(folder.private)
        except InputError as error:
            raise StorageError(str(error)) from None
        if hashlib.sha256(secret).hexdigest() != genesis.secret:
            raise StorageError(
                f"{folder.private} does not hold the secret that the pseudonyms of {genesis.run_id} were made with; "
                "put the right pseudonym.key back, or start a new run with `dempo clone`"
            )
        return cls(secret, genesis.run_id)

    def seal(self, event: Event) -> tuple[dict[str, Any], list[bytes]]:
        """The payload of an event without its sealed parts, which it names, and their texts."""
        return sealed_values(event.kind, event.payload(), partial(salt_of, self.secret, self.run, event.kind))

    def leaf_key(self, kind: str, *about: str) -> str:
        """The key of the salts in the tree of an event of a kind about a draw (its id and round) or a condition."""
        return _keyed(self.secret, self.run, kind, "leaves", *about)


def sealed_values(
    kind: str, values: Mapping[str, Any], salt: Callable[[str, Mapping[str, Any]], str]
) -> tuple[dict[str, Any], list[bytes]]:
    """The values of an event of a kind without its sealed parts, which they name, and the texts of these.

    A part of which no field is given is left out.

    Args:
        salt: that of a part of an event with these other values.
    """
    from core.events import EVENTS, digest

    plain = dict(values)
    inner = {
        part: {name: plain.pop(name) for name in fields if name in plain}
        for part, fields in EVENTS[kind].sealed_fields().items()
    }
    texts = {part: canonical({SALT: salt(part, plain), **found}).encode() for part, found in inner.items() if found}
    named = {part: {"sha256": digest(text)} for part, text in texts.items()}
    return plain | ({SEALED: named} if named else {}), list(texts.values())


def opened(values: Mapping[str, Any], body_of: BodyOf) -> dict[str, Any]:
    """The values of a payload with the fields of its sealed parts; what is not here stays named under "sealed".

    Raises:
        StorageError: a part was changed.
    """
    found = dict(values)
    absent = {}
    for part, reference in dict(found.pop(SEALED, {})).items():
        body = body_of(reference["sha256"])
        if body is None:
            absent[part] = reference
            continue
        if not is_whole(reference["sha256"], body):
            raise StorageError(f"the text {reference['sha256'][:12]}… was changed; run `dempo verify`")
        found |= json.loads(body)
        found.pop(SALT, None)
    return found | ({SEALED: absent} if absent else {})


def read_payload(payload: str, body_of: BodyOf) -> tuple[dict[str, Any], tuple[str, int] | None]:
    """`codec.parse`, with the sealed parts opened.

    Raises:
        ValueError: as `codec.parse`, or a part is no JSON object.
        StorageError: a part was changed.
    """
    values, unit = parse(payload)
    return opened(values, body_of), unit


def known(values: Mapping[str, Any]) -> dict[str, Any]:
    """Opened values without the names of parts that are not here."""
    return {name: value for name, value in values.items() if name != SEALED}


def bodies_of(db: sqlite3.Connection) -> BodyOf:
    """The texts of a database."""

    def body(sha256: str) -> bytes | None:
        row = db.execute("SELECT body FROM blobs WHERE sha256 = ?", [sha256]).fetchone()
        return None if row is None else row[0]

    return body
