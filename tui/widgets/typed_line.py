"""A line to type into, whose keys act in the order in which they were pressed."""

from __future__ import annotations

from typing import Any

from textual import events
from textual.binding import Binding
from textual.widgets import Input

_EDITING = {
    key: binding.action
    for binding in Input.BINDINGS
    if isinstance(binding, Binding) and binding.action.startswith(("cursor", "delete", "home", "end"))
    for key in binding.key.split(",")
}
"""What moves in the line or deletes of it, by key."""


class TypedLine(Input):
    """Letters are taken where they arrive, and other keys on their way up to the app: of a burst (a macro, a slow
    connection) the letters behind a Backspace would come before it. The cursor does not blink: each time is paid for
    over SSH."""

    def __init__(self, *parts: Any, **more: Any) -> None:
        super().__init__(*parts, **more)
        self.cursor_blink = False

    async def on_key(self, event: events.Key) -> None:
        action = _EDITING.get(event.key)
        if action is not None:
            event.stop()
            event.prevent_default()
            await self.run_action(action)
