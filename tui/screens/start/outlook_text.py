"""What a run would take and why it cannot be started, in lines for a form: the refusal first, then numbers, notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from core.visible import visible
from tui.commands.starting.outlook import Outlook

_SIGNS = {"ok": ("✓", "good"), "note": ("·", "warning"), "missing": ("✗", "bad")}


def outlook_text(outlook: Outlook) -> Text:
    """All of it, to be wrapped."""
    text = Text(overflow="fold")
    if outlook.refused:
        text.append(f"✗ cannot be started: {visible(outlook.refused)}", style="bad")
    else:
        text.append("✓ can be started", style="good")
    if taken := in_short(outlook.rows):
        text.append(f"\ntakes {taken}", style="bold")
    for note in outlook.notes:
        text.append("\n! ", style="warning").append(f"note: {visible(note)}")
    for row in sorted(outlook.rows, key=lambda row: row["state"] != "missing"):
        sign, style = _SIGNS.get(row["state"], ("·", "warning"))
        text.append(f"\n{sign} ", style=style)
        text.append(visible(str(row["name"])), style="bold")
        if row["state"] == "missing":
            text.append(" missing", style="bad")
        text.append(f"  {visible(str(row['detail']))}")
    return text


def in_short(rows: Sequence[Mapping[str, Any]]) -> str:
    """Calls, money, memory, disk and time in one line, of what is known."""
    found = {row["name"]: row for row in rows}
    calls = [row["estimate"].get("calls") for row in rows if row["name"].startswith("judging: ") and "estimate" in row]
    parts = [f"{sum(filter(None, calls)):,} judge calls"] if any(calls) else []
    firsts = (("judging: all", ";"), ("training: memory", ","), ("training: disk", ","), ("training: time", ","))
    words = {"training: memory": "memory ", "training: disk": "disk "}
    parts += [
        words.get(name, "") + str(found[name]["detail"]).partition(mark)[0] for name, mark in firsts if name in found
    ]
    return visible(" · ".join(parts))
