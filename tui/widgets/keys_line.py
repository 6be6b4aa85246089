"""The last line of a screen: the keys that do something now, in the order of the table of actions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.style import Style
from rich.text import Text

from tui.actions.action import Action
from tui.actions.table import ACTIONS
from tui.widgets.words import Words

_KEPT = ("app.help", "app.quit")
"""What stays where there is no room for all: it leads to the others."""

_CUT = "…"


class KeysLine(Words):
    """One text, painted again only where another key is offered; a click on an action does it."""

    auto_links = False

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self.call_after_refresh(self._say_keys))

    def on_resize(self) -> None:
        self._say_keys()

    def _say_keys(self) -> None:
        if not self.is_attached or not self.app.app_focus:
            return
        bound = {active.binding.id: active for active in self.screen.active_bindings.values() if active.binding.show}
        offered = [action for action in ACTIONS if action.id in bound]
        self.say(_line(offered, self.size.width))


def _line(actions: Sequence[Action], width: int) -> Text:
    """The actions that fit; where some do not, a sign says so."""
    parts = [(action, _part(action)) for action in actions]
    kept = [part for action, part in parts if action.id in _KEPT]
    others = [part for action, part in parts if action.id not in _KEPT]
    whole = len(others)
    while others and _cells([*others, *_sign(whole, others), *kept]) > width:
        others.pop()
    return Text("  ").join([*others, *_sign(whole, others), *kept])


def _sign(whole: int, others: Sequence[Any]) -> list[Text]:
    return [Text(_CUT)] if len(others) < whole else []


def _cells(parts: Sequence[Text]) -> int:
    return sum(part.cell_len + 2 for part in parts) - 2


def _part(action: Action) -> Text:
    owner = "app" if "app" in action.places else "screen"
    text = Text(style=Style(meta={"@click": f"{owner}.{action.do}"}))
    return text.append(action.key, style="bold accent").append(f" {action.label}")
