"""One event whole, in words and as data: the same in the app and in `dempo show`."""

from __future__ import annotations

import json
from typing import Any

from rich.text import Text

from core.visible import LIMIT, clipped, one_line
from storage.record.event_pages import WholeEntry
from tui.widgets.figures import whole


def event_text(event: WholeEntry | None, most: int = LIMIT) -> Text:
    """One event: its envelope, its place in the chain, its payload, and the sealed parts that lie beside it.

    Args:
        most: characters of a text, of which the beginning is shown where it has more.
    """
    text = Text(overflow="fold")
    if event is None:
        return text
    text.append(f"event {whole(event.seq)}  {one_line(str(event.kind), 40)}", style="bold")
    text.append("  replay ", style="muted")
    text.append(f"{one_line(str(event.replay or '–'), 20)}\n")
    for name, after in (("at", "  "), ("stage", "\n"), ("prev", "\n"), ("hash", "\n")):
        text.append(f"{name} ", style="muted")
        text.append(f"{one_line(str(getattr(event, name) or '–'), 80)}{after}")
    _append_json(text, "payload", str(event.payload), event.length, most)
    for part in event.sealed:
        named = one_line(str(part.part), 40)
        text.append(f"\n\nsealed part {named}", style="bold")
        text.append(f"  ({part.holds}; the chain holds its SHA-256 alone)", style="muted")
        if part.text is None:
            text.append(f"\n({part.absent})")
        else:
            _append_json(text, f"sealed part {named}", part.text, part.length or 0, most)
    return text


def event_data(event: WholeEntry) -> dict[str, Any]:
    """One event as JSON values: its columns, its sealed parts by name, null for those that are not here, and why."""
    absent = {str(part.part): part.absent for part in event.sealed if part.text is None}
    return {
        **{name: getattr(event, name) for name in ("seq", "at", "stage", "kind")},
        "payload": _value(event.payload),
        **{name: getattr(event, name) for name in ("prev", "hash")},
        "sealed": {str(part.part): None if part.text is None else _value(part.text) for part in event.sealed},
        **({"withheld": absent} if absent else {}),
    }


def _append_json(text: Text, what: str, body: str, length: int, most: int) -> None:
    """A JSON text, indented where all of it is shown."""
    if length > most:
        text.append(f"\n{clipped(body, length, most)}")
        return
    try:
        body = json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        text.append(f"\nthe {what} is not JSON", style="bad")
    text.append(f"\n{clipped(body, limit=4 * most)}")


def _value(body: Any) -> Any:
    """What a JSON text says; the text itself where it is none, as in a damaged record."""
    try:
        return json.loads(body)
    except (TypeError, ValueError):
        return body
