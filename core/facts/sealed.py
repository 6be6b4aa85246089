"""Sealed parts of events: what an export may have to withhold stands in a salted text beside the event.

An event names each of its sealed parts by the SHA-256 of a text, `{"sealed": {"people": {"sha256": "…"}}}`. The text is
a JSON object with a salt and the fields of the part; the chain is over the event, so it holds whether or not the text
is there, and without the salt nobody can tell by trying which text it was.

- `people`: rows about persons, and everything listed by type: a type may be one person. Withheld by `--redact --k N`.
- `private`: what leads back to the source: the order of the source's ids, files that are numbered in it, what published
  files say of each person, places on a machine and what people's programs said there. Withheld by every redaction.

A salt is HMAC-SHA256 under the secret of the pseudonyms over the run, the kind of event, the part and what the event is
about, so that a unit that is done again is sealed as before.
"""

from __future__ import annotations

from collections.abc import Mapping

SEALED = "sealed"
"""The field of a payload that names the sealed parts."""

SALT = "salt"
"""The field of a part's text that is no field of the event."""

PEOPLE, PRIVATE = "people", "private"

WITHHELD_ROWS: Mapping[str, str] = {PEOPLE: "rows about people and types", PRIVATE: "what leads back to the source"}
"""What of an event is withheld with a part, in words."""
